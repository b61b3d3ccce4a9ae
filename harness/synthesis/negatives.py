"""Pictures without a tattoo that a detector may take for one: the hard negatives."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from harness.synthesis.body import PLACES, body_at
from harness.synthesis.curves import ellipse, placed, ribbon, spline
from harness.synthesis.designs import design_of
from harness.synthesis.drawing import DARK, FIRST, Shape, moved, solid
from harness.synthesis.faces import render_face
from harness.synthesis.media import graffiti_scene
from harness.synthesis.motifs_lettering import WORDS, text_shape
from harness.synthesis.photograph import Pixels, develop, expose, shot_of
from harness.synthesis.plates import engrave
from harness.synthesis.skin import SKIN_EXTENT, Skin, skinned, subject_of
from harness.synthesis.streams import stream
from harness.synthesis.textures import Picture, Plane, blurred, brick, fabric, linear, smooth_noise

__all__ = ["NEGATIVES", "render_negative"]

Rng = np.random.Generator


def _size(rng: Rng, long_side: int) -> tuple[int, int]:
    aspect = float(np.exp(rng.uniform(-0.5, 0.5)))
    w, h = (1.0, 1 / aspect) if aspect > 1 else (aspect, 1.0)
    return 4 * round(long_side * w / 4), 4 * round(long_side * h / 4)


def _detail(long_side: int) -> float:
    return 2.0 if long_side <= 160 else 1.3


def _face(seed: int, name: str, long_side: int) -> tuple[Pixels, int]:
    return render_face(seed, name, long_side)


def _skin_only(seed: int, name: str, long_side: int) -> tuple[Pixels, int]:
    """Bare skin with moles, veins, scars and hair."""
    rng = stream(seed, "bare", name)
    subject = subject_of(seed, f"bare/{name}")
    places = tuple(PLACES)
    place = places[int(rng.integers(len(places)))]
    skin = skinned(seed, subject, place, int(max(256, long_side * 1.2)), veins=int(rng.integers(0, 4)),
                   scars=int(rng.integers(0, 3)))  # fmt: skip
    return _bare(rng, seed, name, skin, place, long_side)


def _bare(rng: Rng, seed: int, name: str, skin: Skin, place: str, long_side: int) -> tuple[Pixels, int]:
    shot = shot_of(seed, "bare", name)
    width, height = _size(rng, long_side)
    far = max(width, height)
    view = rng.uniform(0.9, 1.7)
    body = body_at(rng, place)
    taken = expose(skin, None, body, shot, width, height, view * width / far, view * height / far, _detail(long_side))
    return taken.clean, shot.quality


def _jewellery(seed: int, name: str, long_side: int) -> tuple[Pixels, int]:
    """A necklace with pendant, a bracelet or a watch on skin."""
    rng = stream(seed, "jewellery", name)
    subject = subject_of(seed, f"jewellery/{name}")
    kind = ("necklace", "necklace", "bracelet", "watch")[int(rng.integers(4))]
    place = {"necklace": ("chest", "neck")[int(rng.integers(2))]}.get(kind, "wrist")
    size = int(max(512, long_side * 1.6))
    skin = skinned(seed, subject, place, size)
    metal = linear(((214, 170, 84), (196, 198, 204), (206, 140, 110), (60, 58, 60))[int(rng.integers(4))])
    shapes: list[Shape] = []
    if kind == "necklace":
        drop, spread = rng.uniform(0.1, 0.7), rng.uniform(0.9, 1.8)
        x = np.linspace(-spread, spread, 60)
        chain = np.column_stack([x, drop - 1.3 * (np.abs(x) / spread) ** 1.6])
        bead = rng.uniform(0.02, 0.07)
        for k in range(0, 60, max(1, int(bead * 30))):
            shapes.append(solid(ellipse(*chain[k], bead, bead * 0.8, count=14), FIRST, 0.4))
        if rng.random() < 0.85:
            family = ("cross", "heart", "anchor", "sign", "key", "nautical_star", "moon", "skull", "sun")[int(rng.integers(9))]
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
                shapes.append(solid(placed(ellipse(0, -0.34, 0.02, 0.04, count=8), 0, y, turn=k * np.pi / 6), DARK, 0.2))
            for turn, long in ((rng.uniform(0, 6), 0.3), (rng.uniform(0, 6), 0.2)):
                shapes.append(solid(placed(ribbon(np.array([(0, 0), (0, -long)]), 0.035), 0, y, turn=turn), DARK, 0.2))
        else:
            for k in range(int(rng.integers(1, 4))):
                for i in range(0, 60, 1 if rng.random() < 0.5 else 2):
                    bead = ellipse(band[i, 0], band[i, 1] + 0.14 * k, 0.045, count=12)
                    shapes.append(solid(bead, (FIRST, DARK)[(i + k) % 2 if rng.random() < 0.3 else 0], 0.4))
    plates = engrave(shapes, size, extent=SKIN_EXTENT, weight=0.025)
    cover = np.clip(plates.body, 0, 1)
    shadow = np.roll(blurred(cover, size * 0.006), (size // 110, size // 140), axis=(0, 1))
    albedo = skin.albedo * (1 - 0.45 * shadow)[..., None]
    gleam = np.clip(0.2 + (plates.relief - 0.35) * 3.2, 0.08, 2.2)[..., None] * metal
    gleam = gleam * (1 - 0.8 * plates.fills[3])[..., None]
    gleam = gleam * (1 - 0.5 * plates.line)[..., None]
    albedo = albedo * (1 - cover[..., None]) + gleam * cover[..., None]
    worn = Skin(np.asarray(albedo, np.float32), skin.relief, skin.hair * (1 - cover), skin.hair_colour)
    return _bare(rng, seed, name, worn, place, long_side)


def _printed(rng: Rng, seed: int, name: str, size: int) -> Picture:
    """Return cloth with a printed pattern or one large print."""
    colour = linear(rng.uniform(20, 230, 3))
    cloth = fabric(rng, size, size, colour)
    single = rng.random() < 0.4
    plane = np.zeros((size, size), np.float32)
    inks = [linear(rng.uniform(10, 245, 3)) for _ in range(4)]
    count = 1 if single else int(rng.integers(3, 6))
    tile = size if single else size // count
    design = design_of(seed, f"cloth/{name}", "one")
    plates = engrave(design.shapes, max(24, tile), extent=1.15 if not single else 1.4, weight=rng.uniform(0.03, 0.06))
    layers = (plates.fills[0], plates.fills[1], plates.fills[2], np.maximum(plates.fills[3], plates.line))
    dx, dy = smooth_noise(rng, size, size, 3) * size * 0.02, smooth_noise(rng, size, size, 3) * size * 0.02
    gy, gx = np.mgrid[0:size, 0:size].astype(np.float32)
    folds = cloth / np.maximum(cloth.max(), 1e-3)
    shade = blurred(np.asarray(folds.mean(axis=2), np.float32), 1)
    shade = shade / max(float(shade.mean()), 1e-3)
    for layer, ink in zip(layers, inks, strict=True):
        plane[:] = 0
        if single:
            plane = np.ascontiguousarray(cv2.resize(layer, (size, size)))
        else:
            brick_row = np.tile(layer, (1, count + 1))[:, :size]
            rows = [np.roll(brick_row, (r % 2) * tile // 2, axis=1) for r in range(count + 1)]
            full = np.vstack(rows)[:size]
            full = cv2.copyMakeBorder(full, 0, size - full.shape[0], 0, size - full.shape[1], cv2.BORDER_WRAP)
            plane = np.asarray(full, np.float32)
        warped = cv2.remap(plane, gx + dx, gy + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        a = np.clip(warped, 0, 1)[..., None] * 0.9
        cloth = cloth * (1 - a) + a * ink * shade[..., None]
    return np.asarray(cloth, np.float32)


def _cloth(seed: int, name: str, long_side: int) -> tuple[Pixels, int]:
    """Patterned cloth, alone or on a body with bare skin beside it."""
    rng, shot = stream(seed, "cloth", name), shot_of(seed, "cloth", name)
    width, height = _size(rng, long_side)
    size = int(max(width, height) * _detail(long_side))
    size += size % 2
    cloth = _printed(rng, seed, name, size)
    yy, xx = np.mgrid[0:size, 0:size].astype(np.float32) / np.float32(size)
    light = 0.75 + 0.4 * (shot.light[0] * (xx - 0.5) + shot.light[1] * (yy - 0.5))
    if rng.random() < 0.5:
        q = (xx - 0.5) / rng.uniform(0.5, 0.8)
        light = light * np.sqrt(np.clip(1 - q * q, 0.05, 1))
    scene = cloth * light[..., None].astype(np.float32)
    if rng.random() < 0.45:
        subject = subject_of(seed, f"cloth/{name}")
        skin = skinned(seed, subject, "neck", size)
        a, off = rng.uniform(-0.6, 0.6), rng.uniform(0.08, 0.3)
        edge = (yy - off) + a * (xx - 0.5) * 0.8 + 0.02 * np.sin(9 * xx)
        bare = np.clip(-edge * 60 + 0.5, 0, 1)[..., None]
        under = 1 - 0.4 * np.exp(-np.maximum(-edge, 0) * 25)
        scene = scene * (1 - bare) + skin.albedo * (0.85 * under * (1 - 0.4 * yy))[..., None] * bare
    rows, cols = round(size * height / max(width, height)), round(size * width / max(width, height))
    cut = np.ascontiguousarray(scene[:rows, :cols].astype(np.float32))
    return develop([cut], shot, width, height)[0], shot.quality


def _wall(seed: int, name: str, long_side: int) -> tuple[Pixels, int]:
    """A painted wall: mural, tag, poster or only stains."""
    rng, shot = stream(seed, "wall", name), shot_of(seed, "wall", name)
    width, height = _size(rng, long_side)
    size = int(max(width, height) * _detail(long_side))
    kind = rng.random()
    if kind < 0.12:
        scene = brick(rng, size, size)
    else:
        if kind < 0.5:
            word = WORDS[int(rng.integers(len(WORDS)))]
            big = text_shape(word, "DejaVuSans-Bold.ttf", 1.0, FIRST, 1.0)
            reach = float(np.abs(np.vstack(big.rings)[:, 0]).max())
            slant = moved([big], scale=1.0 / reach, turn=float(rng.normal(0, 0.15)))
            bow = spline([(-1, 0.75), (0, 0.6), (1, 0.78)])
            shapes = [*slant, solid(ribbon(bow, 0.08), DARK)]
        else:
            shapes = list(design_of(seed, f"mural/{name}", "one").shapes)
        extent = rng.uniform(1.0, 1.6)
        plates = engrave(shapes, size, extent=extent, weight=rng.uniform(0.04, 0.08))
        scene = graffiti_scene(plates, size, rng)
    deep = rng.normal(0, 0.16, 2)
    s = float(size)
    corners = np.array([(0, 0), (s, 0), (s, s), (0, s)], np.float32)
    lean = np.array([(0, -deep[0] * s), (s, deep[0] * s), (s + deep[1] * s, s), (-deep[1] * s, s)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, lean)
    view = cv2.warpPerspective(scene, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    rows, cols = round(size * height / max(width, height)), round(size * width / max(width, height))
    top, left = (size - rows) // 2, (size - cols) // 2
    cut = np.ascontiguousarray(view[top : top + rows, left : left + cols])
    return develop([np.asarray(cut, np.float32)], shot, width, height)[0], shot.quality


NEGATIVES: dict[str, tuple[float, Callable[[int, str, int], tuple[Pixels, int]]]] = {
    "face": (0.4, _face),
    "bare-skin": (0.2, _skin_only),
    "jewellery": (0.12, _jewellery),
    "cloth": (0.15, _cloth),
    "wall": (0.13, _wall),
}


def render_negative(seed: int, kind: str, name: str, *, long_side: int = 128) -> tuple[Pixels, int]:
    """Render a picture without a tattoo.

    Parameters
    ----------
    seed : int
        Seed of the world.
    kind : str
        One of `NEGATIVES`.
    name : str
        Name of the picture; key of its random streams.
    long_side : int
        Longer side in pixels.

    Returns
    -------
    ndarray
        uint8 RGB (h, w, 3).
    int
        JPEG quality.
    """
    return NEGATIVES[kind][1](seed, name, long_side)


