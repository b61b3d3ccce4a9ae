"""Means over fits: against single fits, enumeration, and simulations whose truth is known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from harness.comparing.repeated import FittedRates, repeated
from harness.metrics.verification import eer, fnmr_at_fmr
from harness.statistics.bootstrap import choose_interval, cluster_bootstrap_mean, replicate
from harness.statistics.repeated_fits import (
    RepeatedEstimate,
    drawn_squares,
    identity_shares,
    repeated_mean,
    repeated_statistic,
)
from harness.statistics.two_way import mean_squares
from harness.tasks.trials import Scores, Values
from tests.comparing.made_scores import comparisons


def test_the_value_is_the_mean_over_fits_of_what_each_fit_has() -> None:
    rng = np.random.default_rng(1)
    values, whose = rng.random((4, 30)), rng.integers(0, 8, 30)
    values[2, 5] = np.nan
    found = repeated_mean(values, whose)
    assert found.per_fit == pytest.approx(np.nanmean(values, axis=1))
    assert found.value == pytest.approx(np.nanmean(values, axis=1).mean())
    assert found.interval.low < found.value < found.interval.high
    assert found.identities == len(set(whose.tolist()))


def test_a_trial_without_a_value_in_any_fit_counts_nowhere() -> None:
    rng = np.random.default_rng(2)
    values, whose = rng.random((3, 20)), np.arange(20) // 2
    gap = np.insert(values, 7, np.nan, axis=1)
    assert repeated_mean(gap, np.insert(whose, 7, 99)) == repeated_mean(values, whose)


def test_equal_fits_have_the_interval_of_one() -> None:
    rng = np.random.default_rng(3)
    whose = np.repeat(np.arange(20), 3)
    for trials, expected in (
        (rng.random(60), cluster_bootstrap_mean),
        ((rng.random(60) < 0.8) * 1.0, choose_interval),
        (np.ones(60), choose_interval),
    ):
        found = repeated_mean(np.stack([trials] * 4), whose).interval
        one = expected(trials, whose)
        assert (found.low, found.high) == pytest.approx((one.low, one.high))


def test_neither_the_order_of_fits_nor_that_of_trials_matters() -> None:
    rng = np.random.default_rng(4)
    values, whose = rng.random((5, 40)), rng.integers(0, 10, 40)
    expected = repeated_mean(values, whose)
    order, fits = rng.permutation(40), rng.permutation(5)
    found = repeated_mean(values[fits][:, order], whose[order])
    assert (found.value, found.interval.low, found.interval.high) == pytest.approx(
        (expected.value, expected.interval.low, expected.interval.high)
    )
    assert found.components.fits == pytest.approx(expected.components.fits)


def test_equal_input_gives_equal_bits() -> None:
    values, whose = np.random.default_rng(5).random((3, 40)), np.arange(40) // 4
    assert repeated_mean(values, whose, seed=3) == repeated_mean(values, whose, seed=3)
    assert repeated_mean(values, whose, seed=3) != repeated_mean(values, whose, seed=4)


def test_shares_vary_as_the_ratio_does_when_an_identity_is_left_out() -> None:
    rng = np.random.default_rng(6)
    sizes = rng.integers(1, 6, 200)
    member = np.repeat(np.arange(200), sizes)
    values = rng.random((1, len(member)))
    shares = identity_shares(values, member)[:, 0]
    assert shares.mean() == pytest.approx(values.mean())
    for one in (0, 17, 199):
        without = values[0][member != one].mean()
        assert values.mean() - without == pytest.approx(
            (shares[one] - shares.mean()) / 199, rel=0.1
        )


def test_one_fit_has_an_interval_of_identities_and_no_components() -> None:
    values, whose = np.random.default_rng(7).random((1, 40)), np.arange(40) // 2
    found = repeated_mean(values, whose)
    assert found.interval == cluster_bootstrap_mean(values[0], whose)
    assert math.isnan(found.components.fits)


def test_one_identity_or_no_trial_has_no_interval() -> None:
    alone = repeated_mean(np.array([[0.1, 0.2], [0.4, 0.3]]), np.array([1, 1]))
    assert alone.value == pytest.approx(0.25)
    assert math.isnan(alone.interval.low)
    nothing = repeated_mean(np.full((2, 3), np.nan), np.arange(3))
    assert math.isnan(nothing.value)
    assert math.isnan(nothing.interval.low)


def test_draws_stand_in_for_mean_squares() -> None:
    """Of a mean, where both can be computed, they agree."""
    rng = np.random.default_rng(8)
    shares = rng.normal(0, 1, (60, 1)) + rng.normal(0, 1, (60, 4)) + rng.normal(0, 0.3, 4)
    squares = mean_squares(shares)
    drawn = replicate(lambda w: w @ shares / 60, 60, replicates=40_000, seed=1)
    found = drawn_squares(drawn, shares.mean(axis=0), 60)
    assert found.identities == pytest.approx(squares.identities, rel=0.03)
    assert found.fits == pytest.approx(squares.fits)
    assert found.interaction == pytest.approx(squares.interaction, rel=0.06)


def test_a_statistic_that_is_a_mean_gets_the_interval_of_a_mean() -> None:
    rng = np.random.default_rng(9)
    shares = 0.5 + 0.1 * (rng.normal(0, 1, (40, 1)) + rng.normal(0, 0.5, (40, 5)))
    by_draws = repeated_statistic(
        lambda w: w @ shares / w.sum(axis=1, keepdims=True),
        np.ones(40, bool),
        replicates=20_000,
    )
    directly = repeated_mean(shares.T, np.arange(40), replicates=20_000)
    for one, other in zip(ends(by_draws), ends(directly), strict=True):
        assert one == pytest.approx(other, abs=0.004)


def ends(found: RepeatedEstimate) -> tuple[float, float, float]:
    return found.value, found.interval.low, found.interval.high


@pytest.mark.parametrize(
    ("measure", "rate", "read"),
    [
        ("eer", math.nan, lambda s: eer(s.mated, s.nonmated)),
        ("fnmr", 0.1, lambda s: fnmr_at_fmr(s.mated, s.nonmated, 0.1)),
    ],
)
def test_error_rates_of_fits_are_averaged(measure: str, rate: float, read) -> None:  # type: ignore[no-untyped-def]
    fits = [comparisons(30, seed, probes=2, mean=1.5) for seed in range(3)]
    fits = [
        Scores(
            f.mated,
            f.mated_identities,
            f.nonmated,
            f.nonmated_probes,
            f.nonmated_references,
            measure,
            rate,
        )
        for f in fits
    ]
    found = repeated(fits)
    assert found.per_fit == pytest.approx([read(one) for one in fits])
    assert found.value == pytest.approx(np.mean(found.per_fit))
    assert found.interval.low < found.value < found.interval.high
    assert found.components.identities > 0
    assert found == repeated(fits)


def test_fits_of_other_trials_are_refused() -> None:
    scores, values = comparisons(5, 1), Values(np.zeros(5), np.arange(5))
    with pytest.raises(ValueError, match="one kind"):
        repeated([scores, values])
    with pytest.raises(ValueError, match="one kind"):
        repeated([])
    with pytest.raises(ValueError, match="different comparisons"):
        repeated([scores, comparisons(6, 1)])
    with pytest.raises(ValueError, match="numbers of trials"):
        repeated([values, Values(np.zeros(4), np.arange(4))])


SDS = {
    "as measured": (0.022, 0.030, 0.021),
    "fits alike": (0.022, 0.030, 0.0),
    "fits differ much": (0.010, 0.030, 0.100),
}
"""Standard deviations of the value of one fit: identities, identity x fit, fit as a whole."""


@pytest.mark.slow
@pytest.mark.parametrize("fits", [2, 3, 5, 10])
@pytest.mark.parametrize("effects", list(SDS))
def test_intervals_over_identities_and_fits_cover(effects: str, fits: int) -> None:
    """95 in 100 but for three standard errors of the simulation; with two fits on the safe side.

    With 1,500 sets of 10 fits "as measured" it was 94.0.
    """
    identities, sets = 100, 300
    of_identities, interaction, of_fits = (sd * math.sqrt(identities) for sd in SDS[effects])
    rng = np.random.default_rng([fits, len(effects), 1])
    inside = 0
    for _ in range(sets):
        values = (
            0.7
            + rng.normal(0, of_identities, identities)
            + rng.normal(0, of_fits / math.sqrt(identities), fits)[:, None]
            + rng.normal(0, interaction, (fits, identities))
        )
        found = repeated_mean(values, np.arange(identities), replicates=500).interval
        inside += bool(found.low <= 0.7 <= found.high)
    error = math.sqrt(0.95 * 0.05 / sets)
    assert inside / sets >= 0.945 - 3 * error
    if fits > 2:
        assert inside / sets <= 0.955 + 3 * error


@pytest.mark.slow
def test_intervals_of_error_rates_over_fits_cover() -> None:
    """Mated scores of each fit are shifted as a whole: the EER of fits differs by .03."""
    rng = np.random.default_rng(12)
    people, fits, sets, mean, shift = 40, 4, 60, 2.0, 0.15
    left = np.repeat(np.arange(people), people - 1)
    right = (left + np.tile(np.arange(1, people), people)) % people
    normal = NormalDist()
    # Of scores with the variance of people, pictures and noise on either side.
    wide = math.sqrt(0.5**2 + 1)
    shifts = np.array([normal.inv_cdf((i + 0.5) / 200) for i in range(200)]) * shift
    truth = np.mean([1 - normal.cdf((mean + s) / (wide + 1)) for s in shifts])
    inside = 0
    for _ in range(sets):
        ease, picture = rng.normal(0, 0.5, people), rng.normal(0, 0.8, people)
        shared = rng.normal(0, 0.8, len(left))
        scores = [
            Scores(
                mean + rng.normal(0, shift) + ease + picture + rng.normal(0, 0.6, people),
                np.arange(people),
                shared + rng.normal(0, 0.6, len(left)),
                left,
                right,
                "eer",
            )
            for _ in range(fits)
        ]
        rates = FittedRates(scores)
        found = repeated_statistic(rates.drawn, rates.mated, replicates=200).interval
        inside += bool(found.low <= truth <= found.high)
    assert 0.88 <= inside / sets <= 1.0, inside / sets
