"""Mated and non-mated scores without names: what the error rates of a run are made of."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold
from harness.metrics.open_set import Searches
from harness.tasks.answers import Answer
from harness.tasks.counted import Counted, counted
from harness.tasks.drawing import draws_of

__all__ = ["ScoreLists", "comparisons_in", "split_scores"]


@dataclass(frozen=True, eq=False)
class ScoreLists:
    """Two lists of scores.

    Parameters
    ----------
    mated, nonmated
        float64, shape (comparisons,); higher is more alike.
    sha256
        Of what was read; empty where nothing was.
    """

    mated: npt.NDArray[np.float64]
    nonmated: npt.NDArray[np.float64]
    sha256: str = ""

    def finite(self) -> ScoreLists:
        """Return the lists with infinities replaced by the next numbers beyond all other scores.

        For programs that take only finite scores; every error rate stays what it was.

        Examples
        --------
        >>> ScoreLists(np.array([-np.inf, 3.0]), np.array([1.0])).finite().mated < 1.0
        array([ True, False])
        """
        scores = np.concatenate([self.mated, self.nonmated])
        known, limits = scores[np.isfinite(scores)], np.finfo(np.float64)
        floor = np.nextafter(known.min(initial=0.0), limits.min)
        ceiling = np.nextafter(known.max(initial=0.0), limits.max)
        replaced = [
            np.nan_to_num(s, nan=np.nan, neginf=floor, posinf=ceiling)
            for s in (self.mated, self.nonmated)
        ]
        return ScoreLists(replaced[0], replaced[1], self.sha256)

    @property
    def step(self) -> float:
        """Height of the DET's step at which the two error rates cross: FMR's fall plus FNMR's rise.

        Without ties it is at most 1 / mated + 1 / non-mated. Let the rates be (a, b) before the
        step and (a - x, b + y) after it, with a >= b and a - x <= b + y. Every reading of the EER
        (the middle of the interval of FVC2000, an interpolation, either end) lies between b and a
        and between a - x and b + y, so two readings of the same scores differ by x + y at most.
        NaN where a list is empty.
        """
        mated, nonmated = np.sort(self.mated), np.sort(self.nonmated)
        if not len(mated) or not len(nonmated):
            return math.nan
        thresholds = np.unique(np.concatenate([mated, nonmated]))
        refused = np.searchsorted(mated, thresholds, side="right") * len(nonmated)
        passed = len(nonmated) - np.searchsorted(nonmated, thresholds, side="right")
        at = thresholds[int(np.argmax(passed * len(mated) <= refused))]  # nothing passes the last
        tied = np.mean(mated == at) + np.mean(nonmated == at)
        return float(max(tied, 1 / len(mated) + 1 / len(nonmated)))


def split_scores(
    folds: Sequence[Fold], answers: Sequence[Answer], *, rank: int | None = None
) -> ScoreLists:
    """Return the mated and the non-mated scores of a run as its error rates count them.

    A mated comparison that failed has the score ``-inf``: a non-match at every threshold. A
    non-mated one that failed is left out, as it cannot be a false match. What the protocol does not
    compare (`harness.tasks.counted`) is in neither list; what several draws compare is there once
    for each.

    Parameters
    ----------
    folds, answers
        In the same order.
    rank
        Where the run's errors are those of open-set searches: the rank within which a mate has to
        be. The mated scores are then those of the searches' mates, ``-inf`` beyond the rank, and
        the non-mated ones the top scores of searches without a mate, ``+inf`` where one failed.
    """
    mated, nonmated = [np.empty(0)], [np.empty(0)]
    for fold, answer in _searched(folds, answers):
        where, usable = _usable(fold, answer)
        scores = np.where(usable, answer.scores, -np.inf).astype(np.float64)
        if rank is None:
            mated.append(scores[where.mated])
            nonmated.append(scores[where.nonmated & usable])
        else:
            searches = Searches.of(scores, where.mated).refusals_accused()
            mated.append(searches.found_within(rank))
            nonmated.append(searches.nonmated_tops)
    return ScoreLists(np.concatenate(mated), np.concatenate(nonmated))


def comparisons_in(folds: Sequence[Fold], answers: Sequence[Answer]) -> int:
    """Return how many scores `split_scores` finds, without a copy of them."""
    number = 0
    for fold, answer in _searched(folds, answers):
        where, usable = _usable(fold, answer)
        number += int(np.count_nonzero(where.mated) + np.count_nonzero(where.nonmated & usable))
    return number


def _usable(fold: Fold, answer: Answer) -> tuple[Counted, npt.NDArray[np.bool_]]:
    """Return what counts, and which comparisons of it took place."""
    failed = [answer.failed(names) for names in (fold.probes, fold.gallery)]
    where = counted(fold)
    return where, where.compared & ~(failed[0][:, np.newaxis] | failed[1])


def _searched(folds: Sequence[Fold], answers: Sequence[Answer]) -> Iterator[tuple[Fold, Answer]]:
    """Yield what is searched: each fold, or each of its draws."""
    for fold, answer in zip(folds, answers, strict=True):
        if fold.draws:
            yield from draws_of([(fold, answer)])
        else:
            yield fold, answer
