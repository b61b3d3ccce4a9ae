"""How strong a likelihood ratio the data can bear at all: ELUB and the add-one limits."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from harness.statistics.likelihood.scores import Scores, checked


class Limits(NamedTuple):
    """Lowest and highest natural-log LLR that should be stated; ``low <= 0 <= high``."""

    low: float
    high: float

    def __str__(self) -> str:
        """In powers of ten, as on the axes of plots."""
        low, high = (f"{value / math.log(10):+.2f}".replace("-", "−") for value in self)
        return f"log10 LR {low} and {high}"


def supported(mated: int, nonmated: int, misleading: float = 1.0) -> Limits:
    """LLRs that perfectly separated comparisons of these numbers would support.

    With one misleading comparison added to each set, a score that all mated and none of the
    non-mated comparisons reach has the likelihood ratio
    ``(mated / (mated + 1)) / (1 / (nonmated + 1))``; the lower limit likewise. So few data never
    give a strong ratio. Comparisons that share identities are worth less than their number, so this
    is an upper bound of what is supported. `elub` gives the same for perfectly separated data.

    Parameters
    ----------
    mated, nonmated
        Numbers of comparisons.
    misleading
        Weight of what is added, above 0.

    Returns
    -------
    Limits
        Both 0 when either set is empty.

    Raises
    ------
    ValueError
        If a number is negative, or `misleading` is not above 0.

    Examples
    --------
    >>> limits = supported(3, 3)  # (3/4) / (1/4) either way
    >>> round(math.exp(limits.low), 12), round(math.exp(limits.high), 12)
    (0.333333333333, 3.0)
    """
    if mated < 0 or nonmated < 0:
        raise ValueError(f"{mated} mated and {nonmated} non-mated comparisons are impossible")
    if not misleading > 0:
        raise ValueError(f"without misleading comparisons there is no limit: {misleading}")
    if not mated or not nonmated:
        return Limits(0.0, 0.0)
    k = misleading
    high = math.log(mated / (mated + k)) - math.log(k / (nonmated + k))
    low = math.log(k / (mated + k)) - math.log(nonmated / (nonmated + k))
    return Limits(min(low, 0.0), max(high, 0.0))


def elub(mated: Scores, nonmated: Scores, misleading: int = 1) -> Limits:
    """Empirical lower and upper bound of likelihood ratios (ELUB).

    Vergeer, van Es, de Jongh, Alberink and Stoel, "Numerical likelihood ratios outputted by LR
    systems are often based on extrapolation: when to stop extrapolating?", Science and Justice 56,
    2016. Who decides "mated" when ``LR >= t``, with the prior odds 1/t at which that is best, errs
    at the Bayes error rate. Divided by that of a system that always says ``LR = 1`` it is

    ``t * P(LR >= t | non-mated) + P(LR < t | mated)`` for t >= 1, and that over t for t <= 1.

    The bounds are the ends of the range of t around 1 in which this stays below 1: beyond them the
    ratios do worse than none. Both probabilities are estimated after `misleading` comparisons with
    misleading ratios of any strength have been added to each set, since data without errors would
    otherwise support any ratio; each one added draws the bounds nearer to 1.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, shape (n,); infinities allowed.
    misleading
        Comparisons added to each set, from 0.

    Returns
    -------
    Limits
        Exact, not on a grid. A bound is 0 when ratios on its side do worse than none from the
        start; both are NaN when either set is empty. Without added comparisons a bound may be the
        strongest ratio seen, even an infinite one.

    Raises
    ------
    ValueError
        If an LLR is NaN or `misleading` is negative.

    Examples
    --------
    >>> mated, nonmated = np.log([1.0, 10.0, 100.0]), np.log([0.01, 0.1])
    >>> bounds = elub(mated, nonmated)  # high: (2/4) / (1/3); low: (1/4) / (2/3)
    >>> round(math.exp(bounds.low), 12), round(math.exp(bounds.high), 12)
    (0.375, 1.5)
    """
    if misleading < 0:
        raise ValueError(f"misleading comparisons are added, never taken away: {misleading}")
    mated, nonmated = checked(mated), checked(nonmated)
    if not mated.size or not nonmated.size:
        return Limits(math.nan, math.nan)
    # The lower bound is the upper one with the two propositions exchanged; 0.0 - x is never -0.0.
    low = 0.0 - _upper(-nonmated, -mated, misleading)
    return Limits(low, _upper(mated, nonmated, misleading))


def _upper(mated: Scores, nonmated: Scores, misleading: int) -> float:
    """Follow the range from LLR 0 upwards, over pieces in which both error counts stay the same."""
    steps = np.unique(np.concatenate([mated, nonmated]))
    steps = steps[(steps > 0) & np.isfinite(steps)]
    start, end = np.append(0.0, steps), np.append(steps, np.inf)
    missed = np.searchsorted(np.sort(mated), start, side="right")
    kept = (mated.size - missed) / (mated.size + misleading)
    false = nonmated.size - np.searchsorted(np.sort(nonmated), start, side="right") + misleading
    # In each piece the normalised error reaches 1 at t = kept / false; with nothing kept it is 1.
    with np.errstate(divide="ignore", invalid="ignore"):
        reach = np.log(kept) - np.log(false / (nonmated.size + misleading))
    reach[kept == 0] = -np.inf
    stop = int(np.argmax(reach <= end))
    return float(max(start[stop], min(reach[stop], end[stop])))
