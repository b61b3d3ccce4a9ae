"""Restoration (the tattoo removed): likeness to the true picture inside and outside the mask.

Inside the mask of the tattoo it tells how well the skin was restored; outside, what the algorithm
changed where there was nothing to remove. A remover that does nothing is perfect outside, so the
two are always read together. The windows of SSIM that count as outside are those that see no pixel
of the mask, so what happened inside cannot lower the figure.

Pictures are compared as stored, without any alignment: one returned in another size is an error,
not something to resize.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Picture: TypeAlias = npt.NDArray[np.integer[Any]] | npt.NDArray[np.floating[Any]]
Mask: TypeAlias = npt.NDArray[np.bool_]

_SIGMA, _RADIUS = 1.5, 5  # windows of 11 x 11
_K1, _K2 = 0.01, 0.03


class Restoration(NamedTuple):
    """How like the true picture a restored one is; NaN for a region without pixels.

    Parameters
    ----------
    psnr_inside, psnr_outside
        Decibels: `psnr`.
    ssim_inside
        In [-1, 1]: `ssim` of the windows centred inside.
    ssim_outside
        In [-1, 1]: `ssim` of the windows that lie wholly outside; NaN if there is none.
    error_inside, error_outside
        In units of the pixels: `mean_absolute_error`.
    """

    psnr_inside: float
    psnr_outside: float
    ssim_inside: float
    ssim_outside: float
    error_inside: float
    error_outside: float


def restoration(
    restored: Picture, truth: Picture, mask: Mask, data_range: float = 255.0
) -> Restoration:
    """Compare a restored picture with the true one, inside and outside the mask of the tattoo.

    Parameters
    ----------
    restored, truth
        Integer or floating point, one shape (height, width) or (height, width, channels).
    mask
        bool, shape (height, width): where the tattoo was.
    data_range
        Largest possible difference of two pixels: 255 for 8 bits.

    Returns
    -------
    Restoration
        Six figures, NaN for a region without pixels.

    Raises
    ------
    ValueError
        If shapes do not fit, `mask` is not bool, a pixel is not finite, or `data_range` is not
        positive.

    Examples
    --------
    >>> truth, mask = np.full((20, 20), 100.0), np.zeros((20, 20), bool)
    >>> mask[:10] = True
    >>> found = restoration(np.where(mask, 110.0, truth), truth, mask)
    >>> found.error_inside, found.error_outside, found.psnr_outside
    (10.0, 0.0, inf)
    """
    similarity = ssim_map(restored, truth, data_range)
    return Restoration(
        psnr(restored, truth, mask, data_range),
        psnr(restored, truth, ~mask, data_range),
        _mean(similarity, mask),
        _mean(similarity, _far_from(mask)),
        mean_absolute_error(restored, truth, mask),
        mean_absolute_error(restored, truth, ~mask),
    )


def failed(truth: Picture, mask: Mask, data_range: float = 255.0) -> Restoration:
    """Figures of a remover that gave no picture: the worst that any picture could have.

    PSNR 0 (every pixel wrong by the whole range), SSIM -1 and an error of `data_range`. Neither
    leaving the image out nor putting the unchanged one in its place would do: the latter is perfect
    outside the mask.

    Parameters
    ----------
    truth, mask, data_range
        As for `restoration`.

    Returns
    -------
    Restoration
        NaN where `restoration` would give NaN whatever the picture.

    Raises
    ------
    ValueError
        If shapes do not fit or `mask` is not bool.

    Examples
    --------
    >>> nothing = np.zeros((20, 20), bool)
    >>> failed(np.zeros((20, 20)), nothing)[:2]  # a region without pixels has no figure even so
    (nan, 0.0)
    """
    _checked(truth, truth, mask)
    windows = np.zeros(mask.shape, np.bool_)
    windows[_RADIUS:-_RADIUS, _RADIUS:-_RADIUS] = True
    inside, outside = mask.any(), (~mask).any()
    return Restoration(
        0.0 if inside else float("nan"),
        0.0 if outside else float("nan"),
        -1.0 if (mask & windows).any() else float("nan"),
        -1.0 if (_far_from(mask) & windows).any() else float("nan"),
        data_range if inside else float("nan"),
        data_range if outside else float("nan"),
    )


def psnr(
    restored: Picture, truth: Picture, region: Mask | None = None, data_range: float = 255.0
) -> float:
    """Peak signal-to-noise ratio: ``10 log10(data_range^2 / mean squared error)``.

    Parameters
    ----------
    restored, truth
        As for `restoration`.
    region
        bool, shape (height, width): the pixels that count; all unless given.
    data_range
        As for `restoration`.

    Returns
    -------
    float
        Decibels: 0 when every pixel is wrong by the whole range, ``inf`` where the pictures are
        equal; NaN for a region without pixels. One perfect image makes a mean infinite, so over a
        set the median or the pooled squared error is the figure to give.

    Raises
    ------
    ValueError
        As for `restoration`.

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
        As for `restoration`.
    region
        As for `psnr`.

    Returns
    -------
    float
        In units of the pixels; NaN for a region without pixels.

    Raises
    ------
    ValueError
        As for `restoration`.

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
        As for `restoration`.
    region
        As for `psnr`.
    data_range
        As for `restoration`.

    Returns
    -------
    float
        In [-1, 1]; 1.0 where the pictures are equal; NaN without a whole window centred in the
        region, as in a picture smaller than 11 x 11.

    Raises
    ------
    ValueError
        As for `restoration`.

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
        As for `restoration`.

    Returns
    -------
    numpy.ndarray
        float64, of the pictures' shape, in [-1, 1]; NaN where the window leaves the picture.

    Raises
    ------
    ValueError
        As for `restoration`.

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


def _far_from(mask: Mask) -> Mask:
    """Centres of windows that see no pixel of a mask."""
    from scipy.ndimage import maximum_filter

    near: Mask = maximum_filter(mask, size=2 * _RADIUS + 1, mode="constant", cval=False)
    return ~near


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
