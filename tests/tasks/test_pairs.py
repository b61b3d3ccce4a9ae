"""Comparisons know their images, and one threshold judges all of them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from harness.tasks import closed_set, identification, open_set, verification
from harness.tasks.answers import Answered
from harness.tasks.pairs import Pairs, threshold_of
from harness.tasks.task import Task
from tests.tasks.drawn import answers, dataset, protocol

TASKS: dict[str, tuple[Task[Any, Any], str]] = {
    "identification": (identification.TASK, "hit-rate@rank=1"),
    "closed-set": (closed_set.TASK, "hit-rate@rank=1"),
    "open-set": (open_set.TASK, "open-set-eer@rank=1"),
    "verification": (verification.TASK, "eer"),
}


def answered(kind: str, failed: tuple[str, ...] = ()) -> tuple[Answered, Pairs]:
    task, metric = TASKS[kind]
    asked = protocol(kind, [metric], folds={"draws": 3} if "set" in kind else {})
    world = dataset([3, 2, 4, 3, 2, 3])
    folds = task.lay_out(world, asked)
    run = Answered(folds, answers(folds, 3, failed), world.records, asked)
    pairs = task.pairs(run)
    assert pairs is not None
    return run, pairs


@pytest.mark.parametrize("kind", TASKS)
def test_every_comparison_has_the_score_of_its_two_images(kind: str) -> None:
    run, pairs = answered(kind)
    ((fold, answer),) = run.by_fold
    for side in (pairs.mated, pairs.nonmated):
        assert len(side.scores) > 5
        for score, probe, reference in zip(*side, strict=True):
            names = pairs.names[probe], pairs.names[reference]
            at = fold.probes.index(names[0]), fold.gallery.index(names[1])
            assert score == answer.scores[at]
            assert (names in fold.mates) is (side is pairs.mated)
            same = pairs.identities[probe] == pairs.identities[reference]
            assert same == (names[0][:3] == names[1][:3]) == (side is pairs.mated)


@pytest.mark.parametrize("kind", TASKS)
def test_a_refused_image_fails_its_mated_comparisons_and_has_no_others(kind: str) -> None:
    _, whole = answered(kind)
    lost = whole.names[whole.mated.probes[0]]
    _, pairs = answered(kind, (lost,))
    place = pairs.names.index(lost)
    mated = (pairs.mated.probes == place) | (pairs.mated.references == place)
    assert mated.any()
    assert np.isneginf(pairs.mated.scores[mated]).all()
    assert np.isfinite(pairs.mated.scores[~mated]).all()
    assert len(pairs.mated.scores) == len(whole.mated.scores)
    assert place not in (*pairs.nonmated.probes, *pairs.nonmated.references)


def test_the_threshold_is_of_the_lowest_rate_that_thirty_false_matches_stand_behind() -> None:
    rng = np.random.default_rng(1)
    for n, fmr in ((29_999, 0.01), (30_000, 0.001), (3_000, 0.01), (2_999, 0.1), (40, 0.1)):
        scores = rng.normal(size=n)
        found = threshold_of(scores)
        assert found is not None
        assert found.fmr == fmr
        assert found.is_sure is (n >= 300)
        assert found.false_matches == int(fmr * n) == sum(scores > found.bar)


def test_tied_scores_match_together_or_not_at_all() -> None:
    found = threshold_of(np.ones(50))
    assert found is not None
    assert (found.bar, found.false_matches, found.is_sure) == (1.0, 0, False)
    assert threshold_of(np.empty(0)) is None


def test_what_is_not_known_of_an_image_is_nan_or_no_label() -> None:
    _, pairs = answered("verification")
    first, *_, last = pairs.names
    values = pairs.of_images({first: 0.5, last: None})
    assert values[0] == 0.5
    assert np.isnan(values[1:]).all()
    assert pairs.labels({first: "a", last: "b"}).tolist() == [0, *[-1] * (len(values) - 2), 1]


@pytest.mark.parametrize("kind", TASKS)
def test_likelihood_ratios_are_calibrated_on_the_comparisons_that_took_place(kind: str) -> None:
    run, pairs = answered(kind)
    task, _ = TASKS[kind]
    found = task.comparisons(run.folds, run.answers, run.records)
    for name in ("mated", "nonmated"):
        scores = np.concatenate([getattr(fold, name) for fold in found])
        assert np.isfinite(scores).all()
        assert sorted(scores) == sorted(getattr(pairs, name).scores)
