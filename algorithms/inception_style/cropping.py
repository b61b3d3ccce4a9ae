"""Entropy cropping: the part of an image in which grey levels are most varied."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from harness.api import Image

LEVELS = 32
"""Grey levels that are told apart."""

STEPS = 16
"""Places tried along each side, at most."""


def entropy_square(image: Image, share: float) -> Image:
    """Cut out the square with the highest Shannon entropy of its grey levels.

    Parameters
    ----------
    image
        uint8 RGB, shape (height, width, 3).
    share
        Side of the square as a share of the image's shorter side, in (0, 1]; at least one pixel.

    Returns
    -------
    numpy.ndarray
        A view. Of squares with equal entropy the one nearest to the middle is taken, of those the
        upper left one: a blank image is cropped to its middle.
    """
    gray = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2GRAY)
    height, width = gray.shape
    side = max(1, round(share * min(height, width)))
    tops, lefts = _places(height - side), _places(width - side)
    entropies = entropy(_counts(gray, side, tops, lefts))
    away = np.hypot(tops[:, None] - (height - side) / 2, lefts[None, :] - (width - side) / 2)
    # Rounded, so that equal squares are equal whatever the order of the sums.
    order = np.lexsort((away.ravel(), -entropies.round(9).ravel()))
    row, column = divmod(int(order[0]), len(lefts))
    top, left = int(tops[row]), int(lefts[column])
    return image[top : top + side, left : left + side]


def entropy(counts: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
    """Return the Shannon entropy in bits of counts along the last axis; 0 where all counts are 0.

    Parameters
    ----------
    counts
        int64, shape (..., values), from 0.

    Returns
    -------
    numpy.ndarray
        float64, shape (...), in [0, log2(values)].

    Examples
    --------
    >>> entropy(np.array([[4, 4, 0], [8, 0, 0]])).tolist()
    [1.0, 0.0]
    """
    shares = counts / np.maximum(counts.sum(axis=-1, keepdims=True), 1)
    logs = np.log2(shares, out=np.zeros_like(shares), where=shares > 0)
    bits: npt.NDArray[np.float64] = 0.0 - (shares * logs).sum(axis=-1)
    return bits


def _places(room: int) -> npt.NDArray[np.int64]:
    return np.unique(np.linspace(0, room, min(room + 1, STEPS)).round().astype(np.int64))


def _counts(
    gray: npt.NDArray[np.uint8],
    side: int,
    tops: npt.NDArray[np.int64],
    lefts: npt.NDArray[np.int64],
) -> npt.NDArray[np.int64]:
    """Count the grey levels of every square: shape (tops, lefts, levels), by sums over areas."""
    levels = gray.astype(np.int64) * LEVELS // 256
    present = (levels[..., None] == np.arange(LEVELS)).astype(np.int64)
    sums = np.pad(present.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0), (0, 0)))
    low, left = tops[:, None], lefts[None, :]
    counts: npt.NDArray[np.int64] = (
        sums[low + side, left + side] - sums[low, left + side] - sums[low + side, left]
    ) + sums[low, left]
    return counts
