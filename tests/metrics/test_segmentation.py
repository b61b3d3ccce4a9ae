"""Agreement of masks against sets of pixels, with a stated answer for every empty mask."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sklearn_metrics

from harness.metrics.segmentation import Agreement, agreement, as_mask, concentration

Bools = npt.NDArray[np.bool_]

EMPTY, FULL = np.zeros((3, 4), bool), np.ones((3, 4), bool)


@st.composite
def pairs(draw: st.DrawFn) -> tuple[Bools, Bools]:
    """Two small masks, often empty or full."""
    shape = draw(st.tuples(st.integers(1, 4), st.integers(1, 4)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    share = st.sampled_from([0.0, 0.3, 0.7, 1.0])
    return rng.random(shape) < draw(share), rng.random(shape) < draw(share)


@given(pairs())
@settings(deadline=None)
def test_figures_are_those_of_sets_of_pixels(pair: tuple[Bools, Bools]) -> None:
    answer, truth = pair
    a, t = set(np.flatnonzero(answer)), set(np.flatnonzero(truth))
    found = agreement(answer, truth)
    assert found == (len(a & t), len(a - t), len(t - a), answer.size - len(a | t))
    assert found.iou == (len(a & t) / len(a | t) if a | t else 1.0)
    assert found.dice == (2 * len(a & t) / (len(a) + len(t)) if a | t else 1.0)
    assert found.dice == pytest.approx(2 * found.iou / (1 + found.iou))
    error = concentration(answer) - concentration(truth)
    assert found.concentration_error == pytest.approx(error, abs=1e-15)


@given(pairs(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_place_of_pixels_and_the_roles_of_the_masks_change_nothing(
    pair: tuple[Bools, Bools], seed: int
) -> None:
    answer, truth = pair
    order = np.random.default_rng(seed).permutation(answer.size)
    assert agreement(answer.ravel()[order], truth.ravel()[order]) == agreement(answer, truth)
    found, swapped = agreement(answer, truth), agreement(truth, answer)
    assert (found.iou, found.dice) == (swapped.iou, swapped.dice)
    assert found.concentration_error == -swapped.concentration_error


@given(pairs())
@settings(deadline=None)
def test_an_image_enlarged_pixel_by_pixel_has_the_same_figures(pair: tuple[Bools, Bools]) -> None:
    found, larger = agreement(*pair), agreement(*(np.kron(m, np.ones((2, 2), bool)) for m in pair))
    assert (found.iou, found.dice) == (larger.iou, larger.dice)
    assert found.concentration_error == larger.concentration_error


def test_scikit_learn_agrees() -> None:
    rng = np.random.default_rng(0)
    answer, truth = rng.random((20, 30)) < 0.4, rng.random((20, 30)) < 0.3
    found = agreement(answer, truth)
    assert found.iou == pytest.approx(sklearn_metrics.jaccard_score(truth.ravel(), answer.ravel()))
    assert found.dice == pytest.approx(sklearn_metrics.f1_score(truth.ravel(), answer.ravel()))


@pytest.mark.parametrize(
    ("answer", "truth", "overlap", "error"),
    [
        pytest.param(EMPTY, EMPTY, 1.0, 0.0, id="both empty: they agree"),
        pytest.param(EMPTY, FULL, 0.0, -1.0, id="all missed"),
        pytest.param(FULL, EMPTY, 0.0, 1.0, id="all invented"),
        pytest.param(FULL, FULL, 1.0, 0.0, id="both full"),
    ],
)
def test_empty_and_full_masks_have_a_stated_answer(
    answer: Bools, truth: Bools, overlap: float, error: float
) -> None:
    found = agreement(answer, truth)
    assert (found.iou, found.dice, found.concentration_error) == (overlap, overlap, error)


def test_a_mask_of_chance_has_the_overlap_of_its_closed_form() -> None:
    """Independent masks with shares p and q: IoU pq / (p + q - pq)."""
    rng = np.random.default_rng(1)
    p, q = 0.4, 0.2
    found = agreement(rng.random(200000) < p, rng.random(200000) < q)
    assert found.iou == pytest.approx(p * q / (p + q - p * q), abs=0.005)
    assert found.concentration_error == pytest.approx(p - q, abs=0.005)


def test_the_concentration_error_does_not_see_where() -> None:
    left = np.array([[True, False]])
    found = agreement(left, ~left)
    assert (found.iou, found.concentration_error) == (0.0, 0.0)


def test_counts_of_images_add_up() -> None:
    one, other = Agreement(1, 2, 3, 4), Agreement(4, 3, 2, 1)
    pooled = Agreement(*(a + b for a, b in zip(one, other, strict=True)))
    assert pooled.iou == 5 / 15


def test_without_images_or_pixels_there_is_no_figure() -> None:
    nothing = np.zeros((0, 4), bool)
    assert math.isnan(concentration(nothing))
    assert math.isnan(agreement(nothing, nothing).concentration_error)


def test_a_soft_mask_is_decided_at_a_threshold_that_belongs_to_the_tattoo() -> None:
    soft = np.array([[0.0, 0.49, 0.5, 1.0]], np.float32)
    assert as_mask(soft).tolist() == [[False, False, True, True]]
    assert as_mask(soft, 0.0).all()
    assert as_mask(soft, 1.0).tolist() == [[False, False, False, True]]
    assert as_mask(soft > 0.4).tolist() == [[False, True, True, True]]
    assert as_mask(np.full((2, 2), 0.5)).all()


def test_what_is_no_mask_is_refused() -> None:
    for bad in (np.nan, -0.1, 1.1, np.inf):
        with pytest.raises(ValueError, match=r"floating point in \[0, 1\]"):
            as_mask(np.array([bad]))
        with pytest.raises(ValueError, match="threshold"):
            as_mask(np.array([0.5]), bad)
    with pytest.raises(ValueError, match="floating point"):
        as_mask(np.array([0, 255], np.uint8))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="different shapes"):
        agreement(EMPTY, EMPTY.T)
    with pytest.raises(ValueError, match="bool"):
        agreement(EMPTY.astype(int), EMPTY)
    with pytest.raises(ValueError, match="bool"):
        concentration(np.array([0.5]))
