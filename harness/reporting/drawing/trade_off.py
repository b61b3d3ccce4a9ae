"""How the trade-off of two error rates is drawn: the ends of its axes, what lies inside, chance."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import TypeAlias

from harness.reporting.drawing import plots
from harness.tasks.trade_off import SURE, TradeOff

__all__ = ["chance_line", "clipped", "ends", "supported", "window"]

Span: TypeAlias = tuple[float, float]

LEAST_END = 0.8
"""Of an axis: up to here a line of chance is long enough to be seen."""

_ROUND = (
    *(m * 10.0**e for e in (-6, -5, -4, -3) for m in (1, 2, 5)),
    *(0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99),
    *(0.995, 0.999, 0.9999, 0.99999),
)

_UPPER = (0.99, 0.999, 0.9999, 0.99999)


def window(names: TradeOff, x: Span, y: Span) -> tuple[plots.Axis, plots.Axis]:
    """Return the axes between two rates each, on the normal-deviate scale."""
    return (
        plots.probit_axis(f"{names.x_name}, normal-deviate scale", *x),
        plots.probit_axis(f"{names.y_name}, normal-deviate scale", *y),
    )


def chance_line(low: float, high: float) -> tuple[list[float], list[float]]:
    """Return the line of scores that say nothing where nothing else is known: x + y = 1."""
    steps = [low * (0.99 / low) ** (i / 40) for i in range(41)]
    steps = sorted({*steps, 0.3, 0.5, 0.7, 0.9, 0.95, 0.97, 1 - low})
    x = [v for v in steps if low <= v <= high and low <= 1 - v <= high]
    return x, [1 - v for v in x]


def ends(rates: Iterable[float]) -> tuple[float, float]:
    """Return the ends of both axes for rates that are drawn.

    The low end is the next decade below the smallest rate, from 1 in 1,000 down to 1 in a million;
    the high end leaves the largest rate below 1 inside.
    """
    inside = [rate for rate in rates if 0 < rate < 1]
    smallest, largest = min(inside, default=0.001), max(inside, default=0.5)
    low = min(max(10.0 ** math.floor(math.log10(smallest)), 1e-6), 1e-3)
    return low, next((high for high in _UPPER if largest <= high), _UPPER[-1])


def supported(
    x: Sequence[float], y: Sequence[float], trials: tuple[int, int], also: Sequence[float] = ()
) -> tuple[Span, Span]:
    """Return the part of both axes that the data supports, with the point of equal errors inside.

    Each axis begins at the rate that has `SURE` errors behind it, or a third of the equal rate
    where that is lower, but not below one error, nor below a third of the lowest rate there is; it
    ends where the curve leaves the other axis, at `LEAST_END` or above.

    Parameters
    ----------
    x, y
        Rates of the curve, of equal length, with the non-mated trials' first.
    trials
        Non-mated and mated ones; 0 where not known.
    also
        Rates of y that are drawn at the same x, such as those of chance.

    Examples
    --------
    >>> supported([0.0, 0.02, 0.3, 1.0], [0.9, 0.5, 0.3, 0.0], (1500, 100))
    ((0.02, 0.8), (0.1, 0.8))
    """
    equal = min((max(a, b) for a, b in zip(x, y, strict=True)), default=0.0)

    def start(count: int, lowest: float) -> float:
        least = 1 / count if count else 1e-3
        wanted = max(min(SURE * least, equal / 3), least, lowest / 3)
        return max((r for r in _ROUND if r <= min(wanted, 0.3) * (1 + 1e-9)), default=_ROUND[0])

    x_low = start(trials[0], min(x, default=0.0))
    y_low = start(trials[1], min([*y, *also], default=0.0))

    def end(rates: Iterable[float]) -> float:
        reach = max((rate for rate in rates if rate < 1), default=0.0)
        return next(r for r in _ROUND if r >= min(max(reach, LEAST_END), _ROUND[-1]))

    over = [*zip(x, y, strict=True), *zip(x, also, strict=False)]
    return (
        (x_low, end(a for a, b in zip(x, y, strict=True) if b >= y_low)),
        (y_low, end(b for a, b in over if a >= x_low)),
    )


def clipped(
    x: Sequence[float], y: Sequence[float], axes: tuple[plots.Axis, plots.Axis]
) -> tuple[list[float], list[float], bool]:
    """Return the part of a line that lies between the ends of two axes, and whether it is all.

    Where the line crosses an end it is cut at the place that a straight line on the axes has there.
    Rates of 0 and 1 have no place on a normal-deviate axis; they stand a long way outside.
    """

    def place(value: float, axis: plots.Axis) -> float:
        inside = min(max(value, 1e-12), 1 - 1e-12)
        start, stop = axis.warp(axis.low), axis.warp(axis.high)
        return (axis.warp(inside) - start) / (stop - start)

    points = [tuple(map(place, pair, axes)) for pair in zip(x, y, strict=True)]
    kept: list[tuple[float, float]] = []
    whole = True
    for (a, b), (c, d) in pairwise(points):
        first, last = 0.0, 1.0
        for start, change in ((a, c - a), (b, d - b)):
            if change == 0:
                first, last = (first, last) if 0 <= start <= 1 else (1.0, 0.0)
                continue
            near, far = sorted((-start / change, (1 - start) / change))
            first, last = max(first, near), min(last, far)
        if first > last:
            whole = False
            continue
        whole = whole and first == 0 and last == 1
        for share in (first, last):
            point = (a + share * (c - a), b + share * (d - b))
            if not kept or point != kept[-1]:
                kept.append(point)
    return [_back(u, axes[0]) for u, _ in kept], [_back(v, axes[1]) for _, v in kept], whole


def _back(share: float, axis: plots.Axis) -> float:
    """Return the rate that lies at a share of a normal-deviate axis."""
    start, stop = axis.warp(axis.low), axis.warp(axis.high)
    return NormalDist().cdf(start + share * (stop - start))
