"""Views without a body of ink: picture sizes and bare skin before the camera."""

from __future__ import annotations

import numpy as np

from harness.synthesis.body import body_at
from harness.synthesis.camera import Pixels, shot_of
from harness.synthesis.photograph import expose
from harness.synthesis.skin import Skin

__all__ = ["bare_photograph", "detail_of", "size_of"]

Rng = np.random.Generator


def size_of(rng: Rng, long_side: int) -> tuple[int, int]:
    """Return width and height of a picture of any usual aspect, in multiples of 4 pixels."""
    aspect = float(np.exp(rng.uniform(-0.5, 0.5)))
    w, h = (1.0, 1 / aspect) if aspect > 1 else (aspect, 1.0)
    return 4 * round(long_side * w / 4), 4 * round(long_side * h / 4)


def detail_of(long_side: int) -> float:
    """Return how many pixels are rendered per picture pixel along each side."""
    return 2.0 if long_side <= 160 else 1.3


def bare_photograph(
    rng: Rng, seed: int, name: str, skin: Skin, place: str, long_side: int
) -> tuple[Pixels, int]:
    """Return a photograph of skin without ink, and its JPEG quality."""
    shot = shot_of(seed, "bare", name)
    width, height = size_of(rng, long_side)
    far = max(width, height)
    view = rng.uniform(0.9, 1.7)
    body = body_at(rng, place)
    taken = expose(
        skin,
        None,
        body,
        shot,
        width,
        height,
        view * width / far,
        view * height / far,
        detail_of(long_side),
    )
    return taken.clean, shot.quality
