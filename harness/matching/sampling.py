"""A sample of non-mated scores: it says where the windows of a stream should stand.

Every block of probes is scored against references drawn for it, so that all probes take part. How
far the sample may be off is judged by how references differ within each block: comparisons with
one reference are alike, and an error that ignored this would be too small. A bad guess costs
another pass over the scores, never a wrong number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.tiles import LOWEST

Floats: TypeAlias = npt.NDArray[np.float32]
Ends: TypeAlias = tuple[float, float]
"""Low and high end of a window."""

Place: TypeAlias = tuple[float, float, float]
"""The ends of a window and its centre."""

_ANYWHERE: Ends = (float(LOWEST), float("inf"))

WIDTH = 6.0
"""Half the width of a window, in standard errors of the sample."""


class Sample:
    """Scores drawn for the blocks of probes.

    Parameters
    ----------
    blocks
        float32, each of shape (probes, references drawn); mated cells are ``-inf`` and left out.
    """

    def __init__(self, blocks: Sequence[Floats]) -> None:
        self._blocks = blocks
        self.scores: Floats = np.sort(np.concatenate([block[block >= LOWEST] for block in blocks]))[
            ::-1
        ]
        """All scores drawn, falling."""

    def window_at_rate(self, rate: float) -> Ends:
        """Return a window that should hold the score above which a share of all scores lie.

        Parameters
        ----------
        rate
            The share, in [0, 1].
        """
        size = len(self.scores)
        if not size:
            return _ANYWHERE
        centre = self.scores[min(int(rate * size), size - 1)]
        width = WIDTH * (self._error(centre) + 1 / size)
        return self._low(rate + width), self._high(rate - width)

    def window_at_crossing(self, mated: Floats) -> Ends:
        """Return a window that should hold the threshold where FMR and FNMR are equal.

        Parameters
        ----------
        mated
            Scores, float32, shape (mated comparisons,), rising, ``-inf`` for failures; at least
            one.
        """
        size = len(self.scores)
        if not size:
            return _ANYWHERE
        excess = np.arange(1, size + 1) / size
        excess -= np.searchsorted(mated, self.scores, side="left") / len(mated)
        middle = min(int(np.searchsorted(excess, 0.0)), size - 1)
        centre = self.scores[middle]
        width = WIDTH * (self._error(centre) + 1 / size)
        # Both rates are moved: FMR is uncertain, and FNMR says how far that shifts the crossing.
        low = np.searchsorted(excess, width) / size + WIDTH / size
        high = np.searchsorted(excess, -width) / size - WIDTH / size
        return self._low(low), self._high(high)

    def between(self, low: np.float32, high: np.float32) -> Floats:
        """Return the scores drawn from `low` to `high`, falling: float32, shape (scores,)."""
        size = len(self.scores)
        first = size - np.searchsorted(self.scores[::-1], high, side="right")
        last = size - np.searchsorted(self.scores[::-1], low, side="left")
        return self.scores[first:last]

    def span(self) -> tuple[float, float]:
        """Return the lowest and the highest score drawn, or of all that there could be."""
        if not len(self.scores):
            return -1.0, 1.0
        return float(self.scores[-1]), float(self.scores[0])

    def _low(self, rate: float) -> float:
        place = int(np.ceil(rate * len(self.scores)))
        return float(self.scores[place]) if place < len(self.scores) else float(LOWEST)

    def _high(self, rate: float) -> float:
        place = int(rate * len(self.scores)) - 1
        return float(self.scores[place]) if place >= 0 else float("inf")

    def _error(self, threshold: np.float32) -> float:
        """Return the standard error of the share of scores at or above a threshold."""
        total = sum(block.size for block in self._blocks)
        variance = 0.0
        for block in self._blocks:
            shares = (block >= threshold).mean(axis=0)
            if len(shares) > 1:
                variance += (block.size / total) ** 2 * float(shares.var(ddof=1)) / len(shares)
        return float(np.sqrt(variance))
