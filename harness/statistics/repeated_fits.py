"""What an algorithm that learns is worth: mean over fits, interval over identities and fits.

For means over trials, the shares of identities are analysed as they are. For what is read from all
comparisons together, such as an error rate, draws of identities stand in for the mean squares: the
variance of the mean over fits is the identities' mean square, and what the fits' own variances have
more than it is the interaction's.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import (
    acceleration,
    bootstrap_interval,
    choose_interval,
    cluster_bootstrap_mean,
    left_out,
    replicate,
)
from harness.statistics.intervals import Interval, no_interval
from harness.statistics.two_way import Components, MeanSquares, mean_squares, widened, within

Floats: TypeAlias = npt.NDArray[np.float64]
Weights: TypeAlias = npt.NDArray[np.int64]
Drawn: TypeAlias = Callable[[Weights], Floats]
"""Metric of every fit in every draw of identities.

Takes how often each identity was drawn, int64, shape (draws, identities); returns float64, shape
(draws, fits).
"""


@dataclass(frozen=True, slots=True)
class RepeatedEstimate:
    """A metric over several fits of one algorithm on the same trials.

    Parameters
    ----------
    value
        Mean over fits; NaN without data.
    interval
        Of that mean, where other identities and other fits are possible. For a single fit it is of
        other identities alone.
    per_fit
        The metric of each fit.
    components
        Where the variance comes from; NaN for a single fit.
    identities
        Behind the metric: those with mates, where some have none.
    """

    value: float
    interval: Interval
    per_fit: tuple[float, ...]
    components: Components
    identities: int


def repeated_mean(
    values: npt.NDArray[Any],
    clusters: npt.NDArray[Any],
    *,
    replicates: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> RepeatedEstimate:
    """Return the mean of trials over fits, with an interval over identities and fits.

    The interval is that of `choose_interval` or `cluster_bootstrap_mean` for the trials' means over
    fits, widened by what fits as a whole add (`harness.statistics.two_way.widened`), within the
    range of the values.

    Parameters
    ----------
    values
        Numbers or NaN, shape (fits, trials).
    clusters
        Labels, shape (trials,): identity that each trial belongs to.
    replicates, level, seed
        As for `cluster_bootstrap_mean`.

    Raises
    ------
    ValueError
        If shapes differ, or `replicates` or `level` is impossible.

    Examples
    --------
    >>> hits = np.array([[1, 1, 0, 0, 1, 1], [1, 0, 0, 1, 1, 1]])
    >>> found = repeated_mean(hits, np.array([1, 1, 2, 2, 3, 3]))
    >>> round(found.value, 4), bool(found.interval.low < found.value < found.interval.high)
    (0.6667, True)
    """
    numbers = _checked(values, clusters)
    known = ~np.isnan(numbers).all(axis=0)
    numbers = numbers[:, known]
    labels, member = np.unique(clusters[known], return_inverse=True)
    shares = identity_shares(numbers, member)
    per_fit = shares.mean(axis=0) if len(labels) else np.full(len(numbers), math.nan)
    squares = mean_squares(shares)
    if np.isnan(numbers).any():
        alone = cluster_bootstrap_mean(
            shares.mean(axis=1),
            np.arange(len(labels)),
            replicates=replicates,
            level=level,
            seed=seed,
        )
    else:
        means = numbers.mean(axis=0)
        chosen = choose_interval if np.isin(means, (0.0, 1.0)).all() else cluster_bootstrap_mean
        alone = chosen(means, member, replicates=replicates, level=level, seed=seed)
    value = float(per_fit.mean())
    found = over_fits(alone, value, len(labels), [squares], level)
    if numbers.size:
        # Equal values may have a bound beyond them, which stays.
        low, high = float(np.nanmin(numbers)), float(np.nanmax(numbers))
        found = within(found, min(low, alone.low), max(high, alone.high))
    return RepeatedEstimate(
        value, found, tuple(per_fit.tolist()), squares.components(), len(labels)
    )


def repeated_statistic(
    drawn: Drawn,
    mated: npt.NDArray[np.bool_],
    *,
    limits: tuple[float, float] = (0.0, 1.0),
    replicates: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> RepeatedEstimate:
    """Return the mean over fits of what is read from all comparisons together.

    Parameters
    ----------
    drawn
        Gives the metric of every fit in every draw of identities.
    mated
        bool, shape (identities,): which of those that are drawn have mates.
    limits
        Of the metric's values.
    replicates, level, seed
        As for `cluster_bootstrap`.

    Raises
    ------
    ValueError
        If `replicates` or `level` is impossible.
    """
    (per_fit,) = drawn(np.ones((1, len(mated)), np.int64))
    value, people = float(per_fit.mean()), int(np.count_nonzero(mated))
    if people < 2 or math.isnan(value):
        squares = MeanSquares(math.nan, math.nan, math.nan, people, len(per_fit))
        alone = no_interval("bootstrap: needs two identities with mates and two without")
    else:
        found = replicate(drawn, len(mated), replicates=replicates, seed=seed)
        squares = drawn_squares(found, per_fit, people)
        alone = bootstrap_interval(
            found.mean(axis=1),
            (value, acceleration(drawn(left_out(mated)).mean(axis=1))),
            identities=people,
            level=level,
            background=len(mated) - people,
        )
    return RepeatedEstimate(
        value,
        within(over_fits(alone, value, people, [squares], level), *limits),
        tuple(per_fit.tolist()),
        squares.components(),
        people,
    )


def over_fits(
    alone: Interval, value: float, identities: int, fitted: list[MeanSquares], level: float
) -> Interval:
    """Widen an interval by the fits, if there is more than one, and say so in its method."""
    if all(one.k == 1 for one in fitted):
        return alone
    found = widened(alone, value, identities, fitted, level)
    fits = " and ".join(str(one.k) for one in fitted)
    return Interval(found.low, found.high, f"{alone.method}, widened by {fits} fits")


def identity_shares(values: Floats, member: npt.NDArray[np.intp]) -> Floats:
    """Return what each identity contributes to the mean of each fit.

    The shares of a fit have its mean over trials as their mean, and vary as that mean does when
    identities are drawn (the first order of the ratio of sums).

    Parameters
    ----------
    values
        float64, shape (fits, trials); NaN is left out.
    member
        Integers from 0, shape (trials,): identity of each trial.

    Returns
    -------
    numpy.ndarray
        float64, shape (identities, fits).

    Examples
    --------
    >>> identity_shares(np.array([[1.0, 1.0, 0.0]]), np.array([0, 0, 1])).ravel().round(4)
    array([1.1111, 0.2222])
    """
    n = int(member.max(initial=-1)) + 1
    columns = []
    for fit in values:
        known = ~np.isnan(fit)
        sums = np.bincount(member[known], weights=fit[known], minlength=n)
        sizes = np.bincount(member[known], minlength=n)
        if not sizes.any():
            columns.append(np.full(n, math.nan))
            continue
        mean = sums.sum() / sizes.sum()
        columns.append(mean + (sums - mean * sizes) * n / sizes.sum())
    return np.stack(columns, axis=1)


def drawn_squares(values: Floats, per_fit: Floats, identities: int) -> MeanSquares:
    """Return what stands in for the mean squares of a metric that is no mean of trials.

    Parameters
    ----------
    values
        float64, shape (draws, fits): the metric of every fit in every draw of identities; a draw
        with a NaN is left out.
    per_fit
        float64, shape (fits,): of all identities.
    identities
        With mates: a bootstrap of n identities varies by (n - 1) / n too little.
    """
    k = len(per_fit)
    known = values[~np.isnan(values).any(axis=1)]
    if len(known) < 2:
        return MeanSquares(math.nan, math.nan, math.nan, identities, k)
    enough = identities / (identities - 1)
    together = enough * float(known.mean(axis=1).var(ddof=1))
    if k < 2:
        return MeanSquares(together, math.nan, math.nan, identities, k)
    apart = enough * float(known.var(axis=0, ddof=1).mean())
    return MeanSquares(
        together,
        float(per_fit.var(ddof=1)) / k,
        max(0.0, apart - together) / (k - 1),
        identities,
        k,
    )


def _checked(values: npt.NDArray[Any], clusters: npt.NDArray[Any]) -> Floats:
    numbers = np.asarray(values, np.float64)
    if numbers.ndim != 2 or not len(numbers) or numbers.shape[1:] != np.shape(clusters):
        raise ValueError("values must have the shape (fits, trials), clusters (trials,)")
    return numbers
