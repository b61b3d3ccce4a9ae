"""A body before the camera: pose, perspective, light, clothes, with and without its ink."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from harness.synthesis.streams import stream

from .body import Body, Form, form_of
from .camera import Shot, develop
from .ink import EXTENT, Ink
from .skin import SKIN_EXTENT, Skin
from .surroundings import backdrop
from .textures import Picture, Plane, blurred, dye, fabric, smooth_noise

__all__ = ["INK", "Exposure", "expose"]

INK = 0.14
"""Cover from which a pixel shows ink."""


@dataclass(frozen=True)
class Exposure:
    """A developed pair, float32 (h, w, 3), with and without ink; the ink's cover (h, w) in 0..1."""

    image: Picture
    clean: Picture
    cover: Plane


def _sampled(
    plane: npt.NDArray[np.float32], s: Plane, t: Plane, extent: float, border: int
) -> npt.NDArray[np.float32]:
    size = plane.shape[0]
    scale = np.float32(size / (2 * extent))
    u, v = (s + extent) * scale - 0.5, (t + extent) * scale - 0.5
    return np.asarray(cv2.remap(plane, u, v, cv2.INTER_LINEAR, borderMode=border), np.float32)


def _camera_rays(
    shot: Shot, width: int, height: int, half_x: float, half_y: float
) -> tuple[Plane, Plane]:
    gy, gx = np.mgrid[0:height, 0:width].astype(np.float32)
    x = ((gx + 0.5) / width * 2 - 1) * np.float32(half_x)
    y = ((gy + 0.5) / height * 2 - 1) * np.float32(half_y)
    deep = 1 + shot.tilt_x * x + shot.tilt_y * y
    x, y = x / deep, y / deep
    c, s = np.float32(np.cos(shot.roll)), np.float32(np.sin(shot.roll))
    return c * x - s * y + np.float32(shot.shift_x), s * x + c * y + np.float32(shot.shift_y)


def expose(
    skin: Skin,
    ink: Ink | None,
    body: Body,
    shot: Shot,
    width: int,
    height: int,
    half_x: float,
    half_y: float,
    super_sampling: float = 2.0,
) -> Exposure:
    """Photograph a part of the body twice: as it is, and as it were without ink.

    Parameters
    ----------
    skin : Skin
        The skin planes.
    ink : Ink or None
        Ink in the skin; None for bare skin.
    body : Body
        Curvature and silhouette.
    shot : Shot
        Camera and light.
    width, height : int
        Picture size in pixels.
    half_x, half_y : float
        Half extents of the view in radii of the tattoo.
    super_sampling : float
        Rendered pixels per picture pixel along each side.

    Returns
    -------
    Exposure
        Both pictures share light and everything else but the ink.
    """
    w, h = round(width * super_sampling), round(height * super_sampling)
    x, y = _camera_rays(shot, w, h, half_x, half_y)
    rng = stream(*shot.key, "scene")
    form = form_of(body, x, y)
    # Turning the limb about its axis slides the skin across it; its muscles stretch it unevenly.
    pull = stream(*shot.key, "stretch")
    across = (
        form.across + np.float32(shot.turn) + smooth_noise(pull, h, w, 2) * np.float32(shot.stretch)
    )
    along = form.along + smooth_noise(pull, h, w, 2) * np.float32(shot.stretch)
    albedo = _sampled(skin.albedo, across, along, SKIN_EXTENT, cv2.BORDER_REFLECT)
    relief = _sampled(skin.relief, across, along, SKIN_EXTENT, cv2.BORDER_REFLECT)
    hair = _sampled(skin.hair, across, along, SKIN_EXTENT, cv2.BORDER_REFLECT)[
        ..., None
    ] * np.float32(0.75)
    cover = np.zeros((h, w), np.float32)
    stained = albedo
    if ink is not None:
        cover = _sampled(ink.cover, across, along, EXTENT, cv2.BORDER_CONSTANT)
        pigment = _sampled(ink.pigment, across, along, EXTENT, cv2.BORDER_CONSTANT)
        through = 1 - cover[..., None] + pigment
        # Most light crosses skin and pigment; a little is scattered back by the pigment itself.
        stained = albedo * through * np.float32(0.95) + albedo * np.float32(0.05)
        stained = stained + pigment * np.float32(0.11)
    lit, shine = _light(form, relief, skin.oil, shot, rng, x, y)
    scene = backdrop(rng, shot.backdrop, h, w, albedo.mean(axis=(0, 1)))
    inside = blurred(form.inside, 0.7)
    shadow = 1 - 0.55 * blurred(inside, w * 0.05)
    scene = scene * shadow[..., None]
    cloth, dressed = _clothes(rng, shot, x, y, h, w, half_x, half_y)
    if dressed is not None:
        edge = blurred(dressed, w * 0.02)
        lit = lit * (1 - 0.4 * edge)[..., None]
    pictures = []
    for surface in (stained, albedo):
        colour = surface * (1 - hair) + hair * skin.hair_colour
        colour = colour * lit + shine[..., None]
        colour = scene * (1 - inside[..., None]) + colour * inside[..., None]
        if dressed is not None and cloth is not None:
            colour = colour * (1 - dressed[..., None]) + cloth * dressed[..., None]
        pictures.append(np.asarray(colour, np.float32))
    seen = cover * inside
    if dressed is not None:
        seen = seen * (1 - dressed)
    image, clean = develop(pictures, shot, width, height)
    sharp = blurred(np.asarray(seen, np.float32), shot.blur * w)
    small = cv2.resize(sharp, (width, height), interpolation=cv2.INTER_AREA)
    return Exposure(image, clean, np.asarray(small, np.float32))


def _light(
    form: Form, relief: Plane, oil: float, shot: Shot, rng: np.random.Generator, x: Plane, y: Plane
) -> tuple[Picture, Plane]:
    h, w = relief.shape
    # Relief and broad muscles tilt the normal.
    muscle = smooth_noise(rng, h, w, 2.5) * np.float32(w * 0.035)
    bump = blurred(relief, 0.8) * np.float32(0.2) + muscle
    nx = form.normal_x - cv2.Sobel(bump, cv2.CV_32F, 1, 0, ksize=3) / 8
    ny = form.normal_y - cv2.Sobel(bump, cv2.CV_32F, 0, 1, ksize=3) / 8
    nz = np.maximum(form.normal_z, 0.04)
    norm = np.sqrt(nx * nx + ny * ny + nz * nz)
    nx, ny, nz = nx / norm, ny / norm, nz / norm
    lx, ly, lz = shot.light
    lambert = nx * lx + ny * ly + nz * lz
    wrapped = np.clip((lambert + 0.35) / 1.35, 0, 1)
    frontal = np.clip(nz, 0, 1)
    shade = shot.ambient * (0.45 + 0.55 * frontal) + (1 - shot.ambient) * wrapped
    shade = shade * (1 - 0.35 * shot.flash) + 0.35 * shot.flash * frontal
    # Light that travels through skin reddens the border of the shadow.
    power = np.array((0.92, 1.04, 1.1), np.float32)
    lit = np.maximum(shade, 0.01)[..., None] ** power
    fall = 1 + 0.22 * (lx * x + ly * y) / 1.5
    lit = lit * np.clip(fall, 0.4, 1.6)[..., None]
    hx, hy, hz = lx, ly, lz + 1
    long = float(np.sqrt(hx * hx + hy * hy + hz * hz))
    gloss = np.clip((nx * hx + ny * hy + nz * hz) / long, 0, 1)
    glare = (0.07 * gloss**22 + shot.flash * 0.09 * frontal**40) * (0.35 + 0.65 * oil)
    shine = glare * (0.7 + 0.12 * relief)
    if shot.wet:
        lit = lit * (1 - 0.2 * shot.wet)
        shine = shine + shot.wet * _water(stream(*shot.key, "water"), (nx, ny, nz), shot, h, w)
    return np.asarray(lit, np.float32), np.asarray(shine, np.float32)


def _water(
    rng: np.random.Generator, normal: tuple[Plane, Plane, Plane], shot: Shot, h: int, w: int
) -> Plane:
    """Return what a film of water, in ripples and drops, reflects of lamp and flash."""
    film = smooth_noise(rng, h, w, 7, 2)
    drops = np.maximum(smooth_noise(rng, h, w, 26) - 0.9, 0)
    level = blurred(np.asarray(film * 0.5 + drops * 1.6, np.float32), 0.7) * np.float32(w * 0.012)
    nx = normal[0] - cv2.Sobel(level, cv2.CV_32F, 1, 0, ksize=3) / 8
    ny = normal[1] - cv2.Sobel(level, cv2.CV_32F, 0, 1, ksize=3) / 8
    nz = normal[2]
    long = np.sqrt(nx * nx + ny * ny + nz * nz)
    lx, ly, lz = shot.light
    half = np.sqrt(lx * lx + ly * ly + (lz + 1) ** 2)
    gloss = np.clip((nx * lx + ny * ly + nz * (lz + 1)) / (long * half), 0, 1)
    frontal = np.clip(nz / long, 0, 1)
    return np.asarray(0.5 * gloss**90 + 0.35 * shot.flash * frontal**160, np.float32)


def _clothes(
    rng: np.random.Generator,
    shot: Shot,
    x: Plane,
    y: Plane,
    h: int,
    w: int,
    half_x: float,
    half_y: float,
) -> tuple[Picture | None, Plane | None]:
    """Return cloth and where it covers the body: a sleeve, a waistband or a strap."""
    if not shot.clothed:
        return None, None
    cloth = fabric(rng, h, w, dye(rng))
    wave = 0.05 * np.sin(2.2 * x + rng.uniform(0, 6)) + 0.02 * np.sin(5 * x + rng.uniform(0, 6))
    side = -1.0 if rng.random() < 0.5 else 1.0
    if shot.clothed == 3:
        across = side * (x + 0.25 * y) - half_x * rng.uniform(0.78, 1.0)
        depth = np.minimum(across + wave, 0.3 - across)
    else:
        depth = side * y - half_y * rng.uniform(0.78, 0.98) + wave
    dressed = np.clip(depth * 40 + 0.5, 0, 1)
    hem = 1 - 0.35 * np.exp(-np.maximum(depth, 0) * 30)
    lit = np.float32(0.75) * hem[..., None] * cloth
    return np.asarray(lit, np.float32), np.asarray(dressed, np.float32)
