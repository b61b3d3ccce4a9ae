"""What a table of somebody's own says of the images of a finished run.

Of people more may be known than a data set should carry, or than was known when it was judged: sex,
age, who took the picture. A table beside it has a line for each image, tattoo or subject, and any
columns::

    subject,sex,decade of birth
    s-0017,f,1980
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from harness.data.findings import Findings
from harness.data.paths import canonical
from harness.data.records import Record
from harness.data.tables import Table, read_table, seen
from harness.errors import UsageError, nearest, some

__all__ = ["KEYS", "labels_in"]

KEYS = ("image", "tattoo", "subject")
"""Columns that say whose a line is; the first that a table has is followed."""

_DEPTH = 6
"""Parts of a path that may stand for an image."""


def labels_in(path: Path, column: str, records: Mapping[str, Record]) -> dict[str, str]:
    """Return what a column of a table says of the images of a run, by their names.

    Parameters
    ----------
    path
        Of the table: CSV or a spreadsheet.
    column
        Of the table.
    records
        Of the run.

    Raises
    ------
    UsageError
        If the table cannot be read, has no such column or none of `KEYS`, says two things of one
        image, tattoo or subject, or nothing of any image of the run.
    """
    findings = Findings()
    table = read_table(path, path.name, KEYS, KEYS[0], findings)
    if table is None or findings.problems:
        raise UsageError("; ".join(findings.problems) or f"{path.name} cannot be read")
    key = next((one for one in KEYS if one in table.header), None)
    has = ", ".join(repr(one) for one in table.header if one)
    if key is None:
        raise UsageError(
            f"{table.place}: no column says whose each line is; expected one of "
            f"{', '.join(KEYS)}, and there is {has}"
        )
    if column not in table.header or column == key:
        others = [one for one in table.header if one != key]
        raise UsageError(
            f"{table.place}: there is no column {column!r} beside {key!r}."
            f"{nearest(column, others)} There is {has}"
        )
    said = _said(table, key, column)
    found: dict[str, str] = {}
    if key == "image":
        whose = _places(records)
        for name, label in said.items():
            image = whose.get(canonical(name.replace("\\", "/")))
            if image is not None:
                found[image] = label
    else:
        known = ((name, getattr(record, key)) for name, record in records.items())
        found = {name: said[who] for name, who in known if who in said}
    if not found:
        raise UsageError(
            f"{path.name}: says {column!r} of {some(len(said), key)}, and of none that the run "
            f"judges, where one {key} is {_example(records, key)!r}"
        )
    return found


def _said(table: Table, key: str, column: str) -> dict[str, str]:
    """Return what each image, tattoo or subject is said to be."""
    said: dict[str, str] = {}
    lines: dict[str, int] = {}
    places = table.header.index(key), table.header.index(column)
    for number, cells in table.lines:
        name, label = (seen(cells[at]) if at < len(cells) else "" for at in places)
        if not name or not label:
            continue
        if said.setdefault(name, label) != label:
            raise UsageError(
                f"{table.file_name}:{number}: {column} of {name!r} is {label!r}, and "
                f"{said[name]!r} in line {lines[name]}; write one of them"
            )
        lines.setdefault(name, number)
    return said


def _places(records: Mapping[str, Record]) -> dict[str, str]:
    """Return the names of records by what may stand for them: a name, or the end of a path."""
    found: dict[str, str] = {}
    shared: set[str] = set()
    for name, record in records.items():
        parts = record.path.parts
        for depth in range(2, min(_DEPTH, len(parts)) + 1):
            end = canonical("/".join(parts[-depth:]))
            if found.setdefault(end, name) != name:
                shared.add(end)
    return {end: name for end, name in found.items() if end not in shared} | {
        name: name for name in records
    }


def _example(records: Mapping[str, Record], key: str) -> str:
    known = (name if key == "image" else getattr(record, key) for name, record in records.items())
    return next((one for one in known if one), "")
