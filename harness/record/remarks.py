"""What was said beside the answers of a step, read from a run folder as untrusted data."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from harness.errors import BadFile
from harness.execution.storage import REMARKS_FILE, Remarks
from harness.plugins.programs.remarks import MOST_BOXES, is_inside
from harness.record.files import LARGEST_LIST, read_json

__all__ = ["TemplateIndex", "read_index", "read_remarks"]

LONGEST_SIDE = 1 << 20
"""Pixels of a side that no picture has: the size of each was looked at when it was answered."""


class TemplateIndex(msgspec.Struct):
    """What a folder of templates says of them."""

    names: list[str]
    failures: dict[str, str]
    stacked: bool


def read_index(folder: Path, place: str) -> TemplateIndex:
    """Read whose templates lie in a folder, and who has none.

    Parameters
    ----------
    folder
        Of the run.
    place
        Of the templates, relative to it.

    Raises
    ------
    BadFile
        If it cannot be read, or names an image twice.
    """
    name = f"{place}/index.json"
    index = read_json(folder, name, TemplateIndex, LARGEST_LIST)
    both = index.failures.keys() & set(index.names)
    if both or len(set(index.names)) < len(index.names):
        raise BadFile(folder / name, "names an image twice", "$.names")
    return index


def read_remarks(folder: Path, place: str, answered: Collection[str], *, boxes: bool) -> Remarks:
    """Read what was said beside the answers of a step; nothing where there is no file.

    Parameters
    ----------
    folder
        Of the run.
    place
        Of the step, relative to it.
    answered
        Names of the images that have an answer.
    boxes
        Whether they are detections, which may have boxes; otherwise templates, which may have a
        quality.

    Raises
    ------
    BadFile
        If it cannot be read, names another image, or says what cannot be said of one.
    """
    path = folder / place / REMARKS_FILE
    if not path.is_symlink() and not path.exists():
        return Remarks()
    found = read_json(folder, f"{place}/{REMARKS_FILE}", Remarks, LARGEST_LIST)
    if odd := next((n for n in (*found.quality, *found.boxes) if n not in answered), None):
        raise BadFile(path, f"names {odd!r}, which has no answer here")
    if found.quality if boxes else found.boxes:
        key, what = ("quality", "a quality") if boxes else ("boxes", "boxes")
        raise BadFile(path, f"says {what} of answers that have none", f"$.{key}")
    for name, value in found.quality.items():
        if not 0 <= value <= 1:
            raise BadFile(path, f"says a quality of {value}; it lies in [0, 1]", f"$[{name!r}]")
    for name, listed in found.boxes.items():
        inside = all(is_inside(box, LONGEST_SIDE, LONGEST_SIDE) for box in listed)
        if not inside or not 0 < len(listed) <= MOST_BOXES:
            raise BadFile(path, "says boxes that are none", f"$[{name!r}]")
    return found
