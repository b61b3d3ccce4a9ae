"""Motif families of lettering and signs, from the glyph outlines of fonts matplotlib ships."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

from .curves import Points, ellipse, ribbon, spline, xy
from .drawing import BLANK, DARK, FIRST, OPEN, Hand, Shape, family, line, moved

__all__ = ["WORDS", "text_rings", "text_shape"]

WORDS = (
    "MOM", "LOVE", "HOPE", "FAITH", "Carpe", "Amor", "Familia", "Lucky", "Maria", "Anna", "Rosa",
    "Never", "Strength", "Only God", "Vida", "Free", "Truth", "Karma", "Dream", "Honor", "Loyal",
    "Jesus", "Sofia", "Diego", "Leo", "Luna", "Brave", "Rise", "Chaos", "Sempre", "1987", "1992",
    "2004", "13", "XIII", "MCMXC", "XVII", "MMX", "ΑΓΑΠΗ", "любовь", "мама", "Мир", "ἐλπίς",
)  # fmt: skip
_FONTS = (
    "DejaVuSerif-Bold.ttf",
    "DejaVuSerif-BoldItalic.ttf",
    "DejaVuSans-Bold.ttf",
    "DejaVuSans-Oblique.ttf",
    "DejaVuSerif-Italic.ttf",
    "DejaVuSansMono-Bold.ttf",
)
# Pictures among the glyphs of DejaVu Sans: suits, chess, faiths, zodiac, tools, stars.
_SIGNS = "☠☢☣☤☥☪☮☯☸☽♀♂♈♉♌♎♏♐♓♔♕♖♗♘♠♣♥♪♫⚓⚔⚖⚛⚜⚡✈✌✝✟✠✡✦✪✶❀❄❖❤☘☼Ω∞ЖΨ"


# Distances in hundredths of the font size.
_GAP, _SPACE = 9.0, 30.0


@lru_cache(maxsize=2048)
def _glyph(character: str, font: str) -> tuple[Points, ...]:
    """Return the outlines of one character, from x = 0, in hundredths of the font size, y up."""
    import matplotlib
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / font
    path = TextPath((0, 0), character, size=100, prop=FontProperties(fname=str(file)))
    rings = [np.asarray(r, dtype=np.float64) for r in path.to_polygons(closed_only=True)]
    rings = [r for r in rings if len(r) > 3]
    left = min(float(r[:, 0].min()) for r in rings)
    return tuple(r - xy((left, 0)) for r in rings)


@lru_cache(maxsize=512)
def text_rings(text: str, font: str = "DejaVuSans-Bold.ttf") -> tuple[Points, ...]:
    """Return the outlines of a text, centred, one unit high from baseline to cap height.

    Letters are set one gap apart, by their outlines: versions of matplotlib differ in how they
    lay out a line of text, and the drawing must not.

    Parameters
    ----------
    text : str
        What to write.
    font : str
        File name of a font that matplotlib ships.

    Returns
    -------
    tuple of ndarray
        Closed rings, float64, each of shape (n, 2), for the even-odd rule.
    """
    rings: list[Points] = []
    x = 0.0
    for character in text:
        if character.isspace():
            x += _SPACE
            continue
        glyph = _glyph(character, font)
        rings += [r + xy((x, 0)) for r in glyph]
        x += max(float(r[:, 0].max()) for r in glyph) + _GAP
    every = np.vstack(rings)
    middle = (every.min(axis=0) + every.max(axis=0)) / 2
    return tuple((r - middle) * (1 / 72.9, -1 / 72.9) for r in rings)


def text_shape(text: str, font: str, height: float, fill: int = DARK, weight: float = 0.2) -> Shape:
    """Return a text as one shape round (0, 0) with capitals `height` high."""
    return Shape(tuple(r * height for r in text_rings(text, font)), fill, weight)


def _bowed(shape: Shape, bow: float, slant: float) -> Shape:
    """Return the shape bent along a parabola and slanted, as lettering on a limb is."""
    every = np.vstack(shape.rings)
    reach = float(np.abs(every[:, 0]).max())
    rings = tuple(
        r + np.column_stack([-slant * r[:, 1], bow * (r[:, 0] / reach) ** 2]) for r in shape.rings
    )
    return Shape(rings, shape.fill, shape.weight, shape.detail)


@family("text")
def lettering(hand: Hand) -> list[Shape]:
    """Draw one word, sometimes with flourishes."""
    word, font = hand.pick(WORDS), hand.pick(_FONTS)
    hollow = hand.chance(0.25)
    shape = text_shape(word, font, 0.6, BLANK if hollow else DARK, 0.9 if hollow else 0.2)
    bow, slant = hand.number(-0.25, 0.25, 0.08), hand.number(0, 0.35, 0.06)
    shapes = [_bowed(shape, bow, slant)]
    reach = float(np.abs(np.vstack(shape.rings)[:, 0]).max())
    if hand.chance(0.6):
        for side in (-1, 1):
            y = side * hand.number(0.5, 0.7, 0.06)
            curl = spline(
                [
                    (-reach, y),
                    (-reach * 0.4, y + 0.12 * side),
                    (0, y),
                    (reach * 0.4, y - 0.12 * side),
                    (reach, y),
                    (reach * 1.05, y - 0.15 * side),
                    (reach * 0.92, y - 0.18 * side),
                ]
            )
            wide = 0.07 * np.sin(np.linspace(0.1, np.pi, len(curl)))
            shapes.append(Shape((ribbon(curl, wide),), DARK, 0.3))
    return moved(shapes, turn=hand.number(-0.25, 0.25, 0.06))


@family("text")
def lettering_stack(hand: Hand) -> list[Shape]:
    """Draw two or three short lines of text."""
    words = [hand.pick(WORDS) for _ in range(hand.count(2, 3))]
    font = hand.pick(_FONTS)
    shapes: list[Shape] = []
    for k, word in enumerate(words):
        shape = text_shape(word, font, 0.6)
        reach = float(np.abs(np.vstack(shape.rings)[:, 0]).max())
        shapes += moved([shape], 0, 0.85 * k, min(1.4, 1.0 / reach))
    return shapes


@family("symbol")
def sign(hand: Hand) -> list[Shape]:
    """Draw one pictorial glyph, solid or outlined, bare or in a ring."""
    glyph, hollow = hand.pick(_SIGNS), hand.chance(0.35)
    rings = text_rings(glyph, "DejaVuSans.ttf")
    size = 0.8 / float(np.abs(np.vstack(rings)).max())
    slim = hand.number(0.85, 1.15)
    shape = Shape(
        tuple(r * (size * slim, size) for r in rings),
        FIRST if hollow else DARK,
        1.0 if hollow else 0.3,
    )
    shapes: list[Shape] = []
    frame = hand.pick(("none", "none", "ring", "dots"))
    if frame == "ring":
        shapes.append(Shape((ellipse(0, 0, 1.15, count=70),), BLANK, 1.3))
    elif frame == "dots":
        for k in range(12):
            a = k * np.pi / 6
            shapes.append(
                Shape((ellipse(1.1 * np.cos(a), 1.1 * np.sin(a), 0.06, count=12),), DARK, 0.3)
            )
    return moved([*shapes, shape], turn=hand.number(-0.3, 0.3, 0.05))


@family("text", "banner")
def scroll(hand: Hand) -> list[Shape]:
    """Draw a word on a curling ribbon banner."""
    word, font = hand.pick(WORDS), hand.pick(_FONTS[:3])
    return banner(word, font, hand.number(-0.35, 0.35, 0.06), hand.number(0.34, 0.5, 0.06))


def banner(word: str, font: str, bow: float, high: float) -> list[Shape]:
    """Return a ribbon banner two units wide with a word on it.

    Parameters
    ----------
    word, font : str
        The text and its font file.
    bow : float
        How far the middle hangs below the ends.
    high : float
        Height of the ribbon.
    """
    x = np.linspace(-0.8, 0.8, 30)
    middle = np.column_stack([x, bow * (1 - (x / 0.8) ** 2)])
    half = np.array((0, high / 2))
    shapes: list[Shape] = []
    for side in (-1.0, 1.0):
        tail = np.array(
            [
                (0.62, 0.18),
                (1.05, 0.2),
                (0.92, 0.2 + high / 2),
                (1.05, 0.2 + high),
                (0.62, 0.18 + high),
            ]
        )
        shapes.append(Shape(((tail - half) * (side, 1),), FIRST))
    shapes.append(Shape((np.vstack([middle - half, (middle + half)[::-1]]),), BLANK))
    shape = text_shape(word, font, 1.0)
    reach = np.abs(np.vstack(shape.rings)).max(axis=0)
    size = min(0.7 / float(reach[0]), 0.36 * high / float(reach[1]))
    rings = tuple(
        r * size + np.column_stack([np.zeros(len(r)), bow * (1 - (r[:, 0] * size / 0.8) ** 2)])
        for r in shape.rings
    )
    shapes.append(Shape(rings, DARK, 0.15))
    if OPEN < 0:
        shapes.append(line(middle[:6] + half * 0.7, 0.5, True))
    return shapes
