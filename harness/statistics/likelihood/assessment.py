"""The likelihood ratios of a run, judged: every figure with its interval, as plain data to keep."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TypeAlias

import msgspec
import numpy as np

from harness.statistics.bootstrap import choose_interval, cluster_bootstrap
from harness.statistics.estimate import FEW_ERRORS, Estimate
from harness.statistics.intervals import Interval, clopper_pearson, few_errors
from harness.statistics.likelihood.crossfit import FoldScores, Identities, JudgedFold, cross_fit
from harness.statistics.likelihood.evidence import dev_pav, misleading_rates, tippett
from harness.statistics.likelihood.limits import elub
from harness.statistics.likelihood.pav import Blocks, pool
from harness.statistics.likelihood.resampling import Resampled
from harness.statistics.likelihood.scores import Floats
from harness.statistics.likelihood.validity import (
    after_pav,
    cllr,
    cllr_min,
    ece,
)

Column: TypeAlias = list[float]

ECE_LOG10_ODDS = np.linspace(-3, 3, 61)
CURVE_POINTS = 400


class FoldCalibration(msgspec.Struct):
    """What one fold was judged on and what its calibrator was fitted on.

    Parameters
    ----------
    name, calibrated_on
        The fold, and the folds of its calibrator.
    calibrator
        How it was fitted, in a sentence.
    calibration_mated, calibration_nonmated, left_out
        Comparisons used to fit it, and those not used because they share an identity with the fold.
    mated, nonmated
        Comparisons judged.
    cllr
        Of this fold alone; None without mated or non-mated comparisons.
    """

    name: str
    calibrated_on: list[str]
    calibrator: str
    calibration_mated: int
    calibration_nonmated: int
    left_out: int
    mated: int
    nonmated: int
    cllr: float | None


class Assessment(msgspec.Struct):
    """How valid the likelihood ratios of a run are; equal inputs give equal bytes.

    Parameters
    ----------
    method
        Name of the calibrator.
    counts
        ``identities, mated, nonmated, failed_mated, failed_nonmated``.
    estimates
        By metric id, over the comparisons of all folds: ``cllr, cllr-min, cllr-cal, dev-pav,
        misleading-mated, misleading-nonmated`` and the bounds ``elub-low, elub-high``, which are
        natural-log LLRs.
    folds
        Calibration and judgement, fold by fold.
    tippett
        Columns ``log10_lr, mated, nonmated``, thinned.
    ece
        Columns ``log10_odds, ece, minimum, neutral``: of the LLRs, after PAV, and without evidence.
    pav
        Columns ``log10_lr, low, high, mated, nonmated``: PAV's log10 LR of each block (None where
        it is infinite), the lowest and highest log10 LR stated in it, and its comparisons.
    """

    method: str
    counts: dict[str, int]
    estimates: dict[str, Estimate]
    folds: list[FoldCalibration]
    tippett: dict[str, Column]
    ece: dict[str, Column]
    pav: dict[str, list[float | None]]


def assess(
    folds: Sequence[FoldScores],
    method: str = "logistic",
    *,
    replicates: int = 500,
    seed: int = 0,
) -> Assessment:
    """Calibrate across folds, pool the LLRs of all folds and judge them.

    Intervals resample identities with the calibrators as they are: they tell what other comparisons
    of the same kind would give, not what other calibration data would. That of Cllr is a percentile
    interval. Those of Cllr_min and Cllr_cal are basic ones, since PAV is optimistic on the data it
    is fitted on: in simulations of 40 and 100 identities with two mated comparisons each, 95 %
    percentile intervals of Cllr_min held the true value in 56 to 75 of 100 cases and basic ones in
    82 to 89; those of Cllr in 92 to 94.
    Cllr_min is that of the LLRs, which are pooled over folds with different calibrators.

    Parameters
    ----------
    folds, method
        As for `harness.statistics.likelihood.crossfit.cross_fit`.
    replicates, seed
        As for `harness.statistics.intervals.cluster_bootstrap`.

    Raises
    ------
    ValueError
        As `harness.statistics.likelihood.crossfit.cross_fit` says; its message is fit for a reader.

    Examples
    --------
    >>> rng, folds = np.random.default_rng(0), []
    >>> for name in "123":
    ...     mated, nonmated = rng.normal(2, 1, 20), rng.normal(0, 1, 380)
    ...     own = [f"{name}-{i}" for i in range(20)]
    ...     pairs = np.array([(a, b) for a in own for b in own if a != b])
    ...     folds.append(FoldScores(name, mated, np.array(own), nonmated, *pairs.T))
    >>> found = assess(folds, replicates=20)
    >>> round(found.estimates["cllr"].value, 2), found.counts["identities"]
    (0.5, 60)
    """
    judged = cross_fit(folds, method)
    mated = np.concatenate([fold.mated for fold in judged])
    nonmated = np.concatenate([fold.nonmated for fold in judged])
    mated_identity = np.concatenate([fold.mated_identity for fold in folds])
    probe = np.concatenate([fold.nonmated_probe for fold in folds])
    reference = np.concatenate([fold.nonmated_reference for fold in folds])
    blocks = pool(mated, nonmated) if len(mated) and len(nonmated) else None
    failed = [
        sum(int(np.count_nonzero(np.isneginf(getattr(fold, kind)))) for fold in folds)
        for kind in ("mated", "nonmated")
    ]
    return Assessment(
        method=method,
        counts={
            "identities": len(np.unique(np.concatenate([mated_identity, probe]))),
            "mated": len(mated),
            "nonmated": len(nonmated),
            "failed_mated": failed[0],
            "failed_nonmated": failed[1],
        },
        estimates=estimates_of(
            mated, nonmated, mated_identity, probe, reference, replicates=replicates, seed=seed
        ),
        folds=[_fold(fold) for fold in judged],
        tippett=tippett_columns(mated, nonmated),
        ece=_ece(mated, nonmated) if blocks else {},
        pav=_pav(blocks) if blocks else {},
    )


def estimates_of(
    mated: Floats,
    nonmated: Floats,
    mated_identity: Identities,
    probe: Identities,
    reference: Identities,
    *,
    replicates: int = 500,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Judge LLRs, wherever they come from.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, float64, shapes (m,) and (n,).
    mated_identity, probe, reference
        Integers or strings, shapes (m,), (n,) and (n,): identities that the comparisons join.
    replicates, seed
        As for `assess`.

    Returns
    -------
    dict
        Estimates as of `Assessment`; without value where a set is empty.

    Raises
    ------
    ValueError
        If shapes differ or an LLR is NaN.

    Examples
    --------
    >>> llrs, whose = np.log([3.0, 3.0]), np.array([1, 2])
    >>> found = estimates_of(llrs, -llrs, whose, whose, whose[::-1], replicates=20)
    >>> round(found["cllr"].value, 6)  # log2(4/3)
    0.415037
    """
    resampled = Resampled(mated, mated_identity, nonmated, probe, reference)
    intervals = dict(
        zip(
            Resampled.STATISTICS,
            cluster_bootstrap(
                resampled.statistics, resampled.identities, replicates=replicates, seed=seed
            )
            if len(mated) and len(nonmated)
            else [_NO_INTERVAL] * len(Resampled.STATISTICS),
            strict=True,
        )
    )
    total, least = cllr(mated, nonmated), cllr_min(mated, nonmated)
    intervals["cllr-min"] = _basic(intervals["cllr-min"], least, 1.0)
    intervals["cllr-cal"] = _basic(intervals["cllr-cal"], total - least, math.inf)
    rates = misleading_rates(mated, nonmated)
    wrong = round(rates.mated * len(mated)) if len(mated) else 0
    false = round(rates.nonmated * len(nonmated)) if len(nonmated) else 0
    _, cluster = np.unique(mated_identity, return_inverse=True)
    intervals["misleading-mated"] = choose_interval((mated < 0).astype(np.float64), cluster)
    if len(nonmated) and false in (0, len(nonmated)):  # resampling equal values cannot vary
        probes = len(np.unique(probe))
        exact = clopper_pearson(probes if false else 0, probes)
        intervals["misleading-nonmated"] = Interval(
            exact.low, exact.high, f"Clopper-Pearson on {probes} identities (all values equal)"
        )
    bounds = elub(mated, nonmated)
    everything = len(mated) + len(nonmated)
    values: dict[str, tuple[float, int, float | None]] = {
        "cllr": (total, everything, 1.0),
        "cllr-min": (least, everything, 1.0),
        "cllr-cal": (total - least, everything, None),
        "dev-pav": (dev_pav(mated, nonmated), everything, None),
        "misleading-mated": (rates.mated, len(mated), None),
        "misleading-nonmated": (rates.nonmated, len(nonmated), None),
        "elub-low": (bounds.low, everything, None),
        "elub-high": (bounds.high, everything, None),
    }
    estimates = {}
    for name, (value, trials, chance) in values.items():
        estimates[name] = Estimate(_finite(value), n=trials, chance=chance)
        if name in intervals:
            found = intervals[name]
            estimates[name].low, estimates[name].high = _finite(found.low), _finite(found.high)
            estimates[name].method = found.method
    for name, errors in (("misleading-mated", wrong), ("misleading-nonmated", false)):
        if few_errors(errors):
            estimates[name].flags.append(f"{FEW_ERRORS} misleading comparisons")
    return estimates


def _basic(percentile: Interval, value: float, highest: float) -> Interval:
    """Mirror a percentile interval at the value: the basic bootstrap interval.

    PAV fits the chance of a sample, and that of a resample still better: replicates of Cllr_min lie
    too low and those of Cllr_cal too high by about as much as the value itself does. Mirroring
    turns the error into its correction; the interval is then stretched to hold the value.
    """
    low = max(0.0, min(2 * value - percentile.high, value))
    high = min(highest, max(2 * value - percentile.low, value))
    if math.isnan(percentile.low):
        return percentile
    return Interval(low, high, f"basic {percentile.method}")


def _fold(fold: JudgedFold) -> FoldCalibration:
    return FoldCalibration(
        name=fold.name,
        calibrated_on=list(fold.calibrated_on),
        calibrator=fold.calibrator.about,
        calibration_mated=fold.calibration_mated,
        calibration_nonmated=fold.calibration_nonmated,
        left_out=fold.left_out,
        mated=len(fold.mated),
        nonmated=len(fold.nonmated),
        cllr=_finite(cllr(fold.mated, fold.nonmated)),
    )


def tippett_columns(mated: Floats, nonmated: Floats) -> dict[str, Column]:
    """Tippett curves for drawing: exact points, spread evenly along the two lines.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, float64, shapes (m,) and (n,).

    Returns
    -------
    dict
        Columns as of `Assessment`; empty without mated or without non-mated LLRs.
    """
    if not len(mated) or not len(nonmated):
        return {}
    curves = tippett(mated, nonmated)
    llr, columns = curves.llr, (curves.llr / math.log(10), curves.mated, curves.nonmated)
    if len(llr) > CURVE_POINTS:
        way = np.abs(np.diff(llr)) / np.ptp(llr)
        way += np.abs(np.diff(curves.mated)) + np.abs(np.diff(curves.nonmated))
        path = np.append(0.0, np.cumsum(way))
        wanted = np.linspace(0, path[-1], CURVE_POINTS)
        chosen = np.unique(np.clip(np.searchsorted(path, wanted), 0, len(path) - 1))
        columns = (columns[0][chosen], columns[1][chosen], columns[2][chosen])
    names = ("log10_lr", "mated", "nonmated")
    return {name: column.tolist() for name, column in zip(names, columns, strict=True)}


def _ece(mated: Floats, nonmated: Floats) -> dict[str, Column]:
    odds = ECE_LOG10_ODDS * math.log(10)
    none = np.zeros(1)
    return {
        "log10_odds": ECE_LOG10_ODDS.tolist(),
        "ece": ece(mated, nonmated, odds).tolist(),
        "minimum": ece(*after_pav(mated, nonmated), odds).tolist(),
        "neutral": ece(none, none, odds).tolist(),
    }


def _pav(blocks: Blocks) -> dict[str, list[float | None]]:
    return {
        "log10_lr": [_finite(value) for value in blocks.llr / math.log(10)],
        "low": [_finite(value) for value in blocks.low / math.log(10)],
        "high": [_finite(value) for value in blocks.high / math.log(10)],
        "mated": [float(count) for count in blocks.mated],
        "nonmated": [float(count) for count in blocks.nonmated],
    }


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None


_NO_INTERVAL = Interval(math.nan, math.nan, "no mated or no non-mated comparisons")
