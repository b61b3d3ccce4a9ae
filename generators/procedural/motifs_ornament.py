"""Motif families of ornament: mandalas, tribal blades, knots, webs, waves and mountains."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from .curves import (
    TAU,
    Points,
    box,
    ellipse,
    pair,
    petal,
    placed,
    polar,
    ribbon,
    spiral,
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
from .motifs_emblems import heart_outline

__all__: list[str] = []


@family("ornament", "geometric")
def mandala(hand: Hand) -> list[Shape]:
    """Draw rings of petals, arcs and dots in rotational symmetry."""
    order, rings = hand.pick((6, 8, 10, 12)), hand.count(3, 4)
    shapes: list[Shape] = []
    for ring in range(rings):
        outer = 1 - 0.72 * ring / rings
        kind = hand.pick(("petal", "tip", "arc", "dot"))
        half = 0.5 * (ring % 2)
        wide = TAU * outer / order
        for k in range(order):
            turn = (k + half) * TAU / order
            if kind == "petal":
                part = petal(outer, wide * 0.8, 0.75)
            elif kind == "tip":
                part = xy(
                    (-wide * 0.4, -outer * 0.6), (0, -outer), (wide * 0.4, -outer * 0.6), (0, 0)
                )
            elif kind == "arc":
                part = ellipse(0, -outer * 0.78, wide * 0.42, outer * 0.22)
            else:
                part = ellipse(0, -outer * 0.88, min(wide * 0.28, 0.12), count=16)
            fill = DARK if kind == "dot" else (FIRST, BLANK, SECOND)[ring % 3]
            shapes.append(solid(placed(part, turn=turn), fill))
            vein = placed(xy((0, -outer * 0.6), (0, -outer * 0.86)), turn=turn)
            shapes.append(line(vein, 0.5, True))
        rim = outer * hand.number(0.56, 0.7)
        shapes.append(solid(ellipse(0, 0, rim, count=60), BLANK, 0.8))
    shapes.append(solid(polar(lambda t: 0.17 + 0.05 * np.cos(order * t)), DARK))
    return shapes


@family("ornament", "tribal")
def tribal(hand: Hand) -> list[Shape]:
    """Draw curved black blades that fork from one another, mirrored or running."""
    number, mirror = hand.count(3, 5), hand.chance(0.65)
    shapes: list[Shape] = []
    t = np.linspace(0, 1, 40)
    for k in range(number):
        long, lean = hand.number(1.0, 1.7, 0.05), hand.number(-0.3, 1.5, 0.03)
        bend, hook = hand.number(-1.6, 1.6, 0.03), hand.number(1.2, 3.0, 0.03)
        # A blade sweeps out, swells, and hooks back at its tip.
        turn = lean + bend * t + (hook if k % 2 else -hook) * t**3
        path = np.column_stack([np.cumsum(np.sin(turn)), -np.cumsum(np.cos(turn))]) * long / 40
        start = (0.05, 0.85 - 1.5 * k / number)
        wide = hand.number(0.2, 0.34, 0.06) * np.sin(np.pi * (0.12 + 0.88 * t) ** 0.8)
        shapes.append(solid(ribbon(path + start, wide), DARK, 0.4))
        thorn = placed(petal(0.34, 0.14, 0.05), *pair(path[16] + start), turn=float(turn[16]) + 0.9)
        shapes.append(solid(thorn, DARK, 0.3))
    if mirror:
        return both(shapes)
    return shapes + moved(shapes, 0.0, 0.1, 0.8, 2.6)


@family("ornament", "celtic")
def knot(hand: Hand) -> list[Shape]:
    """Draw an interlaced knot: trefoil, quatrefoil or star."""
    lobes, depth = hand.pick((3, 3, 4, 5)), hand.number(0.35, 0.5, 0.04)
    wide = hand.number(0.12, 0.19)
    t = np.linspace(0, TAU * (2 if lobes % 2 else 1), 241)
    k = lobes / 2 if lobes % 2 else lobes
    r = 0.62 + depth * np.cos(k * t) if lobes % 2 else 0.62 + 0.36 * np.cos(k * t)
    path = np.column_stack([r * np.sin(t), -r * np.cos(t)])
    shapes: list[Shape] = []
    ring = solid(ribbon(ellipse(0, 0, 0.55, count=60), wide * 0.7), SECOND)
    if hand.chance(0.4) or not lobes % 2:
        shapes.append(ring)
    step = 12
    for part in [*range(0, 240, 2 * step), *range(step, 240, 2 * step)]:
        piece = ribbon(path[part : part + step + 3], wide)
        half = len(piece) // 2
        shapes += [Shape((piece,), FIRST, 0.0), line(piece[:half]), line(piece[half:])]
    return shapes


@family("web")
def spider_web(hand: Hand) -> list[Shape]:
    """Draw a web, whole or a quarter of one, with sagging threads."""
    quarter, spokes, rings = hand.chance(0.4), hand.count(7, 11), hand.count(4, 6)
    span = np.pi / 2 if quarter else TAU
    angles = np.linspace(0, span, spokes if quarter else spokes + 1)
    shapes: list[Shape] = []
    for a in angles:
        end = (1.0 + hand.loose(0.04)) * np.array((np.cos(a), np.sin(a)))
        shapes.append(line(np.vstack([(0, 0), end]), 1.0))
    for ring in range(1, rings + 1):
        r = ring / (rings + 0.2)
        for a, b in pairwise(angles):
            middle = 0.86 * r * np.array((np.cos((a + b) / 2), np.sin((a + b) / 2)))
            ends = r * np.array([(np.cos(a), np.sin(a)), (np.cos(b), np.sin(b))])
            shapes.append(line(spline([tuple(ends[0]), tuple(middle), tuple(ends[1])]), 0.9))
    if hand.chance(0.5):
        x, y = 0.45, 0.5
        shapes.append(line(xy((x, 0.2), (x, y)), 0.7))
        shapes += [
            solid(ellipse(x, y + 0.1, 0.09, 0.12), DARK),
            solid(ellipse(x, y - 0.03, 0.06), DARK),
        ]
        for k in (-1, 0, 1):
            leg = spline([(x, y), (x + 0.16, y - 0.08 + 0.1 * k), (x + 0.2, y + 0.08 + 0.12 * k)])
            shapes += [line(leg, 0.8), line((leg - (x, 0)) * (-1, 1) + (x, 0), 0.8)]
    return shapes


@family("sea")
def wave(hand: Hand) -> list[Shape]:
    """Draw a breaking wave with foam fingers, in a ring or before a sun."""
    curl, ring = hand.number(0.8, 1.3, 0.05), hand.pick(("ring", "sun", "bare"))
    shapes: list[Shape] = []
    if ring == "ring":
        shapes.append(solid(ellipse(0, 0, 1.0, count=70), BLANK, 1.2))
    elif ring == "sun":
        shapes.append(solid(ellipse(0.3, -0.35, 0.45, count=50), FIRST, 0.8))
    body = spline(
        [
            (-0.95, 0.7),
            (-0.55, 0.1),
            (-0.2, -0.5),
            (0.35, -0.6 * curl),
            (0.7, -0.2),
            (0.45, 0.02),
            (0.3, -0.2),
            (0.05, -0.12),
            (0.05, 0.3),
            (0.4, 0.55),
            (0.95, 0.5),
            (0.8, 0.75),
        ]
    )
    shapes.append(solid(body, SECOND))
    for k in range(5):
        inner = body[8:40] * (1 - 0.13 * k) + (0.02 * k, 0.11 * k)
        shapes.append(line(inner, 0.6, True))
    for k in range(hand.count(4, 7)):
        at = body[26 + 5 * k]
        shapes.append(solid(ellipse(at[0] + 0.03, at[1], 0.09 - 0.008 * k, count=16), BLANK, 0.8))
    for k in range(3):
        x = np.linspace(-0.9, 0.9, 30)
        y = 0.62 + 0.1 * k + 0.05 * np.sin(7 * x + k)
        shapes.append(line(np.column_stack([x * (1 - 0.1 * k), y]), 0.8))
    return moved(shapes, mirror=hand.chance(0.5))


@family("ornament", "feather")
def dreamcatcher(hand: Hand) -> list[Shape]:
    """Draw a hoop with a woven star and hanging feathers."""
    tips, hoop = hand.pick((6, 8, 10)), hand.number(0.42, 0.55, 0.05)
    shapes = [solid(ellipse(0, -0.45, hoop, count=50), BLANK, 1.5)]
    for level in range(3):
        r = hoop * (1 - 0.3 * level)
        net = star(tips, r, r * 0.72, level * np.pi / tips) + xy((0, -0.45))
        shapes.append(line(np.vstack([net, net[:1]]), 0.7))
    shapes.append(solid(ellipse(0, -0.45, 0.07, count=14), FIRST))
    hang = hand.count(2, 3)
    for k in range(hang):
        x = (k - (hang - 1) / 2) * hoop * 0.85
        y0 = -0.45 + float(np.sqrt(max(hoop**2 - x**2, 0)))
        y1 = y0 + hand.number(0.15, 0.35, 0.08)
        shapes.append(line(xy((x, y0), (x, y1)), 0.8))
        shapes.append(solid(ellipse(x, y1, 0.045, count=12), SECOND))
        plume = placed(petal(0.55, 0.2, 0.45), x, y1, turn=np.pi + 0.1 * x + hand.loose(0.05))
        shapes += [solid(plume, FIRST), line(xy((x, y1), (x, y1 + 0.5)), 0.6, True)]
    return shapes


@family("ornament", "band")
def barbed_wire(hand: Hand) -> list[Shape]:
    """Draw a band: twisted wire with barbs, a meander, or rows of blades."""
    kind, number = hand.pick(("wire", "meander", "blades")), hand.count(3, 5)
    tilt = hand.number(-0.2, 0.2, 0.05)
    x = np.linspace(-1, 1, 120)
    shapes: list[Shape] = []
    if kind == "wire":
        for phase in (0.0, np.pi):
            y = 0.06 * np.sin(TAU * number * x + phase)
            shapes.append(solid(ribbon(np.column_stack([x, y]), 0.07), FIRST, 0.8))
        for k in range(number):
            at = -0.85 + 1.7 * k / (number - 1)
            shapes += [
                solid(placed(petal(0.3, 0.09, 0.1), at, 0, turn=turn), DARK, 0.6)
                for turn in (0.5, -0.6, np.pi + 0.5, np.pi - 0.6)
            ]
    elif kind == "meander":
        for k in range(number + 1):
            at = -0.85 + 1.7 * k / number
            hook = spiral(1.6, 0.04, 0.19, 30)
            shapes.append(solid(ribbon(hook + xy((at, 0)), 0.06), DARK, 0.3))
        shapes += [solid(box(0, rail, 1, 0.045), DARK, 0.3) for rail in (-0.3, 0.3)]
    else:
        for k in range(2 * number):
            at = -0.95 + 1.9 * k / (2 * number - 1)
            blade = petal(0.5, 0.26, 0.2)
            shapes.append(solid(placed(blade, at, 0.18, turn=0.35), DARK if k % 2 else FIRST))
            shapes.append(
                solid(placed(blade, at, -0.05, turn=np.pi + 0.35), FIRST if k % 2 else DARK)
            )
    return moved(shapes, turn=tilt)


@family("landscape")
def mountains(hand: Hand) -> list[Shape]:
    """Draw peaks and pines in a circle, diamond or open, with sun or moon."""
    frame, peaks = hand.pick(("circle", "diamond", "open")), hand.count(2, 3)
    shapes: list[Shape] = []
    if frame == "circle":
        shapes.append(solid(ellipse(0, 0, 1, count=70), BLANK, 1.2))
    elif frame == "diamond":
        shapes.append(solid(xy((0, -1.1), (0.95, 0), (0, 1.1), (-0.95, 0)), BLANK, 1.2))
    shapes.append(solid(ellipse(hand.number(-0.35, 0.35, 0.05), -0.42, 0.2, count=30), SECOND))
    for k in range(peaks):
        x = (k - (peaks - 1) / 2) * 0.55
        top, wide = hand.number(-0.55, -0.1, 0.06), hand.number(0.35, 0.5, 0.06)
        shapes.append(solid(xy((x, top), (x + wide, 0.4), (x - wide, 0.4)), FIRST))
        snow = xy(
            (x, top),
            (x + wide * 0.4, top + 0.28),
            (x + 0.05, top + 0.2),
            (x - 0.06, top + 0.32),
            (x - wide * 0.4, top + 0.28),
        )
        shapes.append(solid(snow, BLANK, 0.8))
    for k in range(hand.count(3, 6)):
        x, y = -0.6 + 0.24 * k, 0.5 + 0.06 * (k % 2)
        for tier in range(3):
            s = 0.13 - 0.03 * tier
            shapes.append(
                solid(
                    xy((x, y - 0.2 - 0.1 * tier), (x + s, y - 0.1 * tier), (x - s, y - 0.1 * tier)),
                    DARK,
                    0.5,
                )
            )
    shapes += [
        line(spline([(-w, y), (0, y - 0.04), (w, y + 0.02)]), 0.8)
        for w, y in ((0.6, 0.62), (0.45, 0.72))
    ]
    return shapes


@family("ornament", "geometric")
def sacred_geometry(hand: Hand) -> list[Shape]:
    """Draw nested polygons and circles with dots."""
    sides, levels = hand.pick((3, 4, 6)), hand.count(2, 4)
    shapes = [solid(ellipse(0, 0, hand.number(0.75, 1, 0.04), count=70), BLANK, 0.9)]
    for level in range(levels):
        r = 1 - 0.2 * level
        turns = np.arange(sides + 1) * TAU / sides + (np.pi if level % 2 else 0)
        corner = np.column_stack([r * np.sin(turns), -r * np.cos(turns)])
        shapes.append(line(corner, 1.0))
        shapes += [solid(ellipse(*pair(p), 0.05, count=12), DARK, 0.5) for p in corner[:-1]]
    kind = hand.pick(("circles", "solid", "rays"))
    for k in range(6):
        a = k * TAU / 6
        c = (0.3 * np.sin(a), -0.3 * np.cos(a))
        if kind == "circles":
            shapes.append(line(ellipse(*c, 0.3, count=36), 0.7))
        elif kind == "solid":
            shapes.append(
                solid(
                    xy(c, (0.3 * np.sin(a + 1), -0.3 * np.cos(a + 1)), (0, 0)),
                    DARK if k % 2 else FIRST,
                )
            )
        else:
            shapes.append(line(xy((0, 0), (c[0] * 2.4, c[1] * 2.4)), 0.7))
    return shapes


def _flame(hand: Hand, x: float, high: float, wide: float) -> Points:
    """Return a tongue of fire from (x, 0.8) that licks to one side and back."""
    t = np.linspace(0, 1, 26)
    lick, phase = hand.number(0.08, 0.26, 0.06), hand.number(0, 3, 0.05)
    path = np.column_stack([x + lick * np.sin(4.2 * t + phase) * t, 0.8 - (0.8 + high) * t])
    return ribbon(path, wide * np.sin(np.pi * (0.3 + 0.7 * t)) ** 1.1 * (1.25 - 0.5 * t))


@family("fire")
def flames(hand: Hand) -> list[Shape]:
    """Draw tongues of fire, outer ones lower, each with a lighter core."""
    number = hand.pick((3, 5))
    shapes: list[Shape] = []
    order = sorted(range(number), key=lambda k: -abs(k - (number - 1) / 2))
    for k in order:
        off = k - (number - 1) / 2
        high = hand.number(0.5, 0.9, 0.06) * (1.1 - 0.3 * abs(off))
        tongue = _flame(hand, off * 1.25 / number, high, 2.0 / number)
        shapes.append(solid(tongue, FIRST))
        foot = (off * 1.25 / number, 0.8)
        shapes.append(solid((tongue - foot) * (0.5, 0.6) + foot, SECOND, 0.7))
    return shapes


@family("symbol")
def infinity(hand: Hand) -> list[Shape]:
    """Draw a lying eight, plain or with a heart, feather or arrow in its line."""
    wide, kind = hand.number(0.05, 0.14), hand.pick(("plain", "heart", "birds", "double"))
    t = np.linspace(0, TAU, 120)
    tall = hand.number(0.8, 1.3, 0.05)
    path = (
        np.column_stack([np.cos(t), tall * np.sin(t) * np.cos(t)]) / (1 + np.sin(t) ** 2)[:, None]
    )
    width = wide * (1 + 0.5 * np.cos(2 * t))
    shapes = [Shape((ribbon(path, width),), DARK, 0.3)]
    if kind == "double":
        shapes.append(line(path * (0.8, 0.62), 0.9))
    if kind == "heart":
        shapes.append(solid(heart_outline(0.2) + xy((0.55, -0.36)), FIRST))
    if kind == "birds":
        for k in range(3):
            x, y = 0.5 + 0.2 * k, -0.5 - 0.13 * k
            shapes.append(line(spline([(x - 0.12, y - 0.06), (x, y), (x + 0.12, y - 0.07)]), 1.6))
    return moved(shapes, turn=hand.number(-0.3, 0.3, 0.05))


@family("ornament", "geometric")
def polynesian(hand: Hand) -> list[Shape]:
    """Draw a round shield of rings with blades, steps and a sun."""
    outer, inner = hand.count(10, 16), hand.count(6, 9)
    shapes = [solid(ellipse(0, 0, 1, count=80), DARK, 1.0)]
    shapes.append(solid(ellipse(0, 0, 0.9, count=80), BLANK, 0.5))
    for k in range(outer):
        tooth = xy((-0.16, -0.88), (0.16, -0.88), (0, -0.68))
        shapes.append(solid(placed(tooth, turn=k * TAU / outer), DARK, 0.3))
    shapes.append(solid(ribbon(ellipse(0, 0, 0.62, count=60), 0.05), DARK, 0.2))
    hooked = hand.chance(0.5)
    for k in range(inner):
        part = petal(0.34, 0.2, 0.3) if hooked else box(0, -0.16, 0.07, 0.12)
        shapes.append(solid(placed(placed(part, 0, -0.24), turn=k * TAU / inner), DARK, 0.3))
    middle = hand.pick((3, 4, 8))
    shapes += [solid(ellipse(0, 0, 0.24, count=40), BLANK, 1.0)]
    shapes.append(solid(star(middle, 0.22, 0.07), FIRST, 0.5))
    return shapes
