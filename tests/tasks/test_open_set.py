"""Judging open-set searches, against one search after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.tasks import open_set
from harness.tasks.answers import Answer
from harness.tasks.open_set import chance_fnir
from tests.tasks.drawn import answers, dataset, protocol

METRICS = ["fnir@fpir=0.1,rank=1", "fnir@fpir=0.3,rank=2", "open-set-eer@rank=1"]


@pytest.mark.parametrize("failed", [(), ("t01/00.png", "t05/01.png", "t07/02.png")])
def test_fnir_is_the_lowest_at_any_threshold_whose_fpir_is_allowed(failed: tuple[str, ...]) -> None:
    world = dataset([3] * 12)
    asked = protocol("open-set", METRICS, folds={"draws": 4, "unknown": 0.25})
    folds = open_set.TASK.lay_out(world, asked)
    found = answers(folds, 5, failed)
    outcome = open_set.TASK.judge(folds, found, world.records, asked)

    (fold,), (answer,) = folds, found
    mates, tops = [], []  # (rank, score) of each mate; top score of each stranger
    for draw in fold.draws:
        for probe in draw.probes:
            row = {
                reference: float(
                    answer.scores[fold.probes.index(probe), fold.gallery.index(reference)]
                )
                for reference in draw.gallery
            }
            row = {name: -math.inf if math.isnan(s) else s for name, s in row.items()}
            own = [name for name in row if name.split("/")[0] == probe.split("/")[0]]
            if own:
                (mate,) = own
                better = sum(s >= row[mate] for name, s in row.items() if name != mate)
                mates.append((better + 1, row[mate]))
            else:  # refusing a stranger must not pay
                tops.append(math.inf if probe in failed else max(row.values()))

    def fnir(rank: int, fpir: float) -> float:
        thresholds = [*sorted({s for _, s in mates if s > -math.inf} | set(tops)), math.inf]
        rates = [
            np.mean([not (r <= rank and s >= t) for r, s in mates])
            for t in thresholds
            if np.mean([top >= t for top in tops]) <= fpir
        ]
        return float(min(rates, default=1.0))

    pooled = outcome.metrics.pooled
    assert pooled["fnir@fpir=0.1,rank=1"].value == pytest.approx(fnir(1, 0.1), abs=0)
    assert pooled["fnir@fpir=0.3,rank=2"].value == pytest.approx(fnir(2, 0.3), abs=0)
    assert outcome.metrics.counts["nonmated_searches"] == len(tops)


def test_a_stranger_on_top_is_no_hit() -> None:
    world = dataset([2] * 10)
    asked = protocol("open-set", METRICS, folds={"draws": 10, "unknown": 0.1})
    folds = open_set.TASK.lay_out(world, asked)
    (fold,) = folds
    scores = np.zeros((len(fold.probes), len(fold.gallery)))
    whose = [name.split("/")[0] for name in fold.gallery]
    for i, probe in enumerate(fold.probes):  # every top score is high and belongs to another
        wrong = [j for j, owner in enumerate(whose) if owner != probe.split("/")[0]]
        scores[i, wrong] = 0.9
    outcome = open_set.TASK.judge(folds, [Answer(scores)], world.records, asked)
    assert outcome.metrics.pooled["fnir@fpir=0.1,rank=1"].value == 1.0


@pytest.mark.parametrize(("rank", "fpir"), [(1, 0.1), (3, 0.3), (1, None)])
def test_the_chance_level_is_what_random_scores_get(rank: int, fpir: float | None) -> None:
    rng = np.random.default_rng(1)
    size, searches = 8, 40_000
    scores = rng.random((searches, size))
    tops = np.sort(rng.random((searches, size)).max(axis=1))
    mate, others = scores[:, 0], scores[:, 1:]
    within = (others >= mate[:, None]).sum(axis=1) < rank
    chance = chance_fnir(np.full(5, size), fpir, rank)
    assert chance is not None
    bar = tops[round((1 - (chance if fpir is None else fpir)) * searches)]
    assert chance == pytest.approx(1 - (within & (mate >= bar)).mean(), abs=0.006)


def test_chance_without_searches_is_no_number() -> None:
    assert chance_fnir(np.array([], dtype=np.int64), 0.1, 1) is None
