"""Motif families of emblems: skulls, hearts, crosses, eyes, wings, stars and lights of the sky."""

from __future__ import annotations

import numpy as np

from .curves import (
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

__all__ = ["heart_outline"]


def heart_outline(size: float) -> np.ndarray:
    """Return a heart of about `size` half width round (0, 0): x and y, shape (60, 2)."""
    t = np.linspace(0, TAU, 60, endpoint=False)
    x = 16 * np.sin(t) ** 3
    y = -(13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t))
    return np.column_stack([x, y]) * (size / 16)


@family("bones", "death")
def skull(hand: Hand) -> list[Shape]:
    """Draw a frontal skull, with or without its jaw, with or without crossed bones."""
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
        shapes.append(
            solid(
                spline(
                    [
                        (-cheek, 0.3),
                        (-cheek * 0.85, 0.85),
                        (-0.2, 1.02),
                        (0.2, 1.02),
                        (cheek * 0.85, 0.85),
                        (cheek, 0.3),
                    ],
                    True,
                )
            )
        )
    cranium = spline(
        [
            (0, -dome),
            (-wide * 0.72, -dome * 0.8),
            (-wide, -0.2),
            (-wide * 0.88, 0.2),
            (-cheek, 0.38),
            (-cheek * 0.8, 0.68),
            (0, 0.72),
            (cheek * 0.8, 0.68),
            (cheek, 0.38),
            (wide * 0.88, 0.2),
            (wide, -0.2),
            (wide * 0.72, -dome * 0.8),
        ],
        True,
    )
    shapes.append(solid(cranium))
    angry = hand.number(-0.12, 0.12, 0.06)
    socket = spline(
        [
            (0.3 - eye, 0.02),
            (0.3, -eye * 0.9 - angry),
            (0.3 + eye, -0.02 + angry),
            (0.3 + eye * 0.5, eye * 0.9),
            (0.3 - eye * 0.6, eye * 0.7),
        ],
        True,
    )
    shapes += both([solid(socket, DARK)])
    shapes += both([solid(spline([(0.02, 0.22), (0.12, 0.4), (0.03, 0.42)], True), DARK, 0.6)])
    for x in np.linspace(-cheek * 0.6, cheek * 0.6, hand.count(5, 7)):
        shapes.append(line(xy((x, 0.5), (x, 0.82 if jaw else 0.7)), 0.9))
    shapes.append(line(xy((-cheek * 0.72, 0.66), (cheek * 0.72, 0.66)), 0.9))
    crack = spline([(0.1, -dome), (0.2, -dome * 0.75), (0.1, -dome * 0.6), (0.22, -dome * 0.45)])
    shapes.append(line(crack, 0.6, True))
    if hand.chance(0.3):
        shapes.append(solid(placed(star(hand.count(4, 6), 0.2, 0.08), 0, -dome * 0.55), FIRST, 0.7))
    return shapes


@family("love")
def heart(hand: Hand) -> list[Shape]:
    """Draw a heart: plain, winged, flaming, or pierced by an arrow or dagger."""
    kind = hand.pick(("plain", "wings", "flames", "arrow", "dagger"))
    size = 0.62 if kind != "plain" else 0.95
    slim = hand.number(0.85, 1.15, 0.06)
    core = [solid(heart_outline(size) * (slim, 1), FIRST)]
    core.append(
        line(ellipse(-size * 0.4, -size * 0.35, size * 0.3, size * 0.3, 3.3, 4.6, 12), 0.7, True)
    )
    if kind == "wings":
        wing: list[Shape] = []
        for k in range(hand.count(4, 6)):
            plume = placed(petal(0.85 - 0.07 * k, 0.2, 0.6), 0.45, 0.05, turn=0.75 + 0.24 * k)
            wing.append(solid(plume, BLANK))
        return both(wing) + core
    if kind == "flames":
        fire = [
            solid(
                placed(petal(0.85 - 0.14 * abs(k), 0.34, 0.2), 0.16 * k, -0.25, turn=0.17 * k),
                SECOND,
            )
            for k in (-3, 3, -2, 2, -1, 1, 0)
        ]
        return fire + core
    if kind in ("arrow", "dagger"):
        turn = hand.number(0.6, 1.0, 0.05) if kind == "arrow" else 0.0
        shaft = [
            solid(box(0, 0, 0.04, 1.1), THIRD),
            solid(xy((0, 1.4), (-0.16, 1.05), (0.16, 1.05)), DARK),
        ]
        if kind == "arrow":
            for k in range(3):
                y = -1.1 + 0.12 * k
                shaft.append(solid(xy((0, y), (0.18, y - 0.15), (0.18, y), (0, y + 0.14)), SECOND))
                shaft.append(
                    solid(xy((0, y), (-0.18, y - 0.15), (-0.18, y), (0, y + 0.14)), SECOND)
                )
        else:
            shaft += [
                solid(box(0, -0.8, 0.32, 0.06), SECOND),
                solid(box(0, -1.05, 0.08, 0.2), DARK),
            ]
        back = moved(shaft, turn=turn)
        return back + core
    return core


@family("nautical", "star")
def nautical_star(hand: Hand) -> list[Shape]:
    """Draw a star with split light and dark halves."""
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


@family("religious")
def cross(hand: Hand) -> list[Shape]:
    """Draw a cross: Latin, flared or Celtic, with a ring or rays."""
    flare, wide = hand.number(0, 0.14, 0.06), hand.number(0.14, 0.24, 0.06)
    bar, high = hand.number(0.45, 0.75, 0.06), hand.number(0.2, 0.4, 0.06)
    w, f, y = wide, wide + flare, -high
    upper = y - bar * 0.8
    outline = xy(
        (-f, upper),
        (f, upper),
        (w, y - w),
        (bar, y - f),
        (bar, y + f),
        (w, y + w),
        (f, 1),
        (-f, 1),
        (-w, y + w),
        (-bar, y + f),
        (-bar, y - f),
        (-w, y - w),
    )
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
    shapes.append(
        line(
            np.vstack(
                [
                    (inner - centre) * (0.8, 0.86) + centre,
                    ((inner - centre) * (0.8, 0.86) + centre)[:1],
                ]
            ),
            0.6,
            True,
        )
    )
    return shapes


@family("religious", "eye")
def eye(hand: Hand) -> list[Shape]:
    """Draw an eye, bare with lashes or in a rayed triangle."""
    open_, kind = hand.number(0.35, 0.6, 0.05), hand.pick(("triangle", "lashes", "rays"))
    size = 0.5 if kind == "triangle" else 0.85
    lid = spline(
        [
            (-1, 0.05),
            (-0.45, -open_ * 0.9),
            (0.2, -open_),
            (1, 0.05),
            (0.35, open_ * 0.75),
            (-0.4, open_ * 0.7),
        ],
        True,
    )
    look = [solid(lid), solid(ellipse(0.02, -0.03, open_ * 0.8, count=36), FIRST)]
    look += [solid(ellipse(0.02, -0.03, open_ * 0.36, count=24), DARK)]
    look += [solid(ellipse(-0.08, -0.12, 0.07, count=12), BLANK, 0)]
    shapes: list[Shape] = []
    if kind == "triangle":
        for k in range(hand.count(16, 24)):
            a = k * TAU / 20
            shapes.append(
                line(np.array([(np.sin(a), -np.cos(a))]) * [[0.75], [1.1 if k % 2 else 0.95]], 0.8)
            )
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
            shapes.append(
                solid(
                    placed(
                        xy((-0.04, 0), (0.04, 0), (0, -0.55)), root[0], root[1] * 1.15, turn=a * 0.8
                    ),
                    SECOND,
                    0.7,
                )
            )
    brow = spline([(-0.9, -open_ - 0.2), (-0.2, -open_ - 0.5), (0.9, -open_ - 0.25)])
    if kind == "lashes":
        shapes.append(solid(ribbon(brow, np.linspace(0.16, 0.03, len(brow))), DARK))
        shapes.append(line(spline([(0.3, open_ * 0.7), (0.2, 1.0), (0.45, 1.1)]), 1.0))
    return moved(shapes + look, scale=size)


@family("wings", "angel")
def wings(hand: Hand) -> list[Shape]:
    """Draw a pair of feathered wings."""
    rows, fan = hand.count(2, 3), hand.number(0.9, 1.6, 0.05)
    lift, slim = hand.number(0.5, 1.0, 0.05), hand.number(0.16, 0.24)
    arm = spline([(0.06, 0.25), (0.16, -lift * 0.55), (0.5, -lift), (0.95, -lift * 0.7)])
    wing: list[Shape] = []
    for row in range(rows):
        number = 9 - row
        for k in range(number):
            at = k / (number - 1)
            x, y = arm[int(at * (len(arm) - 1))]
            long = (1.25 - 0.42 * row) * (0.55 + 0.45 * np.sin(np.pi * (0.25 + 0.6 * at)))
            turn = np.pi - 0.25 - fan * at + hand.loose(0.03)
            plume = placed(petal(long, slim, 0.7), x, y, turn=turn)
            wing.append(solid(plume, (BLANK, FIRST, SECOND)[row]))
    wing.append(solid(ribbon(arm, np.linspace(0.2, 0.08, len(arm))), FIRST))
    return both(wing)


@family("sky")
def moon(hand: Hand) -> list[Shape]:
    """Draw a crescent with stars, clouds or a face."""
    thin, turn = hand.number(0.25, 0.6, 0.05), hand.number(-0.5, 0.5, 0.05)
    outer = ellipse(0, 0, 1, 1, -np.pi / 2 - 0.9, np.pi / 2 + 0.9, 50)
    inner = spline(
        [
            tuple(outer[-1]),
            (0.25 - thin * 0.5, 0.55),
            (0.55 - thin, 0),
            (0.25 - thin * 0.5, -0.55),
            tuple(outer[0]),
        ]
    )
    shapes = [solid(np.vstack([outer, inner]), SECOND)]
    kind = hand.pick(("stars", "face", "dots"))
    if kind == "face":
        shapes.append(solid(ellipse(0.62, -0.2, 0.07, count=14), DARK))
        shapes.append(line(spline([(0.45, 0.25), (0.6, 0.35), (0.75, 0.25)]), 1.0))
    for k in range(hand.count(2, 5)):
        x, y = hand.number(-0.7, 0.1, 0.04), hand.number(-0.7, 0.7, 0.04)
        size = 0.09 + 0.04 * (k % 3)
        dot = (
            placed(star(5, size * 1.6, size * 0.7), x, y)
            if kind != "dots"
            else ellipse(x, y, size * 0.6, count=14)
        )
        shapes.append(solid(dot, FIRST))
    return moved(shapes, turn=turn, mirror=hand.chance(0.5))


@family("sky")
def sun(hand: Hand) -> list[Shape]:
    """Draw a sun with straight and flaming rays."""
    rays, disc = hand.pick((8, 12, 16)), hand.number(0.35, 0.55, 0.05)
    bent = hand.chance(0.5)
    shapes: list[Shape] = []
    for k in range(rays):
        ray = petal(1, 0.26, 0.05) if k % 2 and bent else xy((-0.13, 0), (0, -1), (0.13, 0))
        shapes.append(
            solid(
                placed(ray * (1, 1 if k % 2 else 0.82), turn=k * TAU / rays),
                FIRST if k % 2 else SECOND,
            )
        )
    shapes += [
        solid(ellipse(0, 0, disc, count=44), SECOND),
        solid(ellipse(0, 0, disc * 0.8, count=44), BLANK, 0.7),
    ]
    if hand.chance(0.5):
        face = [solid(ellipse(0.3, -0.15, 0.14, 0.07), DARK)]
        shapes += moved(both(face), scale=disc)
        shapes.append(
            line(
                spline([(-disc * 0.35, disc * 0.3), (0, disc * 0.48), (disc * 0.35, disc * 0.3)]), 1
            )
        )
        shapes.append(
            line(spline([(0, -disc * 0.1), (disc * 0.1, disc * 0.1), (0, disc * 0.14)]), 0.7)
        )
    else:
        shapes.append(line(polar(lambda t: disc * (0.45 + 0.15 * np.cos(4 * t)), 60), 0.8))
    return shapes
