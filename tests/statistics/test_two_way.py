"""Variances of two crossed factors against closed forms and simulated truths."""

from __future__ import annotations

import math

import numpy as np
import pytest

from harness.statistics.intervals import Interval, no_interval
from harness.statistics.two_way import MeanSquares, mean_squares, widened, within


def made(rng: np.random.Generator, n: int, k: int, sds: tuple[float, float, float]) -> np.ndarray:
    """Shares of identities whose mean over one fit varies by these standard deviations."""
    of_identities, interaction, of_fits = sds
    return np.asarray(
        0.7
        + rng.normal(0, of_identities * math.sqrt(n), n)[:, None]
        + rng.normal(0, of_fits, k)
        + rng.normal(0, interaction * math.sqrt(n), (n, k))
    )


def test_the_mean_squares_split_the_sum_of_squares_without_a_rest() -> None:
    shares = np.random.default_rng(1).random((7, 4))
    found = mean_squares(shares)
    total = ((shares - shares.mean()) ** 2).sum()
    parts = 6 * found.identities + 3 * found.fits + 18 * found.interaction
    assert 28 * parts == pytest.approx(total)


def test_the_mean_squares_are_those_of_a_least_squares_fit() -> None:
    """An independent way: regress on indicators and take the differences of the residuals."""
    rng = np.random.default_rng(2)
    n, k = 6, 5
    shares = rng.random((n, k))
    rows, columns = np.repeat(np.arange(n), k), np.tile(np.arange(k), n)
    parts = [np.ones((n * k, 1)), np.eye(n)[rows], np.eye(k)[columns]]

    def rest(*chosen: int) -> float:
        design = np.hstack([parts[i] for i in chosen])
        fitted = design @ np.linalg.lstsq(design, shares.ravel(), rcond=None)[0]
        return float(((shares.ravel() - fitted) ** 2).sum())

    found = mean_squares(shares)
    assert found.identities == pytest.approx((rest(0, 2) - rest(0, 1, 2)) / (n - 1) / (n * k))
    assert found.fits == pytest.approx((rest(0, 1) - rest(0, 1, 2)) / (k - 1) / (n * k))
    assert found.interaction == pytest.approx(rest(0, 1, 2) / ((n - 1) * (k - 1)) / (n * k))


def test_components_are_estimated_without_bias() -> None:
    rng = np.random.default_rng(3)
    sds = (0.022, 0.030, 0.021)
    found = [mean_squares(made(rng, 135, 5, sds)) for _ in range(2000)]
    interaction = np.mean([one.interaction for one in found])
    assert np.mean([one.identities for one in found]) - interaction == pytest.approx(
        sds[0] ** 2, rel=0.05
    )
    assert 5 * interaction == pytest.approx(sds[1] ** 2, rel=0.02)
    assert 5 * (np.mean([one.fits for one in found]) - interaction) == pytest.approx(
        sds[2] ** 2, rel=0.1
    )
    inside = [c.fits_low <= sds[2] <= c.fits_high for c in (one.components() for one in found)]
    assert 0.93 <= np.mean(inside) <= 0.97


def test_fits_that_are_alike_add_nothing() -> None:
    shares = np.repeat(np.random.default_rng(4).random((9, 1)), 4, axis=1)
    squares = mean_squares(shares)
    assert squares.fits == pytest.approx(0, abs=1e-30)
    alone = Interval(0.4, 0.65, "draws")
    assert widened(alone, 0.5, 9, [squares], 0.95) == pytest.approx(alone)
    components = squares.components()
    assert components.fits == pytest.approx(0, abs=1e-15)
    assert components.interaction == pytest.approx(0, abs=1e-15)


def test_more_of_an_effect_of_fits_makes_a_longer_interval_and_keeps_its_skew() -> None:
    alone = Interval(0.4, 0.65, "draws")
    lengths = []
    for effect in (0.0, 0.001, 0.01):
        squares = MeanSquares(0.004, effect + 0.0001, 0.0001, 50, 5)
        found = widened(alone, 0.5, 50, [squares], 0.95)
        assert found.high - 0.5 >= 0.5 - found.low
        lengths.append(found.high - found.low)
    assert lengths == sorted(lengths)
    assert lengths[0] == pytest.approx(0.25)


def test_two_sides_add_up() -> None:
    squares = MeanSquares(0.0, 0.01, 0.0, 50, 4)
    one = widened(Interval(0.5, 0.5, ""), 0.5, 50, [squares], 0.95)
    both = widened(Interval(0.5, 0.5, ""), 0.5, 50, [squares, squares], 0.95)
    from scipy.stats import t

    assert one.high - 0.5 == pytest.approx(t.ppf(0.975, 3) * 0.1)
    assert both.high - 0.5 == pytest.approx(t.ppf(0.975, 6) * math.sqrt(0.02))


def test_a_single_fit_or_identity_has_no_variance_of_fits() -> None:
    single = mean_squares(np.random.default_rng(5).random((9, 1)))
    assert math.isnan(single.fits)
    assert math.isnan(single.components().fits)
    assert math.isnan(mean_squares(np.zeros((1, 3))).components().identities)
    assert math.isnan(widened(Interval(0.1, 0.2, ""), 0.15, 9, [single], 0.95).low)
    assert math.isnan(widened(no_interval("none"), 0.15, 9, [single], 0.95).low)


def test_an_interval_is_cut_to_the_values_that_there_are() -> None:
    assert within(Interval(-0.1, 1.2, "x"), 0.0, 1.0) == Interval(0.0, 1.0, "x")
    assert math.isnan(within(no_interval("none"), 0.0, 1.0).low)
