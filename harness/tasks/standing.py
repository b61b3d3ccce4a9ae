"""Where a result lies beside chance, and which values of a metric are better."""

from __future__ import annotations

import math
from typing import Literal, TypeAlias

from harness.statistics.estimate import Estimate
from harness.tasks.catalogue import CATALOGUE

__all__ = ["POINTS", "Standing", "direction", "standing"]

Standing: TypeAlias = Literal["better", "worse", "level", ""]
"""Where a result lies beside chance; empty where nothing says it."""

POINTS = {
    "fmr": "False match rate (FMR)",
    "fpir": "False positive identification rate (FPIR)",
    "fpdr": "False positive detection rate (FPDR)",
    "fta": "Failure to acquire rate (FTA)",
}
"""Error rates at which others are read, with their names; they are no metrics of their own."""

_CLOSE = 1e-12


def direction(metric: str) -> str:
    """Return which values are better: ``higher``, ``lower``, or empty where neither is.

    Metrics that the catalogue does not know are taken for better when higher.

    >>> direction("fnmr@fmr=0.01"), direction("hit-rate@rank=1")
    ('lower', 'higher')
    """
    name = metric.partition("@")[0]
    if name in CATALOGUE:
        return CATALOGUE[name].better
    return "lower" if name in POINTS else "higher"


def standing(metric: str, estimate: Estimate | None) -> Standing:
    """Return where a result lies beside chance, by its interval and by the band of random answers.

    It is better or worse only where neither the interval holds chance nor the band the result.
    """
    if estimate is None or not direction(metric):
        return ""
    value, chance = _finite(estimate.value), _finite(estimate.chance)
    band = _ends(estimate.chance_low, estimate.chance_high)
    bounds = _ends(estimate.low, estimate.high)
    if chance is None and band is not None:
        chance = sum(band) / 2
    if value is None or chance is None or (band is None and bounds is None):
        return ""
    if (band and _holds(band, value)) or (bounds and _holds(bounds, chance)):
        return "level"
    return "better" if (value > chance) == (direction(metric) == "higher") else "worse"


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _ends(low: float | None, high: float | None) -> tuple[float, float] | None:
    low, high = _finite(low), _finite(high)
    return None if low is None or high is None else (low, high)


def _holds(ends: tuple[float, float], value: float) -> bool:
    return ends[0] - _CLOSE <= value <= ends[1] + _CLOSE
