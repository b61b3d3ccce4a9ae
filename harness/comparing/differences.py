"""The change of one metric between two runs, on the same trials and the same draws of identities.

Identities are drawn with replacement, and both runs are measured on every draw, so that what makes
some identities harder than others cancels. Two imagined identities, one that gains and one that
loses as much as those seen to change do on average (root mean square), are drawn along. Without
them an interval from a handful of changes would be far too sure of itself; with many changes they
make no difference. Agresti and Min (Biostatistics 6, 2005) add to the table of changes for the same
reason, and with single trials the outcome is close to that of the exact sign test.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.comparing.rates import DrawnRate
from harness.resampling import cluster_bootstrap_mean, cluster_bootstrap_together
from harness.statistics import Interval, clopper_pearson, no_interval
from harness.tasks.trials import Scores, Trials, Values

REPLICATES = {"values": 2000, "scores": 500}


@dataclass(frozen=True)
class Difference:
    """What became of a metric from one run to the other.

    Parameters
    ----------
    first, second
        The metric of either run; NaN without data.
    change
        ``second - first``.
    low, high
        Interval of the change; NaN where the data cannot give one.
    level
        Confidence of the interval.
    method
        How it was made.
    trials, identities
        Behind the metric.
    changed
        Identities whose own trials came out differently.
    """

    first: float
    second: float
    change: float
    low: float
    high: float
    level: float
    method: str
    trials: int
    identities: int
    changed: int


def difference(first: Trials, second: Trials, *, level: float = 0.95, seed: int = 0) -> Difference:
    """Measure the change of a metric, with an interval from draws of identities.

    Parameters
    ----------
    first, second
        Trials of one metric from runs on the same folds.
    level
        Confidence in (0, 1).
    seed
        Of the draws.

    Raises
    ------
    ValueError
        If the trials are of different kinds or numbers.

    Examples
    --------
    >>> whose = np.repeat(np.arange(300), 2)
    >>> before = Values((np.arange(600) % 10 > 0).astype(float), whose)
    >>> after = Values((np.arange(600) % 9 > 0).astype(float), whose)
    >>> found = difference(before, after)
    >>> round(found.change, 4), found.low < found.change < found.high
    (-0.0117, True)
    """
    if isinstance(first, Values) and isinstance(second, Values):
        return _of_values(first, second, level, seed)
    if isinstance(first, Scores) and isinstance(second, Scores):
        return _of_scores(first, second, level, seed)
    raise ValueError("trials of different kinds cannot be paired")


def _of_values(first: Values, second: Values, level: float, seed: int) -> Difference:
    if first.values.shape != second.values.shape:
        raise ValueError("the runs have different numbers of trials")
    known = ~(np.isnan(first.values) | np.isnan(second.values))
    before, after = first.values[known], second.values[known]
    change = after - before
    labels, member = np.unique(first.identities[known], return_inverse=True)
    n = len(labels)
    sizes = np.bincount(member, minlength=n)
    sums = np.bincount(member, weights=change, minlength=n).astype(np.float64)
    moved = np.abs(sums) > 1e-12  # sums of rounded values are not quite zero
    low_high = _interval_of_values(change, member, sums[moved], sizes, level, seed)
    return Difference(
        float(before.mean()) if n else math.nan,
        float(after.mean()) if n else math.nan,
        float(change.mean()) if n else math.nan,
        low_high.low,
        low_high.high,
        level,
        low_high.method,
        len(change),
        n,
        int(np.count_nonzero(moved)),
    )


def _interval_of_values(
    change: npt.NDArray[np.float64],
    member: npt.NDArray[np.intp],
    moved: npt.NDArray[np.float64],
    sizes: npt.NDArray[np.intp],
    level: float,
    seed: int,
) -> Interval:
    n = len(sizes)
    if n < 2:
        return no_interval("needs two identities")
    if not np.any(change):
        return _nothing_changed(n, level)
    each = max(1, round(float(sizes.mean())))
    step = _root_mean_square(moved if moved.size else change) / each
    imagined = np.repeat([step, -step], each)
    found = cluster_bootstrap_mean(
        np.concatenate([change, imagined]),
        np.concatenate([member, np.repeat([n, n + 1], each)]),
        replicates=REPLICATES["values"],
        level=level,
        seed=seed,
    )
    return Interval(found.low, found.high, f"paired bootstrap of {n} identities")


def _of_scores(first: Scores, second: Scores, level: float, seed: int) -> Difference:
    if (first.measure, len(first.mated)) != (second.measure, len(second.mated)):
        raise ValueError("the runs have different comparisons")
    known = np.unique(
        np.concatenate(
            [
                part
                for run in (first, second)
                for part in (run.mated_identities, run.nonmated_probes, run.nonmated_references)
            ]
        )
    )
    before, after = DrawnRate(first, known), DrawnRate(second, known)
    moved = after.misses - before.misses
    moved = moved[moved != 0].astype(np.float64)
    # A crossing of two error rates moves half as far as either does.
    share = 0.5 if first.measure.startswith("eer") else 1.0
    step = share * (_root_mean_square(moved) or 1.0) / max(1, before.comparisons)
    if first.measure in ("auc", "d-prime"):
        step = 0.0  # what every comparison adds to does not change in steps

    def statistic(drawn: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        real, imagined = drawn[:, :-2], drawn[:, -2] - drawn[:, -1]
        return (after.drawn(real) - before.drawn(real) + step * imagined)[:, np.newaxis]

    people = before.owners.size
    if people < 2 or math.isnan(before.value + after.value):
        found = no_interval("needs two identities and non-mated comparisons")
    elif np.array_equal(first.mated, second.mated) and np.array_equal(
        first.nonmated, second.nonmated
    ):
        found = _nothing_changed(people, level)
    else:
        (drawn,) = cluster_bootstrap_together(
            statistic, len(known) + 2, replicates=REPLICATES["scores"], level=level, seed=seed
        )
        found = Interval(drawn.low, drawn.high, f"paired bootstrap of {len(known)} identities")
    return Difference(
        before.value,
        after.value,
        after.value - before.value,
        found.low,
        found.high,
        level,
        found.method,
        before.comparisons,
        people,
        int(moved.size),
    )


def _nothing_changed(identities: int, level: float) -> Interval:
    """Bound how many identities may gain or lose, when none of those seen did."""
    end = clopper_pearson(0, identities, level).high
    return Interval(-end, end, f"no change in {identities} identities (Clopper-Pearson)")


def _root_mean_square(values: npt.NDArray[np.float64]) -> float:
    return math.sqrt(float(np.mean(values**2))) if values.size else 0.0
