"""Which rows of two arrays are mates: a table of pairs, by numbers from 0 or by names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.findings import Findings
from harness.data.lists import read_lines
from harness.data.tables import read_cells, read_table
from harness.errors import DataError, UsageError, visible
from harness.scorefiles.faults import Faults, TooManyFaults, quoted

__all__ = ["Mates", "Side", "read_mates", "read_names"]

Ints = npt.NDArray[np.int64]

PROBE = ("probe", "query", "search")
REFERENCE = ("reference", "gallery", "template")
LABEL = ("mated", "label", "same", "genuine")
YES, NO = ("1", "1.0", "true", "yes"), ("0", "0.0", "false", "no", "-1")
COLUMNS = (*PROBE, *REFERENCE, *LABEL)


@dataclass(frozen=True)
class Side:
    """The rows of one side.

    Parameters
    ----------
    what
        ``probe`` or ``reference``.
    rows
        How many.
    names
        Row by name, where names are given.
    """

    what: str
    rows: int
    names: Mapping[str, int] | None = None


@dataclass(frozen=True)
class Mates:
    """The mated pairs of a file.

    Parameters
    ----------
    pairs
        int64, shape (pairs, 2): rows of probes and references, each pair once, sorted.
    repeated
        Lines that name a pair which another line names, too.
    nonmated
        Lines that say of themselves that they are no mates.
    """

    pairs: Ints
    repeated: int
    nonmated: int


def read_names(path: Path, side: str, rows: int) -> dict[str, int]:
    """Read one name for each row, one a line.

    Parameters
    ----------
    side
        ``probe`` or ``reference``.
    rows
        How many there are.

    Raises
    ------
    DataError
        If there are more or fewer names than rows, or one stands twice.
    """
    findings = Findings()
    file_name = visible(str(path))
    lines = read_lines(path, file_name, findings)
    if findings.problems:
        raise DataError(f"{file_name} cannot be read:", findings.all)
    if len(lines) != rows:
        raise DataError(
            f"{file_name} has {len(lines):,} names, and there are {rows:,} {side}s; expected one "
            "name "
            "a line, in the order of the rows, and no empty line"
        )
    names: dict[str, int] = {}
    for row, line in enumerate(lines):
        if line.text in names:
            raise DataError(
                f"{line.place}: {quoted(line.text)} is the name of row {names[line.text]} already; "
                f"every {side} needs a name of its own"
            )
        names[line.text] = row
    return names


def read_mates(path: Path, probe: Side, reference: Side) -> Mates:
    """Read mated pairs from a table with a column for probes and one for references.

    Parameters
    ----------
    path
        Of a CSV file or a spreadsheet.
    probe, reference
        What its columns name.

    Raises
    ------
    UsageError
        If there is no such file.
    DataError
        With everything that is wrong with it.
    """
    file_name = visible(str(path))
    if not path.exists():
        raise UsageError(f"{file_name} does not exist; expected a CSV file of mated pairs")
    findings = Findings()
    table = read_table(path, file_name, COLUMNS, "probe", findings)
    header = table.header if table is not None else []
    left, right, label = (
        next((c for c in known if c in header), "") for known in (PROBE, REFERENCE, LABEL)
    )
    if table is not None and not (left and right):
        first = ", ".join(quoted(name) for name in header[:4])
        raise DataError(
            f"{table.place}: the first line names the columns {first}; expected 'probe' and "
            "'reference' (rows of the two arrays from 0, or names), such as: probe,reference"
        )
    cells = read_cells(table, COLUMNS, left, findings) if table is not None else []
    if findings.problems:
        raise DataError(f"{file_name}: the mated pairs cannot be read:", findings.all)
    faults = Faults()
    rows: list[tuple[int, int]] = []
    others: dict[tuple[int, int], str] = {}
    try:
        for values, place in cells:
            pair = (
                _row(values[left], probe, place, faults),
                _row(values[right], reference, place, faults),
            )
            word = values.get(label, "1").lower()
            if word in NO:
                others[pair] = place
            elif word in YES:
                rows.append(pair)
            else:
                fault = f"{label} is {quoted(word)}; expected 1 for mates and 0 for others"
                faults.add("unknown labels", place, fault)
        mated = set(rows)
        for pair in sorted(others.keys() & mated):
            fault = "says that a pair is no mates which another line says are mates"
            faults.add("contradictions", others[pair], fault)
    except TooManyFaults:
        pass
    faults.stop_if_any(f"{file_name}: the mated pairs do not fit the arrays:")
    if not mated:
        raise DataError(f"{file_name} names no mated pair; expected one a line below the first")
    pairs = np.array(sorted(mated), dtype=np.int64).reshape(-1, 2)
    return Mates(pairs, len(rows) - len(pairs), len(others))


def _row(text: str, side: Side, place: str, faults: Faults) -> int:
    """Return the row that a cell names; -1 after saying why there is none."""
    if side.names is not None:
        found = side.names.get(text)
        if found is None:
            faults.unknown(place, f"the name of a {side.what}", text, side.names)
        return -1 if found is None else found
    digits = text.removesuffix(".0")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 15:
        faults.add(
            "cells that are no rows",
            place,
            f"{side.what} is {quoted(text)}; expected a row from 0 to {side.rows - 1:,}, or "
            f"--{side.what}-names FILE with a name for every row",
        )
        return -1
    row = int(digits)
    if row >= side.rows:
        one_more = " (rows count from 0)" if row == side.rows else ""
        faults.add(
            "rows that do not exist",
            place,
            f"{side.what} {row:,} does not exist: there are {side.rows:,}, from 0 to "
            f"{side.rows - 1:,}{one_more}",
        )
        return -1
    return row
