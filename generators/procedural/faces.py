"""Portraits, the faces among the hard negatives: a lit relief with painted features."""

from __future__ import annotations

import cv2
import numpy as np

from harness.synthesis.streams import stream

from .camera import Shot, develop, shot_of
from .curves import ellipse, spline
from .face_features import (
    Canvas,
    Traits,
    eyes,
    glasses,
    hair_front,
    mouth,
    nose,
    paint,
    relief,
    stubble,
    traits_of,
)
from .skin import skin_tone
from .surroundings import backdrop
from .textures import Picture, Plane, dye, fabric, smooth_noise

__all__ = ["melanin_of", "render_face"]

Rng = np.random.Generator

_BEHIND = ("plain", "wall", "room", "plain", "dark", "outdoors")


def _strands(canvas: Canvas, t: Traits, rng: Rng) -> Picture:
    """Return hair that runs out from the crown; each angle has its own tone."""
    size = canvas.size
    angle = np.arctan2(canvas.x - float(rng.uniform(-0.3, 0.3)), canvas.y + 1.25)
    angle = angle + np.float32(0.05) * smooth_noise(rng, size, size, 5, 2)
    comb = smooth_noise(rng, 2, 512, 160)[0]
    streak = comb[np.clip((angle + np.pi) * (511 / (2 * np.pi)), 0, 511).astype(np.int64)]
    waves = smooth_noise(rng, size, size, 5, 2)
    tone = np.clip(1 + 0.16 * streak + 0.22 * waves, 0.35, 2)
    return np.asarray(tone[..., None] * t.hair, np.float32)


def _bust(canvas: Canvas, scene: Picture, skin: Picture, t: Traits, rng: Rng) -> Picture:
    """Return the scene with neck, clothes and ears."""
    half = [(0.42, 0.5), (0.4, 1.15), (0.62, 1.4)]
    neck = spline([*((-x, y) for x, y in half), *half[::-1]], True)
    shadow = (0.62 - 0.1 * canvas.bump(0, 0.95, 0.6, 0.3, 0.2))[..., None]
    scene = paint(scene, canvas.area(neck, 0.1, 0.01), np.asarray(skin * shadow, np.float32))
    half = [(0.55, 1.22), (1.6, 1.5), (1.9, 1.9)]
    shirt = spline([*((-x, y) for x, y in half[::-1]), (0, 1.42), *half], True)
    cloth = fabric(rng, canvas.size, canvas.size, dye(rng))
    scene = paint(scene, canvas.area(shirt, 0.0, 0.008), cloth)
    for side in (-1, 1):
        ear = canvas.area(ellipse(side * t.wide, 0.02, 0.11, 0.22), 0.0, 0.012)
        scene = paint(scene, ear, skin * np.float32(0.78))
    return scene


def _shading(canvas: Canvas, t: Traits, shot: Shot) -> tuple[Plane, Plane]:
    """Return diffuse light and gloss on the face."""
    height = relief(canvas, t) * np.float32(canvas.scale)
    nx = -cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8
    ny = -cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    norm = np.sqrt(nx * nx + ny * ny + 1)
    # Portraits are lit from above.
    lx, ly = shot.light[0] * 0.75, -abs(shot.light[1]) * 0.6
    lz = float(np.sqrt(max(1 - lx * lx - ly * ly, 0.1)))
    lambert = np.clip((nx * lx + ny * ly + lz) / norm, -1, 1)
    direct = np.clip((lambert + 0.3) / 1.3, 0, 1)
    shade = shot.ambient * (0.5 + 0.5 / norm) + (1 - shot.ambient) * direct
    gloss = 0.05 * np.clip(lambert, 0, 1) ** 24
    return np.asarray(shade, np.float32), np.asarray(gloss, np.float32)


def _face(canvas: Canvas, skin: Picture, t: Traits, shot: Shot, rng: Rng) -> Picture:
    """Return the lit skin of the face with its features."""
    blush = 0.15 * canvas.bump(0, t.eye_y + t.nose_long + 0.08, 0.12, 0.1)
    for side in (-1, 1):
        blush = blush + 0.18 * canvas.bump(side * 0.4, 0.28, 0.2, 0.16)
    red = np.exp(-blush[..., None] * np.array((0, 1, 0.8), np.float32))
    face = stubble(canvas, np.asarray(skin * red, np.float32), t, rng)
    face = eyes(canvas, nose(canvas, mouth(canvas, face, t), t), t)
    shade, gloss = _shading(canvas, t, shot)
    lit = np.maximum(shade, 0.02)[..., None] ** np.array((0.92, 1.03, 1.08), np.float32)
    return np.asarray(face * lit * np.float32(1.1) + gloss[..., None], np.float32)


def _outline(t: Traits) -> list[tuple[float, float]]:
    half = [
        (t.wide * 0.62, -0.9),
        (t.wide, -0.45),
        (t.wide * 0.99, 0.05),
        (t.jaw * 1.12, 0.55),
        (t.jaw * 0.62, 0.88),
    ]
    return [(0, -1.0), *half, (0, t.chin), *((-x, y) for x, y in half[::-1])]


def melanin_of(rng: Rng) -> tuple[float, float, float]:
    """Return melanin (0 to 1), yaw and pitch of a face: the first that are drawn."""
    yaw, pitch = float(rng.normal(0, 0.16)), float(rng.normal(0, 0.06))
    return float(rng.random()), yaw, pitch


def render_face(seed: int, name: str, width: int, height: int) -> Picture:
    """Render the portrait of that name, before it is framed.

    Parameters
    ----------
    seed : int
        Seed of the world.
    name : str
        Key of the person.
    width, height : int
        In pixels.

    Returns
    -------
    ndarray
        float32, shape (height, width, 3), in 0..1.
    """
    key = (seed, "face", name)
    rng, shot = stream(*key), shot_of(*key)
    far = max(width, height)
    size = 2 * far if far <= 200 else far
    melanin, yaw, pitch = melanin_of(rng)
    canvas = Canvas(size, yaw, pitch, shot.roll * 0.7)
    tone = skin_tone(melanin, float(rng.uniform(-1, 1)))
    t = traits_of(rng, melanin, tone)
    scene = backdrop(rng, _BEHIND[int(rng.integers(len(_BEHIND)))], size, size, tone)
    strands = _strands(canvas, t, rng)
    if t.hair_style >= 5:
        half = [(0.5, -1.22), (1.2, -0.7), (1.35, 0.3), (1.25, 1.25)]
        fall = [*half, *((-x, y) for x, y in half[::-1])]
        behind = canvas.area(spline([(t.wide * x, y) for x, y in fall], True), 0.0, 0.02)
        scene = paint(scene, behind, strands * np.float32(0.75))
    uneven = 0.05 * smooth_noise(rng, size, size, 6, 3)
    uneven = uneven + 0.025 * smooth_noise(rng, size, size, size / 2.4)
    skin = np.asarray(np.exp(uneven)[..., None] * tone, np.float32)
    scene = _bust(canvas, scene, skin, t, rng)
    head = canvas.area(spline(_outline(t), True), 0.12, 0.012)
    scene = paint(scene, head, _face(canvas, skin, t, shot, rng))
    scene = hair_front(canvas, scene, strands, t, rng)
    if rng.random() < 0.18:
        scene = glasses(canvas, scene, t)
    half_view = rng.uniform(0.36, 0.47)
    half_x, half_y = half_view * min(1, width / height), half_view * min(1, height / width)
    cols = slice(int(size * (0.5 - half_x)), int(size * (0.5 + half_x)))
    rows = slice(int(size * max(0, 0.47 - half_y)), int(size * min(1, 0.47 + half_y)))
    cut = np.ascontiguousarray(scene[rows, cols])
    return develop([cut], shot, width, height)[0]
