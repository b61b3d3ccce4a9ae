"""Variations of one picture, as another photograph of it might differ: seeded and written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.formats import Box
from harness.synthesis.generator import Generated

__all__ = ["PLAIN", "Ranges", "Variation", "draw_variation", "varied"]

Share = Annotated[float, msgspec.Meta(ge=0, le=0.9)]


class Ranges(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How far variations go.

    Parameters
    ----------
    rotation
        Degrees to either side.
    scale
        Share by which the tattoo grows or shrinks: 0.2 is from 1/1.2 to 1.2.
    shift
        Share of the frame to either side.
    brightness
        Share by which light grows or falls, as for `scale`.
    noise
        Largest standard deviation of Gaussian noise, in grey levels.
    """

    rotation: Annotated[float, msgspec.Meta(ge=0, le=180)] = 25.0
    scale: Share = 0.25
    shift: Share = 0.05
    brightness: Share = 0.4
    noise: Annotated[float, msgspec.Meta(ge=0, le=100)] = 12.0


@dataclass(frozen=True)
class Variation:
    """One change of a picture; `PLAIN` changes nothing."""

    rotation: float = 0.0
    scale: float = 1.0
    shift_x: float = 0.0
    shift_y: float = 0.0
    brightness: float = 1.0
    noise: float = 0.0

    def __str__(self) -> str:
        return (
            f"rotation={self.rotation:.1f} scale={self.scale:.3f} "
            f"shift={self.shift_x:.3f},{self.shift_y:.3f} brightness={self.brightness:.3f} "
            f"noise={self.noise:.1f}"
        )


PLAIN = Variation()


def draw_variation(ranges: Ranges, rng: np.random.Generator) -> Variation:
    """Return a variation within the ranges; scale and brightness are uniform in their logarithm."""
    turn, grow, x, y, light = rng.uniform(-1, 1, 5)
    return Variation(
        rotation=float(turn * ranges.rotation),
        scale=float((1 + ranges.scale) ** grow),
        shift_x=float(x * ranges.shift),
        shift_y=float(y * ranges.shift),
        brightness=float((1 + ranges.brightness) ** light),
        noise=float(rng.uniform(0, ranges.noise)),
    )


def varied(
    picture: Generated, frame: Box, size: int, variation: Variation, rng: np.random.Generator
) -> Generated:
    """Return what a frame of a picture shows after a variation.

    Picture, mask and clean picture move together and share light and noise, so that they still
    differ in the tattoo alone. What lies beyond the picture is its mirror image.

    Parameters
    ----------
    picture
        The original.
    frame
        The part that is shown without variation.
    size
        Longer side of the result in pixels.
    variation
        What to change.
    rng
        Of the noise.
    """
    import cv2  # late: a list of recipes needs none of it

    x1, y1, x2, y2 = frame
    zoom = size / max(x2 - x1, y2 - y1)
    width, height = max(8, round((x2 - x1) * zoom)), max(8, round((y2 - y1) * zoom))
    angle, grow = np.deg2rad(variation.rotation), variation.scale * zoom
    cos, sin = np.cos(angle) * grow, np.sin(angle) * grow
    middle = np.array([(x1 + x2) / 2, (y1 + y2) / 2])
    target = np.array([width * (0.5 + variation.shift_x), height * (0.5 + variation.shift_y)])
    turn = np.array([[cos, -sin], [sin, cos]])
    # In continuous coordinates a pixel's middle is at .5; OpenCV's is at 0.
    move = target - turn @ middle
    matrix = np.column_stack([turn, turn @ (0.5, 0.5) + move - 0.5])

    def warped(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        if grow < 0.7:  # bilinear sampling alone would alias
            pixels = cv2.GaussianBlur(pixels, (0, 0), 0.45 / grow)
        return np.asarray(
            cv2.warpAffine(
                pixels,
                matrix,
                (width, height),
                flags=cv2.INTER_LINEAR,
                borderMode=cv2.BORDER_REFLECT_101,
            ),
            np.uint8,
        )

    grain = rng.standard_normal((height, width, 3), np.float32) * np.float32(variation.noise)

    def lit(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        level = warped(pixels).astype(np.float32) * np.float32(variation.brightness) + grain
        return np.clip(level + 0.5, 0, 255).astype(np.uint8)

    mask = None
    if picture.mask is not None:
        mask = warped(picture.mask.astype(np.uint8) * np.uint8(255)) > 127
    return Generated(
        lit(picture.image),
        mask,
        None if picture.clean is None else lit(picture.clean),
        _moved(picture.box, turn, move, width, height),
        picture.tags,
    )


def _moved(
    box: Box | None, turn: npt.NDArray[np.float64], move: npt.NDArray[np.float64], w: int, h: int
) -> Box | None:
    """Return the bounds of a box after the change, cut at the frame; None if outside."""
    if box is None:
        return None
    corners = np.array([(x, y) for x in box[::2] for y in box[1::2]], float) @ turn.T + move
    (x1, y1), (x2, y2) = np.floor(corners.min(axis=0) + 1e-6), np.ceil(corners.max(axis=0) - 1e-6)
    cut = max(0, int(x1)), max(0, int(y1)), min(w, int(x2)), min(h, int(y2))
    return cut if cut[0] < cut[2] and cut[1] < cut[3] else None
