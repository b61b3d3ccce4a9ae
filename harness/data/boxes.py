"""Boxes of tattoos: how they are written, and whether they fit the pictures that they are of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from harness.data.findings import Findings
from harness.data.formats import Box
from harness.data.images import lies_on_its_side, size_of
from harness.data.records import Record

__all__ = ["look_at_boxes", "read_box"]

_BETWEEN = re.compile(r"\s*[,;]\s*|\s+")
_NUMBER = re.compile(r"[-+]?(\d{1,9}(\.\d*)?|\.\d+)")
_FORM = "is not 'x1 y1 x2 y2' in whole pixels with x1 < x2 and y1 < y2"


_TINY = 4
"""Pixels; no tattoo is seen in less."""


def read_box(text: str) -> Box | str:
    """Return the box that a text says, or why it says none, as the end of a sentence.

    Spaces, commas or semicolons stand between the numbers, and brackets may stand around them.

    >>> read_box("10 5 50 35") == read_box("[10.0, 5.0, 50.0, 35.0]") == (10, 5, 50, 35)
    True
    >>> read_box("40 20 15 15")
    "is not 'x1 y1 x2 y2' in whole pixels with x1 < x2 and y1 < y2; if it is 'x y width height', \
write '40 20 55 35'"
    """
    inner = text.strip()
    if inner[:1] + inner[-1:] in ("[]", "()"):
        inner = inner[1:-1]
    parts = _BETWEEN.split(inner.strip())
    if len(parts) != 4 or not all(_NUMBER.fullmatch(part) for part in parts):
        return _FORM
    numbers = [float(part) for part in parts]
    if not all(number.is_integer() for number in numbers):
        if all(0 <= number <= 1 for number in numbers):
            return f"{_FORM}, but shares of the picture: multiply by its width and height"
        return f"{_FORM}; round its numbers"
    x1, y1, x2, y2 = map(int, numbers)
    if x1 < x2 and y1 < y2:
        return x1, y1, x2, y2
    if x1 > x2 and y1 > y2 and (x2 <= 0 or y2 <= 0):
        return _FORM
    if x2 > 0 and y2 > 0 and (x1, y1) != (x2, y2):
        sides = f"; if it is 'x y width height', write '{x1} {y1} {x1 + x2} {y1 + y2}'"
        return _FORM + sides
    return _FORM


def look_at_boxes(
    records: Mapping[str, Record], names: Iterable[str], findings: Findings, *, boxes_shown: bool
) -> None:
    """Say which boxes do not fit their pictures, by the pictures' headers.

    Parameters
    ----------
    records, names
        Of a data set, and those that are used.
    findings
        Where it is said.
    boxes_shown
        Whether what lies in the boxes is shown: then a box drawn on a picture that lies on its side
        is a problem. One that shows nothing of its picture is found where that is decoded.
    """
    sideways: list[str] = []
    outside: list[str] = []
    leaving: list[str] = []
    tiny: list[str] = []
    as_sides = True
    for name in dict.fromkeys(names):
        record = records[name]
        size = None if record.box is None else size_of(record.path)
        if record.box is None or size is None:
            continue
        x1, y1, x2, y2 = record.box
        width, height = size
        sentence = f"{name!r} has {width} x {height} pixels and the box {x1} {y1} {x2} {y2}"
        if min(x2 - x1, y2 - y1) < _TINY < min(width, height):
            tiny.append(sentence)
        if x1 >= 0 and y1 >= 0 and x2 <= width and y2 <= height:
            continue
        if x1 >= 0 and y1 >= 0 and x2 <= height and y2 <= width and lies_on_its_side(record.path):
            sideways.append(sentence)
        elif x2 <= 0 or y2 <= 0 or x1 >= width or y1 >= height:
            outside.append(sentence)
        else:
            leaving.append(sentence)
            as_sides &= min(x1, y1) >= 0 and x1 + x2 <= width and y1 + y2 <= height
    if tiny:
        findings.warning(
            "boxes of hardly any pixels",
            f"{_first(tiny)}, which is smaller than {_TINY} pixels; is it a share of the picture?",
        )
    if sideways:
        say = findings.problem if boxes_shown else findings.warning
        say(
            "boxes of pictures that lie on their side",
            f"{_first(sideways)}, which fits the picture as it is stored and not upright, as its "
            "EXIF orientation shows it; give boxes in pixels of the upright picture",
        )
    if outside and not boxes_shown:
        findings.warning(
            "boxes beside their pictures", f"{_first(outside)}, which shows nothing of it"
        )
    if leaving:
        hint = " Are they 'x y width height'? Then write x1 y1 x2 y2." if as_sides else ""
        findings.warning(
            "boxes over the edge",
            f"{_first(leaving)}, which reaches over the edge and is cut off there.{hint}",
        )


def _first(sentences: list[str]) -> str:
    return (f"{len(sentences):,} pictures, e.g. " if sentences[1:] else "") + sentences[0]
