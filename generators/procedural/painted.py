"""Painted things among the hard negatives: printed cloth and painted walls."""

from __future__ import annotations

import cv2
import numpy as np

from harness.synthesis.streams import stream

from .bare import detail_of
from .camera import develop, shot_of
from .curves import ribbon, spline
from .designs import design_of
from .drawing import DARK, FIRST, Shape, moved, solid
from .media import graffiti_scene
from .motifs_lettering import WORDS, text_shape
from .plates import engrave
from .skin import skinned, subject_of
from .textures import (
    Picture,
    blurred,
    brick,
    dye,
    fabric,
    smooth_noise,
)

__all__ = ["render_cloth", "render_wall"]

Rng = np.random.Generator


def _printed(rng: Rng, seed: int, name: str, size: int) -> Picture:
    """Return cloth with a printed pattern or one large print."""
    colour = dye(rng)
    cloth = fabric(rng, size, size, colour)
    single = rng.random() < 0.4
    plane = np.zeros((size, size), np.float32)
    inks = [dye(rng) for _ in range(4)]
    count = 1 if single else int(rng.integers(3, 6))
    tile = size if single else size // count
    design = design_of(seed, f"cloth/{name}", "one")
    plates = engrave(
        design.shapes,
        max(24, tile),
        extent=1.15 if not single else 1.4,
        weight=rng.uniform(0.03, 0.06),
    )
    layers = (
        plates.fills[0],
        plates.fills[1],
        plates.fills[2],
        np.maximum(plates.fills[3], plates.line),
    )
    dx, dy = (
        smooth_noise(rng, size, size, 3) * size * 0.02,
        smooth_noise(rng, size, size, 3) * size * 0.02,
    )
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
            full = cv2.copyMakeBorder(
                full, 0, size - full.shape[0], 0, size - full.shape[1], cv2.BORDER_WRAP
            )
            plane = np.asarray(full, np.float32)
        warped = cv2.remap(plane, gx + dx, gy + dy, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
        a = np.clip(warped, 0, 1)[..., None] * 0.9
        cloth = cloth * (1 - a) + a * ink * shade[..., None]
    return np.asarray(cloth, np.float32)


def render_cloth(seed: int, name: str, width: int, height: int) -> Picture:
    """Draw patterned cloth, alone or on a body with bare skin beside it."""
    rng, shot = stream(seed, "cloth", name), shot_of(seed, "cloth", name)
    size = int(max(width, height) * detail_of(max(width, height)))
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
    return develop([cut], shot, width, height)[0]


def _murals(rng: Rng, seed: int, name: str) -> list[Shape]:
    """Return what is painted on a wall: a word, a design, or several of both."""
    shapes: list[Shape] = []
    places = [(0.0, 0.0, 1.0)]
    if rng.random() < 0.45:
        places = [(-0.55, -0.4, 0.5), (0.5, -0.25, 0.45), (0.05, 0.55, 0.5)][
            : int(rng.integers(2, 4))
        ]
    for number, (x, y, scale) in enumerate(places):
        if rng.random() < 0.45:
            word = WORDS[int(rng.integers(len(WORDS)))]
            big = text_shape(word, "DejaVuSans-Bold.ttf", 1.0, FIRST, 1.0)
            reach = float(np.abs(np.vstack(big.rings)[:, 0]).max())
            painted = moved([big], scale=1.0 / reach, turn=float(rng.normal(0, 0.15)))
            bow = spline([(-1, 0.75), (0, 0.6), (1, 0.78)])
            painted.append(solid(ribbon(bow, 0.08), DARK))
        else:
            painted = list(design_of(seed, f"mural/{name}/{number}", "one").shapes)
        shapes += moved(painted, x, y, scale)
    return shapes


def _leaning(scene: Picture, rng: Rng) -> Picture:
    """Return the wall seen from an angle."""
    size = float(len(scene))
    a, b = rng.normal(0, 0.16, 2) * size
    corners = np.array([(0, 0), (size, 0), (size, size), (0, size)], np.float32)
    lean = np.array([(0, -a), (size, a), (size + b, size), (-b, size)], np.float32)
    matrix = cv2.getPerspectiveTransform(corners, lean)
    seen = cv2.warpPerspective(
        scene,
        matrix,
        (len(scene), len(scene)),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    return np.asarray(seen, np.float32)


def render_wall(seed: int, name: str, width: int, height: int) -> Picture:
    """Draw a wall with murals and tags, or with stains only."""
    rng, shot = stream(seed, "wall", name), shot_of(seed, "wall", name)
    far = max(width, height)
    size = int(far * detail_of(far))
    if rng.random() < 0.12:
        scene = brick(rng, size, size)
    else:
        shapes = _murals(rng, seed, name)
        extent, weight = rng.uniform(1.0, 1.6), rng.uniform(0.04, 0.08)
        scene = graffiti_scene(engrave(shapes, size, extent=extent, weight=weight), size, rng)
    view = _leaning(scene, rng)
    rows, cols = round(size * height / far), round(size * width / far)
    top, left = (size - rows) // 2, (size - cols) // 2
    cut = np.ascontiguousarray(view[top : top + rows, left : left + cols])
    return develop([cut], shot, width, height)[0]
