"""Tags drawn on the image, as the anime tag slides do, with their scores."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.api import Image
from harness.plugins.places import bundled

if TYPE_CHECKING:
    import PIL.ImageFont

TEXT = 18
"""Height of a line of text, in pixels."""

MARGIN = 6
NARROWEST, LONGEST = 260, 1600
"""Sides of the drawing in pixels: small images are enlarged for it, large ones reduced."""

COVERED = 1 / 8
"""Share of a picture that labels may lie over; where they would hide more, they stand below it."""

PAPER, BAND = (236, 236, 232), (16, 18, 22)
INKS = {None: (255, 255, 255), True: (150, 235, 160), False: (255, 176, 160)}


@dataclass(frozen=True)
class Label:
    """A tag with its score.

    Parameters
    ----------
    carried
        Whether the image carries the tag, where that is known: then a sign and a colour say so.
    """

    tag: str
    score: float
    carried: bool | None = None

    @property
    def text(self) -> str:
        """The label as it is drawn and printed: ``rose 0.93``."""
        sign = {None: "", True: "\u2713 ", False: "\u00d7 "}[self.carried]
        return f"{sign}{printable(self.tag)} {self.score:.2f}"


def printable(text: str) -> str:
    r"""Return a text on one line, without characters that steer a terminal or turn its direction.

    >>> printable("rose\n\x1b[2Jskull")
    'rose\ufffd\ufffd[2Jskull'
    """
    return "".join("\ufffd" if unicodedata.category(c)[0] == "C" else c for c in text)


def best_labels(
    tags: Sequence[str], scores: Sequence[float], shown: int, least: float = 0.0
) -> list[Label]:
    """Return the best tags, best first; of equal scores the tag that comes first in `tags`."""
    order = sorted(range(len(tags)), key=lambda place: -scores[place])
    return [Label(tags[i], float(scores[i])) for i in order[:shown] if scores[i] >= least]


def draw_tags(image: Image, labels: Sequence[Label], *, shortest: int = NARROWEST) -> Image:
    """Write labels on a dark band over the lower left corner of an image, or below a small one.

    Parameters
    ----------
    image
        uint8, shape (height, width, 3), RGB.
    labels
        In the order in which they are written, from the top; without any the image is only scaled.
    shortest
        Width in pixels below which the image is enlarged.

    Returns
    -------
    numpy.ndarray
        uint8, shape (height, width, 3), RGB: the image, scaled so that text can be read, on a
        canvas that holds all labels however narrow the image is.
    """
    import PIL.Image
    import PIL.ImageDraw

    picture = PIL.Image.fromarray(np.ascontiguousarray(image))
    scale = max(1.0, shortest / picture.width)
    scale = min(scale, LONGEST / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    picture = picture.resize(size, PIL.Image.Resampling.LANCZOS)
    if not labels:
        return np.asarray(picture)

    font = _font()
    width = max(size[0], shortest)
    lines = [_shortened(label.text, font, width - 2 * MARGIN) for label in labels]
    band_height = len(labels) * TEXT + 2 * MARGIN
    band_width = min(width, max(round(font.getlength(t)) for t in lines) + 2 * MARGIN)
    below = band_width * band_height > COVERED * size[0] * size[1]
    if below:
        band_width = width
    height = size[1] + band_height if below else size[1]
    canvas = PIL.Image.new("RGB", (width, height), PAPER)
    canvas.paste(picture, (0, 0))
    top = height - band_height
    band = PIL.Image.new("RGBA", (band_width, band_height), (*BAND, 255 if below else 190))
    canvas.paste(band, (0, top), band)
    pen = PIL.ImageDraw.Draw(canvas)
    for number, (label, line) in enumerate(zip(labels, lines, strict=True)):
        place = (MARGIN, top + MARGIN + number * TEXT)
        pen.text(place, line, fill=INKS[label.carried], font=font)
    return np.asarray(canvas)


def _font() -> PIL.ImageFont.FreeTypeFont:
    """Return DejaVu Sans 2.37: Latin, Greek, Cyrillic and more, but no kanji."""
    import PIL.ImageFont

    file = bundled("reports") / "fonts" / "DejaVuSans.ttf"
    return PIL.ImageFont.truetype(str(file), TEXT - 4, layout_engine=PIL.ImageFont.Layout.BASIC)


def _shortened(text: str, font: PIL.ImageFont.FreeTypeFont, width: int) -> str:
    """Cut the middle out of a text that is too wide; its score stays."""
    if font.getlength(text) <= width:
        return text
    name, score = text[:400].rsplit(" ", 1) if len(text) <= 400 else (text[:400], text[-4:])
    while name and font.getlength(f"{name}\u2026 {score}") > width:
        name = name[:-1]
    return f"{name}\u2026 {score}"
