"""The camera: pose, perspective, light, lens, sensor and the picture file."""

from __future__ import annotations

import io
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from harness.synthesis.body import Body, form_of
from harness.synthesis.skin import SKIN_EXTENT, Skin
from harness.synthesis.streams import stream
from harness.synthesis.styles import EXTENT, Ink
from harness.synthesis.surroundings import BACKDROPS, backdrop
from harness.synthesis.textures import Picture, Plane, blurred, fabric, linear, smooth_noise, srgb

__all__ = ["Exposure", "Pixels", "Shot", "develop", "expose", "jpeg", "shot_of"]

Pixels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class Shot:
    """One press of the shutter; angles in radians, lengths in radii of the tattoo."""

    key: tuple[str | int, ...]
    roll: float
    tilt_x: float
    tilt_y: float
    turn: float
    shift_x: float
    shift_y: float
    margin: float
    light: tuple[float, float, float]
    ambient: float
    flash: float
    warmth: float
    tint: float
    exposure: float
    contrast: float
    saturation: float
    blur: float
    motion: float
    noise: float
    vignette: float
    backdrop: str
    clothed: int
    quality: int


def shot_of(*key: str | int, calm: float = 1.0) -> Shot:
    """Return the shot of that name.

    Parameters
    ----------
    *key : str or int
        Key of its random stream.
    calm : float
        How far pose and framing vary; 1 is usual, 0 frontal.
    """
    rng = stream(*key, "shot")
    azimuth, height = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.95)
    side = np.sqrt(1 - height**2)
    grey = rng.random() < 0.04
    return Shot(
        key=key,
        roll=float(rng.normal(0, 0.13) * calm),
        tilt_x=float(rng.normal(0, 0.05) * calm),
        tilt_y=float(rng.normal(0, 0.05) * calm),
        turn=float(rng.normal(0, 0.16) * calm),
        shift_x=float(rng.normal(0, 0.07) * calm),
        shift_y=float(rng.normal(0, 0.07) * calm),
        margin=float(1 + rng.gamma(2.0, 0.08) * (0.5 + 0.5 * calm)),
        light=(float(side * np.cos(azimuth)), float(side * np.sin(azimuth)), float(height)),
        ambient=float(rng.uniform(0.18, 0.5)),
        flash=float(rng.uniform(0.2, 1) if rng.random() < 0.35 else 0),
        warmth=float(rng.normal(0.05, 0.16)),
        tint=float(rng.normal(0, 0.04)),
        exposure=float(rng.normal(0, 0.22)),
        contrast=float(rng.uniform(0.85, 1.25)),
        saturation=0.0 if grey else float(rng.uniform(0.7, 1.2)),
        blur=float(rng.gamma(1.6, 0.0022)),
        motion=float(rng.uniform(0, 0.012) if rng.random() < 0.15 else 0),
        noise=float(rng.gamma(2, 0.006)),
        vignette=float(rng.uniform(0, 0.35)),
        backdrop=BACKDROPS[int(rng.integers(len(BACKDROPS)))],
        clothed=int(rng.integers(1, 4)) if rng.random() < 0.25 else 0,
        quality=int(rng.integers(75, 83)),
    )


@dataclass(frozen=True)
class Exposure:
    """A developed pair: uint8 (h, w, 3) with and without ink, and the ink's cover (h, w) in 0..1."""

    image: Pixels
    clean: Pixels
    cover: Plane


def _sampled(plane: npt.NDArray[np.float32], s: Plane, t: Plane, extent: float, border: int) -> npt.NDArray[np.float32]:
    size = plane.shape[0]
    scale = np.float32(size / (2 * extent))
    u, v = (s + extent) * scale - 0.5, (t + extent) * scale - 0.5
    return np.asarray(cv2.remap(plane, u, v, cv2.INTER_LINEAR, borderMode=border), np.float32)


def _camera_rays(shot: Shot, width: int, height: int, half_x: float, half_y: float) -> tuple[Plane, Plane]:
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
        Both pictures share light, noise and everything else but the ink.
    """
    w, h = round(width * super_sampling), round(height * super_sampling)
    x, y = _camera_rays(shot, w, h, half_x, half_y)
    rng = stream(*shot.key, "scene")
    form = form_of(body, x, y)
    # Turning the limb about its axis slides the skin across it.
    across, along = form.across + np.float32(shot.turn), form.along
    albedo = _sampled(skin.albedo, across, along, SKIN_EXTENT, cv2.BORDER_REFLECT)
    relief = _sampled(skin.relief, across, along, SKIN_EXTENT, cv2.BORDER_REFLECT)
    hair = _sampled(skin.hair, across, along, SKIN_EXTENT, cv2.BORDER_REFLECT)[..., None] * np.float32(0.75)
    cover = np.zeros((h, w), np.float32)
    stained = albedo
    if ink is not None:
        cover = _sampled(ink.cover, across, along, EXTENT, cv2.BORDER_CONSTANT)
        pigment = _sampled(ink.pigment, across, along, EXTENT, cv2.BORDER_CONSTANT)
        through = 1 - cover[..., None] + pigment
        # Most light crosses skin and pigment; a little is scattered back by the pigment itself.
        stained = albedo * through * np.float32(0.94) + albedo * np.float32(0.06) + pigment * np.float32(0.05)
    lit, shine = _light(form, relief, shot, rng, x, y)
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
    form: object, relief: Plane, shot: Shot, rng: np.random.Generator, x: Plane, y: Plane
) -> tuple[Picture, Plane]:
    from harness.synthesis.body import Form

    if not isinstance(form, Form):
        raise TypeError("form must be a Form")
    h, w = relief.shape
    # Relief and broad muscles tilt the normal.
    muscle = smooth_noise(rng, h, w, 2.5) * np.float32(w * 0.035)
    bump = blurred(relief, 0.6) * np.float32(0.35) + muscle
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
    glare = 0.12 * gloss**28 + shot.flash * 0.16 * frontal**40
    return np.asarray(lit, np.float32), np.asarray(glare * (0.4 + 0.3 * (1 + relief * 0.5)), np.float32)


def _clothes(
    rng: np.random.Generator, shot: Shot, x: Plane, y: Plane, h: int, w: int, half_x: float, half_y: float
) -> tuple[Picture | None, Plane | None]:
    """Return cloth and where it covers the body: a sleeve, a waistband or a strap."""
    if not shot.clothed:
        return None, None
    cloth = fabric(rng, h, w, linear(rng.uniform(15, 230, 3)))
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


def develop(
    pictures: list[Picture], shot: Shot, width: int, height: int, reference: int = -1
) -> list[Pixels]:
    """Turn linear scenes into pictures with one and the same lens, sensor and processing.

    Parameters
    ----------
    pictures : list of ndarray
        Linear light, float32 (h, w, 3).
    shot : Shot
        Camera settings; its key seeds the noise.
    width, height : int
        Picture size.
    reference : int
        Index of the picture that sets exposure and noise level for all.

    Returns
    -------
    list of ndarray
        uint8 (height, width, 3).
    """
    rng = stream(*shot.key, "sensor")
    small = []
    for picture in pictures:
        lens = blurred(picture, shot.blur * picture.shape[1])
        if shot.motion:
            n = max(1, round(shot.motion * picture.shape[1]))
            lens = cv2.blur(lens, (n, 1) if rng.random() < 0 else (n, max(1, n // 3)))
        small.append(np.asarray(cv2.resize(lens, (width, height), interpolation=cv2.INTER_AREA), np.float32))
    mean = float(small[reference].mean()) + 1e-4
    # Automatic exposure compensates most of the scene's darkness, not all.
    gain = (0.27 / mean) ** 0.62 * np.exp(shot.exposure)
    balance = np.exp(np.array((shot.warmth * 0.6, shot.tint, -shot.warmth)) * 0.8)
    yy, xx = np.mgrid[0:height, 0:width].astype(np.float32)
    r2 = ((xx + 0.5) / width * 2 - 1) ** 2 + ((yy + 0.5) / height * 2 - 1) ** 2
    scale = (1 - shot.vignette * r2 / 2)[..., None] * (gain * balance).astype(np.float32)
    level = np.sqrt(np.clip(small[reference] * scale, 0.004, 1))
    grain = rng.standard_normal((height, width, 3), dtype=np.float32) * np.float32(0.6)
    grain += rng.standard_normal((height, width, 1), dtype=np.float32) * np.float32(0.8)
    grain = blurred(grain, 0.45 + max(height, width) / 900) * np.float32(shot.noise * 1.6)
    out = []
    for picture in small:
        tone = srgb(np.asarray(picture * scale + grain * level * 0.5, np.float32))
        grey = tone @ np.array((0.299, 0.587, 0.114), np.float32)
        tone = grey[..., None] + (tone - grey[..., None]) * np.float32(shot.saturation)
        curve = 0.5 + (tone - 0.5) * np.float32(shot.contrast)
        out.append(np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8))
    return out


def jpeg(pixels: Pixels, quality: int) -> bytes:
    """Return the picture as a baseline JPEG file, 4:2:0, of that quality."""
    stream_ = io.BytesIO()
    Image.fromarray(pixels).save(stream_, "JPEG", quality=quality, subsampling=2, optimize=True)
    return stream_.getvalue()
