"""Open-set identification: FNIR and FPIR, where a probe may have no mate in the gallery.

A search is summed up in three values: the score of its best mate, the rank of that mate, and the
score of its best non-mate. So a gallery of any size can be searched in blocks of probes, and
everything here follows from the sums. After ISO/IEC 19795-1:

* ``FNIR(N, R, T)``: share of mated searches without a mate at rank <= R with a score >= T. Whose
  score it is matters: a non-mate at the top of the list is no identification.
* ``FPIR(N, T)``: share of non-mated searches that return any candidate with a score >= T. Many
  people carry one design, so a false positive of tattoos may well show the same tattoo: NIST
  reports no FPIR for tattoos, and whoever does should say so beside it.

**Failures.** A mated search that failed is a miss. A non-mated search that failed returns nothing,
so by the definition it is no false positive; it stays among the searches. A matcher can thus lower
its FPIR by refusing searches, as it can by low scores; it pays as soon as one of them has a mate.
`Searches.refusals_accused` closes that door: every failed non-mated search becomes a false positive
at every threshold, and then no refusal ever helps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import FPIR, Entry
from harness.metrics.identification import MISS, NO_MATE
from harness.metrics.verification import ErrorCurve, eer, error_curve, fnmr_at_fmr

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]

_BLOCK = 1 << 20  # scores copied at once: a few megabytes that stay in the cache


@dataclass(frozen=True, eq=False)
class Searches:
    """What open-set metrics need to know of each search.

    Parameters
    ----------
    ranks
        Integers, shape (searches,), as of `identification.mate_ranks`: rank of the best mate from
        1, ties against the algorithm; `MISS` for one never found; `NO_MATE` in a non-mated search.
    mate
        Floating point, shape (searches,): score of the best mate; ``-inf`` exactly where the rank
        is `MISS` or `NO_MATE`.
    rival
        Floating point, shape (searches,): score of the best non-mate, ``-inf`` where there is none
        or the search failed. In a non-mated search, the top score of the candidate list.

    Raises
    ------
    ValueError
        If shapes differ, a score is NaN, a mate's score is ``+inf``, or rank and scores contradict
        each other: rank 1 is a mate above every non-mate, another rank is not.

    Examples
    --------
    >>> searches = Searches(
    ...     ranks=np.array([1, 2, NO_MATE]),
    ...     mate=np.array([0.9, 0.6, -np.inf]),
    ...     rival=np.array([0.2, 0.7, 0.5]),
    ... )
    >>> fnir(searches, rank=1, threshold=0.5), fpir(searches, threshold=0.5)
    (0.5, 1.0)
    """

    ranks: Ints
    mate: Floats
    rival: Floats

    def __post_init__(self) -> None:
        if self.ranks.ndim != 1 or not self.ranks.shape == self.mate.shape == self.rival.shape:
            raise ValueError("ranks, mate and rival must have one shape (searches,)")
        if not np.issubdtype(self.ranks.dtype, np.integer) or self.ranks.min(initial=1) < 0:
            raise ValueError(f"ranks are whole numbers from 1, {NO_MATE} where there is no mate")
        if np.isnan(self.mate).any() or np.isnan(self.rival).any():
            raise ValueError("a score is NaN: give -inf for a failed search")
        if self.mate.max(initial=-np.inf) == np.inf:
            raise ValueError("a mate's score is +inf: scores are finite, or -inf for a failure")
        found = (self.ranks != MISS) & (self.ranks != NO_MATE)
        if not np.array_equal(found, self.mate > -np.inf):
            raise ValueError("a mate has a score exactly where it has a rank")
        if not np.array_equal((self.ranks == 1)[found], (self.mate > self.rival)[found]):
            raise ValueError("rank 1 is a mate that scores above every non-mate, and only that")

    @classmethod
    def of(cls, scores: Floats, mated: Bools) -> Searches:
        """Sum up the searches of a matrix of scores; `joined` puts blocks of probes together.

        Parameters
        ----------
        scores
            Floating point, shape (probes, references); higher is more alike. Failures are
            ``-inf``: a row for a probe without a template, a column for a reference.
        mated
            bool, shape (probes, references): whether reference and probe are mates.

        Raises
        ------
        ValueError
            If shapes differ, `mated` is not bool, or a score is NaN or ``+inf``.

        Examples
        --------
        >>> scores = np.array([[0.9, 0.2], [0.4, 0.5]])
        >>> searches = Searches.of(scores, np.array([[True, False], [False, False]]))
        >>> searches.ranks.tolist(), searches.mate.tolist(), searches.rival.tolist()
        ([1, 0], [0.9, -inf], [0.2, 0.5])
        """
        _check(scores, mated)
        ranks = np.full(len(scores), NO_MATE, np.int64)
        mate, rival = np.full(len(scores), -np.inf), np.full(len(scores), -np.inf)
        step = max(1, _BLOCK // max(1, scores.shape[1]))
        for start in range(0, len(scores), step):
            rows = slice(start, start + step)
            block = scores[rows].copy()
            # A flat index of a contiguous mask is found several times faster than pairs.
            search, reference = np.divmod(np.flatnonzero(mated[rows]), scores.shape[1])
            mates = block[search, reference]
            _refuse_unless_scores(mates)
            np.maximum.at(mate[rows], search, mates)
            block[search, reference] = -np.inf
            rival[rows] = block.max(axis=1, initial=-np.inf)
            ranks[rows][search] = 1
            # Only where a non-mate is ahead must those ahead be counted: ties are ahead.
            behind = np.unique(search[rival[rows][search] >= mate[rows][search]])
            ahead = np.count_nonzero(block[behind] >= mate[rows][behind, np.newaxis], axis=1)
            ranks[rows][behind] = 1 + ahead
        _refuse_unless_scores(rival)  # a maximum is NaN where any score of its row is
        ranks[(ranks != NO_MATE) & (mate == -np.inf)] = MISS
        return cls(ranks, mate, rival)

    @classmethod
    def joined(cls, parts: Iterable[Searches]) -> Searches:
        """Put together the searches of several blocks of probes, folds or rotations.

        Examples
        --------
        >>> block = Searches.of(np.array([[0.9, 0.2]]), np.array([[True, False]]))
        >>> Searches.joined([block, block]).ranks.tolist()
        [1, 1]
        """
        whole = list(parts)
        return cls(
            np.concatenate([part.ranks for part in whole] or [np.array([], np.int64)]),
            np.concatenate([part.mate for part in whole] or [np.array([])]),
            np.concatenate([part.rival for part in whole] or [np.array([])]),
        )

    def refusals_accused(self) -> Searches:
        """Return the same searches, failed non-mated ones false positives at every threshold.

        Under this rule refusing a probe never lowers an error rate, whether it has a mate or not.
        A search of an empty gallery cannot be told from a failed one: leave such searches out.

        Examples
        --------
        >>> failed = Searches.of(np.array([[-np.inf]]), np.array([[False]]))
        >>> fpir(failed, threshold=0.5), fpir(failed.refusals_accused(), threshold=0.5)
        (0.0, 1.0)
        """
        failed = (self.ranks == NO_MATE) & (self.rival == -np.inf)
        return replace(self, rival=np.where(failed, np.inf, self.rival))

    def found_within(self, rank: int) -> npt.NDArray[np.float64]:
        """Scores of mated searches, ``-inf`` where the mate is beyond a rank.

        With `nonmated_tops` in the place of non-mated scores, every function of `verification`
        becomes one of open-set identification: FNMR is FNIR at this rank, FMR is FPIR.

        Parameters
        ----------
        rank
            From 1.

        Returns
        -------
        numpy.ndarray
            float64, shape (mated searches,).

        Raises
        ------
        ValueError
            If `rank` is below 1.
        """
        if rank < 1:
            raise ValueError(f"ranks count from 1, but rank {rank} was asked for")
        mated = self.ranks != NO_MATE
        return np.where(self.ranks[mated] <= rank, self.mate[mated], -np.inf).astype(np.float64)

    @property
    def nonmated_tops(self) -> npt.NDArray[np.float64]:
        """Top scores of the non-mated searches: float64, shape (non-mated searches,)."""
        tops: npt.NDArray[np.float64] = self.rival[self.ranks == NO_MATE].astype(np.float64)
        return tops


@dataclass(frozen=True, eq=False)
class OpenSetCurve:
    """FPIR and FNIR at one rank, at every threshold where they change.

    Parameters
    ----------
    threshold
        float64, shape (points,), rising: every distinct score that counts, then ``+inf``.
    fpir
        float64, shape (points,), in [0, 1], never rising.
    fnir
        float64, shape (points,), in [0, 1], never falling.
    """

    threshold: npt.NDArray[np.float64]
    fpir: npt.NDArray[np.float64]
    fnir: npt.NDArray[np.float64]

    def thinned(self, points: int) -> OpenSetCurve:
        """Leave out points that a plot cannot show: `verification.ErrorCurve.thinned`."""
        few = ErrorCurve(self.threshold, self.fpir, self.fnir).thinned(points)
        return OpenSetCurve(few.threshold, few.fmr, few.fnmr)


def fnir(searches: Searches, rank: int, threshold: float) -> float:
    """Share of mated searches without a mate at rank <= `rank` with a score >= `threshold`.

    Parameters
    ----------
    searches
        Their sums.
    rank
        From 1. A rank of the size of the gallery leaves the threshold alone to decide.
    threshold
        In units of the scores; at ``-inf`` the rank alone decides, and FNIR is 1 - hit rate.

    Returns
    -------
    float
        In [0, 1]; NaN without a mated search.

    Raises
    ------
    ValueError
        If `rank` is below 1 or the threshold is NaN.

    Examples
    --------
    >>> scores, mated = np.array([[0.9, 0.3], [0.8, 0.7]]), np.array([[True, False], [False, True]])
    >>> searches = Searches.of(scores, mated)
    >>> fnir(searches, rank=1, threshold=0.5)  # 0.8 is above the threshold, but no mate's
    0.5
    >>> fnir(searches, rank=2, threshold=0.5), fnir(searches, rank=2, threshold=0.9)
    (0.0, 0.5)
    """
    scores = searches.found_within(rank)
    missed = (scores < _threshold(threshold)) | (scores == -np.inf)
    return float(missed.mean()) if missed.size else float("nan")


def fpir(searches: Searches, threshold: float) -> float:
    """Share of non-mated searches that return any candidate with a score >= `threshold`.

    Parameters
    ----------
    searches
        Their sums.
    threshold
        In units of the scores.

    Returns
    -------
    float
        In [0, 1]; NaN without a non-mated search. A failed search returns no candidate.

    Raises
    ------
    ValueError
        If the threshold is NaN.

    Examples
    --------
    >>> searches = Searches.of(np.array([[0.1, 0.6], [0.4, 0.2]]), np.zeros((2, 2), bool))
    >>> fpir(searches, threshold=0.4), fpir(searches, threshold=0.5)
    (1.0, 0.5)
    """
    tops = searches.nonmated_tops
    returned = (tops >= _threshold(threshold)) & (tops > -np.inf)
    return float(returned.mean()) if returned.size else float("nan")


def fnir_at_fpir(searches: Searches, fpir: float, rank: int) -> float:
    """Lowest FNIR over all thresholds whose FPIR is at most `fpir`.

    Id: ``fnir@fpir=0.01,rank=1``. Exact and without interpolation; tied top scores are let in
    together or not at all. With fewer than ``1 / fpir`` non-mated searches not one false positive
    is allowed, and the figure is that of FPIR 0 (`verification.fmr_supported` says so).

    Parameters
    ----------
    searches
        Their sums.
    fpir
        In [0, 1].
    rank
        From 1.

    Returns
    -------
    float
        In [0, 1]; NaN without mated or without non-mated searches.

    Raises
    ------
    ValueError
        If `fpir` is outside [0, 1] or `rank` below 1.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.3], [0.7, 0.8], [0.5, 0.1], [0.2, 0.6]])
    >>> mated = np.array([[True, False], [False, True], [False, False], [True, False]])
    >>> searches = Searches.of(scores, mated)
    >>> fnir_at_fpir(searches, fpir=0.0, rank=1)  # above 0.5; the last mate is at rank 2
    0.3333333333333333
    """
    return fnmr_at_fmr(searches.found_within(rank), searches.nonmated_tops, fpir)


def open_set_eer(searches: Searches, rank: int) -> float:
    """Rate at which FNIR and FPIR are equal, by `verification.eer` of their curve.

    Parameters
    ----------
    searches
        With and without a mate.
    rank
        From 1: a mate beyond it is a miss.

    Returns
    -------
    float
        In [0, 1]; NaN without mated or without non-mated searches.

    Raises
    ------
    ValueError
        If `rank` is below 1.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.2, 0.6], [0.5, 0.4], [0.3, 0.1]])
    >>> mated = np.array([[True, False], [False, True], [False, False], [False, False]])
    >>> open_set_eer(Searches.of(scores, mated), rank=1)
    0.0
    """
    return eer(searches.found_within(rank), searches.nonmated_tops)


def open_set_curve(searches: Searches, rank: int) -> OpenSetCurve:
    """All distinct operating points at one rank: the FNIR-FPIR curve, and the DIR.

    Parameters
    ----------
    searches
        Their sums.
    rank
        From 1.

    Returns
    -------
    OpenSetCurve
        A rate without searches is NaN at every point.

    Raises
    ------
    ValueError
        If `rank` is below 1.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.3], [0.5, 0.1]])
    >>> searches = Searches.of(scores, np.array([[True, False], [False, False]]))
    >>> curve = open_set_curve(searches, rank=1)
    >>> for point in zip(curve.threshold, curve.fpir, curve.fnir):
    ...     print(*point)
    0.5 1.0 0.0
    0.9 0.0 0.0
    inf 0.0 1.0
    """
    curve = error_curve(searches.found_within(rank), searches.nonmated_tops)
    return OpenSetCurve(curve.threshold, curve.fmr, curve.fnmr)


def _check(scores: Floats, mated: Bools) -> None:
    if scores.ndim != 2 or scores.shape != mated.shape:
        raise ValueError(
            f"scores {scores.shape} and mated {mated.shape} must have one shape "
            "(probes, references)"
        )
    if mated.dtype != np.bool_:
        raise ValueError(f"mated must be bool, not {mated.dtype}")


def _refuse_unless_scores(values: Floats) -> None:
    if not np.all(values < np.inf):
        raise ValueError("scores must be finite, or -inf for a failure; found NaN or +inf")


def _threshold(value: float) -> float:
    if np.isnan(value):
        raise ValueError("the threshold is NaN")
    return value


ENTRIES = {
    "fnir": Entry(
        fnir_at_fpir,
        "False negative identification rate (FNIR)",
        unit="percent",
        options=(FPIR, ("rank", 1)),
        better="lower",
        guess=1.0,
        trials="Probes",
    ),
    "open-set-eer": Entry(
        open_set_eer,
        "FNIR and FPIR where they are equal",
        unit="percent",
        options=(("rank", 1),),
        better="lower",
        guess=1.0,
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
