"""Motif families of things: anchors, blades, crowns, keys, dice, instruments."""

from __future__ import annotations

import numpy as np

from .curves import (
    TAU,
    box,
    ellipse,
    placed,
    ribbon,
    spline,
    star,
    xy,
)
from .drawing import (
    BLANK,
    DARK,
    FIRST,
    SECOND,
    THIRD,
    Hand,
    Shape,
    both,
    family,
    line,
    moved,
    solid,
)

__all__: list[str] = []


@family("nautical")
def anchor(hand: Hand) -> list[Shape]:
    """Draw a stocked anchor, often with a rope."""
    arm, stock = hand.number(0.6, 0.85, 0.05), hand.number(0.35, 0.6, 0.06)
    rope, wide = hand.chance(0.6), hand.number(0.1, 0.2)
    bow = ellipse(0, 0.1, arm, 0.78, 0.25, np.pi - 0.25, 40)
    width = wide * (0.55 + 0.7 * np.sin(np.linspace(0, np.pi, 40)))
    fluke = xy((0, -0.25), (0.2, 0.16), (-0.2, 0.16))
    shapes = [solid(ribbon(ellipse(0, -0.85, 0.16, count=30), 0.07), FIRST)]
    shapes += [solid(ribbon(bow, width), FIRST)]
    shapes += both([solid(placed(fluke, bow[0, 0], bow[0, 1], turn=0.5), FIRST)])
    shapes += [solid(ribbon(xy((0, -0.7), (0, 0.85)), wide), FIRST)]
    shapes += [solid(box(0, -0.5, stock, 0.06), SECOND)]
    shapes += both([solid(ellipse(stock, -0.5, 0.09, count=20), SECOND)])
    if rope:
        t = np.linspace(0, 1, 60)
        swing = hand.number(0.25, 0.5, 0.05)
        path = np.column_stack([swing * np.sin(TAU * 1.1 * t + 0.3), -0.85 + 1.75 * t])
        for k in range(0, 54, 9):
            part = path[k : k + 10]
            shapes += [Shape((ribbon(part, 0.09),), THIRD, 0.8)]
            shapes += [line(np.vstack([part[2], part[5] + (0.03, 0)]), 0.5, True)]
    return shapes


@family("weapon")
def dagger(hand: Hand) -> list[Shape]:
    """Draw an upright blade with guard, grip and pommel."""
    wide, long = hand.number(0.14, 0.28, 0.06), hand.number(0.9, 1.2, 0.06)
    guard, curve = hand.number(0.3, 0.6, 0.06), hand.number(-0.2, 0.25, 0.05)
    edge = spline(
        [(wide, 0), (wide * 1.15, long * 0.4), (wide * 0.7, long * 0.8), (0, long * 1.15)]
    )
    blade = np.vstack([edge, (edge * (-1, 1))[::-1]])
    shapes = [solid(blade, BLANK), line(xy((0, 0.05), (0, long)), 0.7)]
    bar = spline([(-guard, curve), (0, -0.02), (guard, curve)])
    shapes.append(solid(box(0, -0.32, 0.09, 0.3), THIRD))
    cord = xy((-0.09, -0.55), (0.09, -0.5))
    shapes += [line(cord + xy((0, 0.11 * k)), 0.7, True) for k in range(5)]
    shapes.append(solid(ribbon(bar, 0.14), SECOND))
    shapes.append(solid(ellipse(0, -0.7, 0.14, count=22), FIRST))
    return moved(shapes, turn=hand.number(-0.5, 0.5, 0.04))


@family("nautical", "star")
def compass(hand: Hand) -> list[Shape]:
    """Draw a wind rose in a ring, with arrow tips or letters left out."""
    ring, points = hand.number(0.6, 0.85, 0.05), hand.pick((4, 8))
    shapes = [solid(ellipse(0, 0, ring, count=70), BLANK)]
    shapes.append(solid(ellipse(0, 0, ring * 0.82, count=70), BLANK, 0.7))
    for k in range(32):
        a = k * TAU / 32
        tick = np.array([(np.sin(a), -np.cos(a))]) * np.array([[ring * 0.82], [ring]])
        shapes.append(line(tick, 0.5, True))
    for level in ((0.5, 0.62), (0.0, 1.0))[2 - points // 4 :]:
        corner = star(4, level[1], 0.16, level[0] * TAU / 4)
        for k in range(8):
            piece = np.vstack([corner[k], corner[(k + 1) % 8], (0, 0)])
            shapes.append(solid(piece, DARK if k % 2 else FIRST))
    return moved(shapes, turn=hand.number(-0.4, 0.4, 0.05))


@family("crown")
def crown(hand: Hand) -> list[Shape]:
    """Draw a crown of points with balls and jewels."""
    points, flare = hand.pick((3, 5, 5, 7)), hand.number(0, 0.25, 0.05)
    high, dip = hand.number(0.6, 1.0, 0.05), hand.number(0.3, 0.6, 0.05)
    rim: list[tuple[float, float]] = []
    balls: list[Shape] = []
    for k in range(points):
        x = -1 + 2 * k / (points - 1)
        peak = 0.45 - high * (1 - 0.18 * abs(x)) - 0.25
        rim.append((x * (0.8 + flare), peak))
        balls.append(solid(ellipse(x * (0.8 + flare), peak - 0.06, 0.08, count=16), SECOND))
        if k < points - 1:
            rim.append((x * 0.8 + 0.8 / (points - 1), 0.45 - high * (1 - dip)))
    body = np.vstack([np.array(rim), xy((0.8, 0.45), (-0.8, 0.45))])
    shapes = [
        solid(body, FIRST),
        solid(ribbon(spline([(-0.8, 0.5), (0, 0.62), (0.8, 0.5)]), 0.24), SECOND),
    ]
    for k in range(hand.count(3, 5)):
        x = -0.55 + 1.1 * k / 3.5
        shapes.append(solid(placed(star(4, 0.1, 0.06), x, 0.58), DARK if k % 2 else BLANK, 0.7))
    return shapes + balls


@family("time")
def hourglass(hand: Hand) -> list[Shape]:
    """Draw an hourglass with sand."""
    wide, neck = hand.number(0.45, 0.65, 0.05), hand.number(0.05, 0.12)
    side = spline([(wide, -0.8), (wide * 0.95, -0.45), (neck, 0), (wide * 0.95, 0.45), (wide, 0.8)])
    glass = np.vstack([side, (side * (-1, 1))[::-1]])
    shapes = [solid(glass, BLANK)]
    level = hand.number(0.2, 0.6, 0.06)
    shapes.append(
        solid(xy((-wide * level, -0.5 * level), (wide * level, -0.5 * level), (0, 0)), SECOND, 0.6)
    )
    shapes.append(
        solid(xy((-wide * 0.9, 0.76), (0, 0.3 + 0.2 * level), (wide * 0.9, 0.76)), SECOND, 0.6)
    )
    shapes += [solid(box(0, y, wide * 1.25, 0.1), THIRD) for y in (-0.9, 0.9)]
    shapes += both([solid(box(wide * 1.12, 0, 0.05, 0.82), THIRD)])
    return moved(shapes, turn=hand.number(-0.3, 0.3, 0.05))


@family("lock")
def key(hand: Hand) -> list[Shape]:
    """Draw an old key with an ornate bow."""
    bow, lobes = hand.number(0.26, 0.4, 0.05), hand.pick((1, 3, 4))
    shapes: list[Shape] = [solid(box(0, 0.2, 0.07, 0.8), FIRST)]
    for k in range(hand.count(2, 4)):
        y = 0.95 - 0.17 * k
        shapes.append(solid(box(0.17, y, 0.12 + 0.04 * (k % 2), 0.06), FIRST))
    for k in range(lobes):
        a = k * TAU / lobes
        far, size = (0.0, bow) if lobes == 1 else (bow * 0.75, bow * 0.6)
        ring = ellipse(far * np.sin(a), -0.65 - far * np.cos(a), size, count=30)
        shapes.append(solid(ribbon(ring, 0.11), FIRST))
    shapes.append(solid(box(0, -0.22, 0.14, 0.05), SECOND))
    return moved(shapes, turn=hand.number(-0.8, 0.8, 0.04))


@family("luck")
def dice(hand: Hand) -> list[Shape]:
    """Draw two dice in perspective."""
    die: list[Shape] = []
    faces = (
        (xy((0, 0), (-0.87, -0.5), (-0.87, 0.5), (0, 1)), hand.count(1, 6)),
        (xy((0, 0), (0.87, -0.5), (0.87, 0.5), (0, 1)), hand.count(1, 6)),
        (xy((0, 0), (-0.87, -0.5), (0, -1), (0.87, -0.5)), hand.count(1, 6)),
    )
    spots = {1: ((0.5, 0.5),), 2: ((0.25, 0.25), (0.75, 0.75))}
    spots[3] = spots[1] + spots[2]
    spots[4] = (*spots[2], (0.25, 0.75), (0.75, 0.25))
    spots[5] = spots[4] + spots[1]
    spots[6] = (*spots[4], (0.25, 0.5), (0.75, 0.5))
    for number, (face, dots) in enumerate(faces):
        die.append(solid(face, (BLANK, FIRST, BLANK)[number]))
        u, v = face[1] - face[0], face[3] - face[0]
        for a, b in spots[dots]:
            c = face[0] + a * u + b * v
            ring = np.array(
                [0.11 * np.cos(t) * u + 0.11 * np.sin(t) * v for t in np.linspace(0, TAU, 14)]
            )
            die.append(solid(ring + c, DARK, 0.4))
    turn = hand.number(-0.4, 0.4, 0.06)
    if hand.chance(0.3):
        return moved(die, turn=turn)
    return moved(die, 0.55, -0.45, 0.7, turn + 0.5) + moved(die, -0.5, 0.45, 0.75, turn)


@family("weapon", "arrow")
def crossed_arrows(hand: Hand) -> list[Shape]:
    """Draw two or three arrows crossing."""
    number, turn = hand.pick((2, 2, 3)), hand.number(0.45, 0.85, 0.04)
    tip = hand.number(0.12, 0.22)
    arrow = [solid(box(0, 0, 0.035, 0.95), DARK, 0.4)]
    arrow.append(solid(xy((0, -1.1), (tip, -0.78), (0, -0.86), (-tip, -0.78)), FIRST))
    for k in range(hand.count(3, 5)):
        y = 0.55 + 0.12 * k
        for side in (-1, 1):
            plume = xy((0, y), (side * 0.17, y + 0.13), (side * 0.17, y + 0.24), (0, y + 0.1))
            arrow.append(solid(plume, SECOND, 0.7))
    angles = (-turn, turn) if number == 2 else (-turn, turn, 0.0)
    return [shape for a in angles for shape in moved(arrow, turn=a)]


@family("gem")
def diamond(hand: Hand) -> list[Shape]:
    """Draw a cut stone in facets, sometimes shining."""
    wide, table, deep = (
        hand.number(0.7, 1.0, 0.04),
        hand.number(0.4, 0.6, 0.05),
        hand.number(0.7, 1.0, 0.05),
    )
    girdle = [(-wide + 2 * wide * k / 4, -0.2) for k in range(5)]
    top = [(-table + 2 * table * k / 2, -0.6) for k in range(3)]
    foot = (0.0, deep)
    fills = (FIRST, BLANK, SECOND, FIRST)
    shapes = [solid(xy(girdle[k], girdle[k + 1], foot), fills[k]) for k in range(4)]
    shapes += [
        solid(xy(girdle[0], top[0], girdle[1]), SECOND),
        solid(xy(girdle[4], top[2], girdle[3]), BLANK),
    ]
    shapes += [
        solid(
            xy(
                top[k],
                top[k + 1],
                girdle[1 + k],
            ),
            FIRST,
        )
        for k in range(2)
    ]
    shapes += [solid(xy(top[k + 1], girdle[k + 1], girdle[k + 2]), BLANK) for k in range(2)]
    if hand.chance(0.5):
        for k in range(7):
            a = -1.2 + 0.4 * k
            shapes.append(
                line(np.array([(np.sin(a), -np.cos(a))]) * [[0.95], [1.2]] + (0, -0.05), 0.9)
            )
    return shapes


@family("music")
def guitar(hand: Hand) -> list[Shape]:
    """Draw a guitar with waist, sound hole and neck."""
    waist, low = hand.number(0.2, 0.34, 0.05), hand.number(0.45, 0.6, 0.05)
    body = spline(
        [
            (0, 1),
            (-low, 0.75),
            (-waist, 0.35),
            (-0.36, 0.05),
            (0, -0.08),
            (0.36, 0.05),
            (waist, 0.35),
            (low, 0.75),
        ],
        True,
    )
    shapes = [solid(body, FIRST), solid(ellipse(0, 0.42, 0.16, count=26), DARK)]
    shapes += [
        solid(box(0, -0.4, 0.07, 0.55), THIRD),
        solid(box(0, -1.02, 0.12, 0.13), DARK),
        solid(box(0, 0.75, 0.2, 0.04), DARK),
    ]
    for x in (-0.03, 0.03):
        shapes.append(line(xy((x, -0.9), (x, 0.75)), 0.4, True))
    return moved(shapes, turn=hand.number(-0.7, 0.7, 0.04))
