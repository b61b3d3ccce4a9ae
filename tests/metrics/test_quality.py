"""Error against discard, against every threshold of the quality and a published implementation."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.quality import (
    discard_area,
    discard_curve,
    discard_gain,
    ideal_area,
    staircase,
)

Pairs = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]


@st.composite
def compared(draw: st.DrawFn) -> Pairs:
    """Comparisons, many of one quality, and which of them are errors."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    n = draw(st.integers(1, 30))
    quality = rng.integers(0, draw(st.integers(1, 20)), n) / 10
    return rng.random(n) < draw(st.sampled_from([0.0, 0.3, 1.0])), quality


@given(compared())
@settings(deadline=None, max_examples=80)
def test_each_step_is_the_error_rate_of_all_comparisons_of_at_least_a_quality(pairs: Pairs) -> None:
    errors, quality = pairs
    curve = discard_curve(errors, quality)
    levels = sorted(set(quality.tolist()))
    by_hand = [errors[quality >= level].mean() for level in levels]
    gone = [float((quality < level).mean()) for level in levels]
    assert curve.rate.tolist() == pytest.approx(by_hand, abs=1e-12)
    assert curve.discarded.tolist() == pytest.approx(gone, abs=1e-12)


@given(compared(), st.sampled_from([0.05, 0.2, 0.5, 1.0]))
@settings(deadline=None, max_examples=80)
def test_the_area_is_the_mean_over_many_shares_that_are_discarded(
    pairs: Pairs, limit: float
) -> None:
    curve = discard_curve(*pairs)
    middles = (np.arange(20_000) + 0.5) / 20_000 * limit
    assert discard_area(curve, limit) == pytest.approx(curve.at(middles).mean() * limit, abs=2e-3)
    ideal = np.maximum(0, curve.rate[0] - middles).mean() * limit
    assert ideal_area(float(curve.rate[0]), limit) == pytest.approx(ideal, abs=1e-6)


def test_a_weight_counts_a_comparison_as_often() -> None:
    rng = np.random.default_rng(4)
    errors, quality = rng.random(40) < 0.4, rng.integers(0, 9, 40) / 9
    times = rng.integers(0, 4, 40)
    weighted = discard_curve(errors, quality, times.astype(float))
    repeated = discard_curve(np.repeat(errors, times), np.repeat(quality, times))
    assert weighted.rate.tolist() == pytest.approx(repeated.rate.tolist())
    assert weighted.discarded.tolist() == pytest.approx(repeated.discarded.tolist())


def test_the_reference_implementation_of_its_authors_has_the_same_steps_and_areas() -> None:
    """Expected: `edc.py` of dasec/quality-assessment-evaluation (2a66097), on these ten pairs."""
    scores = np.array([0.9, 0.2, 0.4, 0.8, 0.3, 0.7, 0.6, 0.1, 0.75, 0.35])
    one = np.array([0.5, 0.1, 0.3, 0.9, 0.3, 0.8, 0.4, 0.2, 0.6, 0.7])
    other = np.array([0.9, 0.4, 0.6, 0.5, 0.3, 0.3, 0.9, 0.9, 0.7, 0.7])
    curve = discard_curve(scores < 0.5, np.minimum(one, other))
    # Theirs has a further point, an error rate of 0 where all are discarded.
    assert curve.discarded.tolist() == pytest.approx([0.0, 0.1, 0.2, 0.5, 0.6, 0.8, 0.9])
    assert curve.rate.tolist() == pytest.approx([0.5, 4 / 9, 0.375, 0.2, 0.25, 0.5, 1.0])
    areas = [discard_area(curve, limit) for limit in (0.2, 0.35, 1.0)]
    assert areas == pytest.approx([0.09444444444444444, 0.15069444444444444, 0.4269444444444444])
    ideal = [ideal_area(0.5, limit) for limit in (0.2, 0.35, 1.0)]
    assert ideal == pytest.approx([0.08, 0.11375, 0.125])


def test_equal_qualities_are_one_step_and_gain_nothing() -> None:
    errors = np.array([True, False, True, False])
    curve = discard_curve(errors, np.full(4, 0.5))
    assert (curve.discarded.tolist(), curve.rate.tolist()) == ([0.0], [0.5])
    assert discard_area(curve, 0.2) == pytest.approx(0.1)
    assert discard_gain(curve, 0.2) == pytest.approx(0.0)


def test_good_images_discarded_first_are_a_loss() -> None:
    errors = np.arange(1000) >= 800
    assert discard_gain(discard_curve(errors, np.arange(1000.0)), 0.2) < 0
    assert discard_gain(discard_curve(errors, -np.arange(1000.0)), 0.2) == pytest.approx(
        0.925, abs=0.01
    )


def test_without_comparisons_there_is_no_rate_and_without_errors_no_gain() -> None:
    none = discard_curve(np.empty(0, bool), np.empty(0))
    assert not len(none.rate)
    assert math.isnan(discard_area(none, 0.2))
    assert math.isnan(discard_gain(none, 0.2))
    assert np.isnan(none.at(np.array([0.0]))).all()
    flawless = discard_curve(np.zeros(3, bool), np.arange(3.0))
    assert discard_area(flawless, 0.2) == 0
    assert math.isnan(discard_gain(flawless, 0.2))


def test_a_quality_that_nothing_has_makes_no_step() -> None:
    curve = staircase(np.array([0.0, 2.0, 0.0, 2.0]), np.array([0.0, 1.0, 0.0, 0.0]))
    assert (curve.discarded.tolist(), curve.rate.tolist()) == ([0.0, 0.5], [0.25, 0.0])


@pytest.mark.parametrize(
    ("quality", "weights", "said"),
    [([0.1, math.nan], None, "NaN"), ([0.1], None, "one shape"), ([0.1, 0.2], [1, -1], "negative")],
)
def test_what_is_no_quality_is_refused(
    quality: list[float], weights: list[float] | None, said: str
) -> None:
    own = None if weights is None else np.array(weights)
    with pytest.raises(ValueError, match=said):
        discard_curve(np.array([True, False]), np.array(quality), own)


@pytest.mark.parametrize("limit", [0.0, 1.5, -0.2])
def test_a_share_beyond_all_or_nothing_is_refused(limit: float) -> None:
    with pytest.raises(ValueError, match="lies in"):
        discard_area(discard_curve(np.array([True]), np.array([0.5])), limit)
