"""EER and FNMRs from a part of the scores are those of all scores, whatever the sample says."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import verification
from harness.metrics.verification import error_curve, rates

FMRS = (0.5, 0.1, 0.01, 1e-3, 0.0, 1.0)


@given(st.integers(0, 2**32 - 1), st.sampled_from([4, 64, 1 << 16]))
@settings(deadline=None, max_examples=60)
def test_rates_are_read_from_the_exact_curve(seed: int, sample: int) -> None:
    rng = np.random.default_rng(seed)
    nonmated = rng.standard_normal(rng.integers(1, 3000)).round(rng.integers(0, 5))
    mated = (rng.standard_normal(rng.integers(1, 200)) + rng.integers(-1, 3)).round(2)
    mated[rng.random(mated.size) < 0.1] = -np.inf
    if rng.random() < 0.3:
        nonmated[rng.random(nonmated.size) < 0.2] = rng.choice([-np.inf, np.inf])
    if rng.random() < 0.5:
        nonmated.sort()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(verification, "_SAMPLE", sample)
        found = rates(mated, nonmated, FMRS)
    curve = error_curve(mated, nonmated)
    for fmr in FMRS:
        allowed = curve.fmr <= fmr
        # Above the highest finite score nothing matches but failures that count as matches.
        assert found.fnmr[fmr] == (curve.fnmr[allowed].min() if allowed.any() else 1.0)
    m, n = mated.size, nonmated.size
    matches = np.round(curve.fmr * n).astype(np.int64)
    misses = np.round(curve.fnmr * m).astype(np.int64)
    assert found.eer == verification.crossing_rate(matches, misses, m, n)


def test_a_sample_of_the_wrong_scores_has_no_influence(monkeypatch: pytest.MonkeyPatch) -> None:
    # Every second score is drawn, and those lie far from the others.
    rng = np.random.default_rng(0)
    nonmated = rng.standard_normal(20_000)
    nonmated[::2] -= 50
    mated = rng.standard_normal(500) + 2
    whole = rates(mated, nonmated, FMRS)
    monkeypatch.setattr(verification, "_SAMPLE", 10_000)
    assert rates(mated, nonmated, FMRS) == whole
    monkeypatch.setattr(verification, "_SAMPLE", 5_000)
    assert rates(mated, nonmated + 0, FMRS) == whole


def test_without_scores_there_are_no_rates() -> None:
    for mated, nonmated in (([], [1.0]), ([1.0], [])):
        found = rates(np.array(mated), np.array(nonmated), (0.1,))
        assert math.isnan(found.eer)
        assert math.isnan(found.fnmr[0.1])


def test_an_impossible_fmr_is_refused() -> None:
    with pytest.raises(ValueError, match="lies in"):
        rates(np.array([1.0]), np.array([0.0]), (0.1, 1.1))
