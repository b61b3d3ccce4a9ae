"""Judging verification, against one comparison after the other."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.metrics import verification as measuring
from harness.statistics.likelihood.assessment import assess
from harness.tasks import verification
from harness.tasks.answers import Answer
from harness.tasks.results import OTHER_PHOTOGRAPH, SAME_PHOTOGRAPH
from tests.tasks.drawn import answers, dataset, protocol

METRICS = ["fnmr@fmr=0.1", "eer", "auc"]


@pytest.mark.parametrize("failed", [(), ("t01/00.png", "t05/01.png")])
def test_every_figure_is_that_of_the_listed_comparisons(failed: tuple[str, ...]) -> None:
    world = dataset([3, 2, 4, 3, 1, 2, 3])
    asked = protocol("verification", METRICS)
    folds = verification.TASK.lay_out(world, asked)
    found = answers(folds, 3, failed)
    outcome = verification.TASK.judge(folds, found, world.records, asked)

    (fold,), (answer,) = folds, found
    place = {name: i for i, name in enumerate(fold.probes)}

    def score(a: str, b: str) -> float:
        value = float(answer.scores[place[a], place[b]])
        return -math.inf if math.isnan(value) else value

    mated = np.array([score(a, b) for a, b in fold.mates])
    nonmated = np.array([score(a, b) for a, b in fold.nonmates])
    nonmated = nonmated[np.isfinite(nonmated)]
    pooled = outcome.metrics.pooled
    assert pooled["eer"].value == measuring.eer(mated, nonmated)
    assert pooled["fnmr@fmr=0.1"].value == measuring.fnmr_at_fmr(mated, nonmated, 0.1)
    assert pooled["auc"].value == measuring.auc(mated, nonmated)
    assert pooled["eer"].n == len(fold.mates)
    assert outcome.metrics.counts["identities"] == 6  # one has a single image
    same = [world.records[a].source == world.records[b].source for a, b in fold.mates]
    assert outcome.metrics.counts["same_source_mated"] == sum(same)


def test_mates_of_one_photograph_are_reported_apart() -> None:
    world = dataset([4] * 6)
    asked = protocol("verification", METRICS)
    folds = verification.TASK.lay_out(world, asked)
    (fold,) = folds
    scores = np.zeros((len(fold.probes), len(fold.gallery)))
    for a, b in fold.mates:  # a matcher that finds copies and nothing else
        if world.records[a].source == world.records[b].source:
            scores[fold.probes.index(a), fold.gallery.index(b)] = 1.0
    outcome = verification.TASK.judge(folds, [Answer(scores)], world.records, asked)
    parts = outcome.metrics.subsets
    assert parts[SAME_PHOTOGRAPH]["eer"].value == 0.0
    assert parts[OTHER_PHOTOGRAPH]["eer"].value == 0.5
    assert parts[SAME_PHOTOGRAPH]["eer"].n + parts[OTHER_PHOTOGRAPH]["eer"].n == len(fold.mates)


def test_equal_scores_are_an_eer_of_one_half() -> None:
    world = dataset([2] * 5)
    asked = protocol("verification", METRICS)
    folds = verification.TASK.lay_out(world, asked)
    scores = np.ones((len(folds[0].probes), len(folds[0].gallery)))
    outcome = verification.TASK.judge(folds, [Answer(scores)], world.records, asked)
    assert outcome.metrics.pooled["eer"].value == 0.5
    assert outcome.metrics.pooled["fnmr@fmr=0.1"].value == 1.0


def test_likelihood_ratios_are_of_the_comparisons_that_count() -> None:
    asked = protocol("verification", ["eer"], folds={"count": 3})
    world = dataset([3] * 12)
    folds = verification.TASK.lay_out(world, asked)
    found = answers(folds)
    parts = verification.TASK.comparisons(folds, found, world.records)
    mated, nonmated = verification.scores_of(folds, found, world.records)
    assert sorted(s for part in parts for s in part.mated) == sorted(mated)
    assert sorted(s for part in parts for s in part.nonmated) == sorted(nonmated)
    for part in parts:
        assert not np.any(part.nonmated_probe == part.nonmated_reference)
    judged = assess(parts, replicates=20)
    assert judged.counts["identities"] == 12
    assert judged.estimates["cllr"].value is not None
