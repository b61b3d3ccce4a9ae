"""Motif families of animals and parts of them."""

from __future__ import annotations

import numpy as np

from .curves import (
    TAU,
    Points,
    ellipse,
    pair,
    petal,
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
    Hand,
    Shape,
    both,
    family,
    line,
    moved,
    solid,
)

__all__: list[str] = []


@family("animal", "insect", "wings")
def butterfly(hand: Hand) -> list[Shape]:
    """Draw two pairs of veined wings on a slim body."""
    up, wide = hand.number(0.55, 1.0, 0.06), hand.number(0.75, 1.0, 0.06)
    low, tail = hand.number(0.5, 0.9, 0.06), hand.number(0, 0.35, 0.06)
    hind = spline(
        [(0.03, 0.05), (0.55, 0.1), (low * 0.85, 0.4), (0.45, low), (0.3, low + tail), (0.15, 0.5)],
        True,
    )
    fore = spline(
        [(0.03, 0), (0.25, -up * 0.8), (wide, -up), (wide * 0.92, -0.3), (0.5, 0.1)], True
    )
    wing = [solid(hind, SECOND), solid(fore, FIRST)]
    for k in range(hand.count(2, 4)):
        tip = (wide * 0.85, -up * 0.8 + 0.25 * k)
        wing.append(line(spline([(0.08, -0.04), (tip[0] * 0.5, tip[1] * 0.6), tip]), 0.6, True))
    if hand.chance(0.6):
        spot = hand.number(0.07, 0.14)
        wing.append(solid(ellipse(wide * 0.68, -up * 0.62, spot, count=18), DARK, 0.6))
        wing.append(solid(ellipse(0.42, 0.38, spot * 0.9, count=18), DARK, 0.6))
    body = [solid(ellipse(0, 0.1, 0.07, 0.42), DARK), solid(ellipse(0, -0.36, 0.08), DARK)]
    feeler = [line(spline([(0.02, -0.42), (0.12, -0.7), (0.28, -0.8)]), 0.7)]
    return both(wing) + body + both(feeler)


@family("animal", "bird")
def swallow(hand: Hand) -> list[Shape]:
    """Draw a diving swallow with swept wings and forked tail."""
    sweep, fork = hand.number(0.2, 0.7, 0.06), hand.number(0.15, 0.4, 0.06)
    near = spline([(0.0, -0.1), (-0.35, -0.75), (-0.95, -0.95), (-0.7, -0.5), (-0.35, 0.15)], True)
    far = spline([(0.1, -0.1), (0.4, -0.5), (0.95, -sweep - 0.2), (0.6, -0.1), (0.25, 0.2)], True)
    body = spline(
        [
            (0.42, 0.62),
            (0.3, 0.2),
            (0.0, -0.12),
            (-0.3, -0.1),
            (-0.5, 0.1),
            (-0.1, 0.4),
            (0.2, 0.62),
        ],
        True,
    )
    tail_a = spline([(-0.3, -0.1), (-0.7, -0.05), (-1.1, -fork), (-0.8, 0.12), (-0.45, 0.14)], True)
    tail_b = spline(
        [(-0.35, 0.05), (-0.75, 0.25), (-1.1, 0.2 + fork), (-0.7, 0.4), (-0.4, 0.2)], True
    )
    shapes = [solid(far, FIRST), solid(tail_a, FIRST), solid(tail_b, FIRST), solid(body, BLANK)]
    shapes += [solid(near, FIRST)]
    for k in range(4):
        reach = -0.25 - 0.16 * k
        feather = spline([(reach - 0.2, -0.75 + 0.12 * k), (reach, -0.45), (reach + 0.12, -0.1)])
        shapes.append(line(feather, 0.6, True))
    breast = spline([(0.36, 0.6), (0.2, 0.3), (-0.05, 0.3), (0.05, 0.5), (0.24, 0.62)], True)
    shapes += [solid(breast, SECOND, 0.7), solid(ellipse(0.3, 0.46, 0.035, count=12), DARK)]
    shapes.append(solid(xy((0.34, 0.62), (0.5, 0.82), (0.42, 0.56)), DARK))
    return moved(shapes, turn=hand.number(-0.5, 0.5, 0.05), mirror=hand.chance(0.5))


def _body_path(hand: Hand, kind: str) -> Points:
    t = np.linspace(0, 1, 90)
    if kind == "coil":
        turns = hand.number(1.3, 2.2, 0.03)
        r = 0.95 - 0.7 * t
        return np.column_stack([r * np.cos(TAU * turns * t), r * np.sin(TAU * turns * t)])
    swing, waves = hand.number(0.35, 0.7, 0.06), hand.number(1.0, 2.0, 0.03)
    return np.column_stack([swing * np.sin(TAU * waves * t) * (0.4 + 0.6 * t), -0.95 + 1.9 * t])


@family("animal", "reptile")
def snake(hand: Hand) -> list[Shape]:
    """Draw a winding snake with belly bands and a flat head."""
    path = _body_path(hand, hand.pick(("coil", "wave", "wave")))
    t = np.linspace(0, 1, len(path))
    wide = hand.number(0.16, 0.28) * np.minimum(1, 0.15 + 3.2 * np.minimum(t, 1.25 - t))
    shapes: list[Shape] = []
    # In pieces from the tail, so that the body passes over itself.
    for k in range(0, len(path) - 3, 3):
        part = slice(k, k + 5)
        shapes.append(Shape((ribbon(path[part], wide[part]),), FIRST, 0.0))
        outline = ribbon(path[part], wide[part])
        half = len(outline) // 2
        shapes += [line(outline[:half]), line(outline[half:])]
        if k % 2 == 0:
            band = ribbon(path[part], wide[part])
            shapes.append(line(band[[1, len(band) - 2]], 0.7, True))
    end, before = path[-1], path[-5]
    turn = float(np.arctan2(end[0] - before[0], before[1] - end[1]))
    s = float(wide[-6]) * 1.2
    head = spline(
        [(-0.45, 0.2), (-0.7, -0.5), (-0.3, -1.5), (0.3, -1.5), (0.7, -0.5), (0.45, 0.2)], True
    )
    face = [solid(head, FIRST)]
    face += both([solid(ellipse(0.35, -0.75, 0.13, count=12), DARK, 0.5)])
    tongue = [line(xy((0, -1.5), (0, -2.2))), line(xy((-0.25, -2.6), (0, -2.2), (0.25, -2.6)))]
    return shapes + moved(tongue + face, end[0], end[1], s, turn)


@family("animal", "fish")
def koi(hand: Hand) -> list[Shape]:
    """Draw a curved carp with scales, fins and a veil tail."""
    bend = hand.number(-0.55, 0.55, 0.04)
    t = np.linspace(0, 1, 40)
    path = np.column_stack([bend * np.sin(np.pi * 1.2 * t), -0.85 + 1.35 * t])
    wide = hand.number(0.5, 0.75, 0.05) * np.sin(np.pi * (0.12 + 0.82 * t)) ** 0.8
    tail_at, lean = path[-1], float(np.arctan2(path[-1, 0] - path[-6, 0], 0.2))
    tail = [
        solid(placed(petal(0.62, 0.34, 0.7), turn=np.pi - lean + side * 0.5), FIRST)
        for side in (-1, 1)
    ]
    shapes = moved(tail, float(tail_at[0]), float(tail_at[1]) - 0.05)
    for side in (-1, 1):
        k = hand.count(11, 16)
        fin = placed(petal(0.52, 0.3, 0.6), *pair(path[k]), turn=side * hand.number(1.7, 2.3, 0.05))
        shapes.append(solid(fin, SECOND))
    shapes.append(solid(ribbon(path, wide), FIRST))
    for k in range(10, 36, 4):
        for j in np.linspace(-0.3, 0.3, 4) + (0.1 if k % 8 else 0):
            c = path[k] + (j * wide[k], 0)
            scale = ellipse(*pair(c), wide[k] * 0.14, 0.07, 0.1, np.pi - 0.1, 10)
            shapes.append(line(scale, 0.6, True))
    gill = ellipse(*pair(path[8]), wide[8] * 0.42, 0.12, 0.15, np.pi - 0.15, 14)
    shapes.append(line(gill, 0.9))
    for side in (-1, 1):
        eye = path[4] + (side * wide[4] * 0.32, 0)
        shapes.append(solid(ellipse(*pair(eye), 0.05, count=12), DARK))
        barb = spline([tuple(path[0]), (path[0, 0] + side * 0.2, -0.98), (side * 0.34, -0.85)])
        shapes.append(line(barb, 0.7))
    return moved(shapes, turn=hand.number(-0.6, 0.6, 0.05))


@family("animal", "insect")
def spider(hand: Hand) -> list[Shape]:
    """Draw a spider seen from above."""
    shapes: list[Shape] = []
    reach, kink = hand.number(0.75, 1.0, 0.05), hand.number(0.3, 0.6, 0.06)
    for k in range(4):
        a = -0.95 + 0.62 * k
        knee = (reach * kink * np.cos(a) + 0.1, reach * np.sin(a) * 0.8 - 0.18)
        foot = (reach * np.cos(a * 0.75), reach * np.sin(a * 1.05) + 0.1 * k)
        leg = spline([(0.1, -0.15 + 0.07 * k), knee, foot])
        shapes += both([solid(ribbon(leg, np.linspace(0.07, 0.02, len(leg))), DARK, 0.4)])
    back = ellipse(0, 0.3, hand.number(0.24, 0.4), 0.42)
    shapes += [solid(ellipse(0, -0.16, 0.2, 0.22), DARK), solid(back, DARK)]
    mark = hand.pick(("cross", "glass", "skull"))
    if mark == "cross":
        shapes += [solid(placed(star(4, 0.22, 0.05), 0, 0.3), FIRST, 0.5)]
    elif mark == "glass":
        shapes += [solid(xy((-0.1, 0.15), (0.1, 0.15), (-0.1, 0.45), (0.1, 0.45)), FIRST, 0.5)]
    else:
        shapes += [solid(ellipse(0, 0.28, 0.13, 0.16), BLANK, 0.5)]
    return shapes


@family("animal", "sea")
def octopus(hand: Hand) -> list[Shape]:
    """Draw a domed head over curling arms."""
    curl, wide = hand.number(0.5, 1.3, 0.05), hand.number(0.12, 0.2)
    shapes: list[Shape] = []
    t = np.linspace(0, 1, 30)
    for k, a in enumerate((-1.25, 1.25, -0.85, 0.85, -0.45, 0.45, -0.12, 0.12)):
        turn = a + np.sign(a) * curl * np.sin(np.pi * t * 1.3) * (1 + 0.2 * hand.loose(1))
        step = 1.15 / 30
        path = np.column_stack([np.cumsum(np.sin(turn)), np.cumsum(np.cos(turn))]) * step
        arm = ribbon(path + xy((0.1 * a, -0.05)), wide * (1.1 - t))
        shapes.append(solid(arm, FIRST if k % 2 else SECOND))
    head = spline(
        [(-0.2, 0), (-0.45, -0.4), (-0.3, -0.9), (0.3, -0.9), (0.45, -0.4), (0.2, 0)], True
    )
    shapes.append(solid(head, FIRST))
    eyes = [solid(ellipse(0.2, -0.22, 0.1, 0.08), BLANK), solid(ellipse(0.2, -0.22, 0.04), DARK)]
    return shapes + both(eyes)


@family("animal", "feather")
def feather(hand: Hand) -> list[Shape]:
    """Draw a curved quill with notched vane, sometimes breaking into birds."""
    bend, wide = hand.number(-0.35, 0.35, 0.05), hand.number(0.3, 0.55, 0.06)
    t = np.linspace(0, 1, 40)
    quill = np.column_stack([bend * np.sin(np.pi * t), 1 - 2 * t])
    vane = wide * np.sin(np.pi * np.clip((t - 0.18) / 0.82, 0, 1)) ** 0.6
    notch = [hand.count(12, 34) for _ in range(3)]
    vane[notch] *= 0.45
    shapes = [solid(ribbon(quill, vane), FIRST), line(quill, 1.3)]
    for k in range(9, 38, 2):
        for side in (-1, 1):
            tip = quill[min(k + 3, 39)] + (side * vane[k] * 0.45, 0)
            shapes.append(line(np.vstack([quill[k], tip]), 0.5, True))
    if hand.chance(0.4):
        for k in range(4):
            x, y = 0.35 + 0.13 * k, -0.35 - 0.2 * k
            bird = spline(
                [
                    (x - 0.12, y - 0.06),
                    (x - 0.04, y - 0.07),
                    (x, y),
                    (x + 0.05, y - 0.08),
                    (x + 0.13, y - 0.05),
                ]
            )
            shapes.append(line(bird, 1.5))
    return moved(shapes, turn=hand.number(-0.5, 0.5, 0.05))


@family("animal", "geometric")
def fox_head(hand: Hand) -> list[Shape]:
    """Draw an animal's face in facets, fox to wolf to cat by its proportions."""
    ear, cheek = hand.number(0.45, 0.95, 0.06), hand.number(0.55, 0.95, 0.06)
    muzzle, brow = hand.number(0.55, 1.0, 0.06), hand.number(0.2, 0.4, 0.06)
    nose = (0.0, muzzle)
    half = [
        solid(xy((0.12, -0.35), (0.55, -0.45 - ear), (0.72, -0.15)), FIRST),
        solid(xy((0.26, -0.42), (0.5, -0.3 - ear * 0.8), (0.6, -0.3)), DARK, 0.6),
        solid(xy((0, -0.38), (0.12, -0.35), (0.72, -0.15), (0.3, brow - 0.1), (0, 0.1)), FIRST),
        solid(xy((0.72, -0.15), (cheek, 0.35), (0.3, 0.5), (0.3, brow - 0.1)), SECOND),
        solid(xy((0.3, brow - 0.1), (0.3, 0.5), (0.12, muzzle - 0.05), (0, 0.4), (0, 0.1)), BLANK),
        solid(xy((cheek, 0.35), (0.12, muzzle - 0.05), (0.3, 0.5)), BLANK),
        solid(xy((0.16, 0.06), (0.36, -0.02), (0.3, 0.12)), DARK, 0.7),
    ]
    snout = [solid(xy((-0.14, muzzle - 0.14), (0.14, muzzle - 0.14), nose), DARK)]
    return both(half) + snout


@family("animal", "dragon")
def dragon(hand: Hand) -> list[Shape]:
    """Draw a long-bodied dragon with a crest, horns and claws."""
    waves, swing = hand.number(1.1, 1.7, 0.03), hand.number(0.5, 0.8, 0.05)
    t = np.linspace(0, 1, 80)
    path = np.column_stack([swing * np.cos(TAU * waves * t), 0.9 - 1.6 * t + 0.2 * np.sin(9 * t)])
    wide = 0.27 * np.minimum(1, 0.1 + 2.5 * t)
    shapes: list[Shape] = []
    along = np.gradient(path, axis=0)
    angle = np.arctan2(along[:, 0], -along[:, 1])
    for k in range(4, 78, 5):
        spike = placed(
            petal(wide[k] * 1.35, wide[k] * 0.7, 0.1), *pair(path[k]), turn=angle[k] + 1.5
        )
        shapes.append(solid(spike, SECOND, 0.8))
    for k in range(0, 76, 4):
        part = slice(k, k + 6)
        outline = ribbon(path[part], wide[part])
        half = len(outline) // 2
        shapes += [Shape((outline,), FIRST, 0.0), line(outline[:half]), line(outline[half:])]
        shapes.append(line(outline[[2, len(outline) - 3]], 0.6, True))
    for k in (24, 52):
        at = pair(path[k])
        for toe in float(angle[k]) - 1.6 + np.array((-0.5, 0.0, 0.5)):
            claw = petal(0.32, 0.1, 0.2)
            shapes.append(solid(placed(claw, *at, turn=toe), FIRST, 0.8))
    jaw = spline(
        [
            (-0.3, 0.3),
            (-0.45, -0.2),
            (-0.25, -0.6),
            (-0.3, -1.1),
            (0.05, -1.2),
            (0.2, -0.7),
            (0.5, -0.3),
            (0.4, 0.3),
        ],
        True,
    )
    head = [solid(placed(petal(1.2, 0.2, 0.3), 0.2, 0, turn=a), SECOND) for a in (2.2, 2.7, -2.6)]
    head += [solid(jaw, FIRST), solid(ellipse(0.1, -0.35, 0.12, 0.09), DARK)]
    head += [
        line(spline([(-0.25, -1.0), (-0.6, -1.3), (-0.4, -1.7)])),
        line(xy((0, -1), (-0.2, -0.6))),
    ]
    shapes += moved(head, *pair(path[-1]), scale=0.32, turn=float(angle[-4]))
    return moved(shapes, mirror=hand.chance(0.5), turn=hand.number(-0.3, 0.3, 0.05))


@family("animal", "insect")
def scorpion(hand: Hand) -> list[Shape]:
    """Draw a scorpion with raised tail and pincers."""
    bend, pinch = hand.number(0.5, 1.0, 0.05), hand.number(0.3, 0.5, 0.06)
    shapes: list[Shape] = []
    for k in range(4):
        y = 0.0 + 0.14 * k
        leg = spline([(0.12, y), (0.45, y - 0.12 + 0.06 * k), (0.62, y + 0.25)])
        shapes += both([solid(ribbon(leg, np.linspace(0.06, 0.02, len(leg))), DARK, 0.5)])
    arm = spline([(0.12, -0.1), (0.45, -0.3), (0.4, -0.62)])
    claw = [solid(ribbon(arm, 0.08), FIRST)]
    claw += [solid(placed(petal(pinch, 0.2, 0.3), 0.4, -0.6, turn=a), FIRST) for a in (-0.35, 0.25)]
    shapes += both(claw)
    t = np.linspace(0, 1, 8)
    tail = np.column_stack(
        [bend * np.sin(2.4 * t) * 0.9, 0.55 + 0.55 * np.sin(2.8 * t) - 0.9 * t**2]
    )
    for k in range(7):
        shapes.append(solid(ellipse(*pair(tail[k]), 0.12 - 0.008 * k, count=18), FIRST))
    shapes.append(solid(placed(petal(0.28, 0.12, 0.2), *pair(tail[7]), turn=-0.6), DARK))
    for k in range(5):
        shapes.append(solid(ellipse(0, 0.5 - 0.14 * k, 0.2 - 0.01 * k, 0.12), FIRST))
    shapes.append(solid(ellipse(0, -0.2, 0.2, 0.17), FIRST))
    return moved(shapes, mirror=hand.chance(0.5))


@family("animal", "bird", "wings")
def owl(hand: Hand) -> list[Shape]:
    """Draw a frontal owl with round eyes and breast feathers."""
    wide, eye = hand.number(0.5, 0.72, 0.06), hand.number(0.2, 0.28, 0.06)
    tuft = hand.number(0.1, 0.4, 0.06)
    body = spline(
        [
            (0, 1),
            (-wide * 0.8, 0.7),
            (-wide, 0),
            (-wide * 0.85, -0.6),
            (0, -0.72),
            (wide * 0.85, -0.6),
            (wide, 0),
            (wide * 0.8, 0.7),
        ],
        True,
    )
    wing = spline(
        [(wide * 0.75, -0.25), (wide * 1.25, 0.25), (wide * 0.7, 0.85), (wide * 0.5, 0.3)], True
    )
    ear = xy((wide * 0.3, -0.66), (wide * 0.95, -0.72 - tuft), (wide * 0.9, -0.45))
    shapes = [*both([solid(ear, FIRST)]), solid(body, BLANK), *both([solid(wing, FIRST)])]
    for row in range(4):
        for k in range(5 - row % 2):
            x = (k - (4 - row % 2) / 2) * 0.17
            cup = ellipse(x, 0.15 + 0.17 * row, 0.085, 0.09, 0, np.pi, 10)
            shapes.append(line(cup, 0.6, True))
    disc = [
        solid(ellipse(eye, -0.32, eye * 1.1), SECOND),
        solid(ellipse(eye, -0.32, eye * 0.6), BLANK),
    ]
    disc.append(solid(ellipse(eye, -0.32, eye * 0.34), DARK))
    return shapes + both(disc) + [solid(xy((-0.08, -0.22), (0.08, -0.22), (0, 0.02)), DARK)]
