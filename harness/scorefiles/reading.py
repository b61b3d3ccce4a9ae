"""The way of every import: find the files, read each for its folds, refuse or return them all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.errors import DataError, some
from harness.scorefiles.faults import Faults, TooManyFaults
from harness.scorefiles.imported import Imported
from harness.scorefiles.names import Names
from harness.scorefiles.sources import Source, find_sources, form_of, hash_files
from harness.tasks.answers import Answer
from harness.tasks.counted import counted

__all__ = ["Part", "read_files"]


@dataclass(frozen=True)
class Part:
    """One file to be read.

    Parameters
    ----------
    source
        The file.
    form
        Its format.
    folds
        That it speaks of.
    names
        In these folds; faults go to ``names.faults``.
    notes
        Where sentences about what was read go.
    """

    source: Source
    form: str
    folds: Sequence[Fold]
    names: Names
    notes: list[str]


Read = Callable[[Part], tuple[Sequence[Answer], Sequence[Path]]]
"""Returns the answers to a part's folds, and the files that they were read from."""


def read_files(
    path: Path,
    folds: Sequence[Fold],
    records: Mapping[str, Record] | None,
    form: str | None,
    readable: Sequence[str],
    read: Read,
) -> Imported:
    """Read a file, or a folder with one file per fold.

    Parameters
    ----------
    path
        File or folder.
    folds
        Of the protocol.
    records
        Of the data set.
    form
        As the user named it; None to recognise it from the first bytes.
    readable
        Formats that may be read.
    read
        Reads one file.

    Returns
    -------
    Imported
        Without a depth.

    Raises
    ------
    DataError
        With every fault of the files, or if they have no score of any probe.
    UsageError
        If `form` is not one of `readable`.
    """
    faults, notes = Faults(), list[str]()
    forms: list[str] = []
    files: list[Path] = []
    found: dict[int, Answer] = {}
    with suppress(TooManyFaults):
        for source in find_sources(path, folds, faults):
            kind = form_of(source, form, readable, faults)
            if not kind:
                continue
            asked = [folds[number] for number in source.folds]
            names = Names(asked, records or {}, faults)
            answers, used = read(Part(source, kind, asked, names, notes))
            found.update(zip(source.folds, answers, strict=True))
            forms.append(kind)
            files.extend(used)
            if names.passed_over:
                notes.append(
                    f"{source.file_name}: "
                    + some(names.passed_over, "entry is", "entries are")
                    + " of images that this protocol does not compare, and passed over"
                )
    faults.stop_if_any(f"{path} cannot be evaluated.")
    ordered = tuple(found[number] for number in range(len(folds)))
    wanted = [_asked(fold) for fold in folds]
    missing = tuple(
        (fold.name, fold.probes[i])
        for fold, answer, met in zip(folds, ordered, wanted, strict=True)
        for i in np.flatnonzero(met.any(axis=1) & ~(np.isfinite(_rows(answer)) & met).any(axis=1))
    )
    if len(missing) == sum(int(met.any(axis=1).sum()) for met in wanted):
        raise DataError(
            f"{path} has no score of any probe of this protocol. Are its columns in order, and is "
            "it about this data set?"
        )
    if missing:
        first = ", ".join(name for _, name in missing[:5]) + (", ..." if len(missing) > 5 else "")
        notes.append(f"probes without a score, which are misses: {len(missing):,} ({first})")
    return Imported(ordered, tuple(dict.fromkeys(forms)), hash_files(files), missing, tuple(notes))


def _asked(fold: Fold) -> npt.NDArray[np.bool_]:
    """Return which scores of a fold's probes are wanted for, a row for each of them."""
    return counted(fold).compared if fold.gallery else np.ones((len(fold.probes), 1), dtype=bool)


def _rows(answer: Answer) -> npt.NDArray[np.floating[Any]]:
    """Return the scores with a row for each probe."""
    return answer.scores.reshape(len(answer.scores), -1)
