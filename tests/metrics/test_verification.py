"""Error curves, EER, FNMR at FMR, AUC and d-prime against enumeration and worked examples."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.verification import (
    auc,
    d_prime,
    eer,
    eer_convex_hull,
    error_curve,
    errors_allowed,
    fmr_supported,
    fnmr_at_fmr,
    score_to_exceed,
)

Floats = npt.NDArray[np.float64]
INF = math.inf


def unfold(histogram: str) -> Floats:
    """Scores in tenths from ``score:count`` pairs."""
    pairs = [pair.split(":") for pair in histogram.split()]
    return np.array([int(score) / 10 for score, count in pairs for _ in range(int(count))])


# Two score sets with known answers. TIED was made for comparing packages; its answers were found
# by enumerating all thresholds, and by llreval (convex hull). NONSEP is the set of that name of
# bob.measure 6.1.1 (BSD-3-Clause, tests/data/nonsep-*.hdf5), whose tests state its convex hull EER.
TIED_MATED = unfold(
    "-12:1 -9:1 -5:3 -3:2 -2:3 -1:3 0:5 2:4 3:3 4:2 5:4 6:5 7:2 8:6 9:4 10:4 11:3 12:8 13:6 14:5 "
    "15:3 16:3 17:5 18:6 19:5 20:1 21:3 22:3 23:3 24:2 25:3 26:2 27:1 28:2 32:1 33:1 42:1 44:1"
)
TIED_NONMATED = unfold(
    "-31:1 -29:2 -28:1 -27:2 -26:2 -24:3 -23:1 -22:8 -21:3 -20:2 -19:5 -18:7 -17:6 -16:9 -15:10 "
    "-14:14 -13:12 -12:12 -11:12 -10:14 -9:11 -8:9 -7:11 -6:17 -5:24 -4:14 -3:13 -2:20 -1:11 0:13 "
    "1:17 2:14 3:13 4:11 5:11 6:11 7:15 8:2 9:3 10:6 11:5 12:4 13:3 14:5 15:2 16:1 17:2 19:2 20:1 "
    "23:1 24:1 25:1"
)
NONSEP_MATED = unfold(
    "49:1 50:2 51:1 52:1 54:1 55:5 56:5 57:5 58:3 59:2 60:4 61:4 62:2 63:3 64:2 65:1 66:2 67:3 "
    "68:1 69:1 70:1"
)
NONSEP_NONMATED = unfold(
    "43:1 44:3 45:1 46:4 47:2 48:5 49:4 50:8 51:8 52:3 53:1 54:5 55:2 57:2 58:1"
)


def score_lists(*, failures: float = -INF) -> st.SearchStrategy[Floats]:
    """Short lists of few distinct scores, so that ties abound."""
    score = st.integers(0, 6).map(float) | st.just(failures)
    return st.lists(score, min_size=1, max_size=12).map(np.array)


finite_lists = score_lists(failures=3.0)


def points_by_definition(mated: Floats, nonmated: Floats) -> list[tuple[Fraction, Fraction]]:
    """(FMR, FNMR) at every finite score and above all of them, in rational numbers."""
    thresholds = sorted({s for s in [*mated, *nonmated] if math.isfinite(s)})
    return [
        (
            Fraction(sum(s >= t for s in nonmated), len(nonmated)),
            Fraction(sum(s < t for s in mated), len(mated)),
        )
        for t in [*thresholds, INF]
    ]


def eer_by_definition(points: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Where the line through the points, continued to FMR 1, meets FMR = FNMR."""
    points = [(Fraction(1), points[0][1]), *points]
    for (x0, y0), (x1, y1) in pairwise(points):
        before, after = x0 - y0, x1 - y1
        if before >= 0 >= after and before != after:
            return x0 + (x1 - x0) * before / (before - after)
    return points[0][0]


def hull_by_definition(points: list[tuple[Fraction, Fraction]]) -> Fraction:
    """Lowest crossing of FMR = FNMR by any chord between two points."""
    points = [(Fraction(1), points[0][1]), *points]
    return min(
        eer_by_definition([one, other])
        for one in points
        for other in points
        if one[0] >= one[1] and other[0] <= other[1]
    )


@given(score_lists(), score_lists())
@settings(deadline=None)
def test_the_error_curve_is_that_of_the_definition(mated: Floats, nonmated: Floats) -> None:
    curve = error_curve(mated, nonmated)
    expected = [(float(x), float(y)) for x, y in points_by_definition(mated, nonmated)]
    assert list(zip(curve.fmr, curve.fnmr, strict=True)) == expected
    assert curve.threshold[-1] == INF
    assert np.all(np.diff(curve.threshold) > 0)


@given(score_lists(), score_lists() | score_lists(failures=INF))
@settings(deadline=None)
def test_eer_is_the_crossing_of_the_interpolated_det(mated: Floats, nonmated: Floats) -> None:
    points = points_by_definition(mated, nonmated)
    assert eer(mated, nonmated) == pytest.approx(float(eer_by_definition(points)), abs=1e-15)


@given(score_lists(), score_lists() | score_lists(failures=INF))
@settings(deadline=None, max_examples=200)
def test_the_convex_hull_eer_is_the_lowest_crossing_of_any_chord(
    mated: Floats, nonmated: Floats
) -> None:
    points = points_by_definition(mated, nonmated)
    found = eer_convex_hull(mated, nonmated)
    assert found == pytest.approx(float(hull_by_definition(points)), abs=1e-15)
    assert found <= eer(mated, nonmated) + 1e-15


@given(score_lists(), score_lists(), st.floats(0, 1) | st.integers(0, 12).map(lambda k: k / 12))
@settings(deadline=None, max_examples=200)
def test_fnmr_at_fmr_is_the_lowest_over_all_thresholds(
    mated: Floats, nonmated: Floats, fmr: float
) -> None:
    thresholds = [s for s in [*mated, *nonmated] if math.isfinite(s)]
    thresholds += [np.nextafter(t, INF) for t in thresholds] + [-1e9, INF]
    rates = [(np.mean(nonmated >= t), float(np.mean(mated < t))) for t in thresholds]
    lowest = min(fnmr for found, fnmr in rates if found <= fmr)
    assert fnmr_at_fmr(mated, nonmated, fmr) == lowest


@given(finite_lists, finite_lists)
@settings(deadline=None)
def test_auc_counts_won_pairs_and_half_the_tied(mated: Floats, nonmated: Floats) -> None:
    pairs = [(m > n) + (m == n) / 2 for m in mated for n in nonmated]
    assert auc(mated, nonmated) == pytest.approx(np.mean(pairs), abs=1e-15)


@given(finite_lists, finite_lists)
@settings(deadline=None)
def test_auc_is_the_area_above_the_error_curve(mated: Floats, nonmated: Floats) -> None:
    curve = error_curve(mated, nonmated)
    area = 1 - float(np.trapezoid(curve.fnmr[::-1], curve.fmr[::-1]))
    assert auc(mated, nonmated) == pytest.approx(area, abs=1e-12)


METRICS: list[Callable[[Floats, Floats], float]] = [
    eer,
    eer_convex_hull,
    auc,
    lambda mated, nonmated: fnmr_at_fmr(mated, nonmated, 0.25),
]


@given(finite_lists, finite_lists, st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_order_copies_and_a_rising_transform_change_nothing(
    mated: Floats, nonmated: Floats, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    shuffled = rng.permutation(np.exp(mated)), rng.permutation(np.exp(nonmated))
    for metric in METRICS:
        expected = metric(mated, nonmated)
        assert metric(*shuffled) == expected
        assert metric(np.tile(mated, 3), np.tile(nonmated, 3)) == pytest.approx(expected)


@given(score_lists(), score_lists(), st.integers(0, 11))
@settings(deadline=None)
def test_refusing_a_mated_comparison_never_helps(
    mated: Floats, nonmated: Floats, which: int
) -> None:
    refused = mated.copy()
    refused[which % len(mated)] = -INF
    for metric in METRICS:
        gain = metric(refused, nonmated) - metric(mated, nonmated)
        assert gain <= 0 if metric is auc else gain >= -1e-15


@given(finite_lists, finite_lists)
@settings(deadline=None)
def test_reversing_all_scores_mirrors_eer_and_auc(mated: Floats, nonmated: Floats) -> None:
    assert eer(-mated, -nonmated) == pytest.approx(1 - eer(mated, nonmated))
    assert auc(-mated, -nonmated) == pytest.approx(1 - auc(mated, nonmated))
    assert d_prime(-mated, -nonmated) == pytest.approx(-d_prime(mated, nonmated))


def test_a_tied_set_has_the_enumerated_answers() -> None:
    assert (len(TIED_MATED), len(TIED_NONMATED)) == (120, 400)
    assert eer(TIED_MATED, TIED_NONMATED) == pytest.approx(0.2117924528301887, abs=1e-15)
    # llreval gives .20955882352, to its own precision; the edge of the hull gives 57/272.
    assert eer_convex_hull(TIED_MATED, TIED_NONMATED) == pytest.approx(57 / 272, abs=1e-15)
    assert auc(TIED_MATED, TIED_NONMATED) == pytest.approx(0.8781145833333334, abs=1e-15)
    assert d_prime(TIED_MATED, TIED_NONMATED) == pytest.approx(1.640853779335473, abs=1e-12)
    expected = {0.1: 38 / 120, 0.05: 0.525, 0.01: 0.8, 0.001: 0.925}
    assert {x: fnmr_at_fmr(TIED_MATED, TIED_NONMATED, x) for x in expected} == expected


def test_the_set_of_bob_measure_has_its_answers() -> None:
    assert eer(NONSEP_MATED, NONSEP_NONMATED) == pytest.approx(7 / 60, abs=1e-15)
    assert eer_convex_hull(NONSEP_MATED, NONSEP_NONMATED) == pytest.approx(0.116363636363636)
    assert auc(NONSEP_MATED, NONSEP_NONMATED) == pytest.approx(0.9326, abs=1e-15)
    expected = {0.1: 0.12, 0.05: 0.42, 0.01: 0.48, 1.0: 0.0}
    assert {x: fnmr_at_fmr(NONSEP_MATED, NONSEP_NONMATED, x) for x in expected} == expected


@pytest.mark.parametrize(
    ("scores", "far", "threshold"),
    [
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0], 0.5, 0.9),
        ([0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0, 1.0], 0.4, 1.0),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0.09, 9.0),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0.11, 8.0),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 0.91, 0.0),
        ([0, 1, 2, 3, 4, 5, 6, 7, 8, 9], 1, -INF),
    ],
)
def test_the_score_to_exceed_is_the_one_below_bobs_threshold(
    scores: list[float], far: float, threshold: float
) -> None:
    # bob.measure 6.1.1, tests/test_error.py, far_threshold: a threshold at or above the next score.
    assert score_to_exceed(np.array(scores, float), far) == threshold


def test_when_the_best_score_is_a_non_mates_no_mate_matches_at_fmr_zero() -> None:
    assert fnmr_at_fmr(np.array([1.0, 2.0]), np.array([0.0, 0.5, 3.0]), 0.0) == 1.0
    assert fnmr_at_fmr(np.array([1.0, 2.0]), np.array([0.0, 0.5, 2.0]), 0.0) == 1.0


def test_equal_scores_tell_nothing() -> None:
    same = np.full(5, 0.3)
    assert eer(same, same[:3]) == 0.5
    assert eer_convex_hull(same, same[:3]) == 0.5
    assert auc(same, same[:3]) == 0.5
    assert d_prime(same, same[:3]) == 0.0
    assert fnmr_at_fmr(same, same[:3], 0.999) == 1.0
    assert fnmr_at_fmr(same, same[:3], 1.0) == 0.0


def test_an_oracle_is_perfect_and_its_reverse_the_worst() -> None:
    high, low = np.ones(7), np.zeros(9)
    assert eer(high, low) == eer_convex_hull(high, low) == fnmr_at_fmr(high, low, 0.0) == 0.0
    assert auc(high, low) == 1.0
    assert d_prime(high, low) == INF
    assert eer(low, high) == 1.0
    assert eer_convex_hull(low, high) == 0.5  # a hull includes deciding by a coin
    assert auc(low, high) == 0.0
    assert d_prime(low, high) == -INF


def test_failures_bound_every_rate() -> None:
    mated, nonmated = np.array([1.0, 1.0, 1.0, -INF]), np.zeros(4)
    assert eer(mated, nonmated) == eer_convex_hull(mated, nonmated) == 0.25
    assert fnmr_at_fmr(mated, nonmated, 0.0) == fnmr_at_fmr(mated, nonmated, 1.0) == 0.25
    assert auc(mated, nonmated) == 0.75
    nothing = np.full(3, -INF)
    assert eer(nothing, nonmated) == eer_convex_hull(nothing, nonmated) == 1.0
    assert fnmr_at_fmr(nothing, nonmated, 1.0) == 1.0
    assert auc(nothing, nothing) == 0.0
    assert eer(nothing, nothing) == eer_convex_hull(nothing, nothing) == 1.0
    assert math.isnan(d_prime(nothing, nonmated))
    assert eer(mated, np.full(2, INF)) == eer_convex_hull(mated, np.full(2, INF)) == 1.0


def test_d_prime_describes_the_comparisons_that_took_place() -> None:
    mated, nonmated = np.array([4.0, 6.0]), np.array([1.0, 3.0])
    assert d_prime(np.append(mated, -INF), np.append(nonmated, -INF)) == 3.0


def test_without_scores_a_rate_is_nan_and_never_zero() -> None:
    some, none = np.array([1.0, 2.0]), np.array([])
    for metric in [*METRICS, d_prime]:
        for pair in ((some, none), (none, some), (none, none)):
            assert math.isnan(metric(*pair))
    curve = error_curve(some, none)
    assert np.isnan(curve.fmr).all()
    assert curve.fnmr.tolist() == [0.0, 0.5, 1.0]
    assert np.isnan(error_curve(none, none).fnmr).all()


@pytest.mark.parametrize("metric", [*METRICS, d_prime, error_curve])
def test_scores_that_are_no_scores_are_refused(
    metric: Callable[[Floats, Floats], object],
) -> None:
    fine = np.array([1.0, 2.0])
    with pytest.raises(ValueError, match="NaN"):
        metric(np.array([1.0, np.nan]), fine)
    with pytest.raises(ValueError, match="NaN"):
        metric(fine, np.array([np.nan, -INF]))
    with pytest.raises(ValueError, match=r"\+inf"):
        metric(np.array([1.0, INF]), fine)
    with pytest.raises(ValueError, match="shape"):
        metric(fine[np.newaxis], fine)


@given(st.integers(1, 2000), st.floats(0, 1) | st.integers(0, 2000).map(lambda k: k / 2000))
def test_errors_allowed_is_the_largest_count_within_the_rate(n: int, rate: float) -> None:
    allowed = errors_allowed(n, rate)
    assert allowed / n <= rate
    assert allowed == n or (allowed + 1) / n > rate
    assert fmr_supported(n, rate) == (allowed >= 1)


@given(st.integers(1, 3000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_rate_that_was_counted_allows_that_count(count: tuple[int, int]) -> None:
    assert errors_allowed(count[1], count[0] / count[1]) == count[0]


@pytest.mark.parametrize("rate", [-0.1, 1.1, np.nan])
def test_an_impossible_rate_is_refused(rate: float) -> None:
    for mated in (np.array([1.0]), np.array([])):
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            fnmr_at_fmr(mated, np.array([0.0]), rate)


def test_no_comparisons_support_no_rate() -> None:
    assert not fmr_supported(0, 1.0)
    assert errors_allowed(0, 0.5) == 0


def test_a_thinned_curve_keeps_its_ends_and_its_jumps_and_invents_no_point() -> None:
    rng = np.random.default_rng(5)
    mated = np.concatenate([rng.normal(2, 1, 3000), np.full(500, 2.5), np.full(40, -INF)])
    curve = error_curve(mated, rng.normal(0, 1, 20000))
    thin = curve.thinned(200)
    assert len(thin.threshold) <= 200
    whole = set(zip(curve.threshold, curve.fmr, curve.fnmr, strict=True))
    assert set(zip(thin.threshold, thin.fmr, thin.fnmr, strict=True)) <= whole
    assert (thin.fmr[0], thin.threshold[-1]) == (curve.fmr[0], INF)
    # The 500 tied scores are one jump: both its ends stay.
    jump = int(np.argmax(np.diff(curve.fnmr)))
    assert {curve.threshold[jump], curve.threshold[jump + 1]} <= set(thin.threshold)
    # Read between its points, the thinned curve differs from the whole by less than a line's width.
    at = np.linspace(0.001, 0.999, 500)
    drawn = np.interp(at, thin.fmr[::-1], thin.fnmr[::-1])
    assert np.abs(drawn - np.interp(at, curve.fmr[::-1], curve.fnmr[::-1])).max() < 0.01


def test_a_short_curve_is_not_thinned_and_too_few_points_are_refused() -> None:
    curve = error_curve(np.arange(3.0), np.arange(3.0))
    assert curve.thinned(4) is curve
    with pytest.raises(ValueError, match="at least 4"):
        curve.thinned(3)


@pytest.mark.parametrize("mated", [np.array([]), np.full(9, -INF), np.arange(9.0)])
def test_any_curve_can_be_thinned(mated: Floats) -> None:
    assert len(error_curve(mated, np.arange(50.0)).thinned(10).threshold) <= 10
