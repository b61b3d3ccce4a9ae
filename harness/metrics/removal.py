"""Removal of tattoos: how much of the ink is gone, and what was changed that should not have been.

Errors are measured against the clean capture of the same scene, changes against the picture that
was given. The mask of a data set marks ink; its soft edge lies outside, and so does whatever the
compression of the two pictures did differently. So what happens outside is measured as change: a
picture that was not touched has none.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry
from harness.metrics.restoration import mean_absolute_error, ssim

CHANGED_ABOVE = 4
"""Levels of 255 by which some channel of a pixel must differ for the pixel to count as changed."""

Pixels = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]


class Removal(NamedTuple):
    """What a retouched picture is worth; NaN for a region without pixels.

    Parameters
    ----------
    error, error_unchanged
        Mean absolute difference from the clean capture over the whole picture, in levels of 255:
        of the retouched picture, and of the one that was given.
    error_inside, error_inside_unchanged
        The same inside the mask.
    squared_inside
        Mean squared difference from the clean capture inside the mask, in levels squared.
    ssim_inside
        `harness.metrics.restoration.ssim` with the clean capture, of windows centred inside.
    change_outside
        Mean absolute difference from the picture given, outside the mask, in levels.
    changed_outside
        Share of the pixels outside the mask that differ from the picture given by more than
        `CHANGED_ABOVE` levels in some channel.
    """

    error: float
    error_unchanged: float
    error_inside: float
    error_inside_unchanged: float
    squared_inside: float
    ssim_inside: float
    change_outside: float
    changed_outside: float


def removal(retouched: Pixels, original: Pixels, clean: Pixels, mask: Mask) -> Removal:
    """Measure one retouched picture.

    Parameters
    ----------
    retouched, original, clean
        uint8 RGB of one shape (height, width, 3); where there is no tattoo, `clean` is `original`.
    mask
        bool, shape (height, width): the ink; empty where there is no tattoo.

    Raises
    ------
    ValueError
        If shapes differ or the mask is not bool.

    Examples
    --------
    >>> given = np.full((20, 20, 3), 100, np.uint8); given[:10] = 40  # ink, 60 levels too dark
    >>> mask = np.zeros((20, 20), bool); mask[:10] = True
    >>> half = np.where(mask[:, :, None], given + 30, given).astype(np.uint8)
    >>> found = removal(half, given, np.full((20, 20, 3), 100, np.uint8), mask)
    >>> found.error_inside, found.error_inside_unchanged, found.changed_outside
    (30.0, 60.0, 0.0)
    """
    outside = ~mask
    difference = np.abs(retouched.astype(np.int64) - original.astype(np.int64))
    changed = np.any(difference > CHANGED_ABOVE, axis=2)[outside]
    inside = bool(mask.any())
    squared = (retouched.astype(np.float64) - clean) ** 2
    return Removal(
        error=mean_absolute_error(retouched, clean),
        error_unchanged=mean_absolute_error(original, clean),
        error_inside=mean_absolute_error(retouched, clean, mask),
        error_inside_unchanged=mean_absolute_error(original, clean, mask),
        squared_inside=float(squared[mask].mean()) if inside else float("nan"),
        ssim_inside=ssim(retouched, clean, mask) if inside else float("nan"),
        change_outside=mean_absolute_error(retouched, original, outside),
        changed_outside=float(changed.mean()) if changed.size else float("nan"),
    )


def net_removal(errors: Sequence[float], unchanged: Sequence[float]) -> float:
    """Share of all that sets the pictures apart from their clean captures that was taken away.

    ``1 - sum(errors) / sum(unchanged)`` over the pictures with and without a tattoo. A picture
    without one is its own clean capture and adds nothing to the second sum: damage done to it
    counts against what was removed elsewhere. So leaving everything as it is gets 0, perfection 1,
    and whoever changes more than removes falls below 0, without a limit.

    Parameters
    ----------
    errors, unchanged
        `Removal.error` and `Removal.error_unchanged` of each picture.

    Returns
    -------
    float
        At most 1; NaN where no picture has anything to remove.

    Examples
    --------
    >>> round(net_removal([5.0, 2.0], [20.0, 0.0]), 3)  # 15 taken away, 2 damaged, of 20
    0.65
    """
    total = float(np.sum(unchanged))
    return 1.0 - float(np.sum(errors)) / total if total > 0 else float("nan")


def residual(errors_inside: Sequence[float], unchanged_inside: Sequence[float]) -> float:
    """Share of the ink that is still there: the error inside the mask beside that before.

    ``sum(errors_inside) / sum(unchanged_inside)`` over the pictures with a tattoo: 1 where nothing
    was removed, 0 at perfection, above 1 where it was made worse; NaN without ink.

    Parameters
    ----------
    errors_inside, unchanged_inside
        `Removal.error_inside` and `Removal.error_inside_unchanged` of each picture.

    Examples
    --------
    >>> residual([10.0, 30.0], [40.0, 60.0])
    0.4
    """
    total = float(np.sum(unchanged_inside))
    return float(np.sum(errors_inside)) / total if total > 0 else float("nan")


def pooled_psnr(squared: Sequence[float] | npt.NDArray[Any]) -> float:
    """Peak signal-to-noise ratio of the mean squared error over pictures, in decibels.

    Pooled, since one perfect picture would make the mean of their ratios infinite; ``inf`` where
    all are perfect, NaN without pictures.

    Parameters
    ----------
    squared
        `Removal.squared_inside` of each picture: shape (pictures,), in squared levels of 255.

    Examples
    --------
    >>> pooled_psnr([25.5**2, 25.5**2])  # a tenth of the range
    20.0
    """
    if not len(squared):
        return float("nan")
    mean = float(np.mean(squared))
    return float(10 * np.log10(255.0**2 / mean)) if mean > 0 else float("inf")


def root_mean_square(squared: Sequence[float] | npt.NDArray[Any]) -> float:
    """Root of the mean squared error over pictures, in levels of 255; NaN without pictures.

    Parameters
    ----------
    squared
        `Removal.squared_inside` of each picture: shape (pictures,), in squared levels of 255.

    Examples
    --------
    >>> root_mean_square([9.0, 25.0])
    4.123105625617661
    """
    return float(np.sqrt(np.mean(squared))) if len(squared) else float("nan")


ENTRIES = {
    "net-removal": Entry(
        net_removal, "Net removal: ink taken away less damage done", span=math.inf, trials="Images"
    ),
    "residual": Entry(residual, "Share of the ink that is left", better="lower", span=math.inf),
    "rmse-inside": Entry(
        root_mean_square,
        "Root mean square error inside the mask, in levels",
        better="lower",
        span=math.inf,
    ),
    "psnr-inside": Entry(
        pooled_psnr, "Signal-to-noise ratio inside the mask (PSNR), in dB", span=math.inf
    ),
    "change-outside": Entry(
        removal, "Mean change outside the mask, in levels", better="lower", span=math.inf
    ),
    "changed-outside": Entry(removal, "Share of pixels changed outside the mask", better="lower"),
    "change-untattooed": Entry(
        removal, "Mean change of images without a tattoo, in levels", better="lower", span=math.inf
    ),
    "changed-untattooed": Entry(
        removal, "Share of pixels changed of images without a tattoo", better="lower"
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
