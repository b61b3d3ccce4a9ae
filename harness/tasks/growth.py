"""Growth of a run: its rates in smaller galleries, drawn at random from those that were searched.

See `harness.metrics.growth`. A rate that is read at a threshold is read at the same one in every
size, the one that the whole galleries give.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.errors import UsageError, some
from harness.metrics import growth
from harness.metrics.identification import NO_MATE, chance_hit
from harness.statistics.bootstrap import share_intervals
from harness.statistics.estimate import Estimate
from harness.tasks.intervals import set_interval
from harness.tasks.searches import FoldSearches
from harness.tasks.task import OperatingPoint

__all__ = ["Growth", "GrowthCurve", "GrowthPoint", "growth_of"]

Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


CERTAIN = "certain"
"""Flag of a hit rate in a gallery of which every reference is within the rank."""


class GrowthPoint(msgspec.Struct):
    """A rate in galleries of one size.

    Parameters
    ----------
    size
        References; None for the galleries as they were searched, where these differ in size.
    estimate
        The rate, with interval and chance.
    """

    size: int | None
    estimate: Estimate


class GrowthCurve(msgspec.Struct):
    """A rate by the size of the gallery.

    Parameters
    ----------
    rate
        ``hit-rate``, ``fnir`` or ``fpir``.
    point
        Rank and threshold at which it is read.
    points
        By rising size.
    """

    rate: str
    point: OperatingPoint
    points: list[GrowthPoint]


class Growth(msgspec.Struct):
    """How the rates of a run depend on the size of its galleries.

    Parameters
    ----------
    smallest, largest
        References that a search was made among.
    mated, nonmated
        Searches with a mate, and without.
    curves
        The rates.
    notes
        What could not be had.
    """

    smallest: int
    largest: int
    mated: int
    nonmated: int
    curves: list[GrowthCurve]
    notes: list[str] = []


def growth_of(
    parts: Sequence[FoldSearches],
    points: Sequence[OperatingPoint],
    sizes: Sequence[int] = (),
    *,
    dense: bool = False,
) -> Growth:
    """Return the rates of searches in galleries of several sizes.

    Parameters
    ----------
    parts
        The searches of folds or draws.
    points
        Ranks, each with a threshold where scores below it are no candidates: then FNIR takes the
        place of the hit rate, and FPIR stands beside it where there are searches without a mate.
    sizes
        Of galleries; 1, 2, 5, 10 and so on unless given. The whole gallery is always the last.
    dense
        Whether there are as many round sizes as a line needs to look like the curve it is.

    Raises
    ------
    UsageError
        If no search has a mate, or a size is beyond the galleries or below the mates of a search.
    """
    every = _Sums(parts)
    if not every.mated.any():
        raise UsageError("no search has a mate, so nothing is known of finding one among fewer")
    least, smallest = every.least, int(every.gallery.min())
    largest = int(every.gallery.max())
    for size in sizes:
        if size > smallest:
            raise UsageError(
                f"--size {size:,}: searches were made among {smallest:,}"
                + (f" to {largest:,}" if largest > smallest else "")
                + " references, and what more of them would do is not known from these"
            )
        if size < least:
            raise UsageError(
                f"--size {size:,}: a search has {some(least, 'mate')}, which stay in its gallery"
            )
    # A fold may have too few references for all mates of a search in another one.
    own = [smallest] if smallest >= least else []
    round_ones = _round_sizes(least, smallest, _DENSE if dense else _FEW)
    wanted = sorted({*(sizes or round_ones), *own})
    every_size: list[int | None] = [*wanted, *([None] if largest > smallest else [])]
    curves = [curve for point in points for curve in every.curves(point, every_size)]
    mated = int(np.count_nonzero(every.mated))
    return Growth(smallest, largest, mated, len(every.mated) - mated, curves, every.notes)


_FEW, _DENSE = (1, 2, 5), (1, 1.2, 1.5, 2, 2.5, 3, 4, 5, 6, 8)


def _round_sizes(least: int, most: int, steps_of: Sequence[float]) -> list[int]:
    """Return 1, 2, 5, 10, 20 and so on between two sizes.

    >>> _round_sizes(2, 60, _FEW)
    [2, 5, 10, 20, 50]
    """
    steps = [int(m * 10**e) for e in range(len(str(most))) for m in steps_of]
    return [step for step in steps if least <= step <= most]


class _Sums:
    """What a search comes to, of all parts."""

    def __init__(self, parts: Sequence[FoldSearches]) -> None:
        self.parts, self.notes = parts, list[str]()
        self.ranks: Ints = np.concatenate([np.asarray(p.ranks, np.int64) for p in parts])
        self.mates: Ints = np.concatenate([np.asarray(p.mates, np.int64) for p in parts])
        self.gallery: Ints = np.concatenate([np.asarray(p.gallery, np.int64) for p in parts])
        self.mated = self.ranks != NO_MATE
        whose = np.concatenate([part.probe_clusters for part in parts])
        self.clusters: Ints = np.unique(whose, return_inverse=True)[1].astype(np.int64)

    @property
    def least(self) -> int:
        """References that every search with a mate needs for its mates alone."""
        return int(self.mates[self.mated].max())

    def curves(self, point: OperatingPoint, sizes: Sequence[int | None]) -> Iterator[GrowthCurve]:
        if point.threshold is None:
            hits, chances = self._hits(point.rank, sizes), self._chances(point.rank, sizes)
            yield self._curve("hit-rate", point, sizes, hits, self.mated, chances)
            return
        best = np.concatenate([part.best_mates() for part in self.parts])
        reached = best[self.mated] >= point.threshold
        missed = 1.0 - self._hits(point.rank, sizes) * reached[:, np.newaxis]
        yield self._curve("fnir", point, sizes, missed, self.mated)
        if self.mated.all():
            return
        returned = [part.returned(point.threshold) for part in self.parts]
        known = [one for one in returned if one is not None]
        if len(known) < len(returned):
            self.notes.append(
                f"no FPIR at scores from {point.threshold:.4g}: more references score so than the "
                "candidate lists hold, and no other scores were kept"
            )
            return
        shares = self._positives(np.concatenate(known)[~self.mated], sizes)
        yield self._curve("fpir", point, sizes, shares, ~self.mated)

    def _hits(self, rank: int, sizes: Sequence[int | None]) -> Doubles:
        """Return how often each search with a mate hits: shape (searches, sizes)."""
        rows = np.stack([self.ranks, self.mates, self.gallery])[:, self.mated]
        # Many searches are alike in these three numbers.
        kinds, kind = np.unique(rows, axis=1, return_inverse=True)
        shares = [
            (kinds[0] <= rank).astype(np.float64)
            if size is None
            else growth.hit_shares(kinds[0], kinds[1], kinds[2], size, rank)
            for size in sizes
        ]
        return np.stack(shares, axis=1)[kind.reshape(-1)]

    def _chances(self, rank: int, sizes: Sequence[int | None]) -> list[float]:
        mates, gallery = self.mates[self.mated], self.gallery[self.mated]
        return [
            float(
                chance_hit(mates, gallery if n is None else np.full_like(gallery, n), rank).mean()
            )
            for n in sizes
        ]

    def _positives(self, above: Ints, sizes: Sequence[int | None]) -> Doubles:
        """Return how often each search without a mate returns anything: (searches, sizes)."""
        gallery = self.gallery[~self.mated]
        shares = [
            (above > 0).astype(np.float64)
            if size is None
            else growth.positive_shares(above, gallery, size)
            for size in sizes
        ]
        return np.stack(shares, axis=1)

    def _curve(
        self,
        rate: str,
        point: OperatingPoint,
        sizes: Sequence[int | None],
        shares: Doubles,
        rows: npt.NDArray[np.bool_],
        chances: Sequence[float | None] = (),
    ) -> GrowthCurve:
        clusters = self.clusters[rows]
        identities = len(np.unique(clusters))
        found = []
        chances = chances or [None] * len(sizes)
        intervals = share_intervals(shares, clusters)
        for size, column, interval, chance in zip(sizes, shares.T, intervals, chances, strict=True):
            estimate = Estimate(float(column.mean()), n=len(column), chance=chance)
            listed = rate == "hit-rate" and size is not None and point.rank >= size
            if listed and column.min() == 1.0:
                # As many are listed as there are references: nothing is estimated.
                estimate.flags.append(CERTAIN)
            else:
                set_interval(estimate, interval, identities)
            found.append(GrowthPoint(size, estimate))
        return GrowthCurve(rate, point, found)
