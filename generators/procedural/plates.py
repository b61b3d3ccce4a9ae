"""Drawings to pixels: the plates (lines, fills, relief) from which every medium is printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .drawing import DARK, Shape

__all__ = ["Plane", "Plates", "engrave"]

Plane = npt.NDArray[np.float32]
"""One value for each pixel: float32, shape (height, width)."""

# Sub-pixel bits of OpenCV's integer drawing: exact on every machine.
_SHIFT = 4
_SUPER = 2


@dataclass(frozen=True)
class Plates:
    """Coverage planes of a drawing, all float32 (height, width) in 0..1.

    Attributes
    ----------
    line : ndarray
        Ink of the lines.
    fills : tuple of ndarray
        Areas of the three colours and of solid black, in this order.
    body : ndarray
        Everything inside the drawing, bare skin between lines included.
    edge : ndarray
        1 at lines and borders, falling to 0 inside areas: where artists shade.
    relief : ndarray
        Lambert light on the drawing puffed up between its lines, 0.5 where flat.
    """

    line: Plane
    fills: tuple[Plane, Plane, Plane, Plane]
    body: Plane
    edge: Plane
    relief: Plane


def _integer(
    rings: Sequence[npt.NDArray[np.float64]], size: int, extent: float
) -> list[npt.NDArray[np.int32]]:
    scale = size / (2 * extent)
    return [np.round(((r + extent) * scale - 0.5) * (1 << _SHIFT)).astype(np.int32) for r in rings]


def engrave(
    shapes: Sequence[Shape],
    size: int,
    *,
    extent: float = 1.0,
    weight: float = 0.03,
    details: bool = True,
    filled: bool = True,
) -> Plates:
    """Rasterise a drawing.

    Parameters
    ----------
    shapes : sequence of Shape
        The drawing; later shapes cover earlier ones.
    size : int
        Side of the square plates in pixels; they show -extent..extent.
    extent : float
        Half side in design units.
    weight : float
        Width of a line of weight 1, in design units.
    details : bool
        Whether shapes marked as detail are drawn.
    filled : bool
        Whether solid black areas are drawn black; otherwise they are outlined.

    Returns
    -------
    Plates
        Planes of shape (size, size).
    """
    big = size * _SUPER
    ink = np.zeros((big, big), np.uint8)
    slot = np.zeros((big, big), np.uint8)
    body = np.zeros((big, big), np.uint8)
    for shape in shapes:
        if shape.detail and not details:
            continue
        rings = _integer(shape.rings, big, extent)
        if shape.closed:
            fill = shape.fill if filled or shape.fill != DARK else 0
            cv2.fillPoly(ink, rings, 0, cv2.LINE_AA, _SHIFT)
            cv2.fillPoly(slot, rings, int(fill), cv2.LINE_8, _SHIFT)
            cv2.fillPoly(body, rings, 255, cv2.LINE_AA, _SHIFT)
        if shape.weight > 0:
            wide = max(1, round(shape.weight * weight * big / (2 * extent)))
            cv2.polylines(ink, rings, shape.closed, 255, wide, cv2.LINE_AA, _SHIFT)

    def down(plane: npt.NDArray[np.uint8]) -> Plane:
        small = cv2.resize(plane, (size, size), interpolation=cv2.INTER_AREA)
        return np.asarray(small, dtype=np.float32) / np.float32(255)

    borders = np.where((ink > 96) | (slot == DARK), 0, 255).astype(np.uint8)
    borders[body == 0] = 0
    distance = cv2.distanceTransform(borders, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    unit = big / (2 * extent)
    near = np.exp(-distance / (0.07 * unit)).astype(np.float32)
    puffed = np.sqrt(np.minimum(distance / unit, 0.25)).astype(np.float32)
    puffed = cv2.GaussianBlur(
        cv2.resize(puffed, (size, size), interpolation=cv2.INTER_AREA),
        (0, 0),
        size * 0.008 / extent,
    )
    slope_x = cv2.Sobel(puffed, cv2.CV_32F, 1, 0, ksize=3)
    slope_y = cv2.Sobel(puffed, cv2.CV_32F, 0, 1, ksize=3)
    relief = np.clip(0.5 - (slope_x + slope_y) * np.float32(size * 0.0022 / extent), 0, 1)
    fills = tuple(down(np.where(slot == k, 255, 0).astype(np.uint8)) for k in (1, 2, 3, 4))
    return Plates(
        line=down(ink),
        fills=(fills[0], fills[1], fills[2], fills[3]),
        body=down(np.maximum(body, ink)),
        edge=np.asarray(cv2.resize(near, (size, size), interpolation=cv2.INTER_AREA), np.float32),
        relief=np.asarray(relief, np.float32),
    )
