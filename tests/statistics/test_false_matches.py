"""Intervals of a false match rate at a fixed threshold: they cover, and know whom pairs join."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest

from harness.statistics import false_matches
from harness.statistics.bootstrap import cluster_bootstrap
from harness.statistics.false_matches import false_match_interval

Pairs = tuple[npt.NDArray[np.bool_], npt.NDArray[np.int64], npt.NDArray[np.int64]]


def world(seed: int, identities: int = 25) -> Pairs:
    """All pairs of identities, some of which are matched with many others."""
    rng = np.random.default_rng(seed)
    own = rng.normal(size=identities)
    one, other = np.nonzero(~np.eye(identities, dtype=bool))
    scores = own[one] + own[other] + rng.normal(size=len(one))
    return scores > 2.0, one, other


def test_intervals_hold_the_truth_where_identities_differ() -> None:
    truth = float(1 - 0.5 * (1 + math.erf(2.0 / math.sqrt(3) / math.sqrt(2))))
    found = [false_match_interval(*world(seed), replicates=300) for seed in range(120)]
    held = sum(one.low <= truth <= one.high for one in found)
    assert held >= 106  # of 120, where 114 are expected


def test_it_is_the_draw_in_which_every_comparison_is_counted() -> None:
    matched, one, other = world(3)
    again = np.concatenate([matched, ~matched]), np.tile(one, 2), np.tile(other, 2)

    def rate(weights: npt.NDArray[np.int64]) -> list[float]:
        times = weights[again[1]] * weights[again[2]]
        return [float(times @ again[0] / times.sum()) if times.sum() else math.nan]

    (whole,) = cluster_bootstrap(rate, 25, corrected=True)
    assert false_match_interval(*again).low == pytest.approx(whole.low)
    assert false_match_interval(*again).high == pytest.approx(whole.high)


def test_counts_by_identity_come_near_where_there_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    many = world(3, 60)
    exact = false_match_interval(*many)
    monkeypatch.setattr(false_matches, "ONE_BY_ONE", 10)
    near = false_match_interval(*many)
    assert near != exact
    assert near.low == pytest.approx(exact.low, abs=0.03)
    assert near.high == pytest.approx(exact.high, abs=0.03)


def test_comparisons_of_few_identities_are_less_sure_than_of_many() -> None:
    widths = []
    for identities in (12, 100):
        found = false_match_interval(*world(4, identities))
        widths.append(found.high - found.low)
    assert widths[0] > 1.5 * widths[1]


def test_nothing_one_identity_and_all_equal_have_their_answers() -> None:
    none = np.empty(0, np.int64)
    assert math.isnan(false_match_interval(np.empty(0, bool), none, none).low)
    zero = np.zeros(2, np.int64)
    assert math.isnan(false_match_interval(np.array([True, False]), zero, zero).low)
    never = false_match_interval(np.zeros(2, bool), np.array([0, 1]), np.array([1, 2]))
    assert (never.low, never.high) == (0, 0)
    with pytest.raises(ValueError, match="identities that it joins"):
        false_match_interval(np.array([True]), zero, zero)
