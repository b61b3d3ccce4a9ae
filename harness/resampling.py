"""Intervals of what is measured on identities, by drawing identities with replacement."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from statistics import NormalDist
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics import Interval, check_level, clopper_pearson, no_interval, wilson

_BLOCK = 1 << 21  # weights drawn at once: 16 MB whatever the number of replicates

Values: TypeAlias = npt.NDArray[Any]
Identities: TypeAlias = npt.NDArray[np.integer[Any]]
Weights: TypeAlias = npt.NDArray[np.int64]


def choose_interval(
    values: Values,
    clusters: Identities,
    *,
    replicates: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Give the interval that fits the mean of values that are 0 or 1, such as hits of searches.

    * Every identity has one value: `wilson`.
    * Otherwise, if all values are equal: `clopper_pearson` with one trial for each identity, since
      resampling equal values cannot vary. For no error in n identities its upper bound is 3.7/n
      (two-sided), which is the rule of three (3/n, one-sided) at the tail of a two-sided level.
    * Otherwise: `cluster_bootstrap_mean`.

    Parameters
    ----------
    values
        0, 1 or NaN, shape (n,); NaN is left out.
    clusters
        Integers, shape (n,): identity that each value belongs to.
    replicates, level, seed
        As for `cluster_bootstrap_mean`.

    Returns
    -------
    Interval
        In [0, 1]; NaN without values, or for unequal values of one identity.

    Raises
    ------
    ValueError
        If a value is not 0, 1 or NaN, or shapes differ.

    Examples
    --------
    >>> hits, tattoos = np.array([1, 1, 1, 1]), np.array([5, 5, 6, 6])
    >>> interval = choose_interval(hits, tattoos)  # low end: 0.025 ** (1 / 2)
    >>> round(interval.low, 4), interval.high, interval.method
    (0.1581, 1.0, 'Clopper-Pearson on 2 identities (all values equal)')
    """
    values, clusters = _present(values, clusters)
    if not np.isin(values, (0.0, 1.0)).all():
        raise ValueError("values must be 0, 1 or NaN; use cluster_bootstrap_mean for others")
    n, successes = len(values), int(values.sum())
    identities = len(np.unique(clusters))
    if n == 0:
        return no_interval("no values")
    if identities == n:
        return wilson(successes, n, level)
    if successes in (0, n):
        exact = clopper_pearson(identities if successes else 0, identities, level)
        method = f"{exact.method} on {identities} identities (all values equal)"
        return Interval(exact.low, exact.high, method)
    return cluster_bootstrap_mean(values, clusters, replicates=replicates, level=level, seed=seed)


def cluster_bootstrap_mean(
    values: Values,
    clusters: Identities,
    *,
    replicates: int = 2000,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """BCa interval of a mean, identities being drawn with replacement.

    An identity brings all its values or none. The percentiles are corrected for bias and
    acceleration (Efron, JASA 82, 1987) and widened from the normal to the t distribution, since
    resamples of few identities vary too little (Hesterberg, The American Statistician 69, 2015).
    In simulations of rates over unequal clusters, plain percentiles held the truth in 90 to 94 of
    100 cases with 15 to 100 identities, these in 94 to 96; with a rate of .95 both fall short by
    two more. Equal values give an interval of length zero.

    Parameters
    ----------
    values
        Numbers or NaN, shape (n,); NaN is left out.
    clusters
        Integers, shape (n,): identity that each value belongs to.
    replicates
        Number of resamples, from 1.
    level
        Confidence in (0, 1).
    seed
        Of the draws; equal seeds give equal intervals.

    Returns
    -------
    Interval
        Within the range of the values; NaN for fewer than two identities.

    Raises
    ------
    ValueError
        If shapes differ, a value is infinite, or `replicates` or `level` is impossible.

    Examples
    --------
    >>> interval = cluster_bootstrap_mean(np.array([1, 1, 0, 0]), np.array([5, 5, 6, 6]))
    >>> interval.low, interval.high, interval.method
    (0.0, 1.0, 'bootstrap of 2 identities')
    """
    values, clusters = _present(values, clusters)
    _, member = np.unique(clusters, return_inverse=True)
    counts = np.bincount(member)
    sums = np.bincount(member, weights=values)
    if not np.isfinite(sums).all():
        raise ValueError("a value is infinite")

    def means(weights: Weights) -> npt.NDArray[np.float64]:
        mean: npt.NDArray[np.float64] = (weights @ sums) / (weights @ counts)
        return mean[:, np.newaxis]

    if len(counts) < 2:
        return _resample(means, len(counts), 1, replicates, level, seed)[0]
    total, n = sums.sum(), counts.sum()
    without = (total - sums) / (n - counts)
    leaning = without.mean() - without
    size = float((leaning**2).sum()) ** 1.5
    return _resample(
        means,
        len(counts),
        1,
        replicates,
        level,
        seed,
        estimate=float(total / n),
        acceleration=float((leaning**3).sum()) / (6 * size) if size > 0 else 0.0,
    )[0]


def cluster_bootstrap(
    statistic: Callable[[Weights], Sequence[float]],
    identities: int,
    *,
    replicates: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """Percentile intervals of any statistics of weighted identities.

    The percentiles are widened as in `cluster_bootstrap_mean`, but not corrected for bias.

    Parameters
    ----------
    statistic
        Called with how often each identity was drawn: int64, shape (identities,), sum
        `identities`. Returns one number for each statistic, NaN where the draw does not give it;
        such draws are left out of that statistic's interval.
    identities
        How many there are.
    replicates, level, seed
        As for `cluster_bootstrap_mean`.

    Returns
    -------
    tuple of Interval
        One for each statistic; NaN for fewer than two identities.

    Raises
    ------
    ValueError
        If `replicates` or `level` is impossible.

    Examples
    --------
    >>> value = np.array([0.0, 1.0])
    >>> (mean,) = cluster_bootstrap(lambda drawn: [drawn @ value / drawn.sum()], 2)
    >>> mean.low, mean.high
    (0.0, 1.0)
    """
    width = len(statistic(np.ones(identities, np.int64)))

    def one_by_one(weights: Weights) -> npt.NDArray[np.float64]:
        return np.array([statistic(drawn) for drawn in weights], np.float64)

    return _resample(one_by_one, identities, width, replicates, level, seed)


def cluster_bootstrap_together(
    statistic: Callable[[Weights], npt.NDArray[np.float64]],
    identities: int,
    *,
    replicates: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """`cluster_bootstrap` of one statistic that is computed for many draws at a time.

    Parameters
    ----------
    statistic
        Called with int64, shape (draws, identities); returns float64, shape (draws,).
    identities, replicates, level, seed
        As for `cluster_bootstrap`; equal seeds give the same draws.

    Raises
    ------
    ValueError
        If `replicates` or `level` is impossible.

    Examples
    --------
    >>> value = np.array([0.0, 1.0])
    >>> mean = cluster_bootstrap_together(lambda drawn: drawn @ value / drawn.sum(axis=1), 2)
    >>> mean.low, mean.high
    (0.0, 1.0)
    """

    def column(weights: Weights) -> npt.NDArray[np.float64]:
        return statistic(weights)[:, np.newaxis]

    return _resample(column, identities, 1, replicates, level, seed)[0]


def _resample(
    statistics: Callable[[Weights], npt.NDArray[np.float64]],
    identities: int,
    width: int,
    replicates: int,
    level: float,
    seed: int,
    *,
    estimate: float | None = None,
    acceleration: float = 0.0,
) -> tuple[Interval, ...]:
    check_level(level)
    if replicates < 1:
        raise ValueError(f"a bootstrap needs at least 1 replicate, not {replicates}")
    if identities < 2:
        return (no_interval("bootstrap: needs two identities"),) * width
    rng = np.random.default_rng(seed)
    even = np.full(identities, 1 / identities)
    step = max(1, _BLOCK // identities)
    parts = []
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        parts.append(statistics(rng.multinomial(identities, even, size=size)))
    found = np.concatenate(parts)
    intervals = []
    for column in found.T:
        given = column[~np.isnan(column)]
        if not given.size:
            intervals.append(no_interval("bootstrap: no replicate gives a value"))
            continue
        low, high = np.quantile(given, _adjusted(given, identities, level, estimate, acceleration))
        intervals.append(Interval(float(low), float(high), f"bootstrap of {identities} identities"))
    return tuple(intervals)


def _adjusted(
    replicates: npt.NDArray[np.float64],
    identities: int,
    level: float,
    estimate: float | None,
    acceleration: float,
) -> tuple[float, float]:
    """Return which quantiles of the replicates bound the interval.

    Without an estimate there is nothing to correct the bias by, and they are only widened.
    """
    from scipy.special import stdtrit

    normal = NormalDist()
    wide = math.sqrt(identities / (identities - 1)) * float(
        stdtrit(identities - 1, (1 + level) / 2)
    )
    bias = 0.0
    if estimate is not None:
        # Equal up to the rounding of sums: the order of the values must not matter.
        equal = np.isclose(replicates, estimate, rtol=1e-12, atol=0)
        below = np.count_nonzero((replicates < estimate) & ~equal)
        share = (below + np.count_nonzero(equal) / 2) / replicates.size
        edge = 0.5 / replicates.size
        bias = normal.inv_cdf(min(max(share, edge), 1 - edge))

    def quantile(z: float) -> float:
        slope = 1 - acceleration * (bias + z)
        # Beyond the pole of the correction the interval reaches the last replicate.
        return normal.cdf(bias + (bias + z) / slope) if slope > 0 else float(z > 0)

    return quantile(-wide), quantile(wide)


def _present(values: Values, clusters: Identities) -> tuple[npt.NDArray[np.float64], Identities]:
    numbers = np.asarray(values, np.float64)
    clusters = np.asarray(clusters)
    if numbers.ndim != 1 or numbers.shape != clusters.shape:
        raise ValueError("values and clusters must have one shape (n,)")
    given = ~np.isnan(numbers)
    return numbers[given], clusters[given]
