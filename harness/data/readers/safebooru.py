"""Safebooru's metadata: a CSV of millions of lines, one per image, read line by line.

The columns are those of Kaggle's "Safebooru Anime Image Metadata" (A. Lamson): id, created_at,
rating, score, sample_url, sample_width, sample_height, preview_url, tags. Only id, preview_url and
tags are used; tags have spaces between them.

As a data set of its own (``--layout safebooru``) it is a folder with the CSV, under whatever name,
and a folder ``images`` with files called after the ids. Lines without an image are passed over.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from harness.data.findings import Findings
from harness.data.records import Dataset, Record
from harness.errors import UsageError, nearest, some

__all__ = ["Entry", "Malformed", "read_entries", "read_safebooru", "written"]

NEEDED = ("id", "tags")
LONGEST_CELL = 1 << 20
"""Characters of a cell; more is not metadata but a quote that was never closed."""

IMAGES = "images"
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".webp", ".bmp")


class Entry(NamedTuple):
    """A line: its number, the image's id, where its preview lies, and its tags as they stand."""

    line: int
    id: str
    url: str
    tags: tuple[str, ...]


class Malformed(NamedTuple):
    """A line that cannot be used, and why."""

    line: int
    reason: str


def read_entries(path: Path) -> Iterator[Entry | Malformed]:
    """Yield the lines of a Safebooru CSV, one at a time.

    Raises
    ------
    UsageError
        If there is no such file, or its first line does not name the columns needed.
    """
    if not path.is_file():
        raise UsageError(f"there is no CSV file {path}")
    # A byte that is not UTF-8 spoils its own line only.
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = csv.reader(file)
        header = [cell.strip() for cell in next(lines, [])]
        for column in NEEDED:
            if column not in header:
                raise UsageError(
                    f"{path}: the first line names no column {column!r}.{nearest(column, header)} "
                    "A Safebooru CSV has: id, created_at, rating, score, sample_url, "
                    "sample_width, sample_height, preview_url, tags"
                )
        number, tags = header.index("id"), header.index("tags")
        url = header.index("preview_url") if "preview_url" in header else None
        while True:
            # The limit is of the whole process: other readers keep theirs.
            before = csv.field_size_limit(LONGEST_CELL)
            try:
                cells = next(lines)
            except StopIteration:
                return
            except csv.Error as fault:
                yield Malformed(lines.line_num, f"is not CSV ({fault})")
                continue
            finally:
                csv.field_size_limit(before)
            if not cells:
                continue
            if len(cells) != len(header):
                wanted = f"has {some(len(cells), 'column')}, the first line has {len(header)}"
                yield Malformed(lines.line_num, wanted)
            elif not re.fullmatch(r"[0-9]{1,12}", cells[number].strip()):
                yield Malformed(lines.line_num, f"id {cells[number][:40]!r} is not a number")
            elif "\ufffd" in cells[tags]:
                yield Malformed(lines.line_num, "tags are not UTF-8 text")
            else:
                words = tuple(dict.fromkeys(written(tag) for tag in cells[tags].split()))
                address = cells[url].strip() if url is not None else ""
                yield Entry(lines.line_num, cells[number].strip(), address, words)


def written(tag: str) -> str:
    """Return a tag as manifests can hold it, where ``;`` stands between tags.

    >>> written(";d")
    '；d'
    """
    return tag.replace(";", "\uff1b")


def read_safebooru(path: Path) -> Dataset:
    """Read a folder with a Safebooru CSV and the images of some of its lines.

    Parameters
    ----------
    path
        Of the folder, or of the CSV in it.

    Raises
    ------
    UsageError
        If there is not one CSV, or no folder of images.
    """
    file = path
    if path.is_dir():
        sheets = sorted(path.glob("*.csv"))
        if len(sheets) != 1:
            found = ", ".join(sheet.name for sheet in sheets) or "none"
            raise UsageError(f"{path} should hold one CSV file; it holds: {found}")
        file = sheets[0]
    root = file.absolute().parent
    if not (root / IMAGES).is_dir():
        raise UsageError(f"{root} has no folder {IMAGES!r} with files such as 123.jpg")
    files = {
        image.stem: image
        for image in sorted((root / IMAGES).iterdir())
        if image.suffix.lower() in SUFFIXES and not image.is_symlink()
    }
    findings = Findings()
    records: dict[str, Record] = {}
    for entry in read_entries(file):
        if isinstance(entry, Malformed):
            findings.warning("malformed lines", f"{file.name}:{entry.line}: {entry.reason}")
        elif entry.id in files:
            name = f"{IMAGES}/{files[entry.id].name}"
            if name in records:
                findings.warning(
                    "duplicate lines", f"{file.name}: id {entry.id} stands there twice"
                )
                continue
            records[name] = Record(name, files[entry.id], tags=entry.tags)
    if not records:
        findings.problem("empty lists", f"{file.name}: no line has an image in {IMAGES}/")
    return Dataset(root.name, root, "safebooru", records, (), findings.all)
