"""Tattoo designs as vector drawings, in groups of variations on one motif.

A *family* is a way to draw a motif (rose, anchor, ...). A *group* is a family with its parameters
fixed by the group's random stream. A *design* of the group varies them a little with its own
stream and may add companions (a banner, leaves, dots), as two artists would who redraw one idea.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from harness.synthesis.streams import stream

# Importing a motif module registers its families.
from . import (  # noqa: F401
    motifs_emblems,
    motifs_fauna,
    motifs_flora,
    motifs_lettering,
    motifs_objects,
    motifs_ornament,
)
from .companions import accompanied
from .curves import Points
from .drawing import FAMILIES, FAMILY_TAGS, Hand, Shape, moved

__all__ = ["Design", "design_of"]


@dataclass(frozen=True, eq=False)
class Design:
    """A drawing that fits -1..1 in both directions, and what is on it."""

    family: str
    shapes: tuple[Shape, ...]
    tags: tuple[str, ...]
    half_width: float
    half_height: float


def _fitted(shapes: Sequence[Shape]) -> tuple[tuple[Shape, ...], float, float]:
    every = np.vstack([ring for shape in shapes for ring in shape.rings])
    low, high = every.min(axis=0), every.max(axis=0)
    middle, half = (low + high) / 2, (high - low) / 2
    scale = 1.0 / float(half.max())
    fitted = moved(shapes, -middle[0] * scale, -middle[1] * scale, scale)
    return tuple(fitted), float(half[0]) * scale, float(half[1]) * scale


def _redrawn(hand: Hand, shapes: Sequence[Shape]) -> list[Shape]:
    """Return a drawing as another hand copies it: proportions, lean and curves a little off."""
    wide, tall, lean = np.exp(hand.loose(0.06)), np.exp(hand.loose(0.06)), hand.loose(0.05)
    bend, phase = hand.loose(0.035), hand.own.uniform(0, 2 * np.pi, 2)

    def copied(ring: Points) -> Points:
        x, y = ring[:, 0] * wide + lean * ring[:, 1], ring[:, 1] * tall
        dx, dy = bend * np.sin(2.2 * y + phase[0]), bend * np.sin(2.2 * x + phase[1])
        return np.column_stack([x + dx, y + dy])

    return [replace(shape, rings=tuple(copied(r) for r in shape.rings)) for shape in shapes]


@lru_cache(maxsize=8)
def design_of(
    seed: int, group: str, variation: str, *, family_name: str | None = None, looseness: float = 1.0
) -> Design:
    """Draw one design of a group.

    Parameters
    ----------
    seed : int
        Seed of the world.
    group, variation : str
        Names of the group and of the design in it.
    family_name : str, optional
        The family; the group's own choice among all families when left out.
    looseness : float
        How far designs of a group differ; 0 makes them the same drawing.

    Returns
    -------
    Design
        The drawing, centred and scaled to fit -1..1.
    """
    names = sorted(FAMILIES)
    choice = stream(seed, "family", group)
    name = family_name or names[int(choice.integers(len(names)))]
    hand = Hand(
        stream(seed, "group", group, name), stream(seed, "design", group, variation), looseness
    )
    main, half_width, half_height = _fitted(FAMILIES[name](hand))
    shapes, extra = accompanied(hand, list(main), half_width, half_height, FAMILY_TAGS[name])
    fitted, half_width, half_height = _fitted(_redrawn(hand, shapes))
    return Design(name, fitted, (*FAMILY_TAGS[name], *extra), half_width, half_height)
