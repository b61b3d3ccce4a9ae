"""A score file as rows of words, before anybody says what its columns are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.scorefiles.dialects import Dialect, Numbers, of_header, of_lines, separator_line
from harness.scorefiles.faults import Faults
from harness.scorefiles.lines import read_lines
from harness.scorefiles.words import SCORE_NAMES

__all__ = ["Rows", "read_rows"]

LOOKED_AT = 50
"""Lines from which the separator is told."""


@dataclass(frozen=True)
class Rows:
    """The lines of a file as cells.

    Parameters
    ----------
    called
        What messages call the file.
    numbers
        Of each row's line, from 1.
    cells
        Of each row.
    header
        In lower case; empty where there is none.
    dialect
        In which they were read.
    notes
        Sentences about how they were read.
    """

    called: str
    numbers: list[int]
    cells: list[list[str]]
    header: list[str]
    dialect: Dialect
    notes: list[str] = field(default_factory=list)

    def place(self, row: int) -> str:
        """Return ``file:line`` of a row."""
        return f"{self.called}:{self.numbers[row]}"

    @property
    def width(self) -> int:
        """Columns that every row has."""
        return min((len(cells) for cells in self.cells), default=0)

    @property
    def even(self) -> bool:
        """Whether every row has as many."""
        return len({len(cells) for cells in self.cells}) < 2

    def column(self, place: int) -> list[str]:
        """Return a column, counted from 0, or from the end with negative numbers."""
        return [cells[place] for cells in self.cells]

    def figures(self, place: int) -> npt.NDArray[np.float64]:
        """Return a column as numbers, NaN where a cell is none: float64, shape (rows,)."""
        numbers = Numbers()
        return np.array([_number(text, numbers) for text in self.column(place)])

    def numeric(self, place: int) -> bool:
        """Whether most of a column is numbers; the others are then faults of it."""
        return bool(np.mean(~np.isnan(self.figures(place))) > 0.5)


def read_rows(path: Path, faults: Faults) -> Rows:
    """Read the rows of a text file.

    A first line of which no cell is a number, while cells in the same places below are, is a
    header; so is one that names a column of scores.

    Parameters
    ----------
    path
        Of the file.
    faults
        Where faults go.
    """
    called = path.name
    lines = list(read_lines(path, called, faults))
    forced = separator_line(lines[0][1]) if lines else ""
    if forced:
        del lines[0]
    if not lines:
        if not faults.count:
            faults.add("unreadable files", called, "has no score")
        return Rows(called, [], [], [], Dialect(" "))
    texts = [text for _, text in lines[:LOOKED_AT]]
    named = [of_header(texts[0], [name]) for name in SCORE_NAMES]
    header = next((found for found in named if found is not None), None)
    dialect = Dialect(forced) if forced else header or of_lines(texts)
    numbers, rows = [], []
    for number, text in lines:
        try:
            rows.append(dialect.cells(text))
            numbers.append(number)
        except ValueError as reason:
            faults.add("malformed lines", f"{called}:{number}", str(reason))
    names: list[str] = []
    if rows and len(rows) > 1 and _is_header(rows[0], rows[1]):
        names = [cell.lower() for cell in rows.pop(0)]
        numbers.pop(0)
    notes = list(Numbers().notes(called, dialect))
    if names and header is None:
        notes.append(f"{called}: its first line is read as a header ({', '.join(names)})")
    return Rows(called, numbers, rows, names, dialect, notes)


def _is_header(first: list[str], second: list[str]) -> bool:
    if any(cell.lower() in SCORE_NAMES for cell in first):
        return True
    # A single column's first line that is no number is a fault, not a header.
    return len(first) > 1 and any(map(_like_number, second)) and not any(map(_like_number, first))


def _like_number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _number(text: str, numbers: Numbers) -> float:
    try:
        return numbers.read(text)
    except ValueError:
        return math.nan
