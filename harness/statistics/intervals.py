"""Intervals of proportions, the rule of 30, and the band of chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class Interval:
    """Ends of an interval of confidence, and the method that made it.

    Parameters
    ----------
    low, high
        In units of the metric; both NaN when the data cannot give an interval.
    method
        For people: printed in reports.
    """

    low: float
    high: float
    method: str


def wilson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Score interval for a proportion of independent trials (Wilson 1927).

    Parameters
    ----------
    successes, n
        Counts, ``0 <= successes <= n``.
    level
        Confidence in (0, 1).

    Returns
    -------
    Interval
        In [0, 1]; NaN without trials.

    Raises
    ------
    ValueError
        If the counts or the level are impossible.

    Examples
    --------
    >>> interval = wilson(10, 10)  # low end: 10 / (10 + 1.96 ** 2)
    >>> round(interval.low, 4), interval.high
    (0.7225, 1.0)
    """
    _check_counts(successes, n, level)
    if n == 0:
        return no_interval("Wilson: no trials")
    z = NormalDist().inv_cdf(0.5 + level / 2)
    centre = (successes + z * z / 2) / (n + z * z)
    half = z / (n + z * z) * math.sqrt(successes * (n - successes) / n + z * z / 4)
    # At the ends the formula gives exactly 0 and 1, but for rounding.
    low = 0.0 if successes == 0 else centre - half
    high = 1.0 if successes == n else centre + half
    return Interval(low, high, "Wilson")


def clopper_pearson(successes: int, n: int, level: float = 0.95) -> Interval:
    """Interval for a proportion that never covers too rarely (Clopper and Pearson 1934).

    Parameters
    ----------
    successes, n, level
        As for `wilson`.

    Returns
    -------
    Interval
        In [0, 1]; NaN without trials.

    Raises
    ------
    ValueError
        If the counts or the level are impossible.

    Examples
    --------
    >>> round(clopper_pearson(0, 10).high, 4)  # 1 - 0.025 ** (1 / 10)
    0.3085
    """
    from scipy.special import betaincinv

    _check_counts(successes, n, level)
    if n == 0:
        return no_interval("Clopper-Pearson: no trials")
    tail = (1 - level) / 2
    low = betaincinv(successes, n - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return Interval(float(low), float(high), "Clopper-Pearson")


def few_errors(errors: int) -> bool:
    """Whether an error rate rests on too few errors: the rule of 30 (Doddington 2000).

    With 30 errors the true rate is within 30 % of the observed one with 90 % confidence.

    Parameters
    ----------
    errors
        Number of errors observed.

    Examples
    --------
    >>> few_errors(29), few_errors(30)
    (True, False)
    """
    return errors < 30


def poisson_binomial_interval(
    p: npt.NDArray[np.floating[Any]], level: float = 0.95
) -> tuple[float, float]:
    """Central interval of the mean of independent trials with their own probabilities.

    The band of chance: with p from `chance_hit`, a hit rate inside it is what a random ranking
    gives. Exact, by convolution of the trials' distributions (the Poisson binomial distribution).

    Parameters
    ----------
    p
        Floating point, shape (n,), in [0, 1].
    level
        In (0, 1): the mean lies inside with at least this probability, and beyond either end with
        at most half the rest.

    Returns
    -------
    tuple of float
        Lowest and highest mean inside, multiples of 1/n; both NaN without trials.

    Raises
    ------
    ValueError
        If a probability is NaN or outside [0, 1], or the level outside (0, 1).

    Examples
    --------
    >>> poisson_binomial_interval(np.full(10, 0.5))  # P(X <= 1) = 11/1024, P(X <= 2) = 56/1024
    (0.2, 0.8)
    """
    check_level(level)
    p = np.asarray(p, np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("probabilities must lie in [0, 1]")
    if not p.size:
        return math.nan, math.nan
    # Similar probabilities side by side keep the parts narrow, and so the convolutions short.
    lowest, pmf = _sum_of_trials(np.sort(p), {})
    tail = (1 - level) / 2
    low = lowest + int(np.argmax(np.cumsum(pmf) > tail))
    high = lowest + len(pmf) - 1 - int(np.argmax(np.cumsum(pmf[::-1]) > tail))
    return low / p.size, high / p.size


def _sum_of_trials(
    p: npt.NDArray[np.float64], known: dict[tuple[float, int], tuple[int, npt.NDArray[np.float64]]]
) -> tuple[int, npt.NDArray[np.float64]]:
    """Lowest sum worth keeping, and the probabilities from there on.

    Parameters
    ----------
    p
        float64, shape (n,), rising.
    known
        By probability and number of equal trials; filled.
    """
    if p.size == 1:
        return 0, np.array([1 - p[0], p[0]])
    equal = (float(p[0]), p.size) if p[0] == p[-1] else None
    if equal in known:
        return known[equal]
    half = p.size // 2
    (low1, pmf1), (low2, pmf2) = _sum_of_trials(p[:half], known), _sum_of_trials(p[half:], known)
    pmf = np.convolve(pmf1, pmf2)
    # What is dropped is beyond the precision of any sum, and its absence keeps large n fast.
    kept = np.flatnonzero(pmf > 1e-30)
    found = low1 + low2 + int(kept[0]), pmf[kept[0] : kept[-1] + 1]
    if equal is not None:
        known[equal] = found
    return found


def _check_counts(successes: int, n: int, level: float) -> None:
    check_level(level)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} trials are impossible")


def check_level(level: float) -> None:
    """Refuse what is no level of confidence."""
    if not 0 < level < 1:
        raise ValueError(f"a level of confidence lies in (0, 1), not {level}")


def no_interval(reason: str) -> Interval:
    """Return an interval that is not there, and why."""
    return Interval(math.nan, math.nan, reason)
