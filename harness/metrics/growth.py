"""Growth: what one search of N references says of searches among any n of them.

The n are drawn at random and without replacement, a search's mates always among them. Of the
non-mates at or above a score in the whole gallery, how many are drawn is hypergeometric, so that
what a search would come to is known exactly: nothing is searched again. Nothing is known of more
references than were searched, and asking for them is refused.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.identification import MISS, NO_MATE

Ints: TypeAlias = npt.NDArray[np.integer[Any]]
Doubles: TypeAlias = npt.NDArray[np.float64]


def hit_shares(ranks: Ints, mates: Ints, gallery: Ints, size: int, rank: int) -> Doubles:
    """Share of the random galleries of a size in which each search's best mate is within a rank.

    A search whose best mate has rank r, so that r - 1 of the ``N - m`` non-mates are at least as
    high, hits where at most `rank` - 1 of those are among the ``n - m`` non-mates that are drawn:
    ties count against the algorithm, as in `identification.mate_ranks`.

    Parameters
    ----------
    ranks
        Integers, shape (searches,), as of `identification.mate_ranks`.
    mates, gallery
        Integers, shape (searches,): how many of how many references are mates of each.
    size
        References in the smaller gallery, n.
    rank
        From 1.

    Returns
    -------
    numpy.ndarray
        float64, shape (searches,), in [0, 1]; 0 where no mate could be compared, NaN where there
        is none. With the whole gallery exactly 0 or 1, as the search came out.

    Raises
    ------
    ValueError
        If `rank` is below 1, or a search with a mate has fewer references than `size`, or more
        mates.

    Examples
    --------
    A mate at rank 3 of 5 is first among itself and one of the other four in two of four cases:

    >>> one = np.array([1])
    >>> [float(hit_shares(3 * one, one, 5 * one, n, rank=1)[0].round(3)) for n in (1, 2, 3, 5)]
    [1.0, 0.5, 0.167, 0.0]
    """
    if rank < 1:
        raise ValueError(f"ranks count from 1, but rank {rank} was asked for")
    mated = ranks != NO_MATE
    if mated.any():
        _check_size(gallery[mated], size)
        if int(mates[mated].max()) > size:
            raise ValueError(f"a search has {mates[mated].max()} mates, and {size} hold fewer")
    shares = np.full(len(ranks), np.nan)
    shares[mated & (ranks == MISS)] = 0.0
    found = mated & (ranks != MISS)
    shares[found] = _at_most(
        rank - 1, ranks[found] - 1, gallery[found] - mates[found], size - mates[found]
    )
    return shares


def positive_shares(above: Ints, gallery: Ints, size: int) -> Doubles:
    """Share of the random galleries of a size that return anything above a threshold.

    ``1 - C(N - k, n) / C(N, n)`` for a search without a mate in which k of N references lie there.

    Parameters
    ----------
    above, gallery
        Integers, shape (searches,): references at or above the threshold, and all.
    size
        References in the smaller gallery, n.

    Returns
    -------
    numpy.ndarray
        float64, shape (searches,), in [0, 1]; with the whole gallery exactly 0 or 1.

    Raises
    ------
    ValueError
        If a search has fewer references than `size`.

    Examples
    --------
    >>> positive_shares(np.array([0, 1, 2]), np.array([4, 4, 4]), 2).round(4).tolist()
    [0.0, 0.5, 0.8333]
    """
    if len(gallery):
        _check_size(gallery, size)
    none = _at_most(0, above, gallery, np.full(len(gallery), size))
    shares: Doubles = 1.0 - none
    return shares


def _check_size(gallery: Ints, size: int) -> None:
    smallest = int(gallery.min())
    if not 1 <= size <= smallest:
        raise ValueError(
            f"a gallery of {size} cannot be drawn from one of {smallest}: what more references "
            "would do is not known from fewer"
        )


def _at_most(most: int, special: Ints, pool: Ints, drawn: Ints) -> Doubles:
    """Probability that at most so many of the special ones of a pool are drawn; (n,) each."""
    from scipy.special import gammaln

    def choose(n: Ints, k: Ints | int) -> Doubles:
        return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1))

    # So many special ones are drawn at least, since the others are too few, and at most.
    least, greatest = np.maximum(0, special + drawn - pool), np.minimum(special, drawn)
    total = np.zeros(len(pool))
    for number in range(most + 1):
        can = (number >= least) & (number <= greatest)
        n, k, d = pool[can], special[can], drawn[can]
        rest = choose(k, number) + choose(n - k, d - number) - choose(n, d)
        total[can] += np.exp(rest)
    # What is certain is exact, whatever the sum was rounded to.
    certain = np.where(greatest <= most, 1.0, np.clip(total, 0.0, 1.0))
    values: Doubles = np.where(least > most, 0.0, certain)
    return values
