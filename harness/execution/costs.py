"""What an operation costs: seconds of each extraction and search, bytes of each template.

Measured by the harness, from the moment an algorithm has what it needs until its answer is here, so
that nothing an algorithm says of itself counts. Costs never enter the identity of a run or the hash
of its result: they are of a machine.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
import numpy as np

__all__ = [
    "ENROLLED",
    "GALLERY",
    "SIZE",
    "SIZES",
    "Clock",
    "Cost",
    "Levels",
    "costs_of",
    "levels_of",
]

SIZE = "template"
"""Name of the bytes of a template."""

ENROLLED = "enrolled"
"""Name of the bytes of a template of a reference, where these are made apart."""

GALLERY = "gallery"
"""Name of the bytes of a gallery that is ready to be searched, as its program keeps it."""

SIZES = (SIZE, ENROLLED, GALLERY)
"""Names of bytes; other names are of methods, and of seconds."""

MOST = 101
"""Quantiles that are kept of the costs of a unit of work."""


class Levels(msgspec.Struct):
    """The costs of many operations, summed up so that several units of work can be put together.

    Parameters
    ----------
    count
        Operations.
    levels
        Their costs at even steps from the least to the greatest, `MOST` of them at most.
    total
        The sum of all.
    each
        The cost of every operation, in the order in which they were done; empty where it was not
        kept.
    """

    count: int
    levels: list[float]
    total: float = 0.0
    each: list[float] = msgspec.field(default_factory=list)


class Cost(msgspec.Struct):
    """What an operation costs: seconds, or bytes.

    Parameters
    ----------
    count
        Operations.
    median, p90
        Half of them cost at most this, and nine in ten at most that.
    mean
        Of all.
    limit
        What one may cost, where the protocol says so.
    over
        Operations that cost more; None where that is not known.
    """

    count: int
    median: float
    p90: float
    mean: float = 0.0
    limit: float | None = None
    over: int | None = None


def levels_of(values: Sequence[float], *, every: bool = False) -> Levels:
    """Sum up costs.

    Parameters
    ----------
    values
        Of operations.
    every
        Whether each is kept, too.

    Examples
    --------
    >>> levels_of([3.0, 1.0, 2.0], every=True)
    Levels(count=3, levels=[1.0, 2.0, 3.0], total=6.0, each=[3.0, 1.0, 2.0])
    """
    rising = np.sort(np.asarray(values, np.float64))
    if len(rising) > MOST:
        rising = rising[np.round(np.linspace(0, len(rising) - 1, MOST)).astype(np.int64)]
    levels = [float(f"{value:.6g}") for value in rising]
    each = [float(f"{value:.6g}") for value in values] if every else []
    return Levels(len(values), levels, math.fsum(values), each)


def costs_of(
    units: Iterable[dict[str, Levels]], limits: Mapping[str, float] | None = None
) -> dict[str, Cost]:
    """Return what each operation costs in all units of work together.

    Parameters
    ----------
    units
        What was noted in each, by operation.
    limits
        What one may cost, by operation.

    Examples
    --------
    >>> units = [{"extract": levels_of([1.0, 2.0, 3.0])}, {"extract": levels_of([4.0])}]
    >>> costs_of(units)["extract"].median, costs_of(units, {"extract": 2.5})["extract"].over
    (2.0, 2)
    """
    every: dict[str, list[Levels]] = defaultdict(list)
    for unit in units:
        for name, levels in unit.items():
            if levels.count and levels.levels:
                every[name].append(levels)
    known = limits or {}
    return {name: _cost(parts, known.get(name)) for name, parts in every.items()}


def _over(part: Levels, limit: float) -> int | None:
    """Count what costs more; None where not every cost was kept."""
    values = part.each or part.levels
    return sum(value > limit for value in values) if len(values) == part.count else None


def _cost(parts: Sequence[Levels], limit: float | None) -> Cost:
    values = np.concatenate([np.array(part.levels) for part in parts])
    weights = np.concatenate(
        [np.full(len(part.levels), part.count / len(part.levels)) for part in parts]
    )
    order = np.argsort(values, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    median, p90 = (float(values[order][np.searchsorted(reached, q - 1e-9)]) for q in (0.5, 0.9))
    count = sum(part.count for part in parts)
    mean = math.fsum(part.total for part in parts) / count
    if limit is None:
        return Cost(count, median, p90, mean)
    over = [_over(part, limit) for part in parts]
    known = [one for one in over if one is not None]
    return Cost(count, median, p90, mean, limit, sum(known) if len(known) == len(over) else None)


class Clock:
    """Takes the time of operations.

    Examples
    --------
    >>> clock = Clock()
    >>> clock.start()
    >>> clock.took("extract")
    >>> list(clock.costs()), clock.costs()["extract"]["count"]
    (['extract'], 1)
    """

    def __init__(self) -> None:
        self._taken: dict[str, list[float]] = defaultdict(list)
        self._since = 0.0

    def start(self) -> None:
        """Begin to count."""
        self._since = time.perf_counter()

    def took(self, operation: str, times: int = 1) -> None:
        """Note that so many operations ended, which share the time since the last began."""
        now = time.perf_counter()
        self._taken[operation] += [(now - self._since) / max(1, times)] * times
        self._since = now

    def holds(self, what: str, size: int) -> None:
        """Note that something takes so many bytes."""
        self._taken[what].append(float(size))

    def costs(self) -> dict[str, Any]:
        """Return what was noted, as a step of a unit keeps it."""
        kept = ((name, values) for name, values in self._taken.items() if values)
        return {name: msgspec.to_builtins(levels_of(v, every=True)) for name, v in kept}
