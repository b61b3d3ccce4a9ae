"""Tables with typed columns, each with its meaning: what frames and files of other programs hold.

They are arrays of NumPy with a mask beside each, so that whoever lists them needs neither pandas
nor Arrow. A cell that is missing is masked, and its array has a value that says nothing there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["Cell", "Column", "DType", "TypedTable", "joined", "typed_table"]

DType = Literal["str", "float64", "int64", "bool"]
"""What the cells of a column are."""

Cell: TypeAlias = str | float | int | bool | None
"""One cell; None where it is missing."""

BLOCK = 1 << 16
"""Rows that are Python's values at a time."""

_NOTHING: dict[DType, Any] = {"str": "", "float64": np.nan, "int64": 0, "bool": False}


@dataclass(frozen=True)
class Column:
    """What stands in a column.

    Parameters
    ----------
    dtype
        Of its cells; any of them may be missing.
    meaning
        In words, one sentence or less.
    unit
        ``share`` for a number between 0 and 1, another word for another unit; empty without one.
    """

    dtype: DType
    meaning: str
    unit: str = ""


@dataclass(frozen=True, eq=False)
class TypedTable:
    """Columns of one length.

    Parameters
    ----------
    name
        Of the table: lower-case letters, digits and hyphens.
    about
        What a row is, in a sentence.
    columns
        By name, in their order.
    arrays
        By the same names, each of shape (rows,): object (of str), float64, int64 or bool. Where a
        cell is missing it is empty, NaN, 0 or False.
    missing
        By the same names, each bool of shape (rows,).
    """

    name: str
    about: str
    columns: Mapping[str, Column]
    arrays: Mapping[str, npt.NDArray[Any]]
    missing: Mapping[str, npt.NDArray[np.bool_]]

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(next(iter(self.arrays.values()))) if self.arrays else 0

    def rows(self) -> Iterator[tuple[Cell, ...]]:
        """Yield every row as Python's own values."""
        for start in range(0, len(self), BLOCK):
            here = slice(start, start + BLOCK)
            lists = []
            for name in self.columns:
                cells = self.arrays[name][here].tolist()
                for place in np.flatnonzero(self.missing[name][here]).tolist():
                    cells[place] = None
                lists.append(cells)
            yield from zip(*lists, strict=True)


def typed_table(
    name: str,
    about: str,
    columns: Mapping[str, Column],
    cells: Mapping[str, Sequence[Cell] | npt.NDArray[Any]],
) -> TypedTable:
    """Make a table of the cells of its columns.

    Parameters
    ----------
    name, about, columns
        As of `TypedTable`.
    cells
        By the name of a column: values, None where there is none, or an array of shape (rows,).
        Empty text, and NaN, are missing, too.

    Raises
    ------
    ValueError
        If a column lacks its cells, or has another length than the others.

    Examples
    --------
    >>> table = typed_table("t", "One row.", {"n": Column("int64", "A number")}, {"n": [3, None]})
    >>> table.arrays["n"].tolist(), table.missing["n"].tolist(), list(table.rows())
    ([3, 0], [False, True], [(3,), (None,)])
    """
    if cells.keys() != columns.keys():
        odd = sorted(cells.keys() ^ columns.keys())
        raise ValueError(f"columns of {name}: {', '.join(odd)} has no cells, or is no column")
    arrays, missing = {}, {}
    for column, what in columns.items():
        arrays[column], missing[column] = _typed(cells[column], what.dtype)
    if len({len(array) for array in arrays.values()}) > 1:
        raise ValueError(f"columns of {name} have different lengths")
    return TypedTable(name, about, columns, arrays, missing)


def _typed(
    cells: Sequence[Cell] | npt.NDArray[Any], dtype: DType
) -> tuple[npt.NDArray[Any], npt.NDArray[np.bool_]]:
    if isinstance(cells, np.ndarray):
        absent = np.zeros(len(cells), bool)
        values = cells
    else:
        absent = np.fromiter((cell is None for cell in cells), bool, len(cells))
        values = np.empty(len(cells), object)
        values[:] = cells
        values[absent] = _NOTHING[dtype]
    if dtype == "str":
        return values.astype(object, copy=False), absent | (values == "").astype(bool)
    array = values.astype(dtype, copy=False)
    return array, absent | np.isnan(array) if dtype == "float64" else absent


def joined(tables: Iterable[TypedTable]) -> TypedTable:
    """Return the rows of tables one after another.

    A column that only some of them have is missing in the rows of the others.

    Parameters
    ----------
    tables
        One or more, of one name; what is said of them and of their columns is that of the first
        which has it.
    """
    parts = list(tables)
    columns: dict[str, Column] = {}
    for part in parts:
        for name, column in part.columns.items():
            columns.setdefault(name, column)
    arrays, missing = {}, {}
    for name, column in columns.items():
        values, masks = [], []
        for part in parts:
            there = name in part.arrays
            empty, _ = _typed([None] * len(part), column.dtype)
            values.append(part.arrays[name] if there else empty)
            masks.append(part.missing[name] if there else np.ones(len(part), bool))
        arrays[name], missing[name] = np.concatenate(values), np.concatenate(masks)
    return TypedTable(parts[0].name, parts[0].about, columns, arrays, missing)
