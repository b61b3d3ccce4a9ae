"""Scores with their own truth: a list of mated and one of non-mated ones, with their places.

Such scores need no data set and no protocol. They come as two files, one of mated and one of
non-mated scores (`harness.scorefiles.pairs`), or as one file that says which is which
(`harness.scorefiles.labelled`).
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from harness.errors import some

__all__ = ["MOST_COMPARISONS", "ListedScores", "ScoreList"]

MOST_COMPARISONS = 50_000_000
"""Comparisons that one list may stand for: 400 MB of scores."""


_STAND_INS = frozenset((-1.0, *(sign * (10.0**k - 1) for k in range(3, 10) for sign in (1, -1))))
"""Numbers that programs write where there is none."""

_SEVERAL, _NEARLY_ALL = 10, 0.9
"""Scores from which, and share from which, it is said that they are equal."""

_LEVELS = 6
"""Different scores from which a lowest or highest one can stand apart."""


@dataclass
class ScoreList:
    """The scores of one kind, in the order in which they were read.

    Attributes
    ----------
    places
        ``file:line`` of each.
    scores
        float64; NaN where a comparison failed.
    counts
        Comparisons that each stands for; empty where each is one.
    identities
        Pairs of the identity of probe and reference, where the file names both; otherwise empty.
    compared
        Pairs of the names of what was compared, where the file names both; otherwise empty.
    """

    places: list[str] = field(default_factory=list)
    scores: array[float] = field(default_factory=lambda: array("d"))
    counts: array[int] = field(default_factory=lambda: array("q"))
    identities: list[tuple[str, str]] = field(default_factory=list)
    compared: list[tuple[str, str]] = field(default_factory=list)

    def add(self, place: str, score: float, identities: tuple[str, str] | None = None) -> None:
        """Add one comparison."""
        self.places.append(place)
        self.scores.append(score)
        if identities is not None:
            self.identities.append(identities)

    @property
    def values(self) -> npt.NDArray[np.float64]:
        """Scores, shape (n,), or scores and counts, shape (n, 2)."""
        scores = np.array(self.scores, dtype=np.float64)
        return np.column_stack([scores, self.counts]) if len(self.counts) else scores

    @property
    def expanded(self) -> npt.NDArray[np.float64]:
        """One score for each comparison, shape (comparisons,)."""
        scores = np.array(self.scores, dtype=np.float64)
        return np.repeat(scores, self.counts) if len(self.counts) else scores


@dataclass(frozen=True)
class ListedScores:
    """Scores with their own truth.

    Parameters
    ----------
    mated, nonmated
        The two lists.
    forms
        Formats read.
    sha256
        Of the bytes read.
    files
        For people.
    notes
        Sentences about what a reader of the numbers should know.
    """

    mated: ScoreList
    nonmated: ScoreList
    forms: tuple[str, ...]
    sha256: str
    files: str
    notes: Sequence[str] = ()


def notes_on_scores(mated: ScoreList, nonmated: ScoreList, names: tuple[str, str]) -> list[str]:
    """Return what is odd about the scores themselves.

    Parameters
    ----------
    names
        What messages call the scores of the two lists.
    """
    notes = []
    for scores, file_name in zip((mated, nonmated), names, strict=True):
        known = np.array(scores.scores)
        known = known[~np.isnan(known)]
        if len(known) > 1 and known.min() == known.max():
            notes.append(
                f"every score of {file_name} is {known[0]:g}: are these scores, or labels?"
            )
        elif len(known) >= _SEVERAL:
            levels, counts = np.unique(known, return_counts=True)
            share, most = counts.max() / len(known), levels[counts.argmax()]
            if share > _NEARLY_ALL:
                notes.append(
                    f"{share:.0%} of the scores of {file_name} are {most:g}: are these scores, or "
                    "codes?"
                )
    if len(set(mated.scores)) > 1 and sorted(mated.scores) == sorted(nonmated.scores):
        notes.append(f"{names[0]} and {names[1]} are the same scores: is one file given twice?")
    notes += _stand_ins(mated, nonmated)
    for scores, file_name in zip((mated, nonmated), names, strict=True):
        notes += _repeated(scores.compared, file_name)
    return notes


def _stand_ins(mated: ScoreList, nonmated: ScoreList) -> list[str]:
    """Say which score may be what a program writes where a comparison failed."""
    scores = np.concatenate([mated.scores, nonmated.scores])
    levels, counts = np.unique(scores[~np.isnan(scores)], return_counts=True)
    if len(levels) < _LEVELS:
        return []
    found = []
    for level, count, next_one in ((levels[0], counts[0], levels[1]), (levels[-1], counts[-1], 0)):
        stands_in = level in _STAND_INS and (level > 0 or next_one >= 0)
        if stands_in:
            found.append(
                f"{some(count, 'score is', 'scores are')} {level:g}, and all others lie "
                f"{'above' if level < 0 else 'below'}: does it say that a comparison failed? It is "
                "read as a score"
            )
    return found


def _repeated(pairs: Sequence[tuple[str, str]], file_name: str) -> list[str]:
    """Say how many comparisons stand there twice, or are of an image with itself."""
    notes = []
    twice = len(pairs) - len(set(pairs))
    if twice:
        notes.append(
            f"{file_name}: {some(twice, 'comparison stands', 'comparisons stand')} there "
            "again, and all count"
        )
    own = sum(one == other for one, other in pairs)
    if own:
        notes.append(
            f"{file_name}: {some(own, 'comparison is', 'comparisons are')} of something "
            "with itself, and all count"
        )
    return notes
