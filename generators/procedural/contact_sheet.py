"""Contact sheets: many pictures on one page, to look at what the world draws."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from .framing import Pixels
from .picture import picture_of
from .world import SCALES, USE_CASES, census

__all__ = ["contact_sheet", "write_contact_sheet"]


def contact_sheet(pictures: Sequence[Pixels], columns: int = 12, cell: int = 132) -> Pixels:
    """Return pictures in rows on white, each shrunk to fit a square cell.

    Parameters
    ----------
    pictures : sequence of ndarray
        uint8 RGB, each of shape (height, width, 3).
    columns : int
        Pictures per row.
    cell : int
        Side of a cell in pixels, with a margin of two on each side.
    """
    rows = -(-len(pictures) // columns)
    sheet = np.full((rows * cell, columns * cell, 3), 255, np.uint8)
    for k, pixels in enumerate(pictures):
        picture = Image.fromarray(pixels)
        picture.thumbnail((cell - 4, cell - 4))
        small = np.asarray(picture)
        top = (k // columns) * cell + (cell - small.shape[0]) // 2
        left = (k % columns) * cell + (cell - small.shape[1]) // 2
        sheet[top : top + small.shape[0], left : left + small.shape[1]] = small
    return sheet


def write_contact_sheet(
    out: Path, *, scale: str = "mini", seed: int = 0, use_case: str | None = None, number: int = 96
) -> None:
    """Draw the first pictures of a use case, or of all, as one sheet.

    Parameters
    ----------
    out : Path
        Picture file to write; its suffix decides the format.
    scale : str
        One of `SCALES`.
    seed : int
        Seed of the world.
    use_case : str, optional
        One of `USE_CASES`; all of them in equal parts when left out.
    number : int
        Pictures in all.
    """
    chosen = []
    items = census(seed, scale)
    cases = USE_CASES if use_case is None else (use_case,)
    for case in cases:
        chosen += [item for item in items if item.use_case == case][: max(1, number // len(cases))]
    long_side = SCALES[scale].long_side
    pictures = [picture_of(seed, item, long_side).image for item in chosen]
    Image.fromarray(contact_sheet(pictures)).save(out)
