"""Comparisons with the images that each joins, and the one threshold at which they are judged.

What is known of images (design, size, quality, skin, date) is held against the errors of their
comparisons here, at one threshold for all: a threshold of each group's own would hide what the
groups differ in (ISO/IEC 19795-10).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics import verification
from harness.statistics.intervals import few_errors
from harness.tasks.answers import Answered
from harness.tasks.clusters import cluster_of, identities_of

__all__ = [
    "NONE",
    "RATES",
    "Comparisons",
    "Joined",
    "Pairs",
    "Threshold",
    "joined_pairs",
    "threshold_of",
]

Doubles: TypeAlias = npt.NDArray[np.float64]
Places: TypeAlias = npt.NDArray[np.integer[Any]]

RATES = (0.001, 0.01, 0.1)
"""False match rates at which a threshold for all comparisons is looked for, the first first."""


@dataclass(frozen=True)
class Threshold:
    """One threshold for all comparisons of a run.

    Parameters
    ----------
    bar
        Score above which a comparison is a match: a non-mated score, or ``-inf``.
    fmr
        False match rate that was allowed: one of `RATES`.
    attained
        False match rate there.
    false_matches, nonmated
        Of how many comparisons.
    """

    bar: float
    fmr: float
    attained: float
    false_matches: int
    nonmated: int

    @property
    def is_sure(self) -> bool:
        """Whether 30 false matches stand behind the rate."""
        return not few_errors(self.false_matches)


def threshold_of(nonmated: Doubles) -> Threshold | None:
    """Return the threshold of the lowest of `RATES` that allows 30 false matches, or of the last.

    Parameters
    ----------
    nonmated
        Scores of all non-mated comparisons that took place, float64, shape (comparisons,).

    Returns
    -------
    Threshold or None
        None without comparisons.

    Examples
    --------
    >>> found = threshold_of(np.arange(4000.0))  # 40 of 4,000 score above 3,959
    >>> found.bar, found.fmr, found.false_matches, found.is_sure
    (3959.0, 0.01, 40, True)
    """
    n = len(nonmated)
    if not n:
        return None
    allowed = ((fmr, verification.errors_allowed(n, fmr)) for fmr in RATES)
    fmr = next((fmr for fmr, errors in allowed if not few_errors(errors)), RATES[-1])
    bar = verification.score_to_exceed(nonmated, fmr)
    false = int(np.count_nonzero(nonmated > bar))
    return Threshold(bar, fmr, false / n, false, n)


class Comparisons(NamedTuple):
    """Comparisons of one kind, and whom each joins.

    Parameters
    ----------
    scores
        float64, shape (comparisons,); ``-inf`` where an image failed, among the mated alone.
    probes, references
        Places of their images in a list of names: integers, shape (comparisons,).
    """

    scores: Doubles
    probes: Places
    references: Places


@dataclass(frozen=True, eq=False)
class Pairs:
    """The comparisons of all folds that count.

    Parameters
    ----------
    names
        Of the images; comparisons name them by their places.
    identities
        Number of the identity of each image: int64, shape (images,).
    mated, nonmated
        Those that took place; a mated comparison of a failed image as well.
    kept
        Whether the scores of non-mated comparisons were kept; there are none here otherwise.
    mated_folds
        Number of the fold of each mated comparison: int64, shape (mated,).
    """

    names: tuple[str, ...]
    identities: npt.NDArray[np.int64]
    mated: Comparisons
    nonmated: Comparisons
    kept: bool = True
    mated_folds: npt.NDArray[np.int64] = field(default_factory=lambda: np.empty(0, np.int64))

    def threshold(self) -> Threshold | None:
        """Return the one threshold of all comparisons; None where it cannot be had."""
        return threshold_of(self.nonmated.scores)

    def of_images(self, values: Mapping[str, float | None]) -> Doubles:
        """Return what is known of each image, by its name, NaN of others: shape (images,)."""
        found = [values.get(name) for name in self.names]
        return np.array([np.nan if one is None else one for one in found], np.float64)

    def labels(self, values: Mapping[str, str | None]) -> Places:
        """Return a number for the label of each image, -1 where it has none: shape (images,)."""
        numbers: dict[str, int] = {}
        found = [values.get(name) for name in self.names]
        every = [-1 if not one else numbers.setdefault(one, len(numbers)) for one in found]
        return np.array(every, np.int64)


class Joined(NamedTuple):
    """The comparisons of one fold.

    Parameters
    ----------
    probes, references
        Names; comparisons hold places in them.
    mated, nonmated
        Those that took place.
    """

    probes: Sequence[str]
    references: Sequence[str]
    mated: Comparisons
    nonmated: Comparisons


NONE = Comparisons(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))
"""Comparisons of which nothing was kept."""


def joined_pairs(parts: Iterable[Joined], run: Answered, *, kept: bool = True) -> Pairs:
    """Return the comparisons of several folds as one.

    Parameters
    ----------
    parts
        One for each fold.
    run
        Whose folds they are.
    kept
        As of `Pairs`.
    """
    names: dict[str, int] = {}
    mated, nonmated = [NONE], [NONE]
    for part in parts:
        sides = [
            np.array([names.setdefault(name, len(names)) for name in listed], np.int32)
            for listed in (part.probes, part.references)
        ]
        for found, one in ((mated, part.mated), (nonmated, part.nonmated)):
            found.append(Comparisons(one.scores, sides[0][one.probes], sides[1][one.references]))
    sizes = [len(part.scores) for part in mated[1:]]
    folds = np.repeat(np.arange(len(sizes)), sizes)
    return Pairs(tuple(names), owners(names, run), _one(mated), _one(nonmated), kept, folds)


def owners(names: Iterable[str], run: Answered) -> npt.NDArray[np.int64]:
    """Return the number of the identity of each image: int64, shape (images,).

    One without a mate is of its tattoo or subject; one of which neither is known, its own.
    """
    known = identities_of(run.folds)
    whose = [
        known.get(name) or (cluster_of(run.records[name]) if name in run.records else name)
        for name in names
    ]
    number = {label: i for i, label in enumerate(dict.fromkeys(whose))}
    return np.array([number[label] for label in whose], np.int64)


def _one(parts: Sequence[Comparisons]) -> Comparisons:
    found = [part for part in parts if len(part.scores)] or [NONE]
    if len(found) == 1:  # as it is: comparisons of large folds fill the memory
        scores, probes, references = found[0]
    else:
        scores, probes, references = (np.concatenate(one) for one in zip(*found, strict=True))
    return Comparisons(scores.astype(np.float64, copy=False), probes, references)
