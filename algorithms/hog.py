"""Histograms of oriented gradients, matched block by block with a little play: nothing is learned.

Outlines are compared, whatever fills them, so that line art finds paintings. All products
and sums are of whole numbers that floats hold exactly, so a score does not depend on which other
images were compared in the same call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import FailureToEnroll, Image, Matcher, Scores, Template, parameter

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

WHOLE = 64
"""What is left of a product is a whole number of 64ths, so that sums are exact in any order."""

ROWS, PAIRS = 8, 512
"""Probes, and comparisons, at a time: as many as keep their products in a core's cache."""

Array = npt.NDArray[Any]


@dataclass
class Hog(Matcher):
    """Mean cosine of blocks of gradient histograms, each at the best of the places around its own.

    Blocks of two by two cells, of length 1 (L2-Hys). A block is compared with those of the other
    image up to `reach` cells away, and a cosine counts `stiffness` times the squared distance less
    of itself; the greatest is taken. Both images look for their blocks in the other, so a score is
    symmetric: about 1 for equal images, and never below 0.
    """

    size: int = parameter(64, "Side an image is scaled to, in pixels.", minimum=16)
    cells: int = parameter(16, "Cells along each side.", minimum=2, maximum=64)
    orientations: int = parameter(9, "Directions in a cell, over 180 degrees.", minimum=2)
    reach: int = parameter(2, "Cells that a block may lie away, in each direction.", minimum=0)
    stiffness: float = parameter(
        0.05, "Share of a cosine lost at a distance of one cell.", minimum=0, maximum=1
    )
    crop: bool = parameter(
        default=True, meaning="See the square around what differs from the border of the image."
    )
    ground: float = parameter(
        0.08, "Difference from the border's colour that is ground yet.", minimum=0, maximum=1
    )

    citation: ClassVar[str] = (
        "Dalal & Triggs, CVPR 2005; deformation as in Keysers et al., PAMI 2007 (image distortion "
        "model)"
    )

    def extract(self, image: Image) -> Template:
        """Return blocks; raise `FailureToEnroll` where an image is of one colour.

        Returns
        -------
        numpy.ndarray
            uint8, shape (cells - 1, cells - 1, 4 * orientations): blocks of length 255, or of
            zeros where there is no gradient.
        """
        seen = cropped(image, self.ground) if self.crop else image
        shrinks = max(seen.shape[:2]) >= self.size
        small = cv2.resize(
            seen,
            (self.size, self.size),
            interpolation=cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR,
        )
        cells = self._cells(small.astype(np.float32) / 255)
        blocks = np.concatenate([cells[:-1, :-1], cells[:-1, 1:], cells[1:, :-1], cells[1:, 1:]], 2)
        for limit in (0.2, 1.0):
            blocks /= np.linalg.norm(blocks, axis=2, keepdims=True) + 1e-3
            blocks = np.minimum(blocks, limit)
        whole: Array = np.rint(255 * blocks).astype(np.uint8)
        if not whole.any():
            raise FailureToEnroll("no gradients: the image is of one colour")
        return whole

    def _cells(self, image: Array) -> Array:
        """Return histograms of the clearest colour's gradients: (cells, cells, orientations)."""
        down, across = np.gradient(image, axis=(0, 1))
        clearest = (down**2 + across**2).argmax(axis=2)[..., None]
        down, across = (np.take_along_axis(g, clearest, 2)[..., 0] for g in (down, across))
        turn = (np.arctan2(down, across) / np.pi % 1.0) * self.orientations
        # Each gradient is shared by the two directions next to it.
        bins = np.arange(self.orientations)[:, None, None]
        away = np.abs(
            (turn - bins + self.orientations / 2) % self.orientations - self.orientations / 2
        )
        votes = np.maximum(0, 1 - away) * np.hypot(down, across)
        spread = 0.5 * self.size / self.cells
        planes = [
            cv2.resize(
                cv2.GaussianBlur(plane, (0, 0), spread, borderType=cv2.BORDER_CONSTANT),
                (self.cells, self.cells),
                interpolation=cv2.INTER_AREA,
            )
            for plane in votes.astype(np.float32)
        ]
        return np.stack(planes, axis=2)

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score every probe against every reference; see the class for what a score is."""
        scores = np.zeros((len(probes), len(references)))
        if not scores.size:
            return scores
        one, other = (_by_place(templates) for templates in (probes, references))
        lengths = [np.sqrt((t * t).sum(axis=(0, 1, 3), dtype=np.float64)) for t in (one, other)]
        rows = min(ROWS, len(probes))
        columns = PAIRS // rows
        for top in range(0, len(probes), rows):
            for left in range(0, len(references), columns):
                part = np.s_[top : top + rows, left : left + columns]
                scores[part] = self._found(one[:, :, part[0]], other[:, :, part[1]])
        cosines: Scores = scores / (WHOLE * 2 * lengths[0][:, None] * lengths[1])
        return cosines

    def _found(self, one: Array, other: Array) -> Array:
        """Return the sums of the best products of all blocks, in both directions.

        Parameters
        ----------
        one, other
            Blocks by place: shapes (rows, columns, n, d) and (rows, columns, m, d).
        """
        side, reach = len(one), min(self.reach, len(one) - 1)
        apart = np.arange(-reach, reach + 1) ** 2
        losses = self.stiffness * (apart[:, None] + apart)
        kept = np.rint(WHOLE * np.maximum(0, 1 - losses)).astype(np.float32)[..., None, None]
        edge = ((reach, reach), (reach, reach), (0, 0), (0, 0))
        around = np.pad(one, edge)
        forth = np.zeros((*around.shape[:3], other.shape[2]), np.float32)
        back = np.zeros(forth.shape[2:])
        for y, x in np.ndindex(side, side):
            window = np.s_[y : y + 2 * reach + 1, x : x + 2 * reach + 1]
            products = around[window] @ other[y, x].T
            products *= kept
            back += products.max(axis=(0, 1))
            np.maximum(forth[window], products, out=forth[window])
        inner = forth[reach : reach + side, reach : reach + side]
        found: Array = back + inner.sum(axis=(0, 1), dtype=np.float64)
        return found


def _by_place(templates: Sequence[Template]) -> Array:
    """Return float32 of shape (rows, columns, templates, d)."""
    return np.ascontiguousarray(
        np.stack([np.asarray(t) for t in templates], axis=2), dtype=np.float32
    )


def cropped(image: Image, ground: float) -> Image:
    """Return the square around what differs from the ground, filled up with the ground.

    The ground is the median colour of the image's border. The square has the longer side of the box
    around all pixels of which a colour differs from it by more than `ground` of 255, and 4 % on
    each side.

    Parameters
    ----------
    image
        uint8 RGB, shape (height, width, 3).
    ground
        In [0, 1].

    Returns
    -------
    numpy.ndarray
        uint8, shape (side, side, 3); the image itself where nothing differs.

    Examples
    --------
    >>> picture = np.full((30, 40, 3), 200, np.uint8)
    >>> picture[10:14, 5:10] = 0
    >>> cropped(picture, 0.1).shape, int((cropped(picture, 0.1) == 0).sum())
    ((7, 7, 3), 60)
    """
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    colour = np.median(border, axis=0).astype(np.uint8)
    differs = np.abs(image.astype(np.int16) - colour).max(axis=2) > ground * 255
    if not differs.any():
        return image
    rows, columns = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    part = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    longer = max(part.shape[:2])
    side = longer + 2 * int(np.ceil(0.04 * longer))
    top, left = (side - part.shape[0]) // 2, (side - part.shape[1]) // 2
    square = np.empty((side, side, 3), np.uint8)
    square[:] = colour
    square[top : top + part.shape[0], left : left + part.shape[1]] = part
    return square
