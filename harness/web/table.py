"""The CSV manifest while a person works on it: read once, whole on disk after every change.

Which columns there are, and what may stand in them, is said in `harness.data.readers.manifest`
alone.
"""

from __future__ import annotations

import codecs
import csv
import io
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

import msgspec

from harness.data.findings import Findings
from harness.data.formats import Box
from harness.data.paths import Root, canonical, unwritable
from harness.data.readers.manifest import COLUMNS, WORDS, line_problems, read_lines, read_rows
from harness.data.tables import seen
from harness.data.tags import read_tags
from harness.errors import DataError, HarnessError

__all__ = [
    "EDITED",
    "OF_A_TATTOO",
    "BadChange",
    "ChangedElsewhere",
    "Mark",
    "Table",
    "discard_parts",
]

EDITED = tuple(c for c in COLUMNS if c not in ("image", "name", "box", "mask", "clean"))
"""Columns, beside ``box``, that a person fills in: all but those that are names of files."""

OF_A_TATTOO = ("tattoo", "subject", "group", "style", "tags", "label")
"""Columns that go when a box is deleted; the others say something of the picture."""

FIRST = ("image", "name", "tattoo", "subject", "group", "style", "box", "label", "tags")
"""Columns of a new manifest; others come when something stands in them."""

LONGEST = 1000
"""Characters of a cell; a manifest is read by people."""

_SEPARATORS = (",", ";", "\t")
_PART = ".manifest-"


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
    cells
        What stands in columns of the manifest, those of `EDITED` and the person's own. A column
        that is not named stays as it is.
    """

    key: str
    name: str = ""
    box: Box | None = None
    cells: dict[str, str] = {}


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
        self._separator, self._mark = ",", b""
        self._lines: dict[str, list[dict[str, str]]] = {}
        self._discarded: dict[tuple[str, str], dict[str, str]] = {}
        self._taken: set[str] = set()
        self._reserved: set[str] = set()
        self.companions: set[Path] = set()
        self.notes: tuple[str, ...] = ()
        self._on_disk: bytes | None = None
        self._seen: tuple[int, int, int] | None = None
        if os.path.lexists(self.path):
            self._read()

    @property
    def images(self) -> list[str]:
        """Images that the manifest names, by their paths from its folder."""
        return list(self._lines)

    @property
    def columns(self) -> list[str]:
        """Columns that a person fills in: those of `EDITED`, and their own in this manifest."""
        return [*EDITED, *(c for c in self._columns if c.startswith("x_"))]

    def has(self, column: str) -> bool:
        """Return whether the manifest has a column."""
        return column in self._columns

    def marks(self, image: str) -> list[Mark]:
        """Return what the manifest says of an image, line by line."""
        columns = self.columns
        return [
            Mark(
                key=_name(line),
                name=_name(line),
                box=_box(line.get("box", "")),
                cells={column: line[column] for column in columns if line.get(column)},
            )
            for line in self._lines.get(image, [])
        ]

    def looks_untouched(self) -> bool:
        """Return whether the file has size and time of when this program last read or wrote it."""
        return _looks(self.path) == self._seen

    def change(self, marks: Mapping[str, Sequence[Mark]]) -> dict[str, str]:
        """Put marks in the place of those of some images, and write the manifest.

        Columns that a mark does not name stay with their line; a mark that was removed before
        gets them back with its name.

        Parameters
        ----------
        marks
            By image. An empty sequence takes the image out of the manifest; what is known of the
            picture itself stays once, until an empty sequence comes again.

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
        own = {_name(line) for lines in before.values() for line in lines}
        taken = self._taken - own
        given: dict[str, str] = {}
        after = {}
        for image, wanted in marks.items():
            after[image] = self._changed(image, wanted, taken, given)
        discarded = {
            (image, _name(line)): line for image, lines in before.items() for line in lines
        }
        lines = {**self._lines, **after}
        self._write({image: some for image, some in lines.items() if some})
        self._taken = (self._taken - own) | {
            _name(line) for some in after.values() for line in some
        }
        self._discarded.update(discarded)
        self._reserved.update(name for (_, name), line in discarded.items() if _says_more(line))
        return given

    def _changed(
        self, image: str, marks: Sequence[Mark], taken: set[str], given: dict[str, str]
    ) -> list[dict[str, str]]:
        known = {_name(line): line for line in self._lines.get(image, [])}
        names: list[str] = []
        keys: set[str] = set()
        for mark in marks:
            if mark.name and (mark.name in taken or mark.key in keys):
                raise BadChange(f"two lines cannot both be called {mark.name!r}")
            keys.add(mark.key)
            # A mark that was taken back may have had the name of one that came after it.
            names.append("" if mark.name in names else mark.name)
        taken.update(name for name in names if name)
        lines = []
        columns = self.columns
        for mark, called in zip(marks, names, strict=True):
            cells = _checked(mark, columns)
            if called:
                line = known.get(called) or self._discarded.get((image, called))
                if line is None:
                    raise BadChange(f"{image!r} has no line called {called!r}; load the page again")
            else:
                name = _free(image, taken | self._reserved)
                taken.add(name)
                line = {"image": image, "name": "" if name == image else name}
            given[mark.key] = _name(line)
            lines.append({**line, **cells})
            faults = line_problems(lines[-1], self._root)
            if faults:
                raise BadChange(faults[0])
        if not marks:
            # Deleting a box must not delete what was known of the picture before it had one;
            # deleting what is left then does.
            described = [line for line in known.values() if _says_more(line)]
            if described and any(map(_describes, known.values())):
                lines = [{**described[0], **dict.fromkeys(("box", *OF_A_TATTOO), "")}]
        return lines

    def _read(self) -> None:
        self._seen = _looks(self.path)
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
        again = Findings()
        table, lines = read_lines(self.path, self._root, self.path.name, again)
        tags = [", ".join(row.record.tags) for row in rows]
        if not findings.problems and read_tags([(cell, "") for cell in tags], Findings()) != [
            row.record.tags for row in rows
        ]:
            findings.problem(
                "tags that cannot be read", "the column 'tags' cannot be written with commas"
            )
        if findings.problems:
            raise DataError(
                f"{self.path} is not sound, so it cannot be annotated without losing something:",
                findings.problems,
            )
        separator = "," if table is None else table.separator
        self._separator = separator if separator in _SEPARATORS else ","
        for row, cells, words in zip(rows, lines, tags, strict=True):
            line = dict(cells.values)
            if "tags" in line:
                # One typed ';' would change what separates the tags of all lines.
                line["tags"] = words
            if row.record.box is not None:
                line["box"] = " ".join(map(str, row.record.box))
            for column in WORDS:
                if line.get(column):
                    line[column] = getattr(row.record, column)
            image = row.record.path.relative_to(self._root.folder).as_posix()
            self._lines.setdefault(image, []).append({**line, "image": image})
            self.companions.update(p for p in (row.record.mask, row.record.clean) if p is not None)
        self._taken = set(names)
        if lines:
            self._columns = list(lines[0].values)
        self.notes = findings.warnings
        self._on_disk = self.path.read_bytes()
        if not self.looks_untouched():
            raise ChangedElsewhere(f"{self.path.name} changed while it was read; try again")
        self._mark = codecs.BOM_UTF8 if self._on_disk.startswith(codecs.BOM_UTF8) else b""

    def _write(self, lines: dict[str, list[dict[str, str]]]) -> None:
        every = [line for some in lines.values() for line in some]
        used = {column for line in every for column, value in line.items() if value}
        columns = [*self._columns, *(c for c in COLUMNS if c not in self._columns and c in used)]
        text = io.StringIO()
        plain = csv.writer(text, delimiter=self._separator, lineterminator="\n")
        quoted = csv.writer(
            text, delimiter=self._separator, lineterminator="\n", quoting=csv.QUOTE_ALL
        )
        plain.writerow(columns)
        for line in every:
            cells = [line.get(column, "") for column in columns]
            # A carriage return ends lines too, but Python puts no quotes around it.
            (quoted if any("\r" in cell for cell in cells) else plain).writerow(cells)
        data = self._mark + text.getvalue().encode()
        if (self.path.read_bytes() if self.path.exists() else None) != self._on_disk:
            raise ChangedElsewhere(
                f"{self.path.name} was changed by another program; load the page again to work on "
                "what it says now"
            )
        _write_durably(self.path, data)
        self._columns, self._lines, self._on_disk = columns, lines, data
        self._seen = _looks(self.path)


def _looks(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with every change of a file; None where there is none."""
    try:
        about = path.stat()
    except FileNotFoundError:
        return None
    return about.st_ino, about.st_size, about.st_mtime_ns


def _name(line: Mapping[str, str]) -> str:
    return canonical(line.get("name") or line["image"])


def _says_more(line: Mapping[str, str]) -> bool:
    """Return whether something is known of the picture, whatever tattoo it shows."""
    return any(line[column] for column in line.keys() - {"image", "name", "box", *OF_A_TATTOO})


def _describes(line: Mapping[str, str]) -> bool:
    """Return whether something is said of a tattoo, or that there is none."""
    return any(line.get(column) for column in ("box", *OF_A_TATTOO))


def _box(cell: str) -> Box | None:
    if not cell:
        return None
    x1, y1, x2, y2 = map(int, cell.split())
    return x1, y1, x2, y2


def _checked(mark: Mark, columns: Sequence[str]) -> dict[str, str]:
    """Return the cells of a mark."""
    unknown = sorted(mark.cells.keys() - set(columns))
    if unknown:
        raise BadChange(f"the manifest has no column {unknown[0]!r} to fill in")
    cells = {}
    for column, written in mark.cells.items():
        value = " ".join(seen(written).split())
        if len(value) > LONGEST:
            raise BadChange(f"{column} has {len(value):,} characters; {LONGEST:,} are allowed")
        if re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", value):
            raise BadChange(f"{column} {value!r} contains a control character or broken Unicode")
        cells[column] = value
    if cells.get("tags"):
        findings = Findings()
        (tags,) = read_tags([(cells["tags"], "this line")], findings)
        if findings.problems:
            raise BadChange(findings.problems[0])
        cells["tags"] = ", ".join(tags)
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
    """Put content in the place of a file's so that a power cut leaves the old or the new.

    The new file gets a name under which nobody could have put a link beforehand.
    """
    part = path.with_name(f"{_PART}{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            if hasattr(os, "fchmod") and path.exists():
                os.fchmod(file.fileno(), stat.S_IMODE(path.stat().st_mode))
            os.fsync(file.fileno())
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    if hasattr(os, "O_DIRECTORY"):
        folder = os.open(path.parent, os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def discard_parts(folder: Path) -> None:
    """Remove what a command that was killed while it wrote has left; nobody may be at work."""
    for left in folder.glob(f"{_PART}*.part"):
        if left.is_symlink() or left.is_file():
            left.unlink(missing_ok=True)
