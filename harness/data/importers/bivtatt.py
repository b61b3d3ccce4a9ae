"""BIVTatt's file names and box files, written down as a CSV manifest."""

from __future__ import annotations

import csv
import io
from pathlib import Path

from harness.data.croissant import Described
from harness.data.problems import check
from harness.data.readers.bivtatt import read_bivtatt
from harness.data.set_description import describe_set
from harness.data.whole_files import write_whole
from harness.errors import DataError, UsageError

MANIFEST = "manifest.csv"
ABOUT = Described(
    "BIVTatt",
    "BIVTatt's tattoo images with their transforms and boxes, as file names and box files say. "
    "Whoever published the images says under which licence.",
    cite="BIVTatt, as its publishers ask",
)
COLUMNS = ("image", "name", "tattoo", "group", "source", "role", "box")


def write_manifest(folder: Path) -> Path:
    """Write ``manifest.csv`` beside BIVTatt's images and return its path.

    ``croissant.json`` beside it says what the columns mean, unless one lies there that is not ours.

    Raises
    ------
    UsageError
        If there is one already, or the folder is not BIVTatt's.
    DataError
        With every problem of the data set.
    """
    path = folder / MANIFEST
    if path.exists():
        raise UsageError(f"{path} exists; move it away to have it written again")
    found = check(read_bivtatt(folder))
    if found.problems:
        raise DataError(f"{folder} cannot be imported:", found.problems)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for record in found.records.values():
        box = "" if record.box is None else " ".join(map(str, record.box))
        image = record.path.relative_to(found.root).as_posix()
        known = (record.tattoo, record.group, record.source, record.role, box)
        writer.writerow((image, record.name, *known))
    write_whole(path, text.getvalue())
    describe_set(folder, ABOUT)
    return path
