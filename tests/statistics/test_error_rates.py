"""Intervals of what comparisons give: replicates by brute force, coverage by simulation."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import verification
from harness.metrics.verification import eer, fnmr_at_fmr
from harness.statistics import error_rates
from harness.statistics.error_rates import (
    MEASURES,
    Measure,
    ResampledComparisons,
    bootstrap_measures,
)
from harness.statistics.intervals import Interval

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
RATES = [Measure("eer"), Measure("fnmr", 0.1), Measure("fnmr", 0.01)]


def is_missing(interval: Interval) -> bool:
    return math.isnan(interval.low) and math.isnan(interval.high)


def comparisons(seed: int, identities: int = 6) -> tuple[Floats, Ints, Floats, Ints, Ints]:
    """Make a small set, full of ties and failures; every identity is probe and reference."""
    rng = np.random.default_rng(seed)
    pairs = [(p, r) for p in range(identities) for r in range(identities) if p != r]
    probe, reference = np.array(pairs).T
    mated_cluster = np.repeat(np.arange(identities), 3)
    mated = rng.integers(2, 9, mated_cluster.size).astype(float)
    mated[rng.random(mated.size) < 0.1] = -math.inf
    return mated, mated_cluster, rng.integers(0, 6, len(pairs)).astype(float), probe, reference


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_every_replicate_is_the_metric_of_the_comparisons_drawn(seed: int) -> None:
    mated, own, nonmated, probe, reference = comparisons(seed)
    fmrs = (0.0, 0.1, 0.35, 1.0)
    resampled = ResampledComparisons(mated, own, nonmated, probe, reference)
    for drawn in np.random.default_rng(seed).multinomial(6, np.full(6, 1 / 6), size=10):
        copies = (
            np.repeat(mated, drawn[own]),
            np.repeat(nonmated, drawn[probe] * drawn[reference]),
        )
        measures = [Measure("eer"), *(Measure("fnmr", x) for x in fmrs)]
        (found,) = resampled.drawn(measures, drawn[np.newaxis])
        if copies[0].size and copies[1].size:
            expected = [eer(*copies), *(fnmr_at_fmr(*copies, x) for x in fmrs)]
            np.testing.assert_allclose(found, expected, atol=1e-15)
        else:
            assert np.isnan(found).all()


@given(st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=30)
def test_every_replicate_of_hull_area_and_distance_is_that_of_the_comparisons_drawn(
    seed: int,
) -> None:
    mated, own, nonmated, probe, reference = comparisons(seed)
    resampled = ResampledComparisons(mated, own, nonmated, probe, reference)
    for drawn in np.random.default_rng(seed).multinomial(6, np.full(6, 1 / 6), size=10):
        copies = (
            np.repeat(mated, drawn[own]),
            np.repeat(nonmated, drawn[probe] * drawn[reference]),
        )
        if not copies[0].size or not copies[1].size:
            continue
        measures = [Measure("eer-convex-hull"), Measure("auc"), Measure("d-prime")]
        ((hull, area, away),) = resampled.drawn(measures, drawn[np.newaxis])
        assert hull == pytest.approx(verification.eer_convex_hull(*copies))
        assert area == pytest.approx(verification.auc(*copies))
        distance = verification.d_prime(*copies)
        if math.isfinite(distance) and distance:
            assert away == pytest.approx(distance)


def test_draws_measured_together_have_the_values_of_each_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resampled = ResampledComparisons(*comparisons(4))
    measures = [Measure("fnmr", 0.1), *(Measure(name) for name in MEASURES if name != "fnmr")]
    # In the first draw is no mated comparison, in the second no non-mated one.
    weights = np.random.default_rng(4).multinomial(6, np.full(6, 1 / 6), size=40)
    weights[0], weights[1] = 0, [6, 0, 0, 0, 0, 0]
    together = resampled.drawn(measures, weights)
    alone = [resampled.drawn(measures, one[np.newaxis])[0] for one in weights]
    np.testing.assert_array_equal(together, alone)
    assert np.isnan(together[0]).all()
    monkeypatch.setattr(error_rates, "_CELLS", 200)
    np.testing.assert_array_equal(resampled.drawn(measures, weights), together)


def test_intervals_hold_the_estimate_and_do_not_depend_on_order_or_scale() -> None:
    mated, own, nonmated, probe, reference = comparisons(1, identities=20)
    measures = [*RATES, Measure("eer-convex-hull"), Measure("auc"), Measure("d-prime")]
    found = bootstrap_measures(measures, mated, own, nonmated, probe, reference, 200)
    values = [
        eer(mated, nonmated),
        *(fnmr_at_fmr(mated, nonmated, fmr) for fmr in (0.1, 0.01)),
        verification.eer_convex_hull(mated, nonmated),
        verification.auc(mated, nonmated),
        verification.d_prime(mated, nonmated),
    ]
    for value, interval in zip(values, found, strict=True):
        assert interval.low <= value <= interval.high
    rng = np.random.default_rng(0)
    i, j = rng.permutation(len(mated)), rng.permutation(len(nonmated))
    again = bootstrap_measures(
        measures,
        2 * mated[i] + 1,
        own[i] + 100,
        2 * nonmated[j] + 1,
        probe[j] + 100,
        reference[j] + 100,
        200,
    )
    for one, other in zip(again, found, strict=True):
        assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_the_method_says_how_many_identities_have_mates() -> None:
    mated, own, nonmated, probe, reference = comparisons(3, identities=12)
    few = own < 4
    (found,) = bootstrap_measures(
        [Measure("eer")], mated[few], own[few], nonmated, probe, reference, 100
    )
    assert found.method == "bootstrap of 4 identities with mates and 8 without"
    (found,) = bootstrap_measures([Measure("eer")], mated, own, nonmated, probe, reference, 100)
    assert found.method == "bootstrap of 12 identities"


def test_a_comparison_within_one_identity_is_not_counted_twice_over() -> None:
    resampled = ResampledComparisons(
        np.array([1.0]), np.array([0]), np.array([0.0, 2.0]), np.array([0, 0]), np.array([0, 1])
    )
    # Weights 2 (within identity 0) and 2 * 1 (0 against 1): half of the non-mated are at 2.
    half, fewer = Measure("fnmr", 0.5), Measure("fnmr", 0.49)
    assert resampled.drawn([half, fewer], np.array([[2, 1]])).tolist() == [[0.0, 1.0]]


def test_perfect_constant_and_failing_matchers_have_their_rates() -> None:
    _, own, nonmated, probe, reference = comparisons(2)
    where = own, np.zeros_like(nonmated), probe, reference
    measures = [Measure("eer"), Measure("fnmr", 0.1)]
    perfect = bootstrap_measures(measures, np.ones(18), *where)
    assert [(one.low, one.high) for one in perfect] == [(0.0, 0.0)] * 2
    constant = bootstrap_measures(measures, np.zeros(18), *where)
    assert [(one.low, one.high) for one in constant] == [(0.5, 0.5), (1.0, 1.0)]
    failing = bootstrap_measures(measures, np.full(18, -math.inf), *where)
    assert [one.low for one in failing] == [1.0, 1.0]


def test_too_little_for_an_error_rate_has_no_interval() -> None:
    one, two = np.zeros(2, int), np.array([1, 2])
    scores, none = np.array([1.0, 2.0]), np.array([])
    nobody = np.array([], int)
    for where in (
        (scores, one, scores, one, two),
        (scores, two, none, nobody, nobody),
        (none, nobody, scores, one, two),
    ):
        assert all(map(is_missing, bootstrap_measures(RATES, *where)))


def test_error_rates_refuse_what_their_metrics_refuse() -> None:
    one, two = np.array([1, 2]), np.array([2, 3])
    scores, broken = np.array([1.0, 2.0]), np.array([1.0, np.nan])
    with pytest.raises(ValueError, match="NaN"):
        bootstrap_measures(RATES, broken, one, scores, one, two)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        bootstrap_measures([Measure("fnmr", 1.1)], scores, one, scores, one, two)
    with pytest.raises(ValueError, match="identities"):
        bootstrap_measures(RATES, scores, one[:1], scores, one, two)
    with pytest.raises(ValueError, match="no measure"):
        bootstrap_measures([Measure("far")], scores, one, scores, one, two)


# Coverage: people differ in how well they match and in how common they look


EASE, COMMON = 0.7, 0.4


def drawn(
    rng: np.random.Generator, people: int, background: int, probes: int, mean: float
) -> tuple[Floats, Ints, Floats, Ints, Ints]:
    """Comparisons of people with mates among all others; a background is never searched."""
    everybody = people + background
    ease, common = rng.standard_normal(people), COMMON * rng.standard_normal(everybody)
    own = np.repeat(np.arange(people), probes)
    mated = mean + EASE * ease[own] + rng.standard_normal(len(own))
    left = np.repeat(np.arange(people), everybody - 1)
    right = (left + np.tile(np.arange(1, everybody), people)) % everybody
    nonmated = common[left] + common[right] + rng.standard_normal(len(left))
    return mated, own, nonmated, left, right


def truth(measure: Measure, mean: float) -> float:
    normal = NormalDist()
    wide, narrow = math.hypot(EASE, 1), math.sqrt(2 * COMMON**2 + 1)
    if measure.name == "fnmr":
        return normal.cdf((normal.inv_cdf(1 - measure.fmr) * narrow - mean) / wide)
    if measure.name == "auc":
        return normal.cdf(mean / math.hypot(wide, narrow))
    if measure.name == "d-prime":
        return mean / math.sqrt((wide**2 + narrow**2) / 2)
    return 1 - normal.cdf(mean / (wide + narrow))


def coverage(rng: np.random.Generator, people: int, background: int, sets: int) -> dict[str, float]:
    """Return how often the interval of each measure holds the truth, over so many sets."""
    mean = 2.0
    measures = [Measure(name, 0.1) for name in MEASURES]
    inside = np.array(
        [
            [
                interval.low <= truth(measure, mean) <= interval.high
                for measure, interval in zip(
                    measures,
                    bootstrap_measures(
                        measures, *drawn(rng, people, background, 2, mean), replicates=200
                    ),
                    strict=True,
                )
            ]
            for _ in range(sets)
        ]
    ).mean(axis=0)
    return dict(zip(MEASURES, inside.tolist(), strict=True))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "background", "sets"),
    [(5, 0, 250), (15, 0, 250), (31, 0, 250), (60, 0, 150), (31, 200, 200), (31, 866, 100)],
)
def test_intervals_of_error_rates_cover_with_few_identities_and_with_a_background(
    people: int, background: int, sets: int
) -> None:
    """93 to 97 in 100, and what so many sets may differ from it."""
    covered = coverage(np.random.default_rng([people, background]), people, background, sets)
    error = math.sqrt(0.95 * 0.05 / sets)
    for name in ("eer", "fnmr"):
        assert 0.93 - 1.5 * error <= covered[name] <= 0.97 + 1.5 * error, covered
    # The hull of few scores lies too low itself; the other two are means, and skewed.
    assert covered["auc"] >= 0.90, covered
    assert covered["d-prime"] >= 0.89, covered
    assert covered["eer-convex-hull"] >= 0.86, covered
