"""Rates of groups of identities: counts by brute force, intervals and shuffles by simulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from harness.metrics.differentials import gini
from harness.statistics.bootstrap import choose_interval
from harness.statistics.differentials import (
    Counts,
    between_and_within,
    group_intervals,
    rates_apart,
    shuffled_labels,
    within,
)
from harness.statistics.intervals import clopper_pearson


def compared(seed: int, identities: int = 9, comparisons: int = 120) -> tuple[Any, ...]:
    rng = np.random.default_rng(seed)
    one, other = rng.integers(0, identities, (2, comparisons))
    return rng.random(comparisons) < 0.3, one, other


@pytest.mark.parametrize("seed", range(3))
def test_a_comparison_counts_as_often_as_both_identities_were_drawn_and_an_own_one_once_for_each(
    seed: int,
) -> None:
    wrong, one, other = compared(seed)
    counts = between_and_within(wrong, one, other, 9)
    drawn = np.random.default_rng(seed).integers(0, 3, (7, 9))
    errors, trials = counts.of(drawn)
    for draw, found, of in zip(drawn, errors, trials, strict=True):
        times = [draw[a] if a == b else draw[a] * draw[b] for a, b in zip(one, other, strict=True)]
        assert of == sum(times)
        assert found == sum(t for t, w in zip(times, wrong, strict=True) if w)


def test_a_group_is_whoever_counts_and_its_comparisons_are_those_of_two_of_it() -> None:
    wrong, one, other = compared(5)
    counts = between_and_within(wrong, one, other, 9)
    members = np.array([1, 1, 1, 0, 0, 0, 1, 0, 0])
    inside = (members[one] * members[other]).astype(bool)
    errors, trials = counts.of(members[np.newaxis])
    assert (errors[0], trials[0]) == (wrong[inside].sum(), inside.sum())


def test_many_errors_are_counted_as_few_are() -> None:
    wrong, one, other = compared(1, 40, 900)
    rare = wrong & (np.arange(900) % 40 == 0)
    draws = np.random.default_rng(0).integers(0, 4, (5, 40))
    for chosen in (wrong, rare, np.ones(900, bool), np.zeros(900, bool)):
        plain = between_and_within(chosen, one, other, 40).of(draws)[0]
        own = one == other
        weights = np.where(own, draws[:, one], draws[:, one] * draws[:, other])
        assert plain.tolist() == (weights * chosen).sum(axis=1).tolist()


def test_rates_of_single_identities_have_the_interval_that_all_rates_have() -> None:
    rng = np.random.default_rng(3)
    whose = np.repeat(np.arange(30), 4)
    wrong = rng.random(120) < np.repeat(rng.random(30), 4)
    (found,) = group_intervals(within(wrong, whose, 30), np.zeros(30, np.int64), 1, replicates=2000)
    known = choose_interval(wrong.astype(float), whose)
    assert (found.low, found.high) == pytest.approx((known.low, known.high), abs=0.015)


def test_without_an_error_the_bound_is_that_of_as_many_trials_as_identities() -> None:
    whose = np.repeat(np.arange(12), 5)
    (found,) = group_intervals(within(np.zeros(60, bool), whose, 12), np.zeros(12, np.int64), 1)
    known = clopper_pearson(0, 12)
    assert (found.low, found.high) == (known.low, known.high)
    one, other = np.repeat(np.arange(4), 20), np.tile(np.arange(4, 24), 4)
    counts = between_and_within(np.zeros(80, bool), one, other, 24)
    (found,) = group_intervals(counts, np.zeros(24, np.int64), 1)
    assert found.high == clopper_pearson(0, 4).high, "four probes, however many references"


def test_a_group_without_trials_and_one_of_one_identity_have_no_interval() -> None:
    counts = within(np.array([True, False]), np.array([0, 0]), 3)
    nobody, single = group_intervals(counts, np.array([1, 0, 0]), 2)
    assert np.isnan([nobody.low, nobody.high, single.low, single.high]).all()
    assert nobody.method == "no trials"


def test_shuffled_groups_are_as_large_as_before_in_every_stratum_and_leave_others_alone() -> None:
    labels = np.array([0, 0, 1, 1, 1, 2, -1, 0, 1, 2, 2, -1])
    strata = np.array([0] * 7 + [1] * 5)
    dealt = shuffled_labels(labels, strata, 200, seed=4)
    assert (dealt[:, labels < 0] == -1).all()
    for stratum in (0, 1):
        here = np.sort(dealt[:, strata == stratum], axis=1)
        assert (here == np.sort(labels[strata == stratum])).all()
    assert len({tuple(one) for one in dealt.tolist()}) > 100
    assert (shuffled_labels(labels, strata, 200, seed=4) == dealt).all()


def test_the_value_is_that_of_the_rates_and_the_share_that_of_the_shuffles() -> None:
    rng = np.random.default_rng(0)
    labels = np.repeat([0, 1, 2], 8)
    wrong = rng.random(24) < np.array([0.1, 0.4, 0.6])[labels]
    counts = within(wrong, np.arange(24), 24)
    found, ratio = rates_apart(counts, labels, 3, np.zeros(24, np.int64), shuffles=400, seed=7)
    rates = np.array([wrong[labels == group].mean() for group in range(3)])
    assert found.value == pytest.approx(float(gini(rates)))
    dealt = shuffled_labels(labels, np.zeros(24, np.int64), 400, seed=7)
    by_hand = [
        float(gini(np.array([wrong[one == group].mean() for group in range(3)]))) for one in dealt
    ]
    reached = sum(one >= found.value - 1e-9 for one in by_hand)
    assert found.p == pytest.approx((1 + reached) / 401)
    assert found.shuffled == pytest.approx(np.median(by_hand))
    assert found.shuffled_high == pytest.approx(np.quantile(by_hand, 0.95))
    assert ratio.value == pytest.approx(rates.max() / np.prod(np.maximum(rates, 1 / 16)) ** (1 / 3))
    assert (found.interval.low == 0.0) == (found.p >= 0.05)
    assert (ratio.interval.low == 1.0) == (ratio.p >= 0.05)


def test_one_group_or_one_without_trials_lies_apart_from_nobody() -> None:
    counts = within(np.array([True, False, True]), np.array([0, 1, 1]), 3)
    strata = np.zeros(3, np.int64)
    for labels, groups in ((np.zeros(3, np.int64), 1), (np.array([0, 0, 1]), 2)):
        for found in rates_apart(counts, labels, groups, strata, shuffles=9):
            assert np.isnan([found.value, found.p, found.interval.low]).all()


def test_equal_outcomes_lie_nowhere_apart_and_every_shuffle_reaches_that() -> None:
    counts = within(np.tile([True, False], 20), np.repeat(np.arange(20), 2), 20)
    labels = np.repeat([0, 1], 10)
    for found, none in zip(
        rates_apart(counts, labels, 2, np.zeros(20, np.int64), shuffles=50), (0.0, 1.0), strict=True
    ):
        assert (found.value, found.p, found.shuffled) == (none, 1.0, none)
        assert (found.interval.low, found.interval.high) == (none, none)


def drawn_world(
    rng: np.random.Generator, sizes: list[int], missed: list[float], false: list[float]
) -> tuple[npt.NDArray[np.int64], Counts, Counts]:
    """Return groups, and counts of comparisons in which identities differ, as people do."""
    labels = np.repeat(np.arange(len(sizes)), sizes)
    number = len(labels)
    rate = np.array(missed)[labels]
    own = rng.beta(rate * 2.3, (1 - rate) * 2.3)
    whose = np.repeat(np.arange(number), 3)
    mated = within(rng.random(len(whose)) < own[whose], whose, number)
    one, other = np.nonzero(~np.eye(number, dtype=bool))
    leaning = np.exp(rng.normal(0, 0.7, number) - 0.245)
    chance = np.clip(np.array(false)[labels[one]] * leaning[one] * leaning[other], 0, 1)
    return labels, mated, between_and_within(rng.random(len(one)) < chance, one, other, number)


@pytest.mark.parametrize("kind", ["missed", "false"])
def test_where_groups_are_dealt_at_random_intervals_cover_and_one_in_twenty_is_called_apart(
    kind: str,
) -> None:
    """With 200 worlds they cover 96 % (missed) and 99 % (false), and no difference 95 %."""
    rng = np.random.default_rng(11)
    covered, equal, called = [], [], 0
    for seed in range(40):
        labels, mated, nonmated = drawn_world(rng, [30, 20, 15, 15], [0.2] * 4, [0.02] * 4)
        counts, truth = (mated, 0.2) if kind == "missed" else (nonmated, 0.02)
        intervals = group_intervals(counts, labels, 4, replicates=200, seed=seed)
        covered += [one.low <= truth <= one.high for one in intervals]
        strata = np.zeros(len(labels), np.int64)
        apart, _ = rates_apart(counts, labels, 4, strata, replicates=50, shuffles=99, seed=seed)
        equal.append(apart.interval.low == 0.0)
        called += apart.p < 0.05
    assert np.mean(covered) >= 0.9
    assert np.mean(equal) >= 0.85
    assert called <= 6  # more has a probability of .01


def test_groups_that_lie_apart_are_found_so_and_the_interval_holds_by_how_much() -> None:
    rng = np.random.default_rng(12)
    rates = [0.1, 0.2, 0.3, 0.5]
    truth = float(gini(np.array(rates)))
    held = []
    for seed in range(30):
        labels, mated, _ = drawn_world(rng, [25] * 4, rates, [0.02] * 4)
        strata = np.zeros(100, np.int64)
        apart, _ = rates_apart(mated, labels, 4, strata, replicates=200, shuffles=99, seed=seed)
        held.append(apart.interval.low <= truth <= apart.interval.high and apart.p < 0.05)
    assert np.mean(held) >= 0.8
