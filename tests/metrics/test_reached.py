"""What is counted a block at a time gives the numbers of looking at all scores, to the bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import verification
from harness.metrics.reached import Reached, in_rising_order, thinned_curve

Floats = npt.NDArray[np.float64]


def scores(seed: int, m: int, n: int, ties: int, failures: float) -> tuple[Floats, Floats]:
    """Two sets, rounded to so many steps (0 for not at all), some of them failures."""
    rng = np.random.default_rng(seed)
    mated, nonmated = rng.normal(1.5, 1, m), rng.normal(0, 1, n)
    if ties:
        mated, nonmated = np.round(mated * ties), np.round(nonmated * ties)
    mated[rng.random(m) < failures] = -math.inf
    nonmated[rng.random(n) < failures / 3] = math.inf
    nonmated[rng.random(n) < failures / 3] = -math.inf
    return mated, nonmated


SETS = given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 40),
    st.integers(0, 300),
    st.sampled_from([0, 1, 3, 20]),
    st.sampled_from([0.0, 0.0, 0.2, 1.0]),
)


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@SETS
@settings(deadline=None, max_examples=300)
def test_rates_are_those_of_all_scores(
    seed: int, m: int, n: int, ties: int, failures: float
) -> None:
    mated, nonmated = scores(seed, m, n, ties, failures)
    reached = Reached.of(mated, np.array_split(nonmated, 1 + seed % 4))
    assert same(reached.eer(), verification.eer(mated, nonmated))
    assert same(reached.eer_convex_hull(), verification.eer_convex_hull(mated, nonmated))
    assert same(reached.auc(), verification.auc(mated, nonmated))
    for fmr in (0.0, 0.01, 0.29, 0.5, 1.0):
        found = reached.fnmr_at_fmr(fmr)
        assert same(found, verification.fnmr_at_fmr(mated, nonmated, fmr))


def in_pieces(nonmated: Floats, length: int) -> Callable[[], list[Floats]]:
    """Cut sorted scores where the next is another."""
    rising = np.sort(nonmated)
    cuts = {
        int(np.searchsorted(rising, rising[i], side="right")) for i in range(0, len(rising), length)
    }
    return lambda: np.split(rising, sorted(cuts))


@SETS
@settings(deadline=None, max_examples=200)
def test_a_curve_in_pieces_keeps_the_same_points(
    seed: int, m: int, n: int, ties: int, failures: float
) -> None:
    mated, nonmated = scores(seed, m + 1, n + 1, ties, failures)
    for points in (4, 30, 400):
        wanted = verification.error_curve(mated, nonmated).thinned(points)
        found = thinned_curve(mated, in_pieces(nonmated, 1 + seed % 60), n + 1, points)
        for name in ("threshold", "fmr", "fnmr"):
            assert getattr(found, name).tolist() == getattr(wanted, name).tolist()


@pytest.mark.parametrize("ties", [0, 500])
def test_a_long_curve_in_pieces_keeps_the_same_points(ties: int) -> None:
    mated, nonmated = scores(1, 3000, 200_000, ties, 0.01)
    wanted = verification.error_curve(mated, nonmated).thinned(400)
    found = thinned_curve(mated, in_pieces(nonmated, 30_011), 200_000, 400)
    assert found.fmr.tolist() == wanted.fmr.tolist()
    assert found.fnmr.tolist() == wanted.fnmr.tolist()
    assert found.threshold.tolist() == wanted.threshold.tolist()


def test_what_is_no_score_is_refused() -> None:
    one, broken = np.array([1.0]), np.array([0.0, np.nan])
    with pytest.raises(ValueError, match="NaN"):
        Reached.of(broken, [one])
    with pytest.raises(ValueError, match="NaN"):
        Reached.of(one, [one, broken])
    with pytest.raises(ValueError, match=r"\+inf"):
        Reached.of(np.array([np.inf]), [one])
    with pytest.raises(ValueError, match="4 points"):
        thinned_curve(one, lambda: [one], 1, 3)
    with pytest.raises(ValueError, match="non-mated"):
        thinned_curve(one, list, 0, 4)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        Reached.of(one, [one]).fnmr_at_fmr(1.5)


@SETS
@settings(deadline=None, max_examples=100)
def test_scores_come_in_rising_order_however_few_are_held(
    seed: int, m: int, n: int, ties: int, failures: float
) -> None:
    _, nonmated = scores(seed, 1, n, ties, failures)
    blocks = np.array_split(nonmated, 3)
    for most in (1, 7, 50, 1000):
        pieces = list(in_rising_order(lambda: blocks, n, most)())
        found = np.concatenate([np.empty(0), *pieces])
        np.testing.assert_array_equal(found, np.sort(nonmated))
        ends = [piece[[0, -1]] for piece in pieces if len(piece)]
        assert all(one[1] < other[0] for one, other in pairwise(ends))


def test_no_more_scores_are_held_than_may_be() -> None:
    nonmated = np.random.default_rng(0).normal(size=300_000)
    pieces = in_rising_order(lambda: np.array_split(nonmated, 9), 300_000, 60_000)
    assert max(map(len, pieces())) <= 60_000
