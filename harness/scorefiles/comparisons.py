"""Files with one comparison per line: CSV, Parquet, and the score files of bob.

=========  =======================================================================================
format     a line
=========  =======================================================================================
CSV        columns ``probe``, ``reference`` and ``score`` under a header, in any order
Parquet    the same columns
bob 4      ``claimed-id real-id probe-label score``
bob 5      ``claimed-id model-label real-id probe-label score``
NIST 1:1   ``enrollTempl verifTempl simScore returnCode``
=========  =======================================================================================

A table may have semicolons, tabs or spaces in the place of commas, decimal commas, a line ``sep=;``
before its header, and a column ``label`` (`harness.scorefiles.words`).

An empty score says that there is none. bob's ids are its own truth, which is compared with the
protocol's and not used. Its files name clients and models: such a name stands for the reference of
that name, or for the only reference of that tattoo, group or subject.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import nearest, some
from harness.errors.absent import imported
from harness.scorefiles.dialects import Dialect, Numbers, of_header, separator_line
from harness.scorefiles.faults import Faults, quoted
from harness.scorefiles.lines import LARGEST_FILE, LONGEST_LINE, finite_number, read_lines
from harness.scorefiles.sources import NIST_PAIR_COLUMNS, Source
from harness.scorefiles.words import mated_word

__all__ = [
    "Comparison",
    "compare_table",
    "read_bob",
    "read_nist_pairs",
    "read_parquet",
    "read_parquet_columns",
    "read_table",
]

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
    source: Source,
    columns: Sequence[str],
    faults: Faults,
    notes: list[str],
    optional: Sequence[str] = (),
) -> Iterator[tuple[int, str, list[str]]]:
    """Yield number, place and the wanted cells of every line of a table with a header.

    Parameters
    ----------
    source
        The file.
    columns
        Wanted; their order is that of the cells.
    faults
        Where faults go.
    notes
        Where sentences about columns that are not read, and about unusual separators, go.
    optional
        Columns that follow the wanted ones where the header names them; their cells are empty
        where it does not.
    """
    lines = read_lines(source.path, source.file_name, faults)
    places: list[int] = []
    width, dialect = 0, Dialect(",")
    for number, text in lines:
        place = f"{source.file_name}:{number}"
        if not width and separator_line(text):
            continue
        if not width:
            dialect = of_header(text, columns) or Dialect(",")
        try:
            cells = dialect.cells(text)
        except ValueError as reason:
            faults.add("malformed lines", place, str(reason))
            continue
        if not width:
            header = [cell.lower() for cell in cells]
            if not _is_header(header, columns, place, faults):
                return
            extra = [name for name in optional if header.count(name) == 1]
            places = [header.index(name) for name in (*columns, *extra)]
            width = len(cells)
            others = [name for name in header if name not in (*columns, *extra)]
            if others:
                notes.append(f"{source.file_name}: columns that are not read: {', '.join(others)}")
            notes.extend(Numbers().notes(source.file_name, dialect))
        elif len(cells) != width:
            faults.add(
                "malformed lines",
                place,
                f"has {some(len(cells), 'cell')}, the header {width} ({dialect.separators} "
                "between them)",
            )
        else:
            found = [cells[i] for i in places]
            yield number, place, found + [""] * (len(columns) + len(optional) - len(found))


def compare_table(source: Source, faults: Faults, notes: list[str]) -> Iterator[Comparison]:
    """Yield the comparisons of a table with a header; parameters as for `read_table`.

    A column ``label`` is the file's own truth, which is compared with the protocol's.
    """
    numbers = Numbers()
    columns = ("probe", "reference", "score")
    for number, place, cells in read_table(source, columns, faults, notes, ("label",)):
        probe, reference, text, label = cells
        try:
            score = numbers.read(text) if text else NO_SCORE
        except ValueError as reason:
            faults.add("scores that are no numbers", place, str(reason))
            continue
        yield Comparison(number, place, probe, reference, score, mated_word(label))
    if numbers.with_comma:
        notes.append(f"{source.file_name}: read with decimal commas")


def read_nist_pairs(source: Source, faults: Faults, notes: list[str]) -> Iterator[Comparison]:
    """Yield the comparisons of a log of NIST's 1:1 test driver; parameters as for `read_table`.

    A line is ``enrollTempl verifTempl simScore returnCode`` under a header with these names or
    without one. A comparison with a return code other than 0 has no score.
    """
    for number, text in read_lines(source.path, source.file_name, faults):
        place, parts = f"{source.file_name}:{number}", text.split()
        if tuple(part.lower() for part in parts) == tuple(n.lower() for n in NIST_PAIR_COLUMNS):
            continue
        if len(parts) != len(NIST_PAIR_COLUMNS):
            what = f"has {some(len(parts), 'column')}, not {' '.join(NIST_PAIR_COLUMNS)}"
            faults.add("malformed lines", place, what)
            continue
        enrolled, verified, text, code = parts
        if not (code.isascii() and code.isdigit()):
            faults.add("unknown values", place, f"{quoted(code)} is not a return code")
            continue
        try:
            score = finite_number(text) if int(code) == 0 else NO_SCORE
        except ValueError as reason:
            faults.add("scores that are no numbers", place, str(reason))
            continue
        yield Comparison(number, place, verified, enrolled, score)
    notes.append(
        f"{source.file_name}: read as a log of 1:1 comparisons (enrollTempl is the reference, "
        "verifTempl the probe)"
    )


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
    for number, text in read_lines(source.path, source.file_name, faults):
        place = f"{source.file_name}:{number}"
        parts = text.split()
        if len(parts) != columns:
            faults.add("malformed lines", place, f"has {some(len(parts), 'column')}, not {form}")
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
    pyarrow, parquet = _parquet()
    columns = ["probe", "reference", "score"]
    try:
        with parquet.ParquetFile(source.path) as file:
            if not _is_header(list(file.schema_arrow.names), columns, source.file_name, faults):
                return
            size = sum(
                file.metadata.row_group(i).total_byte_size
                for i in range(file.metadata.num_row_groups)
            )
            rows = file.metadata.num_rows
            if max(size, rows * SHORTEST_LINE) > LARGEST_FILE:
                what = f"unpacks to {size:,} bytes in {rows:,} rows"
                faults.add("unreadable files", source.file_name, what)
                return
            number = 0
            for batch in file.iter_batches(batch_size=PARQUET_BATCH, columns=columns):
                cells = [batch.column(name).to_pylist() for name in columns]
                for probe, reference, value in zip(*cells, strict=True):
                    number += 1
                    place = f"{source.file_name}, row {number}"
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
        faults.add("unreadable files", source.file_name, f"is not a sound Parquet file: {reason}")


def read_parquet_columns(path: Path, faults: Faults) -> tuple[list[str], list[list[str]]]:
    """Return the header and all rows of a Parquet file as text, empty where a value is missing.

    Raises
    ------
    UsageError
        If the package that reads Parquet is not installed.
    """
    pyarrow, parquet = _parquet()
    try:
        with parquet.ParquetFile(path) as file:
            names = list(file.schema_arrow.names)
            rows = file.metadata.num_rows
            if rows * SHORTEST_LINE * max(1, len(names)) > LARGEST_FILE:
                faults.add("unreadable files", path.name, f"has {rows:,} rows")
                return [], []
            cells: list[list[str]] = []
            for batch in file.iter_batches(batch_size=PARQUET_BATCH):
                columns = [batch.column(name).to_pylist() for name in names]
                cells += [
                    ["" if value is None else _plain(value) for value in row]
                    for row in zip(*columns, strict=True)
                ]
    except (pyarrow.ArrowException, OSError, UnicodeDecodeError) as reason:
        faults.add("unreadable files", path.name, f"is not a sound Parquet file: {reason}")
        return [], []
    return [str(name).lower() for name in names], cells


def _plain(value: object) -> str:
    return str(int(value)) if isinstance(value, bool) else str(value)


def _parquet() -> tuple[Any, Any]:
    what, instead = "reading a Parquet file", ", or save the table as CSV"
    return imported("pyarrow", what, instead), imported("pyarrow.parquet", what, instead)


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
