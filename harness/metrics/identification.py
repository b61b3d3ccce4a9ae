"""Identification (1:N search): ranks of mates, hit rates, CMC, average precision, and chance.

A search compares one probe with every reference of a gallery. Failures arrive as scores of
``-inf``: a whole row for a probe without a template, a column for a reference without one. They
are never left out, so an algorithm gains nothing by refusing hard images.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import RANK, Entry

Floats: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]

MISS = int(np.iinfo(np.int64).max)
"""Rank of a search none of whose mates could be compared: beyond every rank."""

NO_MATE = 0
"""Rank of a search without a mate in the gallery: no rank, and no part of any rate."""

_BLOCK = 1 << 22  # scores handled at once: a few megabytes of temporaries whatever the gallery


def mate_ranks(scores: Floats, mated: Bools) -> npt.NDArray[np.int64]:
    """Rank of the best-ranked mate of every search.

    ``1 + number of non-mates with score >= the best mate's score``: ties count against the
    algorithm, so a constant scorer ranks every mate last (ISO/IEC 19795-1; NISTIR 8078 counts a
    search once, by its best mate).

    Parameters
    ----------
    scores
        Floating point, shape (probes, references); higher is more alike, ``-inf`` is a failure.
    mated
        bool, shape (probes, references): whether reference and probe are mates.

    Returns
    -------
    numpy.ndarray
        int64, shape (probes,): from 1; `MISS` where the best mate's score is ``-inf``; `NO_MATE`
        where the gallery holds no mate.

    Raises
    ------
    ValueError
        If shapes differ, `mated` is not bool, or a score is NaN or ``+inf``.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.9, 0.2], [0.1, 0.8, 0.3], [0.5, 0.4, 0.3]])
    >>> mated = np.array([[True, False, False], [False, True, True], [False, False, False]])
    >>> mate_ranks(scores, mated)  # tied with a non-mate; found; nothing to find
    array([2, 1, 0])
    """
    ranks = np.full(len(scores), NO_MATE, dtype=np.int64)
    for rows, block, mates in _blocks(scores, mated):
        search, reference = np.nonzero(mates)
        if not search.size:
            continue
        mate_scores = block[search, reference]
        has_mate, first = np.unique(search, return_index=True)
        best = np.maximum.reduceat(mate_scores, first)
        ahead = np.count_nonzero(block[has_mate] >= best[:, np.newaxis], axis=1)
        # Mates that share the best score were counted too, and a mate is not ahead of itself.
        tied_mates = np.add.reduceat(mate_scores >= np.repeat(best, _sizes(first, search)), first)
        ranks[rows][has_mate] = np.where(best == -np.inf, MISS, 1 + ahead - tied_mates)
    return ranks


def average_precision(scores: Floats, mated: Bools) -> npt.NDArray[np.float64]:
    """Average precision of every search over all its mates; their mean is the MAP.

    The i-th mate in order of score has precision ``i / (i + non-mates with score >= its score)``:
    non-mates tied with a mate stand before it; mates tied with each other may stand in any order.
    A mate at ``-inf`` is never found: it adds nothing, and still counts among the mates.

    Parameters
    ----------
    scores, mated
        As for `mate_ranks`.

    Returns
    -------
    numpy.ndarray
        float64, shape (probes,), in [0, 1]; NaN for a search without a mate.

    Raises
    ------
    ValueError
        As for `mate_ranks`.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.8, 0.7, 0.1]])
    >>> mated = np.array([[True, False, True, False]])
    >>> float(average_precision(scores, mated)[0])  # (1/1 + 2/3) / 2
    0.8333333333333333
    """
    precision = np.full(len(scores), np.nan)
    for rows, block, mates in _blocks(scores, mated):
        for search in np.flatnonzero(mates.any(axis=1)):
            row, is_mate = block[search], mates[search]
            mate_scores = np.sort(row[is_mate])[::-1]
            found = mate_scores[mate_scores > -np.inf]
            # Non-mates below the last mate that can be found change nothing: do not sort them.
            last = found[-1] if found.size else np.inf
            rivals = np.sort(row[~is_mate & (row >= last)])
            ahead = rivals.size - np.searchsorted(rivals, found, side="left")
            nth = np.arange(1, found.size + 1)
            precision[rows][search] = np.sum(nth / (nth + ahead)) / mate_scores.size
    return precision


def hit_rate(ranks: Ints, rank: int) -> float:
    """Share of mated searches whose best mate is within a rank (NISTIR 8078, hit rate).

    Parameters
    ----------
    ranks
        Integers, shape (probes,), from `mate_ranks`. `NO_MATE` is left out, `MISS` is a miss.
    rank
        From 1.

    Returns
    -------
    float
        In [0, 1]; NaN without a mated search.

    Raises
    ------
    ValueError
        If `rank` is below 1 or a rank below 0.

    Examples
    --------
    >>> hit_rate(np.array([1, 7, MISS, NO_MATE, 2]), 2)
    0.5
    """
    counted = _mated_searches(ranks, rank)
    return float(np.mean(counted <= rank)) if counted.size else float("nan")


def median_rank(ranks: Ints) -> float:
    """Median of the ranks of mated searches: the lowest rank within which half of them hit.

    Parameters
    ----------
    ranks
        Integers, shape (probes,), from `mate_ranks`, in which a search that found nothing may be
        given the place behind its gallery. `NO_MATE` is left out.

    Returns
    -------
    float
        From 1; of an even number the lower of the two in the middle; infinite where that is `MISS`,
        NaN without a mated search.

    Raises
    ------
    ValueError
        If a rank is below 0.

    Examples
    --------
    >>> median_rank(np.array([9, 1, NO_MATE, 4, 30])), median_rank(np.array([MISS, 2, MISS]))
    (4.0, inf)
    """
    counted = np.sort(_mated_searches(ranks, 1))
    if not counted.size:
        return float("nan")
    middle = counted[(counted.size - 1) // 2]
    return float("inf") if middle == MISS else float(middle)


def cmc(ranks: Ints, max_rank: int) -> npt.NDArray[np.float64]:
    """Cumulative match characteristic: `hit_rate` at ranks 1 to `max_rank` (ISO/IEC 19795-1).

    Parameters
    ----------
    ranks
        Integers, shape (probes,), from `mate_ranks`. `NO_MATE` is left out, `MISS` is a miss.
    max_rank
        From 1; may exceed the gallery.

    Returns
    -------
    numpy.ndarray
        float64, shape (max_rank,), in [0, 1], never falling; NaN without a mated search.

    Raises
    ------
    ValueError
        If `max_rank` is below 1 or a rank below 0.

    Examples
    --------
    >>> cmc(np.array([1, 3, MISS, NO_MATE, 1]), 3)
    array([0.5 , 0.5 , 0.75])
    """
    counted = _mated_searches(ranks, max_rank)
    if not counted.size:
        return np.full(max_rank, np.nan)
    found = np.bincount(counted[counted <= max_rank], minlength=max_rank + 1)[1:]
    return np.cumsum(found) / counted.size


def chance_hit(mates: Ints, gallery: Ints, rank: int) -> npt.NDArray[np.float64]:
    """Probability that a random ranking hits within a rank: ``1 - C(G-m, r) / C(G, r)``.

    The chance row of a board, and an exact answer to test with. Evaluated as a product of
    ``min(m, r)`` factors in logarithms, which keeps small probabilities to full precision.

    Parameters
    ----------
    mates, gallery
        Integers, shape (probes,), or one number for all: mates m among the references G searched.
    rank
        From 1.

    Returns
    -------
    numpy.ndarray
        float64, shape (probes,), in [0, 1]; 1 where fewer than r references are not mates; NaN
        where there is no mate, as such a search has no part in a hit rate.

    Raises
    ------
    ValueError
        If `rank` is below 1, a count is negative, or there are more mates than references.

    Examples
    --------
    >>> chance_hit(np.array([2]), np.array([272]), 10).round(4)  # 1 - (262 * 261) / (272 * 271)
    array([0.0723])
    """
    m, g = _counts(mates, gallery)
    if rank < 1:
        raise ValueError(f"ranks count from 1, but rank {rank} was asked for")
    # C(G-m, r) / C(G, r) = C(G-r, m) / C(G, m): take the form with fewer factors.
    fewer, more = np.minimum(m, rank), np.maximum(m, rank)
    certain = m + rank > g
    log_miss = np.zeros(m.shape)
    for i in range(int(fewer[~certain].max(initial=0))):
        active = (i < fewer) & ~certain
        log_miss[active] += np.log1p(-more[active] / (g[active] - i))
    chance = np.where(certain, 1.0, -np.expm1(log_miss))
    return np.where(m > 0, chance, np.nan)


def chance_average_precision(mates: Ints, gallery: Ints) -> npt.NDArray[np.float64]:
    """Average precision to be expected of a random ranking.

    ``(H + (m-1)/(G-1) * (G-H)) / G`` with ``H = 1 + 1/2 + ... + 1/G``: the reference at rank k is
    a mate with probability m/G and then has (k-1)(m-1)/(G-1) mates before it on average.

    Parameters
    ----------
    mates, gallery
        As for `chance_hit`.

    Returns
    -------
    numpy.ndarray
        float64, shape (probes,), in (0, 1]; NaN where there is no mate.

    Raises
    ------
    ValueError
        If a count is negative, or there are more mates than references.

    Examples
    --------
    >>> chance_average_precision(np.array([1]), np.array([2]))  # first or second: (1 + 1/2) / 2
    array([0.75])
    """
    m, g = _counts(mates, gallery)
    sizes, which = np.unique(g, return_inverse=True)
    harmonic = np.array([np.sum(1.0 / np.arange(1, size + 1)) for size in sizes])
    h = harmonic[which].reshape(g.shape)
    expected = (h + (m - 1) / np.maximum(g - 1, 1) * (g - h)) / np.maximum(g, 1)
    return np.where(m > 0, expected, np.nan)


def _mated_searches(ranks: Ints, asked: int) -> Ints:
    """Ranks of the searches that have a mate, after checking them and the rank asked for."""
    if asked < 1:
        raise ValueError(f"ranks count from 1, but rank {asked} was asked for")
    ranks = np.asarray(ranks)
    if ranks.size and ranks.min() < 0:
        raise ValueError(f"ranks count from 1 ({NO_MATE} means no mate), but {ranks.min()} is one")
    mated: Ints = ranks[ranks != NO_MATE]
    return mated


def _counts(mates: Ints, gallery: Ints) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    m, g = np.broadcast_arrays(np.atleast_1d(mates), np.atleast_1d(gallery))
    if m.size and (m.min() < 0 or np.any(m > g)):
        raise ValueError("the mates of a search must be between 0 and the size of its gallery")
    return m.astype(np.int64), g.astype(np.int64)


def _sizes(first: npt.NDArray[np.intp], of: npt.NDArray[np.intp]) -> npt.NDArray[np.intp]:
    """Lengths of the runs that begin at the indices `first`."""
    return np.diff(first, append=of.size)


def _blocks(scores: Floats, mated: Bools) -> Iterator[tuple[slice, Floats, Bools]]:
    """Check scores and truth, and hand them out in blocks of rows that fit a cache."""
    if scores.ndim != 2 or scores.shape != mated.shape:
        raise ValueError(
            f"scores {scores.shape} and mated {mated.shape} must have one shape "
            "(probes, references)"
        )
    if mated.dtype != np.bool_:
        raise ValueError(f"mated must be bool, not {mated.dtype}")
    step = max(1, _BLOCK // max(1, scores.shape[1]))
    for start in range(0, len(scores), step):
        rows = slice(start, start + step)
        block = scores[rows]
        # The maximum is NaN where any score is, so one pass finds both faults.
        highest = block.max(initial=-np.inf)
        if np.isnan(highest) or highest == np.inf:
            raise ValueError("scores must be finite, or -inf for a failure; found NaN or +inf")
        yield rows, block, mated[rows]


ENTRIES = {
    "hit-rate": Entry(
        hit_rate, "Hit rate", unit="percent", options=(RANK,), guess=0.0, trials="Probes"
    ),
    "median-rank": Entry(
        median_rank, "Median rank", better="lower", span=float("inf"), trials="Probes"
    ),
    "map": Entry(
        average_precision, "Mean average precision", unit="share", guess=0.0, trials="Probes"
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
