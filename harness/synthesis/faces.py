"""Portraits: faces among the hard negatives, modelled as a lit relief with painted features."""

from __future__ import annotations

import cv2
import numpy as np

from harness.synthesis.curves import Points, ellipse, ribbon, spline
from harness.synthesis.photograph import Pixels, develop, shot_of
from harness.synthesis.skin import skin_tone
from harness.synthesis.streams import stream
from harness.synthesis.surroundings import backdrop
from harness.synthesis.textures import Picture, Plane, blurred, fabric, linear, smooth_noise

__all__ = ["render_face"]

Rng = np.random.Generator
_HAIR = ((22, 18, 17), (38, 27, 21), (70, 46, 30), (110, 74, 44), (168, 128, 78), (120, 52, 28),
         (128, 126, 124), (205, 202, 198))  # fmt: skip


class _Canvas:
    """A square picture in face units: the head about -0.75..0.75 wide and -1..1 high."""

    def __init__(self, size: int, yaw: float, pitch: float, roll: float) -> None:
        self.size, self.yaw, self.pitch, self.roll = size, yaw, pitch, roll
        self.scale = size / 3.4
        gy, gx = np.mgrid[0:size, 0:size].astype(np.float32)
        x, y = (gx + 0.5 - size / 2) / self.scale, (gy + 0.5 - size * 0.47) / self.scale
        c, s = np.float32(np.cos(roll)), np.float32(np.sin(roll))
        self.x, self.y = c * x + s * y, -s * x + c * y

    def at(self, points: Points, depth: float = 0.55) -> Points:
        """Return features moved with the turn of the head, the more the nearer to the camera."""
        shift = np.array((self.yaw * depth, self.pitch * depth))
        squeeze = np.array((1 - 0.25 * abs(self.yaw), 1.0))
        return np.asarray(points * squeeze + shift)

    def area(self, points: Points, depth: float = 0.55, soft: float = 0.006) -> Plane:
        """Return the soft-edged area of a closed curve."""
        p = self.at(points, depth)
        c, s = np.cos(self.roll), np.sin(self.roll)
        p = p @ np.array([[c, s], [-s, c]]) * self.scale + (self.size / 2, self.size * 0.47)
        plane = np.zeros((self.size, self.size), np.uint8)
        cv2.fillPoly(plane, [np.round((p - 0.5) * 16).astype(np.int32)], 255, cv2.LINE_AA, 4)
        return blurred(np.asarray(plane, np.float32) / np.float32(255), soft * self.scale)

    def bump(self, x: float, y: float, rx: float, ry: float, depth: float = 0.55) -> Plane:
        """Return a Gaussian hill."""
        cx, cy = self.at(np.array([(x, y)]), depth)[0]
        return np.asarray(np.exp(-(((self.x - cx) / rx) ** 2) - ((self.y - cy) / ry) ** 2), np.float32)


def _paint(scene: Picture, area: Plane, colour: np.ndarray) -> Picture:
    a = np.clip(area, 0, 1)[..., None]
    return np.asarray(scene * (1 - a) + a * colour, np.float32)


def render_face(seed: int, name: str, long_side: int = 128) -> tuple[Pixels, int]:
    """Render the portrait of that name.

    Parameters
    ----------
    seed : int
        Seed of the world.
    name : str
        Key of the person.
    long_side : int
        Height of the picture in pixels.

    Returns
    -------
    ndarray
        uint8 RGB (h, w, 3).
    int
        JPEG quality.
    """
    key = (seed, "face", name)
    rng, shot = stream(*key), shot_of(*key)
    size = 2 * long_side if long_side <= 160 else long_side
    canvas = _Canvas(size, float(rng.normal(0, 0.16)), float(rng.normal(0, 0.06)), shot.roll * 0.7)
    melanin, female = float(rng.random()), bool(rng.random() < 0.5)
    tone = skin_tone(melanin, float(rng.uniform(-1, 1)))
    wide, jaw = rng.uniform(0.66, 0.78), rng.uniform(0.46, 0.62) * (0.9 if female else 1)
    chin = rng.uniform(0.96, 1.1)
    head = spline(
        [(0, -1.0), (wide * 0.62, -0.9), (wide, -0.45), (wide * 0.99, 0.05), (jaw * 1.12, 0.55), (jaw * 0.62, 0.88),
         (0, chin), (-jaw * 0.62, 0.88), (-jaw * 1.12, 0.55), (-wide * 0.99, 0.05), (-wide, -0.45), (-wide * 0.62, -0.9)],
        True,
    )  # fmt: skip
    hair_tone = linear(_HAIR[int(rng.integers(2 if melanin > 0.55 else 8))])
    style = int(rng.integers(5)) if not female else int(rng.integers(3, 7))
    scene = backdrop(rng, ("plain", "wall", "room", "plain", "dark", "outdoors")[int(rng.integers(6))], size, size, tone)
    streak = smooth_noise(rng, size, size, 90) * 0.5 + smooth_noise(rng, 8, size, 120)[4] * 0.8
    strands = np.clip(1 + 0.32 * streak + 0.2 * smooth_noise(rng, size, size, 8), 0.3, 2)[..., None] * hair_tone
    if style >= 5:
        long = spline([(-wide * 1.2, -0.7), (-wide * 0.5, -1.22), (wide * 0.5, -1.22), (wide * 1.2, -0.7),
                       (wide * 1.35, 0.3), (wide * 1.25, 1.25), (-wide * 1.25, 1.25), (-wide * 1.35, 0.3)], True)
        scene = _paint(scene, canvas.area(long, 0.0, 0.02), strands * 0.75)
    skin = np.zeros((size, size, 3), np.float32) + tone
    skin *= np.exp(0.05 * smooth_noise(rng, size, size, 6, 3) + 0.025 * smooth_noise(rng, size, size, size / 2.4))[..., None]
    neck = spline([(-0.42, 0.5), (-0.4, 1.15), (-0.62, 1.4), (0.62, 1.4), (0.4, 1.15), (0.42, 0.5)], True)
    scene = _paint(scene, canvas.area(neck, 0.1, 0.01), skin * (0.62 - 0.1 * canvas.bump(0, 0.95, 0.6, 0.3, 0.2))[..., None])
    shirt = spline([(-1.9, 1.9), (-1.6, 1.5), (-0.55, 1.22), (0, 1.42), (0.55, 1.22), (1.6, 1.5), (1.9, 1.9)], True)
    scene = _paint(scene, canvas.area(shirt, 0.0, 0.008), fabric(rng, size, size, linear(rng.uniform(15, 225, 3))))
    for side in (-1, 1):
        ear = ellipse(side * wide * 1.0, 0.02, 0.11, 0.22)
        scene = _paint(scene, canvas.area(ear, 0.0, 0.012), skin * 0.78)
    # Relief of the head: a dome with brow, sockets, nose, cheeks, lips and chin.
    bump = canvas.bump
    nose, noselen = rng.uniform(0.1, 0.16) * (1 + 0.25 * melanin), rng.uniform(0.26, 0.36)
    eye_y, eye_x = -0.1 + rng.normal(0, 0.02), rng.uniform(0.27, 0.33)
    mouth_y = rng.uniform(0.52, 0.6)
    dome = 0.95 * np.sqrt(np.clip(1.08 - (canvas.x / (wide * 1.06)) ** 2 - ((canvas.y - 0.02) / 1.12) ** 2, 0.02, 1))
    height = dome + 0.1 * bump(0, eye_y - 0.2, 0.5, 0.1) + 0.2 * bump(0, eye_y + noselen, 0.085, 0.26)
    height += 0.12 * bump(0, eye_y + noselen + 0.1, nose, 0.09) + 0.05 * bump(0, mouth_y, 0.24, 0.1)
    height += 0.08 * bump(0, 0.86, 0.2, 0.13)
    for side in (-1, 1):
        height -= 0.12 * bump(side * eye_x, eye_y, 0.17, 0.1)
        height += 0.07 * bump(side * eye_x * 1.35, eye_y + 0.33, 0.2, 0.17)
    height = blurred(np.asarray(height, np.float32), size * 0.008) * np.float32(canvas.scale)
    nx, ny = -cv2.Sobel(height, cv2.CV_32F, 1, 0, ksize=3) / 8, -cv2.Sobel(height, cv2.CV_32F, 0, 1, ksize=3) / 8
    norm = np.sqrt(nx * nx + ny * ny + 1)
    lx, ly = shot.light[0] * 0.75, -abs(shot.light[1]) * 0.6
    lz = float(np.sqrt(max(1 - lx * lx - ly * ly, 0.1)))
    lambert = np.clip((nx * lx + ny * ly + lz) / norm, -1, 1)
    shade = shot.ambient * (0.5 + 0.5 / norm) + (1 - shot.ambient) * np.clip((lambert + 0.3) / 1.3, 0, 1)
    face = skin.copy()
    for side in (-1, 1):
        blush = bump(side * 0.4, 0.28, 0.2, 0.16)
        face *= np.exp(-0.18 * blush[..., None] * np.array((0, 1, 0.8), np.float32))
    face *= np.exp(-0.15 * bump(0, eye_y + noselen + 0.08, 0.12, 0.1)[..., None] * np.array((0, 1, 0.8), np.float32))
    beard = 0.0 if female else float(rng.choice((0, 0, 0.25, 0.5, 0.85)))
    if beard:
        stubble = np.clip(bump(0, 0.8, 0.55, 0.34) * 1.5, 0, 1) * (1 - np.clip(1.5 * bump(0, mouth_y, 0.2, 0.07), 0, 1))
        stubble = np.maximum(stubble, 0.9 * np.clip(1.4 * bump(0, mouth_y - 0.14, 0.24, 0.06), 0, 1))
        grain = np.clip(0.8 + 0.3 * smooth_noise(rng, size, size, size / 3), 0, 1.2)
        face = _paint(face, np.asarray(np.clip(stubble * beard * grain, 0, 0.95), np.float32), hair_tone)
    lip = linear((178, 92, 88)) if melanin < 0.5 else tone * np.array((0.85, 0.6, 0.62), np.float32)
    if female and rng.random() < 0.5:
        lip = linear((172, 40, 56))
    full, smile = rng.uniform(0.05, 0.1), rng.uniform(-0.03, 0.08)
    mw = rng.uniform(0.2, 0.28)
    upper = spline([(-mw, mouth_y - smile), (-0.07, mouth_y - full), (0, mouth_y - full * 0.75), (0.07, mouth_y - full),
                    (mw, mouth_y - smile), (0, mouth_y + 0.01 + smile * 0.3)], True)
    lower = spline([(-mw, mouth_y - smile), (0, mouth_y + smile * 0.3), (mw, mouth_y - smile), (0.1, mouth_y + full * 1.2),
                    (-0.1, mouth_y + full * 1.2)], True)
    face = _paint(face, canvas.area(upper, 0.6) * 0.75, lip * 0.8)
    face = _paint(face, canvas.area(lower, 0.6) * 0.75, lip)
    seam = spline([(-mw, mouth_y - smile), (-0.08, mouth_y + smile * 0.2), (0.08, mouth_y + smile * 0.2), (mw, mouth_y - smile)])
    face = _paint(face, canvas.area(ribbon(seam, 0.022), 0.6) * 0.85, tone * 0.12)
    for side in (-1, 1):
        hole = ellipse(side * nose * 0.55, eye_y + noselen + 0.14, 0.042, 0.022)
        face = _paint(face, canvas.area(hole, 0.7, 0.008) * 0.8, tone * 0.15)
        wing = bump(side * nose * 1.1, eye_y + noselen + 0.1, 0.03, 0.06, 0.65)
        face *= (1 - 0.3 * wing)[..., None]
        fold = spline([(side * nose * 1.4, eye_y + noselen + 0.06), (side * 0.26, mouth_y - 0.08), (side * 0.3, mouth_y + 0.04)])
        face *= (1 - 0.22 * canvas.area(ribbon(fold, 0.03), 0.55, 0.02))[..., None]
    face = _eyes(canvas, face, rng, tone, hair_tone, eye_x, eye_y, female)
    lit = np.maximum(shade, 0.02)[..., None] ** np.array((0.92, 1.03, 1.08), np.float32)
    glare = 0.1 * np.clip(lambert, 0, 1) ** 24
    face = face * lit * np.float32(1.1) + glare[..., None]
    outline = canvas.area(head, 0.12, 0.012)
    scene = _paint(scene, outline, np.asarray(face, np.float32))
    scene = _hair_on(canvas, scene, strands, style, wide, rng)
    if rng.random() < 0.18:
        for side in (-1, 1):
            rim = ellipse(side * eye_x, eye_y + 0.02, 0.21, 0.15, count=40)
            scene = _paint(scene, canvas.area(ribbon(rim, 0.03), 0.65) * 0.9, linear((30, 26, 26)))
        bridge = ribbon(np.array([(-0.1, eye_y - 0.01), (0.1, eye_y - 0.01)]), 0.03)
        scene = _paint(scene, canvas.area(bridge, 0.7), linear((30, 26, 26)))
    half = rng.uniform(0.36, 0.47)
    cols = slice(int(size * (0.5 - half * 0.86)), int(size * (0.5 + half * 0.86)))
    rows = slice(int(size * max(0, 0.47 - half)), int(size * min(1, 0.47 + half)))
    cut = np.ascontiguousarray(scene[rows, cols])
    height_px = long_side
    width_px = 4 * round(long_side * cut.shape[1] / cut.shape[0] / 4)
    return develop([cut], shot, width_px, height_px)[0], shot.quality


def _eyes(
    canvas: _Canvas, face: Picture, rng: Rng, tone: np.ndarray, hair: np.ndarray, eye_x: float, eye_y: float, female: bool
) -> Picture:
    iris = linear(((58, 38, 26), (84, 58, 36), (96, 118, 84), (88, 118, 146))[int(rng.integers(2 if tone[0] < 0.4 else 4))])
    open_, long = rng.uniform(0.045, 0.075), rng.uniform(0.13, 0.165)
    look, tilt = rng.normal(0, 0.015), rng.normal(0, 0.012)
    thick, arch = rng.uniform(0.035, 0.075) * (0.75 if female else 1), rng.uniform(0.03, 0.08)
    for side in (-1, 1):
        cx = side * eye_x
        lid = spline([(cx - long, eye_y + 0.012 - side * tilt), (cx - long * 0.3, eye_y - open_), (cx + long * 0.4, eye_y - open_ * 0.95),
                      (cx + long, eye_y + 0.012 + side * tilt), (cx + long * 0.35, eye_y + open_ * 0.75), (cx - long * 0.4, eye_y + open_ * 0.75)], True)
        face = face * (1 - 0.3 * canvas.bump(cx, eye_y, long * 1.25, 0.1))[..., None]
        white = canvas.area(lid, 0.55)
        face = _paint(face, white, linear((222, 212, 206)) * np.float32(0.8))
        disc = canvas.area(ellipse(cx + look, eye_y - 0.004, 0.062), 0.55) * white
        face = _paint(face, disc, iris)
        face = _paint(face, canvas.area(ellipse(cx + look, eye_y - 0.004, 0.028), 0.55) * white, iris * 0.1)
        face = _paint(face, canvas.area(ellipse(cx + look - 0.02, eye_y - 0.025, 0.012), 0.55, 0.003), linear((250, 250, 250)))
        upper = lid[:25] if len(lid) > 25 else lid
        lash = canvas.area(ribbon(upper, 0.03 if female else 0.02), 0.55)
        face = _paint(face, lash * 0.85, hair * np.float32(0.25))
        crease = canvas.area(ribbon(upper + (0, -0.045), 0.014), 0.55, 0.01)
        face = _paint(face, crease * 0.5, tone * np.float32(0.3))
        brow = spline([(cx - side * long * 1.0, eye_y - 0.16), (cx, eye_y - 0.17 - arch), (cx + side * long * 1.3, eye_y - 0.13 - arch * 0.4)])
        width = thick * np.linspace(1.0, 0.35, len(brow))
        face = _paint(face, canvas.area(ribbon(brow, width), 0.55, 0.012) * 0.8, hair * np.float32(0.6))
    return np.asarray(face, np.float32)


def _hair_on(canvas: _Canvas, scene: Picture, strands: Picture, style: int, wide: float, rng: Rng) -> Picture:
    """Return the picture with the hair in front: 0 bald, 1-4 short, 5-6 long with a fringe or parting."""
    if style == 0:
        return scene
    line_y = rng.uniform(-0.72, -0.55)
    top = -1.08 - 0.12 * rng.random() - (0.12 if style in (3, 4) else 0)
    part = rng.uniform(-0.3, 0.3)
    low = -0.2 if style < 3 else 0.05
    side = wide * 1.06
    inner = [(side * 0.97, low), (side * 0.86, -0.36), (side * 0.6, line_y + 0.04), (part, line_y + rng.uniform(-0.1, 0.05)),
             (-side * 0.6, line_y + 0.04), (-side * 0.86, -0.36), (-side * 0.97, low)]  # fmt: skip
    outer = [(-side * 1.07, -0.25), (-side * 1.02, -0.7), (-side * 0.6, top + 0.06), (0, top), (side * 0.6, top + 0.06),
             (side * 1.02, -0.7), (side * 1.07, -0.25)]  # fmt: skip
    cap = spline([*inner, *outer], True)
    depth = canvas.area(cap, 0.1, 0.02)
    shade = np.clip(0.75 + 0.5 * canvas.bump(-0.25, -0.9, 0.5, 0.25, 0.1), 0, 1.3)[..., None]
    scene = _paint(scene, depth, np.asarray(strands * shade, np.float32))
    if style >= 5:
        for s in (-1, 1):
            lock = spline([(s * side * 0.9, -0.6), (s * side * 1.16, -0.3), (s * side * 1.28, 0.5), (s * side * 1.12, 1.25),
                           (s * side * 0.86, 1.2), (s * side * 0.98, 0.4), (s * side * 0.93, -0.2)], True)
            scene = _paint(scene, canvas.area(lock, 0.05, 0.02), np.asarray(strands * 0.9, np.float32))
    return scene
