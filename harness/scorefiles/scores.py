"""Scores of all comparisons, made elsewhere, as answers to a protocol (``--scores``)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from harness.data.records import Fold, Record
from harness.scorefiles.comparisons import (
    Comparison,
    compare_table,
    read_bob,
    read_nist_pairs,
    read_parquet,
)
from harness.scorefiles.imported import Imported
from harness.scorefiles.matrices import fill_from_matrix
from harness.scorefiles.reading import Part, read_files
from harness.scorefiles.sheets import Sheet
from harness.tasks.answers import Answer

__all__ = ["SCORE_FORMS", "read_scores"]

SCORE_FORMS = ("csv", "parquet", "bob-4", "bob-5", "npy", "nist-1to1")
"""Formats that `read_scores` reads."""


def read_scores(
    path: Path,
    folds: Sequence[Fold],
    records: Mapping[str, Record] | None = None,
    *,
    form: str | None = None,
) -> Imported:
    """Read the scores of all comparisons that a protocol asks for.

    A probe without any score is a miss and is named; a reference without any never matches. A
    search of which only some comparisons have scores is refused, as leaving out comparisons could
    hide false matches. Comparisons that the protocol does not make are passed over.

    Parameters
    ----------
    path
        A file, or a folder with one file per fold, named like the fold (``1.csv``).
    folds
        Of the protocol.
    records
        Of the data set: names that are known though not asked about, and the identities that
        files of bob may name.
    form
        One of `SCORE_FORMS`; otherwise it is recognised from the file's first bytes.

    Returns
    -------
    Imported
        Answers with float64 scores of shape (probes, references), NaN where an image failed.

    Raises
    ------
    DataError
        With every fault of the files, by line.
    UsageError
        If `form` is none, or needs a package that is not installed.
    """
    return read_files(path, folds, records, form, SCORE_FORMS, _read)


def _read(part: Part) -> tuple[list[Answer], list[Path]]:
    faults, source = part.names.faults, part.source
    sheets = [Sheet(fold) for fold in part.folds]
    files = [source.path]
    if part.form == "npy":
        files = fill_from_matrix(source, part.names, sheets, faults)
    else:
        _fill(_comparisons(part), part, sheets)
    return [sheet.answer(source.file_name, faults) for sheet in sheets], files


def _comparisons(part: Part) -> Iterable[Comparison]:
    faults = part.names.faults
    if part.form == "csv":
        return compare_table(part.source, faults, part.notes)
    if part.form == "parquet":
        return read_parquet(part.source, faults)
    if part.form == "nist-1to1":
        return read_nist_pairs(part.source, faults, part.notes)
    return read_bob(part.source, 5 if part.form == "bob-5" else 4, faults)


def _fill(comparisons: Iterable[Comparison], part: Part, sheets: Sequence[Sheet]) -> None:
    """Enter comparisons into sheets; what is entered twice is a fault."""
    names, by_model = part.names, part.form.startswith("bob")
    disagreeing, first = 0, ""
    for line, place, probe, reference, score, claims_mated in comparisons:
        for fold, row in names.probe(probe, place):
            if by_model:
                column = names.model(fold, reference, place)
            else:
                column = names.column(fold, reference)
                if column is None:
                    names.not_searched(fold, reference, place, strict=False)
            if column is None:
                continue
            sheet = sheets[fold]
            earlier = sheet.enter(row, column, line, score)
            pair = (sheet.fold.probes[row], sheet.fold.gallery[column])
            if earlier:
                names.faults.add(
                    "duplicates",
                    place,
                    f"{pair[0]!r} and {pair[1]!r} are compared at line {earlier} too",
                )
            elif claims_mated is not None and claims_mated != (pair in sheet.fold.mates):
                disagreeing, first = disagreeing + 1, first or place
    if disagreeing:
        part.notes.append(
            f"the {'ids' if by_model else 'labels'} of {disagreeing:,} lines contradict the "
            f"protocol on what is mated, e.g. {first}; the protocol's truth is used"
        )
