"""Random surfaces: smooth noise, fabric, brick, splatter; all float32 planes."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

__all__ = [
    "Picture",
    "Plane",
    "blurred",
    "brick",
    "dye",
    "fabric",
    "linear",
    "smooth_noise",
    "splatter",
    "srgb",
]

Plane = npt.NDArray[np.float32]
"""One value for each pixel: float32, shape (height, width)."""

Picture = npt.NDArray[np.float32]
"""A colour picture: float32, shape (height, width, 3); linear light until it is developed."""


def smooth_noise(
    rng: np.random.Generator, height: int, width: int, cells: float, octaves: int = 1
) -> Plane:
    """Return smooth noise of about zero mean and unit deviation.

    Parameters
    ----------
    rng : numpy.random.Generator
        Where the numbers come from.
    height, width : int
        Shape of the result.
    cells : float
        Bumps along the longer side.
    octaves : int
        Layers, each twice as fine and half as strong as the one before.

    Returns
    -------
    ndarray
        float32, shape (height, width).
    """
    total = np.zeros((height, width), np.float32)
    power, strength = 0.0, 1.0
    for _ in range(octaves):
        step = max(height, width) / max(cells, 1.0)
        rows, cols = max(2, round(height / step) + 1), max(2, round(width / step) + 1)
        grid = rng.standard_normal((rows, cols), dtype=np.float32)
        layer = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
        total += np.float32(strength) * np.asarray(layer, np.float32)
        power += strength**2
        cells, strength = cells * 2, strength / 2
    return total / np.float32(power**0.5 * 0.8)


def blurred(plane: npt.NDArray[np.float32], sigma: float) -> npt.NDArray[np.float32]:
    """Return a plane or picture blurred, in its shape; below .2 pixels it is left untouched."""
    if sigma < 0.2:
        return plane
    return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32)


def linear(colour: tuple[float, float, float] | npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Return linear light 0..1 of sRGB values 0..255 of any shape: float32, the same shape."""
    c = np.asarray(colour, np.float32) / np.float32(255)
    out = np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
    return np.asarray(out, np.float32)


def srgb(light: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Return sRGB values 0..1 of linear light of any shape, clipped: float32, the same shape."""
    x = np.clip(light, 0, 1)
    out = np.where(x <= 0.0031308, 12.92 * x, 1.055 * np.maximum(x, 1e-6) ** (1 / 2.4) - 0.055)
    return np.asarray(out, np.float32)


# Colours that clothes and rooms have: black, greys, white, denim, navy, olive, beige, reds ...
_DYES = (
    (28, 28, 32), (44, 46, 52), (92, 94, 98), (150, 150, 152), (222, 220, 214), (240, 238, 232),
    (58, 74, 104), (88, 108, 138), (30, 36, 62), (86, 88, 62), (190, 176, 150), (110, 84, 64),
    (136, 44, 48), (168, 60, 54), (200, 150, 150), (70, 100, 90), (176, 150, 70), (104, 78, 110),
    (60, 130, 160), (196, 110, 70),
)  # fmt: skip


def dye(rng: np.random.Generator) -> npt.NDArray[np.float32]:
    """Return the colour of a garment or a painted surface: linear, shape (3,)."""
    colour = np.array(_DYES[int(rng.integers(len(_DYES)))], np.float32)
    return linear(np.clip(colour + rng.normal(0, 9, 3), 8, 250).astype(np.float32))


def splatter(
    rng: np.random.Generator, size: int, number: int, x: float, y: float, reach: float
) -> Plane:
    """Return drops of ink thrown round (x, y), in 0..1 of the square plane of side `size`."""
    plane = np.zeros((size, size), np.uint8)
    for _ in range(number):
        a, far = rng.uniform(0, 2 * np.pi), abs(rng.normal()) * reach
        drop = size * 0.004 * (1 + 3 * rng.random() ** 4 * 2)
        at = (int(16 * size * (x + far * np.cos(a))), int(16 * size * (y + far * np.sin(a))))
        axes = (int(16 * drop * rng.uniform(0.8, 1.8)), int(16 * drop))
        cv2.ellipse(plane, at, axes, float(np.degrees(a)), 0, 360, 255, -1, cv2.LINE_AA, 4)
    return np.asarray(plane, np.float32) / np.float32(255)


def fabric(
    rng: np.random.Generator, height: int, width: int, colour: npt.NDArray[np.float32]
) -> Picture:
    """Return cloth in soft folds with a fine weave, linear light of shape (height, width, 3)."""
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32) / np.float32(max(height, width))
    a = rng.uniform(0, np.pi)
    along = xx * np.cos(a) + yy * np.sin(a)
    bend = smooth_noise(rng, height, width, 3)
    folds = np.sin(2 * np.pi * rng.uniform(1.5, 5) * along + 1.6 * bend + rng.uniform(0, 6))
    weave = smooth_noise(rng, height, width, max(height, width) / 2.2)
    shade = 0.8 + 0.22 * folds + 0.1 * bend + rng.uniform(0.02, 0.07) * weave
    pattern = np.asarray(np.maximum(shade, 0.15), np.float32)[..., None] * colour
    if rng.random() < 0.35:
        other = dye(rng)
        period = rng.uniform(0.04, 0.16)
        stripes = ((along + 0.012 * bend) / period) % 1 < rng.uniform(0.2, 0.5)
        if rng.random() < 0.4:
            across = -xx * np.sin(a) + yy * np.cos(a)
            stripes = stripes ^ ((across / period) % 1 < 0.4)
        pattern = np.where(stripes[..., None], np.maximum(shade, 0.15)[..., None] * other, pattern)
    return np.asarray(pattern, np.float32)


def brick(rng: np.random.Generator, height: int, width: int) -> Picture:
    """Return a wall of bricks, blocks or plain plaster: linear light, shape (height, width, 3)."""
    big = max(height, width)
    stain = smooth_noise(rng, height, width, 4, 3)
    grain = smooth_noise(rng, height, width, big / 2.5)
    base = linear(
        ((150, 84, 66), (168, 160, 150), (190, 180, 160), (120, 126, 132), (205, 200, 190))[
            int(rng.integers(5))
        ]
    )
    tone = 0.85 + 0.12 * stain + 0.07 * grain
    if rng.random() < 0.65:
        rows = rng.uniform(6, 16)
        brick_h = big / rows
        brick_w = brick_h * rng.uniform(1.8, 3)
        yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
        row = np.floor(yy / brick_h)
        col = np.floor((xx + (row % 2) * brick_w / 2) / brick_w)
        gap = 0.09
        joint = ((yy / brick_h) % 1 < gap) | (
            (((xx + (row % 2) * brick_w / 2) / brick_w) % 1) < gap * brick_h / brick_w
        )
        # A fixed integer mix gives every brick its own tone.
        own = ((row * 37 + col * 101) % 17) / 17 - 0.5
        tone = np.where(joint, 0.55 + 0.08 * grain, tone + 0.22 * own)
    return np.asarray(np.maximum(tone, 0.1), np.float32)[..., None] * base
