"""The slope of a line through trials of identities."""

from __future__ import annotations

import numpy as np
import pytest

from harness.statistics.trend import trend_of


def test_it_is_the_slope_of_least_squares_wherever_the_line_lies() -> None:
    rng = np.random.default_rng(0)
    x, whose = rng.uniform(0, 20, 60), np.repeat(np.arange(20), 3)
    y = 2 - 0.5 * x + rng.normal(size=60)
    for far in (0.0, 1e6):
        found = trend_of(x + far, y - far, whose)
        assert found.slope == pytest.approx(np.polyfit(x, y, 1)[0], rel=1e-6)
        assert found.interval.low < -0.5 < found.interval.high < 0


def test_one_time_has_no_slope_and_equal_values_or_one_identity_no_interval() -> None:
    three = np.arange(3.0)
    for x, y, whose in (
        (np.ones(3), three, np.arange(3)),
        (three, np.ones(3), np.arange(3)),
        (three, three, np.zeros(3, int)),
        (np.array([]), np.array([]), np.array([], int)),
    ):
        found = trend_of(x, y, whose)
        assert np.isnan([found.interval.low, found.interval.high]).all()
        assert np.isnan(found.slope) == (not len(x) or x.min() == x.max())


def test_identities_are_drawn_whole_so_that_alike_trials_count_as_one() -> None:
    rng = np.random.default_rng(2)
    x, y = rng.uniform(0, 10, 25), rng.normal(size=25)
    once = trend_of(x, y, np.arange(25)).interval
    often = trend_of(np.repeat(x, 8), np.repeat(y, 8), np.repeat(np.arange(25), 8)).interval
    alone = trend_of(np.repeat(x, 8), np.repeat(y, 8), np.arange(200)).interval
    assert (often.low, often.high) == pytest.approx((once.low, once.high))
    assert alone.high - alone.low < 0.5 * (once.high - once.low)


def test_the_interval_covers_the_slope_of_identities_that_differ() -> None:
    """With 400 worlds 94 in 100 do."""
    rng = np.random.default_rng(4)
    held = []
    for seed in range(60):
        whose = np.repeat(np.arange(30), 3)
        x = rng.uniform(0, 15, 90)
        y = 0.2 * x + rng.normal(size=30)[whose] + rng.normal(size=90)
        found = trend_of(x, y, whose, replicates=200, seed=seed).interval
        held.append(found.low <= 0.2 <= found.high)
    assert np.mean(held) >= 0.85
