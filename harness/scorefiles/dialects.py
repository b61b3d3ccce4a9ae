"""How a table of text separates its columns and writes its numbers.

Spreadsheets of half the world write ``;`` between columns and a comma in a number, pandas writes
tabs, Excel puts a line ``sep=;`` first, and lists of other programs have spaces. What is found is
said in a note wherever it is not the usual.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from harness.scorefiles.faults import quoted
from harness.scorefiles.lines import finite_number

__all__ = ["Dialect", "Numbers", "of_header", "of_lines", "separator_line"]

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", " ": "spaces", "|": "bars"}
_SEP_LINE = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_COMMA = re.compile(r"[-+]?\d+,\d+(?:[eE][-+]?\d+)?")


def separator_line(text: str) -> str:
    """Return the separator that a line ``sep=;`` of Excel names; empty for any other line.

    >>> separator_line("sep=;"), separator_line("probe,reference,score")
    (';', '')
    """
    found = _SEP_LINE.fullmatch(text)
    # A space at the end of a line is gone by now.
    return found[1] if found else (" " if text.lower() == "sep=" else "")


@dataclass(frozen=True)
class Dialect:
    """What stands between the columns of a table.

    Parameters
    ----------
    separator
        A key of `SEPARATORS`; a space stands for any space.
    """

    separator: str

    @property
    def separators(self) -> str:
        """For people, in the plural."""
        return SEPARATORS.get(self.separator, repr(self.separator))

    def cells(self, text: str) -> list[str]:
        """Return the cells of a line, without space around them.

        Raises
        ------
        ValueError
            If its quotes do not close; the message continues the place of the line.

        Examples
        --------
        >>> Dialect(";").cells('"a; b.png"; r.png;0,5')
        ['a; b.png', 'r.png', '0,5']
        >>> Dialect(" ").cells("a  b 0.5")
        ['a', 'b', '0.5']
        """
        if self.separator == " ":
            return text.split()
        if '"' not in text:
            return [cell.strip() for cell in text.split(self.separator)]
        reader = csv.reader([text], delimiter=self.separator, strict=True, skipinitialspace=True)
        try:
            cells = next(reader)
        except (csv.Error, StopIteration):
            raise ValueError(f"{quoted(text)} has quotes that do not close") from None
        return [cell.strip() for cell in cells]


def of_header(text: str, columns: Collection[str]) -> Dialect | None:
    """Return the dialect in which a line is a header with some columns, or None.

    >>> of_header("Probe;Reference;Score", ["score", "probe"])
    Dialect(separator=';')
    """
    for separator in SEPARATORS:
        try:
            cells = {cell.lower() for cell in Dialect(separator).cells(text)}
        except ValueError:
            continue
        if cells.issuperset(columns):
            return Dialect(separator)
    return None


def of_lines(lines: Sequence[str]) -> Dialect:
    """Return the dialect of the first lines of a table, which need not have a header.

    A separator is one that gives every line the same number of columns, two at least. Numbers with
    a decimal comma at the end of lines are no two columns.

    Examples
    --------
    >>> of_lines(["a;0,5;1", "b;0,25;0"]).separators, of_lines(["a 0,5", "b 0,25"]).separators
    ('semicolons', 'spaces')
    """
    for separator in ("\t", ";", ","):
        dialect = Dialect(separator)
        try:
            widths = {len(dialect.cells(line)) for line in lines}
        except ValueError:
            continue
        if len(widths) == 1 and min(widths) > 1:
            if separator == "," and all(_COMMA.fullmatch(line.split()[-1]) for line in lines):
                return Dialect(" ")
            return dialect
    return Dialect(" ")


class Numbers:
    """The numbers of one file, which has decimal points or decimal commas and not both.

    Attributes
    ----------
    with_comma
        Whether numbers with a decimal comma were read.
    """

    def __init__(self) -> None:
        self.with_comma = False
        self._with_point = False

    def read(self, text: str) -> float:
        """Return the number that a text is.

        Raises
        ------
        ValueError
            If it is no finite number, or has a comma where others have a point; the message
            continues the place of the text.

        Examples
        --------
        >>> Numbers().read("-0,25")
        -0.25
        """
        if _COMMA.fullmatch(text):
            self.with_comma = True
            found = finite_number(text.replace(",", "."))
        else:
            found = finite_number(text)
            self._with_point |= "." in text
        if self.with_comma and self._with_point:
            raise ValueError(
                f"the score {quoted(text)} is written with another decimal sign than those before "
                "it; write points, and nothing between thousands"
            )
        return found

    def notes(self, file_name: str, dialect: Dialect) -> Iterator[str]:
        """Yield what a reader should know of how a file was read."""
        if dialect.separator not in (",", " ", "|"):
            yield f"{file_name}: read with {dialect.separators} between its columns"
        if self.with_comma:
            yield f"{file_name}: read with decimal commas"
