"""What a data set with a manifest says of itself to others: its `croissant.json`.

It is a description and no part of the data: nothing is read from it, and a data set has the same
hash with it and without it.
"""

from __future__ import annotations

import csv
import glob
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path, PurePosixPath

import msgspec

from harness.data.croissant import CROISSANT, Described, FileSet, RecordSet, croissant
from harness.data.marker import read_marker
from harness.data.typed_tables import Column
from harness.data.whole_files import write_whole
from harness.data.words import is_description

__all__ = ["MEANINGS", "describe_set"]

MANIFEST = "manifest.csv"
OURS = "tattoo-harness"
"""A keyword of every description that the harness wrote, which it may write again."""

_PICTURES = {"image": "images", "mask": "masks", "clean": "clean"}
_ABOUT = {
    "images": "The pictures that the manifest lists",
    "masks": "Masks of the tattoos' pixels",
    "clean": "The same captures without the tattoo",
}
_STATED = {
    "yes": "The pictures are synthetic: no tattoo in them is a person's.",
    "no": "By what the data set states, the pictures are real.",
    "not stated": "The data set does not state whether its pictures are synthetic or real.",
}

MEANINGS: Mapping[str, Column] = {
    "image": Column("str", "Path of the picture below the folder"),
    "name": Column("str", "What candidate lists call the line"),
    "tattoo": Column("str", "Which tattoo: one design on one subject"),
    "subject": Column("str", "Which person"),
    "group": Column("str", "Which set of look-alike tattoos, over subjects"),
    "source": Column("str", "Which capture: pictures of one source show the same photograph"),
    "style": Column("str", "Style of the tattoo"),
    "media": Column("str", "photo, sketch, scanned-print, computer-graphic or graffiti"),
    "role": Column("str", "probe, reference, background or train"),
    "fold": Column("str", "Fold in which it is judged"),
    "box": Column("str", "Box of the tattoo in pixels: x1 y1 x2 y2, upper ones exclusive"),
    "label": Column("str", "tattoo or non-tattoo"),
    "skin": Column("str", "Skin tone around the tattoo"),
    "taken": Column("str", "Date of the capture: a day, a month or a year"),
    "site": Column("str", "Where on the body the tattoo is"),
    "quality": Column("float64", "How good the picture is for comparing, from 0 to 1", "share"),
    "tags": Column("str", "Motifs, with spaces between them"),
    "mask": Column("str", "Path of a picture of the tattoo's pixels"),
    "clean": Column("str", "Path of the same capture without the tattoo"),
    "query": Column("str", "Text search that the picture is a result of"),
    "text_score": Column("float64", "Score of that search, higher is better"),
    "use_case": Column("str", "Part of the data set that the line belongs to"),
}
"""What stands in a column of a manifest."""

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,17}")
_OWN = Column("str", "Of whoever made the data set")


def describe_set(root: Path, described: Described) -> Path | None:
    """Write `CROISSANT` beside the manifest of a data set that is whole.

    Parameters
    ----------
    root
        Of the data set.
    described
        What is said of it; that its pictures are synthetic, or are not, is added as its marker
        states it.

    Returns
    -------
    Path or None
        The file; None where somebody else described the data set already, which stays.
    """
    path = root / CROISSANT
    if path.exists() and not _is_ours(path):
        return None
    stated, _ = read_marker(root)
    said = Described(
        described.name,
        f"{described.about} {_STATED[stated]}",
        described.date,
        described.license,
        described.cite,
        tuple(dict.fromkeys([*described.keywords, "tattoo", OURS])),
    )
    files = [
        file.name
        for file in sorted(root.iterdir())
        if file.suffix in (".csv", ".json", ".toml", ".md") and file.name != CROISSANT
    ]
    header: Mapping[str, Column] = {}
    places: Mapping[str, set[PurePosixPath]] = {}
    with suppress(OSError, UnicodeDecodeError, csv.Error):  # somebody's generator wrote another
        header, places = _manifest(root)
    records = [
        RecordSet(
            "manifest",
            MANIFEST,
            "A picture, or a tattoo in one that shows several, and what is known of it.",
            header,
        )
    ]
    sets = list(_sets(places))
    content = croissant(root, said, files=files, file_sets=sets, records=records if header else [])
    write_whole(path, content)
    return path


def _is_ours(path: Path) -> bool:
    with suppress(OSError, ValueError, msgspec.DecodeError):
        said = msgspec.json.decode(path.read_bytes())
        return isinstance(said, dict) and OURS in said.get("keywords", [])
    return False


def _manifest(root: Path) -> tuple[dict[str, Column], dict[str, set[PurePosixPath]]]:
    """Return the columns of a manifest, and the pictures in each of those that name some.

    A column of whole numbers alone, such as folds, is one: readers would take it for fractions
    where a cell is empty.
    """
    places: dict[str, set[PurePosixPath]] = {kind: set() for kind in _PICTURES.values()}
    file = root / MANIFEST
    if not file.is_file():
        return {}, places
    with file.open(encoding="utf-8-sig", newline="") as opened:
        lines = csv.DictReader(opened)
        words: set[str] = set()
        numbers: set[str] = set()
        for line in lines:
            for column, cell in line.items():
                if cell and column not in words:
                    (numbers if _WHOLE.fullmatch(str(cell)) else words).add(column)
            for column, kind in _PICTURES.items():
                if (name := line.get(column)) and not is_description(name):
                    places[kind].add(PurePosixPath(name))
        return {
            name: _column(name, whole=name in numbers - words) for name in lines.fieldnames or []
        }, places


def _column(name: str, *, whole: bool) -> Column:
    what = MEANINGS.get(name, _OWN)
    return Column("int64", what.meaning) if whole and what.dtype == "str" else what


def _sets(places: Mapping[str, set[PurePosixPath]]) -> Iterator[FileSet]:
    """Yield the pictures of each kind and type, by the folders that they lie in."""
    for kind, paths in places.items():
        suffixes = sorted({path.suffix for path in paths})
        for suffix in suffixes:
            here = [path for path in paths if path.suffix == suffix]
            patterns = sorted({_pattern(path) for path in here})
            name = kind if len(suffixes) == 1 else f"{kind}-{suffix.lower().lstrip('.')}"
            yield FileSet(name, tuple(patterns), suffix, _ABOUT[kind])


def _pattern(path: PurePosixPath) -> str:
    """Return a pattern of the files beside one, or in the neighbours of its folder."""
    above = path.parts[:-1]
    if len(above) > 1 and above[0] in _PICTURES.values():
        return "/".join([above[0], *["*"] * (len(above) - 1), f"*{path.suffix}"])
    return "/".join([*map(glob.escape, above), f"*{path.suffix}"])
