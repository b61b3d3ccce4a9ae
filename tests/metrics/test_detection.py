"""Detection accuracies and rates, with failures always wrong."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.detection import accuracies, auc, eer, tpdr_at_fpdr

Case = tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Scores, truth (of both kinds) and failures of a few images."""
    n = draw(st.integers(2, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    truth = rng.random(n) < 0.5
    truth[:2] = [True, False]
    failed = rng.random(n) < draw(st.sampled_from([0, 0.2, 0.6]))
    return rng.integers(0, 5, n).astype(float), truth, failed


def rates(case: Case, threshold: float) -> tuple[float, float]:
    """FPDR and TPDR with a failure wrong whatever the truth."""
    scores, truth, failed = case
    said = np.where(failed, ~truth, scores >= threshold)
    return float(said[~truth].mean()), float(said[truth].mean())


@given(cases(), st.floats(0, 1) | st.integers(0, 7).map(lambda k: k / 7))
@settings(deadline=None)
def test_tpdr_at_fpdr_is_the_highest_over_all_thresholds(case: Case, fpdr: float) -> None:
    found = [rates(case, t) for t in [*range(6), math.inf]]
    allowed = [tpdr for got, tpdr in found if got <= fpdr]
    assert tpdr_at_fpdr(case[0], case[1], fpdr, case[2]) == max(allowed, default=0.0)


@given(cases(), st.integers(0, 5))
@settings(deadline=None)
def test_accuracies_are_counts_of_right_decisions(case: Case, threshold: int) -> None:
    scores, truth, failed = case
    fpdr, tpdr = rates(case, threshold)
    found = accuracies(scores, truth, threshold, failed)
    assert (found.tattoo, found.non_tattoo) == pytest.approx((tpdr, 1 - fpdr))
    right = found.tattoo * truth.sum() + found.non_tattoo * (~truth).sum()
    assert found.overall * len(truth) == pytest.approx(right)


@given(cases(), st.integers(0, 13))
@settings(deadline=None)
def test_refusing_an_image_never_helps(case: Case, which: int) -> None:
    scores, truth, failed = case
    more = failed.copy()
    more[which % len(more)] = True
    for before, after in zip(
        accuracies(scores, truth, 2.0, failed), accuracies(scores, truth, 2.0, more), strict=True
    ):
        assert after <= before
    for fpdr in (0.0, 0.3, 0.9):
        assert tpdr_at_fpdr(scores, truth, fpdr, more) <= tpdr_at_fpdr(scores, truth, fpdr, failed)
    assert auc(scores, truth, more) <= auc(scores, truth, failed)
    assert eer(scores, truth, more) >= eer(scores, truth, failed) - 1e-15


def test_the_score_of_a_failed_image_is_not_looked_at() -> None:
    truth, failed = np.array([True, False, True]), np.array([True, True, False])
    scores = np.array([np.nan, np.inf, 0.9])
    assert accuracies(scores, truth, 0.5, failed) == (0.5, 0.0, 1 / 3)
    assert tpdr_at_fpdr(scores, truth, 1.0, failed) == 0.5
    assert eer(scores, truth, failed) == 1.0


def test_an_oracle_is_perfect_and_a_constant_scorer_at_chance() -> None:
    truth = np.arange(10) < 4
    assert accuracies(truth.astype(float), truth, 0.5) == (1.0, 1.0, 1.0)
    assert tpdr_at_fpdr(truth.astype(float), truth, 0.0) == 1.0
    assert (auc(truth.astype(float), truth), eer(truth.astype(float), truth)) == (1.0, 0.0)
    same = np.full(10, 0.5)
    assert accuracies(same, truth, 0.5) == (1.0, 0.0, 0.4)
    assert tpdr_at_fpdr(same, truth, 0.99) == 0.0
    assert (auc(same, truth), eer(same, truth)) == (0.5, 0.5)


def test_a_kind_of_image_that_is_missing_has_no_rate() -> None:
    scores, tattoos = np.array([0.9, 0.1]), np.array([True, True])
    found = accuracies(scores, tattoos, 0.5)
    assert (found.tattoo, found.overall) == (0.5, 0.5)
    assert math.isnan(found.non_tattoo)
    for truth in (tattoos, ~tattoos):
        assert math.isnan(tpdr_at_fpdr(scores, truth, 0.01))
        assert math.isnan(auc(scores, truth))
        assert math.isnan(eer(scores, truth))
    nothing = np.array([]), np.array([], bool)
    assert all(math.isnan(share) for share in accuracies(*nothing, 0.5))


def test_inputs_that_do_not_fit_are_refused() -> None:
    scores, truth = np.array([0.9, 0.1]), np.array([True, False])
    with pytest.raises(ValueError, match="one shape"):
        accuracies(scores, truth[:1], 0.5)
    with pytest.raises(ValueError, match="one shape"):
        auc(scores, truth, np.array([True]))
    with pytest.raises(ValueError, match="bool"):
        eer(scores, truth.astype(int))
    with pytest.raises(ValueError, match="not marked as failed"):
        eer(np.array([np.nan, 0.1]), truth)
    with pytest.raises(ValueError, match="threshold is NaN"):
        accuracies(scores, truth, np.nan)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        tpdr_at_fpdr(scores, truth, 1.5)
