"""Evidence as a reader meets it: Tippett curves, misleading evidence, distance of the PAV plot.

All take natural-log LLRs, mated and non-mated, floating point, shape (comparisons,), as
`harness.statistics.likelihood.validity` does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from harness.metrics.entry import Entry
from harness.statistics.likelihood.pav import pool
from harness.statistics.likelihood.scores import Floats, Scores, checked


class MisleadingRates(NamedTuple):
    """Shares of the LLRs that point to the wrong proposition."""

    mated: float
    nonmated: float


@dataclass(frozen=True, eq=False)
class TippettCurves:
    """Shares of the LLRs that are at least as high as each value.

    Parameters
    ----------
    llr
        float64, shape (points,), rising: every distinct LLR.
    mated, nonmated
        float64, shape (points,), in [0, 1], never rising.
    """

    llr: Floats
    mated: Floats
    nonmated: Floats


def tippett(mated: Scores, nonmated: Scores) -> TippettCurves:
    """Tippett curves: the share of mated and of non-mated LLRs that reach each value.

    An LLR equal to the value has reached it.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, floating point, shape (comparisons,), as the head of this file states.

    Raises
    ------
    ValueError
        If an LLR is NaN.

    Examples
    --------
    >>> curves = tippett(np.array([0.0, 2.0]), np.array([-1.0, 0.0]))
    >>> for point in zip(curves.llr, curves.mated, curves.nonmated):
    ...     print(*point)
    -1.0 1.0 1.0
    0.0 1.0 0.5
    2.0 0.5 0.0
    """
    llr = np.unique(np.concatenate([checked(mated), checked(nonmated)]))

    def share(llrs: Scores) -> Floats:
        of = np.sort(checked(llrs))
        if not of.size:
            return np.full(llr.shape, math.nan)
        reached: Floats = (of.size - np.searchsorted(of, llr, side="left")) / of.size
        return reached

    return TippettCurves(llr, share(mated), share(nonmated))


def misleading_rates(mated: Scores, nonmated: Scores) -> MisleadingRates:
    """Rates of misleading evidence at LR = 1.

    A mated comparison misleads when its LLR is below 0, a non-mated one when it is above. An LLR of
    exactly 0 is neutral and misleads nobody.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    MisleadingRates
        In [0, 1]; NaN for an empty set.

    Raises
    ------
    ValueError
        If an LLR is NaN.

    Examples
    --------
    >>> misleading_rates(np.array([-0.1, 0.0, 2.0, 3.0]), np.array([-1.0, 0.5]))
    MisleadingRates(mated=0.25, nonmated=0.5)
    """
    mated, nonmated = checked(mated), checked(nonmated)
    return MisleadingRates(
        float(np.mean(mated < 0)) if mated.size else math.nan,
        float(np.mean(nonmated > 0)) if nonmated.size else math.nan,
    )


def dev_pav(mated: Scores, nonmated: Scores) -> float:
    """Mean distance, in powers of ten, of the PAV plot from its diagonal.

    Vergeer, van Schaik and Sjerps, "Measuring calibration of likelihood-ratio systems: a comparison
    of four metrics, including a new metric devPAV", Forensic Science International 321, 2021. The
    line through the points (LLR, PAV's LLR) of all distinct LLRs is taken from the first to the
    last that PAV maps to a finite one, and the area between it and the diagonal is divided by its
    width.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        From 0 (perfectly calibrated); NaN where fewer than two distinct LLRs have a finite place in
        the plot, as with perfect separation, or a set is empty.

    Raises
    ------
    ValueError
        If an LLR is NaN.

    Examples
    --------
    >>> llrs = np.log(np.array([0.1, 10.0]))  # both are worth nothing: one power of ten too much,
    >>> round(dev_pav(llrs, llrs), 12)  # at the ends, less between: half of one on the average
    0.5
    """
    if not len(mated) or not len(nonmated):
        return math.nan
    x = np.unique(np.concatenate([checked(mated), checked(nonmated)]))
    y = pool(mated, nonmated).at(x)
    known = np.isfinite(x) & np.isfinite(y)
    x, y = x[known] / math.log(10), y[known] / math.log(10)
    if x.size < 2:
        return math.nan
    one, other = (y - x)[:-1], (y - x)[1:]
    # Where the line crosses the diagonal two triangles take the place of a trapezium.
    size = np.abs(one) + np.abs(other)
    crossing = one * other < 0
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = np.where(crossing, (one * one + other * other) / (2 * size), size / 2)
    return float(np.diff(x) @ mean / (x[-1] - x[0]))


ENTRIES = {
    "dev-pav": Entry(
        dev_pav, "Distance from ideal calibration (devPAV)", better="lower", span=math.inf
    ),
    "misleading-mated": Entry(
        misleading_rates, "Mated comparisons with misleading evidence", better="lower"
    ),
    "misleading-nonmated": Entry(
        misleading_rates, "Non-mated comparisons with misleading evidence", better="lower"
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
