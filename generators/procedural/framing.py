"""How a picture is taken and kept, whatever it shows: size, mount, colour cast, noise.

Whoever sees these alone must learn nothing. So all of them come from a random stream of the
picture's own name, never from what is in it: not from the tattoo, its style, whether there is one,
nor from another picture of it. A picture is a print on a mount, as in a file: its border is the
mount's, and its mean colour is what the camera's automatic exposure and white balance aim at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
import numpy.typing as npt

from harness.synthesis.encoding import Encoding, encoding_of
from harness.synthesis.streams import stream

from .textures import Picture, blurred

__all__ = ["Frame", "Pixels", "frame_of", "framed"]

Pixels = npt.NDArray[np.uint8]
"""A finished picture: uint8 RGB, shape (height, width, 3)."""

Box = tuple[int, int, int, int]

_FAINT = 0.03
"""Detail that the camera takes for noise and removes, as a share of white: else the grain of skin,
cloth or a wall would show in the noise level of a picture."""


@dataclass(frozen=True)
class Frame:
    """How one picture is taken.

    Attributes
    ----------
    key : tuple
        Of its random streams.
    width, height : int
        Of the whole picture in pixels.
    left, top, right, bottom : int
        Widths of the mount in pixels.
    mount : tuple of float
        Its colour, 0..1 in each channel.
    slope : tuple of float
        How far the mount is lighter to the right and below, as shares of its colour.
    cast : tuple of float
        Mean of each channel inside the mount, 0..1; None keeps what comes.
    noise : float
        Standard deviation in grey levels.
    grain : float
        Blur of the noise in pixels: 0 is noise from pixel to pixel.
    encoding : Encoding
        The file's.
    """

    key: tuple[str | int, ...]
    width: int
    height: int
    left: int
    top: int
    right: int
    bottom: int
    mount: tuple[float, float, float]
    slope: tuple[float, float]
    cast: tuple[float, float, float] | None
    noise: float
    grain: float
    encoding: Encoding

    @property
    def inner(self) -> tuple[int, int]:
        """Width and height in pixels of what lies inside the mount."""
        return self.width - self.left - self.right, self.height - self.top - self.bottom

    def fitted(self, aspect: float) -> Frame:
        """Return the frame with more mount, so that what lies inside has that width over height."""
        width, height = self.inner
        across, down = min(width, round(height * aspect)), min(height, round(width / aspect))
        x, y = stream(*self.key, "fitted").random(2)
        left, top = round(x * (width - across)), round(y * (height - down))
        return replace(
            self,
            left=self.left + left,
            right=self.right + width - across - left,
            top=self.top + top,
            bottom=self.bottom + height - down - top,
        )

    def placed(self, plane: npt.NDArray[np.generic]) -> npt.NDArray[np.generic]:
        """Pad a plane, shape (inner height, inner width), with zeros where the mount is."""
        return np.pad(plane, ((self.top, self.bottom), (self.left, self.right)))

    def moved(self, box: Box) -> Box:
        """Return a box inside the mount in pixels of the whole picture; an empty one stays so."""
        x1, y1, x2, y2 = box
        if x1 == x2:
            return box
        return x1 + self.left, y1 + self.top, x2 + self.left, y2 + self.top


def frame_of(*key: str | int, long_side: int, mounted: bool = True) -> Frame:
    """Return the frame of that name.

    Parameters
    ----------
    *key : str or int
        Key of its random stream: the picture's own name.
    long_side : int
        Longer side in pixels, on average; it varies by a quarter to either side.
    mounted : bool
        Whether there is a mount.
    """
    rng = stream(*key, "frame")
    longer = long_side * rng.uniform(0.75, 1.25)
    aspect = float(np.exp(rng.uniform(-0.36, 0.36)))
    width, height = (round(longer * min(1.0, a)) for a in (aspect, 1 / aspect))
    # In a narrow mount a border of four pixels would show the picture.
    sides = [max(5, round(longer * share)) if mounted else 0 for share in rng.uniform(0.04, 0.1, 4)]
    tone = rng.uniform(0.12, 0.92)
    mount = np.clip(tone * np.exp(rng.normal(0, 0.09, 3)), 0.04, 0.97)
    light = float(np.clip(rng.normal(0.46, 0.075), 0.3, 0.64))
    cast = light * np.exp((rng.normal(0.13, 0.08), rng.normal(0, 0.02), rng.normal(-0.13, 0.09)))
    return Frame(
        key=key,
        width=width,
        height=height,
        left=sides[0],
        top=sides[1],
        right=sides[2],
        bottom=sides[3],
        mount=(float(mount[0]), float(mount[1]), float(mount[2])),
        slope=(float(rng.uniform(-0.08, 0.08)), float(rng.uniform(-0.08, 0.08))),
        cast=(float(cast[0]), float(cast[1]), float(cast[2])),
        noise=float(2.5 + rng.gamma(2.0, 0.9)),
        grain=float(rng.uniform(0, 0.5)),
        encoding=encoding_of(*key),
    )


def framed(pictures: Sequence[Picture], frame: Frame) -> list[Pixels]:
    """Return pictures as the camera and the mount make them.

    Parameters
    ----------
    pictures : sequence of ndarray
        float32, shape (height, width, 3), in 0..1, of any one size: the same view, say with
        and without ink. All are treated as the first needs it, so they differ where they did.
    frame : Frame
        How.

    Returns
    -------
    list of ndarray
        uint8, shape (frame.height, frame.width, 3).
    """
    width, height = frame.inner
    shown = [_sized(picture, width, height) for picture in pictures]
    curves = [1.0] * 3
    if frame.cast is not None:
        curves = [_curve(shown[0][..., c], mean) for c, mean in enumerate(frame.cast)]
    yy, xx = np.mgrid[-1 : 1 : frame.height * 1j, -1 : 1 : frame.width * 1j].astype(np.float32)
    slope = 1 + frame.slope[0] * xx + frame.slope[1] * yy
    sheet = np.clip(slope[..., None] * np.array(frame.mount, np.float32), 0, 1)
    grain = stream(*frame.key, "grain").standard_normal(sheet.shape, np.float32)
    grain = blurred(grain, frame.grain)
    grain *= np.float32(frame.noise) / grain.std()
    finished = []
    for picture in shown:
        whole = sheet.copy()
        inside = whole[frame.top : frame.top + height, frame.left : frame.left + width]
        toned = [_toned(picture[..., c], curve) for c, curve in enumerate(curves)]
        inside[...] = _denoised(np.stack(toned, axis=2))
        level = whole * np.float32(255) + grain
        finished.append(np.clip(level + 0.5, 0, 255).astype(np.uint8))
    return finished


def _sized(picture: Picture, width: int, height: int) -> Picture:
    if picture.shape[:2] == (height, width):
        return picture
    smaller = picture.shape[0] >= height and picture.shape[1] >= width
    how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=how), np.float32)


def _denoised(picture: Picture) -> Picture:
    """Return a picture without its faintest detail, as a camera's noise reduction leaves it."""
    smooth = blurred(picture, 1.0)
    detail = picture - smooth
    kept = detail - np.clip(detail, -_FAINT, _FAINT)
    return np.asarray(smooth + kept, np.float32)


def _toned(plane: npt.NDArray[np.float32], curve: float) -> npt.NDArray[np.float32]:
    """Return a channel darkened (curve < 1) in proportion, or lightened without cutting lights."""
    if curve <= 1:
        return np.asarray(plane * np.float32(curve), np.float32)
    return np.asarray(1 - (1 - np.clip(plane, 0, 1)) ** np.float32(curve), np.float32)


def _curve(plane: npt.NDArray[np.float32], mean: float) -> float:
    """Return the curve that gives a channel its mean; the nearest where none does (black)."""
    low, high = 0.05, 12.0
    for _ in range(18):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if _toned(plane, middle).mean() < mean else (low, middle)
    return float((low * high) ** 0.5)
