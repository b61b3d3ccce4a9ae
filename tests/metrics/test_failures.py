"""Failure rates, and error rates of everybody who tried."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.failures import failures, generalised_far, generalised_frr

rates = st.floats(0, 1)


def test_failures_are_counted_and_no_attempt_is_no_rate() -> None:
    counted = failures(np.array([True, False, True, False, False]))
    assert (counted, counted.rate) == ((2, 5), 0.4)
    assert failures(np.array([], bool)) == (0, 0)
    assert math.isnan(failures(np.array([], bool)).rate)


@given(st.lists(st.integers(0, 5).map(float) | st.just(-math.inf), min_size=1, max_size=20))
@settings(deadline=None)
def test_generalising_rates_of_completed_comparisons_gives_those_with_failures_as_scores(
    scores: list[float],
) -> None:
    tried = np.array(scores)
    took_place = tried[tried > -np.inf]
    fta = failures(tried == -np.inf).rate
    for threshold in range(6):
        fnmr = float(np.mean(took_place < threshold)) if took_place.size else math.nan
        fmr = float(np.mean(took_place >= threshold)) if took_place.size else math.nan
        assert generalised_frr(fta, fnmr) == pytest.approx(np.mean(tried < threshold))
        assert generalised_far(fta, fmr) == pytest.approx(np.mean(tried >= threshold))


@given(rates, rates, rates)
@settings(deadline=None)
def test_failing_always_raises_frr_and_lowers_far(fta: float, error: float, fte: float) -> None:
    frr = generalised_frr(fta, error, fte)
    assert frr >= max(fta, error, fte) - 1e-12
    assert frr == pytest.approx(1 - (1 - fta) * (1 - error) * (1 - fte))
    assert generalised_far(fta, error, fte) <= error


def test_without_failures_the_rates_are_unchanged() -> None:
    assert generalised_frr(0.0, 0.1234) == 0.1234
    assert generalised_far(0.0, 0.1234) == 0.1234


def test_a_system_that_always_fails_rejects_everybody() -> None:
    for fta, fte in ((1.0, 0.0), (0.0, 1.0)):
        assert generalised_frr(fta, math.nan, fte) == 1.0
        assert generalised_far(fta, math.nan, fte) == 0.0


def test_a_rate_without_data_stays_without() -> None:
    assert math.isnan(generalised_frr(0.5, math.nan))
    assert math.isnan(generalised_far(math.nan, 0.5))


def test_what_is_no_rate_or_no_score_is_refused() -> None:
    for wrong in (-0.1, 1.1, math.inf):
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            generalised_frr(wrong, 0.1)
        with pytest.raises(ValueError, match=r"\[0, 1\]"):
            generalised_far(0.1, wrong)
    with pytest.raises(ValueError, match="bool"):
        failures(np.array([1, 0]))
