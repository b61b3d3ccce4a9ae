"""Curves that the motifs are drawn with: closed forms, splines and ribbons.

All coordinates are design units: x to the right, y down, a motif within about -1..1.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

__all__ = [
    "Points",
    "box",
    "ellipse",
    "pair",
    "petal",
    "placed",
    "polar",
    "ribbon",
    "spiral",
    "spline",
    "star",
    "xy",
]

Points = npt.NDArray[np.float64]
"""x and y of points in design units: float64, shape (n, 2)."""

TAU = 2 * np.pi


def xy(*pairs: tuple[float, float]) -> Points:
    """Return corner points as an array, float64, shape (n, 2)."""
    return np.asarray(pairs, dtype=np.float64)


def pair(point: Points) -> tuple[float, float]:
    """Return one point, shape (2,), as two numbers."""
    return float(point[0]), float(point[1])


def placed(
    points: Points,
    x: float = 0.0,
    y: float = 0.0,
    scale: float = 1.0,
    turn: float = 0.0,
    mirror: bool = False,
) -> Points:
    """Return points scaled, mirrored left to right, turned clockwise (radians), then moved.

    Examples
    --------
    >>> placed(xy((1, 0)), x=2, turn=np.pi / 2).round(6).tolist()
    [[2.0, 1.0]]
    """
    c, s = np.cos(turn) * scale, np.sin(turn) * scale
    flip = -1.0 if mirror else 1.0
    out = points @ np.array([[c * flip, s * flip], [-s, c]])
    return np.asarray(out + xy((x, y)), dtype=np.float64)


def ellipse(
    x: float,
    y: float,
    rx: float,
    ry: float | None = None,
    start: float = 0.0,
    stop: float = TAU,
    count: int = 36,
) -> Points:
    """Return an ellipse or, with `start` and `stop` (radians, clockwise from +x), an arc of it."""
    t = np.linspace(start, stop, count)
    return np.column_stack([x + rx * np.cos(t), y + (rx if ry is None else ry) * np.sin(t)])


def box(x: float, y: float, half_width: float, half_height: float) -> Points:
    """Return the corners of an upright rectangle round (x, y)."""
    w, h = half_width, half_height
    return xy((x - w, y - h), (x + w, y - h), (x + w, y + h), (x - w, y + h))


def spline(points: Points | Sequence[tuple[float, float]], closed: bool = False) -> Points:
    """Return a Catmull-Rom spline through all points, eight steps per span."""
    p = np.asarray(points, dtype=np.float64)
    q = (
        np.vstack([p[-1:], p, p[:2]])
        if closed
        else np.vstack([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    )
    a, b, c, d = q[:-3, None], q[1:-2, None], q[2:-1, None], q[3:, None]
    t = np.linspace(0, 1, 8, endpoint=False)[None, :, None]
    curve = 0.5 * (
        2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3
    )
    flat = curve.reshape(-1, 2)
    return flat if closed else np.vstack([flat, p[-1:]])


def petal(length: float, width: float, blunt: float = 0.5) -> Points:
    """Return a petal or leaf from (0, 0) up to (0, -length).

    `blunt` in 0..1 moves the widest place from the root to the tip.
    """
    t = np.linspace(0, 1, 15)
    profile = np.sin(np.pi * t ** (0.5 + blunt)) ** (1.1 - 0.5 * blunt)
    right = np.column_stack([width / 2 * profile, -length * t])
    return np.vstack([right, (right * (-1, 1))[::-1]])


def polar(radius: Callable[[Points], Points], count: int = 96, turn: float = 0.0) -> Points:
    """Return the closed curve r(angle), angle in radians from straight up, clockwise.

    `radius` takes and returns float64 of shape (count,).
    """
    t = np.linspace(0, TAU, count, endpoint=False)
    r = radius(t)
    return np.column_stack([r * np.sin(t + turn), -r * np.cos(t + turn)])


def star(tips: int, outer: float, inner: float, turn: float = 0.0) -> Points:
    """Return a star with `tips` points, the first straight up."""
    t = np.arange(2 * tips) * np.pi / tips + turn
    r = np.where(np.arange(2 * tips) % 2 == 0, outer, inner)
    return np.column_stack([r * np.sin(t), -r * np.cos(t)])


def spiral(turns: float, inner: float, outer: float, count: int = 60) -> Points:
    """Return a spiral from radius `inner` to `outer`."""
    t = np.linspace(0, 1, count)
    r = inner + (outer - inner) * t
    return np.column_stack([r * np.cos(TAU * turns * t), r * np.sin(TAU * turns * t)])


def ribbon(path: Points, width: float | Points) -> Points:
    """Return the closed outline of a band along a path; `width` is constant or of shape (n,)."""
    along = np.gradient(path, axis=0)
    along /= np.maximum(np.hypot(along[:, :1], along[:, 1:]), 1e-9)
    normal = np.column_stack([-along[:, 1], along[:, 0]])
    half = np.broadcast_to(np.asarray(width, dtype=np.float64) / 2, (len(path),))[:, None]
    return np.vstack([path + normal * half, (path - normal * half)[::-1]])
