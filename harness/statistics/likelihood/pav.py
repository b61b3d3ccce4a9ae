"""Pool adjacent violators (PAV): the best that any rising transform can make of scores.

PAV finds, among all functions that never fall with the score, the likelihood ratios with the lowest
Cllr (Brummer and du Preez, "Application-independent evaluation of speaker detection", Computer
Speech and Language 20, 2006). Its blocks are the edges of the convex hull of the ROC. Tied scores
are pooled before anything else, since a function of the score cannot tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from harness.statistics.likelihood.scores import Counts, Floats, Scores, checked


@dataclass(frozen=True, eq=False)
class Blocks:
    """Scores that share one likelihood ratio, lowest first.

    Parameters
    ----------
    low, high
        float64, shape (blocks,): lowest and highest score in each block.
    mated, nonmated
        int64, shape (blocks,): comparisons in each, never both 0.
    llr
        float64, shape (blocks,), rising: ``ln`` of the share of the mated over the share of the
        non-mated comparisons in the block; ``-inf`` without mated ones, ``+inf`` without non-mated.
    """

    low: Floats
    high: Floats
    mated: Counts
    nonmated: Counts
    llr: Floats

    def at(self, scores: Scores) -> Floats:
        """LLR of scores: that of their block; between two blocks the mean of both.

        Only the order of scores matters, and in a gap neither side is favoured. Beyond the first
        and the last block their LLR goes on.

        Parameters
        ----------
        scores
            Floating point, shape (n,), no NaN.

        Examples
        --------
        >>> blocks = pool(np.array([1.0, 3.0, 4.0]), np.array([0.0, 1.0, 3.0]), misleading=1)
        >>> blocks.at(np.array([-7.0, 1.0])).tolist() == [blocks.llr[0], blocks.llr[0]]
        True
        """
        below = np.searchsorted(self.low, scores, side="right") - 1
        above = np.searchsorted(self.high, scores, side="left")
        last = len(self.llr) - 1
        one, other = self.llr[np.clip(below, 0, last)], self.llr[np.clip(above, 0, last)]
        # Two infinite neighbours of unlike sign have no mean: between them nothing is known.
        opposite = np.isinf(one) & np.isinf(other) & (one != other)
        mean: Floats = np.where(opposite, 0.0, one / 2 + np.where(opposite, one, other) / 2)
        return mean


def pool(mated: Scores, nonmated: Scores, *, misleading: int = 0) -> Blocks:
    """Pool adjacent violators over mated and non-mated scores.

    Parameters
    ----------
    mated, nonmated
        Scores or LLRs, shape (n,) each and not empty; infinities are ordered like other values.
    misleading
        Misleading comparisons added at each end, from 0: so many mated below all scores and
        non-mated above all. With 1 (an add-one rule, as Laplace's) no LLR is infinite. They are
        counted in the blocks that they fall into.

    Returns
    -------
    Blocks
        As few as possible: neighbours of equal LLR are one block.

    Raises
    ------
    ValueError
        If a score is NaN, a set is empty or `misleading` is negative.

    Examples
    --------
    >>> blocks = pool(np.array([1.0, 3.0, 4.0]), np.array([0.0, 1.0, 3.0]))
    >>> for block in zip(blocks.low, blocks.high, blocks.mated, blocks.nonmated, blocks.llr):
    ...     print(*block)  # 1 and 3 hold one mated and one non-mated score each
    0.0 0.0 0 1 -inf
    1.0 3.0 2 2 0.0
    4.0 4.0 1 0 inf
    """
    if misleading < 0:
        raise ValueError(f"misleading comparisons are added, never taken away: {misleading}")
    groups = Groups(mated, nonmated)
    if not groups.mated.size or not groups.nonmated.size:
        raise ValueError("PAV needs at least one mated and one non-mated score")
    m, n = groups.counts()
    # An added comparison violates the order, so it always ends up in the block at its end.
    m[0] += misleading
    n[-1] += misleading
    first, last, m, n = merge(m, n)
    with np.errstate(divide="ignore"):
        llr = np.log(m / m.sum()) - np.log(n / n.sum())
    return Blocks(groups.low[first], groups.high[last], m, n, llr)


class Groups:
    """Comparisons in the order of their scores, ready to be counted by weight.

    Ties are one group, and so are neighbouring scores that only mated or only non-mated comparisons
    have: PAV gives them one LLR in any case, whatever their weights, and there are far fewer.

    Parameters
    ----------
    mated, nonmated
        Floating point, shape (n,) each, no NaN.

    Raises
    ------
    ValueError
        If a shape is another or a score is NaN.
    """

    def __init__(self, mated: Scores, nonmated: Scores) -> None:
        self.mated, self.nonmated = (np.sort(checked(part)) for part in (mated, nonmated))
        # A stable sort merges two sorted runs in one pass.
        both = np.sort(np.concatenate([self.mated, self.nonmated]), kind="stable")
        values = both[np.append(True, both[1:] != both[:-1])[: both.size]]
        mated_from = np.searchsorted(self.mated, values, side="left")
        nonmated_from = np.searchsorted(self.nonmated, values, side="left")
        has_mated = np.diff(mated_from, append=self.mated.size) > 0
        has_nonmated = np.diff(nonmated_from, append=self.nonmated.size) > 0
        mixed = has_mated & has_nonmated
        starts = np.append(True, mixed[1:] | (has_mated[1:] != has_mated[:-1]) | mixed[:-1])
        start = np.flatnonzero(starts[: values.size])
        self.low: Floats = values[start]
        self.high: Floats = values[np.append(start[1:], values.size) - 1] if start.size else values
        self._mated_from = mated_from[start]
        self._nonmated_from = nonmated_from[start]

    def counts(self) -> tuple[Counts, Counts]:
        """Mated and non-mated comparisons of every group: int64, shape (groups,)."""
        return (
            np.diff(self._mated_from, append=self.mated.size).astype(np.int64),
            np.diff(self._nonmated_from, append=self.nonmated.size).astype(np.int64),
        )

    def weighted(self, mated: Floats, nonmated: Floats) -> tuple[Counts, Counts]:
        """Count as `counts` does when comparisons, in rising order, count several times.

        Parameters
        ----------
        mated, nonmated
            float64, the shapes of the mated and non-mated scores: how often each counts, whole
            numbers from 0.
        """
        return _summed(mated, self._mated_from), _summed(nonmated, self._nonmated_from)


def _summed(weights: Floats, start: Counts) -> Counts:
    """Sum from each start to the next; a group without a comparison starts where the next does."""
    ends = np.append(start[1:], weights.size)
    filled = ends > start
    found = np.zeros(start.size, np.int64)
    found[filled] = np.rint(np.add.reduceat(weights, start[filled])) if filled.any() else 0
    return found


def merge(mated: Counts, nonmated: Counts) -> tuple[Counts, Counts, Counts, Counts]:
    """Merge neighbours until the share of mated rises from block to block.

    Parameters
    ----------
    mated, nonmated
        int64, shape (groups,), in the order of the scores; groups without a comparison are skipped.

    Returns
    -------
    tuple of arrays
        First and last group of every block, and its mated and non-mated comparisons.

    Examples
    --------
    >>> first, last, m, n = merge(np.array([0, 1, 0, 2]), np.array([1, 0, 1, 0]))
    >>> first.tolist(), last.tolist(), m.tolist(), n.tolist()
    ([0, 1, 3], [0, 2, 3], [0, 1, 2], [1, 1, 0])
    """
    from scipy.optimize import isotonic_regression  # half a second that few runs need

    present = np.flatnonzero(mated + nonmated)
    mated, nonmated = mated[present], nonmated[present]
    total = (mated + nonmated).astype(np.float64)
    start = isotonic_regression(mated / total, weights=total).blocks[:-1]
    mated, nonmated = np.add.reduceat(mated, start), np.add.reduceat(nonmated, start)
    # Shares are compared as whole numbers, so that rounding cannot keep equal blocks apart.
    rises = np.append(True, mated[1:] * nonmated[:-1] != mated[:-1] * nonmated[1:])
    start, kept = start[rises], np.flatnonzero(rises)
    mated, nonmated = np.add.reduceat(mated, kept), np.add.reduceat(nonmated, kept)
    end = np.append(start[1:], len(present)) - 1
    return present[start], present[end], mated, nonmated
