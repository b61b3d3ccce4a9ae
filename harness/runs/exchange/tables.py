"""The tables of a run as a folder of files, with a description that others' tools read.

::

    OUT/metrics.csv  folds.csv  counts.csv  searches.csv  candidates.csv  failures.csv  ...
    OUT/scores.csv       or scores/FOLD.csv, where folds share probes: `harness score` reads it
    OUT/datapackage.json what every column is (Frictionless); with croissant: croissant.json

With parquet and croissant the files are Parquet, which keeps the types and says in its metadata
what every column is.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.data.croissant import CROISSANT, Described, RecordSet, croissant
from harness.data.table_files import formula_like, write_csv, write_parquet
from harness.data.typed_tables import DType, TypedTable
from harness.data.whole_files import digest_of, write_whole
from harness.record import provenance, record
from harness.record.run_tables import RunTables
from harness.runs.exchange.folders import new_folder
from harness.scorefiles import score_tables

__all__ = ["PACKAGE", "Written", "write_tables"]

PACKAGE = "datapackage.json"

Write = Callable[[Path, Iterable[TypedTable]], None]
_WRITERS: dict[str, tuple[str, Write]] = {
    "csv": (".csv", write_csv),
    "parquet": (".parquet", write_parquet),
    "croissant": (".parquet", write_parquet),
}
_KINDS: dict[DType, str] = {
    "str": "string",
    "float64": "number",
    "int64": "integer",
    "bool": "boolean",
}


@dataclass
class Written:
    """What was written.

    Parameters
    ----------
    files
        In the order in which they were.
    notes
        What whoever reads them should know, in sentences.
    """

    files: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class _File:
    """A file of rows: its name below the folder, a table with its columns, and what that is called.

    A fold may be called whatever its data set calls it, so its scores have a number.
    """

    name: str
    table: TypedTable
    key: str


def write_tables(folder: Path, out: Path, form: str) -> Written:
    """Write the tables of a finished run, or of an entry that joins several, into a new folder.

    Parameters
    ----------
    folder
        Of the run.
    out
        Folder to write: there is none yet, or an empty one.
    form
        ``csv``, ``parquet`` or ``croissant``.

    Raises
    ------
    UsageError
        If the folder is not a run, `out` holds something, or a package is not installed.
    Damaged
        If the run is unfinished, or changed since it was written.
    """
    tables = RunTables(folder)
    for run in tables.runs:
        record.check_sources(run)
    found = Written()
    suffix, write = _WRITERS[form]
    formulas = 0
    with new_folder(out) as place:
        files: list[_File] = []
        for name, table in tables.items():
            write(place / f"{name}{suffix}", [table])
            files.append(_File(f"{name}{suffix}", table, name))
            formulas += formula_like(table) if form == "csv" else 0
        if tables.no_scores:
            found.notes.append(f"no {score_tables.NAME}{suffix}: {tables.no_scores}")
        else:
            files += _write_scores(place, tables, suffix, write)
        names = [file.name for file in files]
        if form == "croissant":
            records = [
                RecordSet(file.key, file.name, file.table.about, file.table.columns)
                for file in files
            ]
            content = croissant(place, _described(tables), records=records)
            write_whole(place / CROISSANT, content)
            names.append(CROISSANT)
        elif form == "csv":
            write_whole(place / PACKAGE, _data_package(place, _described(tables), files))
            names.append(PACKAGE)
    if formulas:
        found.notes.append(
            f"{formulas:,} cells begin with = + - or @, which a spreadsheet may take for formulas; "
            "they are names and words as they are: open the files with their columns as text"
        )
    found.files = [out / name for name in names]
    return found


def _write_scores(place: Path, tables: RunTables, suffix: str, write: Write) -> list[_File]:
    """Write the scores of all folds into one file, or of each into its own."""
    name = score_tables.NAME
    folds = tables.apart
    if folds:
        (place / name).mkdir()
        files = []
        for i, (fold, part) in enumerate(zip(folds, tables.scores(), strict=True), start=1):
            write(place / name / f"{fold}{suffix}", [part])
            files.append(_File(f"{name}/{fold}{suffix}", part, f"{name}-{i}"))
        return files
    first: list[TypedTable] = []

    def noted() -> Iterator[TypedTable]:
        for part in tables.scores():
            first[:] = first or [part]
            yield part

    write(place / f"{name}{suffix}", noted())
    return [_File(f"{name}{suffix}", first[0], name)]


def _data_package(place: Path, described: Described, files: Sequence[_File]) -> bytes:
    """Return a Frictionless Data Package: which files there are, and what their columns mean."""
    resources = []
    for file in files:
        path = place / file.name
        resources.append(
            {
                "name": file.key,
                "path": file.name,
                "description": file.table.about,
                "profile": "tabular-data-resource",
                "format": "csv",
                "mediatype": "text/csv",
                "encoding": "utf-8",
                "bytes": path.stat().st_size,
                "hash": f"sha256:{digest_of(path)}",
                "schema": {
                    "fields": [
                        {
                            "name": name,
                            "type": _KINDS[column.dtype],
                            "description": column.meaning,
                            **({"unit": column.unit} if column.unit else {}),
                        }
                        for name, column in file.table.columns.items()
                    ],
                    "missingValues": [""],
                },
            }
        )
    content = {
        "profile": "data-package",
        "name": "harness-run",
        "title": described.name,
        "description": described.about,
        "created": described.date,
        "resources": resources,
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode() + b"\n"


def _described(tables: RunTables) -> Described:
    """Return what is said of a run as a whole."""
    manifest = tables.manifests[0]
    origin = manifest.origin
    fits = f", {len(tables.runs)} fits" if len(tables.runs) > 1 else ""
    return Described(
        name=f"{origin.algorithm} on {origin.protocol}{fits}",
        about=f"What {origin.algorithm} answered to protocol {origin.protocol} "
        f"({manifest.title}) on {manifest.dataset['name']}, and what that came to. "
        f"{provenance.sentence(manifest.dataset)} Run {manifest.identity}, made again by: "
        f"{manifest.command}",
        date=manifest.finished,
        cite=manifest.citation or manifest.reference,
        keywords=("biometrics", "evaluation", manifest.task),
    )
