"""Validity of log-likelihood-ratios: Cllr, its parts, and ECE.

All take natural-log LLRs, mated and non-mated, floating point, shape (comparisons,); they may be
infinite, as PAV's are. NaN raises `ValueError`. Without mated or without non-mated LLRs a value is
NaN, never 0.0.
"""

from __future__ import annotations

import math

import numpy as np

from harness.metrics.entry import Entry
from harness.statistics.likelihood.pav import Blocks, pool
from harness.statistics.likelihood.scores import Floats, Scores, checked


def cllr(mated: Scores, nonmated: Scores) -> float:
    """Cost of log-likelihood-ratios, in bits (Brummer and du Preez 2006).

    ``1 / (2 ln 2) * (mean over mated of ln(1 + e**-llr) + mean over non-mated of ln(1 + e**llr))``:
    what an LLR costs on average over all decisions at prior odds 1.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        From 0 (certain and right); 1 when every LLR is 0; infinite when an infinite LLR is on the
        wrong side; NaN when either set is empty.

    Raises
    ------
    ValueError
        If an LLR is NaN.

    Examples
    --------
    >>> round(cllr(np.log([3.0]), np.log([1 / 3])), 6)  # log2(4/3)
    0.415037
    """
    return float(ece(mated, nonmated, np.zeros(1))[0])


def cllr_min(mated: Scores, nonmated: Scores) -> float:
    """Cllr after PAV, which no rising transform of the scores can better: discrimination alone.

    Tied scores are pooled before PAV. Its infinite LLRs are right by construction and cost nothing,
    so no comparisons are added here.

    Parameters
    ----------
    mated, nonmated
        LLRs, or scores of any scale: floating point, shape (comparisons,), as the head of this
        file states.

    Returns
    -------
    float
        In [0, 1], never above `cllr` of the same LLRs; 0 when all mated ones are higher; 1 when
        all are equal; NaN when either set is empty.

    Raises
    ------
    ValueError
        If a value is NaN.

    Examples
    --------
    >>> cllr_min(np.array([1.0, 3.0]), np.array([0.0, 1.0]))  # 0 and 3 are free, 1 is even: 1/2
    0.5
    """
    if not len(mated) or not len(nonmated):
        return math.nan
    return cost_of_blocks(pool(mated, nonmated))


def cllr_cal(mated: Scores, nonmated: Scores) -> float:
    """Calibration loss, ``cllr - cllr_min``: what better calibration could still gain.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, floating point, shape (comparisons,), as the head of this file states.

    Returns
    -------
    float
        At least 0, but for rounding; NaN when either set is empty.

    Raises
    ------
    ValueError
        If an LLR is NaN.

    Examples
    --------
    >>> round(cllr_cal(np.log([3.0]), np.log([1 / 3])), 6)  # perfectly separated: all of Cllr
    0.415037
    """
    return cllr(mated, nonmated) - cllr_min(mated, nonmated)


def cost_of_blocks(blocks: Blocks) -> float:
    """Cllr of PAV's own LLRs, from the counts of its blocks.

    Parameters
    ----------
    blocks
        As `harness.statistics.likelihood.pav.pool` gives without misleading comparisons.
    """
    # A block without comparisons of one kind costs the other kind nothing; 0 * inf would be NaN.
    with np.errstate(invalid="ignore"):
        mated = np.where(blocks.mated > 0, blocks.mated * np.logaddexp(0, -blocks.llr), 0.0)
        nonmated = np.where(blocks.nonmated > 0, blocks.nonmated * np.logaddexp(0, blocks.llr), 0.0)
    cost = mated.sum() / blocks.mated.sum() + nonmated.sum() / blocks.nonmated.sum()
    return float(cost / (2 * math.log(2)))


def after_pav(mated: Scores, nonmated: Scores) -> tuple[Floats, Floats]:
    """PAV's LLR of each comparison it was fitted on: what ideal calibration would have given.

    Parameters
    ----------
    mated, nonmated
        LLRs or scores, floating point, shape (comparisons,), neither empty.

    Returns
    -------
    tuple of arrays
        float64, shapes and order of `mated` and `nonmated`; infinite where PAV is.

    Raises
    ------
    ValueError
        If a value is NaN or a set is empty.

    Examples
    --------
    >>> mated, nonmated = after_pav(np.array([9.0, 5.0]), np.array([5.0]))
    >>> mated.round(6).tolist(), nonmated.round(6).tolist()  # (1/2) / (1/1)
    ([inf, -0.693147], [-0.693147])
    """
    blocks = pool(mated, nonmated)
    return blocks.at(checked(mated)), blocks.at(checked(nonmated))


def ece(mated: Scores, nonmated: Scores, log_prior_odds: Scores) -> Floats:
    """Empirical cross-entropy, in bits: the mean cost of posteriors, by prior odds.

    ``P * mean over mated of log2(1 + 1 / (LR * O)) + (1 - P) * mean over non-mated of
    log2(1 + LR * O)`` with prior odds O and ``P = O / (1 + O)`` (Ramos and Gonzalez-Rodriguez,
    "Reliable support: measuring calibration of likelihood ratios", Forensic Science International
    230, 2013). At O = 1 it is Cllr. LLRs that are all 0 give the entropy of the prior.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, floating point, shape (comparisons,), as the head of this file states.
    log_prior_odds
        Floating point, shape (odds,): natural logarithm of the odds before the comparison that it
        is mated; finite.

    Returns
    -------
    ndarray
        float64, shape (odds,), at least 0; NaN when either set is empty.

    Raises
    ------
    ValueError
        If an LLR is NaN, or a logarithm of odds is not finite.

    Examples
    --------
    >>> none = np.zeros(1)
    >>> ece(none, none, np.log([1.0, 1 / 3])).round(6).tolist()  # the entropy of 1/4 : 3/4
    [1.0, 0.811278]
    """
    mated, nonmated = checked(mated), checked(nonmated)
    odds = np.asarray(log_prior_odds, np.float64)
    if not np.isfinite(odds).all():
        raise ValueError("prior odds must be above 0 and finite: otherwise nothing is in doubt")
    if not mated.size or not nonmated.size:
        return np.full(odds.shape, math.nan)
    found = np.empty(odds.shape)
    for i, log_odds in enumerate(odds):  # one at a time: memory stays that of the LLRs
        prior = 0.5 * (1 + math.tanh(log_odds / 2))
        found[i] = prior * np.logaddexp(0, -(mated + log_odds)).mean()
        found[i] += (1 - prior) * np.logaddexp(0, nonmated + log_odds).mean()
    return found / math.log(2)


ENTRIES = {
    "cllr": Entry(cllr, "Cost of likelihood ratios (Cllr)", better="lower", span=math.inf),
    "cllr-min": Entry(
        cllr_min, "Cllr after ideal calibration (Cllr-min)", better="lower", span=math.inf
    ),
    "cllr-cal": Entry(cllr_cal, "Calibration loss (Cllr-cal)", better="lower", span=math.inf),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
