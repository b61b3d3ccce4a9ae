"""Motif families of things and emblems: skulls, anchors, hearts, blades, instruments."""

from __future__ import annotations

import numpy as np

from harness.synthesis.curves import (
    TAU,
    box,
    ellipse,
    petal,
    placed,
    polar,
    ribbon,
    spline,
    star,
    xy,
)
from harness.synthesis.drawing import (
    BLANK,
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

__all__ = ["heart_outline"]


def _both(shapes: list[Shape]) -> list[Shape]:
    """Return shapes and their mirror image."""
    return shapes + moved(shapes, mirror=True)


def heart_outline(size: float) -> np.ndarray:
    """Return a heart of about `size` half width round (0, 0)."""
    t = np.linspace(0, TAU, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.column_stack([x, y]) * (size / 16)


@family("bones", "death")
def skull(hand: Hand) -> list[Shape]:
    """A frontal skull, with or without its jaw, with or without crossed bones."""
    wide, dome = hand.number(0.6, 0.85, 0.05), hand.number(0.75, 1.0, 0.05)
    cheek, eye = hand.number(0.4, 0.6, 0.05), hand.number(0.19, 0.28, 0.06)
    jaw, bones = hand.chance(0.6), hand.chance(0.35)
    shapes: list[Shape] = []
    if bones:
        for turn in (0.9, -0.9):
            shaft = [solid(box(0, 0, 0.09, 1.15))]
            shaft += [
                solid(ellipse(x, y, 0.14, count=18)) for y in (-1.15, 1.15) for x in (-0.1, 0.1)
            ]
            shapes += moved(shaft, 0, 0.15, turn=turn)
    if jaw:
        shapes.append(solid(spline([(-cheek, 0.3), (-cheek * 0.85, 0.85), (-0.2, 1.02), (0.2, 1.02),
                                    (cheek * 0.85, 0.85), (cheek, 0.3)], True)))
    cranium = spline([(0, -dome), (-wide * 0.72, -dome * 0.8), (-wide, -0.2), (-wide * 0.88, 0.2),
                      (-cheek, 0.38), (-cheek * 0.8, 0.68), (0, 0.72), (cheek * 0.8, 0.68),
                      (cheek, 0.38), (wide * 0.88, 0.2), (wide, -0.2), (wide * 0.72, -dome * 0.8)], True)
    shapes.append(solid(cranium))
    angry = hand.number(-0.12, 0.12, 0.06)
    socket = spline([(0.3 - eye, 0.02), (0.3, -eye * 0.9 - angry), (0.3 + eye, -0.02 + angry),
                     (0.3 + eye * 0.5, eye * 0.9), (0.3 - eye * 0.6, eye * 0.7)], True)
    shapes += _both([solid(socket, DARK)])
    shapes += _both([solid(spline([(0.02, 0.22), (0.12, 0.4), (0.03, 0.42)], True), DARK, 0.6)])
    for x in np.linspace(-cheek * 0.6, cheek * 0.6, hand.count(5, 7)):
        shapes.append(line(xy((x, 0.5), (x, 0.82 if jaw else 0.7)), 0.9))
    shapes.append(line(xy((-cheek * 0.72, 0.66), (cheek * 0.72, 0.66)), 0.9))
    crack = spline([(0.1, -dome), (0.2, -dome * 0.75), (0.1, -dome * 0.6), (0.22, -dome * 0.45)])
    shapes.append(line(crack, 0.6, True))
    if hand.chance(0.3):
        shapes.append(solid(placed(star(hand.count(4, 6), 0.2, 0.08), 0, -dome * 0.55), FIRST, 0.7))
    return shapes


@family("nautical")
def anchor(hand: Hand) -> list[Shape]:
    """A stocked anchor, often with a rope."""
    arm, stock = hand.number(0.6, 0.85, 0.05), hand.number(0.35, 0.6, 0.06)
    rope, wide = hand.chance(0.6), hand.number(0.1, 0.2)
    bow = ellipse(0, 0.1, arm, 0.78, 0.25, np.pi - 0.25, 40)
    width = wide * (0.55 + 0.7 * np.sin(np.linspace(0, np.pi, 40)))
    fluke = xy((0, -0.25), (0.2, 0.16), (-0.2, 0.16))
    shapes = [solid(ribbon(ellipse(0, -0.85, 0.16, count=30), 0.07), FIRST)]
    shapes += [solid(ribbon(bow, width), FIRST)]
    shapes += _both([solid(placed(fluke, bow[0, 0], bow[0, 1], turn=0.5), FIRST)])
    shapes += [solid(ribbon(xy((0, -0.7), (0, 0.85)), wide), FIRST)]
    shapes += [solid(box(0, -0.5, stock, 0.06), SECOND)]
    shapes += _both([solid(ellipse(stock, -0.5, 0.09, count=20), SECOND)])
    if rope:
        t = np.linspace(0, 1, 60)
        swing = hand.number(0.25, 0.5, 0.05)
        path = np.column_stack([swing * np.sin(TAU * 1.1 * t + 0.3), -0.85 + 1.75 * t])
        for k in range(0, 54, 9):
            part = path[k : k + 10]
            shapes += [Shape((ribbon(part, 0.09),), THIRD, 0.8)]
            shapes += [line(np.vstack([part[2], part[5] + (0.03, 0)]), 0.5, True)]
    return shapes


@family("love")
def heart(hand: Hand) -> list[Shape]:
    """A heart: plain, winged, flaming, or pierced by an arrow or dagger."""
    kind = hand.pick(("plain", "wings", "flames", "arrow", "dagger"))
    size = 0.62 if kind != "plain" else 0.95
    slim = hand.number(0.85, 1.15, 0.06)
    core = [solid(heart_outline(size) * (slim, 1), FIRST)]
    core.append(line(ellipse(-size * 0.4, -size * 0.35, size * 0.3, size * 0.3, 3.3, 4.6, 12), 0.7, True))
    if kind == "wings":
        wing: list[Shape] = []
        for k in range(hand.count(4, 6)):
            plume = placed(petal(0.85 - 0.07 * k, 0.2, 0.6), 0.45, 0.05, turn=0.75 + 0.24 * k)
            wing.append(solid(plume, BLANK))
        return _both(wing) + core
    if kind == "flames":
        fire = [
            solid(placed(petal(0.85 - 0.14 * abs(k), 0.34, 0.2), 0.16 * k, -0.25, turn=0.17 * k), SECOND)
            for k in (-3, 3, -2, 2, -1, 1, 0)
        ]
        return fire + core
    if kind in ("arrow", "dagger"):
        turn = hand.number(0.6, 1.0, 0.05) if kind == "arrow" else 0.0
        shaft = [solid(box(0, 0, 0.04, 1.1), THIRD), solid(xy((0, 1.4), (-0.16, 1.05), (0.16, 1.05)), DARK)]
        if kind == "arrow":
            for k in range(3):
                y = -1.1 + 0.12 * k
                shaft.append(solid(xy((0, y), (0.18, y - 0.15), (0.18, y), (0, y + 0.14)), SECOND))
                shaft.append(solid(xy((0, y), (-0.18, y - 0.15), (-0.18, y), (0, y + 0.14)), SECOND))
        else:
            shaft += [solid(box(0, -0.8, 0.32, 0.06), SECOND), solid(box(0, -1.05, 0.08, 0.2), DARK)]
        back = moved(shaft, turn=turn)
        front = [s for s in moved(shaft[:1], turn=turn) if False]
        return back + core + front
    return core


@family("weapon")
def dagger(hand: Hand) -> list[Shape]:
    """An upright blade with guard, grip and pommel."""
    wide, long = hand.number(0.14, 0.28, 0.06), hand.number(0.9, 1.2, 0.06)
    guard, curve = hand.number(0.3, 0.6, 0.06), hand.number(-0.2, 0.25, 0.05)
    edge = spline([(wide, 0), (wide * 1.15, long * 0.4), (wide * 0.7, long * 0.8), (0, long * 1.15)])
    blade = np.vstack([edge, (edge * (-1, 1))[::-1]])
    shapes = [solid(blade, BLANK), line(xy((0, 0.05), (0, long)), 0.7)]
    bar = spline([(-guard, curve), (0, -0.02), (guard, curve)])
    shapes.append(solid(box(0, -0.32, 0.09, 0.3), THIRD))
    for k in range(5):
        shapes.append(line(xy((-0.09, -0.55 + 0.11 * k), (0.09, -0.5 + 0.11 * k)), 0.7, True))
    shapes.append(solid(ribbon(bar, 0.14), SECOND))
    shapes.append(solid(ellipse(0, -0.7, 0.14, count=22), FIRST))
    return moved(shapes, turn=hand.number(-0.5, 0.5, 0.04))


@family("nautical", "star")
def nautical_star(hand: Hand) -> list[Shape]:
    """A star with split light and dark halves."""
    tips, inner = hand.pick((4, 5, 5, 5, 6, 8)), hand.number(0.3, 0.5, 0.06)
    corner = star(tips, 1, inner, hand.loose(0.05))
    shapes: list[Shape] = []
    for k in range(2 * tips):
        after = corner[(k + 1) % (2 * tips)]
        fill = DARK if k % 2 else FIRST
        shapes.append(solid(np.vstack([corner[k], after, (0, 0)]), fill))
    if hand.chance(0.4):
        shapes.insert(0, solid(ellipse(0, 0, 0.8, count=60), BLANK))
    return shapes


@family("nautical", "star")
def compass(hand: Hand) -> list[Shape]:
    """A wind rose in a ring, with arrow tips or letters left out."""
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


@family("religious")
def cross(hand: Hand) -> list[Shape]:
    """A cross: Latin, flared or Celtic, with a ring or rays."""
    flare, wide = hand.number(0, 0.14, 0.06), hand.number(0.14, 0.24, 0.06)
    bar, high = hand.number(0.45, 0.75, 0.06), hand.number(0.2, 0.4, 0.06)
    w, f, y = wide, wide + flare, -high
    upper = y - bar * 0.8
    outline = xy((-f, upper), (f, upper), (w, y - w), (bar, y - f), (bar, y + f), (w, y + w), (f, 1),
                 (-f, 1), (-w, y + w), (-bar, y + f), (-bar, y - f), (-w, y - w))
    shapes: list[Shape] = []
    if hand.chance(0.35):
        for k in range(16):
            ray = placed(xy((-0.03, -0.3), (0.03, -0.3), (0, -0.95)), 0, y, turn=k * TAU / 16)
            shapes.append(solid(ray, SECOND, 0.6))
    if hand.chance(0.4):
        shapes.append(solid(ribbon(ellipse(0, y, bar * 0.66, count=50), 0.13), SECOND))
    shapes.append(solid(outline, FIRST))
    inner = placed(outline, scale=1.0) * (0.62, 1) + (0, 0)
    centre = (0, y)
    shapes.append(line(np.vstack([(inner - centre) * (0.8, 0.86) + centre, ((inner - centre) * (0.8, 0.86) + centre)[:1]]), 0.6, True))
    return shapes


@family("religious", "eye")
def eye(hand: Hand) -> list[Shape]:
    """An eye, bare with lashes or in a rayed triangle."""
    open_, kind = hand.number(0.35, 0.6, 0.05), hand.pick(("triangle", "lashes", "rays"))
    size = 0.5 if kind == "triangle" else 0.85
    lid = spline([(-1, 0.05), (-0.45, -open_ * 0.9), (0.2, -open_), (1, 0.05), (0.35, open_ * 0.75), (-0.4, open_ * 0.7)], True)
    look = [solid(lid), solid(ellipse(0.02, -0.03, open_ * 0.8, count=36), FIRST)]
    look += [solid(ellipse(0.02, -0.03, open_ * 0.36, count=24), DARK)]
    look += [solid(ellipse(-0.08, -0.12, 0.07, count=12), BLANK, 0)]
    shapes: list[Shape] = []
    if kind == "triangle":
        for k in range(hand.count(16, 24)):
            a = k * TAU / 20
            shapes.append(line(np.array([(np.sin(a), -np.cos(a))]) * [[0.75], [1.1 if k % 2 else 0.95]], 0.8))
        shapes.append(solid(xy((0, -0.95), (0.95, 0.7), (-0.95, 0.7)), BLANK))
        shapes.append(solid(xy((0, -0.7), (0.74, 0.58), (-0.74, 0.58)), SECOND, 0.7))
        return shapes + moved(look, 0, 0.15, size)
    for k in range(9):
        a = -1.0 + 0.25 * k
        root = np.array((0.9 * np.sin(a), -open_ * np.cos(a)))
        tip = root + np.array((0.25 * np.sin(a), -0.3))
        if kind == "lashes":
            shapes.append(line(np.vstack([root, tip]), 1.0))
        else:
            shapes.append(solid(placed(xy((-0.04, 0), (0.04, 0), (0, -0.55)), root[0], root[1] * 1.15, turn=a * 0.8), SECOND, 0.7))
    brow = spline([(-0.9, -open_ - 0.2), (-0.2, -open_ - 0.5), (0.9, -open_ - 0.25)])
    if kind == "lashes":
        shapes.append(solid(ribbon(brow, np.linspace(0.16, 0.03, len(brow))), DARK))
        shapes.append(line(spline([(0.3, open_ * 0.7), (0.2, 1.0), (0.45, 1.1)]), 1.0))
    return moved(shapes + look, scale=size)


@family("crown")
def crown(hand: Hand) -> list[Shape]:
    """A crown of points with balls and jewels."""
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
    shapes = [solid(body, FIRST), solid(ribbon(spline([(-0.8, 0.5), (0, 0.62), (0.8, 0.5)]), 0.24), SECOND)]
    for k in range(hand.count(3, 5)):
        x = -0.55 + 1.1 * k / 3.5
        shapes.append(solid(placed(star(4, 0.1, 0.06), x, 0.58), DARK if k % 2 else BLANK, 0.7))
    return shapes + balls


@family("time")
def hourglass(hand: Hand) -> list[Shape]:
    """An hourglass with sand."""
    wide, neck = hand.number(0.45, 0.65, 0.05), hand.number(0.05, 0.12)
    side = spline([(wide, -0.8), (wide * 0.95, -0.45), (neck, 0), (wide * 0.95, 0.45), (wide, 0.8)])
    glass = np.vstack([side, (side * (-1, 1))[::-1]])
    shapes = [solid(glass, BLANK)]
    level = hand.number(0.2, 0.6, 0.06)
    shapes.append(solid(xy((-wide * level, -0.5 * level), (wide * level, -0.5 * level), (0, 0)), SECOND, 0.6))
    shapes.append(solid(xy((-wide * 0.9, 0.76), (0, 0.3 + 0.2 * level), (wide * 0.9, 0.76)), SECOND, 0.6))
    for y in (-0.9, 0.9):
        shapes.append(solid(box(0, y, wide * 1.25, 0.1), THIRD))
    shapes += _both([solid(box(wide * 1.12, 0, 0.05, 0.82), THIRD)])
    return moved(shapes, turn=hand.number(-0.3, 0.3, 0.05))


@family("lock")
def key(hand: Hand) -> list[Shape]:
    """An old key with an ornate bow."""
    bow, lobes = hand.number(0.26, 0.4, 0.05), hand.pick((1, 3, 4))
    shapes: list[Shape] = [solid(box(0, 0.2, 0.07, 0.8), FIRST)]
    for k in range(hand.count(2, 4)):
        y = 0.95 - 0.17 * k
        shapes.append(solid(box(0.17, y, 0.12 + 0.04 * (k % 2), 0.06), FIRST))
    for k in range(lobes):
        a = k * TAU / lobes
        c = (0.0, -0.65) if lobes == 1 else (bow * 0.75 * np.sin(a), -0.65 - bow * 0.75 * np.cos(a))
        size = bow if lobes == 1 else bow * 0.6
        shapes.append(solid(ribbon(ellipse(*c, size, count=30), 0.11), FIRST))
    shapes.append(solid(box(0, -0.22, 0.14, 0.05), SECOND))
    return moved(shapes, turn=hand.number(-0.8, 0.8, 0.04))


@family("luck")
def dice(hand: Hand) -> list[Shape]:
    """Two dice in perspective."""
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
            ring = np.array([0.11 * np.cos(t) * u + 0.11 * np.sin(t) * v for t in np.linspace(0, TAU, 14)])
            die.append(solid(ring + c, DARK, 0.4))
    turn = hand.number(-0.4, 0.4, 0.06)
    if hand.chance(0.3):
        return moved(die, turn=turn)
    return moved(die, 0.55, -0.45, 0.7, turn + 0.5) + moved(die, -0.5, 0.45, 0.75, turn)


@family("weapon", "arrow")
def crossed_arrows(hand: Hand) -> list[Shape]:
    """Two or three arrows crossing."""
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


@family("wings", "angel")
def wings(hand: Hand) -> list[Shape]:
    """A pair of feathered wings."""
    rows, spread = hand.count(2, 3), hand.number(0.9, 1.4, 0.05)
    lift = hand.number(0.2, 0.8, 0.05)
    wing: list[Shape] = []
    for row in range(rows):
        number = 8 - row
        for k in range(number):
            at = k / (number - 1)
            x, y = 0.15 + 0.75 * at, -lift * np.sin(np.pi * 0.6 * at) + 0.1 * row - 0.1
            long = (0.95 - 0.28 * row) * (0.6 + 0.4 * at)
            plume = placed(petal(long, 0.22, 0.6), x, y, turn=np.pi - spread * at * 0.9 + hand.loose(0.03))
            wing.append(solid(plume, (BLANK, FIRST, SECOND)[row]))
    bone = spline([(0.05, 0.1), (0.3, -lift * 0.6), (0.65, -lift), (0.95, -lift * 0.75)])
    wing.append(solid(ribbon(bone, np.linspace(0.16, 0.05, len(bone))), FIRST))
    return _both(wing)


@family("gem")
def diamond(hand: Hand) -> list[Shape]:
    """A cut stone in facets, sometimes shining."""
    wide, table, deep = hand.number(0.7, 1.0, 0.04), hand.number(0.4, 0.6, 0.05), hand.number(0.7, 1.0, 0.05)
    girdle = [(-wide + 2 * wide * k / 4, -0.2) for k in range(5)]
    top = [(-table + 2 * table * k / 2, -0.6) for k in range(3)]
    foot = (0.0, deep)
    fills = (FIRST, BLANK, SECOND, FIRST)
    shapes = [solid(xy(girdle[k], girdle[k + 1], foot), fills[k]) for k in range(4)]
    shapes += [solid(xy(girdle[0], top[0], girdle[1]), SECOND), solid(xy(girdle[4], top[2], girdle[3]), BLANK)]
    shapes += [solid(xy(top[k], top[k + 1], girdle[1 + k], ), FIRST) for k in range(2)]
    shapes += [solid(xy(top[k + 1], girdle[k + 1], girdle[k + 2]), BLANK) for k in range(2)]
    if hand.chance(0.5):
        for k in range(7):
            a = -1.2 + 0.4 * k
            shapes.append(line(np.array([(np.sin(a), -np.cos(a))]) * [[0.95], [1.2]] + (0, -0.05), 0.9))
    return shapes


@family("sky")
def moon(hand: Hand) -> list[Shape]:
    """A crescent with stars, clouds or a face."""
    thin, turn = hand.number(0.25, 0.6, 0.05), hand.number(-0.5, 0.5, 0.05)
    outer = ellipse(0, 0, 1, 1, -np.pi / 2 - 0.9, np.pi / 2 + 0.9, 50)
    inner = spline([tuple(outer[-1]), (0.25 - thin * 0.5, 0.55), (0.55 - thin, 0), (0.25 - thin * 0.5, -0.55), tuple(outer[0])])
    shapes = [solid(np.vstack([outer, inner]), SECOND)]
    kind = hand.pick(("stars", "face", "dots"))
    if kind == "face":
        shapes.append(solid(ellipse(0.62, -0.2, 0.07, count=14), DARK))
        shapes.append(line(spline([(0.45, 0.25), (0.6, 0.35), (0.75, 0.25)]), 1.0))
    for k in range(hand.count(2, 5)):
        x, y = hand.number(-0.7, 0.1, 0.04), hand.number(-0.7, 0.7, 0.04)
        size = 0.09 + 0.04 * (k % 3)
        dot = placed(star(5, size * 1.6, size * 0.7), x, y) if kind != "dots" else ellipse(x, y, size * 0.6, count=14)
        shapes.append(solid(dot, FIRST))
    return moved(shapes, turn=turn, mirror=hand.chance(0.5))


@family("sky")
def sun(hand: Hand) -> list[Shape]:
    """A sun with straight and flaming rays."""
    rays, disc = hand.pick((8, 12, 16)), hand.number(0.35, 0.55, 0.05)
    bent = hand.chance(0.5)
    shapes: list[Shape] = []
    for k in range(rays):
        ray = petal(1, 0.26, 0.05) if k % 2 and bent else xy((-0.13, 0), (0, -1), (0.13, 0))
        shapes.append(solid(placed(ray * (1, 1 if k % 2 else 0.82), turn=k * TAU / rays), FIRST if k % 2 else SECOND))
    shapes += [solid(ellipse(0, 0, disc, count=44), SECOND), solid(ellipse(0, 0, disc * 0.8, count=44), BLANK, 0.7)]
    if hand.chance(0.5):
        face = [solid(ellipse(0.3, -0.15, 0.14, 0.07), DARK)]
        shapes += moved(_both(face), scale=disc)
        shapes.append(line(spline([(-disc * 0.35, disc * 0.3), (0, disc * 0.48), (disc * 0.35, disc * 0.3)]), 1))
        shapes.append(line(spline([(0, -disc * 0.1), (disc * 0.1, disc * 0.1), (0, disc * 0.14)]), 0.7))
    else:
        shapes.append(line(polar(lambda t: disc * (0.45 + 0.15 * np.cos(4 * t)), 60), 0.8))
    return shapes


@family("music")
def guitar(hand: Hand) -> list[Shape]:
    """A guitar with waist, sound hole and neck."""
    waist, low = hand.number(0.2, 0.34, 0.05), hand.number(0.45, 0.6, 0.05)
    body = spline([(0, 1), (-low, 0.75), (-waist, 0.35), (-0.36, 0.05), (0, -0.08), (0.36, 0.05), (waist, 0.35), (low, 0.75)], True)
    shapes = [solid(body, FIRST), solid(ellipse(0, 0.42, 0.16, count=26), DARK)]
    shapes += [solid(box(0, -0.4, 0.07, 0.55), THIRD), solid(box(0, -1.02, 0.12, 0.13), DARK), solid(box(0, 0.75, 0.2, 0.04), DARK)]
    for x in (-0.03, 0.03):
        shapes.append(line(xy((x, -0.9), (x, 0.75)), 0.4, True))
    return moved(shapes, turn=hand.number(-0.7, 0.7, 0.04))
