"""What a program says beside an answer, and no method of an algorithm returns."""

from __future__ import annotations

from typing import Any, TypeAlias

import msgspec

__all__ = ["ATTRIBUTE", "MOST_BOXES", "Box", "Remark", "is_inside", "taken_from"]

ATTRIBUTE = "_remark"
"""Of an algorithm: where it leaves a remark on the answer that it is about to return."""

Box: TypeAlias = tuple[int, int, int, int]
"""Left, top, width and height in pixels."""


MOST_BOXES = 1000
"""Boxes of one picture."""


def is_inside(box: Box, width: int, height: int) -> bool:
    """Return whether a box has pixels, and all of them lie in a picture of this size.

    >>> is_inside((20, 0, 10, 5), 30, 40), is_inside((20, 0, 11, 5), 30, 40)
    (True, False)
    """
    x, y, wide, high = box
    return min(x, y) >= 0 and min(wide, high) >= 1 and x + wide <= width and y + high <= height


class Remark(msgspec.Struct, omit_defaults=True):
    """What is said beside one answer.

    Parameters
    ----------
    quality
        Of a template, in [0, 1]; higher is better, None where it is not known.
    boxes
        Where a tattoo was detected.
    size
        Bytes of a gallery that was made ready to be searched, None where that is not known.
    """

    quality: float | None = None
    boxes: list[Box] = []
    size: int | None = None


def taken_from(algorithm: Any) -> Remark | None:
    """Return the remark that an algorithm left, which is gone with that; None where there is none.

    Parameters
    ----------
    algorithm
        Any object.
    """
    found = vars(algorithm).pop(ATTRIBUTE, None)
    return found if isinstance(found, Remark) else None
