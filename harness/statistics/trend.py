"""The slope of a straight line through trials of identities, with its interval."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import cluster_bootstrap_together
from harness.statistics.intervals import Interval, no_interval

__all__ = ["Trend", "trend_of"]

Doubles: TypeAlias = npt.NDArray[np.float64]


class Trend(NamedTuple):
    """A slope and its interval; NaN where there is none."""

    slope: float
    interval: Interval


def trend_of(
    x: Doubles,
    y: Doubles,
    whose: npt.NDArray[np.integer[Any]],
    *,
    replicates: int = 500,
    seed: int = 0,
) -> Trend:
    """Return the least-squares slope of `y` over `x`, identities being drawn with replacement.

    Nothing is assumed of the scatter around the line: an identity brings all its trials or none
    (a bootstrap of pairs, corrected as all others of the harness are).

    Parameters
    ----------
    x, y
        Finite, float64, shape (trials,).
    whose
        Number of the identity of each: shape (trials,).
    replicates, seed
        Of the draws.

    Returns
    -------
    Trend
        Without a slope where `x` does not vary, and without an interval where `y` does not, or of
        one identity.

    Examples
    --------
    >>> found = trend_of(np.array([0.0, 1.0, 2.0]), np.array([1.0, 3.0, 5.0]), np.arange(3))
    >>> round(found.slope, 6)
    2.0
    """
    _, member = np.unique(whose, return_inverse=True)
    if not len(x) or x.min() == x.max():
        return Trend(np.nan, no_interval("the time does not vary"))
    away, beyond = x - x.mean(), y - y.mean()
    columns = (np.ones(len(x)), away, beyond, away * away, away * beyond)
    sums = np.stack([np.bincount(member, weights=column) for column in columns], axis=1)
    # What rounding leaves of a draw whose x are all equal is no spread.
    least = 1e-9 * float((away * away).mean())

    def slopes(weights: npt.NDArray[Any]) -> Doubles:
        n, of_x, of_y, squares, products = (weights @ sums).T
        n = np.maximum(n, 1)
        spread = squares / n - (of_x / n) ** 2
        joint = products / n - of_x * of_y / n**2
        found = np.divide(joint, spread, out=np.full(len(n), np.nan), where=spread > least)
        return np.asarray(found, np.float64)[:, np.newaxis]

    slope = float(slopes(np.ones((1, len(sums)), np.int64))[0, 0])
    if y.min() == y.max():
        return Trend(slope, no_interval("all of them came out alike"))
    (interval,) = cluster_bootstrap_together(
        slopes, len(sums), corrected=True, replicates=replicates, seed=seed
    )
    return Trend(slope, interval)
