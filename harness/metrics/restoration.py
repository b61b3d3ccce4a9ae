"""Restoration (the tattoo removed): likeness to the true picture inside and outside the mask.

Inside the mask of the tattoo it tells how well the skin was restored; outside, what the algorithm
changed where there was nothing to remove. A remover that does nothing is perfect outside, so the
two are always read together.

Pictures are compared as stored, without any alignment: one returned in another size is an error,
not something to resize.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Picture: TypeAlias = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]
Mask: TypeAlias = npt.NDArray[np.bool_]

_SIGMA, _RADIUS = 1.5, 5  # windows of 11 x 11
_K1, _K2 = 0.01, 0.03


def psnr(
    restored: Picture, truth: Picture, region: Mask | None = None, data_range: float = 255.0
) -> float:
    """Peak signal-to-noise ratio: ``10 log10(data_range^2 / mean squared error)``.

    Parameters
    ----------
    restored, truth
        Integer or floating point, one shape (height, width) or (height, width, channels).
    region
        bool, shape (height, width): the pixels that count; all unless given.
    data_range
        Largest possible difference of two pixels: 255 for 8 bits.

    Returns
    -------
    float
        Decibels: 0 when every pixel is wrong by the whole range, ``inf`` where the pictures are
        equal; NaN for a region without pixels. One perfect image makes a mean infinite, so over a
        set the median or the pooled squared error is the figure to give.

    Raises
    ------
    ValueError
        If shapes do not fit, `region` is not bool, a pixel is not finite, or `data_range` is not
        positive.

    Examples
    --------
    >>> psnr(np.full((2, 2), 25.5), np.zeros((2, 2)))  # a tenth of the range: 20 log10(10)
    20.0
    """
    if not 0.0 < data_range < np.inf:
        raise ValueError(f"a range of pixels is positive, not {data_range}")
    one, other, counted = _checked(restored, truth, region)
    squared = _mean((one - other) ** 2, counted)
    if squared == 0.0:
        return float("inf")
    return float(10.0 * np.log10(data_range**2 / squared))


def mean_absolute_error(restored: Picture, truth: Picture, region: Mask | None = None) -> float:
    """Mean absolute difference of pixels; outside the mask it is the collateral change.

    Parameters
    ----------
    restored, truth
        As for `psnr`.
    region
        As for `psnr`.

    Returns
    -------
    float
        In units of the pixels; NaN for a region without pixels.

    Raises
    ------
    ValueError
        As for `psnr`.

    Examples
    --------
    >>> truth, restored = np.array([[10, 10]], np.uint8), np.array([[7, 10]], np.uint8)
    >>> mean_absolute_error(restored, truth), mean_absolute_error(restored, truth, truth < 0)
    (1.5, nan)
    """
    one, other, counted = _checked(restored, truth, region)
    return _mean(np.abs(one - other), counted)


def ssim(
    restored: Picture, truth: Picture, region: Mask | None = None, data_range: float = 255.0
) -> float:
    """Structural similarity (Wang et al. 2004), averaged over windows centred in a region.

    Gaussian windows of 11 x 11 with a standard deviation of 1.5, K1 = 0.01, K2 = 0.03, moments
    weighted by the window without a correction of the sample size. Only windows that lie whole in
    the picture count, so the outer 5 pixels are no centres; a window at the edge of the region sees
    pixels on both sides of it. Channels are averaged.

    Parameters
    ----------
    restored, truth
        As for `psnr`.
    region
        As for `psnr`.
    data_range
        As for `psnr`.

    Returns
    -------
    float
        In [-1, 1]; 1.0 where the pictures are equal; NaN without a whole window centred in the
        region, as in a picture smaller than 11 x 11.

    Raises
    ------
    ValueError
        As for `psnr`.

    Examples
    --------
    >>> truth = np.full((11, 11), 100.0)  # flat: (2 * 100 * 50 + c) / (100^2 + 50^2 + c)
    >>> round(ssim(truth / 2, truth), 4), ssim(truth, truth)  # with c = (0.01 * 255)^2
    (0.8001, 1.0)
    """
    _, _, counted = _checked(restored, truth, region)
    return _mean(ssim_map(restored, truth, data_range), counted)


def ssim_map(
    restored: Picture, truth: Picture, data_range: float = 255.0
) -> npt.NDArray[np.float64]:
    """Structural similarity of the window around each pixel: where a restoration went wrong.

    Parameters
    ----------
    restored, truth, data_range
        As for `psnr`.

    Returns
    -------
    numpy.ndarray
        float64, of the pictures' shape, in [-1, 1]; NaN where the window leaves the picture.

    Raises
    ------
    ValueError
        As for `psnr`.

    Examples
    --------
    >>> picture = np.zeros((12, 13))
    >>> int(np.count_nonzero(~np.isnan(ssim_map(picture, picture))))  # 2 x 3 whole windows
    6
    """
    from scipy.ndimage import correlate1d

    if not 0.0 < data_range < np.inf:
        raise ValueError(f"a range of pixels is positive, not {data_range}")
    x, y, _ = _checked(restored, truth, None)
    weights = np.exp(-0.5 * (np.arange(-_RADIUS, _RADIUS + 1) / _SIGMA) ** 2)
    weights /= weights.sum()

    def average(values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        rows = correlate1d(values, weights, axis=0)
        both: npt.NDArray[np.float64] = correlate1d(rows, weights, axis=1)
        return both

    c1, c2 = (_K1 * data_range) ** 2, (_K2 * data_range) ** 2
    mean_x, mean_y = average(x), average(y)
    var_x, var_y = average(x * x) - mean_x**2, average(y * y) - mean_y**2
    covariance = average(x * y) - mean_x * mean_y
    luminance = (2 * mean_x * mean_y + c1) / (mean_x**2 + mean_y**2 + c1)
    similarity = luminance * (2 * covariance + c2) / (var_x + var_y + c2)
    whole = np.full(similarity.shape, np.nan)
    inner = (slice(_RADIUS, -_RADIUS), slice(_RADIUS, -_RADIUS))
    # Rounding must not lead out of the range.
    whole[inner] = np.clip(similarity[inner], -1.0, 1.0)
    return whole


def _mean(values: npt.NDArray[np.float64], region: Mask) -> float:
    """Mean over the pixels of a region that have a value."""
    counted = values[region]
    counted = counted[~np.isnan(counted)]
    return float(counted.mean()) if counted.size else float("nan")


def _checked(
    restored: Picture, truth: Picture, region: Mask | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], Mask]:
    one: npt.NDArray[np.float64] = np.asarray(restored, np.float64)
    other: npt.NDArray[np.float64] = np.asarray(truth, np.float64)
    if one.shape != other.shape or one.ndim not in (2, 3):
        raise ValueError(
            f"pictures {one.shape} and {other.shape} must have one shape (height, width) or "
            "(height, width, channels)"
        )
    if region is None:
        region = np.ones(one.shape[:2], np.bool_)
    if region.dtype != np.bool_ or region.shape != one.shape[:2]:
        raise ValueError(f"a mask must be bool with the shape {one.shape[:2]}")
    if not np.isfinite(one).all() or not np.isfinite(other).all():
        raise ValueError("a pixel is not finite")
    return one, other, region


ENTRIES = {
    "error-inside": Entry(
        mean_absolute_error,
        "Mean absolute error inside the mask, in levels",
        better="lower",
        span=math.inf,
    ),
    "ssim-inside": Entry(
        ssim, "Structural similarity inside the mask (SSIM)", unit="share", span=2.0
    ),
    "psnr": Entry(psnr, "Peak signal-to-noise ratio (PSNR)", span=math.inf),
    "ssim": Entry(ssim, "Structural similarity (SSIM)", unit="share", span=2.0),
    "absolute-error": Entry(
        mean_absolute_error, "Mean absolute error", better="lower", span=math.inf
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
