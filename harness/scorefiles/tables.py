"""A score file as rows of words, before anybody says what its columns are."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.scorefiles.dialects import Dialect, Numbers, of_header, of_lines, separator_line
from harness.scorefiles.faults import Faults, quoted
from harness.scorefiles.lines import read_lines
from harness.scorefiles.words import SCORE_NAMES, means_distance

__all__ = ["Rows", "read_rows"]

LOOKED_AT = 50
"""Lines from which the separator is recognised."""


@dataclass(frozen=True)
class Rows:
    """The lines of a file as cells.

    Parameters
    ----------
    file_name
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

    file_name: str
    numbers: list[int]
    cells: list[list[str]]
    header: list[str]
    dialect: Dialect
    notes: list[str] = field(default_factory=list)

    def place(self, row: int) -> str:
        """Return ``file:line`` of a row."""
        return f"{self.file_name}:{self.numbers[row]}"

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

    @property
    def compared(self) -> list[tuple[str, str]]:
        """Names of what was compared, where just two columns, of all lines, are no numbers."""
        if not self.even or self.width < 3:
            return []
        names = [place for place in range(self.width) if not self.numeric(place)]
        if len(names) != 2:
            return []
        return list(zip(self.column(names[0]), self.column(names[1]), strict=True))

    def says_distance(self, place: int) -> list[str]:
        """Return a sentence where the name of a column of scores says that they are distances."""
        name = self.header[place] if self.header and abs(place) <= len(self.header) else ""
        if not means_distance(name):
            return []
        return [
            f"{self.file_name}: its column {name!r} is read as scores, of which higher ones are "
            "more "
            "alike; change the sign of distances"
        ]

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
    file_name = path.name
    lines = list(read_lines(path, file_name, faults))
    said = _comments(lines, file_name)
    forced = separator_line(lines[0][1]) if lines else ""
    if forced:
        del lines[0]
    if not lines:
        if not faults.count:
            faults.add("unreadable files", file_name, "has no score")
        return Rows(file_name, [], [], [], Dialect(" "))
    texts = [text for _, text in lines[:LOOKED_AT]]
    named = [of_header(texts[0], [name]) for name in SCORE_NAMES]
    header = next((found for found in named if found is not None), None)
    below = of_lines(texts[1:]) if len(texts) > 2 else None
    if header is not None and header.separator == " " and below not in (None, header):
        header = None  # words of a title, among them one for scores
    dialect = Dialect(forced) if forced else header or below or of_lines(texts)
    numbers, rows = [], []
    for number, text in lines:
        try:
            rows.append(dialect.cells(text))
            numbers.append(number)
        except ValueError as reason:
            faults.add("malformed lines", f"{file_name}:{number}", str(reason))
    names: list[str] = []
    if _is_title(rows, dialect):
        # Words of a title are no columns, and one name may have several words.
        said.append(f"{file_name}: its first line is passed over ({quoted(lines[0][1])})")
        del rows[0], numbers[0]
    elif len(rows) > 1 and _is_header(rows[0], rows[1]):
        names = [cell.lower() for cell in rows.pop(0)]
        numbers.pop(0)
    notes = [*said, *Numbers().notes(file_name, dialect)]
    if names and header is None:
        notes.append(f"{file_name}: its first line is read as a header ({', '.join(names)})")
    return Rows(file_name, numbers, rows, names, dialect, notes)


def _comments(lines: list[tuple[int, str]], file_name: str) -> list[str]:
    """Take lines that start with ``#`` from the top; what names a column of scores stays."""
    said = []
    while lines and lines[0][1].startswith(("#", "%", "//")):
        number, text = lines[0]
        bare = text.lstrip("#%/ ")
        found = [of_header(bare, [name]) for name in SCORE_NAMES]
        if any(one is not None and len(one.cells(bare)) > 1 for one in found):
            lines[0] = (number, bare)
            break
        said.append(f"{file_name}: line {number} is passed over ({quoted(text)})")
        del lines[0]
    return said


def _is_title(rows: list[list[str]], dialect: Dialect) -> bool:
    """Whether the first line is words without a number, and no line of columns as the others."""
    widths = {len(cells) for cells in rows[1:]}
    return (
        len(rows) > 2
        and (dialect.separator == " " or len(rows[0]) == 1)
        and len(widths) == 1
        and len(rows[0]) not in widths
        and not any(map(_like_number, rows[0]))
        and any(map(_like_number, rows[1]))
    )


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
