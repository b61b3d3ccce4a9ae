"""Which pictures are copies of one another: byte for byte, re-encoded, resized, or nearly so.

A picture is looked at as 16 x 16 cells of mean colour, which survive another format, quality or
size. Two are compared in two steps: the root mean square difference of all cells picks candidates,
and no single cell may differ by much, since look-alikes differ in one place (an eye, a stroke) and
copies everywhere a little. Measured in levels of 255, with JPEG at quality 90 to 30, WebP at 50,
sizes of 0.5 to 1.5 and half the size with JPEG at 50:

* drawn photographs of 200 to 640 pixels: at most 4.5 of all cells, 6.7 of the worst; all are found;
* emoji of 72 pixels: at most 4.0 and 14; 98 in 100 are found, and 58 in 100 of those at half the
  size with JPEG at 50 (36 pixels are left of them);
* Omniglot's drawings of 28 pixels, with strokes of one or two: WebP and JPEG at 90 only;
* different pictures: among 2,514 drawn photographs no two are called copies but a capture and the
  same capture without its tattoo, and two are near; among 4,000 Omniglot drawings none; among
  8,465 emoji of three vendors those whose pictures are the same.

So `COPY` is a copy, and what lies between it and `NEAR` is pointed out and not refused. Pictures of
one colour are like all others of it and are not compared. A crop, a mirror image or another colour
balance is no copy for this module, however much it may tell a learner.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt

from harness.data.formats import opened

__all__ = ["COPY", "NEAR", "SIDE", "Alike", "Looks", "alike", "looks_of"]

SIDE = 16
COPY = (7.0, 11.0)
"""Largest difference of a copy: of all cells (root mean square), and of the worst one."""

NEAR = (9.0, 14.0)
FLAT = 3.0
"""Standard deviation of cells below which a picture is of one colour."""

_BLOCK = 2048
_THREADS = 4


@dataclass(frozen=True, eq=False)
class Looks:
    """Pictures as cells of mean colour.

    Parameters
    ----------
    names
        Of the pictures.
    cells
        uint8, shape (pictures, SIDE, SIDE, 3).
    """

    names: tuple[str, ...]
    cells: npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Alike:
    """Two pictures that are copies of one another, or nearly.

    Parameters
    ----------
    one, other
        Places in the two sets that were compared.
    kind
        ``copy`` or ``near``.
    """

    one: int
    other: int
    kind: Literal["copy", "near"]


def looks_of(files: Mapping[str, Path]) -> Looks:
    """Look at pictures; those that cannot be read are left out, for others to complain about.

    Parameters
    ----------
    files
        By name.
    """
    with ThreadPoolExecutor(_THREADS) as pool:
        found = list(pool.map(_look, files.values()))
    seen = [(name, cells) for name, cells in zip(files, found, strict=True) if cells is not None]
    cells = np.array([cells for _, cells in seen], dtype=np.uint8).reshape(-1, SIDE, SIDE, 3)
    return Looks(tuple(name for name, _ in seen), cells)


def alike(looks: Looks, other_looks: Looks) -> Iterator[Alike]:
    """Yield the pictures of two sets that are copies or near copies.

    10,000 by 10,000 pictures are compared in matrix products of 768 columns, block by block, in
    memory of some tens of megabytes.

    Parameters
    ----------
    looks, other_looks
        Sets; a picture that is in both is found, too.
    """
    left, right = (
        part.cells.reshape(-1, SIDE * SIDE * 3).astype(np.float32) for part in (looks, other_looks)
    )
    telling = [part.std(axis=1) >= FLAT for part in (left, right)]
    limit = NEAR[0] ** 2 * SIDE * SIDE * 3
    # Centred, so that sums of squares stay small enough for single precision.
    mean = right.mean(axis=0) if len(right) else np.zeros(SIDE * SIDE * 3, np.float32)
    left, right = left - mean, right - mean
    sizes = [np.einsum("ij,ij->i", part, part) for part in (left, right)]
    for start in range(0, len(left), _BLOCK):
        rows = slice(start, start + _BLOCK)
        for begin in range(0, len(right), _BLOCK):
            columns = slice(begin, begin + _BLOCK)
            distance = sizes[0][rows, None] + sizes[1][columns] - 2 * left[rows] @ right[columns].T
            close = (distance <= 1.01 * limit) & telling[0][rows, None] & telling[1][columns]
            for i, j in np.argwhere(close):
                kind = _kind(looks.cells[start + i], other_looks.cells[begin + j])
                if kind is not None:
                    yield Alike(int(start + i), int(begin + j), kind)


def _kind(
    one: npt.NDArray[np.uint8], other: npt.NDArray[np.uint8]
) -> Literal["copy", "near"] | None:
    difference = one.astype(np.float32) - other
    everywhere = float(np.sqrt((difference**2).mean()))
    worst = float(np.abs(difference.mean(axis=2)).max())
    if everywhere <= COPY[0] and worst <= COPY[1]:
        return "copy"
    return "near" if everywhere <= NEAR[0] and worst <= NEAR[1] else None


def _look(path: Path) -> npt.NDArray[np.uint8] | None:
    """Return the cells of a file: uint8, shape (SIDE, SIDE, 3); None if it cannot be read."""
    from PIL import Image, ImageOps

    try:
        with opened(path) as picture:
            picture.draft("RGB", (4 * SIDE, 4 * SIDE))  # JPEG is decoded no larger than needed
            upright = ImageOps.exif_transpose(picture)
            if upright.has_transparency_data:
                whole = upright.convert("RGBA")
                ground = Image.new("RGBA", whole.size, (255, 255, 255, 255))
                upright = Image.alpha_composite(ground, whole)
            # A triangle of twice the cell's width: strokes do not fall into one cell or the next.
            small = upright.convert("RGB").resize((2 * SIDE, 2 * SIDE), Image.Resampling.BILINEAR)
    except Exception:
        # Damaged files raise almost anything; decoding says so where pictures are used.
        return None
    cells = np.asarray(small, dtype=np.float32).reshape(SIDE, 2, SIDE, 2, 3).mean(axis=(1, 3))
    return np.asarray(np.rint(cells), dtype=np.uint8)
