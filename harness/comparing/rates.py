"""Error rates of one run under a draw of identities, exact and quick: most scores decide nothing.

Whatever the draw, the threshold at which a rate is read stays near that of all identities. So only
comparisons near it are looked at one by one; those above are counted by the pairs of identities
that they join. Where a draw leads further away, all comparisons are looked at. Of very many
comparisons draws follow from counts by identity, as the intervals of single runs do.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics import verification
from harness.metrics.reached import Reached
from harness.statistics.error_rates import (
    MarginDraws,
    Measure,
    ResampledComparisons,
    by_counts,
    in_blocks,
)
from harness.tasks.trials import Scores

Weights: TypeAlias = npt.NDArray[np.int64]
Numbers: TypeAlias = npt.NDArray[np.int64]

_REACH = 6.0
"""Standard errors around the threshold of all identities that are looked at one by one."""

_DENSE = 3000
"""Identities up to which the pairs of identities are kept as a matrix with all its zeros."""


class DrawnRate:
    """The metric of one run's comparisons, for one draw of identities after another.

    Parameters
    ----------
    scores
        The comparisons and what is read from them.
    identities
        Sorted labels of all identities that are drawn, of this run and of those beside it.
    """

    def __init__(self, scores: Scores, identities: npt.NDArray[Any]) -> None:
        self._trials, self._known = scores, identities
        mated, nonmated = np.asarray(scores.mated), np.asarray(scores.nonmated)
        self._by_margins: MarginDraws | None = None
        if by_counts(len(nonmated)):
            probe, reference = (
                np.searchsorted(identities, labels).astype(np.int32)
                for labels in (scores.nonmated_probes, scores.nonmated_references)
            )
            self._owner = np.searchsorted(identities, scores.mated_identities)
            self._mated, self._nonmated = mated, nonmated
            self._by_margins = MarginDraws(
                mated,
                self._owner,
                lambda: in_blocks(nonmated, probe, reference),
                reached := Reached.of(mated, [nonmated]),
                len(identities),
            )
            self.value = self._of_counts(reached)
            return
        self._by_mated, falling = np.argsort(mated), np.argsort(-nonmated, kind="stable")
        self._mated, self._nonmated = mated[self._by_mated], nonmated[falling]
        self._probe = np.searchsorted(identities, scores.nonmated_probes)[falling]
        self._reference = np.searchsorted(identities, scores.nonmated_references)[falling]
        self._owner = np.searchsorted(identities, scores.mated_identities)[self._by_mated]
        self.value = self.of_all(scores)
        self._above, self._end = self._window()
        if scores.measure in ("eer", "fnmr", "tpdr") and not math.isnan(self.value):
            self._prepare()

    @property
    def threshold(self) -> float:
        """Score that a comparison must exceed to match at the rate of all identities."""
        if self._trials.measure in ("fnmr", "tpdr"):
            return verification.score_to_exceed(self._nonmated, self._trials.rate)
        return verification.score_to_exceed(self._nonmated, min(1.0, max(0.0, self.value)))

    @property
    def misses(self) -> Weights:
        """Mated comparisons missed at the threshold, of each identity: int64, shape (known,)."""
        missed = (self._mated <= self.threshold).astype(np.int64)
        return np.bincount(self._owner, weights=missed, minlength=len(self._known)).astype(np.int64)

    @property
    def comparisons(self) -> int:
        """Number of mated comparisons."""
        return self._mated.size

    @property
    def owners(self) -> Numbers:
        """Numbers of the identities that have mated comparisons: int64, shape (n,), rising."""
        return np.unique(self._owner)

    def drawn(self, weights: Weights) -> npt.NDArray[np.float64]:
        """Return the metric of every draw.

        Parameters
        ----------
        weights
            How often each of the known identities counts: int64, shape (draws, known).

        Returns
        -------
        numpy.ndarray
            float64, shape (draws,); NaN for a draw without a mated or non-mated comparison.
        """
        if self._by_margins is not None:
            found = self._by_margins.drawn(self._read, weights)
            return 1.0 - found if self._trials.measure == "tpdr" else found
        if self._trials.measure not in ("eer", "fnmr", "tpdr") or math.isnan(self.value):
            return self._slowly(weights)
        total, above = self._all.weights(weights), self._head.weights(weights)
        return np.array(
            [
                self._drawn(*draw)
                for draw in zip(weights, total.tolist(), above.tolist(), strict=True)
            ]
        )

    @property
    def _read(self) -> Measure:
        name = self._trials.measure
        return Measure("fnmr" if name == "tpdr" else name, self._trials.rate)

    def _drawn(self, weights: Weights, n: int, above: int) -> float:
        mated = np.append(0, np.cumsum(weights[self._owner]))
        m = int(mated[-1])
        if not m or not n:
            return math.nan
        # The second factor within one identity is a constant 1, as everywhere.
        extended = np.append(weights, 1)
        within = above + np.cumsum(extended[self._near_probe] * extended[self._near_reference])
        read = self._eer if self._trials.measure == "eer" else self._fnmr
        found = read(mated, within, above, m, n)
        return float(self._slowly(weights[np.newaxis])[0]) if found is None else found

    @staticmethod
    def of_all(scores: Scores) -> float:
        """Return the metric of all comparisons."""
        if scores.measure in ("fnmr", "tpdr"):
            found = verification.fnmr_at_fmr(scores.mated, scores.nonmated, scores.rate)
            return 1.0 - found if scores.measure == "tpdr" else found
        measures = {
            "eer": verification.eer,
            "eer-convex-hull": verification.eer_convex_hull,
            "auc": verification.auc,
            "d-prime": verification.d_prime,
        }
        return float(measures[scores.measure](scores.mated, scores.nonmated))

    def _of_counts(self, reached: Reached) -> float:
        name, rate = self._read
        if name == "d-prime":
            return verification.d_prime(self._mated, self._nonmated)
        if name != "fnmr":
            return float(getattr(reached, name.replace("-", "_"))())
        found = reached.fnmr_at_fmr(rate)
        return 1.0 - found if self._trials.measure == "tpdr" else found

    def _window(self) -> tuple[int, int]:
        """Return the places, by falling score, between which the threshold most probably lies."""
        centre = self.value if self._trials.measure == "eer" else self._trials.rate
        if math.isnan(centre):
            return 0, 0
        n, identities = self._nonmated.size, len(self._known)
        reach = _REACH * math.sqrt(max(centre * (1 - centre), 1 / identities) / identities)
        low = 0 if self._trials.measure != "eer" else max(0, int((centre - reach) * n) - 100)
        return low, min(n, int((centre + reach) * n) + 100)

    def _prepare(self) -> None:
        head, window = slice(0, self._above), slice(self._above, self._end)
        self._all = _Pairs(self._probe, self._reference, len(self._known))
        self._head = _Pairs(self._probe[head], self._reference[head], len(self._known))
        self._near_probe, other = self._probe[window], self._reference[window]
        self._near_reference = np.where(other == self._near_probe, len(self._known), other)
        near = self._nonmated[window]
        self._refused = np.searchsorted(self._mated, near, side="right")
        if self._trials.measure != "eer":
            return
        points = np.unique(np.concatenate([near, self._mated]))
        points = points[np.isfinite(points)]
        reaching = np.searchsorted(-self._nonmated, -points, side="right")
        inside = (reaching >= self._above) & (reaching <= self._end)
        # Falling thresholds would do as well; these rise, as those of an error curve do.
        self._reaching = reaching[inside] - self._above
        self._missed = np.searchsorted(self._mated, points[inside], side="left")

    def _fnmr(self, mated: Weights, within: Weights, above: int, m: int, n: int) -> float | None:
        allowed = verification.errors_allowed(n, self._trials.rate)
        place = int(np.searchsorted(within, allowed, side="right"))
        if place == within.size:
            return None
        missed = int(mated[self._refused[place]]) / m
        return 1.0 - missed if self._trials.measure == "tpdr" else missed

    def _eer(self, mated: Weights, within: Weights, above: int, m: int, n: int) -> float | None:
        false_matches = np.append(above, within)[self._reaching]
        false_nonmatches = mated[self._missed]
        excess = false_matches * m - false_nonmatches * n
        # Between these two points the sign turns, or the crossing lies outside the window.
        after = int(np.argmax(excess <= 0)) if excess.size else 0
        if after == 0:
            return None
        ends = slice(after - 1, after + 1)
        return verification.crossing_rate(false_matches[ends], false_nonmatches[ends], m, n)

    @cached_property
    def _full(self) -> tuple[ResampledComparisons, Numbers]:
        given = self._trials
        labels = (given.mated_identities, given.nonmated_probes, given.nonmated_references)
        used = np.unique(np.concatenate([np.searchsorted(self._known, part) for part in labels]))
        return ResampledComparisons(given.mated, labels[0], given.nonmated, *labels[1:]), used

    def _slowly(self, weights: Weights) -> npt.NDArray[np.float64]:
        full, used = self._full
        found = full.drawn([self._read], weights[:, used])[:, 0]
        return 1.0 - found if self._trials.measure == "tpdr" else found


class _Pairs:
    """How many comparisons join which identities: their weight in a draw is one product."""

    def __init__(self, probe: Numbers, reference: Numbers, identities: int) -> None:
        from scipy.sparse import coo_array

        same = probe == reference
        self._empty = not probe.size
        self._within = np.bincount(probe[same], minlength=identities).astype(np.float64)
        counts = np.ones(int(np.count_nonzero(~same)))
        places = (probe[~same], reference[~same])
        between = coo_array((counts, places), shape=(identities, identities))
        self._between = between.toarray() if identities <= _DENSE else between.tocsr()

    def weights(self, drawn: Weights) -> Weights:
        """Return the weight of all comparisons in every draw: int64, shape (draws,)."""
        if self._empty:
            return np.zeros(len(drawn), np.int64)
        # Sums of whole numbers below 2 ** 53: nothing is rounded.
        one = drawn.astype(np.float64)
        both = (one * (self._between @ one.T).T).sum(axis=1)
        found: Weights = (both + one @ self._within).astype(np.int64)
        return found
