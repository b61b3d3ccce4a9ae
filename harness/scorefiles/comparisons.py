"""Files with one comparison per line: CSV, Parquet, and the score files of bob.

=========  =======================================================================================
format     a line
=========  =======================================================================================
CSV        columns ``probe``, ``reference`` and ``score`` under a header, in any order
Parquet    the same columns
bob 4      ``claimed-id real-id probe-label score``
bob 5      ``claimed-id model-label real-id probe-label score``
=========  =======================================================================================

An empty score says that there is none. bob's ids are its own truth, which is compared with the
protocol's and not used. Its files name clients and models: such a name stands for the reference of
that name, or for the only reference of that tattoo, group or subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.errors import UsageError, nearest
from harness.scorefiles.faults import Faults
from harness.scorefiles.lines import (
    LARGEST_FILE,
    LONGEST_LINE,
    comma_separated,
    finite_number,
    read_lines,
)
from harness.scorefiles.sources import Source

__all__ = ["Comparison", "compare_table", "read_bob", "read_parquet", "read_table"]

NO_SCORE = float("nan")

PARQUET_BATCH = 1 << 16
SHORTEST_LINE = 8
"""Bytes of a line of text that says as much as a row of Parquet."""


class Comparison(NamedTuple):
    """One line that compares a probe with a reference.

    Parameters
    ----------
    line
        Its number, from 1.
    place
        ``file:line``.
    probe, reference
        As written.
    score
        Finite; NaN where the line gives none.
    claims_mated
        Whether the file calls the two mated; None where it does not say.
    """

    line: int
    place: str
    probe: str
    reference: str
    score: float
    claims_mated: bool | None = None


def read_table(
    source: Source, columns: Sequence[str], faults: Faults, notes: list[str]
) -> Iterator[tuple[int, str, list[str]]]:
    """Yield number, place and the wanted cells of every line of a CSV file.

    Parameters
    ----------
    source
        The file.
    columns
        Wanted; their order is that of the cells.
    faults
        Where faults go.
    notes
        Where a sentence about columns that are not read goes.
    """
    lines = read_lines(source.path, source.called, faults)
    places: list[int] = []
    width = 0
    for number, text in lines:
        place = f"{source.called}:{number}"
        try:
            cells = comma_separated(text)
        except ValueError as reason:
            faults.add("malformed lines", place, str(reason))
            continue
        if not width:
            header = [cell.lower() for cell in cells]
            if not _is_header(header, columns, place, faults):
                return
            places, width = [header.index(name) for name in columns], len(cells)
            others = [name for name in header if name not in columns]
            if others:
                notes.append(f"{source.called}: columns that are not read: {', '.join(others)}")
        elif len(cells) != width:
            faults.add("malformed lines", place, f"has {len(cells)} cells, the header {width}")
        else:
            yield number, place, [cells[i] for i in places]


def compare_table(source: Source, faults: Faults, notes: list[str]) -> Iterator[Comparison]:
    """Yield the comparisons of a CSV file; parameters as for `read_table`."""
    for number, place, cells in read_table(source, ("probe", "reference", "score"), faults, notes):
        probe, reference, text = cells
        try:
            score = finite_number(text) if text else NO_SCORE
        except ValueError as reason:
            faults.add("scores that are no numbers", place, str(reason))
            continue
        yield Comparison(number, place, probe, reference, score)


def read_bob(source: Source, columns: int, faults: Faults) -> Iterator[Comparison]:
    """Yield the comparisons of a score file of bob.

    Parameters
    ----------
    source
        The file.
    columns
        4 or 5.
    faults
        Where faults go.
    """
    form = "claimed-id real-id probe-label score"
    if columns == 5:
        form = "claimed-id model-label real-id probe-label score"
    for number, text in read_lines(source.path, source.called, faults):
        place = f"{source.called}:{number}"
        parts = text.split()
        if len(parts) != columns:
            faults.add("malformed lines", place, f"has {len(parts)} columns, not {form}")
            continue
        claimed, model, (real, probe, text) = parts[0], parts[columns - 4], parts[-3:]
        try:
            score = finite_number(text)
        except ValueError as reason:
            faults.add("scores that are no numbers", place, str(reason))
            continue
        yield Comparison(number, place, probe, model, score, claimed == real)


def read_parquet(source: Source, faults: Faults) -> Iterator[Comparison]:
    """Yield the comparisons of a Parquet file, its rows numbered from 1.

    Parameters
    ----------
    source
        The file.
    faults
        Where faults go.

    Raises
    ------
    UsageError
        If the package that reads Parquet is not installed.
    """
    import importlib

    try:
        pyarrow = importlib.import_module("pyarrow")
        parquet = importlib.import_module("pyarrow.parquet")
    except ImportError:
        raise UsageError(
            "Parquet files are read with the package pyarrow, which is not installed: "
            "`pip install pyarrow`, or save the table as CSV"
        ) from None
    columns = ["probe", "reference", "score"]
    try:
        with parquet.ParquetFile(source.path) as file:
            if not _is_header(list(file.schema_arrow.names), columns, source.called, faults):
                return
            size = sum(
                file.metadata.row_group(i).total_byte_size
                for i in range(file.metadata.num_row_groups)
            )
            rows = file.metadata.num_rows
            if max(size, rows * SHORTEST_LINE) > LARGEST_FILE:
                what = f"unpacks to {size:,} bytes in {rows:,} rows"
                faults.add("unreadable files", source.called, what)
                return
            number = 0
            for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=columns):
                cells = [batch.column(name).to_pylist() for name in columns]
                for probe, reference, value in zip(*cells, strict=True):
                    number += 1
                    place = f"{source.called}, row {number}"
                    if not _is_name(probe) or not _is_name(reference):
                        faults.add("malformed lines", place, "has a name that is not a short text")
                        continue
                    try:
                        score = NO_SCORE if value is None else _number(value)
                    except ValueError as reason:
                        faults.add("scores that are no numbers", place, str(reason))
                        continue
                    yield Comparison(number, place, probe, reference, score)
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as reason:
        faults.add("unreadable files", source.called, f"is not a sound Parquet file: {reason}")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and len(value) <= LONGEST_LINE


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"the score {value!r} is not a number")  # noqa: TRY004 - one message
    return finite_number(repr(value))


def _is_header(header: list[str], columns: Sequence[str], place: str, faults: Faults) -> bool:
    sound = True
    for name in columns:
        if header.count(name) != 1:
            sound = False
            what = "names no column" if name not in header else "names twice the column"
            others = [other for other in header if other not in columns]
            faults.add(
                "wrong headers",
                place,
                f"{what} {name!r}.{nearest(name, others)} The header names: {', '.join(columns)}",
            )
    return sound
