"""Thresholds to work with: the score that keeps a rate, and the rates that are attained there.

They follow from the raw scores of the run folder, so nothing of them is kept in the record.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from harness.matching.results import MatchResult
from harness.metrics import verification
from harness.record.record import Run
from harness.reporting.operating import Operating
from harness.reporting.tables import Table
from harness.reporting.wording import (
    NO_VALUE,
    count,
    interval,
    known,
    minus,
    percent,
    split_id,
)
from harness.statistics.estimate import Estimate
from harness.tasks.answers import StreamedAnswer
from harness.tasks.results import Metrics
from harness.tasks.standing import direction
from harness.tasks.trade_off import SURE, TradeOff

__all__ = [
    "RATES",
    "Reading",
    "missing",
    "read_at",
    "reading",
    "readings",
    "shortest_between",
    "threshold_table",
]

RATES = (0.1, 0.01, 0.001)
"""Error rates of non-mated trials for which the table gives a threshold."""


@dataclass(frozen=True)
class Reading:
    """What is attained where no more than a rate of the first error is allowed.

    Parameters
    ----------
    allowed
        That rate.
    threshold
        A score from which on a trial counts as a match, in as few figures as decide alike; empty
        where too many trials failed, so that no score keeps the rate.
    false, missed
        Trials of either kind that come out wrong there.
    nonmated, mated
        All of them.
    """

    allowed: float
    threshold: str
    false: int
    missed: int
    nonmated: int
    mated: int

    @property
    def attained(self) -> tuple[float, float]:
        """Both rates at the threshold; the first is that allowed, or lower where scores tie."""
        return self.false / self.nonmated, self.missed / self.mated


def reading(scores: Operating, allowed: float) -> Reading:
    """Return the lowest threshold that keeps a rate, and what it attains.

    Parameters
    ----------
    scores
        Both kinds, neither empty.
    allowed
        Rate of the first error, in [0, 1]. Equal scores are let in together or not at all.

    Examples
    --------
    >>> scores = Operating.of(np.array([0.3, 0.9]), np.array([0.1, 0.2, 0.5, 0.5]))
    >>> reading(scores, 0.25)
    Reading(allowed=0.25, threshold='0.9', false=0, missed=1, nonmated=4, mated=2)
    """
    n, m = len(scores.nonmated), len(scores.mated)
    most = verification.errors_allowed(n, allowed)
    bar = float(scores.nonmated[n - 1 - most]) if most < n else -math.inf
    if bar == math.inf:
        return Reading(allowed, "", int(np.count_nonzero(scores.nonmated == np.inf)), m, n, m)
    places = [
        (one, int(np.searchsorted(one, bar, side="right")))
        for one in (scores.mated, scores.nonmated)
    ]
    higher = min(float(one[i]) if i < len(one) else math.inf for one, i in places)
    (_, missed), (_, kept) = places
    return Reading(allowed, _threshold(bar, higher), n - kept, missed, n, m)


def readings(
    scores: Operating | None, run: Run | None, rates: Iterable[float]
) -> dict[float, Reading]:
    """Return what is attained at each of some rates, as far as it is known.

    Parameters
    ----------
    scores
        Behind the rates; None where they were not kept.
    run
        With its answers: of scores that were summed up while they were computed, those from the
        highest down to the rates of the protocol's metrics are known.
    rates
        Of the first error that are allowed, in [0, 1].
    """
    if scores is not None:
        return {rate: reading(scores, rate) for rate in rates}
    answers = () if run is None else run.answers
    if len(answers) != 1 or not isinstance(answers[0], StreamedAnswer):
        return {}
    found = ((rate, _summed(answers[0].matching, rate)) for rate in rates)
    return {rate: one for rate, one in found if one is not None}


def _summed(matching: MatchResult, allowed: float) -> Reading | None:
    """Return a reading of scores that were summed up; None where it does not follow from that."""
    n, m = matching.nonmated_count, len(matching.mated_scores)
    bar = matching.score_to_exceed.get(allowed)
    falling, reaching = matching.top
    if bar is None or not n or not m or not len(falling) or bar < falling[-1]:
        return None
    above = int(np.count_nonzero(falling > bar))
    mated = matching.mated_scores
    higher = min(
        float(falling[above - 1]) if above else math.inf,
        float(mated[mated > bar].min(initial=np.inf)),
    )
    return Reading(
        allowed,
        _threshold(bar, higher),
        int(reaching[above - 1]) if above else 0,
        int(np.count_nonzero(mated <= bar)),
        n,
        m,
    )


def _threshold(bar: float, higher: float) -> str:
    """Return a score above one and at most the next; where none is above, any higher one does."""
    return shortest_between(bar, bar + max(abs(bar), 1e-6) / 100 if higher == math.inf else higher)


def read_at(metrics: Metrics, names: TradeOff) -> dict[float, Estimate]:
    """Return the second error, by the rate of the first that the run's metrics are read at.

    Parameters
    ----------
    names
        Of the two errors. A metric that is better when higher is the share that is not missed.
    """
    found = {}
    for metric, estimate in metrics.pooled.items():
        options = split_id(metric)[1]
        rate = options.get(names.rate)
        if rate is None or isinstance(rate, str) or options.get("rank", 1) != 1:
            continue
        found[float(rate)] = estimate if direction(metric) == "lower" else missing(estimate)
    return found


def missing(share: Estimate) -> Estimate:
    """Return the share that is not: one less a share that has an estimate, and its interval.

    Examples
    --------
    >>> found = missing(Estimate(0.75, 0.5, 0.8, n=20))
    >>> found.value, found.low, found.high, found.n
    (0.25, 0.19999999999999996, 0.5, 20)
    """

    def less(value: float | None) -> float | None:
        return None if value is None else 1 - value

    return Estimate(
        less(share.value),
        less(share.high),
        less(share.low),
        share.method,
        share.n,
        flags=list(share.flags),
    )


def threshold_table(
    read: Mapping[float, Reading],
    names: TradeOff,
    estimates: Mapping[float, Estimate] | None = None,
) -> Table | None:
    """Return the score at which each rate is kept, with rates and errors attained there.

    Parameters
    ----------
    read
        Of `readings`, by the rate that is allowed; a rate without one has no known threshold.
    names
        Of the two rates.
    estimates
        What the run's metrics say of the second error, by the rate of the first: each has a line,
        with its interval. None without a line.
    """
    told = estimates or {}
    rates = sorted({*told, *read}, reverse=True)
    if not rates:
        return None
    within = any(known(one.low) for one in told.values())
    kinds = f" of {names.scored}"
    for one in list(read.values())[:1]:
        kinds = (
            f": scores of {count(one.mated)} {names.mated} and {count(one.nonmated)} "
            f"{names.nonmated}"
        )
    return Table(
        f"Thresholds{kinds}",
        (
            f"{names.x_short} allowed",
            "Score at or above",
            f"{names.x_short} attained",
            f"{names.y_short} there",
            *["95 % interval"] * within,
        ),
        tuple(
            (
                percent(rate),
                *(_line(read[rate]) if rate in read else _untold(told[rate])),
                *[_interval(told.get(rate))] * within,
            )
            for rate in rates
        ),
    )


def _line(found: Reading) -> tuple[str, str, str]:
    if not found.threshold:
        return ("none: too many failed", NO_VALUE, f"{percent(1.0)} ({count(found.mated)})")
    false, missed = found.attained
    few = ", fewer than 30" if found.false < SURE else ""
    return (
        found.threshold,
        f"{percent(false)} ({count(found.false)}{few})",
        f"{percent(missed)} ({count(found.missed)})",
    )


def _untold(estimate: Estimate) -> tuple[str, str, str]:
    return ("not kept", NO_VALUE, percent(estimate.value))


def _interval(estimate: Estimate | None) -> str:
    text = "" if estimate is None else interval("hit-rate", estimate.low, estimate.high)
    return text or "none"


def shortest_between(low: float, high: float) -> str:
    """Return the shortest decimal number above `low` and at most `high`.

    As a threshold it decides as every other between two neighbouring scores does.

    Examples
    --------
    >>> shortest_between(0.81234, 0.81671), shortest_between(-3.6, -3.2), shortest_between(2, 5)
    ('0.816', '−3.2', '5')
    """
    if low < -1e300:
        return minus(repr(high))
    for digits in range(1, 18):
        step = 10.0 ** (digits - 1 - math.floor(math.log10(max(abs(low), abs(high)))))
        for value in (math.floor(high * step) / step, round((low + high) / 2 * step) / step):
            text = f"{value:.{digits}g}"
            if low < float(text) <= high:
                return minus(text)
    return minus(repr(high))
