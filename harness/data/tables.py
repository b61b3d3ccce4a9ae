"""Tables as spreadsheets and programs write them: lines of cells under names of columns.

In text, commas, semicolons or tabulators stand between cells, as the first line shows or as Excel's
own first line ``sep=;`` says; spreadsheets are read by `harness.data.sheets`. Columns without a
name and without a value mean nothing; one that counts the lines, as `DataFrame.to_csv` leaves it in
front, is left out, and that is said.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple
from unicodedata import category

from harness.data.findings import Findings
from harness.data.lists import read_text
from harness.data.sheets import ENDINGS, OTHERS, Line, other_kind, read_sheet
from harness.errors import some

__all__ = ["Cells", "Table", "read_cells", "read_table", "seen", "table_of"]

_SEPARATORS = (",", ";", "\t")
_SEP_LINE = re.compile(r'"?sep=(.)"?[,;\t]*(\r\n|\r|\n|$)', re.IGNORECASE)
_LINE_END = re.compile(r"[\r\n]")
_UNNAMED = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")
"""What a column without a name is called; the longer form is pandas' when it reads one back."""

_GUARDED = re.compile(r'="([^"]*)"')

_NO_TRUTH = ("skin", "taken", "site", "quality")
"""Columns by which results are told apart: without them no number is another."""
_MISSPELT = 0.8
"""How like the name of a column another has to be to be that name misspelt."""

_FILES = re.compile(
    r"(image|img|picture|pic|photo|foto|bild|file|datei|fichier|archivo|path|pfad)[ _-]?"
    r"(s|e|er|path|file|name|id|datei)?|(file|datei)[ _-]?(name|path|pfad)|(image|bild) ?\(.*\)"
)
"""What people call the column that names the files."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")

_TITLES = 20
"""Lines that are looked at for a header below the first."""


class Cells(NamedTuple):
    """One line: its cells by column, without space around them, and ``file:line``."""

    values: dict[str, str]
    place: str


class Table(NamedTuple):
    """The lines of a table that say something, the first of which names the columns.

    Parameters
    ----------
    file_name
        What messages call it.
    header
        Names of the columns; those that are known in lower case, others as they are written.
    place
        ``file:line`` of the header.
    lines
        The others, by their number from 1.
    separator
        What stands between cells in the file; a comma for a spreadsheet.
    """

    file_name: str
    header: list[str]
    place: str
    lines: list[Line]
    separator: str = ","


def read_table(
    path: Path,
    file_name: str,
    columns: Collection[str],
    required: str,
    findings: Findings,
    exists: Callable[[str], bool] | None = None,
) -> Table | None:
    """Return the table in a file, or None after adding the problem that prevents it.

    Parameters
    ----------
    path
        Of a text, or of a spreadsheet by its ending.
    file_name
        What messages call it.
    columns
        That are known, in lower case; a header may write them in capitals.
    required
        The column without which nothing is read.
    findings
        Where problems go.
    exists
        Says of a file name whether there is such a file, for `read_text`.
    """
    start = b""
    with suppress(OSError):  # which reading it as text reports
        if path.is_file():  # opening a pipe would wait for ever
            with path.open("rb") as file:
                start = file.read(64)
    if start.startswith(b"PK\x03\x04") or path.suffix.lower() in (*ENDINGS, *OTHERS):
        fault = other_kind(start, path.name)
        if fault is not None:
            findings.problem("unreadable lists", f"{file_name}: {fault}")
            return None
        lines = [
            (number, [_bare(cell) for cell in cells])
            for number, cells in read_sheet(path, file_name, required, findings)
        ]
        return (
            _headed(lines, file_name, columns, findings) if lines or not findings.problems else None
        )
    text = read_text(path, file_name, findings, exists)
    return None if text is None else table_of(text, file_name, columns, findings)


def table_of(
    text: str, file_name: str, columns: Collection[str], findings: Findings
) -> Table | None:
    """Return the table in a text, or None after adding the problem that prevents it.

    Parameters are those of `read_table`.
    """
    separator, text, skipped = _separated(text, columns)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        strict=True,
        skipinitialspace=separator != "\t",
    )
    try:
        lines = [
            (reader.line_num + skipped, [_bare(cell) for cell in cells])
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as fault:
        place = f"{file_name}:{reader.line_num + skipped}"
        findings.problem("malformed lines", f"{place}: is not CSV ({fault})")
        return None
    return _headed(lines, file_name, columns, findings, separator)


def seen(text: str) -> str:
    """Return a text without what is not seen at its ends: space, and characters that steer others.

    >>> seen("\u202ea.png\u200b "), seen(" \ufeff ")
    ('a.png', '')
    """
    if text.isascii() and text.isprintable():  # most cells: of these the space alone is not seen
        return text.strip(" ")
    ends = [place for place, one in enumerate(text) if not (one.isspace() or category(one) == "Cf")]
    return text[ends[0] : ends[-1] + 1] if ends else ""


def _bare(cell: str) -> str:
    """Return a cell without what keeps a spreadsheet from taking a text for a number."""
    text = seen(cell)
    guarded = _GUARDED.fullmatch(text)
    return guarded[1].strip() if guarded else text


def read_cells(
    table: Table, columns: Collection[str], required: str, findings: Findings
) -> list[Cells]:
    """Return the lines of a table by the names of its columns.

    Parameters
    ----------
    table
        As it was read.
    columns
        That are known. Others have to start with ``x_``.
    required
        The column without which nothing is read.
    findings
        Where problems go.
    """
    if not _header_is_sound(table, columns, required, findings):
        return []
    _look_at_unnamed(table, findings)
    return list(_cells(table, findings))


def _headed(
    lines: list[Line],
    file_name: str,
    columns: Collection[str],
    findings: Findings,
    separator: str = ",",
) -> Table | None:
    if not lines:
        findings.problem("empty lists", f"{file_name}: is empty")
        return None
    (number, first), *others = lines
    header = [_column(cell, columns) for cell in first]
    return Table(file_name, header, f"{file_name}:{number}", others, separator)


def _separated(text: str, columns: Collection[str]) -> tuple[str, str, int]:
    """Return what stands between cells, the text without Excel's own line, and lines left out."""
    marked = _SEP_LINE.match(text)
    if marked is not None:
        return marked[1], text[marked.end() :], 1
    return _separator(text, columns), text, 0


def _separator(text: str, columns: Collection[str]) -> str:
    """Return what stands between the names of the first line: whatever leaves most of them."""
    first = _LINE_END.split(text.lstrip("\r\n"), maxsplit=1)[0]

    def known(separator: str) -> int:
        try:
            cells = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:  # said where all of the text is read
            return 0
        return sum(_column(cell, columns) in columns for cell in cells)

    return max(_SEPARATORS, key=known)


def _column(cell: str, columns: Collection[str]) -> str:
    # Programs leave marks that are not seen, such as a second byte order mark.
    name = "".join(one for one in cell if category(one) != "Cf").strip()
    lower = "_".join(name.lower().split())
    if _UNNAMED.fullmatch(name):
        return ""
    return lower if lower in columns or lower.startswith("x_") else name


def _header_is_sound(
    table: Table, columns: Collection[str], required: str, findings: Findings
) -> bool:
    place = table.place
    named = [column for column in table.header if column]
    if required not in named:
        findings.problem("missing columns", f"{place}: {_lacking(table, columns, required)}")
        return False
    own = []
    for column in dict.fromkeys(named):
        near = get_close_matches(column.lower(), columns, 1, _MISSPELT)
        if column not in columns and not column.startswith("x_"):
            if near and near[0] in _NO_TRUTH:
                own.append(f"{column!r} (did you mean {near[0]!r}?)")
            elif near:
                findings.problem(
                    "unknown columns",
                    f"{place}: unknown column {column!r}. Did you mean {near[0]!r}? "
                    "A column of your own has a name that starts with 'x_'",
                )
            else:
                own.append(repr(column))
        if named.count(column) > 1:
            findings.problem(
                "unknown columns",
                f"{place}: column {column!r} stands there {named.count(column)} times",
            )
    if own:
        findings.warning(
            "columns that are not known",
            f"{place}: not looked at: {', '.join(own)}; known are {', '.join(columns)}",
        )
    return True


def _lacking(table: Table, columns: Collection[str], required: str) -> str:
    """Say what to do where a column is missing that has to be there."""
    for number, cells in table.lines[:_TITLES]:
        if required in [_column(cell, columns) for cell in cells]:
            return (
                f"the first line is no header, but line {number} is, which names {required!r}; "
                "delete what stands above it"
            )
    found = ", ".join(repr(column) for column in table.header if column)
    files = next(
        (name for name in table.header if _FILES.fullmatch(name.strip("'\"").casefold())), None
    )
    meant = f". If {files!r} does, call it {required!r}" if files else ""
    return (
        f"there is no column {required!r}, which names the file of each picture; the first line "
        f"names the columns, with ',', ';' or a tabulator between them, and has {found}{meant}"
    )


def _look_at_unnamed(table: Table, findings: Findings) -> None:
    """Say what columns without a name hold."""
    file_name = table.file_name
    for place, column in enumerate(table.header):
        held = [
            (number, cells[place])
            for number, cells in table.lines
            if place < len(cells) and cells[place] and not column
        ]
        if not held:
            continue
        if all(re.fullmatch(r"\d+(\.0)?", value) for _, value in held):
            findings.warning(
                "columns without a name",
                f"{file_name}: column {place + 1} has no name and holds numbers, as pandas "
                "writes its "
                "index; it is not looked at (write it with index=False)",
            )
        else:
            number, value = held[0]
            findings.problem(
                "columns without a name",
                f"{file_name}:{number}: column {place + 1} has no name and holds {value!r}; name "
                "it "
                "in the first line, with 'x_' in front if it is your own",
            )


def _cells(table: Table, findings: Findings) -> Iterator[Cells]:
    header = table.header
    for number, written in table.lines:
        place = f"{table.file_name}:{number}"
        cells = written
        if len(cells) > len(header) and not any(cells[len(header) :]):
            cells = cells[: len(header)]
        if len(cells) < len(header) and not any(header[len(cells) :]):
            cells = [*cells, *[""] * (len(header) - len(cells))]
        if len(cells) != len(header):
            findings.problem(
                "malformed lines",
                f"{place}: has {some(len(cells), 'column')}, the first line has {len(header)}",
            )
            continue
        values = {k: v for k, v in zip(header, cells, strict=True) if k}
        steering = next((value for value in values.values() if _CONTROL.search(value)), None)
        if steering is not None:
            findings.problem(
                "malformed lines", f"{place}: {steering!r} has a control character in it"
            )
            continue
        if any(values.values()):
            yield Cells(values, place)
