"""Localisation (where is the tattoo?): accuracy, failures and false detections of boxes.

After Tatt-E (NISTIR 8232, section 3.3). For N >= 1 true boxes G_i and M detected boxes A_j of an
image let ``C_ij = |G_i n A_j| / |G_i u A_j|``, ``L_i = sum_j C_ij`` and ``D_j = sum_i C_ij``.
A true box is a *failure* when ``L_i = 0``, a detected box a *false detection* when ``D_j = 0``.

Because overlaps are summed, a tattoo found in two halves and two tattoos found in one box are not
punished. The price of the definition: boxes laid over each other are summed too, so a poor box
returned three times may count as found. Exactly half is not enough.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Boxes: TypeAlias = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]

_FARTHEST = 1e100  # beyond it an area might not be finite


class ImageResult(NamedTuple):
    """Accuracy and counts of one image.

    Parameters
    ----------
    accuracy
        In [0, 1]; NaN when the image has no true box.
    failures, true
        True boxes that no detected box touches, and all true boxes.
    false_detections, detected
        Detected boxes that touch no true box, and all detected boxes.
    """

    accuracy: float
    failures: int
    true: int
    false_detections: int
    detected: int


class Localisation(NamedTuple):
    """Rates over a set of images.

    Parameters
    ----------
    accuracy
        Mean over the images with a true box, in [0, 1]; NaN without such an image.
    failure_rate
        Failures over all true boxes, in [0, 1]; NaN without a true box.
    false_detection_rate
        False detections over all detected boxes, in [0, 1]; NaN when nothing was detected.
    images
        Number of images with a true box.
    failures, true, false_detections, detected
        Sums of the counts of `ImageResult`.
    """

    accuracy: float
    failure_rate: float
    false_detection_rate: float
    images: int
    failures: int
    true: int
    false_detections: int
    detected: int


def localise(truth: Boxes, detected: Boxes) -> ImageResult:
    """Compare the detected boxes of one image with the true ones (NISTIR 8232, section 3.3).

    With H(z) = 1 for z > 0 and 0 otherwise, the accuracy is
    ``sum_j H(D_j - .5) / (M + (N - sum_i H(L_i)))`` when M < N, and
    ``sum_i H(L_i - .5) / (N + (M - sum_j H(D_j)))`` when M >= N.

    Parameters
    ----------
    truth
        Integer or floating point, shape (N, 4): x1, y1, x2, y2 with x2 and y2 exclusive, in any
        unit. Boxes may leave the image.
    detected
        The same, shape (M, 4), in the same unit. A box without area overlaps nothing. A detector
        that failed detected nothing: shape (0, 4).

    Returns
    -------
    ImageResult
        The order of the boxes changes nothing. An image without a true box has no accuracy, but
        every box detected on it is a false detection.

    Raises
    ------
    ValueError
        If a shape is another, a coordinate is not finite, a box ends before it begins, or a true
        box has no area.

    Examples
    --------
    >>> tattoo = np.array([[0, 0, 10, 10]])
    >>> localise(tattoo, np.array([[0, 0, 10, 8], [50, 50, 60, 60]]))  # one right, one false
    ImageResult(accuracy=0.5, failures=0, true=1, false_detections=1, detected=2)
    >>> localise(tattoo, np.array([[0, 0, 10, 5], [0, 5, 10, 10]])).accuracy  # in two halves
    1.0
    >>> localise(tattoo, np.array([[0, 0, 10, 5]])).accuracy  # just half of it
    0.0
    """
    overlap = _overlaps(_checked("true", truth), _checked("detected", detected))
    n, m = overlap.shape
    # Rounded once, a sum of rounded overlaps that is exactly one half never comes out above it: the
    # errors of its terms are less than half the distance to the next number.
    found = [math.fsum(row) for row in overlap]
    covered = [math.fsum(column) for column in overlap.T]
    failures = sum(value == 0 for value in found)
    false_detections = sum(value == 0 for value in covered)
    if n == 0:
        accuracy = float("nan")
    elif m < n:
        # Never 0 / 0: where nothing is detected, every true box is a failure.
        accuracy = sum(value > 0.5 for value in covered) / (m + failures)
    else:
        accuracy = sum(value > 0.5 for value in found) / (n + false_detections)
    return ImageResult(accuracy, failures, n, false_detections, m)


def over_images(results: Iterable[ImageResult]) -> Localisation:
    """Average the accuracies of images, and pool their counts into rates.

    Every image with a true box weighs the same, whatever its number of boxes.

    Parameters
    ----------
    results
        Of `localise`, one for each image, failed ones among them.

    Returns
    -------
    Localisation
        Rates and the counts behind them.

    Examples
    --------
    >>> tattoo, nothing = np.array([[0, 0, 10, 10]]), np.empty((0, 4))
    >>> rates = over_images([localise(tattoo, tattoo), localise(tattoo, nothing)])
    >>> rates.accuracy, rates.failure_rate, rates.false_detection_rate
    (0.5, 0.5, 0.0)
    """
    listed = list(results)
    accuracies = [result.accuracy for result in listed if result.true]
    failures = sum(result.failures for result in listed)
    true = sum(result.true for result in listed)
    false_detections = sum(result.false_detections for result in listed)
    detected = sum(result.detected for result in listed)
    return Localisation(
        accuracy=math.fsum(accuracies) / len(accuracies) if accuracies else float("nan"),
        failure_rate=failures / true if true else float("nan"),
        false_detection_rate=false_detections / detected if detected else float("nan"),
        images=len(accuracies),
        failures=failures,
        true=true,
        false_detections=false_detections,
        detected=detected,
    )


def _overlaps(
    truth: npt.NDArray[np.float64], detected: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Intersection over union of every true with every detected box: float64, shape (N, M)."""
    low = np.maximum(truth[:, np.newaxis, :2], detected[np.newaxis, :, :2])
    high = np.minimum(truth[:, np.newaxis, 2:], detected[np.newaxis, :, 2:])
    shared: npt.NDArray[np.float64] = np.prod(np.maximum(high - low, 0), axis=2)
    areas = [np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) for boxes in (truth, detected)]
    overlaps: npt.NDArray[np.float64] = shared / (areas[0][:, np.newaxis] + areas[1] - shared)
    return overlaps


def _checked(what: str, boxes: Boxes) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = np.asarray(boxes, np.float64)
    if values.ndim != 2 or values.shape[1] != 4:
        raise ValueError(f"{what} boxes must have the shape (boxes, 4), not {values.shape}")
    # The comparison is false for NaN.
    if not np.all(np.abs(values) <= _FARTHEST):
        raise ValueError(f"a coordinate of the {what} boxes is not finite, or beyond {_FARTHEST}")
    sides = values[:, 2:] - values[:, :2]
    if (sides < 0).any():
        raise ValueError(f"one of the {what} boxes ends before it begins: expected x1 y1 x2 y2")
    if what == "true" and (np.prod(sides, axis=1) == 0).any():
        raise ValueError("a true box has no area")
    return values


ENTRIES = {
    "localisation-accuracy": Entry(
        over_images, "Localisation accuracy", unit="percent", guess=0.0, trials="Images"
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
