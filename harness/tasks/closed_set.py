"""Closed set by AIGTatt's procedure: one reference and one probe of every identity, drawn anew.

Every draw is a search of its own; searches of all draws are pooled, which is the mean over draws
where all of them have the same size. An identity comes back in every draw, so intervals resample
identities; and so do comparisons, so the band of chance is simulated, each comparison with one
random score in all draws.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import numpy.typing as npt

from harness.data.records import Dataset, Fold
from harness.statistics.chance import random_hits, widened_band
from harness.tasks.answers import Answered
from harness.tasks.clusters import identities_of
from harness.tasks.drawing import closed_set_folds, draws_of, places_of
from harness.tasks.identification import Identification
from harness.tasks.protocol import Protocol
from harness.tasks.results import FoldMetrics
from harness.tasks.searches import FoldSearches, PooledSearches, searches_of
from harness.tasks.task import training_images


class ClosedSet(Identification):
    """Identification in draws: an answer has shape (probes, references) of all draws of a fold."""

    drawn = True
    streams = False
    lists_mates = False

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return folds that share no identity, each with its draws.

        Raises
        ------
        DataError
            If there is too little to draw.
        """
        return closed_set_folds(dataset, protocol)

    def parts(self, run: Answered) -> list[FoldSearches]:
        """Return the searches of every draw, with identities as they are over all draws."""
        return searches_of(draws_of(run.by_fold), run.records, identities_of(run.folds))

    def whole(self, parts: Sequence[FoldSearches], run: Answered) -> PooledSearches:
        """Return the searches of all draws."""
        protocol = run.protocol
        asked = [int(metric["rank"]) for metric in protocol.metric_ids if metric.name == "hit-rate"]
        return _Drawn(parts, run.folds, max([protocol.ranks, *asked]))

    def counts(
        self, whole: PooledSearches, per_fold: Sequence[FoldMetrics], folds: Sequence[Fold]
    ) -> dict[str, int]:
        """Return the sums over all draws, and how many draws there are."""
        counts = super().counts(whole, per_fold, folds)
        return {**counts, "draws": len(per_fold), **training_images(folds)}


class _Drawn(PooledSearches):
    """Searches of several draws, which share comparisons."""

    shared = True

    def __init__(self, parts: Sequence[FoldSearches], folds: Sequence[Fold], deepest: int) -> None:
        super().__init__(parts)
        self._folds = folds
        # Beyond the end of the gallery every search hits, and nothing varies.
        self._deepest = min(deepest, max(1, int(self.gallery.max(initial=1))))

    @cached_property
    def _random_hits(self) -> npt.NDArray[np.float64]:
        return random_hits(places_of(self._folds), self._deepest)

    def band(self, rank: int, chances: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Return where 95 of 100 random hit rates at a rank lie, in the same draws."""
        hits = self._random_hits
        return widened_band(chances, hits[:, min(rank, hits.shape[1]) - 1])


TASK = ClosedSet()
