"""How the trade-off of two error rates is drawn for each kind of question: names, ends, chance."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from harness.reporting import plots

__all__ = ["TradeOff", "ends", "trade_off_of"]

_UPPER = (0.99, 0.999, 0.9999, 0.99999)


@dataclass(frozen=True)
class TradeOff:
    """What the two axes of a trade-off are.

    Parameters
    ----------
    x_name, y_name
        Of the rates in full.
    x_short, y_short
        In a point's text.
    equal
        Metric at which both rates are equal.
    chance
        What the line of chance is.
    """

    x_name: str
    y_name: str
    x_short: str
    y_short: str
    equal: str
    chance: str

    def axes(self, low: float, high: float) -> tuple[plots.Axis, plots.Axis]:
        """Return both axes between two rates, on the normal-deviate scale."""
        names = (self.x_name, self.y_name)
        x, y = (plots.probit_axis(f"{name}, normal-deviate scale", low, high) for name in names)
        return x, y

    def chance_line(self, low: float, high: float) -> tuple[list[float], list[float]]:
        """Return the line of scores that say nothing where nothing else is known: x + y = 1."""
        steps = [low * (0.99 / low) ** (i / 40) for i in range(41)]
        steps = sorted({*steps, 0.3, 0.5, 0.7, 0.9, 0.95, 0.97, 1 - low})
        x = [v for v in steps if low <= v <= high and low <= 1 - v <= high]
        return x, [1 - v for v in x]


COMPARISONS = TradeOff(
    "False match rate (FMR)",
    "False non-match rate (FNMR)",
    "FMR",
    "FNMR",
    "eer",
    "chance: scores that say nothing",
)
IMAGES = TradeOff(
    "False detection rate",
    "Missed detection rate",
    "false detection",
    "missed",
    "eer",
    "chance: scores that say nothing",
)
OPEN_SET = TradeOff(
    "False positive identification rate (FPIR)",
    "False negative identification rate (FNIR)",
    "FPIR",
    "FNIR",
    "open-set-eer@rank=1",
    "chance: scores that say nothing, in the same galleries",
)


def trade_off_of(task: str) -> TradeOff:
    """Return what the axes are for a kind of question."""
    return {"open-set": OPEN_SET, "detection": IMAGES}.get(task, COMPARISONS)


def ends(rates: Iterable[float]) -> tuple[float, float]:
    """Return the ends of both axes for rates that are drawn.

    The low end is the next decade below the smallest rate, from 1 in 1,000 down to 1 in a million;
    the high end leaves the largest rate below 1 inside.
    """
    inside = [rate for rate in rates if 0 < rate < 1]
    smallest, largest = min(inside, default=0.001), max(inside, default=0.5)
    low = min(max(10.0 ** math.floor(math.log10(smallest)), 1e-6), 1e-3)
    return low, next((high for high in _UPPER if largest <= high), _UPPER[-1])
