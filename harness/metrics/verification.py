"""Verification (1:1 comparison): error curves, EER, FNMR at a given FMR, AUC and d-prime.

Everywhere in this file, after ISO/IEC 19795-1:

* A comparison is a match when ``score >= threshold``. FMR is the share of non-mated comparisons
  that match, FNMR the share of mated comparisons that do not.
* Failures are scores, so that none is left out: ``-inf`` is a non-match at every threshold;
  ``+inf``, allowed among the non-mated only, is a match at every threshold.
* Scores are floating point, shape (comparisons,). NaN, or ``+inf`` among the mated, raises
  `ValueError`. Without mated or without non-mated scores a rate is NaN, never 0.0.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import FMR, Entry

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Counts: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ErrorCurve:
    """FMR and FNMR at every threshold where they change: the points of a DET or ROC plot.

    Parameters
    ----------
    threshold
        float64, shape (points,), rising: every distinct finite score, then ``+inf``.
    fmr
        float64, shape (points,), in [0, 1], never rising.
    fnmr
        float64, shape (points,), in [0, 1], never falling.
    """

    threshold: npt.NDArray[np.float64]
    fmr: npt.NDArray[np.float64]
    fnmr: npt.NDArray[np.float64]

    def thinned(self, points: int) -> ErrorCurve:
        """Leave out points that a plot cannot show.

        The path is cut into pieces of equal length on logit axes, which are near a DET's own, and
        the first and last point of each piece stay. What stays is exact, every jump longer than a
        piece is kept whole, and a point left out is at most one piece from a point that stays.

        Parameters
        ----------
        points
            How many may stay, from 4.

        Raises
        ------
        ValueError
            If `points` is below 4.

        Examples
        --------
        >>> curve = error_curve(np.arange(1000.0), np.arange(1000.0) - 500)
        >>> len(curve.threshold), len(curve.thinned(100).threshold) <= 100
        (1501, True)
        """
        if points < 4:
            raise ValueError(f"a curve needs at least 4 points, not {points}")
        if len(self.threshold) <= points:
            return self
        path = np.concatenate([[0.0], np.cumsum(_logit_steps(self.fmr) + _logit_steps(self.fnmr))])
        pieces = points // 2
        piece = np.minimum((path * (pieces / path[-1])).astype(np.int64), pieces - 1)
        change = np.diff(piece) > 0
        stays = np.concatenate([[True], change]) | np.concatenate([change, [True]])
        return ErrorCurve(self.threshold[stays], self.fmr[stays], self.fnmr[stays])


def error_curve(mated: Scores, nonmated: Scores) -> ErrorCurve:
    """All distinct operating points, from the lowest score to a threshold above all scores.

    Tied scores cross a threshold together, so they give one point.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    ErrorCurve
        One point for each distinct finite score and one at ``+inf``. The first is (FMR 1, FNMR 0)
        and the last (FMR 0, FNMR 1), but for failures.

    Raises
    ------
    ValueError
        If a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> curve = error_curve(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    >>> for point in zip(curve.threshold, curve.fmr, curve.fnmr):
    ...     print(*point)
    1.0 1.0 0.0
    2.0 0.5 0.0
    3.0 0.0 0.5
    inf 0.0 1.0
    """
    threshold, false_matches, false_nonmatches = _operating_points(mated, nonmated)
    return ErrorCurve(
        threshold,
        _rates(false_matches, len(nonmated)),
        _rates(false_nonmatches, len(mated)),
    )


@dataclass(frozen=True)
class Rates:
    """EER and FNMRs of one set of scores.

    Parameters
    ----------
    eer
        As of `eer`.
    fnmr
        By FMR, as of `fnmr_at_fmr`.
    """

    eer: float
    fnmr: dict[float, float]


def rates(mated: Scores, nonmated: Scores, fmrs: Iterable[float] = ()) -> Rates:
    """`eer`, and `fnmr_at_fmr` at any number of FMRs, in little more than one look at the scores.

    Non-mated scores are many and few of them decide. A sample says which; of the others it is
    counted how many lie above. Where the counts show that the sample was wrong, all are taken, so
    it has no influence on a result.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.
    fmrs
        In [0, 1].

    Returns
    -------
    Rates
        NaN throughout when either set is empty.

    Raises
    ------
    ValueError
        If an FMR is outside [0, 1], or a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> found = rates(np.array([0.3, 0.35, 0.5]), np.array([0.1, 0.2, 0.3, 0.4]), [0.25, 0.0])
    >>> found.eer, found.fnmr
    (0.2857142857142857, {0.25: 0.3333333333333333, 0.0: 0.6666666666666666})
    """
    mated, nonmated = _checked(mated, nonmated)
    allowed = {fmr: errors_allowed(nonmated.size, fmr) for fmr in fmrs}
    if not mated.size or not nonmated.size:
        return Rates(float("nan"), dict.fromkeys(allowed, float("nan")))
    rising = np.sort(mated)
    sample = np.sort(nonmated[:: max(1, nonmated.size // _SAMPLE)])[::-1]
    low, high = _crossing_bounds(rising, sample)
    places = sorted({k for k in allowed.values() if k < nonmated.size})
    floor = min(low, _bound(sample, (places[-1] + 1) / nonmated.size if places else 0.0))
    upper = np.concatenate(
        [part[part >= floor] for part in np.split(nonmated, range(_PART, nonmated.size, _PART))]
    )
    found = _crossing_within(rising, upper, nonmated.size, low, high)
    if math.isnan(found) or (places and upper.size <= places[-1]):
        upper = nonmated
        found = _crossing_within(rising, upper, nonmated.size, *_ALL)
    places = [upper.size - 1 - k for k in places]
    ordered = np.partition(upper, places) if places else upper
    fnmr = {}
    for fmr, k in allowed.items():
        bar = ordered[upper.size - 1 - k] if k < nonmated.size else -np.inf
        fnmr[fmr] = float(np.searchsorted(rising, bar, side="right") / rising.size)
    return Rates(found, fnmr)


def eer(mated: Scores, nonmated: Scores) -> float:
    """Equal error rate: linear interpolation of the DET, on linear axes, at FMR = FNMR.

    Adjacent operating points of `error_curve` are joined by straight lines, and the value is that
    of the line which crosses FMR = FNMR. Other definitions give other values on small or tied sets
    (see `eer_convex_hull`), so an EER never ranks a board. When failures keep FNMR above FMR at
    every threshold, the curve is continued at its lowest FNMR, which then is the value.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        In [0, 1]; 0.5 when all scores are equal; 1.0 when every mated comparison failed; NaN when
        either set is empty.

    Raises
    ------
    ValueError
        If a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> eer(np.array([1.0, 2.0, 3.0, 4.0]), np.array([0.0, 0.0, 0.0, 1.0]))  # (1/4, 0)-(0, 1/4)
    0.125
    >>> eer(np.array([7.0, 7.0]), np.array([7.0]))
    0.5
    """
    return rates(mated, nonmated).eer


def eer_convex_hull(mated: Scores, nonmated: Scores) -> float:
    """Equal error rate of the convex hull of the ROC (ROCCH): never above `eer`.

    The value an ideal monotone recalibration of the scores would have (Brummer and de Villiers,
    The BOSARIS Toolkit, 2011). The one edge of the hull that crosses FMR = FNMR is found, in exact
    integers, by replacing an end of a chord with the point farthest below it until none is.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        In [0, 1]; at most 0.5 without failures; NaN when either set is empty.

    Raises
    ------
    ValueError
        If a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> eer_convex_hull(np.array([0.0, 2.0]), np.array([1.0, 1.0]))  # on the edge (1, 0)-(0, 1/2)
    0.3333333333333333
    """
    _, x, y = _operating_points(mated, nonmated)
    return hull_rate(x, y, len(mated), len(nonmated))


def hull_rate(false_matches: Counts, false_nonmatches: Counts, m: int, n: int) -> float:
    """Rate at which the convex hull of operating points crosses FMR = FNMR.

    Parameters
    ----------
    false_matches, false_nonmatches
        int64, shape (points,), by rising threshold, the last point with no false match.
    m, n
        Numbers of mated and of non-mated comparisons.

    Returns
    -------
    float
        In [0, 1]; NaN without mated or without non-mated comparisons.

    Examples
    --------
    >>> hull_rate(np.array([2, 2, 0]), np.array([0, 1, 1]), m=2, n=2)  # (1, 0)-(0, 1/2)
    0.3333333333333333
    """
    one = np.newaxis
    return float(
        hull_rates(false_matches[one], false_nonmatches[one], np.array([m]), np.array([n]))[0]
    )


def hull_rates(false_matches: Counts, false_nonmatches: Counts, m: Counts, n: Counts) -> Floats:
    """`hull_rate` of many sets of operating points.

    Parameters
    ----------
    false_matches, false_nonmatches
        int64, shape (sets, points), as for `hull_rate`.
    m, n
        int64, shape (sets,).

    Returns
    -------
    numpy.ndarray
        float64, shape (sets,), in [0, 1]; NaN as for `hull_rate`.

    Examples
    --------
    >>> hull_rates(np.array([[2, 2, 0]]), np.array([[0, 1, 1]]), np.array([2]), np.array([2]))
    array([0.33333333])
    """
    x = np.concatenate([n[:, np.newaxis], false_matches], axis=1)
    y = np.concatenate([false_nonmatches[:, :1], false_nonmatches], axis=1)
    known = np.flatnonzero((m > 0) & (n > 0))
    left, right = np.zeros(len(x), np.int64), np.full(len(x), x.shape[1] - 1)
    turning = known
    while turning.size:
        # All sets cross near one place, so that ever fewer points are looked at.
        start, end = left[turning], right[turning]
        first, last = int(start.min()), int(end.max()) + 1
        x0, y0 = x[turning, start], y[turning, start]
        dx, dy = x[turning, end] - x0, y[turning, end] - y0
        below = dx[:, np.newaxis] * (y[turning, first:last] - y0[:, np.newaxis])
        below -= dy[:, np.newaxis] * (x[turning, first:last] - x0[:, np.newaxis])
        place = np.arange(first, last)
        below[(place < start[:, np.newaxis]) | (place > end[:, np.newaxis])] = 0
        farthest = first + np.argmax(below, axis=1)
        further = below[np.arange(turning.size), farthest - first] > 0
        turning, farthest = turning[further], farthest[further]
        beyond = x[turning, farthest] * m[turning] > y[turning, farthest] * n[turning]
        left[turning[beyond]] = farthest[beyond]
        right[turning[~beyond]] = farthest[~beyond]
    found = np.full(len(x), np.nan)
    start, end = left[known], right[known]
    found[known] = between(
        *(x[known, start], y[known, start]), *(x[known, end], y[known, end]), m[known], n[known]
    )
    return found


def between(x0: Counts, y0: Counts, x1: Counts, y1: Counts, m: Counts, n: Counts) -> Floats:
    """Rates at which lines between two operating points cross FMR = FNMR.

    Parameters
    ----------
    x0, y0
        False matches and false non-matches at one end, int64, shape (lines,); where FMR is no
        higher than FNMR there, the rate is this FNMR.
    x1, y1
        The same at the other end, where FMR <= FNMR: int64, shape (lines,).
    m, n
        Numbers of mated and of non-mated comparisons, from 1: int64, shape (lines,).

    Returns
    -------
    numpy.ndarray
        float64, shape (lines,), in [0, 1].

    Examples
    --------
    >>> two, none = np.array([2, 0]), np.array([0, 2])
    >>> between(two, none, np.array([0, 0]), np.array([1, 2]), np.array([2, 2]), np.array([4, 4]))
    array([0.25, 1.  ])
    """
    found = []
    # Python's integers cannot overflow, and their quotient is the nearest float.
    for a0, b0, a1, b1, mated, nonmated in zip(
        *(part.tolist() for part in (x0, y0, x1, y1, m, n)), strict=True
    ):
        # FMR - FNMR in units of 1 / (m n): no rounding decides where the sign turns.
        above, below = a0 * mated - b0 * nonmated, b1 * nonmated - a1 * mated
        found.append(
            b0 / mated if above <= 0 else (a0 * below + a1 * above) / ((above + below) * nonmated)
        )
    return np.array(found, np.float64)


def crossing_rate(false_matches: Counts, false_nonmatches: Counts, m: int, n: int) -> float:
    """Rate at which the straight lines between operating points cross FMR = FNMR.

    Parameters
    ----------
    false_matches, false_nonmatches
        int64, shape (points,), by rising threshold. At the last point FMR <= FNMR; where that is
        so at the first already, the value is the first FNMR.
    m, n
        Numbers of mated and of non-mated comparisons, from 1.

    Returns
    -------
    float
        In [0, 1].

    Examples
    --------
    >>> crossing_rate(np.array([2, 0]), np.array([0, 1]), m=2, n=4)  # (1/2, 0)-(0, 1/2)
    0.25
    """
    after = int(np.argmax(false_matches * m <= false_nonmatches * n))
    points = (max(after - 1, 0), after)
    ends = (part[point] for point in points for part in (false_matches, false_nonmatches))
    return float(between(*(np.array([one]) for one in (*ends, m, n)))[0])


def fnmr_at_fmr(mated: Scores, nonmated: Scores, fmr: float) -> float:
    """Lowest FNMR over all thresholds whose FMR is at most `fmr`.

    Exact and without interpolation: the threshold may lie just above a score, and tied non-mated
    scores are let in together or not at all.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.
    fmr
        In [0, 1]; 0 asks for no false match at all. See `fmr_supported`.

    Returns
    -------
    float
        In [0, 1]; NaN when either set is empty.

    Raises
    ------
    ValueError
        If `fmr` is outside [0, 1], or a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> nonmated = np.array([0.1, 0.2, 0.3, 0.4])
    >>> fnmr_at_fmr(np.array([0.3, 0.35, 0.5]), nonmated, 0.25)  # one false match: 0.3 is not met
    0.3333333333333333
    """
    return rates(mated, nonmated, (fmr,)).fnmr[fmr]


def score_to_exceed(nonmated: Scores, fmr: float) -> float:
    """Score above which a comparison must lie to match at the lowest threshold with FMR <= `fmr`.

    Parameters
    ----------
    nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.
    fmr
        In [0, 1].

    Returns
    -------
    float
        A non-mated score, or ``-inf`` when all comparisons may match.

    Raises
    ------
    ValueError
        If `fmr` is outside [0, 1].

    Examples
    --------
    >>> score_to_exceed(np.array([0.1, 0.2, 0.3, 0.4]), 0.25)
    0.3
    """
    allowed = errors_allowed(nonmated.size, fmr)
    if allowed >= nonmated.size:
        return float("-inf")
    place = nonmated.size - 1 - allowed
    return float(np.partition(nonmated, place)[place])


def errors_allowed(comparisons: int, rate: float) -> int:
    """Largest k with ``k / comparisons <= rate``, in the arithmetic in which rates are compared.

    ``floor(rate * comparisons)`` is not it: 0.29 * 100 is 28.999..., and 29 in 100 is 0.29.

    Parameters
    ----------
    comparisons
        Their number.
    rate
        In [0, 1].

    Raises
    ------
    ValueError
        If `rate` is outside [0, 1].

    Examples
    --------
    >>> errors_allowed(100, 0.29), errors_allowed(99, 0.29)
    (29, 28)
    """
    if not 0.0 <= rate <= 1.0:
        raise ValueError(f"an error rate lies in [0, 1], but {rate} was asked for")
    allowed = int(rate * comparisons)
    if not comparisons:
        return 0
    if allowed / comparisons > rate:
        return allowed - 1
    return allowed + 1 if (allowed + 1) / comparisons <= rate else allowed


def fmr_supported(nonmated_count: int, fmr: float) -> bool:
    """Whether there are the ``1 / fmr`` non-mated comparisons that a given FMR needs.

    With fewer, not one false match is allowed and the figure is that of FMR 0.

    Parameters
    ----------
    nonmated_count
        Number of non-mated comparisons.
    fmr
        False match rate in [0, 1].

    Examples
    --------
    >>> fmr_supported(1000, 0.001), fmr_supported(999, 0.001), fmr_supported(1000, 0.0)
    (True, False, False)
    """
    return nonmated_count > 0 and 1.0 / nonmated_count <= fmr


def auc(mated: Scores, nonmated: Scores) -> float:
    """Probability that a mated score exceeds a non-mated one, ties counting one half.

    The area under the ROC and the Mann-Whitney statistic over the number of pairs. A failed mated
    comparison beats nothing, not even a failed non-mated one.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        In [0, 1]; 0.5 when all scores are equal; NaN when either set is empty.

    Raises
    ------
    ValueError
        If a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> auc(np.array([1.0, 2.0]), np.array([0.0, 1.0]))  # 3 wins and a tie in 4 pairs
    0.875
    """
    mated, nonmated = _checked(mated, nonmated)
    if not mated.size or not nonmated.size:
        return float("nan")
    rivals, compared = np.sort(nonmated), mated[mated > -np.inf]
    # Half wins, as integers: two for each score below, one for each score tied.
    halves = np.searchsorted(rivals, compared, "left") + np.searchsorted(rivals, compared, "right")
    return float(int(halves.sum()) / (2 * mated.size * nonmated.size))


def d_prime(mated: Scores, nonmated: Scores) -> float:
    """Distance of the means in units of the pooled standard deviation; negative if reversed.

    ``(mean_mated - mean_nonmated) / sqrt((var_mated + var_nonmated) / 2)`` with variances over n
    (Daugman, "Biometric decision landscapes", 2000). It describes the comparisons that took place:
    failures have no place in a mean, so it never ranks algorithms.

    Parameters
    ----------
    mated, nonmated
        Scores, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        0.0 when all scores are equal; infinite when two different means have no spread; NaN when
        either set has no finite score.

    Raises
    ------
    ValueError
        If a score is NaN, or ``+inf`` among the mated.

    Examples
    --------
    >>> d_prime(np.array([4.0, 6.0]), np.array([1.0, 3.0]))  # means 5 and 2, variances 1
    3.0
    """
    mated, nonmated = _checked(mated, nonmated)
    mated, nonmated = mated[np.isfinite(mated)], nonmated[np.isfinite(nonmated)]
    if not mated.size or not nonmated.size:
        return float("nan")
    distance = float(mated.mean() - nonmated.mean())
    spread = float(np.sqrt((mated.var() + nonmated.var()) / 2))
    if spread:
        return distance / spread
    return float(np.copysign(np.inf, distance)) if distance else 0.0


def _checked(
    mated: Scores, nonmated: Scores
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    m: npt.NDArray[np.float64] = np.asarray(mated, np.float64)
    n: npt.NDArray[np.float64] = np.asarray(nonmated, np.float64)
    if m.ndim != 1 or n.ndim != 1:
        raise ValueError("mated and non-mated scores must have the shape (comparisons,)")
    # The maximum is NaN where any score is: no temporary of the length of the scores is needed.
    if np.isnan(m.max(initial=-np.inf)) or np.isnan(n.max(initial=-np.inf)):
        raise ValueError("a score is NaN: give -inf for a failed comparison")
    if m.max(initial=-np.inf) == np.inf:
        raise ValueError("a mated score is +inf: scores are finite, or -inf for a failure")
    return m, n


_SAMPLE, _PART = 1 << 16, 1 << 18
_ALL = (float(np.finfo(np.float64).min), float(np.finfo(np.float64).max))


def _bound(sample: Scores, rate: float) -> float:
    """Score that more than a share of all scores most probably reach; `sample` falls."""
    errors = 8 * (math.sqrt(rate * (1 - rate) / sample.size) + 1 / sample.size)
    place = math.ceil((rate + errors) * sample.size)
    return float(sample[place]) if place < sample.size else -math.inf


def _crossing_bounds(mated: Scores, sample: Scores) -> tuple[float, float]:
    """Thresholds between which FMR and FNMR most probably cross; `sample` falls."""
    fmr = np.arange(1, sample.size + 1) / sample.size
    excess = fmr - np.searchsorted(mated, sample, side="left") / mated.size
    errors = 8 * (np.sqrt(fmr * (1 - fmr) / sample.size) + 1 / sample.size)
    high = int(np.searchsorted(excess + errors, 0.0)) - 1
    low = int(np.searchsorted(excess - errors, 0.0)) + 1
    return (
        max(float(sample[low]), _ALL[0]) if low < sample.size else _ALL[0],
        min(float(sample[high]), _ALL[1]) if high >= 0 else _ALL[1],
    )


def _crossing_within(mated: Scores, upper: Scores, n: int, low: float, high: float) -> float:
    """EER, or NaN if FMR and FNMR do not cross between two finite thresholds.

    `mated` rises; `upper` holds at least the non-mated scores >= `low`, in any order.
    """
    m = mated.size
    between = np.sort(upper[(upper >= low) & (upper <= high)])
    above = int(np.count_nonzero(upper > high))
    below = int(np.searchsorted(mated, low, side="left"))
    reached = int(np.searchsorted(mated, high, side="right"))
    if low == _ALL[0] and (above + between.size) * m <= below * n:
        return below / m  # failures keep FNMR above FMR
    if (above + between.size) * m <= below * n or above * m > reached * n:
        return float("nan")
    # The sign turns from `low` to just above `high`, so both points beside the turn are known.
    points = np.unique(np.concatenate([between, mated[below:reached]]))
    false_matches = above + between.size - np.searchsorted(between, points, side="left")
    false_nonmatches = np.searchsorted(mated, points, side="left")
    return crossing_rate(
        np.append(false_matches, above), np.append(false_nonmatches, reached), m, n
    )


def _operating_points(
    mated: Scores, nonmated: Scores
) -> tuple[npt.NDArray[np.float64], Counts, Counts]:
    """Thresholds, rising, with the numbers of false matches and of false non-matches."""
    mated, nonmated = (np.sort(scores) for scores in _checked(mated, nonmated))
    # A stable sort merges two sorted runs in one pass.
    scores = np.sort(np.concatenate([mated, nonmated]), kind="stable")
    first = np.append(True, scores[1:] != scores[:-1])[: scores.size]
    threshold = np.append(scores[first & np.isfinite(scores)], np.inf)
    false_matches = nonmated.size - np.searchsorted(nonmated, threshold, side="left")
    false_nonmatches = np.searchsorted(mated, threshold, side="left")
    return threshold, false_matches.astype(np.int64), false_nonmatches.astype(np.int64)


def _rates(errors: Counts, comparisons: int) -> npt.NDArray[np.float64]:
    return errors / comparisons if comparisons else np.full(errors.shape, np.nan)


def _logit_steps(rate: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return `logit_steps`, 0 and 1 taken to lie half a smallest step inside."""
    steps = np.abs(np.diff(rate))
    return logit_steps(rate, min(0.25, float(steps[steps > 0].min(initial=0.5)) / 2))


def logit_steps(rate: npt.NDArray[np.float64], inside: float) -> npt.NDArray[np.float64]:
    """Return the lengths of the steps of a rate on a logit axis.

    Parameters
    ----------
    rate
        float64, shape (points,), in [0, 1].
    inside
        How far 0 and 1 are taken to lie from themselves.

    Returns
    -------
    numpy.ndarray
        float64, shape (points - 1,).
    """
    safe = np.clip(np.nan_to_num(rate), inside, 1 - inside)
    return np.abs(np.diff(np.log(safe / (1 - safe))))


ENTRIES = {
    "eer": Entry(eer, "Equal error rate (EER)", unit="percent", better="lower", guess=0.5),
    "eer-convex-hull": Entry(
        eer_convex_hull, "Equal error rate, convex hull", unit="percent", better="lower", guess=0.5
    ),
    "fnmr": Entry(
        fnmr_at_fmr,
        "False non-match rate (FNMR)",
        unit="percent",
        options=(FMR,),
        better="lower",
        guess=1.0,
    ),
    "auc": Entry(auc, "Area under the ROC curve (AUC)", unit="share", guess=0.5),
    "d-prime": Entry(d_prime, "Distance of the distributions (d′)", span=math.inf),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
