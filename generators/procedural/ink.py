"""Ink in the skin: layers of pigment, and what the years do to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from .textures import Picture, Plane, blurred, smooth_noise

__all__ = ["EXTENT", "Ink", "Sheet", "aged"]

# Ink planes show -EXTENT..EXTENT, so that splashes may leave the drawing.
EXTENT = 1.35


@dataclass(frozen=True)
class Ink:
    """Ink in the skin.

    Attributes
    ----------
    cover : ndarray
        float32 (size, size) in 0..1: share of the skin that holds ink.
    pigment : ndarray
        float32 (size, size, 3): its linear colour times `cover`.
    """

    cover: Plane
    pigment: Picture


class Sheet:
    """An ink sheet under work: layers are laid over one another."""

    def __init__(self, size: int) -> None:
        self.cover = np.zeros((size, size), np.float32)
        self.pigment = np.zeros((size, size, 3), np.float32)

    def lay(self, plane: npt.NDArray[np.floating], colour: npt.NDArray[np.float32]) -> None:
        """Lay a colour, shape (3,), over where the plane, shape (size, size), is above 0."""
        a = np.clip(plane, 0, 1).astype(np.float32)
        self.cover = self.cover * (1 - a) + a
        self.pigment = self.pigment * (1 - a[..., None]) + a[..., None] * colour

    def ink(self) -> Ink:
        """Return the finished ink."""
        return Ink(self.cover, self.pigment)


def aged(ink: Ink, years: float, rng: np.random.Generator) -> Ink:
    """Return ink as it looks after some years: spread, faded, black turned to blue-green.

    Parameters
    ----------
    ink : Ink
        Fresh ink.
    years : float
        Age; 0 leaves only the softness of healed skin.
    rng : numpy.random.Generator
        Patchiness of the fading.
    """
    size = ink.cover.shape[0]
    spread = size / (2 * EXTENT) * (0.003 + 0.0009 * years)
    patch = smooth_noise(rng, size, size, 9, 3)
    keep = np.clip((0.98 - 0.009 * years) * (1 + (0.02 + 0.004 * years) * patch), 0.3, 1)
    cover = blurred(ink.cover, spread) * keep.astype(np.float32)
    pigment = blurred(ink.pigment, spread) * keep[..., None].astype(np.float32)
    drift = np.float32(min(years, 30) / 30)
    haze = np.array([0.012, 0.03, 0.036], np.float32) * drift + np.array(
        [0.01, 0.012, 0.014], np.float32
    )
    return Ink(cover, np.asarray(pigment + cover[..., None] * haze, np.float32))
