"""A design in other media: pencil sketch, scanned print, computer graphic, graffiti."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from harness.synthesis.encoding import Encoding
from harness.synthesis.streams import stream

from .camera import Shot, develop, shot_of
from .designs import Design
from .framing import Frame, Pixels, frame_of, framed
from .plates import Plates, engrave
from .styles import STYLES, inked
from .textures import (
    Picture,
    Plane,
    blurred,
    brick,
    linear,
    smooth_noise,
    splatter,
    srgb,
)

__all__ = ["MEDIA", "graffiti_scene", "render_medium"]

Rng = np.random.Generator
_EXTENT = 1.35
_INK = linear((30, 30, 34))
_FLAT = ((206, 40, 48), (38, 110, 190), (244, 186, 40), (52, 150, 84), (130, 70, 160),
         (240, 120, 40), (60, 60, 66), (230, 130, 160))  # fmt: skip


def _colours(rng: Rng) -> list[np.ndarray]:
    return [linear(_FLAT[int(k)]) for k in rng.permutation(len(_FLAT))]


def _over(scene: Picture, plane: Plane, colour: np.ndarray) -> Picture:
    a = np.clip(plane, 0, 1).astype(np.float32)[..., None]
    return np.asarray(scene * (1 - a) + a * colour, np.float32)


def _paper(rng: Rng, size: int, yellow: float) -> Picture:
    tone = linear((246, 243 - 8 * yellow, 236 - 34 * yellow))
    grain = smooth_noise(rng, size, size, size / 2.3)
    stain = smooth_noise(rng, size, size, 3, 3)
    return np.asarray(tone * (1 + 0.02 * grain + 0.02 * yellow * stain)[..., None], np.float32)


def _wobbled(rng: Rng, plane: Plane, cells: float, reach: float) -> Plane:
    """Return the plane drawn by an unsteady hand."""
    size = plane.shape[0]
    dx = smooth_noise(rng, size, size, cells) * np.float32(reach * size)
    dy = smooth_noise(rng, size, size, cells) * np.float32(reach * size)
    gy, gx = np.mgrid[0:size, 0:size].astype(np.float32)
    return np.asarray(cv2.remap(plane, gx + dx, gy + dy, cv2.INTER_LINEAR), np.float32)


def _sketch(design: Design, size: int, rng: Rng) -> Picture:
    p = engrave(design.shapes, size, extent=_EXTENT, weight=rng.uniform(0.014, 0.026))
    grain = np.clip(0.85 + 0.3 * smooth_noise(rng, size, size, size / 2.5), 0.2, 1.2)
    scene = _paper(rng, size, float(rng.random()))
    lead = linear((62, 62, 68) if rng.random() < 0.75 else (40, 52, 110))
    scene = _over(scene, _wobbled(rng, p.line, 5, 0.004) * grain * 0.85, lead)
    scene = _over(scene, _wobbled(rng, p.line, 7, 0.005) * grain * 0.6, lead)
    gy, gx = np.mgrid[0:size, 0:size].astype(np.float32)
    a = rng.uniform(0.5, 1.1)
    hatch = np.sin((gx * np.cos(a) + gy * np.sin(a)) * 2 * np.pi / (size * 0.022)) > 0.1
    dark = np.clip(p.fills[0] * 0.3 + p.fills[2] * 0.4 + (0.5 - p.relief) * 1.2 * p.body, 0, 0.6)
    scene = _over(scene, dark * hatch * grain, lead)
    return _over(scene, p.fills[3] * grain * 0.75, lead)


def _scan(design: Design, size: int, rng: Rng) -> Picture:
    names = [n for n in STYLES if n not in ("watercolor", "trash polka")]
    style = names[int(rng.integers(len(names)))]
    ink = inked(design, style, size, rng)
    scene = _paper(rng, size, float(rng.random() * 0.7))
    scene = scene * (1 - ink.cover[..., None]) + ink.pigment
    if rng.random() < 0.55:
        grey = scene @ np.array((0.3, 0.59, 0.11), np.float32)
        if rng.random() < 0.5:
            # A halftone screen: darkness as the size of dots.
            gy, gx = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(2 * np.pi / 6)
            screen = 0.5 + 0.25 * (np.cos(gx + gy) + np.cos(gx - gy))
            grey = np.clip(0.5 + (grey - 0.62 * screen) * 4, 0.02, 0.92)
        scene = np.repeat(grey[..., None], 3, axis=2)
    dust = (rng.random((size, size)) < 0.0008).astype(np.float32)
    return _over(np.asarray(scene, np.float32), blurred(dust, 0.6) * 2, _INK)


def _graphic(design: Design, size: int, rng: Rng) -> Picture:
    p = engrave(design.shapes, size, extent=_EXTENT, weight=rng.uniform(0.022, 0.045))
    colours = _colours(rng)
    ground = (
        linear(rng.uniform(225, 255, 3))
        if rng.random() < 0.7
        else colours[5] * np.float32(0.8) + np.float32(0.15)
    )
    scene = np.zeros((size, size, 3), np.float32) + ground
    if rng.random() < 0.3:
        scene = (
            scene * np.linspace(1.0, rng.uniform(0.5, 0.8), size, dtype=np.float32)[:, None, None]
        )
    if rng.random() < 0.75:
        scene = _over(scene, p.body, linear((250, 248, 244)))
    if rng.random() < 0.8:
        for k in range(3):
            scene = _over(scene, p.fills[k], colours[k])
        gloss = np.clip((p.relief - 0.56) * 3, 0, 0.4) * p.body
        scene = _over(scene, gloss, linear((255, 255, 255)))
    scene = _over(scene, p.fills[3], _INK)
    return _over(scene, p.line, _INK)


def graffiti_scene(plates: Plates, size: int, rng: Rng) -> Picture:
    """Return a drawing sprayed on a wall, linear light of shape (size, size, 3)."""
    wall = brick(rng, size, size)
    colours = _colours(rng)
    texture = wall / np.maximum(wall.mean(axis=(0, 1)), 0.02)
    scene = wall
    body = blurred(plates.body, size * 0.008)
    halo = np.clip(blurred(plates.body, size * 0.035) * 2.2, 0, 1)
    if rng.random() < 0.8:
        scene = _over(scene, halo * 0.85, colours[4])
    scene = _over(scene, body * 0.9, linear((232, 232, 228)))
    for k in range(3):
        scene = _over(scene, blurred(plates.fills[k], size * 0.006) * 0.92, colours[k])
    fade = np.clip(1.4 - np.linspace(0, 2, size, dtype=np.float32), 0, 1)[:, None]
    scene = _over(scene, blurred(plates.fills[0], size * 0.01) * fade * 0.5, colours[3])
    scene = _over(scene, blurred(plates.fills[3], size * 0.004), _INK)
    scene = _over(scene, np.minimum(blurred(plates.line, size * 0.005) * 1.3, 1), _INK)
    scene = _over(scene, splatter(rng, size, 40, 0.5, 0.5, 0.25) * 0.6, colours[0])
    for _ in range(int(rng.integers(0, 5))):
        x, y = int(size * rng.uniform(0.25, 0.75)), int(size * rng.uniform(0.4, 0.7))
        drip = np.zeros((size, size), np.uint8)
        cv2.line(
            drip,
            (x, y),
            (x, y + int(size * rng.uniform(0.06, 0.22))),
            255,
            max(1, size // 100),
            cv2.LINE_AA,
        )
        scene = _over(scene, drip.astype(np.float32) * np.float32(0.9 / 255), _INK)
    return np.asarray(scene * np.clip(0.45 + 0.55 * texture, 0.3, 1.4), np.float32)


def _graffiti(design: Design, size: int, rng: Rng) -> Picture:
    plates = engrave(design.shapes, size, extent=_EXTENT, weight=rng.uniform(0.045, 0.07))
    return graffiti_scene(plates, size, rng)


MEDIA: dict[str, Callable[[Design, int, Rng], Picture]] = {
    "sketch": _sketch,
    "scanned-print": _scan,
    "computer-graphic": _graphic,
    "graffiti": _graffiti,
}


def _seen_by(
    sheet: Picture, shot: Shot, half_x: float, half_y: float, width: int, height: int
) -> Picture:
    """Return the part of a sheet that the camera or scanner sees."""
    size = sheet.shape[0]
    gy, gx = np.mgrid[0:height, 0:width].astype(np.float32)
    x = ((gx + 0.5) / width * 2 - 1) * np.float32(half_x)
    y = ((gy + 0.5) / height * 2 - 1) * np.float32(half_y)
    deep = 1 + shot.tilt_x * x + shot.tilt_y * y
    c, s = np.float32(np.cos(shot.roll)), np.float32(np.sin(shot.roll))
    x, y = x / deep, y / deep
    u = (c * x - s * y + np.float32(shot.shift_x) + _EXTENT) * np.float32(
        size / (2 * _EXTENT)
    ) - 0.5
    v = (s * x + c * y + np.float32(shot.shift_y) + _EXTENT) * np.float32(
        size / (2 * _EXTENT)
    ) - 0.5
    return np.asarray(
        cv2.remap(sheet, u, v, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT), np.float32
    )


def render_medium(
    seed: int,
    design: Design,
    medium: str,
    name: str,
    *,
    long_side: int = 128,
    frame: Frame | None = None,
) -> tuple[Pixels, Encoding]:
    """Render a design as a sketch, scanned print, computer graphic or graffiti.

    Parameters
    ----------
    seed : int
        Seed of the world.
    design : Design
        What is drawn.
    medium : str
        One of `MEDIA`.
    name : str
        Name of the picture; key of its random streams.
    long_side : int
        Longer side in pixels, on average.
    frame : Frame, optional
        Size, mount and camera, instead of the picture's own.

    Returns
    -------
    ndarray
        uint8 RGB, shape (height, width, 3).
    Encoding
        Of the file.
    """
    from .capture import view_of

    key = (seed, "medium", medium, name)
    how = frame or frame_of(*key, long_side=long_side)
    width, height = how.inner
    photographed = medium in ("sketch", "graffiti")
    shot = shot_of(*key, unrest=0.8 if photographed else 0.15)
    wide, tall = (
        max(design.half_width, 0.5) * shot.margin,
        max(design.half_height, 0.5) * shot.margin,
    )
    half_x, half_y = view_of(wide, tall, width, height)
    detail = 2 if long_side <= 200 else 1
    size = 8 * round(max(width, height) * _EXTENT / max(half_x, half_y) * detail / 8)
    sheet = MEDIA[medium](design, size, stream(*key))
    view = _seen_by(sheet, shot, half_x, half_y, width * detail, height * detail)
    if photographed:
        lean = 0.3 * shot.light[0]
        light = np.linspace(1 - lean, 1 + lean, view.shape[1], dtype=np.float32)
        seen = develop([view * light[None, :, None]], shot, width, height)[0]
    else:
        area = cv2.resize(view, (width, height), interpolation=cv2.INTER_AREA)
        seen = srgb(np.asarray(area, np.float32))
    return framed([seen], how)[0], how.encoding
