"""Motif families of plants: blossoms, branches and trees."""

from __future__ import annotations

import numpy as np

from .curves import (
    TAU,
    ellipse,
    pair,
    petal,
    placed,
    polar,
    ribbon,
    spiral,
    spline,
)
from .drawing import (
    DARK,
    FIRST,
    SECOND,
    THIRD,
    Hand,
    Shape,
    family,
    line,
    moved,
    solid,
)

__all__ = ["leaf"]


def leaf(length: float, width: float, x: float, y: float, turn: float) -> list[Shape]:
    """Return a leaf with its midrib and side veins, rooted at (x, y)."""
    shapes = [
        solid(petal(length, width, 0.35), THIRD),
        line(spline([(0, 0), (width * 0.04, -length * 0.5), (0, -length * 0.95)]), 0.7, True),
    ]
    for at in (0.3, 0.5, 0.7):
        reach = width * 0.34 * np.sin(np.pi * at)
        for side in (-1, 1):
            vein = np.array([(0, -length * at), (side * reach, -length * (at + 0.12))])
            shapes.append(line(vein, 0.5, True))
    return moved(shapes, x, y, turn=turn)


@family("flower", "plant")
def rose(hand: Hand) -> list[Shape]:
    """Draw rings of broad petals round a rolled heart, with leaves behind."""
    shapes: list[Shape] = []
    leaves, lean = hand.count(2, 5), hand.number(0, TAU, 0.03)
    span = hand.number(0.7, 1.2)
    for i in range(leaves):
        shapes += leaf(span * 1.15, 0.5, 0, 0, lean + i * TAU / leaves + hand.loose(0.15))
    rings, first = hand.count(2, 4), hand.count(5, 7)
    for ring in range(rings):
        size = 0.85 * (1 - ring / (rings + 0.4))
        number = first - ring if first - ring > 3 else 3
        start = hand.number(0, TAU, 0.02)
        for i in range(number):
            turn = start + i * TAU / number + hand.loose(0.06)
            lip = petal(size, size * 5.4 / number, 0.95)
            shapes.append(solid(placed(lip, turn=turn), FIRST))
            fold = placed(lip * (0.62, 0.88), turn=turn)
            shapes.append(line(fold[6:25], 0.6, True))
    shapes.append(solid(ellipse(0, 0, 0.24, 0.22), FIRST))
    shapes.append(line(spiral(hand.number(1.4, 2.4), 0.02, 0.22), 0.8))
    return shapes


@family("flower", "plant")
def lotus(hand: Hand) -> list[Shape]:
    """Draw pointed petals fanned over a water line."""
    shapes: list[Shape] = []
    layers, wide = hand.count(2, 3), hand.number(0.34, 0.6)
    for layer in range(layers):
        number = 7 - 2 * layer
        spread = hand.number(1.1, 1.5, 0.05) * (1 - 0.2 * layer)
        order = sorted(range(number), key=lambda i: -abs(i - (number - 1) / 2))
        for i in order:
            turn = spread * (2 * i / (number - 1) - 1) + hand.loose(0.03)
            long = (1.35 - 0.22 * layer) * (1 - 0.25 * abs(turn) / spread)
            shapes.append(solid(placed(petal(long, wide, 0.4), 0, 0.5, turn=turn), FIRST))
            rib = placed(np.array([(0.0, -0.15), (0.0, -long * 0.7)]), 0, 0.5, turn=turn)
            shapes.append(line(rib, 0.5, True))
    for i in range(hand.count(1, 3)):
        x = np.linspace(-1, 1, 30) * (1 - 0.22 * i)
        shapes.append(line(np.column_stack([x, 0.62 + 0.14 * i + 0.04 * np.sin(9 * x)]), 0.8))
    return shapes


@family("flower", "plant")
def sunflower(hand: Hand) -> list[Shape]:
    """Draw many slim petals round a seed disc."""
    number, disc = hand.count(12, 20), hand.number(0.3, 0.5, 0.06)
    shapes: list[Shape] = []
    for ring in range(2):
        for i in range(number):
            turn = (i + ring / 2) * TAU / number + hand.loose(0.04)
            shapes.append(solid(placed(petal(1 - 0.12 * ring, 0.36, 0.4), turn=turn), SECOND))
    shapes.append(solid(ellipse(0, 0, disc, disc), DARK if hand.chance(0.5) else FIRST))
    for r in (0.4, 0.7):
        for i in range(10):
            a = (i + r) * TAU / 10
            dot = ellipse(disc * r * np.cos(a), disc * r * np.sin(a), 0.035, count=10)
            shapes.append(solid(dot, 0, 0.5))
    return shapes


@family("flower", "plant", "branch")
def cherry_branch(hand: Hand) -> list[Shape]:
    """Draw a bent branch with five-petalled blossoms."""
    bend = hand.number(-0.6, 0.6, 0.06)
    t = np.linspace(0, 1, 24)
    stem = np.column_stack([-0.9 + 1.8 * t, 0.7 - 1.3 * t + bend * np.sin(np.pi * t)])
    shapes = [solid(ribbon(stem, 0.16 - 0.13 * t), THIRD)]
    for i in range(hand.count(4, 7)):
        at = stem[3 + (i * 7 + hand.count(0, 3)) % 21]
        side = hand.pick((-1, 1))
        size = hand.number(0.2, 0.36, 0.05)
        x, y = at[0] + side * size * 0.5 + hand.loose(0.04), at[1] - side * size * 0.7
        shapes.append(line(spline([tuple(at), (x, y)]), 1.2))
        turn = hand.number(0, TAU, 0.02)
        for k in range(5):
            lobe = placed(petal(size, size * 0.9, 0.8), x, y, turn=turn + k * TAU / 5)
            shapes.append(solid(lobe, FIRST))
        shapes.append(solid(ellipse(x, y, size * 0.18, count=14), SECOND))
    return shapes


@family("plant", "branch")
def laurel(hand: Hand) -> list[Shape]:
    """Draw leaves in pairs along a curved stem, one spray or a wreath of two."""
    number, wide = hand.count(5, 9), hand.number(0.12, 0.22)
    curve, wreath = hand.number(0.2, 0.8, 0.05), hand.chance(0.5)
    t = np.linspace(0, 1, 30)
    stem = np.column_stack([-curve * np.sin(np.pi * t * 0.9), 1 - 2 * t])
    half: list[Shape] = [line(stem, 1.0)]
    for i in range(1, number + 1):
        k = int(29 * i / (number + 0.5))
        for side in (-1, 1):
            turn = side * 0.75 + hand.loose(0.06) + (0.5 - t[k]) * curve * 1.2
            shape = placed(petal(0.42 * (1.1 - 0.4 * t[k]), wide, 0.4), *pair(stem[k]), turn=turn)
            half.append(solid(shape, THIRD))
    if not wreath:
        return half
    return moved(half, -0.25, turn=-0.1) + moved(half, 0.25, turn=0.1, mirror=True)


@family("plant")
def tree(hand: Hand) -> list[Shape]:
    """Draw a bare tree that forks to fine twigs, with or without roots."""
    spread, forks = hand.number(0.35, 0.6, 0.06), hand.count(4, 5)
    roots, lean = hand.chance(0.5), hand.number(-0.15, 0.15)
    shapes: list[Shape] = []

    def grow(x: float, y: float, turn: float, long: float, wide: float, depth: int) -> None:
        x2, y2 = x + long * np.sin(turn), y - long * np.cos(turn)
        path = spline([(x, y), ((x + x2) / 2 + 0.04 * np.cos(7 * x + y), (y + y2) / 2), (x2, y2)])
        shapes.append(solid(ribbon(path, np.linspace(wide, wide * 0.6, len(path))), DARK, 0.3))
        if depth:
            for side in (-1, 1):
                twist = side * spread * (1 + 0.25 * np.sin(3.1 * depth + side)) + hand.loose(0.06)
                grow(x2, y2, turn + twist, long * 0.73, wide * 0.6, depth - 1)

    grow(0, 0.55, lean, 0.5, 0.16, forks)
    if roots:
        for turn in (-2.2, -2.7, 2.7, 2.2):
            grow(0, 0.5, turn + hand.loose(0.05), 0.3, 0.1, 1)
    else:
        shapes.append(line(spline([(-0.6, 0.6), (0, 0.54), (0.6, 0.6)]), 1.2))
    return shapes


@family("plant")
def mushroom(hand: Hand) -> list[Shape]:
    """Draw a domed, spotted cap on a stalk, and a smaller one beside it."""
    wide, dome = hand.number(0.6, 0.95, 0.06), hand.number(0.5, 1.0, 0.06)
    stalk = spline(
        [(-0.16, 0.0), (-0.12, 0.5), (-0.24, 0.95), (0.24, 0.95), (0.12, 0.5), (0.16, 0)]
    )
    shapes = [solid(stalk)]
    gills = ellipse(0, 0.0, wide, 0.16)
    cap = np.vstack([ellipse(0, 0, wide, dome, np.pi, TAU), gills[:18]])
    shapes += [solid(cap, FIRST), solid(gills, 0)]
    for x in np.linspace(-wide * 0.8, wide * 0.8, 9):
        shapes.append(line(np.array([(x, 0.06), (x * 0.2, -0.05)]), 0.5, True))
    for i in range(hand.count(3, 6)):
        x, y = hand.number(-0.6, 0.6, 0.04), hand.number(0.3, 0.8, 0.04)
        shapes.append(solid(ellipse(x * wide, -y * dome, 0.09 + 0.02 * (i % 3), count=16), 0, 0.8))
    if hand.chance(0.6):
        shapes = moved(shapes, 0.62, 0.42, 0.5, 0.25) + shapes
    return shapes


@family("flower", "plant")
def peony(hand: Hand) -> list[Shape]:
    """Draw a full round blossom with frilled petals."""
    frill, rings = hand.count(4, 7), hand.count(3, 4)
    shapes: list[Shape] = []
    for i in range(hand.count(2, 4)):
        shapes += leaf(1.25, 0.55, 0, 0.1, hand.number(0, TAU, 0.02) + i)
    for ring in range(rings):
        size = 1 - ring * 0.8 / rings
        number = 6 - ring if ring < 3 else 3
        start = hand.number(0, TAU, 0.02)
        for i in range(number):
            turn = start + i * TAU / number + hand.loose(0.07)
            wave = polar(lambda t: 0.42 + 0.03 * np.cos(frill * 2 * t), 60) * (1.15, 1)
            shapes.append(solid(placed(wave, 0, -0.48, size).copy(), FIRST))
            shapes[-1] = moved(shapes[-1:], turn=turn)[0]
            crease = placed(np.array([(0, -0.3), (0.02, -0.75)]), scale=size, turn=turn)
            shapes.append(line(crease, 0.5, True))
    shapes.append(solid(ellipse(0, 0, 0.13, count=20), SECOND))
    return shapes
