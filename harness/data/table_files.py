"""Typed tables as files: CSV that every program reads, and Parquet that keeps the types.

A number is written so that reading it gives the same number again. A missing cell is empty in CSV,
and so is an empty text. Texts stand as they are, whatever a spreadsheet may make of them: whoever
joins tables by names needs the names.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from harness.data.typed_tables import Cell, TypedTable
from harness.data.whole_files import named, part_of
from harness.errors.absent import imported

__all__ = ["FORMULAS", "formula_like", "write_csv", "write_parquet"]

FORMULAS = ("=", "+", "-", "@", "\t", "\r")
"""How a text begins that a spreadsheet may take for a formula."""


GROUP = 1 << 20
"""Rows of Parquet that are made at a time."""


def write_csv(path: Path, parts: Iterable[TypedTable]) -> None:
    """Write tables of the same columns, one after another, under one header.

    UTF-8, commas, lines end with LF; a truth value is ``true`` or ``false``.

    Parameters
    ----------
    parts
        One or more; only one needs to be in memory at a time.
    """
    with _whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        header: list[str] = []
        for table in parts:
            if not header:
                header = list(table.columns)
                writer.writerow(header)
            writer.writerows(map(_words, table.rows()))


def _words(row: tuple[Cell, ...]) -> list[str]:
    return [_word(cell) for cell in row]


def _word(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    # What has no digits is written as Table Schema (Frictionless) and XML Schema write it.
    return cell if isinstance(cell, str) else repr(cell).replace("inf", "INF")


def formula_like(table: TypedTable) -> int:
    """Return how many texts of a table a spreadsheet may take for formulas."""
    return sum(
        sum(text.startswith(FORMULAS) for text in table.arrays[name].tolist())
        for name, column in table.columns.items()
        if column.dtype == "str"
    )


def write_parquet(path: Path, parts: Iterable[TypedTable]) -> None:
    """Write tables of the same columns, one after another.

    Text is ``string``, and what a column means stands in its metadata.

    Parameters
    ----------
    parts
        One or more; only one needs to be in memory at a time.

    Raises
    ------
    UsageError
        If pyarrow is not installed.
    """
    pyarrow: Any = imported("pyarrow", "writing a Parquet file", ", or write CSV")
    parquet: Any = imported("pyarrow.parquet", "writing a Parquet file", ", or write CSV")
    kinds = {
        "str": pyarrow.string(),
        "float64": pyarrow.float64(),
        "int64": pyarrow.int64(),
        "bool": pyarrow.bool_(),
    }
    writer: Any = None
    with _whole(path) as part:
        try:
            for table in parts:
                fields = [
                    pyarrow.field(
                        name,
                        kinds[column.dtype],
                        metadata={"meaning": column.meaning, "unit": column.unit},
                    )
                    for name, column in table.columns.items()
                ]
                schema = pyarrow.schema(fields, metadata={"about": table.about})
                if writer is None:
                    writer = parquet.ParquetWriter(part, schema, compression="zstd")
                for start in range(0, max(1, len(table)), GROUP):
                    here = slice(start, start + GROUP)
                    arrays = [
                        pyarrow.array(
                            table.arrays[one.name][here],
                            one.type,
                            mask=table.missing[one.name][here],
                        )
                        for one in fields
                    ]
                    writer.write_table(pyarrow.Table.from_arrays(arrays, schema=schema))
        finally:
            if writer is not None:
                writer.close()


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """Give a file beside `path` that takes its place when the block ends well."""
    part = path.with_name(f".{part_of(path.name)}")
    try:
        yield part
        part.replace(path)
    except OSError as reason:
        raise named(reason, path) from None
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)
