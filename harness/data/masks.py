"""Masks as tools write them, read as what they mark: which pixels are tattoo.

* one channel, or three that are equal: white marks, from the middle level (128 of 255) on; 16 bits
  and floating point by their own middle;
* no more than two levels, the lower one 0: the other marks, however dark it is, so that classes 0
  and 1 are understood;
* an alpha channel that varies: what is opaque marks, and if the opaque part is black and white,
  what is white in it;
* colours: what is not black marks, as where one colour, or a palette with black at 0, is used;
* two levels, the lower one below 0 (-1 and 1): the higher one marks.

Everything else is refused with what was found. The EXIF orientation is applied, as to images.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.formats import UnreadableImage
from harness.data.images import decode_raw

__all__ = [
    "ALPHA",
    "COLOURS",
    "LEVELS",
    "PALETTE",
    "SEVERAL",
    "SIGNED",
    "read_mask",
    "read_mask_as",
]

ALPHA, COLOURS, PALETTE = "an alpha channel", "colours on black", "a palette with black at 0"
SEVERAL = "several colours beside black, all of which mark"
SIGNED = "two values, one of them below 0"
LEVELS = "0 and another value than white"
"""What a mask was taken for, where it is not black and white."""

Marked = npt.NDArray[np.bool_]

_MANY = 3
"""Levels from which a mask without one above the middle is a map of classes."""

_FEW, _A_CLASS = 8, 0.02
"""No more levels than these, one of which between the ends has that share, are classes: soft edges
have many levels of small shares."""

_DARK = 25
"""Steps from black or white within which a value is either, as JPEG leaves them."""

_BETWEEN = 0.25
"""Share of pixels between black and white from which a file is no mask but a picture."""


def read_mask(path: Path) -> Marked:
    """Return which pixels a mask marks.

    Returns
    -------
    numpy.ndarray
        bool, shape (height, width), read-only.

    Raises
    ------
    UnreadableImage
        If the file is not an image, or one that could mean several things; the message says what
        it holds and what to write.
    """
    return read_mask_as(path)[0]


def read_mask_as(path: Path) -> tuple[Marked, str]:
    """Return which pixels a mask marks, and what it was taken for: empty for black and white.

    Raises as `read_mask`.
    """
    values, alpha, palette = decode_raw(path)
    if alpha is not None and alpha.min() != alpha.max():
        marked, taken = _opaque(path, values, alpha), ALPHA
    elif palette is not None and not palette[0].any():
        marked = values != 0
        used = palette[np.unique(values[marked])]
        taken = "" if (used >= 128).all() else PALETTE if len(used) == 1 else SEVERAL
    else:
        marked, taken = _levels(path, values if palette is None else palette[values])
    marked = np.ascontiguousarray(marked)
    marked.setflags(write=False)
    return marked, taken


def _opaque(path: Path, values: npt.NDArray[Any], alpha: npt.NDArray[Any]) -> Marked:
    if len(np.unique(alpha)) == 2 and alpha.min() == 0:
        opaque: Marked = alpha > 0
    elif alpha.max() >= 128:
        opaque = alpha >= 128
    else:
        raise UnreadableImage(
            path,
            f"is no mask: its alpha channel has many values, none above {alpha.max()}; write 255 "
            "where the tattoo is and 0 elsewhere",
        )
    inside = values[opaque]
    if inside.ndim == 2 and (inside == inside[:, :1]).all():
        inside = inside[:, 0]
    if inside.ndim == 2 or not ((inside <= _DARK) | (inside >= 255 - _DARK)).all():
        return opaque  # of a photograph that was cut out
    light = (values if values.ndim == 2 else values[:, :, 0]) >= 128
    return opaque & light if (light & opaque).any() and not light[opaque].all() else opaque


def _levels(path: Path, values: npt.NDArray[Any]) -> tuple[Marked, str]:
    if values.ndim == 3 and (values == values[:, :, :1]).all():
        values = values[:, :, 0]
    if values.ndim == 3:
        return _coloured(path, values)
    if values.dtype == np.bool_:
        return values, ""
    if not np.isfinite(values).all():
        raise UnreadableImage(path, "is no mask: it holds values that are not finite")
    levels = np.unique(values)
    white = _white(values)
    if len(levels) == 1 and levels[0] in (0, white):
        return np.full(values.shape, levels[0] == white), ""
    if levels[0] < 0 and len(levels) == 2:
        return values == levels[1], SIGNED
    if levels[0] < 0:
        raise UnreadableImage(
            path,
            f"is no mask: its values go from {levels[0]:g} to {levels[-1]:g}, and nothing says "
            "from which on they mark; write 255 where the tattoo is and 0 elsewhere",
        )
    one_side = levels[-1] < 0.5 * white or levels[0] >= 0.5 * white
    if len(levels) < _MANY and levels[0] > 0 and one_side:
        shown = " and ".join(f"{level:g}" for level in levels)
        raise UnreadableImage(
            path,
            f"is no mask of black and white: its values are {shown} alone, which does not say "
            "where the tattoo is; write 255 there and 0 elsewhere",
        )
    if len(levels) == 2 and levels[0] == 0:
        return values > 0, "" if levels[1] >= 0.5 * white else LEVELS
    if len(levels) >= _MANY and levels[0] >= 0 and levels[-1] < 0.5 * white:
        shown = ", ".join(f"{level:g}" for level in levels[:5])
        more = ", ..." if len(levels) > 5 else ""
        raise UnreadableImage(
            path,
            f"is no mask of one thing: its values are {shown}{more}, as those of classes; write "
            "255 where the tattoo is and 0 elsewhere",
        )
    shares = [float((values == level).mean()) for level in levels[1:-1]]
    if len(levels) <= _FEW and max(shares, default=0.0) > _A_CLASS:
        shown = ", ".join(f"{level:g}" for level in levels)
        raise UnreadableImage(
            path,
            f"is no mask of one thing: its values are {shown}, as those of classes; write 255 "
            "where the tattoo is and 0 elsewhere",
        )
    between = (values > 0.1 * white) & (values < 0.9 * white)
    if between.mean() > _BETWEEN:
        raise UnreadableImage(
            path,
            f"is a picture, not a mask: {between.mean():.0%} of its pixels are neither black nor "
            "white; write 255 where the tattoo is and 0 elsewhere",
        )
    return values >= 0.5 * white, ""


def _coloured(path: Path, values: npt.NDArray[Any]) -> tuple[Marked, str]:
    brightest = values.max(axis=2)
    marked: Marked = brightest > 0
    if marked.any() and not marked.all():
        colour = values[marked][0]
        if (values[marked] == colour).all():
            return marked, COLOURS
    marked = brightest >= 64
    # JPEG spreads a colour a little; eight steps of each channel are one.
    colours = np.unique(values[marked] // 32, axis=0)
    if len(colours) > 8 or not (~marked).any():
        raise UnreadableImage(
            path,
            "is a picture in colours, not a mask: write 255 where the tattoo is and 0 elsewhere",
        )
    return marked, COLOURS if len(colours) == 1 else SEVERAL


def _white(values: npt.NDArray[Any]) -> float:
    if values.dtype.kind == "f":
        return 1.0 if values.max() <= 1 else 255.0
    if values.dtype.itemsize > 1:
        # Eight bits in a wider file are still eight bits.
        return 255.0 if values.max() <= 255 and values.max() > 1 else 65535.0
    return 255.0
