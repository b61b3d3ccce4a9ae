"""What the world knows of a picture beside its ink: skin tone, place on the body, and the date.

Nothing here is drawn anew but the day of a first capture, which has a stream of its own: the
pictures are what they are without it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import NamedTuple

from harness.synthesis.streams import stream

from .capture import place_of
from .faces import melanin_of
from .jewellery import worn_at
from .negatives import bare_place
from .skin import subject_of
from .world import Item

__all__ = ["TONES", "Known", "known_of", "known_of_capture", "tone_of"]

TONES = 6
"""Classes of skin tone, of equal width in melanin: as many as Fitzpatrick's scale has types."""

_FIRST, _DAYS = date(1990, 1, 1), 3653  # first captures: the days of ten years
_YEAR = 365.25


class Known(NamedTuple):
    """Cells of a manifest; empty where a picture shows no skin, no body, or has no date."""

    skin: str = ""
    taken: str = ""
    site: str = ""


def tone_of(melanin: float) -> str:
    """Return the class of skin of that melanin, 0 to 1, from the lightest to the darkest.

    >>> tone_of(0.0), tone_of(0.5), tone_of(1.0)
    ('tone-1', 'tone-4', 'tone-6')
    """
    return f"tone-{min(int(melanin * TONES) + 1, TONES)}"


def known_of(seed: int, item: Item) -> Known:
    """Return what is known of a picture of the census.

    A drawing of a tattoo shows no skin, and pictures without a tattoo belong to no dated world.

    Parameters
    ----------
    seed : int
        Seed of the world.
    item : Item
        What is drawn.
    """
    if item.kind == "medium":
        return Known()
    if item.kind == "negative":
        shown = _NEGATIVES.get(item.media)
        return shown(seed, item.take) if shown is not None else Known()
    place = place_of(seed, item.tattoo)
    return known_of_capture(seed, item.tattoo, item.subject, place, item.later)


def known_of_capture(seed: int, tattoo: str, subject: str, place: str, later: float = 0.0) -> Known:
    """Return what is known of a capture of a tattoo, so many years after the first one."""
    day = int(stream(seed, "taken", tattoo).integers(_DAYS)) + round(later * _YEAR)
    tone = tone_of(subject_of(seed, subject).melanin)
    return Known(tone, (_FIRST + timedelta(days=day)).isoformat(), place)


def _bare(seed: int, name: str) -> Known:
    melanin = subject_of(seed, f"bare/{name}").melanin
    return Known(tone_of(melanin), site=bare_place(stream(seed, "bare", name)))


def _jewellery(seed: int, name: str) -> Known:
    melanin = subject_of(seed, f"jewellery/{name}").melanin
    return Known(tone_of(melanin), site=worn_at(stream(seed, "jewellery", name))[1])


def _face(seed: int, name: str) -> Known:
    return Known(tone_of(melanin_of(stream(seed, "face", name))[0]), site="face")


_NEGATIVES: dict[str, Callable[[int, str], Known]] = {
    "bare-skin": _bare,
    "jewellery": _jewellery,
    "face": _face,
}
