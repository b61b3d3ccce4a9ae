"""The CSV manifest while a person works on it: read once, whole on disk after every change."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import msgspec

from harness.data.findings import Findings
from harness.data.formats import Box
from harness.data.lists import read_text
from harness.data.manifest import LABELS, read_rows
from harness.data.paths import Root, canonical, unwritable
from harness.errors import DataError, HarnessError

__all__ = ["EDITED", "BadChange", "ChangedElsewhere", "Mark", "Table"]

EDITED = ("tattoo", "subject", "group", "style", "tags", "label")
"""Columns, beside ``box``, that a person fills in."""

FIRST = ("image", "name", "tattoo", "subject", "group", "style", "box", "label", "tags")
"""Columns of a new manifest."""

LONGEST = 1000
"""Characters of a cell; a manifest is read by people."""


class BadChange(HarnessError):
    """A change that the manifest cannot hold; nothing of it was written."""


class ChangedElsewhere(HarnessError):
    """The manifest is no longer as this program wrote it; nothing was written over it."""


class Mark(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One line of the manifest as a person sees it: a tattoo in an image, or the image itself.

    Parameters
    ----------
    key
        By which the page knows the mark; no part of the manifest.
    name
        Of the line; empty for a new one, which is given a name.
    box
        x1, y1, x2, y2 in pixels of the upright image, upper ones exclusive; None for the image
        as a whole.
    tattoo, subject, group, style, tags, label
        As in the manifest; empty where not known.
    """

    key: str
    name: str = ""
    box: Box | None = None
    tattoo: str = ""
    subject: str = ""
    group: str = ""
    style: str = ""
    tags: str = ""
    label: str = ""


class Table:
    """A manifest under work.

    Parameters
    ----------
    path
        Of the manifest; it need not exist. Images lie in its folder or below.

    Raises
    ------
    DataError
        If the manifest is not sound: what cannot be read faithfully must not be written again.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()
        self._root = Root(self.path.parent)
        self._columns = list(FIRST)
        self._lines: dict[str, list[dict[str, str]]] = {}
        self._discarded: dict[tuple[str, str], dict[str, str]] = {}
        self._reserved: set[str] = set()
        self.companions: set[Path] = set()
        self.revision = 0
        self._on_disk: bytes | None = None
        if self.path.exists():
            self._read()

    @property
    def images(self) -> list[str]:
        """Images that the manifest names, by their paths from its folder."""
        return list(self._lines)

    def marks(self, image: str) -> list[Mark]:
        """Return what the manifest says of an image, line by line."""
        return [
            Mark(
                key=_name(line),
                name=_name(line),
                box=_box(line.get("box", "")),
                **{column: line.get(column, "") for column in EDITED},
            )
            for line in self._lines.get(image, [])
        ]

    def change(self, marks: Mapping[str, Sequence[Mark]]) -> dict[str, str]:
        """Put marks in the place of those of some images, and write the manifest.

        Columns that are not edited stay with their line; a mark that was removed before gets
        them back with its name.

        Parameters
        ----------
        marks
            By image; an empty sequence takes the image out of the manifest, unless columns that
            are not edited say something of it.

        Returns
        -------
        dict
            Names of lines by the keys of their marks.

        Raises
        ------
        BadChange
            If a mark is not one that the manifest can hold.
        ChangedElsewhere
            If the file has been changed by somebody else.
        OSError
            If it cannot be written.
        """
        before = {image: self._lines.get(image, []) for image in marks}
        taken = {
            _name(line)
            for image, lines in self._lines.items()
            if image not in marks
            for line in lines
        }
        given: dict[str, str] = {}
        after = {}
        for image, wanted in marks.items():
            after[image] = self._changed(image, wanted, taken, given)
        discarded = {
            (image, _name(line)): line for image, lines in before.items() for line in lines
        }
        lines = {**self._lines, **after}
        self._write({image: some for image, some in lines.items() if some})
        self._discarded.update(discarded)
        self._reserved.update(name for (_, name), line in discarded.items() if _says_more(line))
        self.revision += 1
        return given

    def _changed(
        self, image: str, marks: Sequence[Mark], taken: set[str], given: dict[str, str]
    ) -> list[dict[str, str]]:
        known = {_name(line): line for line in self._lines.get(image, [])}
        for mark in marks:
            if mark.name and mark.name in taken:
                raise BadChange(f"two lines cannot both be called {mark.name!r}")
            if mark.name:
                taken.add(mark.name)
        lines = []
        for mark in marks:
            cells = _checked(mark)
            if mark.name:
                line = known.get(mark.name) or self._discarded.get((image, mark.name))
                if line is None:
                    raise BadChange(
                        f"{image!r} has no line called {mark.name!r}; load the page again"
                    )
            else:
                name = _free(image, taken | self._reserved)
                taken.add(name)
                line = {"image": image, "name": "" if name == image else name}
            given[mark.key] = _name(line)
            lines.append({**line, **cells})
        if not marks:
            # Deleting a box must not delete what was known of the image before it had one.
            edited = {"image", "name", "box", *EDITED}
            told = [
                line
                for line in known.values()
                if any(line.keys() - edited and line[c] for c in line.keys() - edited)
            ]
            lines = [{**told[0], **dict.fromkeys(("box", *EDITED), "")}] if told else []
        return lines

    def _read(self) -> None:
        findings = Findings()
        rows = list(read_rows(self.path, self._root, self.path.name, findings))
        names: dict[str, str] = {}
        for row in rows:
            findings.take(row.findings)
            if row.record.name in names:
                first = names[row.record.name]
                findings.problem(
                    "duplicate lines", f"{row.place}: {row.record.name!r} is already at {first}"
                )
            names[row.record.name] = row.place
        if findings.problems:
            raise DataError(
                f"{self.path} is not sound, so it cannot be annotated without losing something:",
                findings.problems,
            )
        text = read_text(self.path, self.path.name, findings) or ""
        reader = csv.reader(io.StringIO(text, newline=""), strict=True)
        self._columns = [cell.strip() for cell in next(reader)]
        written = [cells for cells in reader if any(cell.strip() for cell in cells)]
        for row, cells in zip(rows, written, strict=True):
            line = {c: v.strip() for c, v in zip(self._columns, cells, strict=True)}
            image = row.record.path.relative_to(self._root.folder).as_posix()
            self._lines.setdefault(image, []).append(line)
            self.companions.update(p for p in (row.record.mask, row.record.clean) if p is not None)
        self._on_disk = self.path.read_bytes()

    def _write(self, lines: dict[str, list[dict[str, str]]]) -> None:
        every = [line for some in lines.values() for line in some]
        used = {column for line in every for column, value in line.items() if value}
        columns = [*self._columns, *(c for c in FIRST if c not in self._columns and c in used)]
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerow(columns)
        for line in every:
            cells = [line.get(column, "") for column in columns]
            # A carriage return ends lines too, but Python puts no quotes around it.
            bare = any("\r" in cell for cell in cells)
            quoting: Literal[0, 1] = csv.QUOTE_ALL if bare else csv.QUOTE_MINIMAL
            csv.writer(text, lineterminator="\n", quoting=quoting).writerow(cells)
        data = text.getvalue().encode()
        now = self.path.read_bytes() if self.path.exists() else None
        if now != self._on_disk:
            raise ChangedElsewhere(
                f"{self.path.name} was changed by another program; load the page again to work on "
                "what it says now"
            )
        _write_durably(self.path, data)
        self._columns, self._lines, self._on_disk = columns, lines, data


def _name(line: Mapping[str, str]) -> str:
    return canonical(line.get("name") or line["image"])


def _says_more(line: Mapping[str, str]) -> bool:
    """Return whether columns that are not edited say something."""
    return any(line[column] for column in line.keys() - {"image", "name", "box", *EDITED})


def _box(cell: str) -> Box | None:
    if not cell:
        return None
    x1, y1, x2, y2 = map(int, cell.split())
    return x1, y1, x2, y2


def _checked(mark: Mark) -> dict[str, str]:
    """Return the cells of a mark."""
    cells = {}
    for column in EDITED:
        value = " ".join(str(getattr(mark, column)).split())
        if len(value) > LONGEST:
            raise BadChange(f"{column} has {len(value):,} characters; {LONGEST:,} are allowed")
        if re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value):
            raise BadChange(f"{column} {value!r} contains a control character or broken Unicode")
        cells[column] = value
    if cells["label"] and cells["label"] not in LABELS:
        raise BadChange(f"label is {cells['label']!r}; known: {', '.join(LABELS)}")
    cells["box"] = ""
    if mark.box is not None:
        x1, y1, x2, y2 = mark.box
        if not (x1 < x2 and y1 < y2) or max(map(abs, mark.box)) >= 10**9:
            raise BadChange(f"box {mark.box} is not x1 y1 x2 y2 with x1 < x2 and y1 < y2")
        cells["box"] = f"{x1} {y1} {x2} {y2}"
    return cells


def _free(image: str, taken: Iterable[str]) -> str:
    """Return the image's name, or with a number where that is taken; one that lists can carry."""
    name = canonical(image)
    if unwritable(name):
        name = re.sub(r"[|%\x00-\x1f\x7f-\x9f]", lambda found: quote(found[0], safe=""), name)
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}#{number}"
    return free


def _write_durably(path: Path, data: bytes) -> None:
    """Put content in the place of a file's so that a power cut leaves the old or the new."""
    part = path.with_name(f".{path.name}.part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
