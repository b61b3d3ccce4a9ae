"""The part of the body that carries the tattoo: its curvature and silhouette."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .textures import Plane

__all__ = ["PLACES", "Body", "Form", "body_at"]

# Half width of the limb in radii of the tattoo, and how it is shaped.
PLACES: dict[str, tuple[float, str]] = {
    "forearm": (1.08, "limb"),
    "upper-arm": (1.25, "limb"),
    "wrist": (0.95, "limb"),
    "calf": (1.2, "limb"),
    "thigh": (1.6, "limb"),
    "ankle": (1.0, "limb"),
    "neck": (1.4, "limb"),
    "shoulder": (1.55, "ball"),
    "belly": (3.0, "ball"),
    "chest": (3.6, "limb"),
    "ribs": (2.6, "limb"),
    "back": (5.0, "limb"),
    "shoulder-blade": (2.4, "ball"),
}


@dataclass(frozen=True)
class Body:
    """Shape of the body round a tattoo, in radii of the tattoo.

    Attributes
    ----------
    place : str
        One of `PLACES`.
    kind : str
        ``limb`` (a tapering cylinder along y) or ``ball``.
    width : float
        Half width at the tattoo.
    taper, bulge, bend : float
        Change of the width along y, muscle, and curvature of the axis.
    off_x, off_y : float
        Where the tattoo sits from the middle.
    """

    place: str
    kind: str
    width: float
    taper: float
    bulge: float
    bend: float
    off_x: float
    off_y: float


@dataclass(frozen=True)
class Form:
    """Per-pixel geometry: float32 (h, w) planes of the surface coordinates and the normal."""

    across: Plane
    along: Plane
    normal_x: Plane
    normal_y: Plane
    normal_z: Plane
    inside: Plane


def body_at(rng: np.random.Generator, place: str) -> Body:
    """Return the body at a place, individual by the stream given."""
    width, kind = PLACES[place]
    return Body(
        place=place,
        kind=kind,
        width=width * float(rng.uniform(0.9, 1.3)),
        taper=float(rng.uniform(-0.14, 0.14)),
        bulge=float(rng.uniform(0, 0.1)),
        bend=float(rng.uniform(-0.08, 0.08)),
        off_x=float(rng.normal(0, 0.12)),
        off_y=float(rng.normal(0, 0.15)),
    )


def form_of(body: Body, x: Plane, y: Plane) -> Form:
    """Return the surface under each picture position (x, y), in radii of the tattoo."""
    if body.kind == "ball":
        rx, ry = x / body.width, (y + body.off_y) / (body.width * 1.25)
        r = np.sqrt(rx * rx + ry * ry)
        inside = r < 1
        clipped = np.minimum(r, 0.999)
        stretch = np.where(r > 1e-4, np.arcsin(clipped) / np.maximum(r, 1e-4), 1.0)
        across, along = x * stretch, y * stretch
        nz = np.sqrt(1 - clipped**2)
        return _form(across, along, rx, ry, nz, inside)
    axis = body.bend * y * y + body.off_x
    half = body.width * (1 + body.taper * y + body.bulge * np.cos(1.6 * y + body.off_y * 4))
    q = (x + axis) / half
    inside = np.abs(q) < 1
    clipped = np.clip(q, -0.999, 0.999)
    across = np.arcsin(clipped) * half - axis
    return _form(across, y, clipped, -body.taper * np.ones_like(q), np.sqrt(1 - clipped**2), inside)


def _form(across: Plane, along: Plane, nx: Plane, ny: Plane, nz: Plane, inside: Plane) -> Form:
    planes = (np.asarray(p, np.float32) for p in (across, along, nx, ny, nz, inside))
    return Form(*planes)
