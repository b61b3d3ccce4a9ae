"""Where the tattoo is in a picture whose generator does not say, and the frame round it."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from harness.data.formats import Box

__all__ = ["filled", "find_tattoo", "frame_round", "shaped"]

SMALL = 160
"""Longer side of the copy that is looked at."""


def find_tattoo(image: npt.NDArray[np.uint8]) -> Box:
    """Return the box of what stands out from the skin at the picture's border.

    Colour distance from the median of the border is cut in two by Otsu's threshold; the box holds
    the parts that do not only touch the border, from the 2nd to the 98th percentile of their
    pixels in each direction.

    Parameters
    ----------
    image
        uint8, shape (height, width, 3), RGB.

    Returns
    -------
    tuple of int
        x1, y1, x2, y2 in pixels, upper ones exclusive; the middle four fifths of a picture in
        which nothing, or nearly everything, stands out.
    """
    height, width = image.shape[:2]
    scale = min(1.0, SMALL / max(height, width))
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = cv2.GaussianBlur(cv2.resize(image, size, interpolation=cv2.INTER_AREA), (0, 0), 1.0)
    lab = cv2.cvtColor(small.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    edge = np.concatenate([lab[:3].reshape(-1, 3), lab[-3:].reshape(-1, 3)])
    edge = np.concatenate([edge, lab[:, :3].reshape(-1, 3), lab[:, -3:].reshape(-1, 3)])
    away = np.linalg.norm(lab - np.median(edge, axis=0), axis=2)
    level = np.clip(away * (255 / max(float(away.max()), 1e-6)), 0, 255).astype(np.uint8)
    _, ink = cv2.threshold(level, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    ink = cv2.morphologyEx(ink, cv2.MORPH_CLOSE, np.ones((5, 5), np.uint8))
    number, labels, stats, _ = cv2.connectedComponentsWithStats(ink)
    keep = np.zeros(ink.shape, bool)
    for k in range(1, number):
        x, y, w, h, area = stats[k]
        at_border = int(x == 0) + int(y == 0) + int(x + w == size[0]) + int(y + h == size[1])
        # What leaves the picture on two sides is a background, not a drawing.
        if at_border < 2 and area >= 12:
            keep |= labels == k
    if not 0.01 < keep.mean() < 0.8 or away.max() < 4:
        return (
            *(round(width * 0.1), round(height * 0.1)),
            *(round(width * 0.9), round(height * 0.9)),
        )
    rows, columns = np.nonzero(keep)
    (x1, x2), (y1, y2) = np.percentile(columns, [2, 98]), np.percentile(rows, [2, 98])
    fx, fy = width / size[0], height / size[1]
    return (
        *(int(x1 * fx), int(y1 * fy)),
        *(min(width, int((x2 + 1) * fx) + 1), min(height, int((y2 + 1) * fy) + 1)),
    )


def frame_round(box: Box, margin: float, width: int, height: int) -> Box:
    """Return a box widened by a share of its longer side, cut at the picture's edges.

    Examples
    --------
    >>> frame_round((10, 10, 30, 20), 0.5, 100, 100)
    (0, 0, 40, 30)
    """
    x1, y1, x2, y2 = box
    more = round(margin * max(x2 - x1, y2 - y1))
    x1, y1 = max(0, x1 - more), max(0, y1 - more)
    x2, y2 = min(width, x2 + more), min(height, y2 + more)
    return x1, y1, max(x2, x1 + 1), max(y2, y1 + 1)


def shaped(box: Box, aspect: float) -> Box:
    """Return a box widened or heightened about its middle to a shape, width over height.

    It may leave the picture. A crop in the shape of its tattoo would tell it by its size alone.

    Examples
    --------
    >>> shaped((10, 10, 30, 20), 1.0), shaped((10, 10, 30, 20), 4.0)
    ((10, 5, 30, 25), (0, 10, 40, 20))
    """
    x1, y1, x2, y2 = box
    width, height = x2 - x1, y2 - y1
    wide, tall = max(width, round(height * aspect)), max(height, round(width / aspect))
    left, top = x1 - (wide - width) // 2, y1 - (tall - height) // 2
    return left, top, left + wide, top + tall


def filled(mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Return a mask with the skin between its lines: gaps closed, then every hole filled.

    Gaps of up to a twentieth of the picture's longer side are closed. What was in the mask stays.
    Both masks are bool, shape (height, width).
    """
    radius = max(1, round(max(mask.shape) / 40))
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
    room = np.pad(mask.astype(np.uint8), 2 * radius)
    closed = cv2.morphologyEx(room, cv2.MORPH_CLOSE, kernel)
    contours, _ = cv2.findContours(closed, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    whole = cv2.drawContours(np.zeros_like(closed), contours, -1, 1, cv2.FILLED)
    inner = slice(2 * radius, -2 * radius)
    return np.asarray(whole[inner, inner] > 0) | mask
