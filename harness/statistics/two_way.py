"""Fits and identities as two crossed random factors: variances, degrees of freedom, intervals.

An algorithm that learns gives another result each time it is fitted. What it is worth is the mean
over fits, and that mean is uncertain twice: other identities could have been judged, and other fits
been made. The model is the two-way layout of random effects without replication (Searle, Casella
and McCulloch, Variance Components, 1992, chapter 4)::

    z[i, f] = mean + identity[i] + fit[f] + identity x fit[i, f]

An identity and a fit meet once: z is the identity's share of the metric in that fit, its trials
weighted as the metric weights them. Three mean squares estimate the three variances. The variance
of the mean is a sum of mean squares, and its degrees of freedom are Satterthwaite's (Biometrics
Bulletin 2, 1946).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from harness.statistics.intervals import Interval, check_level, no_interval

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Components:
    """Where the variance of a metric comes from, as standard deviations of the value of one fit.

    With K fits the last two shrink by the root of K; more identities shrink the first two.

    Parameters
    ----------
    identities
        Other identities could have been judged.
    interaction
        Which identities come out well changes from fit to fit.
    fits
        A fit is better or worse as a whole. 0 where the fits differ no more than the interaction
        makes them.
    fits_low, fits_high
        Interval of `fits` at 95 %, from the F distribution.
    f, p
        Ratio of the mean squares of fits and interaction, and the probability of a larger one if
        `fits` were 0; NaN where the interaction is 0.
    """

    identities: float
    interaction: float
    fits: float
    fits_low: float
    fits_high: float
    f: float
    p: float


class MeanSquares(NamedTuple):
    """The analysis of variance of shares, shape (identities, fits), as variances of their mean.

    Parameters
    ----------
    identities, fits, interaction
        Mean squares over the number of shares; `fits` and `interaction` are NaN for a single fit.
    n, k
        Numbers of identities and of fits.
    """

    identities: float
    fits: float
    interaction: float
    n: int
    k: int

    def components(self) -> Components:
        """Return the three variances as they are in one fit."""
        from scipy.stats import f as f_distribution

        if self.k < 2 or self.n < 2:
            return Components(*[math.nan] * 7)
        k, error = self.k, self.interaction
        freedom = self.k - 1, (self.k - 1) * (self.n - 1)
        if error <= 0:
            ratio, p = math.nan, math.nan
            ends = f_distribution.ppf([0.975, 0.025], freedom[0], 1e9)
        else:
            ratio = self.fits / error
            p = float(f_distribution.sf(ratio, *freedom))
            ends = f_distribution.ppf([0.975, 0.025], *freedom)
        low, high = (_root(k * (self.fits / end - error)) for end in ends)
        return Components(
            identities=_root(self.identities - error),
            interaction=_root(k * error),
            fits=_root(k * (self.fits - error)),
            fits_low=low,
            fits_high=high,
            f=ratio,
            p=p,
        )


def mean_squares(shares: Floats) -> MeanSquares:
    """Analyse the variance of shares.

    Parameters
    ----------
    shares
        float64, shape (identities, fits).

    Examples
    --------
    >>> found = mean_squares(np.array([[0.0, 2.0], [4.0, 6.0]]))  # no interaction
    >>> found.identities, found.fits, found.interaction
    (4.0, 1.0, 0.0)
    """
    n, k = shares.shape
    if n < 2:
        return MeanSquares(math.nan, math.nan, math.nan, n, k)
    rows, columns, mean = shares.mean(axis=1), shares.mean(axis=0), shares.mean()
    identities = float(((rows - mean) ** 2).sum()) / (n - 1) / n
    if k < 2:
        return MeanSquares(identities, math.nan, math.nan, n, k)
    rest = shares - rows[:, np.newaxis] - columns + mean
    return MeanSquares(
        identities,
        float(((columns - mean) ** 2).sum()) / (k - 1) / k,
        float((rest**2).sum()) / ((n - 1) * (k - 1)) / (n * k),
        n,
        k,
    )


def widened(
    alone: Interval,
    value: float,
    identities: int,
    fitted: Sequence[MeanSquares],
    level: float,
) -> Interval:
    """Widen an interval from draws of identities alone by what fits as a whole add.

    Either arm gives the variance that the draws see, identities and interaction, by the quantile of
    *t* with one degree of freedom less than identities. To it comes the excess of each mean square
    of fits over that of the interaction, or nothing where there is none: to take that for 0, and
    not for less, errs to the safe side. The new arm is the root of the sum times the quantile of
    *t* with the degrees of freedom of the sum. So the shape that the draws found stays, and without
    an effect of fits the interval does.

    The mean square of two fits is the square of a single number, often small by luck. So there it
    is taken whole, each part is multiplied by its own *t*, that of two fits with one degree of
    freedom, and the squares are added (Banerjee, Sankhya 24, 1962): safe, and long.

    Parameters
    ----------
    alone
        Interval of the mean over fits, or of a difference of means, identities being drawn.
    value
        That mean or difference.
    identities
        Behind it.
    fitted
        Analyses of variance of what was averaged: one; or two of a difference whose fits are not
        paired. Each of two fits or more.
    level
        Confidence of both intervals.

    Examples
    --------
    >>> squares = mean_squares(np.array([[0.0, 2.0], [4.0, 6.0]]))
    >>> found = widened(Interval(3.0, 3.0, ""), 3.0, 2, [squares], 0.95)
    >>> round(found.high - 3, 3)  # fits alone: the root of 1, times t with 1 degree of freedom
    12.706
    """
    from scipy.special import stdtrit

    check_level(level)
    if math.isnan(alone.low) or identities < 2 or any(math.isnan(one.fits) for one in fitted):
        return no_interval(alone.method)
    tail = (1 + level) / 2
    fewest = min(one.k for one in fitted)
    excess = [one for one in fitted if one.fits > one.interaction]
    added = sum(one.fits - one.interaction for one in excess)
    uncertain = sum(
        one.fits**2 / (one.k - 1) + one.interaction**2 / ((one.k - 1) * (one.n - 1))
        for one in excess
    )

    def arm(length: float) -> float:
        if fewest == 2:
            whole = sum(one.fits * float(stdtrit(one.k - 1, tail)) ** 2 for one in fitted)
            return math.hypot(length, math.sqrt(whole))
        seen = (length / float(stdtrit(identities - 1, tail))) ** 2
        if not excess or seen + added == 0:
            return length
        freedom = (seen + added) ** 2 / (seen**2 / (identities - 1) + uncertain)
        return max(length, float(stdtrit(freedom, tail)) * math.sqrt(seen + added))

    return Interval(
        value - arm(max(0.0, value - alone.low)),
        value + arm(max(0.0, alone.high - value)),
        alone.method,
    )


def within(interval: Interval, low: float, high: float) -> Interval:
    """Cut an interval to the values that a metric can have."""
    if math.isnan(interval.low):
        return interval
    return Interval(max(low, interval.low), min(high, interval.high), interval.method)


def _root(variance: float) -> float:
    return math.sqrt(max(0.0, variance))
