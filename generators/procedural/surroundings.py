"""What a photograph shows behind and over the body: walls, cloth, rooms, clothes."""

from __future__ import annotations

import numpy as np

from .textures import Picture, blurred, brick, dye, fabric, linear, smooth_noise

__all__ = ["BACKDROPS", "backdrop"]

BACKDROPS = ("wall", "cloth", "room", "plain", "dark", "body", "outdoors")


def backdrop(
    rng: np.random.Generator, kind: str, height: int, width: int, tone: np.ndarray
) -> Picture:
    """Return what lies behind the body, out of focus, linear light of shape (height, width, 3).

    Parameters
    ----------
    rng : numpy.random.Generator
        The scene's stream.
    kind : str
        One of `BACKDROPS`.
    height, width : int
        Size in pixels.
    tone : ndarray
        The subject's skin, shape (3,), linear light, for the rest of the body behind a limb.
    """
    big = max(height, width)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(big)
    slope = 1 + rng.uniform(-0.35, 0.35) * (xx - 0.5) + rng.uniform(-0.35, 0.35) * (yy - 0.5)
    if kind == "cloth":
        scene = fabric(rng, height, width, dye(rng))
    elif kind == "wall" and rng.random() < 0.4:
        scene = blurred(brick(rng, height, width), big * rng.uniform(0.004, 0.02))
    elif kind == "room":
        scene = np.zeros((height, width, 3), np.float32) + dye(rng)
        for _ in range(int(rng.integers(4, 9))):
            x, y = rng.uniform(0, 1, 2)
            w, h = rng.uniform(0.08, 0.4, 2)
            part = (np.abs(xx - x) < w) & (np.abs(yy - y) < h)
            scene[part] = dye(rng)
        scene = blurred(scene, big * rng.uniform(0.02, 0.06))
    elif kind == "body":
        fold = smooth_noise(rng, height, width, 2)
        scene = np.clip(0.55 + 0.22 * fold, 0.12, 1)[..., None] * tone
    elif kind == "outdoors":
        leaves = smooth_noise(rng, height, width, 12, 3)
        green = linear(rng.uniform((50, 90, 30), (120, 150, 80)))
        scene = np.clip(0.8 + 0.5 * leaves, 0.05, 3)[..., None] * green
        scene = blurred(np.asarray(scene, np.float32), big * 0.02)
    elif kind == "dark":
        scene = np.zeros((height, width, 3), np.float32) + linear(
            rng.uniform(8, 40) + rng.uniform(0, 12, 3)
        )
    else:
        grey = rng.uniform(120, 240)
        scene = np.zeros((height, width, 3), np.float32) + linear(
            np.clip(grey + rng.normal(0, 9, 3), 0, 250)
        )
    return np.asarray(scene * slope[..., None], np.float32)
