"""Workload: what an examiner looks at, who goes down candidate lists until a mate is found.

A list has a length, and a search whose mate stands within it costs as many candidates as the
mate's rank, another one the whole list. Everything follows from ranks, as `identification` has
them: ties stand before the mate, and a search whose mate could not be compared costs the list.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import RANK, Entry
from harness.metrics.identification import MISS, NO_MATE, chance_hit

Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Doubles: TypeAlias = npt.NDArray[np.float64]


def viewed(ranks: Ints, gallery: Ints, rank: int) -> Doubles:
    """Candidates of each search that are looked at, in lists of a length.

    Parameters
    ----------
    ranks
        Integers, shape (searches,), as of `identification.mate_ranks`.
    gallery
        Integers, shape (searches,): references; no list is longer.
    rank
        Length of the lists, from 1.

    Returns
    -------
    numpy.ndarray
        float64, shape (searches,), from 1 to `rank`; NaN where there is no mate.

    Raises
    ------
    ValueError
        If `rank` is below 1.

    Examples
    --------
    >>> viewed(np.array([1, 3, 9, MISS, NO_MATE]), np.full(5, 20), 5)
    array([ 1.,  3.,  5.,  5., nan])
    """
    if rank < 1:
        raise ValueError(f"ranks count from 1, but rank {rank} was asked for")
    found = np.minimum(np.minimum(ranks, rank), gallery).astype(np.float64)
    return np.where(ranks == NO_MATE, np.nan, found)


def viewed_per_hit(ranks: Ints, gallery: Ints, rank: int) -> float:
    """Candidates that are looked at for each mate that is found, in lists of a length.

    Those of all searches with a mate, of which some end without one, over the mates found.

    Parameters
    ----------
    ranks, gallery, rank
        As for `viewed`.

    Returns
    -------
    float
        From 1; NaN where no mate is within the rank.

    Raises
    ------
    ValueError
        If `rank` is below 1.

    Examples
    --------
    >>> viewed_per_hit(np.array([1, 3, 9, MISS]), np.full(4, 20), 5)  # (1 + 3 + 5 + 5) / 2
    7.0
    """
    cost = viewed(ranks, gallery, rank)
    hits = int(np.count_nonzero((ranks != NO_MATE) & (ranks <= rank)))
    return float(np.nansum(cost) / hits) if hits else float("nan")


def chance_viewed(mates: Ints, gallery: Ints, rank: int) -> Doubles:
    """Candidates expected in random rankings: the sum of P(no mate within k), k from 0 to rank - 1.

    The sum of ``C(G-k, m) / C(G, m)`` is one difference of ``C(G+1, m+1)``, so it is evaluated as
    ``(G+1) / (m+1)``, the mean rank of the best mate, times the chance of a hit of one mate more.

    Parameters
    ----------
    mates, gallery
        Integers, shape (searches,): how many of how many references are mates.
    rank
        From 1.

    Returns
    -------
    numpy.ndarray
        float64, shape (searches,); NaN where there is no mate.

    Examples
    --------
    >>> chance_viewed(np.array([1]), np.array([3]), 3)  # first, second or third: (1 + 2 + 3) / 3
    array([2.])
    """
    m, g = np.asarray(mates), np.asarray(gallery)
    return np.where(m > 0, (g + 1) / (m + 1) * chance_hit(m + 1, g + 1, rank), np.nan)


def list_length(ranks: Ints, share: float) -> int | None:
    """Shortest list in which a share of all searches with a mate find one.

    Parameters
    ----------
    ranks
        Integers, shape (searches,), as of `identification.mate_ranks`.
    share
        In (0, 1].

    Returns
    -------
    int or None
        None where no list is long enough, since too many mates could not be compared, or without a
        search that has a mate.

    Raises
    ------
    ValueError
        If `share` is outside (0, 1].

    Examples
    --------
    >>> ranks = np.array([1, 1, 2, 7, MISS])
    >>> list_length(ranks, 0.6), list_length(ranks, 0.8), list_length(ranks, 0.81)
    (2, 7, None)
    """
    if not 0 < share <= 1:
        raise ValueError(f"a share of the mates lies in (0, 1], not {share}")
    mated = np.sort(ranks[ranks != NO_MATE])
    if not len(mated):
        return None
    # The least number of searches that is such a share, in the arithmetic of shares.
    needed = int(np.searchsorted(np.arange(1, len(mated) + 1) / len(mated), share)) + 1
    rank = int(mated[needed - 1])
    return None if rank == MISS else rank


def saved(gallery: Ints, length: int) -> float:
    """Share of the comparisons that nobody has to look at, in lists of a length.

    Parameters
    ----------
    gallery
        Integers, shape (searches,): references of each.
    length
        Of the lists, from 1.

    Returns
    -------
    float
        In [0, 1); NaN without searches.

    Examples
    --------
    >>> saved(np.array([10, 40]), 20)  # 10 of 10 and 20 of 40 are looked at
    0.4
    """
    if not len(gallery):
        return float("nan")
    return float(1 - np.minimum(gallery, length).sum() / gallery.sum())


ENTRIES = {
    "viewed-per-hit": Entry(
        viewed_per_hit,
        "Candidates viewed per mate found",
        options=(RANK,),
        better="lower",
        span=float("inf"),
        trials="Probes",
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
