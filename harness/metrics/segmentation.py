"""Segmentation (which pixels are tattoo?): IoU, Dice, and the error of the concentration.

Masks are compared pixel by pixel. Stated answers: where neither mask marks a pixel they agree, so
IoU and Dice are 1.0; where one of them is empty and the other is not, both are 0.0. An image on
which the segmenter failed gets the worst value of each.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Mask: TypeAlias = npt.NDArray[np.bool_]
SoftMask: TypeAlias = npt.NDArray[np.bool_] | npt.NDArray[np.floating[Any]]


class Agreement(NamedTuple):
    """Numbers of pixels by what the answer and the truth say: they add up over images.

    Parameters
    ----------
    both
        Tattoo in the answer and in the truth.
    answer_only, truth_only
        Tattoo in one alone.
    neither
        Skin and background in both.
    """

    both: int
    answer_only: int
    truth_only: int
    neither: int

    @property
    def iou(self) -> float:
        """Intersection over union, in [0, 1]; 1.0 when both masks are empty."""
        union = self.both + self.answer_only + self.truth_only
        return self.both / union if union else 1.0

    @property
    def dice(self) -> float:
        """``2 * both / (answer + truth)``, which is ``2 IoU / (1 + IoU)``; 1.0 when both empty."""
        sizes = 2 * self.both + self.answer_only + self.truth_only
        return 2 * self.both / sizes if sizes else 1.0

    @property
    def concentration_error(self) -> float:
        """Share of tattoo pixels in the answer minus that in the truth; NaN without a pixel.

        In [-1, 1]. It sees how much is marked and not where, so it stands beside the IoU.
        """
        pixels = sum(self)
        return (self.answer_only - self.truth_only) / pixels if pixels else float("nan")


def as_mask(soft: SoftMask, threshold: float = 0.5) -> Mask:
    """Decide which pixels are tattoo: those with a value ``>= threshold``.

    Parameters
    ----------
    soft
        bool, or floating point in [0, 1]; any shape.
    threshold
        In [0, 1]; has no effect on a bool mask.

    Returns
    -------
    numpy.ndarray
        bool, of the same shape.

    Raises
    ------
    ValueError
        If a value or the threshold is NaN or outside [0, 1].

    Examples
    --------
    >>> as_mask(np.array([[0.2, 0.5, 0.9]]))
    array([[False,  True,  True]])
    """
    if not 0.0 <= threshold <= 1.0:
        raise ValueError(f"a threshold lies in [0, 1], but {threshold} was given")
    if soft.dtype == np.bool_:
        return soft.astype(np.bool_)
    # The comparisons are false for NaN.
    if not np.issubdtype(soft.dtype, np.floating) or not np.all((soft >= 0) & (soft <= 1)):
        raise ValueError("a mask is bool, or floating point in [0, 1]")
    decided: Mask = soft >= threshold
    return decided


def concentration(mask: Mask) -> float:
    """Share of the image's pixels that are tattoo (Tattoodo).

    Parameters
    ----------
    mask
        bool, any shape.

    Returns
    -------
    float
        In [0, 1]; NaN without a pixel.

    Raises
    ------
    ValueError
        If `mask` is not bool.

    Examples
    --------
    >>> concentration(np.array([[True, False], [False, False]]))
    0.25
    """
    if mask.dtype != np.bool_:
        raise ValueError("a decided mask is bool: see as_mask")
    return float(mask.mean()) if mask.size else float("nan")


def agreement(answer: Mask, truth: Mask) -> Agreement:
    """Count pixels by what the answer and the truth say of them.

    Parameters
    ----------
    answer, truth
        bool, both of the same shape, usually (height, width).

    Returns
    -------
    Agreement
        With IoU, Dice and the error of the concentration as properties.

    Raises
    ------
    ValueError
        If shapes differ or a mask is not bool.

    Examples
    --------
    >>> found = agreement(np.array([True, True, False, False]), np.array([True, False, True, True]))
    >>> found.iou, found.dice, found.concentration_error
    (0.25, 0.4, -0.25)
    """
    if answer.shape != truth.shape:
        raise ValueError(f"the masks have different shapes: {answer.shape} and {truth.shape}")
    if answer.dtype != np.bool_ or truth.dtype != np.bool_:
        raise ValueError("decided masks are bool: see as_mask")
    both = int(np.count_nonzero(answer & truth))
    answer_only = int(np.count_nonzero(answer)) - both
    truth_only = int(np.count_nonzero(truth)) - both
    return Agreement(both, answer_only, truth_only, answer.size - both - answer_only - truth_only)


ENTRIES = {
    "iou": Entry(
        agreement, "Intersection over union (IoU)", unit="share", guess=0.0, trials="Images"
    ),
    "dice": Entry(agreement, "Dice coefficient", unit="share", guess=0.0, trials="Images"),
    "pixel-accuracy": Entry(
        agreement, "Accuracy over pixels", unit="percent", guess=0.5, trials="Images"
    ),
    "concentration-error": Entry(
        agreement, "Error of the share of tattoo pixels", unit="percent", better="lower"
    ),
    "false-marking": Entry(
        concentration, "Pixels marked on images without a tattoo", unit="percent", better="lower"
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
