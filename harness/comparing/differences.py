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
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.comparing.repeated import FittedRates, FittedStatistics, same_length
from harness.statistics.bootstrap import bootstrap_interval, cluster_bootstrap_mean, replicate
from harness.statistics.intervals import Interval, clopper_pearson, no_interval
from harness.statistics.repeated_fits import drawn_squares, identity_shares, over_fits
from harness.statistics.two_way import mean_squares
from harness.tasks.trials import Scores, Statistic, Trials, Values

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

    def ends(self, span: float) -> tuple[float, float]:
        """Return the ends of the interval, cut where the change would be an impossible one.

        Draws hold two identities that are imagined, so few real ones may be moved too far.

        Parameters
        ----------
        span
            How far two values of the metric can be apart; infinite for any.
        """
        return float(np.clip(self.low, -span, span)), float(np.clip(self.high, -span, span))


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
    return difference_of_fits([first], [second], level=level, seed=seed)


def difference_of_fits(
    first: Sequence[Trials],
    second: Sequence[Trials],
    *,
    paired: bool = False,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Measure the change of a metric's mean over fits, identities and fits both being drawn.

    With one fit on both sides the interval holds the identities alone; with one on a single side
    there is none, since how far a fit may move the metric is not known there.

    Parameters
    ----------
    first, second
        Trials of one metric, of each fit on the same folds.
    paired
        Whether the fits of either side share their seeds, in this order: then each pair gives one
        change, and what a seed does to both sides alike cancels.
    level
        Confidence in (0, 1).
    seed
        Of the draws.

    Raises
    ------
    ValueError
        If there is no fit, the trials are of different kinds or numbers, or pairs do not match.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> fits = [Values(rng.random(60), np.arange(60) // 2) for _ in range(6)]
    >>> found = difference_of_fits(fits[:3], fits[3:])
    >>> found.low < found.change < found.high, found.method
    (True, 'paired bootstrap of 30 identities, widened by 3 and 3 fits')
    """
    if paired and len(first) != len(second):
        raise ValueError("pairs of fits need as many fits on either side")
    sides = [[one for one in side if isinstance(one, Values)] for side in (first, second)]
    if all(sides) and [len(side) for side in sides] == [len(first), len(second)]:
        return _of_values(sides[0], sides[1], paired, level, seed)
    rates = [[one for one in side if isinstance(one, Scores)] for side in (first, second)]
    if all(rates) and [len(side) for side in rates] == [len(first), len(second)]:
        return _of_scores(rates[0], rates[1], paired, level, seed)
    whole = [[one for one in side if isinstance(one, Statistic)] for side in (first, second)]
    if all(whole) and [len(side) for side in whole] == [len(first), len(second)]:
        return _of_statistics(whole[0], whole[1], paired, level, seed)
    raise ValueError("trials of different kinds cannot be paired")


def _of_values(
    first: Sequence[Values], second: Sequence[Values], paired: bool, level: float, seed: int
) -> Difference:
    table = np.stack(same_length([one.values for one in (*first, *second)]))
    known = ~np.isnan(table).any(axis=0)
    before, after = table[: len(first), known], table[len(first) :, known]
    change = after.mean(axis=0) - before.mean(axis=0)
    labels, member = np.unique(first[0].identities[known], return_inverse=True)
    n = len(labels)
    sizes = np.bincount(member, minlength=n)
    sums = np.bincount(member, weights=change, minlength=n).astype(np.float64)
    moved = np.abs(sums) > 1e-12  # sums of rounded values are not quite zero
    mean = float(change.mean()) if n else math.nan
    alone = _interval_of_values(change, member, sums[moved], sizes, level, seed)
    squares = [
        mean_squares(identity_shares(part, member))
        for part in ((after - before,) if paired else (before, after))
    ]
    found = over_fits(alone, mean, n, squares, level)
    return Difference(
        float(before.mean()) if n else math.nan,
        float(after.mean()) if n else math.nan,
        mean,
        found.low,
        found.high,
        level,
        found.method,
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


def _of_scores(
    first: Sequence[Scores], second: Sequence[Scores], paired: bool, level: float, seed: int
) -> Difference:
    measure, everything = first[0].measure, [*first, *second]
    if len({(one.measure, len(one.mated)) for one in everything}) != 1:
        raise ValueError("the runs have different comparisons")
    before, after = FittedRates(first, second), FittedRates(second, first)
    people, comparisons = int(np.count_nonzero(before.mated)), len(first[0].mated)
    values = [np.array([rate.value for rate in side.rates]) for side in (before, after)]
    change = float(values[1].mean() - values[0].mean())
    moved = after.misses - before.misses
    moved = moved[np.abs(moved) > 1e-12]
    # A crossing of two error rates moves half as far as either does.
    share = 0.5 if measure.startswith("eer") else 1.0
    step = share * (_root_mean_square(moved) or 1.0) / max(1, comparisons)
    if measure in ("auc", "d-prime"):
        step = 0.0  # what every comparison adds to does not change in steps

    def drawn(weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        real, imagined = weights[:, :-2], weights[:, -2:] @ np.array([[step], [-step]])
        return np.hstack([before.drawn(real), after.drawn(real), imagined])

    if people < 2 or math.isnan(change):
        found = no_interval("needs two identities and non-mated comparisons")
    elif all(
        np.array_equal(one.mated, first[0].mated)
        and np.array_equal(one.nonmated, first[0].nonmated)
        for one in everything
    ):
        found = _nothing_changed(people, level)
    else:
        identities = len(before.known) + 2
        draws = replicate(drawn, identities, replicates=REPLICATES["scores"], seed=seed)
        parts = draws[:, : len(first)], draws[:, len(first) : -1]
        changes = parts[1].mean(axis=1) - parts[0].mean(axis=1) + draws[:, -1]
        alone = bootstrap_interval(changes, None, identities=people, level=level)
        beside = identities - 2 - people
        background = f" with mates and {beside} without" if beside else ""
        method = f"paired bootstrap of {people} identities{background}"
        alone = Interval(alone.low, alone.high, method)
        squares = (
            [drawn_squares(parts[1] - parts[0], values[1] - values[0], people)]
            if paired
            else [drawn_squares(*side, people) for side in zip(parts, values, strict=True)]
        )
        found = over_fits(alone, change, people, squares, level)
    return Difference(
        float(values[0].mean()),
        float(values[1].mean()),
        change,
        found.low,
        found.high,
        level,
        found.method,
        comparisons,
        people,
        int(moved.size),
    )


def _nothing_changed(identities: int, level: float) -> Interval:
    """Bound how many identities may gain or lose, when none of those seen did."""
    end = clopper_pearson(0, identities, level).high
    return Interval(-end, end, f"no change in {identities} identities (Clopper-Pearson)")


def _of_statistics(
    first: Sequence[Statistic], second: Sequence[Statistic], paired: bool, level: float, seed: int
) -> Difference:
    everything = [*first, *second]
    same_length([one.identities for one in everything])
    before, after = FittedStatistics(first), FittedStatistics(second)
    people = len(before.known)
    change = float(after.values.mean() - before.values.mean())

    def both(weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        return np.hstack([before.drawn(weights), after.drawn(weights)])

    def change_in(draws: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        later: npt.NDArray[np.float64] = draws[:, len(first) :].mean(axis=1)
        earlier: npt.NDArray[np.float64] = draws[:, : len(first)].mean(axis=1)
        return later - earlier

    moved = np.empty(0)
    if people < 2 or math.isnan(change):
        found = no_interval("needs two identities")
    elif all(np.array_equal(one.answers, first[0].answers) for one in everything):
        found = _nothing_changed(people, level)
    else:
        without = change_in(both(1 - np.eye(people, dtype=np.int64)))
        # What an identity adds to the change, as far as the metric is nearly a mean of them.
        shares = change + (people - 1) * (change - without)
        moved = shares[np.abs(shares) > 1e-12]
        step = _root_mean_square(moved[~np.isnan(moved)]) / people
        draws = replicate(
            lambda weights: np.hstack(
                [both(weights[:, :-2]), weights[:, -2:] @ np.array([[step], [-step]])]
            ),
            people + 2,
            replicates=REPLICATES["scores"],
            seed=seed,
        )
        parts = draws[:, : len(first)], draws[:, len(first) : -1]
        changes = change_in(draws[:, :-1]) + draws[:, -1]
        alone = bootstrap_interval(changes, None, identities=people, level=level)
        method = f"paired bootstrap of {people} identities"
        alone = Interval(alone.low, alone.high, method)
        squares = (
            [drawn_squares(parts[1] - parts[0], after.values - before.values, people)]
            if paired
            else [
                drawn_squares(parts[0], before.values, people),
                drawn_squares(parts[1], after.values, people),
            ]
        )
        found = over_fits(alone, change, people, squares, level)
    return Difference(
        float(before.values.mean()),
        float(after.values.mean()),
        change,
        found.low,
        found.high,
        level,
        found.method,
        len(first[0].identities),
        people,
        int(moved.size),
    )


def _root_mean_square(values: npt.NDArray[np.float64]) -> float:
    return math.sqrt(float(np.mean(values**2))) if values.size else 0.0
