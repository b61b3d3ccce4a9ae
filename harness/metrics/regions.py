"""Boxes from a mask: one around every connected piece of it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]

GAP = 1 / 16
"""Pieces nearer to each other than this share of the image's longer side are one tattoo."""

SMALLEST = 1 / 400
"""Share of the image's pixels that a box covers at least; smaller pieces are left out."""


def boxes_of(mask: Mask, gap: float = GAP, smallest: float = SMALLEST) -> npt.NDArray[np.int64]:
    """Put a box around every piece of a mask.

    A mask of ink falls apart into strokes, and a tattoo is more than one. So the mask is closed
    first (dilated, then eroded) with a square of side ``2 * round(gap * longer side / 2) + 1``;
    what then hangs together over sides or corners is one piece, and its box is that of the mask's
    own pixels in it. Boxes whose area is less than `smallest` of the image are left out.

    Parameters
    ----------
    mask
        bool, shape (height, width).
    gap, smallest
        Shares, from 0.

    Returns
    -------
    numpy.ndarray
        int64, shape (boxes, 4): x1, y1, x2, y2 with x2 and y2 exclusive, from the top down; of
        shape (0, 4) for an empty mask.

    Raises
    ------
    ValueError
        If the mask is not bool with two dimensions.

    Examples
    --------
    >>> mask = np.zeros((20, 20), bool)
    >>> mask[2:6, 3:9] = mask[15:19, 12:16] = True
    >>> boxes_of(mask).tolist()
    [[3, 2, 9, 6], [12, 15, 16, 19]]
    """
    from scipy.ndimage import grey_closing, label

    if mask.dtype != np.bool_ or mask.ndim != 2:
        raise ValueError("a decided mask is bool with the shape (height, width): see as_mask")
    if not mask.any():
        return np.empty((0, 4), np.int64)
    reach = round(gap * max(mask.shape) / 2)
    # A margin, or closing would treat the border of the image as part of the tattoo.
    padded = np.pad(mask.astype(np.uint8), reach)
    closed = grey_closing(padded, size=2 * reach + 1, mode="reflect")
    closed = closed[reach : reach + mask.shape[0], reach : reach + mask.shape[1]]
    numbers, pieces = label(closed, structure=np.ones((3, 3)))
    pieces += 1  # number 0 is what lies beside them
    rows, columns = np.nonzero(mask)
    piece = numbers[rows, columns]
    low_x, low_y = np.full(pieces, mask.shape[1]), np.full(pieces, mask.shape[0])
    high_x, high_y = np.zeros(pieces, np.int64), np.zeros(pieces, np.int64)
    np.minimum.at(low_x, piece, columns)
    np.minimum.at(low_y, piece, rows)
    np.maximum.at(high_x, piece, columns + 1)
    np.maximum.at(high_y, piece, rows + 1)
    boxes = np.stack([low_x, low_y, high_x, high_y], axis=1)[np.unique(piece)]
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    kept = boxes[areas >= smallest * mask.size]
    found: npt.NDArray[np.int64] = kept[np.lexsort((kept[:, 0], kept[:, 1]))].astype(np.int64)
    return found
