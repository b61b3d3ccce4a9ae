"""Score matrices as OpenBR and others keep them: rows are probes, columns are references.

A matrix is an array in NumPy's ``.npy`` format with two lists of names beside it, one name per
line in the order of the matrix: ``scores.npy``, ``scores.probes.txt``, ``scores.references.txt``.
A row or column that is NaN throughout belongs to an image that failed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.paths import canonical
from harness.scorefiles.faults import Faults, quoted
from harness.scorefiles.lines import read_lines, sound
from harness.scorefiles.names import Names
from harness.scorefiles.sheets import Sheet
from harness.scorefiles.sources import Source

__all__ = ["fill_from_matrix", "lists_beside"]

Cells = list[tuple[int, int]]
"""Pairs of a place in the matrix and a place in a fold."""


def lists_beside(matrix: Path) -> tuple[Path, Path]:
    """Return the files that name the rows and the columns of a matrix.

    >>> [path.name for path in lists_beside(Path("scores.npy"))]
    ['scores.probes.txt', 'scores.references.txt']
    """
    return (
        matrix.with_name(f"{matrix.stem}.probes.txt"),
        matrix.with_name(f"{matrix.stem}.references.txt"),
    )


def fill_from_matrix(
    source: Source, names: Names, sheets: Sequence[Sheet], faults: Faults
) -> list[Path]:
    """Fill sheets from a matrix and return the files read.

    Parameters
    ----------
    source
        The ``.npy`` file.
    names
        Of the folds whose sheets are filled, in their order.
    sheets
        To be filled.
    faults
        Where faults go.
    """
    rows_file, columns_file = lists_beside(source.path)
    matrix = _open(source, faults)
    probes = _read_names(rows_file, faults)
    references = _read_names(columns_file, faults)
    if matrix is None or probes is None or references is None:
        return []
    if matrix.shape != (len(probes), len(references)):
        faults.add(
            "wrong shapes",
            source.file_name,
            f"has the shape {matrix.shape}, but {rows_file.name} names {len(probes)} probes and "
            f"{columns_file.name} {len(references)} references",
        )
        return []
    rows: list[Cells] = [[] for _ in sheets]
    for i, (name, place) in enumerate(probes.items()):
        for fold, row in names.probe(name, place):
            rows[fold].append((i, row))
    searched: set[str] = set()
    for fold, sheet in enumerate(sheets):
        columns: Cells = []
        for j, name in enumerate(references):
            column = names.column(fold, name)
            if column is not None:
                columns.append((j, column))
                searched.add(name)
        _copy(matrix, rows[fold], columns, sheet, source.file_name, faults)
    for name, place in references.items():
        if name not in searched:
            names.not_searched(0, name, place, strict=False)
    return [source.path, rows_file, columns_file]


def _copy(
    matrix: npt.NDArray[np.generic],
    rows: Cells,
    columns: Cells,
    sheet: Sheet,
    file_name: str,
    faults: Faults,
) -> None:
    taken, to = np.array(columns, dtype=np.int64).reshape(-1, 2).T
    for i, row in rows:
        scores = matrix[i][taken].astype(np.float64)
        for j in np.flatnonzero(np.isinf(scores)):
            faults.add(
                "scores that are no numbers",
                f"{file_name}, row {i + 1}, column {taken[j] + 1}",
                f"the score {scores[j]} is not finite",
            )
        sheet.scores[row, to] = scores


def _open(source: Source, faults: Faults) -> npt.NDArray[np.generic] | None:
    try:
        # Mapped: the shape that a header claims is checked against the file, not allocated.
        matrix = np.load(source.path, mmap_mode="r", allow_pickle=False)
    except Exception as reason:
        # A damaged header, which is a Python expression, can raise almost anything.
        faults.add("unreadable files", source.file_name, f"is not a sound .npy file: {reason}")
        return None
    if not isinstance(matrix, np.ndarray) or matrix.ndim != 2 or matrix.dtype.kind not in "fiu":
        what = f"{getattr(matrix, 'dtype', '?')} of shape {getattr(matrix, 'shape', '?')}"
        faults.add("wrong shapes", source.file_name, f"is not a matrix of numbers but {what}")
        return None
    return matrix


def _read_names(path: Path, faults: Faults) -> dict[str, str] | None:
    if not sound(path, path.name, faults):
        return None
    names: dict[str, str] = {}
    for number, text in read_lines(path, path.name, faults):
        place, name = f"{path.name}:{number}", canonical(text.strip())
        if name in names:
            faults.add("duplicates", place, f"{quoted(name)} is already at {names[name]}")
        names.setdefault(name, place)
    return names
