"""Tattoo designs as vector drawings, in groups of variations on one motif.

A *family* is a way to draw a motif (rose, anchor, ...). A *group* is a family with its parameters
fixed by the group's random stream. A *design* of the group varies them a little with its own
stream and may add companions (a banner, leaves, dots), as two artists would who redraw one idea.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

# Importing a motif module registers its families.
from harness.synthesis import (  # noqa: F401
    motifs_fauna,
    motifs_flora,
    motifs_lettering,
    motifs_objects,
    motifs_ornament,
)
from harness.synthesis.companions import accompanied
from harness.synthesis.drawing import FAMILIES, FAMILY_TAGS, Hand, Shape, moved
from harness.synthesis.streams import stream

__all__ = ["Design", "design_of"]


@dataclass(frozen=True)
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
    main = FAMILIES[name](hand)
    main, half_width, half_height = _fitted(main)
    shapes, extra = accompanied(hand, list(main), half_width, half_height)
    fitted, half_width, half_height = _fitted(shapes)
    return Design(name, fitted, (*FAMILY_TAGS[name], *extra), half_width, half_height)
