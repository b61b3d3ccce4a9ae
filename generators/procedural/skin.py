"""Subjects and their skin: tone, texture, hair, moles, veins and scars."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
import numpy.typing as npt

from harness.synthesis.streams import stream

from .curves import spline
from .textures import Picture, Plane, blurred, linear, smooth_noise

__all__ = ["SKIN_EXTENT", "Skin", "Subject", "skin_tone", "skinned", "subject_of"]

# Skin planes show -SKIN_EXTENT..SKIN_EXTENT, in radii of the tattoo.
SKIN_EXTENT = 2.4

# sRGB of skin from the least to the most melanin, our own samples over the human range.
_TONES = linear(
    np.array(
        [
            (242, 212, 196),
            (231, 190, 166),
            (214, 168, 138),
            (192, 140, 108),
            (162, 112, 82),
            (122, 82, 60),
            (88, 58, 45),
            (60, 41, 35),
        ],
        np.float32,
    )
)


@dataclass(frozen=True)
class Subject:
    """A person's skin.

    Attributes
    ----------
    name : str
        Key of the subject's random streams.
    melanin : float
        0 (lightest) to 1 (darkest).
    blood : float
        Redness, -1 to 1.
    hairs : float
        Body hair, 0 to 1.
    moles : int
        Moles on the skin shown.
    freckles : float
        0 to 1.
    rough : float
        Strength of the texture, about 1.
    oil : float
        Shine, 0 to 1.
    """

    name: str
    melanin: float
    blood: float
    hairs: float
    moles: int
    freckles: float
    rough: float
    oil: float


@dataclass(frozen=True)
class Skin:
    """Skin planes: linear albedo (n, n, 3), relief and hair (n, n), hair's colour (3,), shine."""

    albedo: Picture
    relief: Plane
    hair: Plane
    hair_colour: npt.NDArray[np.float32]
    oil: float


def subject_of(seed: int, name: str) -> Subject:
    """Return the subject of that name; tones are uniform over the human range."""
    rng = stream(seed, "subject", name)
    melanin = float(rng.random())
    return Subject(
        name=name,
        melanin=melanin,
        blood=float(rng.uniform(-1, 1)),
        hairs=float(rng.random() ** 2 if rng.random() < 0.6 else 0),
        moles=int(rng.poisson(3)),
        freckles=float(max(0, rng.normal(-0.3, 0.5)) * (1 - melanin)),
        rough=float(rng.uniform(0.6, 1.5)),
        oil=float(rng.random() ** 1.5),
    )


def skin_tone(melanin: float, blood: float = 0.0) -> npt.NDArray[np.float32]:
    """Return the albedo of skin of that melanin (0..1) and redness (-1..1): linear, shape (3,)."""
    at = np.linspace(0, 1, len(_TONES))
    tone = np.array([np.interp(melanin, at, _TONES[:, c]) for c in range(3)])
    return np.asarray(tone * np.exp(-blood * np.array((-0.02, 0.1, 0.09))), np.float32)


def _spots(rng: np.random.Generator, size: int, number: int, small: float, large: float) -> Plane:
    plane = np.zeros((size, size), np.uint8)
    for _ in range(number):
        at = tuple(int(16 * size * v) for v in rng.uniform(0.05, 0.95, 2))
        r = size * rng.uniform(small, large)
        axes = (max(8, int(16 * r)), max(8, int(16 * r * rng.uniform(0.7, 1))))
        cv2.ellipse(plane, at, axes, float(rng.uniform(0, 180)), 0, 360, 255, -1, cv2.LINE_AA, 4)
    return blurred(np.asarray(plane, np.float32) / np.float32(255), size * 0.0018)


def _hair(rng: np.random.Generator, size: int, amount: float) -> Plane:
    plane = np.zeros((size, size), np.uint8)
    lie = rng.uniform(-0.6, 0.6) + np.pi / 2
    number = int(300 * amount)
    at = rng.uniform(0, size, (number, 2))
    turn = lie + rng.normal(0, 0.35, number)
    bend = rng.normal(0, 0.35, number)
    long = size * rng.uniform(0.015, 0.045, number)
    for k in range(number):
        mid = at[k] + long[k] * np.array((np.cos(turn[k]), np.sin(turn[k])))
        end = mid + long[k] * np.array((np.cos(turn[k] + bend[k]), np.sin(turn[k] + bend[k])))
        path = np.round(np.array([at[k], mid, end]) * 16).astype(np.int32)
        cv2.polylines(plane, [path], False, int(70 + 100 * (k % 7) / 7), 1, cv2.LINE_AA, 4)
    return np.asarray(plane, np.float32) / np.float32(255)


def _veins(rng: np.random.Generator, size: int, number: int) -> Plane:
    plane = np.zeros((size, size), np.uint8)
    for _ in range(number):
        x = rng.uniform(0.2, 0.8) * size
        knots = [(x + rng.normal(0, size * 0.05) * k, size * k / 5) for k in range(6)]
        path = np.round(spline(knots) * 16).astype(np.int32)
        wide = max(1, int(size * rng.uniform(0.008, 0.02)))
        cv2.polylines(plane, [path], False, 255, wide, cv2.LINE_AA, 4)
        if rng.random() < 0.7:
            fork = knots[2:4]
            side = [*fork, (fork[-1][0] + size * rng.uniform(-0.25, 0.25), size * 0.95)]
            path = np.round(spline(side) * 16).astype(np.int32)
            cv2.polylines(plane, [path], False, 255, max(1, wide * 2 // 3), cv2.LINE_AA, 4)
    return blurred(np.asarray(plane, np.float32) / np.float32(255), size * 0.008)


def _scars(rng: np.random.Generator, size: int, number: int) -> Plane:
    plane = np.zeros((size, size), np.uint8)
    for _ in range(number):
        x, y = rng.uniform(0.3, 0.7, 2) * size
        a, long = rng.uniform(0, np.pi), size * rng.uniform(0.06, 0.2)
        way = np.array((np.cos(a), np.sin(a)))
        knots = np.array(
            [(x, y) + way * long * k + rng.normal(0, size * 0.006, 2) for k in (-1, 0, 1)]
        )
        path = np.round(spline(knots) * 16).astype(np.int32)
        cv2.polylines(plane, [path], False, 255, max(1, int(size * 0.01)), cv2.LINE_AA, 4)
        if rng.random() < 0.5:
            for k in np.linspace(-0.9, 0.9, 7):
                c = np.array((x, y)) + way * long * k
                across = np.array((-way[1], way[0])) * size * 0.018
                stitch = np.round(np.array([c - across, c + across]) * 16).astype(np.int32)
                cv2.polylines(plane, [stitch], False, 200, 1, cv2.LINE_AA, 4)
    return blurred(np.asarray(plane, np.float32) / np.float32(255), size * 0.003)


@lru_cache(maxsize=4)
def skinned(
    seed: int, subject: Subject, place: str, size: int, *, veins: int = 0, scars: int = 0
) -> Skin:
    """Draw the skin of a subject at a place of the body; the same on every call, to be only read.

    The last few are kept: captures of one tattoo follow each other, and share it.

    Parameters
    ----------
    seed : int
        Seed of the world.
    subject : Subject
        Whose skin.
    place : str
        Name of the place, for example ``forearm/left``; moles and hair belong to it.
    size : int
        Side of the planes in pixels.
    veins, scars : int
        How many of each to draw.
    """
    # Each kind of mark has a stream of its own, so that one does not move another.
    key = (seed, "skin", subject.name, place)
    rng = stream(*key, "tone")
    tone = skin_tone(subject.melanin, subject.blood)
    blotch = smooth_noise(rng, size, size, 4, 3)
    red = smooth_noise(rng, size, size, 6, 3)
    mottle = smooth_noise(rng, size, size, 40, 3)
    pores = smooth_noise(stream(*key, "pores"), size, size, size / 2.2)
    log = 0.07 * blotch + subject.rough * (0.025 * mottle + 0.03 * pores)
    albedo = tone * np.exp(log)[..., None]
    albedo *= np.exp(red[..., None] * np.array((0.0, -0.05, -0.045), np.float32))
    marks = _spots(stream(*key, "moles"), size, subject.moles, 0.003, 0.011)
    specks = _spots(stream(*key, "freckles"), size, int(subject.freckles * 240), 0.0015, 0.006)
    dark = np.array((1.1, 1.5, 1.7), np.float32) * (1 - 0.45 * subject.melanin)
    albedo *= np.exp(-(0.95 * marks + 0.3 * specks)[..., None] * dark)
    relief = 0.6 * mottle + 0.4 * pores
    if veins:
        vessel = _veins(stream(*key, "veins"), size, veins)
        albedo *= np.exp(-vessel[..., None] * np.array((0.28, 0.12, 0.04), np.float32))
        relief = relief + 2.2 * vessel
    if scars:
        seam = _scars(stream(*key, "scars"), size, scars)
        pale = (
            np.array((1.15, 0.98, 1.0), np.float32)
            if subject.melanin > 0.3
            else np.array((1.0, 0.72, 0.72), np.float32)
        )
        albedo = albedo * (1 - seam[..., None]) + seam[..., None] * tone * pale
        relief = relief + 3.0 * seam
    lean = stream(*key, "hair colour").random()
    colour = linear((36, 28, 24)) * np.float32(1 - subject.melanin * 0.6)
    if subject.melanin < 0.35 and lean < 0.4:
        colour = linear((150, 108, 66))
    hair = _hair(stream(*key, "hair"), size, subject.hairs)
    return Skin(
        np.asarray(albedo, np.float32),
        np.asarray(relief, np.float32),
        hair,
        np.asarray(colour, np.float32),
        subject.oil,
    )
