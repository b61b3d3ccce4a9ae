"""Intervals against closed forms, enumeration and simulated coverage."""

from __future__ import annotations

import math
from itertools import product
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.identification import chance_hit
from harness.statistics import bootstrap as resampling
from harness.statistics.bootstrap import choose_interval, cluster_bootstrap, cluster_bootstrap_mean
from harness.statistics.intervals import (
    Interval,
    clopper_pearson,
    few_errors,
    poisson_binomial_interval,
    wilson,
)

Floats = npt.NDArray[np.float64]
counts = st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def is_missing(interval: Interval) -> bool:
    return math.isnan(interval.low) and math.isnan(interval.high)


# Proportions


@given(counts, st.sampled_from([0.5, 0.9, 0.95, 0.99]))
def test_wilsons_ends_solve_the_score_equation(count: tuple[int, int], level: float) -> None:
    successes, n = count
    z = NormalDist().inv_cdf(0.5 + level / 2)
    found = wilson(successes, n, level)
    assert 0 <= found.low <= successes / n <= found.high <= 1
    for p in (found.low, found.high):
        assert (successes / n - p) ** 2 == pytest.approx(z * z * p * (1 - p) / n, abs=1e-12)


@given(counts)
@settings(deadline=None, max_examples=40)
def test_clopper_pearsons_ends_leave_half_the_rest_in_each_tail(count: tuple[int, int]) -> None:
    from scipy.stats import binom

    successes, n = count
    found = clopper_pearson(successes, n)
    if successes:
        assert binom.sf(successes - 1, n, found.low) == pytest.approx(0.025)
    if successes < n:
        assert binom.cdf(successes, n, found.high) == pytest.approx(0.025)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (1, 2, 0.01257911709342505, 0.9874208829065749),
        (10, 10, 0.6915028921812392, 1.0),
        (0, 10, 0.0, 0.3084971078187608),
    ],
)
def test_clopper_pearson_gives_the_values_of_bob_measure(
    successes: int, n: int, low: float, high: float
) -> None:
    # bob.measure 6.1.1 (BSD-3-Clause), tests of its confidence intervals.
    found = clopper_pearson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high))


@given(counts)
@settings(deadline=None)
def test_failures_and_successes_mirror_each_other(count: tuple[int, int]) -> None:
    successes, n = count
    for method in (wilson, clopper_pearson):
        one, other = method(successes, n), method(n - successes, n)
        assert one.low == pytest.approx(1 - other.high, abs=1e-12)


def test_proportions_without_trials_have_no_interval() -> None:
    assert is_missing(wilson(0, 0))
    assert is_missing(clopper_pearson(0, 0))


def test_impossible_counts_and_levels_are_refused() -> None:
    for method in (wilson, clopper_pearson):
        for successes, n in ((3, 2), (-1, 2), (0, -1)):
            with pytest.raises(ValueError, match="impossible"):
                method(successes, n)
        for level in (0.0, 1.0, 95.0, math.nan):
            with pytest.raises(ValueError, match="level"):
                method(1, 2, level)


def test_fewer_than_thirty_errors_are_few() -> None:
    assert [few_errors(errors) for errors in (0, 29, 30)] == [True, True, False]


# Resampling of a mean


def test_the_bootstrap_of_a_mean_is_scipys_bca_widened_to_the_t_distribution() -> None:
    from scipy.stats import bootstrap, norm, t

    rng = np.random.default_rng(8)
    clusters = np.sort(rng.integers(0, 25, 120))
    values = (rng.random(120) < rng.random(25)[clusters]) * 1.0
    sums, sizes = np.bincount(clusters, values), np.bincount(clusters)
    wide = math.sqrt(25 / 24) * t.ppf(0.975, 24)
    theirs = bootstrap(
        (sums, sizes),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        confidence_level=2 * norm.cdf(wide) - 1,
        n_resamples=20_000,
        method="BCa",
        rng=np.random.default_rng(1),
    ).confidence_interval
    ours = cluster_bootstrap_mean(values, clusters, replicates=20_000)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high), abs=0.006)


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=25)
def test_neither_order_nor_labels_nor_missing_values_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    values, clusters = rng.random(30), rng.integers(0, 8, 30)
    expected = cluster_bootstrap_mean(values, clusters, replicates=200)
    order = rng.permutation(30)
    shuffled = cluster_bootstrap_mean(values[order], clusters[order] * 3 - 50, replicates=200)
    assert (shuffled.low, shuffled.high) == pytest.approx((expected.low, expected.high))
    missing = np.append(values, [np.nan, np.nan]), np.append(clusters, [3, 99])
    assert cluster_bootstrap_mean(*missing, replicates=200) == expected
    moved = cluster_bootstrap_mean(2 * values + 1, clusters, replicates=200)
    assert (moved.low, moved.high) == pytest.approx((2 * expected.low + 1, 2 * expected.high + 1))


def test_equal_seeds_give_equal_intervals_whatever_the_block(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(2)
    values, clusters = rng.random(40), rng.integers(0, 10, 40)
    whole = cluster_bootstrap_mean(values, clusters, seed=5)
    assert cluster_bootstrap_mean(values, clusters, seed=6) != whole
    monkeypatch.setattr(resampling, "_BLOCK", 64)
    assert cluster_bootstrap_mean(values, clusters, seed=5) == whole


def test_what_cannot_be_resampled_has_no_interval() -> None:
    one = np.zeros(3, int)
    assert is_missing(cluster_bootstrap_mean(np.array([0.1, 0.2, 0.9]), one))
    assert is_missing(cluster_bootstrap_mean(np.array([]), np.array([], int)))
    assert is_missing(cluster_bootstrap_mean(np.array([0.5, np.nan]), np.array([1, 2])))
    assert cluster_bootstrap(lambda drawn: [math.nan], 3)[0].method.endswith("gives a value")


def test_equal_values_give_an_interval_of_length_zero() -> None:
    found = cluster_bootstrap_mean(np.full(4, 0.25), np.array([1, 1, 2, 3]))
    assert (found.low, found.high) == (0.25, 0.25)


def test_the_general_form_has_the_widened_quantiles_of_all_resamples() -> None:
    from scipy.stats import norm, t

    groups = [[1, 1], [0, 0, 0], [1], [0, 1]]
    sums, sizes = np.array([sum(g) for g in groups]), np.array([len(g) for g in groups])
    means = [np.mean([v for i in draw for v in groups[i]]) for draw in product(range(4), repeat=4)]
    (found,) = cluster_bootstrap(
        lambda w: [float(w @ sums / (w @ sizes))], 4, replicates=20_000, level=0.6
    )
    tail = norm.cdf(math.sqrt(4 / 3) * t.ppf(0.2, 3))
    low, high = np.quantile(means, [tail, 1 - tail])
    assert (found.low, found.high) == pytest.approx((low, high), abs=0.02)


def test_inputs_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        cluster_bootstrap_mean(np.zeros(3), np.zeros(2, int))
    with pytest.raises(ValueError, match="infinite"):
        cluster_bootstrap_mean(np.array([1.0, math.inf]), np.array([1, 2]))
    with pytest.raises(ValueError, match="replicate"):
        cluster_bootstrap_mean(np.zeros(2), np.array([1, 2]), replicates=0)
    with pytest.raises(ValueError, match="level"):
        cluster_bootstrap_mean(np.zeros(2), np.array([1, 2]), level=95)
    with pytest.raises(ValueError, match="0, 1 or NaN"):
        choose_interval(np.array([0.5]), np.array([1]))


def test_resampling_identities_covers_where_independent_pairs_do_not() -> None:
    """100 tattoos of 4 pictures, the 6 pairs of a tattoo sharing its difficulty."""
    rng = np.random.default_rng(20)
    tattoos, pairs, sets = 100, 6, 400
    spread = 2.0
    often = 1 / (1 + np.exp(-1.5 - spread * rng.standard_normal(400_000)))
    truth = often.mean()
    clusters = np.repeat(np.arange(tattoos), pairs)
    covered = {"chosen": 0, "pairs": 0}
    for _ in range(sets):
        hits = (rng.random((tattoos, pairs)) < rng.choice(often, (tattoos, 1))).ravel() * 1.0
        found = {
            "chosen": choose_interval(hits, clusters, replicates=400),
            "pairs": wilson(int(hits.sum()), hits.size),
        }
        for name, interval in found.items():
            covered[name] += interval.low <= truth <= interval.high
    assert 0.92 <= covered["chosen"] / sets <= 0.97
    assert covered["pairs"] / sets <= 0.80


@pytest.mark.parametrize(("identities", "rate"), [(25, 0.75), (50, 0.75), (100, 0.9)])
def test_the_chosen_interval_covers_with_few_identities_of_unequal_size(
    identities: int, rate: float
) -> None:
    rng = np.random.default_rng(identities)
    sets, covered = 400, 0
    for _ in range(sets):
        sizes = rng.integers(1, 9, identities)
        often = rng.beta(2 * rate, 2 * (1 - rate), identities)
        clusters = np.repeat(np.arange(identities), sizes)
        hits = (rng.random(len(clusters)) < often[clusters]) * 1.0
        interval = choose_interval(hits, clusters, replicates=400)
        covered += interval.low <= rate <= interval.high
    assert 0.92 <= covered / sets <= 0.97


def test_wilsons_interval_covers_independent_searches_on_average_over_rates() -> None:
    from scipy.stats import binom

    n = 60
    intervals = [wilson(k, n) for k in range(n + 1)]
    covers = []
    for rate in np.linspace(0.05, 0.95, 91):
        inside = [interval.low <= rate <= interval.high for interval in intervals]
        covers.append(float(binom.pmf(np.arange(n + 1), n, rate) @ inside))
    assert 0.94 <= np.mean(covers) <= 0.96
    assert min(covers) >= 0.92


# The choice


def test_independent_searches_get_wilsons_interval() -> None:
    values = np.array([1, 1, 0, 1, np.nan])
    assert choose_interval(values, np.arange(5)) == wilson(3, 4)
    assert choose_interval(np.ones(4), np.arange(4)) == wilson(4, 4)


def test_searches_that_share_identities_get_the_bootstrap() -> None:
    values, clusters = np.array([1, 1, 0, 1, 0]), np.array([1, 1, 2, 3, 3])
    assert choose_interval(values, clusters, seed=1) == cluster_bootstrap_mean(
        values, clusters, seed=1
    )


def test_equal_values_of_shared_identities_get_the_exact_bound_on_identities() -> None:
    clusters = np.repeat(np.arange(10), 5)
    found = choose_interval(np.ones(50), clusters)
    assert (found.low, found.high) == (clopper_pearson(10, 10).low, 1.0)
    assert found.method == "Clopper-Pearson on 10 identities (all values equal)"
    found = choose_interval(np.zeros(50), clusters)
    assert (found.low, found.high) == (0.0, clopper_pearson(0, 10).high)


def test_one_identity_and_no_values_are_answered() -> None:
    assert is_missing(choose_interval(np.array([0, 1]), np.array([3, 3])))
    assert is_missing(choose_interval(np.array([]), np.array([], int)))
    assert is_missing(choose_interval(np.array([np.nan]), np.array([3])))
    found = choose_interval(np.array([1, 1]), np.array([3, 3]))
    assert (found.low, found.high) == pytest.approx((0.025, 1.0))


# The band of chance


def brute_force(p: Floats) -> Floats:
    """Probability of every number of successes, over all outcomes."""
    pmf = np.zeros(len(p) + 1)
    for outcome in product((0, 1), repeat=len(p)):
        pmf[sum(outcome)] += np.prod(np.where(outcome, p, 1 - p))
    return pmf


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8), st.sampled_from([0.5, 0.9, 0.95]))
@settings(deadline=None)
def test_the_band_of_chance_is_the_narrowest_that_leaves_half_the_rest_on_each_side(
    chances: list[float], level: float
) -> None:
    p = np.array(chances)
    n, pmf = len(p), brute_force(p)
    low, high = (round(end * n) for end in poisson_binomial_interval(p, level))
    tail = (1 - level) / 2
    assert pmf[:low].sum() <= tail + 1e-12
    assert pmf[high + 1 :].sum() <= tail + 1e-12
    assert pmf[: low + 1].sum() > tail - 1e-12
    assert pmf[high:].sum() > tail - 1e-12


def test_the_band_of_equal_chances_is_that_of_the_binomial() -> None:
    from scipy.stats import binom

    for n, p in ((1, 0.5), (170, 1 / 54), (851, 0.0723), (5000, 0.3)):
        low, high = poisson_binomial_interval(np.full(n, p))
        assert (round(low * n), round(high * n)) == (binom.ppf(0.025, n, p), binom.isf(0.025, n, p))


def test_a_random_matcher_is_inside_the_band_as_often_as_it_says() -> None:
    rng = np.random.default_rng(11)
    p = chance_hit(rng.integers(1, 6, 300), np.full(300, 54), 5)
    low, high = poisson_binomial_interval(p)
    means = (rng.random((4000, 300)) < p).mean(axis=1)
    inside = np.mean((means >= low - 1e-12) & (means <= high + 1e-12))
    assert 0.95 - 0.01 <= inside <= 0.98


def test_certain_outcomes_have_a_band_of_one_point_and_none_have_no_band() -> None:
    assert poisson_binomial_interval(np.array([1.0, 0.0, 1.0, 1.0])) == (0.75, 0.75)
    low, high = poisson_binomial_interval(np.array([]))
    assert math.isnan(low)
    assert math.isnan(high)


@pytest.mark.parametrize("bad", [-0.1, 1.1, np.nan])
def test_what_is_no_probability_is_refused(bad: float) -> None:
    with pytest.raises(ValueError, match="probabilities"):
        poisson_binomial_interval(np.array([0.5, bad]))
