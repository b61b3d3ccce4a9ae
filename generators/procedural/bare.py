"""Views without a body of ink: bare skin before the camera."""

from __future__ import annotations

import numpy as np

from .body import body_at
from .camera import shot_of
from .photograph import expose
from .skin import Skin
from .textures import Picture

__all__ = ["bare_photograph", "detail_of"]

Rng = np.random.Generator


def detail_of(long_side: int) -> float:
    """Return how many pixels are rendered per picture pixel along each side."""
    return 2.0 if long_side <= 200 else 1.3


def bare_photograph(
    rng: Rng, seed: int, name: str, skin: Skin, place: str, width: int, height: int
) -> Picture:
    """Return a photograph of skin without ink, before it is framed."""
    shot = shot_of(seed, "bare", name)
    far = max(width, height)
    view = rng.uniform(0.9, 1.7)
    body = body_at(rng, place)
    half_x, half_y = view * width / far, view * height / far
    taken = expose(skin, None, body, shot, width, height, half_x, half_y, detail_of(far))
    return taken.image
