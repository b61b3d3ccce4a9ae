"""How ink is laid for each tattoo style: line, palette, shading, splashes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from .designs import Design
from .drawing import Shape, moved
from .ink import EXTENT, Ink, Sheet
from .motifs_lettering import WORDS, text_shape
from .plates import Plates, engrave
from .textures import Plane, blurred, linear, smooth_noise, splatter

__all__ = ["STYLES", "inked"]

Rng = np.random.Generator
Layer = Callable[[Design, int, Rng], Ink]
STYLES: dict[str, Layer] = {}

BLACK = linear((26, 27, 31))
_BOLD = ((204, 30, 32), (232, 172, 30), (30, 122, 66), (30, 84, 160), (140, 40, 104), (226, 92, 26))
_MUTED = (
    (184, 48, 36),
    (42, 84, 132),
    (206, 140, 50),
    (62, 108, 76),
    (116, 64, 110),
    (168, 92, 60),
)
_BRIGHT = (
    (214, 62, 120),
    (58, 132, 206),
    (240, 170, 40),
    (92, 176, 96),
    (136, 84, 190),
    (226, 86, 52),
    (40, 170, 170),
)


def _style(name: str) -> Callable[[Layer], Layer]:
    def register(layer: Layer) -> Layer:
        STYLES[name] = layer
        return layer

    return register


def _palette(
    rng: Rng, colours: Sequence[tuple[float, float, float]]
) -> list[npt.NDArray[np.float32]]:
    order = rng.permutation(len(colours))
    return [linear(colours[int(k)]) for k in order]


def _plates(
    design: Design, size: int, weight: float, shapes: Sequence[Shape] | None = None, **how: bool
) -> Plates:
    return engrave(shapes or design.shapes, size, extent=EXTENT, weight=weight, **how)


def _patchy(rng: Rng, size: int, strength: float = 0.12) -> Plane:
    """Return how evenly the needle packed the ink, about 1."""
    noise = smooth_noise(rng, size, size, 14, 3)
    return np.asarray(np.clip(1 - strength + strength * noise, 0, 1), np.float32)


@_style("traditional")
def _traditional(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.04, 0.06))
    colours = _palette(rng, _BOLD)
    sheet, pack = Sheet(size), _patchy(rng, size)
    for k in range(3):
        sheet.lay(p.fills[k] * 0.88 * pack, colours[k])
    whip = np.clip(p.edge * 1.5 - 0.35, 0, 1) * np.clip((0.62 - p.relief) * 4, 0, 1)
    sheet.lay(whip * p.body * 0.85, BLACK)
    sheet.lay(p.fills[3] * pack, BLACK)
    sheet.lay(p.line, BLACK)
    return sheet.ink()


@_style("japanese")
def _japanese(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.028, 0.042))
    colours = _palette(rng, _MUTED)
    sheet, pack = Sheet(size), _patchy(rng, size)
    yy, xx = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(2 * EXTENT / size) - EXTENT
    wide, high = design.half_width * 1.12 + 0.12, design.half_height * 1.12 + 0.1
    lobes = 0.05 * np.cos(7 * np.arctan2(yy, xx) + rng.uniform(0, 6))
    field = np.clip((1 + lobes - np.sqrt((xx / wide) ** 2 + (yy / high) ** 2)) * 14, 0, 1)
    # Wind bars or finger waves behind the motif, shaded from one side of each band.
    bend = 0.16 * np.sin(xx * rng.uniform(2, 4) + rng.uniform(0, 6)) + 0.05 * np.sin(
        9 * xx + 3 * yy
    )
    phase = ((yy + bend) * rng.uniform(2.2, 3.4)) % 1
    bars = np.clip(phase * 1.15, 0, 1) ** 1.6
    around = field * (1 - blurred(np.minimum(p.body * 1.5, 1), size * 0.008))
    if rng.random() < 0.75:
        sheet.lay(around * bars * 0.85, BLACK)
        sheet.lay(around * np.clip(1 - np.abs(phase - 0.02) * 30, 0, 1), BLACK)
    for k in range(3):
        shade = 0.55 + 0.45 * np.clip(p.edge * 1.3, 0, 1)
        sheet.lay(p.fills[k] * 0.9 * shade * pack, colours[k])
    sheet.lay(p.body * p.edge * np.clip((0.6 - p.relief) * 3, 0, 1) * 0.7, BLACK)
    sheet.lay(p.fills[3], BLACK)
    sheet.lay(p.line, BLACK)
    return sheet.ink()


@_style("tribal")
def _tribal(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.05, 0.075), details=False)
    sheet = Sheet(size)
    area = np.clip(p.fills[0] + p.fills[1] + p.fills[2] + p.fills[3], 0, 1)
    near = np.clip(blurred(area, size * 0.012) * 1.6, 0, 1)
    # Lines between black areas stay skin; lines round bare areas are black.
    sheet.lay(
        np.clip(area * (1 - 0.95 * p.line) + p.line * (1 - near), 0, 1) * _patchy(rng, size, 0.06),
        BLACK,
    )
    sheet.lay(p.fills[3], BLACK)
    if rng.random() < 0.6:
        swirl = Sheet(size)
        for side in (-1.0, 1.0):
            t = np.linspace(0, 1, 40)
            a = rng.uniform(0.2, 1.2)
            turn = side * (a + 2.4 * t)
            path = np.column_stack([np.cumsum(np.sin(turn)), np.cumsum(-np.cos(turn))]) * 1.3 / 40
            path += (side * design.half_width * 0.75, rng.uniform(-0.2, 0.5))
            width = 0.15 * np.sin(np.pi * (0.08 + 0.92 * t))
            normal = np.column_stack([np.cos(turn), np.sin(turn)])
            outline = np.vstack(
                [path + normal * width[:, None] / 2, (path - normal * width[:, None] / 2)[::-1]]
            )
            blade = engrave([Shape((outline,), 4, 0.2)], size, extent=EXTENT)
            swirl.lay(blade.fills[3] * (1 - np.clip(blurred(p.body, size * 0.01) * 2, 0, 1)), BLACK)
        sheet.lay(swirl.cover, BLACK)
    return sheet.ink()


@_style("trash polka")
def _trash_polka(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.02, 0.035))
    red = linear((176, 22, 30))
    sheet = Sheet(size)
    noise = smooth_noise(rng, size, size, 5, 4)
    yy, xx = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(2 * EXTENT / size) - EXTENT
    for _ in range(int(rng.integers(1, 3))):
        a, off = rng.uniform(-0.6, 0.6), rng.uniform(-0.5, 0.5)
        across = -xx * np.sin(a) + (yy - off) * np.cos(a)
        along = xx * np.cos(a) + (yy - off) * np.sin(a)
        hairs = smooth_noise(rng, size, 6, 6)[:, :1] * 0.0 + smooth_noise(rng, size, size, 60)
        smear = np.clip(
            4 * (rng.uniform(0.14, 0.26) - np.abs(across)) + 0.5 * noise + 0.25 * hairs, 0, 1
        )
        smear *= np.clip(6 * (rng.uniform(0.9, 1.25) - np.abs(along)) + noise, 0, 1)
        sheet.lay(smear * 0.9, red)
    tone = np.clip((0.56 - p.relief) * 5 + 0.25 * noise, 0, 1) * p.body
    flats = np.clip(p.fills[0] * 0.45 + p.fills[2] * 0.7, 0, 1) * np.clip(0.6 + 0.5 * noise, 0, 1)
    sheet.lay(np.maximum(tone * 0.8, flats), BLACK)
    sheet.lay(p.fills[3], BLACK)
    sheet.lay(p.line, BLACK)
    x, y = rng.uniform(0.3, 0.7, 2)
    sheet.lay(splatter(rng, size, 70, float(x), float(y), 0.22), red)
    sheet.lay(splatter(rng, size, 50, float(y), float(x), 0.2), BLACK)
    if rng.random() < 0.6:
        word = WORDS[int(rng.integers(len(WORDS)))]
        text = moved(
            [text_shape(word, "DejaVuSansMono-Bold.ttf", 0.2)],
            rng.uniform(-0.5, 0.5),
            rng.uniform(0.75, 1.0),
        )
        sheet.lay(engrave(text, size, extent=EXTENT).fills[3], BLACK)
    bar = np.clip((0.03 - np.abs(yy - rng.uniform(-1, 1))) * 60, 0, 1) * (
        np.abs(xx) < rng.uniform(0.6, 1.1)
    )
    sheet.lay(bar, BLACK if rng.random() < 0.5 else red)
    return sheet.ink()


@_style("watercolor")
def _watercolor(design: Design, size: int, rng: Rng) -> Ink:
    lined = rng.random() < 0.75
    p = _plates(design, size, rng.uniform(0.012, 0.024))
    colours = _palette(rng, _BRIGHT)
    sheet = Sheet(size)
    noise = smooth_noise(rng, size, size, 5, 4)
    fine = smooth_noise(rng, size, size, 11, 3)
    body = blurred(p.body, size * 0.03)
    for k in range(3):
        shift = rng.normal(0, size * 0.035, 2)
        move = np.array([[1, 0, shift[0]], [0, 1, shift[1]]], np.float32)
        moved_body = cv2.warpAffine(body, move, (size, size))
        wash = np.clip((moved_body - 0.42 + 0.26 * np.roll(noise, 37 * k, axis=1)) * 5, 0, 1)
        pool = np.clip(1 - np.abs(wash - 0.35) * 3, 0, 1)
        part = np.clip(0.5 + 0.9 * np.roll(fine, 53 * k, axis=0), 0, 1)
        sheet.lay(wash * part * 0.72 + pool * part * 0.2, colours[k])
    for k in range(3):
        sheet.lay(
            blurred(p.fills[k], size * 0.006) * np.clip(0.62 + 0.25 * fine, 0, 0.9), colours[k + 1]
        )
    sheet.lay(splatter(rng, size, 45, 0.5, 0.5, 0.27) * 0.7, colours[4])
    sheet.lay(splatter(rng, size, 30, 0.5, 0.6, 0.24) * 0.7, colours[5])
    for _ in range(int(rng.integers(0, 4))):
        x = int(size * rng.uniform(0.35, 0.65))
        drip = np.zeros((size, size), np.uint8)
        end = int(size * rng.uniform(0.75, 0.95))
        cv2.line(drip, (x, size // 2), (x, end), 255, max(1, size // 90), cv2.LINE_AA)
        cv2.circle(drip, (x, end), max(1, size // 80), 255, -1, cv2.LINE_AA)
        sheet.lay(drip.astype(np.float32) / 255 * 0.55 * (1 - body), colours[int(rng.integers(3))])
    if lined:
        sheet.lay(p.line * 0.9, BLACK)
        sheet.lay(p.fills[3] * 0.85, BLACK)
    else:
        sheet.lay(blurred(p.line, size * 0.004) * 0.6, colours[3] * np.float32(0.45))
        sheet.lay(p.fills[3] * 0.8, colours[3] * np.float32(0.3))
    return sheet.ink()


@_style("fineline")
def _fineline(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.011, 0.018), filled=rng.random() < 0.4)
    sheet = Sheet(size)
    soft = np.clip((0.5 - p.relief) * 2.5, 0, 1) * p.edge * p.body
    sheet.lay(soft * rng.uniform(0.1, 0.45), BLACK)
    sheet.lay(p.fills[3] * 0.8, BLACK)
    sheet.lay(np.minimum(p.line * 1.15, 1) * 0.95, BLACK)
    return sheet.ink()


@_style("minimalism")
def _minimalism(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.022, 0.034), details=False, filled=rng.random() < 0.5)
    sheet = Sheet(size)
    if rng.random() < 0.3:
        sheet.lay(p.fills[0] * 0.75, _palette(rng, _BRIGHT)[0])
    sheet.lay(p.fills[3], BLACK)
    sheet.lay(p.line, BLACK)
    return sheet.ink()


@_style("realism")
def _realism(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.014, 0.024))
    sheet = Sheet(size)
    noise = smooth_noise(rng, size, size, 9, 4)
    smoke = blurred(p.body, size * 0.05) * (1 - p.body) * np.clip(0.6 + 0.5 * noise, 0, 1)
    sheet.lay(smoke * rng.uniform(0.2, 0.8), BLACK)
    coloured = rng.random() < 0.3
    colours = _palette(rng, _MUTED) if coloured else [BLACK] * 3
    base = (0.55, 0.32, 0.62) if not coloured else (0.8, 0.75, 0.8)
    for k in range(3):
        light = np.clip(1.25 - p.relief * 0.9 + 0.1 * noise, 0, 1.2)
        sheet.lay(p.fills[k] * base[k] * light, colours[k])
    dark = np.clip((0.58 - p.relief) * 3.2, 0, 1) * p.body + 0.35 * p.edge * p.body
    sheet.lay(np.clip(dark * (0.75 + 0.12 * noise), 0, 0.92), BLACK)
    sheet.lay(blurred(p.fills[3], size * 0.004) * 0.97, BLACK)
    sheet.lay(np.minimum(blurred(p.line, size * 0.005) * 1.2, 1) * 0.8, BLACK)
    return sheet.ink()


@_style("abstract")
def _abstract(design: Design, size: int, rng: Rng) -> Ink:
    p = _plates(design, size, rng.uniform(0.018, 0.03), details=False, filled=rng.random() < 0.6)
    colours = _palette(rng, _BRIGHT + _MUTED)
    sheet = Sheet(size)
    yy, xx = np.mgrid[0:size, 0:size].astype(np.float32) * np.float32(2 * EXTENT / size) - EXTENT
    for k in range(int(rng.integers(2, 5))):
        cx, cy, r = rng.uniform(-0.5, 0.5), rng.uniform(-0.6, 0.6), rng.uniform(0.2, 0.5)
        if rng.random() < 0.5:
            block = np.clip((r - np.hypot(xx - cx, yy - cy)) * size / 3, 0, 1)
        else:
            a = rng.uniform(-0.6, 0.6)
            u, v = (
                (xx - cx) * np.cos(a) + (yy - cy) * np.sin(a),
                -(xx - cx) * np.sin(a) + (yy - cy) * np.cos(a),
            )
            block = np.clip((r - np.maximum(np.abs(u), 2.2 * np.abs(v))) * size / 3, 0, 1)
        sheet.lay(block * 0.8, colours[k] if rng.random() < 0.65 else BLACK)
    # Dotwork: darkness becomes the density of dots on a jittered grid.
    pitch = max(3, size // 64)
    dots = rng.random((size // pitch + 1, size // pitch + 1)).astype(np.float32)
    dots = cv2.resize(dots, None, fx=pitch, fy=pitch, interpolation=cv2.INTER_NEAREST)[:size, :size]
    tone = np.clip(p.edge * 0.5 + (0.5 - p.relief) * 2, 0, 0.8) * p.body
    sheet.lay((dots < tone) * 0.75, BLACK)
    sheet.lay(p.fills[3], BLACK)
    # Strips of the line drawing slip sideways.
    lines = p.line.copy()
    for _ in range(int(rng.integers(0, 4))):
        row, high = int(rng.integers(size // 4, 3 * size // 4)), int(size * rng.uniform(0.02, 0.07))
        slip = int(size * rng.uniform(-0.06, 0.06))
        lines[row : row + high] = np.roll(lines[row : row + high], slip, axis=1)
    wobble = smooth_noise(rng, size, size, 4) * np.float32(size * 0.008)
    grid_y, grid_x = np.mgrid[0:size, 0:size].astype(np.float32)
    again = cv2.remap(
        p.line, grid_x + wobble, grid_y + np.roll(wobble, size // 3, axis=0), cv2.INTER_LINEAR
    )
    sheet.lay(lines, BLACK)
    sheet.lay(again * 0.7, BLACK)
    return sheet.ink()


def inked(design: Design, style: str, size: int, rng: np.random.Generator) -> Ink:
    """Lay fresh ink for a design in a style.

    Parameters
    ----------
    design : Design
        What is drawn.
    style : str
        One of `STYLES`.
    size : int
        Side of the ink planes in pixels; they show -EXTENT..EXTENT of the design's units.
    rng : numpy.random.Generator
        The artist's choices: palette, weights, splashes.

    Returns
    -------
    Ink
        Planes of (size, size).
    """
    return STYLES[style](design, size, rng)
