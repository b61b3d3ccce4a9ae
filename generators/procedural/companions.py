"""What artists add to a motif: banners, leaves, dots, stars and rays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .curves import TAU, ellipse, placed, star, xy
from .drawing import DARK, FIRST, Hand, Shape, line, moved, solid
from .motifs_flora import leaf
from .motifs_lettering import WORDS, banner

__all__ = ["accompanied"]

_KINDS = ("none", "none", "none", "banner", "leaves", "dots", "stars", "rays", "twin")


def accompanied(
    hand: Hand, shapes: Sequence[Shape], half_width: float, half_height: float, tags: Sequence[str]
) -> tuple[list[Shape], tuple[str, ...]]:
    """Return a motif with what its group, or this design alone, adds to it.

    Most companions belong to the group. One design in five, or more where designs are loose,
    brings one of its own, so that designs of a group are not always alike in their surroundings.

    Parameters
    ----------
    hand : Hand
        The drawing hand, after the motif is drawn.
    shapes : sequence of Shape
        The motif, fitted to -1..1.
    half_width, half_height : float
        Its half extents.
    tags : sequence of str
        Its tags; text is neither given more text nor mirrored.

    Returns
    -------
    list of Shape
        The motif with its companions.
    tuple of str
        Tags of the companions.
    """
    kind = hand.pick(_KINDS)
    if hand.own.random() < min(0.2 * hand.looseness, 0.5):
        kind = _KINDS[int(hand.own.integers(len(_KINDS)))]
    if "text" in tags and kind in ("banner", "twin"):
        kind = "none"
    w, h = half_width, half_height
    main = list(shapes)
    if kind == "banner":
        word = WORDS[int(hand.own.integers(len(WORDS)))]
        bow = hand.number(0.05, 0.3)
        ribbon = banner(word, "DejaVuSerif-Bold.ttf", bow, 0.4)
        across = max(w, 0.55) * 1.15
        low = h * (0.5 if h > 0.6 else 1.25)
        return [*main, *moved(ribbon, 0, low, across)], ("banner", "text")
    if kind == "leaves":
        spray: list[Shape] = []
        for side in (-1, 1):
            for k in range(3):
                turn = side * (1.1 + 0.5 * k) + hand.loose(0.08)
                spray += leaf(0.6, 0.26, side * w * 0.45, h * 0.45, turn)
        return [*spray, *main], ("leaves",)
    if kind == "dots":
        dots = []
        for k in range(14):
            a = k * TAU / 14 + hand.loose(0.04)
            at = (1.14 * max(w, 0.4) * np.cos(a), 1.14 * max(h, 0.4) * np.sin(a))
            dots.append(solid(ellipse(*at, 0.025 + 0.015 * (k % 2), count=12), DARK, 0.4))
        return [*main, *dots], ("dots",)
    if kind == "stars":
        extra = []
        for k in range(5):
            a = hand.number(0, TAU, 0.02)
            at = (1.15 * max(w, 0.45) * np.cos(a), 1.15 * max(h, 0.45) * np.sin(a))
            extra.append(solid(placed(star(5, 0.12 - 0.015 * k, 0.05), *at), FIRST))
        return [*extra, *main], ("stars",)
    if kind == "rays":
        rays = []
        for k in range(28):
            a = k * TAU / 28
            way = xy((np.sin(a) * max(w, 0.5), -np.cos(a) * max(h, 0.5)))
            reach = np.array([[1.08], [1.22 if k % 2 else 1.34]])
            rays.append(line(way * reach, 0.7, True))
        return [*rays, *main], ("rays",)
    if kind == "twin" and min(w, h) < 0.75:
        small = moved(main, scale=0.55, mirror=True)
        at = (w + 0.45 * w, h * 0.4) if w < h else (w * 0.4, h + 0.45 * h)
        return [*moved(small, *at), *main], ()
    return main, ()
