"""Cllr, ECE, Tippett curves, misleading evidence and ELUB against their definitions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise, product

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.statistics.likelihood.evidence import dev_pav, misleading_rates, tippett
from harness.statistics.likelihood.limits import elub, supported
from harness.statistics.likelihood.pav import pool
from harness.statistics.likelihood.validity import after_pav, cllr, cllr_cal, cllr_min, ece
from tests.statistics.likelihood.score_sets import NONSEP, TIED, UNTIED

Floats = npt.NDArray[np.float64]
INF = math.inf


def llr_lists(*, infinite: bool = False) -> st.SearchStrategy[Floats]:
    """Short lists of few distinct LLRs, so that ties abound."""
    value = st.integers(-3, 3).map(float)
    if infinite:
        value |= st.sampled_from([-INF, INF])
    return st.lists(value, min_size=1, max_size=10).map(np.array)


finite = llr_lists()
any_llrs = llr_lists(infinite=True)


def cost_by_definition(mated: Floats, nonmated: Floats, odds: float) -> float:
    """Expected information still needed, one comparison at a time."""
    total = 0.0
    for side, values, sign in ((odds / (1 + odds), mated, 1), (1 / (1 + odds), nonmated, -1)):
        for llr in values:
            posterior_odds_against = math.exp(-sign * (llr + math.log(odds)))
            total += side * math.log2(1 + posterior_odds_against) / len(values)
    return total


def best_by_enumeration(mated: Floats, nonmated: Floats) -> float:
    """Lowest Cllr of all rising step functions of the score with the ratios of their steps."""
    values = sorted({*mated, *nonmated})
    best = INF
    for cuts in product([False, True], repeat=len(values) - 1):
        edges = [-INF, *[v for v, cut in zip(values[1:], cuts, strict=True) if cut], INF]
        steps = []
        for low, high in pairwise(edges):
            m = float(np.mean((mated >= low) & (mated < high)))
            n = float(np.mean((nonmated >= low) & (nonmated < high)))
            steps.append((m, n, INF if n == 0 else -INF if m == 0 else math.log(m / n)))
        if any(a[2] > b[2] for a, b in pairwise(steps)):
            continue
        cost = sum(
            (m * math.log1p(math.exp(-llr)) if m else 0.0)
            + (n * math.log1p(math.exp(llr)) if n else 0.0)
            for m, n, llr in steps
        )
        best = min(best, cost / (2 * math.log(2)))
    return best


@given(finite, finite, st.floats(0.001, 1000))
@settings(deadline=None)
def test_ece_is_the_mean_cost_of_the_posteriors(
    mated: Floats, nonmated: Floats, odds: float
) -> None:
    expected = cost_by_definition(mated, nonmated, odds)
    assert ece(mated, nonmated, np.log([odds]))[0] == pytest.approx(expected, rel=1e-10)


@given(finite, finite)
@settings(deadline=None)
def test_ece_at_even_prior_odds_is_cllr(mated: Floats, nonmated: Floats) -> None:
    assert ece(mated, nonmated, np.zeros(1))[0] == cllr(mated, nonmated)
    assert cllr(mated, nonmated) == pytest.approx(cost_by_definition(mated, nonmated, 1.0))


@given(finite, finite)
@settings(deadline=None, max_examples=60)
def test_cllr_min_is_the_lowest_over_all_rising_step_functions(
    mated: Floats, nonmated: Floats
) -> None:
    expected = best_by_enumeration(mated, nonmated)
    assert cllr_min(mated, nonmated) == pytest.approx(expected, abs=1e-12)


@given(any_llrs, any_llrs)
@settings(deadline=None)
def test_cllr_is_never_below_cllr_min(mated: Floats, nonmated: Floats) -> None:
    least = cllr_min(mated, nonmated)
    assert 0 <= least <= 1 + 1e-12
    assert cllr(mated, nonmated) >= least - 1e-12
    assert cllr_cal(mated, nonmated) >= -1e-12


@given(finite, finite)
@settings(deadline=None)
def test_ideal_calibration_reaches_cllr_min_and_leaves_nothing_to_calibrate(
    mated: Floats, nonmated: Floats
) -> None:
    ideal = after_pav(mated, nonmated)
    assert cllr(*ideal) == pytest.approx(cllr_min(mated, nonmated), abs=1e-12)
    assert cllr_min(*ideal) == pytest.approx(cllr_min(mated, nonmated), abs=1e-12)
    again = after_pav(*ideal)
    assert [part.tolist() for part in again] == [part.tolist() for part in ideal]
    distance = dev_pav(*ideal)
    assert math.isnan(distance) or distance == pytest.approx(0, abs=1e-12)


ORDER_ONLY: list[Callable[[Floats, Floats], float]] = [
    cllr_min,
    lambda mated, nonmated: ece(*after_pav(mated, nonmated), np.array([-1.0]))[0],
    lambda mated, nonmated: float(pool(mated, nonmated, misleading=1).llr.sum()),
]
ALL: list[Callable[[Floats, Floats], float]] = [
    cllr,
    dev_pav,
    lambda mated, nonmated: elub(mated, nonmated).high,
    lambda mated, nonmated: elub(mated, nonmated).low,
    lambda mated, nonmated: misleading_rates(mated, nonmated).mated,
    *ORDER_ONLY,
]


@given(finite, finite, st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_order_of_comparisons_changes_nothing(
    mated: Floats, nonmated: Floats, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    for figure in ALL:
        found = figure(rng.permutation(mated), rng.permutation(nonmated))
        assert found == pytest.approx(figure(mated, nonmated), abs=1e-12, nan_ok=True)


@given(finite, finite)
@settings(deadline=None)
def test_a_rising_transform_changes_nothing_that_rests_on_pav(
    mated: Floats, nonmated: Floats
) -> None:
    for figure in ORDER_ONLY:
        assert figure(np.exp(mated) * 7 - 3, np.exp(nonmated) * 7 - 3) == figure(mated, nonmated)


@given(finite, finite)
@settings(deadline=None)
def test_copies_of_all_comparisons_change_no_mean(mated: Floats, nonmated: Floats) -> None:
    for figure in (cllr, cllr_min, dev_pav):
        found = figure(np.tile(mated, 3), np.tile(nonmated, 3))
        assert found == pytest.approx(figure(mated, nonmated), abs=1e-12, nan_ok=True)


@given(finite, finite)
@settings(deadline=None)
def test_exchanging_the_propositions_mirrors_every_figure(mated: Floats, nonmated: Floats) -> None:
    swapped = -nonmated, -mated
    assert cllr(*swapped) == pytest.approx(cllr(mated, nonmated))
    assert cllr_min(*swapped) == pytest.approx(cllr_min(mated, nonmated), abs=1e-12)
    assert misleading_rates(*swapped) == misleading_rates(mated, nonmated)[::-1]
    bounds, mirrored = elub(mated, nonmated), elub(*swapped)
    assert (mirrored.low, mirrored.high) == (-bounds.high, -bounds.low)


@given(finite, finite, st.integers(0, 9))
@settings(deadline=None)
def test_refusing_a_mated_comparison_never_lowers_cllr_min(
    mated: Floats, nonmated: Floats, which: int
) -> None:
    refused = mated.copy()
    refused[which % len(mated)] = -INF
    assert cllr_min(refused, nonmated) >= cllr_min(mated, nonmated) - 1e-12


@given(any_llrs, any_llrs)
@settings(deadline=None)
def test_tippett_curves_count_the_ratios_that_reach_a_value(
    mated: Floats, nonmated: Floats
) -> None:
    curves = tippett(mated, nonmated)
    for i, llr in enumerate(curves.llr):
        assert curves.mated[i] == np.mean(mated >= llr)
        assert curves.nonmated[i] == np.mean(nonmated >= llr)
    assert set(curves.llr) == {*mated, *nonmated}


@given(any_llrs, any_llrs)
@settings(deadline=None)
def test_evidence_misleads_when_it_points_the_wrong_way_and_an_even_ratio_does_not(
    mated: Floats, nonmated: Floats
) -> None:
    assert misleading_rates(mated, nonmated) == (
        sum(llr < 0 for llr in mated) / len(mated),
        sum(llr > 0 for llr in nonmated) / len(nonmated),
    )


def normalised_bayes_error(mated: Floats, nonmated: Floats, t: float, added: int) -> float:
    """Bayes error of deciding by ``LR >= exp(t)``, over that of a system that always says 1."""
    odds = math.exp(-t)
    missed = (np.sum(mated < t) + added) / (len(mated) + added)
    false = (np.sum(nonmated >= t) + added) / (len(nonmated) + added)
    return float((odds * missed + false) / min(odds, 1))


@given(finite, finite, st.integers(0, 3))
@settings(deadline=None)
def test_elub_ends_the_range_around_one_in_which_ratios_do_better_than_none(
    mated: Floats, nonmated: Floats, added: int
) -> None:
    bounds = elub(mated, nonmated, added)
    assert bounds.low <= 0 <= bounds.high

    def error(t: float) -> float:
        return normalised_bayes_error(mated, nonmated, t, added)

    # Between the points every probability is constant; 3.5 lies beyond all LLRs.
    inside = np.linspace(bounds.low, bounds.high, 41)[1:-1]
    assert all(error(t) < 1 for t in inside if abs(t) > 1e-9)
    assert error(bounds.high + 1e-6) >= 1 - 1e-9
    assert error(bounds.low - 1e-6) >= 1 - 1e-9


@pytest.mark.parametrize("scores", [UNTIED, TIED, NONSEP], ids=["untied", "tied", "nonsep"])
def test_every_misleading_comparison_added_draws_the_elub_bounds_nearer_to_one(
    scores: tuple[Floats, Floats],
) -> None:
    bounds = [elub(*scores, added) for added in range(5)]
    for wider, narrower in pairwise(bounds):
        assert wider.low <= narrower.low <= 0 <= narrower.high <= wider.high


@given(st.integers(1, 50), st.integers(1, 50))
@settings(deadline=None)
def test_elub_of_perfect_ratios_is_what_their_number_supports(m: int, n: int) -> None:
    bounds, limits = elub(np.full(m, INF), np.full(n, -INF)), supported(m, n)
    assert bounds == pytest.approx(tuple(limits), abs=1e-12)
    blocks = pool(np.full(m, 1.0), np.full(n, 0.0), misleading=1)
    assert (blocks.llr[0], blocks.llr[-1]) == pytest.approx(tuple(limits), abs=1e-12)


def test_the_oracle_has_no_cost_and_a_constant_scorer_one_bit() -> None:
    high, low = np.full(5, 1.0), np.full(70, 0.0)
    assert cllr_min(high, low) == 0
    assert cllr_min(high, np.full(70, 1.0)) == 1
    assert cllr(np.zeros(5), np.zeros(70)) == pytest.approx(1, abs=1e-15)
    assert cllr(np.full(5, INF), np.full(70, -INF)) == 0
    assert cllr_min(low, high) == 1  # reversed: the best rising function is a constant


def test_an_infinite_ratio_on_the_wrong_side_costs_without_end() -> None:
    assert cllr(np.array([-INF, 3.0]), np.array([-3.0])) == INF
    assert cllr_min(np.array([-INF, 3.0]), np.array([-3.0])) < 1


def test_pav_without_added_comparisons_is_infinite_at_pure_ends_and_finite_with_them() -> None:
    mated, nonmated = np.array([1.0, 3.0, 4.0]), np.array([0.0, 1.0, 3.0])
    assert pool(mated, nonmated).llr.tolist() == [-INF, 0.0, INF]
    assert np.isfinite(pool(mated, nonmated, misleading=1).llr).all()


def test_between_an_infinite_ratio_for_and_one_against_nothing_is_known() -> None:
    blocks = pool(np.array([2.0]), np.array([1.0]))
    assert blocks.at(np.array([0.0, 1.0, 1.5, 2.0, 9.0])).tolist() == [-INF, -INF, 0.0, INF, INF]


@pytest.mark.parametrize("empty", ["mated", "nonmated", "both"])
def test_no_data_is_never_a_number(empty: str) -> None:
    some, none = np.array([1.0]), np.array([])
    mated = some if empty == "nonmated" else none
    nonmated = some if empty == "mated" else none
    for figure in (cllr, cllr_min, cllr_cal, dev_pav):
        assert math.isnan(figure(mated, nonmated))
    assert np.isnan(elub(mated, nonmated)).all()
    assert np.isnan(ece(mated, nonmated, np.zeros(2))).all()
    rates = misleading_rates(mated, nonmated)
    assert math.isnan(rates.mated) == (empty != "nonmated")
    assert supported(len(mated), len(nonmated)) == (0, 0)
    with pytest.raises(ValueError, match="at least one mated"):
        pool(mated, nonmated)


def test_the_pav_plot_of_a_single_point_has_no_distance() -> None:
    assert math.isnan(dev_pav(np.ones(3), np.ones(3)))
    assert math.isnan(dev_pav(np.ones(3), np.zeros(3)))


@pytest.mark.parametrize(
    "figure", [cllr, cllr_min, cllr_cal, dev_pav, elub, tippett, misleading_rates]
)
def test_nan_is_refused(figure: Callable[[Floats, Floats], object]) -> None:
    for pair in ([math.nan], [0.0]), ([0.0], [0.0, math.nan]):
        with pytest.raises(ValueError, match="NaN"):
            figure(np.array(pair[0]), np.array(pair[1]))


def test_impossible_requests_are_refused() -> None:
    one = np.zeros(1)
    with pytest.raises(ValueError, match="never taken away"):
        elub(one, one, -1)
    with pytest.raises(ValueError, match="never taken away"):
        pool(one, one, misleading=-1)
    with pytest.raises(ValueError, match="prior odds"):
        ece(one, one, np.array([INF]))
    with pytest.raises(ValueError, match="without misleading"):
        supported(1, 1, 0)
    with pytest.raises(ValueError, match="impossible"):
        supported(-1, 1)
    with pytest.raises(ValueError, match="shape"):
        cllr(np.zeros((1, 1)), one)


def test_cllr_min_of_a_million_scores_takes_about_a_second() -> None:
    rng = np.random.default_rng(0)
    mated, nonmated = rng.normal(2, 1, 100_000), rng.normal(0, 1, 900_000)
    cllr_min(mated[:10], nonmated[:10])  # imports
    started = time.process_time()
    assert cllr_min(mated, nonmated) == pytest.approx(0.514, abs=0.01)
    assert time.process_time() - started < 2
