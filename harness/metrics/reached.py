"""What is read from error curves, of more non-mated scores than are held at once.

Only the numbers of non-mated scores at and above each mated score decide on EER, FNMR at FMR and
AUC, and one look at the scores, a block at a time, counts them. The results are those of
`harness.metrics.verification`, to the bit: between two mated scores FNMR stays as it is.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.verification import (
    ErrorCurve,
    crossing_rate,
    errors_allowed,
    hull_rate,
    logit_steps,
)

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Counts: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]

_PIECE = 1 << 18
_SAMPLE = 1 << 17


@dataclass(frozen=True, eq=False)
class Reached:
    """How many non-mated scores are as high as, and how many higher than, each mated score.

    Parameters
    ----------
    thresholds
        float64, shape (thresholds,), rising: every distinct finite mated score.
    mated
        int64, shape (thresholds,): how many mated scores that is.
    reaching, above
        int64, shape (thresholds,): non-mated scores at or above it, and above it.
    failed
        Mated scores that are ``-inf``.
    endless
        Non-mated scores that are ``+inf``.
    m, n
        Numbers of mated and of non-mated scores.
    """

    thresholds: Floats
    mated: Counts
    reaching: Counts
    above: Counts
    failed: int
    endless: int
    m: int
    n: int

    @classmethod
    def of(cls, mated: Scores, blocks: Iterable[Scores]) -> Reached:
        """Count.

        Parameters
        ----------
        mated
            Floating point, shape (m,), as the head of `harness.metrics.verification` states.
        blocks
            All non-mated scores, floating point, each of shape (scores,).

        Raises
        ------
        ValueError
            If a score is NaN, or ``+inf`` among the mated.
        """
        scores = np.asarray(mated, np.float64)
        highest = scores.max(initial=-np.inf)
        if np.isnan(highest):
            raise ValueError("a score is NaN: give -inf for a failed comparison")
        if highest == np.inf:
            raise ValueError("a mated score is +inf: scores are finite, or -inf for a failure")
        thresholds, sizes = np.unique(scores[np.isfinite(scores)], return_counts=True)
        reaching, above = np.zeros((2, len(thresholds)), np.int64)
        endless = n = 0
        for block in blocks:
            for start in range(0, len(block), _PIECE):
                rising = np.sort(block[start : start + _PIECE])
                if np.isnan(rising[-1]):
                    raise ValueError("a score is NaN: give -inf for a failed comparison")
                reaching += len(rising) - np.searchsorted(rising, thresholds, side="left")
                above += len(rising) - np.searchsorted(rising, thresholds, side="right")
                endless += len(rising) - int(np.searchsorted(rising, np.inf, side="left"))
                n += len(rising)
        failed = len(scores) - int(sizes.sum())
        return cls(
            thresholds, sizes.astype(np.int64), reaching, above, failed, endless, len(scores), n
        )

    @cached_property
    def missed(self) -> Counts:
        """Mated scores below each threshold, and all of them: int64, shape (thresholds + 1,)."""
        found: Counts = self.failed + np.append(0, np.cumsum(self.mated))
        return found

    def eer(self) -> float:
        """Return what `harness.metrics.verification.eer` does."""
        if not self.m or not self.n:
            return math.nan
        if not len(self.thresholds):
            return 1.0
        after = self.above * self.m <= self.missed[1:] * self.n
        # Behind the highest mated score FNMR is 1, so one is found.
        first = int(np.argmax(after))
        if self.reaching[first] * self.m <= self.missed[first] * self.n:
            return int(self.missed[first]) / self.m  # crossed between two mated scores
        return crossing_rate(
            np.array([self.reaching[first], self.above[first]]),
            self.missed[first : first + 2],
            self.m,
            self.n,
        )

    def fnmr_at_fmr(self, fmr: float) -> float:
        """Return what `harness.metrics.verification.fnmr_at_fmr` does.

        Raises
        ------
        ValueError
            If `fmr` is outside [0, 1].
        """
        allowed = errors_allowed(self.n, fmr)
        if not self.m or not self.n:
            return math.nan
        refused = int(self.mated[self.reaching > allowed].sum()) if allowed < self.n else 0
        return (self.failed + refused) / self.m

    def eer_convex_hull(self) -> float:
        """Return what `harness.metrics.verification.eer_convex_hull` does."""
        # The hull only turns at the lowest threshold that refuses so many mated scores.
        return hull_rate(np.append(self.reaching, self.endless), self.missed, self.m, self.n)

    def auc(self) -> float:
        """Return what `harness.metrics.verification.auc` does."""
        if not self.m or not self.n:
            return math.nan
        halves = 2 * self.n - self.reaching - self.above
        return float(int(self.mated @ halves) / (2 * self.m * self.n))


Pieces: TypeAlias = Callable[[], Iterable[Scores]]
"""Hands out all non-mated scores in rising order, in pieces, as often as it is called.

Floating point, each of shape (scores,); equal scores stand in one piece.
"""


def in_rising_order(blocks: Callable[[], Iterable[Scores]], n: int, most: int) -> Pieces:
    """Return scores in rising order, of which so many are held at once.

    Parameters
    ----------
    blocks
        Hands out all scores in any order, floating point, each of shape (scores,).
    n
        How many there are. Where they are more than `most`, one range of scores after another is
        looked for among all.
    most
        How many to hold; more, where so many are equal.

    Examples
    --------
    >>> scores = np.array([3.0, 1.0, 2.0, 2.0])
    >>> [piece.tolist() for piece in in_rising_order(lambda: [scores], 4, 9)()]
    [[1.0, 2.0, 2.0, 3.0]]
    """
    if n <= most:
        whole, start = np.empty(n), 0
        for block in blocks():
            whole[start : start + len(block)] = block
            start += len(block)
        whole.sort()
        return lambda: in_pieces(whole)
    step = max(1, n // _SAMPLE)
    sample = np.sort(np.concatenate([block[::step] for block in blocks()]))
    # Half of what may be held: a sample says only about where so many scores end.
    ranges = -(-2 * n // most)
    cuts = np.unique(sample[np.arange(1, ranges) * len(sample) // ranges])

    def pieces() -> Iterator[Scores]:
        ends = [-np.inf, *cuts.tolist(), np.nan]
        for low, high in pairwise(ends):
            # NaN is above nothing: the last range has no end.
            found = [block[(block >= low) & ~(block >= high)] for block in blocks()]
            piece: Scores = np.concatenate(found)
            del found
            piece.sort()
            yield from in_pieces(piece)

    return pieces


def in_pieces(rising: Scores) -> Iterator[Scores]:
    """Hand out rising scores, floating point, shape (n,), in pieces as `Pieces` says."""
    start = 0
    while start < len(rising):
        last = rising[min(start + _PIECE, len(rising)) - 1]
        end = int(np.searchsorted(rising, last, side="right"))
        yield rising[start:end]
        start = end


def thinned_curve(mated: Scores, pieces: Pieces, n: int, points: int) -> ErrorCurve:
    """Return ``error_curve(mated, nonmated).thinned(points)``, to the bit, a piece at a time.

    Parameters
    ----------
    mated
        Floating point, shape (m,), from one.
    pieces
        The non-mated scores.
    n
        How many these are, from one.
    points
        How many points may stay, from 4.

    Raises
    ------
    ValueError
        If `points` is below 4, or a kind of scores is lacking.

    Examples
    --------
    >>> curve = thinned_curve(np.array([2.0, 3.0]), lambda: [np.array([1.0, 2.0])], 2, 400)
    >>> curve.threshold.tolist(), curve.fmr.tolist(), curve.fnmr.tolist()
    ([1.0, 2.0, 3.0, inf], [1.0, 0.5, 0.0, 0.0], [0.0, 0.0, 0.5, 1.0])
    """
    if points < 4:
        raise ValueError(f"a curve needs at least 4 points, not {points}")
    if not len(mated) or not n:
        raise ValueError("a curve needs mated and non-mated scores")
    rising = np.sort(np.asarray(mated, np.float64))
    number, smallest = 0, [0.5, 0.5]
    for before, curve in _joined(rising, pieces, n):
        number += len(curve[0]) - before
        for i, rate in enumerate(curve[1:]):
            steps = np.abs(np.diff(rate))
            smallest[i] = min(smallest[i], float(steps[steps > 0].min(initial=0.5)))
    if number <= points:
        all_of_it = [
            [column[before:] for column in curve] for before, curve in _joined(rising, pieces, n)
        ]
        return ErrorCurve(*(np.concatenate(column) for column in zip(*all_of_it, strict=True)))
    inside = [min(0.25, step / 2) for step in smallest]
    length = 0.0
    for _, curve in _joined(rising, pieces, n):
        length = float(_path(length, curve[1:], inside)[-1])
    kept: list[list[Floats]] = []
    reached, open_left, last = 0.0, True, list[Floats]()
    parts = points // 2
    for _, curve in _joined(rising, pieces, n):
        path = _path(reached, curve[1:], inside)
        reached = float(path[-1])
        part = np.minimum((path * (parts / length)).astype(np.int64), parts - 1)
        change = np.diff(part) > 0
        # Whether the last one stays depends on the next as well.
        stays = np.append(open_left, change)[:-1] | change
        kept.append([column[:-1][stays] for column in curve])
        open_left = bool(change[-1]) if len(change) else open_left
        last = [column[-1:] for column in curve]
    kept.append(last)
    return ErrorCurve(*(np.concatenate(column) for column in zip(*kept, strict=True)))


def _path(start: float, rates: Sequence[Floats], inside: Sequence[float]) -> Floats:
    """Return how far along the curve each point lies, from where its first lies."""
    steps = [logit_steps(rate, within) for rate, within in zip(rates, inside, strict=True)]
    found: Floats = np.cumsum(np.append(start, steps[0] + steps[1]))
    return found


def _joined(rising: Floats, pieces: Pieces, n: int) -> Iterator[tuple[int, list[Floats]]]:
    """Hand out the curve in parts, and whether each begins with the last point of the one before.

    Threshold, FMR and FNMR: float64, shape (points,).
    """
    last: list[Floats] = []
    for curve in _points(rising, pieces, n):
        if not len(curve[0]):
            continue
        columns = list(curve)
        if last:
            columns = [np.concatenate(both) for both in zip(last, columns, strict=True)]
        yield len(last) // 3, columns
        last = [column[-1:] for column in columns]


def _points(rising: Floats, pieces: Pieces, n: int) -> Iterator[tuple[Floats, Floats, Floats]]:
    m, passed, refused, endless = len(rising), 0, 0, 0
    for piece in pieces():
        if not len(piece):
            continue
        end = int(np.searchsorted(rising, piece[-1], side="right"))
        between = rising[refused:end]
        # A stable sort merges two sorted runs in one pass.
        both = np.sort(np.concatenate([between, piece]).astype(np.float64), kind="stable")
        both = both[np.append(True, both[1:] != both[:-1])]
        threshold = both[np.isfinite(both)]
        false = n - passed - np.searchsorted(piece, threshold, side="left")
        missed = refused + np.searchsorted(between, threshold, side="left")
        yield threshold, false / n, missed / m
        passed, refused = passed + len(piece), end
        endless = len(piece) - int(np.searchsorted(piece, np.inf, side="left"))
    rest = np.unique(rising[refused:])
    missed = np.append(refused + np.searchsorted(rising[refused:], rest, side="left"), m)
    false = np.append(np.full(len(rest), n - passed), endless)
    yield np.append(rest, np.inf), false / n, missed / m
