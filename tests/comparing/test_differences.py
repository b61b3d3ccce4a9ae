"""Paired differences: what they are, and what they are where there is little to go by."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.comparing.differences import difference
from harness.comparing.repeated import repeated
from harness.comparing.subgroups import groups
from harness.comparing.verdict import judge
from harness.metrics import verification
from harness.tasks.trials import Statistic, Values
from tests.comparing.made_scores import comparisons


def values(outcomes: list[float], whose: list[int] | None = None) -> Values:
    labels = np.arange(len(outcomes)) if whose is None else np.array(whose)
    return Values(np.array(outcomes, dtype=np.float64), labels)


def test_the_change_of_a_mean_is_the_difference_of_the_means() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.random(200), rng.random(200)
    whose = np.repeat(np.arange(50), 4)
    found = difference(Values(first, whose), Values(second, whose))
    assert found.change == pytest.approx(second.mean() - first.mean(), abs=1e-15)
    assert (found.first, found.second) == (first.mean(), second.mean())
    assert found.low < found.change < found.high
    assert (found.trials, found.identities, found.changed) == (200, 50, 50)


def test_the_order_of_the_runs_turns_the_interval_round() -> None:
    rng = np.random.default_rng(2)
    first, second = (rng.random(120) < 0.8).astype(float), (rng.random(120) < 0.6).astype(float)
    whose = np.repeat(np.arange(40), 3)
    one = difference(Values(first, whose), Values(second, whose))
    other = difference(Values(second, whose), Values(first, whose))
    assert (one.low, one.high) == pytest.approx((-other.high, -other.low), abs=0.006)


def as_a_whole(outcomes: npt.NDArray[np.float64], whose: npt.NDArray[Any]) -> Statistic:
    """A mean, as a metric that is computed from all images together."""
    return Statistic(lambda places: float(outcomes[places].mean()), whose, outcomes)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_metric_computed_as_a_whole_changes_as_the_mean_that_it_is(seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = rng.random(120), rng.random(120)
    second[:60] = first[:60]
    whose = np.repeat(np.arange(40), 3)
    one = difference(Values(first, whose), Values(second, whose))
    other = difference(as_a_whole(first, whose), as_a_whole(second, whose))
    assert (other.first, other.second) == pytest.approx((one.first, one.second))
    assert other.change == pytest.approx(one.change)
    width = one.high - one.low
    assert (other.low, other.high) == pytest.approx((one.low, one.high), abs=0.15 * width)
    assert (other.trials, other.identities) == (one.trials, one.identities)
    assert other.changed >= one.changed


def test_equal_answers_do_not_change_a_metric_computed_as_a_whole() -> None:
    answers, whose = np.random.default_rng(4).random(30), np.arange(30)
    found = difference(as_a_whole(answers, whose), as_a_whole(answers.copy(), whose))
    assert (found.change, found.changed) == (0.0, 0)
    assert 0 < found.high < 0.15


def test_a_metric_computed_as_a_whole_needs_two_identities_and_a_value() -> None:
    few = as_a_whole(np.array([0.5, 0.7]), np.array([1, 1]))
    assert math.isnan(difference(few, as_a_whole(np.array([0.1, 0.2]), few.identities)).low)
    unknown = Statistic(lambda places: math.nan, np.arange(5), np.zeros(5))
    assert math.isnan(difference(unknown, unknown).low)


def test_trials_of_different_kinds_are_not_paired() -> None:
    answers, whose = np.random.default_rng(5).random(30), np.arange(30)
    with pytest.raises(ValueError, match="different kinds"):
        difference(Values(answers, whose), as_a_whole(answers, whose))


def test_fits_of_a_metric_computed_as_a_whole_are_joined_as_those_of_a_mean() -> None:
    rng = np.random.default_rng(6)
    whose = np.repeat(np.arange(40), 2)
    fits = [rng.random(80) for _ in range(5)]
    one = repeated([Values(fit, whose) for fit in fits])
    other = repeated([as_a_whole(fit, whose) for fit in fits])
    assert other.value == pytest.approx(one.value)
    width = one.interval.high - one.interval.low
    assert other.interval.low == pytest.approx(one.interval.low, abs=0.2 * width)
    assert other.interval.high == pytest.approx(one.interval.high, abs=0.2 * width)


def test_pairing_is_worth_more_than_twice_the_identities() -> None:
    rng = np.random.default_rng(3)
    hard = rng.random(300) < 0.3
    first = np.where(hard, 0.0, 1.0)
    second = np.where(rng.random(300) < 0.03, 1 - first, first)
    paired = difference(values(list(first)), values(list(second)))
    alone = math.sqrt(2 * first.var() / 300)
    assert (paired.high - paired.low) / (2 * 1.96) < alone / math.sqrt(2)


def test_a_few_losses_are_not_yet_sure_to_be_one() -> None:
    """With k identities that all lose, the sign test has p = 2 ** -k: 5 are needed for 5 %."""
    for lost in (1, 2, 3, 5, 6, 7):
        second = [0.0] * lost + [1.0] * (300 - lost)
        found = difference(values([1.0] * 300), values(second), level=0.9)
        assert (found.high < 0) == (lost >= 5), lost


def test_no_change_in_n_identities_bounds_the_change_by_the_rule_of_three() -> None:
    found = difference(values([1.0] * 300), values([1.0] * 300), level=0.9)
    assert found.change == 0
    assert found.high == -found.low == pytest.approx(1 - 0.05 ** (1 / 300))


def test_missing_values_are_left_out_of_both_runs() -> None:
    found = difference(values([1, 0, math.nan, 1]), values([1, 1, 1, math.nan]))
    assert (found.trials, found.first, found.second) == (2, 0.5, 1.0)


@pytest.mark.parametrize("outcomes", [[], [1.0], [math.nan, math.nan]])
def test_without_two_identities_there_is_no_interval(outcomes: list[float]) -> None:
    found = difference(values(outcomes), values([0.0] * len(outcomes)))
    assert math.isnan(found.low)
    assert math.isnan(found.high)
    assert "two identities" in found.method


@pytest.mark.parametrize("measure", ["eer", "fnmr", "auc", "d-prime", "eer-convex-hull"])
def test_the_change_of_a_rate_is_that_of_all_comparisons(measure: str) -> None:
    rate = 0.02 if measure == "fnmr" else math.nan
    first, second = (
        replace(comparisons(60, seed, mean=mean), measure=measure, rate=rate)
        for seed, mean in ((1, 2.5), (2, 2.1))
    )
    found = difference(first, second)
    if measure == "fnmr":
        a, b = (verification.fnmr_at_fmr(s.mated, s.nonmated, rate) for s in (first, second))
    else:
        function = getattr(verification, measure.replace("-", "_"))
        a, b = (function(s.mated, s.nonmated) for s in (first, second))
    assert (found.first, found.second, found.change) == (a, b, b - a)
    assert found.low < found.change < found.high


def test_equal_scores_of_n_identities_bound_the_change_too() -> None:
    scores = replace(comparisons(60, 1), measure="fnmr", rate=0.01)
    found = difference(scores, replace(scores, mated=scores.mated.copy()))
    assert (found.change, found.changed) == (0, 0)
    assert found.high == pytest.approx(1 - 0.025 ** (1 / 60))


def test_equal_seeds_give_equal_intervals() -> None:
    first, second = comparisons(40, 1), comparisons(40, 2)
    assert difference(first, second, seed=5) == difference(first, second, seed=5)
    assert difference(first, second, seed=5) != difference(first, second, seed=6)


def test_runs_that_do_not_match_trial_by_trial_are_refused() -> None:
    with pytest.raises(ValueError, match="different numbers"):
        difference(values([1, 0]), values([1, 0, 1]))
    with pytest.raises(ValueError, match="kinds"):
        difference(values([1, 0]), comparisons(5, 1))
    with pytest.raises(ValueError, match="different comparisons"):
        difference(comparisons(5, 1), comparisons(6, 1))


@pytest.mark.parametrize("lost", [4, 12, 60])
def test_no_interval_that_is_shown_holds_a_change_that_cannot_be(lost: int) -> None:
    whose = [0] * 40 + list(range(1, lost))  # the imagined identities move further than one image
    trials = len(whose)
    found = difference(values([1.0] * trials, whose), values([0.0] * trials, whose))
    assert found.change == -1.0 > found.low
    low, high = found.ends(1.0)
    assert (low, high) == (-1.0, min(1.0, found.high))
    assert found.ends(math.inf) == (found.low, found.high)
    trial = judge("hits", found, 0.1, lower_is_better=False, span=1.0)
    assert (trial.low, trial.high) == (-high, 1.0)
    sides = [{"side": "left"}] * trials + [{"side": "right"}] * trials
    named = [str(one) for one in whose] * 2
    before, after = np.repeat([1.0, 0.5], trials), np.repeat([0.0, 0.5], trials)
    left = groups(sides, named, before, after, span=1.0)[0]
    assert (left.value, left.change, left.low) == ("left", -1.0, -1.0)
