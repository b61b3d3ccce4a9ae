"""Gini coefficient and highest rate over geometric mean: by the formula, term by term."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics.differentials import gini, highest_to_mean

RATES = st.lists(st.integers(0, 40), min_size=2, max_size=8)


def gini_by_pairs(rates: list[float]) -> float:
    """Return the formula of the source: every pair of groups, and n / (n - 1)."""
    n, mean = len(rates), sum(rates) / len(rates)
    if not mean:
        return 0.0
    apart = sum(abs(a - b) for a in rates for b in rates)
    return n / (n - 1) * apart / (2 * n * n * mean)


@given(RATES)
def test_gini_is_the_mean_difference_of_all_pairs_of_groups(errors: list[int]) -> None:
    rates = [one / 40 for one in errors]
    assert float(gini(np.array(rates))) == pytest.approx(gini_by_pairs(rates), abs=1e-12)


@given(RATES, st.integers(41, 200))
def test_the_ratio_is_the_highest_rate_over_the_geometric_mean(errors: list[int], n: int) -> None:
    rates = [(one or 0.5) / n for one in errors]
    expected = max(rates) / math.prod(rates) ** (1 / len(rates))
    found = highest_to_mean(np.array(errors), np.full(len(errors), n))
    assert float(found) == pytest.approx(max(1.0, expected), rel=1e-12)


def test_a_worked_example() -> None:
    # FMR of .001, .002 and .004: pairs lie .001, .002 and .003 apart, on average .002, over twice
    # the mean of .007 / 3; the geometric mean is .002.
    rates = np.array([0.001, 0.002, 0.004])
    assert float(gini(rates)) == pytest.approx(0.002 / (2 * 0.007 / 3))
    assert float(highest_to_mean(rates * 10_000, np.full(3, 10_000))) == pytest.approx(2.0)


def test_all_errors_in_one_of_any_number_of_groups_is_one_and_equal_rates_are_none() -> None:
    for n in (2, 3, 10):
        assert float(gini(np.eye(n)[0] * 0.3)) == pytest.approx(1.0)
        assert float(gini(np.full(n, 0.1))) == 0.0
        assert float(gini(np.zeros(n))) == 0.0
        assert float(highest_to_mean(np.full(n, 3), np.full(n, 7))) == 1.0


def test_one_group_none_and_a_group_without_trials_have_no_answer() -> None:
    for rates in (np.array([0.3]), np.array([]), np.array([0.1, np.nan, 0.2])):
        assert math.isnan(float(gini(rates)))
    for errors, trials in (([1], [2]), ([], []), ([1, 0], [2, 0])):
        assert math.isnan(float(highest_to_mean(np.array(errors), np.array(trials))))


def test_a_group_without_an_error_counts_half_and_more_trials_set_it_farther_apart() -> None:
    few, many = (
        float(highest_to_mean(np.array([0, 10]), np.array([n, 100]))) for n in (100, 10_000)
    )
    assert few == pytest.approx(10 / math.sqrt(0.5 * 10))
    assert many == pytest.approx(0.1 / math.sqrt(0.1 * 0.5 / 10_000))
