"""Uncertainty: intervals for proportions, resampling of identities, and the band of chance.

Comparisons that share an identity are not independent: intervals that take them to be so are far
too narrow. So whole identities are resampled (Bolle, Ratha and Pankanti, "Error analysis of
pattern recognition systems: the subsets bootstrap", 2004). An interval that the data cannot give is
(NaN, NaN), and `Interval.method` says how every other came about.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.verification import error_curve, errors_allowed

Values: TypeAlias = npt.NDArray[Any]
Identities: TypeAlias = npt.NDArray[np.integer[Any]]
Weights: TypeAlias = npt.NDArray[np.int64]

_BLOCK = 1 << 21  # weights drawn at once: 16 MB whatever the number of replicates


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
        return _none("Wilson: no trials")
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
        return _none("Clopper-Pearson: no trials")
    tail = (1 - level) / 2
    low = betaincinv(successes, n - successes + 1, tail) if successes else 0.0
    high = betaincinv(successes + 1, n - successes, 1 - tail) if successes < n else 1.0
    return Interval(float(low), float(high), "Clopper-Pearson")


def rule_of_three(n: int) -> float:
    """Upper 95 % bound of an error rate when n independent trials showed no error: ``3 / n``.

    Parameters
    ----------
    n
        Number of independent trials: identities, where trials share them.

    Returns
    -------
    float
        In (0, 1]; NaN without trials.

    Examples
    --------
    >>> rule_of_three(300), rule_of_three(2)
    (0.01, 1.0)
    """
    return min(1.0, 3 / n) if n > 0 else math.nan


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
        return _none("no values")
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
    """Percentile interval of a mean, identities being drawn with replacement.

    An identity brings all its values or none. Equal values give an interval of length zero.

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

    return _resample(means, len(counts), 1, replicates, level, seed)[0]


def cluster_bootstrap(
    statistic: Callable[[Weights], Sequence[float]],
    identities: int,
    *,
    replicates: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[Interval, ...]:
    """Percentile intervals of any statistics of weighted identities.

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


class RateIntervals(NamedTuple):
    """Intervals of the EER, and of the FNMR at each FMR that was asked for."""

    eer: Interval
    fnmr: dict[float, Interval]


def bootstrap_eer_fnmr(
    mated: Values,
    mated_cluster: Identities,
    nonmated: Values,
    nonmated_probe_cluster: Identities,
    nonmated_reference_cluster: Identities,
    fmrs: Sequence[float],
    replicates: int = 500,
    seed: int = 0,
    *,
    level: float = 0.95,
) -> RateIntervals:
    """Intervals of `verification.eer` and `verification.fnmr_at_fmr` by resampling identities.

    A non-mated comparison joins two identities and counts as often as the product of how often
    they were drawn; a comparison within one identity as often as it was drawn. Scores are sorted
    once. Each replicate is the exact metric of the resampled comparisons, ties and all.

    Parameters
    ----------
    mated
        Scores, shape (m,); ``-inf`` is a failure, as in `harness.metrics.verification`.
    mated_cluster
        Integers, shape (m,): identity of each mated comparison.
    nonmated
        Scores, shape (n,).
    nonmated_probe_cluster, nonmated_reference_cluster
        Integers, shape (n,): the identities that each comparison joins, numbered as in
        `mated_cluster`.
    fmrs
        False match rates in [0, 1].
    replicates, seed, level
        As for `cluster_bootstrap_mean`.

    Returns
    -------
    RateIntervals
        NaN for fewer than two identities among the mated, or without non-mated comparisons.

    Raises
    ------
    ValueError
        If shapes differ, a score is NaN or a mated one ``+inf``, or an FMR is outside [0, 1].

    Examples
    --------
    >>> scores, tattoo = np.array([0.9, 0.8, 0.2]), np.array([1, 2, 3])
    >>> others, one, two = np.array([0.3, 0.1, 0.1]), np.array([1, 1, 2]), np.array([2, 3, 3])
    >>> found = bootstrap_eer_fnmr(scores, tattoo, others, one, two, [0.0])
    >>> found.fnmr[0.0].low, found.fnmr[0.0].high  # 0.2 is below 0.3 when all three are drawn
    (0.0, 0.3333333333333333)
    """
    resampled = _Resampled(
        mated, mated_cluster, nonmated, nonmated_probe_cluster, nonmated_reference_cluster
    )
    for fmr in fmrs:
        errors_allowed(1, fmr)  # refuses an impossible rate before any work is done

    def statistic(drawn: Weights) -> list[float]:
        resampled.draw(drawn)
        return [resampled.eer(), *(resampled.fnmr_at_fmr(fmr) for fmr in fmrs)]

    if len(np.unique(mated_cluster)) < 2 or not len(nonmated):
        missing = _none("bootstrap: needs two identities and non-mated comparisons")
        return RateIntervals(missing, dict.fromkeys(fmrs, missing))
    eer, *fnmr = cluster_bootstrap(
        statistic, resampled.identities, replicates=replicates, level=level, seed=seed
    )
    return RateIntervals(eer, dict(zip(fmrs, fnmr, strict=True)))


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
    _check_level(level)
    p = np.asarray(p, np.float64)
    if not np.all((p >= 0) & (p <= 1)):
        raise ValueError("probabilities must lie in [0, 1]")
    if not p.size:
        return math.nan, math.nan
    # Similar probabilities side by side keep the parts narrow, and so the convolutions short.
    lowest, pmf = _sum_of_trials(np.sort(p))
    tail = (1 - level) / 2
    low = lowest + int(np.argmax(np.cumsum(pmf) > tail))
    high = lowest + len(pmf) - 1 - int(np.argmax(np.cumsum(pmf[::-1]) > tail))
    return low / p.size, high / p.size


class _Resampled:
    """Comparisons sorted once, and the counts of errors under one draw of identities."""

    def __init__(
        self,
        mated: Values,
        mated_cluster: Identities,
        nonmated: Values,
        probe: Identities,
        reference: Identities,
    ) -> None:
        if len(mated) != len(mated_cluster) or not len(nonmated) == len(probe) == len(reference):
            raise ValueError("every comparison needs the identities that it joins")
        self._threshold = error_curve(mated, nonmated).threshold
        labels, member = np.unique(
            np.concatenate([mated_cluster, probe, reference]), return_inverse=True
        )
        self.identities = len(labels)
        m, n = len(mated), len(nonmated)
        by_mated, by_nonmated = np.argsort(mated), np.argsort(nonmated)
        mated, nonmated = mated[by_mated], nonmated[by_nonmated]
        self._of_mated = member[:m][by_mated]
        self._probe = member[m : m + n][by_nonmated]
        other = member[m + n :][by_nonmated]
        # Within one identity the weight is not squared: the second factor is a constant 1.
        self._reference = np.where(other == self._probe, self.identities, other)
        self._mated_below = np.searchsorted(mated, self._threshold, side="left")
        self._nonmated_below = np.searchsorted(nonmated, self._threshold, side="left")
        self._mated_up_to = np.searchsorted(mated, nonmated, side="right")
        self._failed = int(np.count_nonzero(mated == -np.inf))

    def draw(self, drawn: Weights) -> None:
        """Set how often every identity counts; sums are whole numbers, so nothing is rounded."""
        extended = np.append(drawn, 1)
        self._mated = np.append(0, np.cumsum(drawn[self._of_mated]))
        weights = extended[self._probe] * extended[self._reference]
        self._nonmated = np.append(0, np.cumsum(weights))
        self._m, self._n = int(self._mated[-1]), int(self._nonmated[-1])

    def eer(self) -> float:
        if not self._m or not self._n:
            return math.nan
        points = range(len(self._threshold))
        after = bisect.bisect_left(points, True, key=lambda i: self._excess(i) <= 0)
        if after == 0:
            return self._errors(0)[1] / self._m
        above, below = self._excess(after - 1), -self._excess(after)
        x0, x1 = self._errors(after - 1)[0], self._errors(after)[0]
        return (x0 * below + x1 * above) / ((above + below) * self._n)

    def fnmr_at_fmr(self, fmr: float) -> float:
        if not self._m or not self._n:
            return math.nan
        allowed = errors_allowed(self._n, fmr)
        # The first place at which no more than the allowed comparisons lie above.
        place = int(np.searchsorted(self._nonmated, self._n - allowed, side="left"))
        refused = self._mated_up_to[place - 1] if place else self._failed
        return int(self._mated[refused]) / self._m

    def _errors(self, point: int) -> tuple[int, int]:
        false_matches = self._n - int(self._nonmated[self._nonmated_below[point]])
        return false_matches, int(self._mated[self._mated_below[point]])

    def _excess(self, point: int) -> int:
        """FMR - FNMR in units of one over both totals."""
        false_matches, false_nonmatches = self._errors(point)
        return false_matches * self._m - false_nonmatches * self._n


def _resample(
    statistics: Callable[[Weights], npt.NDArray[np.float64]],
    identities: int,
    width: int,
    replicates: int,
    level: float,
    seed: int,
) -> tuple[Interval, ...]:
    _check_level(level)
    if replicates < 1:
        raise ValueError(f"a bootstrap needs at least 1 replicate, not {replicates}")
    if identities < 2:
        return (_none("bootstrap: needs two identities"),) * width
    rng = np.random.default_rng(seed)
    even = np.full(identities, 1 / identities)
    step = max(1, _BLOCK // identities)
    parts = []
    for start in range(0, replicates, step):
        size = min(step, replicates - start)
        parts.append(statistics(rng.multinomial(identities, even, size=size)))
    found = np.concatenate(parts)
    tail = (1 - level) / 2
    intervals = []
    for column in found.T:
        given = column[~np.isnan(column)]
        if not given.size:
            intervals.append(_none("bootstrap: no replicate gives a value"))
            continue
        low, high = np.quantile(given, [tail, 1 - tail])
        intervals.append(Interval(float(low), float(high), f"bootstrap of {identities} identities"))
    return tuple(intervals)


def _sum_of_trials(p: npt.NDArray[np.float64]) -> tuple[int, npt.NDArray[np.float64]]:
    """Lowest sum worth keeping, and the probabilities from there on."""
    if p.size == 1:
        return 0, np.array([1 - p[0], p[0]])
    half = p.size // 2
    (low1, pmf1), (low2, pmf2) = _sum_of_trials(p[:half]), _sum_of_trials(p[half:])
    pmf = np.convolve(pmf1, pmf2)
    # What is dropped is beyond the precision of any sum, and its absence keeps large n fast.
    kept = np.flatnonzero(pmf > 1e-30)
    return low1 + low2 + int(kept[0]), pmf[kept[0] : kept[-1] + 1]


def _present(values: Values, clusters: Identities) -> tuple[npt.NDArray[np.float64], Identities]:
    numbers = np.asarray(values, np.float64)
    clusters = np.asarray(clusters)
    if numbers.ndim != 1 or numbers.shape != clusters.shape:
        raise ValueError("values and clusters must have one shape (n,)")
    given = ~np.isnan(numbers)
    return numbers[given], clusters[given]


def _check_counts(successes: int, n: int, level: float) -> None:
    _check_level(level)
    if not 0 <= successes <= n:
        raise ValueError(f"{successes} successes in {n} trials are impossible")


def _check_level(level: float) -> None:
    if not 0 < level < 1:
        raise ValueError(f"a level of confidence lies in (0, 1), not {level}")


def _none(method: str) -> Interval:
    return Interval(math.nan, math.nan, method)
