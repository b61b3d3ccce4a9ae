"""Which entries of a board the data cannot tell apart, from paired searches.

The rule: entries are taken from the best down. An entry joins the group that is open when the 95 %
interval of its paired difference from that group's best entry holds zero; otherwise it opens the
next group. So every entry of a group is compared with one and the same entry, and belonging to a
group is transitive by construction. It does not follow that two entries of different groups can be
told apart, nor that two of one group cannot.

Differences are taken over the searches that both entries have, and identities are drawn with
replacement, since the searches of one identity are not independent. An entry of several fits stands
with their mean, and the interval is widened by what other fits would change; one fit of an
algorithm that learns hides that.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.boards.reading import Entry, EvidenceNote
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import cluster_bootstrap, cluster_bootstrap_mean
from harness.statistics.intervals import Interval
from harness.statistics.repeated_fits import identity_shares, over_fits
from harness.statistics.two_way import mean_squares

if TYPE_CHECKING:
    from harness.statistics.bootstrap import Weights

REPLICATES = 1000
LEVEL = 0.95
_BATCH = 48
"""Entries compared with one leader at once: most of them fall into its group or soon after."""


@dataclass(frozen=True, eq=False)
class Outcomes:
    """The headline of an entry, search by search.

    Parameters
    ----------
    keys
        Fold and probe of every search, sorted.
    identities
        Of every search.
    values
        float64, shape (searches,); NaN where a search has no value. Of several fits their mean.
    fits
        float64, shape (fits, searches), of several fits; otherwise None.
    """

    keys: tuple[tuple[str, str], ...]
    identities: tuple[str, ...]
    values: npt.NDArray[np.float64]
    fits: npt.NDArray[np.float64] | None = None


def outcomes_of(entry: Entry) -> Outcomes | None:
    """Return the headline search by search, or None where it is no mean over searches.

    Whatever the searches say, their mean must be the headline that the run tells.
    """
    if len(entry.results) > 1:
        return _of_fits([outcomes_of(fit) for fit in entry.results])
    headline = entry.metrics.pooled[entry.metrics.headline].value
    searches = sorted(entry.searches, key=lambda s: (s.fold, s.probe))
    if headline is None or not searches:
        return None
    values = _values(searches, entry.metrics.headline)
    if values is None or np.isnan(values).all():
        return None
    if not math.isclose(float(np.nanmean(values)), headline, rel_tol=1e-9, abs_tol=1e-12):
        return None
    return Outcomes(
        tuple((s.fold, s.probe) for s in searches),
        tuple(s.identity or f"\0{s.probe}" for s in searches),
        values,
    )


def _of_fits(fits: Sequence[Outcomes | None]) -> Outcomes | None:
    first = fits[0]
    if first is None or any(one is None or one.keys != first.keys for one in fits):
        return None
    values = np.stack([one.values for one in fits if one is not None])
    return Outcomes(first.keys, first.identities, values.mean(axis=0), values)


def _values(searches: Sequence[EvidenceNote], headline: str) -> npt.NDArray[np.float64] | None:
    if any(headline in s.values for s in searches):
        return _numbers([s.values.get(headline) for s in searches])
    try:
        metric = Metric.parse(headline)
    except ValueError:
        return None
    if metric.name == "hit-rate" and metric.options:
        rank = metric["rank"]
        if isinstance(rank, str):
            return None
        return _numbers(
            [(s.rank is not None and s.rank <= rank) if s.mates else None for s in searches]
        )
    if metric.name == "map":
        return _numbers([s.average_precision for s in searches])
    if metric.name == "accuracy":
        return _numbers([s.correct for s in searches])
    return None


def _numbers(values: Sequence[float | None]) -> npt.NDArray[np.float64]:
    return np.array([math.nan if v is None else float(v) for v in values], dtype=np.float64)


def group(ordered: Sequence[Outcomes | None]) -> list[int | None]:
    """Return the number of each entry's group, counted from 1.

    Parameters
    ----------
    ordered
        From the best entry down; None where an entry cannot be compared search by search, which
        leaves it without a group.

    Examples
    --------
    >>> searches = tuple(("1", f"p{i}") for i in range(40))
    >>> def made(hits):
    ...     values = np.r_[np.ones(hits), np.zeros(40 - hits)]
    ...     return Outcomes(searches, tuple(p for _, p in searches), values)
    >>> group([made(36), made(35), made(8)])
    [1, 1, 2]
    """
    found: list[int | None] = [None] * len(ordered)
    known = {i: outcome for i, outcome in enumerate(ordered) if outcome is not None}
    left = list(known)
    number = 0
    while left:
        number += 1
        leader = left.pop(0)
        found[leader] = number
        while left:
            batch = left[:_BATCH]
            apart = _apart([known[i] for i in batch], known[leader])
            joined = apart.index(True) if True in apart else len(batch)
            for i in batch[:joined]:
                found[i] = number
            del left[:joined]
            if joined < len(batch):
                break
    return found


def _apart(others: Sequence[Outcomes], leader: Outcomes) -> list[bool]:
    """Say of each entry whether its paired difference from the leader lies apart from zero."""
    together = [o for o in others if o.keys == leader.keys and not np.isnan(o.values).any()]
    if len(together) < len(others) or np.isnan(leader.values).any():
        return [_apart_from(other, leader) for other in others]
    members, member = np.unique(np.array(leader.identities), return_inverse=True)
    counts = np.bincount(member)
    differences = np.stack([other.values - leader.values for other in others], axis=1)
    sums = np.zeros((len(members), len(others)))
    np.add.at(sums, member, differences)

    def means(drawn: Weights) -> list[float]:
        found: list[float] = ((drawn @ sums) / (drawn @ counts)).tolist()
        return found

    intervals = cluster_bootstrap(means, len(members), replicates=REPLICATES)
    return [
        _leaves_out_zero(interval, float(gap), member, (other, leader))
        for interval, gap, other in zip(intervals, differences.mean(axis=0), others, strict=True)
    ]


def _leaves_out_zero(
    interval: Interval, gap: float, member: npt.NDArray[np.intp], parties: Sequence[Outcomes]
) -> bool:
    """Say whether an interval lies apart from zero, once it holds what other fits would change."""
    fitted = [
        mean_squares(identity_shares(one.fits, member)) for one in parties if one.fits is not None
    ]
    if fitted:
        interval = over_fits(interval, gap, int(member.max()) + 1, fitted, LEVEL)
    return interval.low > 0 or interval.high < 0


def _apart_from(other: Outcomes, leader: Outcomes) -> bool:
    """Compare over the searches that both have, and that have a value in both."""
    place = {key: i for i, key in enumerate(other.keys)}
    common = [(i, place[key]) for i, key in enumerate(leader.keys) if key in place]
    if not common:
        return True
    ours, theirs = (list(column) for column in zip(*common, strict=True))
    differences = other.values[theirs] - leader.values[ours]
    _, member = np.unique(np.array([leader.identities[i] for i in ours]), return_inverse=True)
    interval = cluster_bootstrap_mean(differences, member, replicates=REPLICATES)
    parties = [
        replace(one, fits=None if one.fits is None else one.fits[:, places])
        for one, places in ((other, theirs), (leader, ours))
    ]
    return _leaves_out_zero(interval, float(np.nanmean(differences)), member, parties)
