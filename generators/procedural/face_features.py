"""The parts of a drawn face: relief, skin, eyes, nose, mouth, beard, hair and glasses.

Face units: the head is about -0.7..0.7 wide and -1..1 high, y down.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from .curves import Points, ellipse, ribbon, spline, xy
from .textures import Picture, Plane, blurred, linear, smooth_noise

__all__ = [
    "Canvas",
    "Traits",
    "eyes",
    "glasses",
    "hair_front",
    "mouth",
    "nose",
    "paint",
    "relief",
    "stubble",
    "traits_of",
]

Rng = np.random.Generator
Colour = npt.NDArray[np.float32]
"""Linear light of red, green and blue: float32, shape (3,)."""

_DARK = linear((30, 26, 26))
_IRIS = ((58, 38, 26), (84, 58, 36), (96, 118, 84), (88, 118, 146))
_CENTRE_Y = 0.47


class Canvas:
    """A square picture on which a head is turned by yaw, pitch (face units) and roll (radians)."""

    def __init__(self, size: int, yaw: float, pitch: float, roll: float) -> None:
        self.size, self.yaw, self.pitch, self.roll = size, yaw, pitch, roll
        self.scale = size / 3.4
        gy, gx = np.mgrid[0:size, 0:size].astype(np.float32)
        x = (gx + 0.5 - size / 2) / self.scale
        y = (gy + 0.5 - size * _CENTRE_Y) / self.scale
        c, s = np.float32(np.cos(roll)), np.float32(np.sin(roll))
        self.x, self.y = c * x + s * y, -s * x + c * y

    def at(self, points: Points, depth: float) -> Points:
        """Return features moved with the turn of the head, the more the nearer to the camera."""
        squeeze = np.array((1 - 0.25 * abs(self.yaw), 1.0))
        return np.asarray(points * squeeze + np.array((self.yaw, self.pitch)) * depth)

    def area(self, points: Points, depth: float = 0.55, soft: float = 0.006) -> Plane:
        """Return the soft-edged area of a closed curve, float32 (size, size) in 0..1."""
        c, s = np.cos(self.roll), np.sin(self.roll)
        turned = self.at(points, depth) @ np.array([[c, s], [-s, c]])
        pixels = turned * self.scale + xy((self.size / 2, self.size * _CENTRE_Y))
        plane = np.zeros((self.size, self.size), np.uint8)
        corners = np.round((pixels - 0.5) * 16).astype(np.int32)
        cv2.fillPoly(plane, [corners], 255, cv2.LINE_AA, 4)
        return blurred(np.asarray(plane, np.float32) / np.float32(255), soft * self.scale)

    def bump(self, x: float, y: float, rx: float, ry: float, depth: float = 0.55) -> Plane:
        """Return a Gaussian hill of height 1 round (x, y)."""
        cx, cy = self.at(xy((x, y)), depth)[0]
        hill = np.exp(-(((self.x - cx) / rx) ** 2) - ((self.y - cy) / ry) ** 2)
        return np.asarray(hill, np.float32)


@dataclass(frozen=True)
class Traits:
    """What tells one face from another; lengths in face units, colours in linear light."""

    tone: Colour
    hair: Colour
    iris: Colour
    lip: Colour
    female: bool
    hair_style: int
    beard: float
    wide: float
    jaw: float
    chin: float
    nose_wide: float
    nose_long: float
    eye_x: float
    eye_y: float
    eye_open: float
    eye_long: float
    look: float
    brow: float
    arch: float
    mouth_y: float
    mouth_wide: float
    lips: float
    smile: float


_HAIR = ((22, 18, 17), (38, 27, 21), (70, 46, 30), (110, 74, 44), (168, 128, 78), (120, 52, 28),
         (128, 126, 124), (205, 202, 198))  # fmt: skip


def traits_of(rng: Rng, melanin: float, tone: Colour) -> Traits:
    """Return the traits of a person with that skin."""
    female = bool(rng.random() < 0.5)
    lip = tone * np.array((0.85, 0.6, 0.62), np.float32)
    if melanin < 0.5:
        lip = linear((178, 92, 88))
    if rng.random() < 0.5 and female:
        lip = linear((172, 40, 56)) * np.float32(0.35 + 0.65 * tone[0])
    return Traits(
        tone=tone,
        hair=linear(_HAIR[int(rng.integers(2 if melanin > 0.55 else len(_HAIR)))]),
        iris=linear(_IRIS[int(rng.integers(2 if melanin > 0.45 else len(_IRIS)))]),
        lip=np.asarray(lip, np.float32),
        female=female,
        hair_style=int(rng.integers(3, 7) if female else rng.integers(5)),
        beard=0.0 if female else float((0, 0, 0.25, 0.5, 0.85)[int(rng.integers(5))]),
        wide=float(rng.uniform(0.63, 0.74)),
        jaw=float(rng.uniform(0.45, 0.59) * (0.9 if female else 1)),
        chin=float(rng.uniform(0.96, 1.1)),
        nose_wide=float(rng.uniform(0.1, 0.16) * (1 + 0.25 * melanin)),
        nose_long=float(rng.uniform(0.26, 0.36)),
        eye_x=float(rng.uniform(0.27, 0.33)),
        eye_y=float(-0.1 + rng.normal(0, 0.02)),
        eye_open=float(rng.uniform(0.045, 0.075)),
        eye_long=float(rng.uniform(0.13, 0.165)),
        look=float(rng.normal(0, 0.015)),
        brow=float(rng.uniform(0.035, 0.075) * (0.75 if female else 1)),
        arch=float(rng.uniform(0.03, 0.08)),
        mouth_y=float(rng.uniform(0.52, 0.6)),
        mouth_wide=float(rng.uniform(0.2, 0.28)),
        lips=float(rng.uniform(0.05, 0.1)),
        smile=float(rng.uniform(-0.03, 0.08)),
    )


def paint(scene: Picture, area: npt.NDArray[np.floating], colour: Picture) -> Picture:
    """Return the scene with a colour, or a picture, laid over an area.

    Parameters
    ----------
    scene : ndarray
        float32, shape (height, width, 3), linear light.
    area : ndarray
        Shape (height, width): how much of each pixel is covered, clipped to 0..1.
    colour : ndarray
        float32, shape (3,) or that of the scene.
    """
    a = np.clip(area, 0, 1)[..., None]
    return np.asarray(scene * (1 - a) + a * colour, np.float32)


def relief(canvas: Canvas, t: Traits) -> Plane:
    """Return the height of the face: a dome with brow, sockets, nose, cheeks, lips and chin."""
    bump = canvas.bump
    across, down = canvas.x / (t.wide * 1.06), (canvas.y - 0.02) / 1.12
    height = 0.95 * np.sqrt(np.clip(1.08 - across**2 - down**2, 0.02, 1))
    height += 0.1 * bump(0, t.eye_y - 0.2, 0.5, 0.1)
    height += 0.2 * bump(0, t.eye_y + t.nose_long, 0.085, 0.26)
    height += 0.12 * bump(0, t.eye_y + t.nose_long + 0.1, t.nose_wide, 0.09)
    height += 0.05 * bump(0, t.mouth_y, 0.24, 0.1) + 0.08 * bump(0, 0.86, 0.2, 0.13)
    for side in (-1, 1):
        height -= 0.12 * bump(side * t.eye_x, t.eye_y, 0.17, 0.1)
        height += 0.07 * bump(side * t.eye_x * 1.35, t.eye_y + 0.33, 0.2, 0.17)
    return blurred(np.asarray(height, np.float32), canvas.size * 0.008)


def stubble(canvas: Canvas, face: Picture, t: Traits, rng: Rng) -> Picture:
    """Return the face with its beard, if there is one."""
    if not t.beard:
        return face
    bump = canvas.bump
    chin = np.clip(bump(0, 0.8, 0.55, 0.34) * 1.5, 0, 1)
    chin = chin * (1 - np.clip(1.5 * bump(0, t.mouth_y, 0.2, 0.07), 0, 1))
    moustache = 0.9 * np.clip(1.4 * bump(0, t.mouth_y - 0.14, 0.24, 0.06), 0, 1)
    size = canvas.size
    grain = np.clip(0.85 + 0.2 * smooth_noise(rng, size, size, size / 1.6), 0, 1.2)
    area = np.clip(np.maximum(chin, moustache) * t.beard * grain, 0, 0.95)
    return paint(face, area, t.hair)


def mouth(canvas: Canvas, face: Picture, t: Traits) -> Picture:
    """Return the face with lips and the line between them."""
    y, w, corner, middle = t.mouth_y, t.mouth_wide, t.mouth_y - t.smile, t.mouth_y + t.smile * 0.3
    bow = [(-0.07, y - t.lips), (0, y - t.lips * 0.75), (0.07, y - t.lips)]
    upper = spline([(-w, corner), *bow, (w, corner), (0, middle + 0.01)], True)
    low = y + t.lips * 1.2
    lower = spline([(-w, corner), (0, middle), (w, corner), (0.1, low), (-0.1, low)], True)
    face = paint(face, canvas.area(upper, 0.6) * 0.75, t.lip * np.float32(0.8))
    face = paint(face, canvas.area(lower, 0.6) * 0.75, t.lip)
    seam = spline([(-w, corner), (-0.08, middle), (0.08, middle), (w, corner)])
    return paint(face, canvas.area(ribbon(seam, 0.022), 0.6) * 0.85, t.tone * np.float32(0.12))


def nose(canvas: Canvas, face: Picture, t: Traits) -> Picture:
    """Return the face with nostrils, wings of the nose and the folds beside it."""
    tip = t.eye_y + t.nose_long
    for side in (-1, 1):
        hole = ellipse(side * t.nose_wide * 0.55, tip + 0.14, 0.042, 0.022)
        face = paint(face, canvas.area(hole, 0.7, 0.008) * 0.8, t.tone * np.float32(0.15))
        wing = canvas.bump(side * t.nose_wide * 1.1, tip + 0.1, 0.03, 0.06, 0.65)
        start, end = (side * t.nose_wide * 1.4, tip + 0.06), (side * 0.3, t.mouth_y + 0.04)
        fold = ribbon(spline([start, (side * 0.26, t.mouth_y - 0.08), end]), 0.03)
        dark = (1 - 0.3 * wing) * (1 - 0.22 * canvas.area(fold, 0.55, 0.02))
        face = np.asarray(face * dark[..., None], np.float32)
    return face


def eyes(canvas: Canvas, face: Picture, t: Traits) -> Picture:
    """Return the face with eyes, lashes and brows."""
    y, long, high = t.eye_y, t.eye_long, t.eye_open
    white_tone = linear((222, 212, 206)) * np.float32(0.3 + 0.5 * t.tone[0])
    for side in (-1, 1):
        x = side * t.eye_x
        upper = [(x - long, y + 0.012), (x - long * 0.3, y - high), (x + long * 0.4, y - high)]
        lower = [(x + long, y + 0.012), (x + long * 0.35, y + high * 0.75)]
        lid = spline([*upper, *lower, (x - long * 0.4, y + high * 0.75)], True)
        socket = 1 - 0.3 * canvas.bump(x, y, long * 1.25, 0.1)
        face = np.asarray(face * socket[..., None], np.float32)
        white = canvas.area(lid)
        face = paint(face, white, white_tone)
        centre = x + t.look
        face = paint(face, canvas.area(ellipse(centre, y - 0.004, 0.062)) * white, t.iris)
        pupil = canvas.area(ellipse(centre, y - 0.004, 0.028)) * white
        face = paint(face, pupil, t.iris * np.float32(0.1))
        spark = canvas.area(ellipse(centre - 0.02, y - 0.025, 0.01), 0.55, 0.003)
        face = paint(face, spark * 0.7, linear((240, 240, 240)))
        rim = lid[:25]
        lash = canvas.area(ribbon(rim, 0.03 if t.female else 0.02))
        face = paint(face, lash * 0.85, t.hair * np.float32(0.25))
        crease = canvas.area(ribbon(rim + xy((0, -0.045)), 0.014), 0.55, 0.01)
        face = paint(face, crease * 0.5, t.tone * np.float32(0.3))
        inner, outer = (x - side * long, y - 0.16), (x + side * long * 1.3, y - 0.13 - t.arch * 0.4)
        brow = spline([inner, (x, y - 0.17 - t.arch), outer])
        band = ribbon(brow, t.brow * np.linspace(1.0, 0.35, len(brow)))
        face = paint(face, canvas.area(band, 0.55, 0.012) * 0.8, t.hair * np.float32(0.6))
    return face


def hair_front(canvas: Canvas, scene: Picture, strands: Picture, t: Traits, rng: Rng) -> Picture:
    """Return the scene with the hair in front: style 0 is bald, 1-4 short, 5-6 long."""
    if t.hair_style == 0:
        return scene
    line_y, part = rng.uniform(-0.72, -0.55), rng.uniform(-0.3, 0.3)
    peak = line_y + rng.uniform(-0.1, 0.05)
    top = -1.08 - 0.12 * rng.random() - (0.12 if t.hair_style in (3, 4) else 0)
    low, w = -0.2 if t.hair_style < 3 else 0.05, t.wide * 1.06
    edge = [(w * 0.97, low), (w * 0.86, -0.36), (w * 0.6, line_y + 0.04)]
    crown = [(w * 0.6, top + 0.06), (w * 1.02, -0.7), (w * 1.07, -0.25)]
    left_edge, left_crown = ([(-x, y) for x, y in half[::-1]] for half in (edge, crown))
    cap = spline([*edge, (part, peak), *left_edge, *left_crown, (0, top), *crown], True)
    gleam = np.clip(0.75 + 0.5 * canvas.bump(-0.25, -0.9, 0.5, 0.25, 0.1), 0, 1.3)[..., None]
    scene = paint(scene, canvas.area(cap, 0.1, 0.02), np.asarray(strands * gleam, np.float32))
    if t.hair_style < 5:
        return scene
    for side in (-1, 1):
        lock = [(0.9, -0.6), (1.16, -0.3), (1.28, 0.5), (1.12, 1.25), (0.86, 1.2), (0.98, 0.4)]
        curve = spline([(side * w * x, y) for x, y in (*lock, (0.93, -0.2))], True)
        scene = paint(scene, canvas.area(curve, 0.05, 0.02), strands * np.float32(0.9))
    return scene


def glasses(canvas: Canvas, scene: Picture, t: Traits) -> Picture:
    """Return the scene with round glasses on the nose."""
    for side in (-1, 1):
        rim = ellipse(side * t.eye_x, t.eye_y + 0.02, 0.21, 0.15, count=40)
        scene = paint(scene, canvas.area(ribbon(rim, 0.03), 0.65) * 0.9, _DARK)
    bridge = ribbon(xy((-0.1, t.eye_y - 0.01), (0.1, t.eye_y - 0.01)), 0.03)
    return paint(scene, canvas.area(bridge, 0.7), _DARK)
