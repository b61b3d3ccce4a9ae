"""How far the error rates of groups lie apart, in one number: Gini coefficient, and the highest
rate over the geometric mean.

Both are read at one threshold for all groups, and know nothing of how many trials stand behind a
rate: with few, chance alone sets groups apart. Each is given beside what the same groups come to
when they are shuffled (`harness.statistics.differentials`).
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

__all__ = ["gini", "highest_to_mean"]

Doubles: TypeAlias = npt.NDArray[np.floating[Any]]


def gini(rates: Doubles) -> npt.NDArray[np.float64]:
    """Return the Gini coefficient of the rates of groups, each group counting once.

    The mean difference of two groups over twice their mean, ``n / (n - 1)`` times the coefficient
    of n incomes, so that 1 can be reached by few groups, too: all errors in one group (Howard and
    others, "Evaluating Proposed Fairness Models for Face Recognition Algorithms", 2022; used by
    NIST IR 8429 and ISO/IEC 19795-10).

    Parameters
    ----------
    rates
        Floating point, in [0, 1], shape (..., groups).

    Returns
    -------
    numpy.ndarray
        float64, shape (...), in [0, 1]: 0 where all rates are equal, also where all are 0. NaN with
        fewer than two groups, or where a rate is NaN.

    Examples
    --------
    >>> float(gini(np.array([0.25, 0.75])))  # 1/2 apart, over twice 1/2
    0.5
    >>> gini(np.array([[0.0, 0.0, 0.25], [0.5, 0.5, 0.5]])).tolist()
    [1.0, 0.0]
    """
    found = np.sort(np.asarray(rates, np.float64), axis=-1)  # NaN comes last, and spoils the sum
    n = found.shape[-1]
    if n < 2:
        return np.full(found.shape[:-1], np.nan)
    total = found.sum(axis=-1)
    apart = (found * (2 * np.arange(1, n + 1) - n - 1)).sum(axis=-1)
    # Sums of equal rates may differ by their rounding.
    even = found[..., -1] == found[..., 0]
    values = np.divide(apart, (n - 1) * total, out=np.zeros(total.shape), where=~even)
    return np.where(np.isnan(total), np.nan, np.clip(values, 0.0, 1.0))


def highest_to_mean(errors: Doubles, trials: Doubles) -> npt.NDArray[np.float64]:
    """Return the highest rate of groups over the geometric mean of all (NIST IR 8429).

    A group without an error counts as one with half an error: else the ratio would be infinite as
    soon as one group makes none, however few trials it has.

    Parameters
    ----------
    errors, trials
        Floating point, not negative, shape (..., groups): how many errors in how many trials.

    Returns
    -------
    numpy.ndarray
        float64, shape (...), from 1; NaN with fewer than two groups, or where one has no trial.

    Examples
    --------
    >>> float(highest_to_mean(np.array([1.0, 4.0]), np.array([100.0, 100.0])).round(6))  # 4 : 2
    2.0
    >>> float(highest_to_mean(np.array([0.0, 2.0]), np.array([100.0, 100.0])).round(6))  # 1/2 and 2
    2.0
    """
    tried = np.asarray(trials, np.float64)
    wrong = np.asarray(errors, np.float64)
    if tried.shape[-1] < 2:
        return np.full(tried.shape[:-1], np.nan)
    counted = np.where(wrong > 0, wrong, 0.5)
    rates = np.divide(counted, tried, out=np.full(tried.shape, np.nan), where=tried > 0)
    logs = np.log(rates)
    return np.asarray(np.maximum(1.0, np.exp(logs.max(axis=-1) - logs.mean(axis=-1))))
