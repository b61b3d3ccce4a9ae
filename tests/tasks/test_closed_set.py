"""Judging closed-set draws, and identification without a probe's own photograph."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.data.records import Dataset, Record
from harness.tasks import closed_set, identification
from harness.tasks.answers import Answer
from harness.tasks.results import OTHER_PHOTOGRAPH, SAME_PHOTOGRAPH
from tests.tasks.drawn import answers, dataset, protocol

METRICS = ["hit-rate@rank=1", "hit-rate@rank=3"]


def test_the_hit_rate_is_the_mean_over_draws() -> None:
    world = dataset([4] * 9)
    asked = protocol("closed-set", METRICS)
    folds = closed_set.TASK.lay_out(world, asked)
    found = answers(folds, 2)
    outcome = closed_set.TASK.judge(folds, found, world.records, asked)

    (fold,), (answer,) = folds, found
    rates = []
    for draw in fold.draws:
        hits = []
        for probe, mate in zip(draw.probes, draw.gallery, strict=True):
            row = answer.scores[fold.probes.index(probe)]
            scores = {name: row[fold.gallery.index(name)] for name in draw.gallery}
            hits.append(sum(s >= scores[mate] for n, s in scores.items() if n != mate) < 1)
        rates.append(np.mean(hits))
    first = outcome.metrics.pooled["hit-rate@rank=1"]
    assert first.value == pytest.approx(np.mean(rates))
    assert first.fold_mean == pytest.approx(np.mean(rates))
    assert first.fold_sd == pytest.approx(np.std(rates, ddof=1))
    assert first.chance == pytest.approx(1 / 9)
    assert outcome.metrics.counts["draws"] == 10
    assert outcome.metrics.counts["identities"] == 9


def test_finding_copies_of_the_same_photograph_is_told_from_finding_tattoos() -> None:
    world = dataset([4] * 12)
    asked = protocol("closed-set", METRICS)
    folds = closed_set.TASK.lay_out(world, asked)
    (fold,) = folds
    scores = np.zeros((len(fold.probes), len(fold.gallery)))
    for i, probe in enumerate(fold.probes):
        for j, reference in enumerate(fold.gallery):
            scores[i, j] = world.records[probe].source == world.records[reference].source
    outcome = closed_set.TASK.judge(folds, [Answer(scores)], world.records, asked)
    parts = outcome.metrics.subsets
    same, other = (parts[name]["hit-rate@rank=1"] for name in (SAME_PHOTOGRAPH, OTHER_PHOTOGRAPH))
    assert same.value == 1.0
    assert other.value == 0.0
    assert same.n + other.n == 120
    assert outcome.metrics.pooled["hit-rate@rank=1"].value == same.n / 120


def test_an_own_photograph_that_is_left_out_is_not_in_the_gallery() -> None:
    records = {}
    for i in range(3):
        for k in range(2):
            for name, role in ((f"{i}_{k}.jpg", "reference"), (f"{i}_{k}_a1.jpg", "probe")):
                records[name] = Record(
                    name, Path(name), tattoo=str(i), source=f"{i}_{k}", role=role
                )
    lone = Record("9_0_a1.jpg", Path("9_0_a1.jpg"), tattoo="9", source="9_0", role="probe")
    photo = Record("9_0.jpg", Path("9_0.jpg"), tattoo="9", source="9_0", role="reference")
    records |= {lone.name: lone, photo.name: photo}
    world = Dataset("bivtatt", Path(), "bivtatt", records)
    asked = protocol("identification", METRICS, data={"same-source": "left-out"})
    (fold,) = identification.TASK.lay_out(world, asked)
    assert lone.name not in fold.probes  # no other photograph of its tattoo
    assert photo.name in fold.gallery
    scores = np.zeros((len(fold.probes), len(fold.gallery)))
    for i, probe in enumerate(fold.probes):  # the own photograph would always win
        for j, reference in enumerate(fold.gallery):
            if records[probe].source == records[reference].source:
                scores[i, j] = 5.0
            elif records[probe].tattoo == records[reference].tattoo:
                scores[i, j] = 1.0
    outcome = identification.TASK.judge([fold], [Answer(scores)], records, asked)
    first = outcome.metrics.pooled["hit-rate@rank=1"]
    assert first.value == 1.0
    assert first.n == 6
    assert first.chance == pytest.approx(1 / 6)  # seven photographs without the own one
    for search in outcome.searches:
        assert search.gallery == 6
        listed = [records[c.reference].source for c in search.candidates]
        assert records[search.probe].source not in listed
        assert len(listed) == 6
