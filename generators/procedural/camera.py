"""The camera: what the photographer chooses, and how lens and processing treat the light."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from harness.synthesis.streams import stream

from .surroundings import BACKDROPS
from .textures import Picture, blurred, srgb

__all__ = ["Shot", "develop", "shot_of"]


@dataclass(frozen=True)
class Shot:
    """One press of the shutter; angles in radians, lengths in radii of the tattoo."""

    key: tuple[str | int, ...]
    roll: float
    tilt_x: float
    tilt_y: float
    turn: float
    shift_x: float
    shift_y: float
    stretch: float
    margin: float
    light: tuple[float, float, float]
    ambient: float
    flash: float
    contrast: float
    saturation: float
    blur: float
    motion: float
    motion_turn: float
    vignette: float
    backdrop: str
    clothed: int
    wet: float = 0.0


def shot_of(*key: str | int, unrest: float = 1.0, wet: float = 0.0) -> Shot:
    """Return the shot of that name.

    Parameters
    ----------
    *key : str or int
        Key of its random stream.
    unrest : float
        How far pose, framing and focus vary; 1 is usual, 0 a copy stand.
    wet : float
        Water on the skin, 0 to 1.
    """
    rng = stream(*key, "shot")
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.95)
    side = np.sqrt(1 - height**2)
    grey = rng.random() < 0.04
    return Shot(
        key=key,
        roll=float(rng.normal(0, 0.13) * unrest),
        tilt_x=float(rng.normal(0, 0.05) * unrest),
        tilt_y=float(rng.normal(0, 0.05) * unrest),
        turn=float(rng.normal(0, 0.16) * unrest),
        shift_x=float(rng.normal(0, 0.07) * unrest),
        shift_y=float(rng.normal(0, 0.07) * unrest),
        stretch=float(0.03 * unrest),
        margin=float(1 + rng.gamma(2.0, 0.08) * (0.5 + 0.5 * unrest)),
        light=(float(side * np.cos(azimuth)), float(side * np.sin(azimuth)), float(height)),
        ambient=float(rng.uniform(0.18, 0.5)),
        flash=float(rng.uniform(0.2, 1) if rng.random() < 0.35 else 0),
        contrast=float(rng.uniform(0.85, 1.25)),
        saturation=0.0 if grey else float(rng.uniform(0.7, 1.2)),
        blur=float(min(rng.gamma(1.6, 0.0018) * (0.4 + 0.6 * unrest), 0.014)),
        motion=float(rng.uniform(0, 0.01) if rng.random() < 0.1 else 0),
        motion_turn=float(rng.uniform(0, np.pi)),
        vignette=float(rng.uniform(0, 0.35)),
        backdrop=BACKDROPS[int(rng.integers(len(BACKDROPS)))],
        clothed=int(rng.integers(1, 4)) if rng.random() < 0.25 else 0,
        wet=wet,
    )


def develop(pictures: list[Picture], shot: Shot, width: int, height: int) -> list[Picture]:
    """Turn linear scenes into pictures with one and the same lens and processing.

    Noise, colour cast and the file are the frame's: see `generators.procedural.framing`.

    Parameters
    ----------
    pictures : list of ndarray
        Linear light, float32, shape (height, width, 3); the first sets the exposure for all.
    shot : Shot
        Camera settings.
    width, height : int
        Picture size.

    Returns
    -------
    list of ndarray
        float32, shape (height, width, 3), in 0..1.
    """
    small = []
    for picture in pictures:
        lens = blurred(picture, shot.blur * picture.shape[1])
        if shot.motion:
            lens = _smeared(lens, shot.motion * picture.shape[1], shot.motion_turn)
        small.append(
            np.asarray(cv2.resize(lens, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        )
    gain = 0.32 / (float(small[0].mean()) + 1e-4)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    r2 = ((xx + 0.5) / width * 2 - 1) ** 2 + ((yy + 0.5) / height * 2 - 1) ** 2
    scale = (1 - shot.vignette * r2 / 2)[..., None] * np.float32(gain)
    out = []
    for picture in small:
        tone = srgb(np.asarray(picture * scale, np.float32))
        grey = tone @ np.array((0.299, 0.587, 0.114), np.float32)
        tone = grey[..., None] + (tone - grey[..., None]) * np.float32(shot.saturation)
        curve = 0.5 + (tone - 0.5) * np.float32(shot.contrast)
        out.append(np.asarray(np.clip(curve, 0, 1), np.float32))
    return out


def _smeared(picture: Picture, reach: float, turn: float) -> Picture:
    """Return the picture as a camera that moved by `reach` pixels in a direction sees it."""
    half = max(1, round(reach / 2))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    dx, dy = half * np.cos(turn), half * np.sin(turn)
    for along in np.linspace(-1, 1, 4 * half + 1):
        kernel[round(half + along * dy), round(half + along * dx)] = 1
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.float32)
