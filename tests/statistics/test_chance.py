"""What answers get that do not look: against runs of random scores, and against enumeration."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import product

import numpy as np
import pytest

from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.statistics.chance import (
    Draw,
    blind_guesses,
    random_comparisons,
    random_draws,
    random_hits,
    random_searches,
    spread_of,
    widened_band,
)
from harness.tasks import closed_set, open_set
from harness.tasks.answers import Answer, Answered
from harness.tasks.comparisons import estimate_of
from harness.tasks.drawing import places_of
from tests.tasks.drawn import dataset, protocol

RUNS = 200


def test_rates_of_random_comparisons_are_those_of_scores_in_the_same_order() -> None:
    found = random_comparisons(12, 300, seed=4)
    for i in range(40):
        # Mated scores at whole numbers, and so many others between them as were drawn.
        between = np.diff(found.below[i], prepend=0, append=found.n)
        mated = np.arange(12.0)
        nonmated = np.repeat(np.arange(13) - 0.5, between)
        assert found.eer()[i] == pytest.approx(
            verification.eer(mated, spread_apart(nonmated)), abs=1e-12
        )
        assert found.eer_convex_hull()[i] == pytest.approx(
            verification.eer_convex_hull(mated, nonmated)
        )
        assert found.auc()[i] == pytest.approx(verification.auc(mated, nonmated))
        for fmr in (0.0, 0.1, 0.37, 1.0):
            wanted = verification.fnmr_at_fmr(mated, spread_apart(nonmated), fmr)
            assert found.fnmr(fmr)[i] == wanted


def spread_apart(scores: np.ndarray) -> np.ndarray:
    """Break ties between whole numbers without leaving the gap."""
    return scores + np.linspace(0, 1e-6, len(scores))


@pytest.mark.parametrize(("mated", "nonmated"), [(344, 4000), (62, 2000), (6, 21)])
def test_the_chance_of_comparisons_is_what_200_random_runs_get(mated: int, nonmated: int) -> None:
    rng = np.random.default_rng(17)
    runs = [(rng.random(mated), rng.random(nonmated)) for _ in range(RUNS)]
    read: dict[str, Callable[..., float]] = {
        "eer": verification.eer,
        "eer-convex-hull": verification.eer_convex_hull,
        "auc": verification.auc,
        "fnmr@fmr=0.1": lambda one, other: verification.fnmr_at_fmr(one, other, 0.1),
    }
    for name, measure in read.items():
        values = np.array([measure(*run) for run in runs])
        estimate = estimate_of(Metric.parse(name), 0.5, mated, nonmated)
        assert estimate.chance is not None
        assert estimate.chance_low is not None
        assert estimate.chance_high is not None
        z = (values.mean() - estimate.chance) / (values.std() / math.sqrt(RUNS))
        assert abs(z) < 3.3, (name, z)
        inside = (values >= estimate.chance_low) & (values <= estimate.chance_high)
        assert 0.90 <= inside.mean() <= 1.0, name


@pytest.mark.slow
def test_what_draws_share_makes_the_band_of_chance_wider() -> None:
    """Two images of each identity hold fewer pairs than twenty draws take from them."""
    world = dataset([2] * 25, photographs=1)
    asked = protocol("closed-set", ["hit-rate@rank=1", "hit-rate@rank=5"], folds={"draws": 20})
    folds = closed_set.TASK.lay_out(world, asked)
    (fold,) = folds
    rng = np.random.default_rng(5)
    outcomes = [
        closed_set.TASK.judge(
            folds, [Answer(rng.random((len(fold.probes), len(fold.gallery))))], world.records, asked
        ).metrics.pooled
        for _ in range(60)
    ]
    for name in asked.metrics:
        values = np.array([outcome[name].value for outcome in outcomes])
        estimate = outcomes[0][name]
        assert estimate.chance is not None
        assert estimate.chance_low is not None
        assert estimate.chance_high is not None
        z = (values.mean() - estimate.chance) / (values.std() / math.sqrt(len(values)))
        assert abs(z) < 3.3
        inside = np.mean((values >= estimate.chance_low) & (values <= estimate.chance_high))
        assert inside >= 0.85
        spread = (estimate.chance_high - estimate.chance_low) / 3.92
        assert spread == pytest.approx(values.std(), rel=0.35)
        n = len(fold.draws) * 25
        alone = math.sqrt(estimate.chance * (1 - estimate.chance) / n)
        assert spread > 1.3 * alone


def test_the_chance_of_open_sets_is_what_random_runs_get() -> None:
    world = dataset([3] * 20, photographs=1)
    metrics = ["fnir@fpir=0.2,rank=1", "open-set-eer@rank=1"]
    asked = protocol("open-set", metrics, folds={"draws": 10, "unknown": 0.3})
    folds = open_set.TASK.lay_out(world, asked)
    (fold,) = folds
    rng = np.random.default_rng(6)
    shape = len(fold.probes), len(fold.gallery)
    for name in metrics:
        metric = Metric.parse(name)
        drawn = random_searches(places_of(folds), 1)
        by_chance = spread_of(open_set.random_rates(*drawn, metric))
        values = []
        for _ in range(100):
            answers = [Answer(rng.random(shape))]
            parts = open_set.TASK.parts(Answered(folds, answers, world.records, asked))
            values.append(open_set.Rotations(parts).value(metric))
        found = np.array(values, dtype=np.float64)
        z = (found.mean() - by_chance.mean) / (found.std() * math.sqrt(1 / 100 + 1 / 200))
        assert abs(z) < 3.3, (name, z)
        inside = np.mean((found >= by_chance.low) & (found <= by_chance.high))
        assert inside >= 0.88, name


def test_a_comparison_has_one_score_in_all_draws() -> None:
    truth = np.eye(2, dtype=bool)
    draws = [
        Draw(np.array([0, 2]), np.array([1, 3]), truth),
        Draw(np.array([2, 0]), np.array([3, 1]), truth),
    ]
    (scores,) = random_draws((4, 5), draws, seed=1, sets=3)
    np.testing.assert_array_equal(scores[0], scores[1][:, ::-1, ::-1])


def test_hits_of_random_draws_have_the_chance_of_each_rank() -> None:
    draws = [Draw(np.arange(6), np.arange(8), np.eye(6, 8, dtype=bool))]
    found = random_hits([((6, 8), draws)], 8, sets=3000)
    np.testing.assert_allclose(found.mean(axis=0), np.arange(1, 9) / 8, atol=0.012)
    assert (np.diff(found, axis=1) >= 0).all()
    assert (found[:, -1] == 1).all()


def test_searches_that_vary_no_more_than_alone_keep_the_exact_band() -> None:
    chances = np.full(40, 0.25)
    low, high = widened_band(chances, np.full(100, 0.25))
    wide = widened_band(chances, np.random.default_rng(1).normal(0.25, 0.2, 500))
    assert wide[0] < low < 0.25 < high < wide[1]
    assert wide[0] >= 0.0
    assert widened_band(np.ones(4), np.ones(9)) == (1.0, 1.0)
    assert math.isnan(widened_band(np.array([]), np.ones(9))[0])


def test_the_band_of_blind_guesses_holds_every_share_of_yes() -> None:
    """All outcomes of seven images, enumerated for a few shares."""
    yes = np.array([1.0] * 4 + [0.0] * 3)
    found = blind_guesses([1 - yes, yes])
    assert found.mean == pytest.approx(4 / 7)
    for share in (0.0, 0.3, 0.8, 1.0):
        p = share * yes + (1 - share) * (1 - yes)
        beyond = 0.0
        for outcome in product((0, 1), repeat=7):
            if sum(outcome) / 7 > found.high:
                beyond += float(np.prod(np.where(outcome, p, 1 - p)))
        assert beyond <= 0.025 + 1e-12


def test_equal_seeds_give_equal_bits_and_huge_sets_take_fewer_draws() -> None:
    one, other = random_comparisons.__wrapped__(50, 1000), random_comparisons(50, 1000)
    np.testing.assert_array_equal(one.below, other.below)
    many = random_comparisons(100_000, 10**10)
    assert many.below.shape == (60, 100_000)
    assert many.fnmr(0.01).mean() == pytest.approx(0.99, abs=1e-3)
