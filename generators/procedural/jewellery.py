"""Jewellery worn on skin, among the hard negatives: necklaces, bracelets, watches."""

from __future__ import annotations

import numpy as np

from harness.synthesis.streams import stream

from .bare import bare_photograph
from .curves import ellipse, pair, placed, ribbon
from .designs import design_of
from .drawing import DARK, FIRST, Shape, moved, solid
from .plates import engrave
from .skin import SKIN_EXTENT, Skin, skinned, subject_of
from .textures import Picture, blurred, linear

__all__ = ["render_jewellery", "worn_at"]

Rng = np.random.Generator


def worn_at(rng: Rng) -> tuple[str, str]:
    """Return a kind of jewellery, and where on the body it is worn: the first that is drawn."""
    kind = ("necklace", "necklace", "bracelet", "watch")[int(rng.integers(4))]
    return kind, {"necklace": ("chest", "neck")[int(rng.integers(2))]}.get(kind, "wrist")


def render_jewellery(seed: int, name: str, width: int, height: int) -> Picture:
    """Draw a necklace with pendant, a bracelet or a watch on skin, before it is framed."""
    rng = stream(seed, "jewellery", name)
    subject = subject_of(seed, f"jewellery/{name}")
    kind, place = worn_at(rng)
    size = int(max(512, max(width, height) * 1.6))
    skin = skinned(seed, subject, place, size)
    metal = linear(
        ((214, 170, 84), (196, 198, 204), (206, 140, 110), (60, 58, 60))[int(rng.integers(4))]
    )
    shapes: list[Shape] = []
    if kind == "necklace":
        drop, spread = rng.uniform(0.1, 0.7), rng.uniform(0.9, 1.8)
        x = np.linspace(-spread, spread, 60)
        chain = np.column_stack([x, drop - 1.3 * (np.abs(x) / spread) ** 1.6])
        bead = rng.uniform(0.02, 0.07)
        shapes += [
            solid(ellipse(*pair(chain[k]), bead, bead * 0.8, count=14), FIRST, 0.4)
            for k in range(0, 60, max(1, int(bead * 30)))
        ]
        if rng.random() < 0.85:
            family = (
                "cross",
                "heart",
                "anchor",
                "sign",
                "key",
                "nautical_star",
                "moon",
                "skull",
                "sun",
            )[int(rng.integers(9))]
            pendant = design_of(seed, f"pendant/{name}", "one", family_name=family, looseness=0)
            reach = rng.uniform(0.18, 0.4)
            shapes += moved(pendant.shapes, 0, drop + reach, reach)
    else:
        y = rng.uniform(-0.3, 0.3)
        x = np.linspace(-SKIN_EXTENT, SKIN_EXTENT, 60)
        band = np.column_stack([x, y + 0.05 * np.sin(x)])
        if kind == "watch":
            shapes.append(solid(ribbon(band, 0.5), DARK if rng.random() < 0.5 else FIRST))
            shapes.append(solid(ellipse(0, y, 0.5, count=50), FIRST))
            shapes.append(solid(ellipse(0, y, 0.41, count=50), 0))
            for k in range(12):
                shapes.append(
                    solid(
                        placed(ellipse(0, -0.34, 0.02, 0.04, count=8), 0, y, turn=k * np.pi / 6),
                        DARK,
                        0.2,
                    )
                )
            for turn, long in ((rng.uniform(0, 6), 0.3), (rng.uniform(0, 6), 0.2)):
                shapes.append(
                    solid(
                        placed(ribbon(np.array([(0, 0), (0, -long)]), 0.035), 0, y, turn=turn),
                        DARK,
                        0.2,
                    )
                )
        else:
            for k in range(int(rng.integers(1, 4))):
                for i in range(0, 60, 1 if rng.random() < 0.5 else 2):
                    ring = ellipse(band[i, 0], band[i, 1] + 0.14 * k, 0.045, count=12)
                    shapes.append(
                        solid(ring, (FIRST, DARK)[(i + k) % 2 if rng.random() < 0.3 else 0], 0.4)
                    )
    plates = engrave(shapes, size, extent=SKIN_EXTENT, weight=0.025)
    cover = np.clip(plates.body, 0, 1)
    shadow = np.roll(blurred(cover, size * 0.006), (size // 110, size // 140), axis=(0, 1))
    albedo = skin.albedo * (1 - 0.45 * shadow)[..., None]
    gleam = np.clip(0.2 + (plates.relief - 0.35) * 3.2, 0.08, 2.2)[..., None] * metal
    gleam = gleam * (1 - 0.8 * plates.fills[3])[..., None]
    gleam = gleam * (1 - 0.5 * plates.line)[..., None]
    albedo = albedo * (1 - cover[..., None]) + gleam * cover[..., None]
    worn = Skin(
        np.asarray(albedo, np.float32),
        skin.relief,
        skin.hair * (1 - cover),
        skin.hair_colour,
        skin.oil,
    )
    return bare_photograph(rng, seed, name, worn, place, width, height)
