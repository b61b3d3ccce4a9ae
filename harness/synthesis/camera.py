"""The camera: what the photographer chooses, and how lens, sensor and file treat the light."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.synthesis.streams import stream
from harness.synthesis.surroundings import BACKDROPS
from harness.synthesis.textures import Picture, blurred, srgb

__all__ = ["Pixels", "Shot", "develop", "jpeg", "shot_of"]

Pixels = npt.NDArray[np.uint8]


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
    warmth: float
    tint: float
    exposure: float
    contrast: float
    saturation: float
    blur: float
    motion: float
    noise: float
    vignette: float
    backdrop: str
    clothed: int
    quality: int


def shot_of(*key: str | int, unrest: float = 1.0) -> Shot:
    """Return the shot of that name.

    Parameters
    ----------
    *key : str or int
        Key of its random stream.
    unrest : float
        How far pose, framing and focus vary; 1 is usual, 0 a copy stand.
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
        warmth=float(rng.normal(0.05, 0.16)),
        tint=float(rng.normal(0, 0.04)),
        exposure=float(rng.normal(0, 0.2)),
        contrast=float(rng.uniform(0.85, 1.25)),
        saturation=0.0 if grey else float(rng.uniform(0.7, 1.2)),
        blur=float(min(rng.gamma(1.6, 0.0018) * (0.4 + 0.6 * unrest), 0.014)),
        motion=float(rng.uniform(0, 0.01) if rng.random() < 0.1 else 0),
        noise=float(rng.gamma(2, 0.005) * (0.5 + 0.5 * unrest)),
        vignette=float(rng.uniform(0, 0.35)),
        backdrop=BACKDROPS[int(rng.integers(len(BACKDROPS)))],
        clothed=int(rng.integers(1, 4)) if rng.random() < 0.25 else 0,
        quality=int(rng.integers(75, 83)),
    )


def develop(
    pictures: list[Picture], shot: Shot, width: int, height: int, reference: int = -1
) -> list[Pixels]:
    """Turn linear scenes into pictures with one and the same lens, sensor and processing.

    Parameters
    ----------
    pictures : list of ndarray
        Linear light, float32 (h, w, 3).
    shot : Shot
        Camera settings; its key seeds the noise.
    width, height : int
        Picture size.
    reference : int
        Index of the picture that sets exposure and noise level for all.

    Returns
    -------
    list of ndarray
        uint8 (height, width, 3).
    """
    rng = stream(*shot.key, "sensor")
    small = []
    for picture in pictures:
        lens = blurred(picture, shot.blur * picture.shape[1])
        if shot.motion:
            n = max(1, round(shot.motion * picture.shape[1]))
            lens = cv2.blur(lens, (n, 1) if rng.random() < 0 else (n, max(1, n // 3)))
        small.append(
            np.asarray(cv2.resize(lens, (width, height), interpolation=cv2.INTER_AREA), np.float32)
        )
    mean = float(small[reference].mean()) + 1e-4
    # Automatic exposure compensates most of the scene's darkness, not all.
    gain = (0.32 / mean) ** 0.66 * np.exp(shot.exposure)
    balance = np.exp(np.array((shot.warmth * 0.6, shot.tint, -shot.warmth)) * 0.8)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    r2 = ((xx + 0.5) / width * 2 - 1) ** 2 + ((yy + 0.5) / height * 2 - 1) ** 2
    scale = (1 - shot.vignette * r2 / 2)[..., None] * (gain * balance).astype(np.float32)
    level = np.sqrt(np.clip(small[reference] * scale, 0.004, 1))
    grain = rng.standard_normal((height, width, 3), dtype=np.float32) * np.float32(0.6)
    grain += rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(0.8)
    grain = blurred(grain, 0.45 + max(height, width) / 900) * np.float32(shot.noise * 1.6)
    out = []
    for picture in small:
        tone = srgb(np.asarray(picture * scale + grain * level * 0.5, np.float32))
        grey = tone @ np.array((0.299, 0.587, 0.114), np.float32)
        tone = grey[..., None] + (tone - grey[..., None]) * np.float32(shot.saturation)
        curve = 0.5 + (tone - 0.5) * np.float32(shot.contrast)
        out.append(np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8))
    return out


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """Return the picture as a baseline JPEG file, 4:2:0, of that quality."""
    stream_ = io.BytesIO()
    Image.fromarray(pixels).save(stream_, "JPEG", quality=quality, subsampling=2, optimize=True)
    return stream_.getvalue()
