"""How much of an image its tattoo takes: by its box, and by the pixels that its mask marks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from harness.data.formats import UnreadableImage
from harness.data.masks import read_mask
from harness.data.records import Record
from harness.errors import HarnessError

__all__ = ["MARKS", "SIZES", "Bin", "bin_of", "box_share", "marked_share", "size_of_tattoo"]

Bin = tuple[float, str]
"""Upper end, which is not in the bin itself, and name."""

SIZES: tuple[Bin, ...] = (
    (0.1, "under 10 %"),
    (0.3, "10 to 30 %"),
    (0.6, "30 to 60 %"),
    (math.inf, "over 60 %"),
)
"""Share of the image that the tattoo's box takes: upper ends and names."""

MARKS: tuple[Bin, ...] = (
    (0.03, "under 3 %"),
    (0.1, "3 to 10 %"),
    (0.3, "10 to 30 %"),
    (math.inf, "over 30 %"),
)
"""Share of the image's pixels that its mask marks: a mask is smaller than its box."""


def size_of_tattoo(record: Record) -> str | None:
    """Return the bin of `SIZES` that the tattoo's box is in; None where that is not known."""
    return bin_of(box_share(record), SIZES)


def bin_of(share: float | None, bins: Sequence[Bin]) -> str | None:
    """Return the name of the bin that a share lies in; None without a share.

    >>> bin_of(0.1, SIZES), bin_of(1.0, SIZES), bin_of(None, SIZES)
    ('10 to 30 %', 'over 60 %', None)
    """
    return None if share is None else next(name for end, name in bins if share < end)


def box_share(record: Record) -> float | None:
    """Return the share of the image that the tattoo's box takes, in [0, 1]; None if not known."""
    if record.box is None or record.size is None:
        return None
    width, height = record.size
    x1, y1, x2, y2 = record.box
    across = min(x2, width) - max(x1, 0), min(y2, height) - max(y1, 0)
    return max(across[0], 0) * max(across[1], 0) / max(1, width * height)


def marked_share(record: Record) -> float | None:
    """Return the share of the image's pixels that its mask marks; None without a readable mask."""
    if record.mask is None:
        return record.marked
    try:
        return float(read_mask(record.mask).mean())
    except (UnreadableImage, HarnessError, OSError):
        return None  # what reads masks for its numbers says what is wrong with them
