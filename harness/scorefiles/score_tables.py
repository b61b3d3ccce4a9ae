"""Raw scores as typed tables: a row for each comparison that a protocol makes, or each image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold
from harness.data.typed_tables import Column, TypedTable, typed_table
from harness.errors import UsageError
from harness.tasks.answers import Answer
from harness.tasks.counted import counted
from harness.tasks.score_lists import MATED

__all__ = [
    "COMPARISONS",
    "IMAGES",
    "LINES",
    "NAME",
    "WORDS",
    "comparisons",
    "image_scores",
    "line_scores",
    "usable",
    "word_scores",
]

NAME = "scores"
"""Of the table of scores."""

_FOLD = Column("str", "Fold in which it was judged")
_SCORE = Column("float64", "As the algorithm answered; higher is more alike, or more likely so")

COMPARISONS = {
    "fold": _FOLD,
    "probe": Column("str", "Name of the probe"),
    "reference": Column("str", "Name of the reference that it was compared with"),
    "mated": Column("bool", "Whether the two are mates"),
    "score": _SCORE,
}
"""Columns where images are compared."""

IMAGES = {"fold": _FOLD, "image": Column("str", "Name of the image"), "score": _SCORE}
"""Columns where an image has one score."""

WORDS = {
    "fold": _FOLD,
    "image": Column("str", "Name of the image"),
    "word": Column("str", "Tag, or style, that was scored"),
    "carried": Column("bool", "Whether the image carries the tag, or is of the style"),
    "score": _SCORE,
}
"""Columns where an image has a score for each of several words."""

LINES = {
    "mated": Column("bool", "Whether it is a score of mates"),
    "line": Column("str", "File and line that it was read from"),
    "score": _SCORE,
}
"""Columns of lists of scores that others made."""


def usable(fold: Fold, answer: Answer) -> npt.NDArray[np.bool_]:
    """Return which comparisons the protocol makes and the algorithm made.

    bool, shape (probes, references).
    """
    probes = ~answer.failed(fold.probes)
    references = ~answer.failed(fold.gallery)
    return np.asarray(counted(fold).compared & probes[:, np.newaxis] & references)


def comparisons(fold: Fold, answer: Answer) -> TypedTable:
    """Return every comparison of a fold that has a score, with columns `COMPARISONS`.

    Raises
    ------
    UsageError
        If some have none, as beyond the end of candidate lists.
    """
    there = usable(fold, answer)
    lost = there & ~np.isfinite(answer.scores)
    if lost.any():
        row, column = np.argwhere(lost)[0]
        raise UsageError(
            f"{fold.probes[row]!r} and {fold.gallery[column]!r} have no score, so only candidate "
            "lists (tatt-c, nist) can be written"
        )
    rows, columns = np.nonzero(there)
    return _table(
        COMPARISONS,
        fold=_repeated(fold.name, len(rows)),
        probe=_names(fold.probes)[rows],
        reference=_names(fold.gallery)[columns],
        mated=counted(fold).mated[there],
        score=answer.scores[there],
    )


def image_scores(fold: Fold, answer: Answer) -> TypedTable:
    """Return every image of a fold that has a score, with columns `IMAGES`."""
    there = ~answer.failed(fold.probes)
    return _table(
        IMAGES,
        fold=_repeated(fold.name, int(there.sum())),
        image=_names(fold.probes)[there],
        score=answer.scores[there],
    )


def word_scores(
    fold: Fold, answer: Answer, vocabulary: Sequence[str], carried: npt.NDArray[np.bool_]
) -> TypedTable:
    """Return a row for each image of a fold and each word, with columns `WORDS`.

    Parameters
    ----------
    vocabulary
        The words, in the order of the answer's columns.
    carried
        bool, shape (images, words).
    """
    rows, columns = np.nonzero(
        np.broadcast_to(~answer.failed(fold.probes)[:, np.newaxis], carried.shape)
    )
    return _table(
        WORDS,
        fold=_repeated(fold.name, len(rows)),
        image=_names(fold.probes)[rows],
        word=_names(vocabulary)[columns],
        carried=carried[rows, columns],
        score=answer.scores[rows, columns],
    )


def line_scores(fold: Fold, answer: Answer) -> TypedTable:
    """Return every line of one of two lists of scores, with columns `LINES`."""
    return _table(
        LINES,
        mated=np.full(len(fold.probes), fold.name == MATED),
        line=_names(fold.probes),
        score=answer.scores,
    )


def _table(columns: dict[str, Column], **cells: npt.NDArray[Any]) -> TypedTable:
    return typed_table(NAME, "A score of the algorithm.", columns, cells)


def _names(names: Sequence[str]) -> npt.NDArray[np.object_]:
    found = np.empty(len(names), object)
    found[:] = names
    return found


def _repeated(name: str, times: int) -> npt.NDArray[np.object_]:
    found = np.empty(times, object)
    found[:] = name
    return found
