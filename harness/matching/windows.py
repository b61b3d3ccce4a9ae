"""A window on the non-mated scores: those inside are kept, those above are only counted.

With the count above and all scores inside, every order statistic and every crossing of error rates
that lies in the window is exact; `Window.bar` and `Window.equal_error_rate` say on which side to
look when it does not. So where a window stands decides how much work there is, never a result.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.verification import crossing_rate

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


class Side(Enum):
    """Where to look for what is not in a window."""

    BELOW = "below"
    ABOVE = "above"


class Window:
    """Scores in [low, high], each with its count, and the number of scores above.

    It holds a bounded number of distinct scores. When more come it narrows around its centre, and
    what was kept above the new end joins the count: all statements stay exact for the narrower
    window.

    Parameters
    ----------
    low, high
        Ends, inclusive; `LOWEST` and ``inf`` for none.
    centre
        Where the score sought is thought to lie.
    capacity
        Most distinct scores to keep, from 16; about as many wait unsorted.
    """

    def __init__(self, low: float, high: float, centre: float, capacity: int) -> None:
        self.low, self.high = np.float32(low), np.float32(high)
        self.centre = np.float32(centre)
        self.capacity = capacity
        self.above = 0
        self._scores: Floats = np.empty(0, np.float32)
        self._counts: Ints = np.empty(0, np.int64)
        self._waiting: list[Floats] = []
        self._waiting_count = 0

    def empty_copy(self) -> Window:
        """Return a window of the same ends that has seen nothing."""
        return Window(float(self.low), float(self.high), float(self.centre), self.capacity)

    def add(self, above: int, inside: Floats) -> None:
        """Take in some scores.

        Parameters
        ----------
        above
            How many lie above the window.
        inside
            float32, shape (scores,), in any order: those in it.
        """
        self.above += above
        if len(inside):
            self._waiting.append(inside)
            self._waiting_count += len(inside)
            if self._waiting_count >= self.capacity:
                self._settle()

    def put(self, above: int, scores: Floats, counts: Ints) -> None:
        """Take in what `kept` of another window of these ends gave, and what it counted above."""
        self.above += above
        self._merge(scores, counts)

    def kept(self) -> tuple[Floats, Ints]:
        """Return the distinct scores inside, rising, and how often each occurred.

        float32 and int64, both of shape (distinct scores,).
        """
        self._settle()
        return self._scores, self._counts

    def bar(self, errors: int) -> float | Side:
        """Return the (errors + 1)-th highest of all scores seen.

        Parameters
        ----------
        errors
            How many scores may lie above it; less than the number of scores.
        """
        scores, counts = self.kept()
        if self.above > errors:
            return Side.ABOVE
        reaching = self.above + np.cumsum(counts[::-1])
        place = int(np.searchsorted(reaching, errors, side="right"))
        return float(scores[::-1][place]) if place < len(scores) else Side.BELOW

    def equal_error_rate(self, mated: Floats, comparisons: int) -> float | Side:
        """Return the EER as `metrics.verification.eer` defines it.

        Exact because both operating points around the crossing are known. The sign of
        FMR - FNMR is checked at the two ends of the window. If it turns between them, the last
        point before the turn is at a score inside (the first score at or above `low` has the sign
        of `low`), and the first point after it is inside or is the first beyond `high`, whose
        rates are those just above `high`.

        Parameters
        ----------
        mated
            Scores, float32, shape (mated comparisons,), rising, ``-inf`` for failures; at least
            one.
        comparisons
            Number of non-mated scores seen; at least one.
        """
        scores, counts = self.kept()
        m, n = len(mated), comparisons
        if mated[-1] == -np.inf:
            return 1.0
        reaching = np.append(np.cumsum(counts[::-1])[::-1], 0) + self.above
        beyond = int(np.searchsorted(mated, self.high, side="right"))
        below = int(np.searchsorted(mated, self.low, side="left"))
        if int(reaching[0]) * m <= below * n:
            return Side.BELOW
        if self.above * m > beyond * n:
            return Side.ABOVE
        points = np.union1d(scores, mated[below:beyond])
        false_matches = np.append(reaching[np.searchsorted(scores, points)], self.above)
        false_nonmatches = np.append(np.searchsorted(mated, points, side="left"), beyond)
        return crossing_rate(false_matches, false_nonmatches, m, n)

    def take_over(self, other: Window) -> None:
        """Take in what a window that is at least as wide has seen; the other is used up."""
        other.trim(self.low, self.high)
        self.above += other.above
        self._merge(other._scores, other._counts)
        # What waits is trimmed when it is settled.
        self._waiting += other._waiting
        self._waiting_count += other._waiting_count

    def _settle(self) -> None:
        if self._waiting:
            scores, counts = np.unique(np.concatenate(self._waiting), return_counts=True)
            self._waiting, self._waiting_count = [], 0
            # Windows narrow while scores wait, so some of these may be outside by now.
            start = np.searchsorted(scores, self.low, side="left")
            stop = np.searchsorted(scores, self.high, side="right")
            self.above += int(counts[stop:].sum())
            self._merge(scores[start:stop], counts[start:stop].astype(np.int64))
        if len(self._scores) > self.capacity:
            self._narrow()

    def _merge(self, scores: Floats, counts: Ints) -> None:
        if not len(self._scores) or not len(scores):
            if len(scores):
                self._scores, self._counts = scores, counts
            return
        both, place = np.unique(np.concatenate([self._scores, scores]), return_inverse=True)
        total = np.zeros(len(both), np.int64)
        np.add.at(total, place, np.concatenate([self._counts, counts]))
        self._scores, self._counts = both, total

    def _narrow(self) -> None:
        """Keep the half nearest to the centre."""
        keep = self.capacity // 2
        middle = int(np.searchsorted(self._scores, self.centre))
        start = min(max(0, middle - keep // 2), len(self._scores) - keep)
        stop = start + keep
        self.trim(
            self._scores[start] if start else self.low,
            self._scores[stop - 1] if stop < len(self._scores) else self.high,
        )

    def trim(self, low: np.float32, high: np.float32) -> None:
        """Narrow the window to [low, high], both inside it; what is above joins the count."""
        start = np.searchsorted(self._scores, low, side="left")
        stop = np.searchsorted(self._scores, high, side="right")
        self.above += int(self._counts[stop:].sum())
        self._scores, self._counts = self._scores[start:stop], self._counts[start:stop]
        self.low, self.high = max(self.low, low), min(self.high, high)


def joined(windows: Sequence[Window]) -> Window:
    """Join windows that saw different scores; the ends are the narrowest of all."""
    low = max(window.low for window in windows)
    high = min(window.high for window in windows)
    whole = windows[0].empty_copy()
    whole.low, whole.high = low, high
    whole.capacity = sum(window.capacity for window in windows)
    for window in windows:
        whole.take_over(window)
    return whole
