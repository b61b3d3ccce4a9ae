"""Tables as spreadsheets and programs write them: lines of cells under names of columns.

Commas, semicolons or tabulators stand between cells, as the first line shows or as Excel's own
first line ``sep=;`` says. Columns without a name and without a value mean nothing; one that counts
the lines, as `DataFrame.to_csv` leaves it in front, is left out, and that is said.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from harness.data.findings import Findings
from harness.errors import nearest

__all__ = ["Cells", "read_cells", "separated"]

_SEPARATORS = (",", ";", "\t")
_SEP_LINE = re.compile(r'"?sep=(.)"?,*\r?\n?', re.IGNORECASE)
_UNNAMED = re.compile(r"(Unnamed: \d+(_level_\d+)?)?")
"""What a column without a name is called; the longer form is pandas' when it reads one back."""


class Cells(NamedTuple):
    """One line: its cells by column, without space around them, and ``file:line``."""

    values: dict[str, str]
    place: str


def read_cells(
    text: str, called: str, columns: Collection[str], required: str, findings: Findings
) -> list[Cells]:
    """Return the lines of a table that say something.

    Parameters
    ----------
    text
        Of the whole file.
    called
        What messages call it.
    columns
        That are known, in lower case; a header may write them in capitals. Others have to start
        with ``x_``.
    required
        The column without which nothing is read.
    findings
        Where problems go.
    """
    separator, text, skipped = separated(text, columns)
    reader = csv.reader(
        io.StringIO(text, newline=""),
        delimiter=separator,
        strict=True,
        skipinitialspace=separator != "\t",
    )
    try:
        header = [_column(cell, columns) for cell in next(reader, [])]
        lines = [
            (reader.line_num + skipped, [cell.strip() for cell in cells])
            for cells in reader
            if any(cell.strip() for cell in cells)
        ]
    except csv.Error as fault:
        place = f"{called}:{reader.line_num + skipped}"
        findings.problem("malformed lines", f"{place}: is not CSV ({fault})")
        return []
    if not any(header):
        findings.problem("empty lists", f"{called}: is empty")
        return []
    if not _header_is_sound(header, f"{called}:{1 + skipped}", columns, required, findings):
        return []
    _look_at_unnamed(header, lines, called, findings)
    return list(_cells(header, lines, called, findings))


def separated(text: str, columns: Collection[str]) -> tuple[str, str, int]:
    """Return what stands between cells, the text without Excel's own line, and lines left out."""
    marked = _SEP_LINE.match(text)
    if marked is not None:
        return marked[1], text[marked.end() :], 1
    return _separator(text, columns), text, 0


def _separator(text: str, columns: Collection[str]) -> str:
    """Return what stands between the names of the first line: whatever leaves most of them."""
    first = text.lstrip("\r\n").split("\n", 1)[0]

    def known(separator: str) -> int:
        try:
            cells = next(csv.reader([first], delimiter=separator), [])
        except csv.Error:  # said where all of the text is read
            return 0
        return sum(_column(cell, columns) in columns for cell in cells)

    return max(_SEPARATORS, key=known)


def _column(cell: str, columns: Collection[str]) -> str:
    name = cell.strip()
    lower = name.lower().replace(" ", "_")
    if _UNNAMED.fullmatch(name):
        return ""
    return lower if lower in columns or lower.startswith("x_") else name


def _header_is_sound(
    header: list[str], place: str, columns: Collection[str], required: str, findings: Findings
) -> bool:
    named = [column for column in header if column]
    for column in dict.fromkeys(named):
        if column not in columns and not column.startswith("x_"):
            findings.problem(
                "unknown columns",
                f"{place}: unknown column {column!r}.{nearest(column, columns)} "
                "A column of your own has a name that starts with 'x_'",
            )
        if named.count(column) > 1:
            findings.problem(
                "unknown columns",
                f"{place}: column {column!r} stands there {named.count(column)} times",
            )
    if required not in named:
        findings.problem(
            "missing columns",
            f"{place}: there is no column {required!r}; the first line names the columns, with "
            "',', ';' or a tabulator between them",
        )
        return False
    return True


def _look_at_unnamed(
    header: list[str], lines: list[tuple[int, list[str]]], called: str, findings: Findings
) -> None:
    """Say what columns without a name hold."""
    for place, column in enumerate(header):
        held = [
            (number, cells[place])
            for number, cells in lines
            if place < len(cells) and cells[place] and not column
        ]
        if not held:
            continue
        if all(re.fullmatch(r"\d+(\.0)?", value) for _, value in held):
            findings.warning(
                "columns without a name",
                f"{called}: column {place + 1} has no name and holds numbers, as pandas writes its "
                "index; it is not looked at (write it with index=False)",
            )
        else:
            number, value = held[0]
            findings.problem(
                "columns without a name",
                f"{called}:{number}: column {place + 1} has no name and holds {value!r}; name it "
                "in the first line, with 'x_' in front if it is your own",
            )


def _cells(
    header: list[str], lines: list[tuple[int, list[str]]], called: str, findings: Findings
) -> Iterator[Cells]:
    for number, written in lines:
        place = f"{called}:{number}"
        cells = written
        if len(cells) > len(header) and not any(cells[len(header) :]):
            cells = cells[: len(header)]
        if len(cells) < len(header) and not any(header[len(cells) :]):
            cells = [*cells, *[""] * (len(header) - len(cells))]
        if len(cells) != len(header):
            findings.problem(
                "malformed lines",
                f"{place}: has {len(cells)} columns, the first line has {len(header)}",
            )
            continue
        values = {k: v for k, v in zip(header, cells, strict=True) if k}
        if any(values.values()):
            yield Cells(values, place)
