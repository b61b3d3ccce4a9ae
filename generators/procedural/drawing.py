"""The vocabulary of drawings: shapes, the hand that varies them, and the register of families."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from .curves import Points, placed

__all__ = [
    "BLANK",
    "DARK",
    "FAMILIES",
    "FAMILY_TAGS",
    "FIRST",
    "OPEN",
    "SECOND",
    "THIRD",
    "Hand",
    "Shape",
    "both",
    "family",
    "line",
    "moved",
    "solid",
]

# What lies inside a shape: nothing (an open line), bare skin, one of three colours, or black.
OPEN, BLANK, FIRST, SECOND, THIRD, DARK = -1, 0, 1, 2, 3, 4

T = TypeVar("T")


@dataclass(frozen=True)
class Shape:
    """One element of a drawing; later shapes cover earlier ones where they are not `OPEN`."""

    rings: tuple[Points, ...]
    fill: int = BLANK
    weight: float = 1.0
    detail: bool = False

    @property
    def closed(self) -> bool:
        """Whether the shape has an inside."""
        return self.fill != OPEN


def solid(points: Points | Sequence[Points], fill: int = BLANK, weight: float = 1.0) -> Shape:
    """Return a closed shape of one ring, or of several under the even-odd rule."""
    rings = (points,) if isinstance(points, np.ndarray) else tuple(points)
    return Shape(rings, fill, weight)


def line(points: Points, weight: float = 1.0, detail: bool = False) -> Shape:
    """Return an open line; a `detail` is left out by styles that simplify."""
    return Shape((points,), OPEN, weight, detail)


def moved(
    shapes: Sequence[Shape],
    x: float = 0.0,
    y: float = 0.0,
    scale: float = 1.0,
    turn: float = 0.0,
    mirror: bool = False,
) -> list[Shape]:
    """Return shapes scaled, mirrored, turned and moved together."""
    return [
        replace(s, rings=tuple(placed(r, x, y, scale, turn, mirror) for r in s.rings))
        for s in shapes
    ]


def both(shapes: Sequence[Shape]) -> list[Shape]:
    """Return shapes and their mirror image."""
    return [*shapes, *moved(shapes, mirror=True)]


@dataclass
class Hand:
    """The hand that draws: what the group fixes, and what this design varies.

    `group` is drawn from the same way for all designs of a group, so a family must never let a
    varied number decide how often it asks.
    """

    group: np.random.Generator
    own: np.random.Generator
    looseness: float = 1.0

    def number(self, low: float, high: float, vary: float = 0.1) -> float:
        """Return the group's number in low..high, varied by `vary` of that range (one SD)."""
        value = self.group.uniform(low, high)
        value += self.own.normal() * vary * self.looseness * (high - low)
        return float(np.clip(value, low, high))

    def count(self, low: int, high: int) -> int:
        """Return the group's whole number in low..high, both included."""
        return int(self.group.integers(low, high + 1))

    def pick(self, options: Sequence[T]) -> T:
        """Return the group's choice."""
        return options[int(self.group.integers(len(options)))]

    def chance(self, probability: float) -> bool:
        """Return the group's yes or no."""
        return bool(self.group.random() < probability)

    def loose(self, spread: float) -> float:
        """Return a number of this design alone, normal with SD `spread`."""
        return float(self.own.normal() * spread * self.looseness)


Family = Callable[[Hand], list[Shape]]
FAMILIES: dict[str, Family] = {}
FAMILY_TAGS: dict[str, tuple[str, ...]] = {}


def family(*tags: str) -> Callable[[Family], Family]:
    """Register a motif family under its function's name, with further motif tags."""

    def register(draw: Family) -> Family:
        FAMILIES[draw.__name__] = draw
        FAMILY_TAGS[draw.__name__] = (draw.__name__, *tags)
        return draw

    return register
