"""Workload of a run's searches: what is viewed for each mate found, and how long lists must be.

See `harness.metrics.workload`. Lists that end before their gallery does tell nothing of what lies
beyond them, and nothing is said of it.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.metrics import workload
from harness.metrics.identification import MISS, NO_MATE
from harness.statistics.bootstrap import (
    choose_interval,
    cluster_bootstrap_mean,
    cluster_bootstrap_together,
)
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import Interval, clopper_pearson
from harness.tasks.answers import finite
from harness.tasks.intervals import NONE, set_interval
from harness.tasks.searches import FoldSearches
from harness.tasks.task import OperatingPoint

__all__ = ["MOST_OF_THEM", "AtThreshold", "OfLength", "Reach", "Workload", "workload_of"]

Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]

MOST_OF_THEM = 0.95
"""Share of the mates that a list should hold."""

_FEW, _STEPS = 20, (1, 1.5, 2, 3, 4, 5, 6, 8)


class OfLength(msgspec.Struct):
    """What lists of one length cost.

    Parameters
    ----------
    length
        Of the lists.
    viewed
        Candidates that are viewed in a search with a mate, on average; chance is a random ranking.
    per_hit
        The same for each mate that is found; None where none is.
    found
        Share of the searches with a mate that end at one.
    """

    length: int
    viewed: Estimate
    per_hit: Estimate
    found: Estimate


class Reach(msgspec.Struct):
    """How long lists must be to hold a share of the mates.

    Parameters
    ----------
    share
        Of all searches with a mate; None for every mate that is found at all.
    length
        Of the lists; its value is None where no list is long enough.
    saved
        Share of the comparisons that nobody has to look at; None without a length.
    beyond
        Of every mate that is found at all: share of further searches whose mate may stand beyond.
    """

    share: float | None
    length: Estimate
    saved: float | None
    beyond: float | None = None


class AtThreshold(msgspec.Struct):
    """Candidates that a threshold lets through.

    Parameters
    ----------
    point
        Rank and threshold.
    mated, nonmated
        Candidates of each search with a mate, and without, on average; None without such.
    """

    point: OperatingPoint
    mated: Estimate | None
    nonmated: Estimate | None


class Workload(msgspec.Struct):
    """What an examiner has to look at.

    Parameters
    ----------
    searches
        With a mate.
    identities
        Of their probes.
    unfound
        Searches whose mate could not be compared, or lies beyond the end of its list.
    gallery
        References searched, on average.
    lengths
        Lists of several lengths, by rising length.
    reaches
        For `MOST_OF_THEM` of the mates, and for every one that is found at all.
    thresholds
        Where candidates are those above a threshold.
    depth
        Where lists end; None where all references are ranked.
    notes
        What could not be had.
    """

    searches: int
    identities: int
    unfound: int
    gallery: float
    lengths: list[OfLength]
    reaches: list[Reach]
    thresholds: list[AtThreshold] = []
    depth: int | None = None
    notes: list[str] = []


def workload_of(
    parts: Sequence[FoldSearches],
    points: Sequence[OperatingPoint] = (),
    *,
    depth: int | None = None,
    lengths: Sequence[int] = (),
) -> Workload | None:
    """Return what a run's searches cost; None where none has a mate.

    Parameters
    ----------
    parts
        The searches of folds or draws.
    points
        Those with a threshold are counted above it.
    depth
        Rank at which lists end; a mate beyond it was not found.
    lengths
        Of lists; round ones unless given.
    """
    ranks: Ints = np.concatenate([np.asarray(part.ranks, np.int64) for part in parts])
    mates: Ints = np.concatenate([np.asarray(part.mates, np.int64) for part in parts])
    gallery: Ints = np.concatenate([np.asarray(part.gallery, np.int64) for part in parts])
    whose = np.concatenate([part.probe_clusters for part in parts])
    clusters: Ints = np.unique(whose, return_inverse=True)[1].astype(np.int64)
    mated = ranks != NO_MATE
    if not mated.any():
        return None
    own = _Searches(ranks[mated], mates[mated], gallery[mated], clusters[mated])
    if depth is not None:
        own.ranks[own.ranks > depth] = MISS
    longest = min(int(own.gallery.max()), depth or int(own.gallery.max()))
    asked = [length for length in lengths if 1 <= length <= longest] or _round_lengths(longest)
    found = Workload(
        len(own.ranks),
        len(np.unique(own.clusters)),
        int(np.count_nonzero(own.ranks == MISS)),
        float(own.gallery.mean()),
        [own.of_length(length) for length in asked],
        [own.reach(MOST_OF_THEM), own.whole_reach()],
        depth=depth,
    )
    for point in points:
        if point.threshold is not None and point.threshold not in [
            one.point.threshold for one in found.thresholds
        ]:
            _add_threshold(found, parts, point, mated, clusters)
    return found


def _round_lengths(longest: int) -> list[int]:
    """Return every length up to `_FEW`, round ones beyond, and the longest.

    >>> _round_lengths(120)[-10:]
    [18, 19, 20, 30, 40, 50, 60, 80, 100, 120]
    """
    steps = [int(step * 10**power) for power in range(1, len(str(longest))) for step in _STEPS]
    every = [*range(1, min(longest, _FEW)), *(step for step in steps if _FEW <= step < longest)]
    return [*every, longest]


class _Searches:
    """Searches with a mate: int64, shape (searches,) each."""

    def __init__(self, ranks: Ints, mates: Ints, gallery: Ints, clusters: Ints) -> None:
        self.ranks, self.mates, self.gallery = ranks.copy(), mates, gallery
        self.clusters = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
        self.identities = int(self.clusters.max()) + 1

    def of_length(self, length: int) -> OfLength:
        viewed = workload.viewed(self.ranks, self.gallery, length)
        hits = (self.ranks <= length).astype(np.float64)
        cost = Estimate(finite(viewed.mean()), n=len(viewed))
        set_interval(
            cost, cluster_bootstrap_mean(viewed, self.clusters), self.identities, share=False
        )
        cost.chance = finite(workload.chance_viewed(self.mates, self.gallery, length).mean())
        found = Estimate(finite(hits.mean()), n=len(hits))
        set_interval(found, choose_interval(hits, self.clusters), self.identities)
        each = Estimate(
            finite(workload.viewed_per_hit(self.ranks, self.gallery, length)), n=int(hits.sum())
        )
        set_interval(each, self._ratio(viewed, hits), self.identities, share=False)
        return OfLength(length, cost, each, found)

    def _ratio(self, viewed: Doubles, hits: Doubles) -> Interval:
        """Return the interval of one sum over another, from the same draws."""
        top = np.bincount(self.clusters, viewed, self.identities)
        below = np.bincount(self.clusters, hits, self.identities)

        def ratios(weights: Ints) -> Doubles:
            drawn = weights.astype(np.float64)
            seen, found = drawn @ top, drawn @ below
            each = np.full(len(drawn), np.nan)
            np.divide(seen, found, out=each, where=found > 0)
            return each[:, np.newaxis]

        (interval,) = cluster_bootstrap_together(
            ratios, self.identities, corrected=True, replicates=2000
        )
        return interval

    def reach(self, share: float) -> Reach:
        """Return the shortest lists that hold a share of the mates.

        Its interval has the lengths at which the interval of the hit rate holds the share
        (Woodruff, JASA 47, 1952).
        """
        length = workload.list_length(self.ranks, share)
        estimate = Estimate(finite(length) if length is not None else None, n=len(self.ranks))
        if length is None:
            return Reach(share, estimate, None)
        ends = sorted({int(rank) for rank in self.ranks if rank != MISS})
        low = _first(ends, lambda rank: self._hit_interval(rank).high >= share)
        high = _first(ends, lambda rank: self._hit_interval(rank).low >= share)
        if high is None and self.ranks.max() < MISS:
            high = int(self.gallery.max())  # no list is longer, and each mate is in one
        if low is not None and high is not None:
            estimate.low, estimate.high = float(low), float(high)
            estimate.method = "lengths at which the interval of the hit rate holds the share"
        else:
            estimate.flags.append(f"{NONE}so few mates are found that no list may be long enough")
        return Reach(share, estimate, workload.saved(self.gallery, length))

    def _hit_interval(self, rank: int) -> Interval:
        return choose_interval((self.ranks <= rank).astype(np.float64), self.clusters)

    def whole_reach(self) -> Reach:
        """Return the length at which every mate that is found at all has been found."""
        known = self.ranks[self.ranks != MISS]
        if not len(known):
            return Reach(None, Estimate(None), None)
        length = int(known.max())
        estimate = Estimate(float(length), n=len(known))
        estimate.flags.append(
            f"{NONE}of the highest rank of a sample, none is known that covers; the next search "
            "may go beyond it"
        )
        identities = len(np.unique(self.clusters[self.ranks != MISS]))
        beyond = clopper_pearson(0, identities).high
        return Reach(None, estimate, workload.saved(self.gallery, length), beyond)


def _first(lengths: Sequence[int], holds: Callable[[int], bool]) -> int | None:
    """Return the first length of which something holds that holds of longer ones as well."""
    place = bisect_left(lengths, True, key=holds)
    return lengths[place] if place < len(lengths) else None


def _add_threshold(
    found: Workload,
    parts: Sequence[FoldSearches],
    point: OperatingPoint,
    mated: npt.NDArray[np.bool_],
    clusters: Ints,
) -> None:
    """Count the candidates at or above a threshold, or note why they are not known."""
    returned = [part.returned(float(point.threshold or 0.0)) for part in parts]
    known = [one for one in returned if one is not None]
    if len(known) < len(returned):
        found.notes.append(
            f"candidates at scores from {point.threshold:.4g} are not known: there are more than "
            "the lists hold, and no other scores were kept"
        )
        return
    counts = np.concatenate(known).astype(np.float64)
    both: list[Estimate | None] = []
    for chosen in (mated, ~mated):
        if not chosen.any():
            both.append(None)
            continue
        estimate = Estimate(float(counts[chosen].mean()), n=int(chosen.sum()))
        interval = cluster_bootstrap_mean(counts[chosen], clusters[chosen])
        set_interval(estimate, interval, len(np.unique(clusters[chosen])), share=False)
        both.append(estimate)
    found.thresholds.append(AtThreshold(point, *both))
