"""What is measured on mated and non-mated scores alone, whatever comparisons they come from."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.metrics.reached import Reached, in_rising_order, thinned_curve
from harness.statistics.chance import random_comparisons, spread_of
from harness.statistics.error_rates import Measure, bootstrap_measures
from harness.statistics.estimate import FEW_ERRORS, UNSUPPORTED, Estimate
from harness.statistics.intervals import Interval, few_errors
from harness.tasks.answers import CURVE_POINTS, finite, histogram
from harness.tasks.intervals import set_interval

METRICS = (
    "eer",
    "eer-convex-hull",
    "fnmr",
    "auc",
    "d-prime",
)


_MEMORY: ContextVar[int] = ContextVar("memory", default=1 << 30)

_KEPT = 10
"""Bytes of a comparison that is kept: its score, and whether it is mated and took place."""


@contextmanager
def judged_within(memory: int) -> Iterator[None]:
    """Say how many bytes judging may take while the block runs; a gigabyte elsewhere."""
    token = _MEMORY.set(memory)
    try:
        yield
    finally:
        _MEMORY.reset(token)


def sorted_at_once(comparisons: int) -> int:
    """Return how many scores may be sorted at once beside all that are kept."""
    return max(1 << 18, (_MEMORY.get() - _KEPT * comparisons) // 32)


class Measures:
    """What follows from mated and non-mated scores alone; NaN where it cannot be told."""

    mated: npt.NDArray[np.float64]

    if TYPE_CHECKING:

        @property
        def nonmated(self) -> npt.NDArray[np.float64]:
            """Scores of the non-mated comparisons: shape (comparisons,)."""

    def score_blocks(self) -> Iterator[npt.NDArray[np.float64]]:
        """Hand out the scores of the non-mated comparisons, each of shape (comparisons,)."""
        yield self.nonmated

    @cached_property
    def reached(self) -> Reached:
        """How many non-mated scores each mated score is below."""
        return Reached.of(self.mated, self.score_blocks())

    def eer(self) -> float:
        """Return the equal error rate."""
        return self.reached.eer()

    def eer_convex_hull(self) -> float:
        """Return the equal error rate of the convex hull."""
        return self.reached.eer_convex_hull()

    def fnmr_at_fmr(self, fmr: float) -> float:
        """Return the lowest FNMR at an FMR."""
        return self.reached.fnmr_at_fmr(fmr)

    def auc(self) -> float:
        """Return the area under the ROC."""
        return self.reached.auc()

    def d_prime(self) -> float:
        """Return the distance of the two distributions."""
        return verification.d_prime(self.mated, self.nonmated)

    def det(self) -> dict[str, list[float]]:
        """Return the DET for drawing."""
        m, n = self.reached.m, self.reached.n
        if not m or not n:
            return {}
        pieces = in_rising_order(self.score_blocks, n, sorted_at_once(n))
        curve = thinned_curve(self.mated, pieces, n, CURVE_POINTS)
        return {"fmr": curve.fmr.tolist(), "fnmr": curve.fnmr.tolist()}

    def distribution(self) -> dict[str, list[float]]:
        """Return the shares of the scores in bins, for drawing."""
        return histogram(self.mated, self.score_blocks)

    def value(self, metric: Metric) -> float | None:
        """Return one of `METRICS`, or None where it cannot be told."""
        if metric.name == "fnmr":
            return finite(self.fnmr_at_fmr(float(dict(metric.options)["fmr"])))
        return finite(getattr(self, metric.name.replace("-", "_"))())


class Listed(Measures):
    """Comparisons of all folds, with the numbers of the identities behind each: int64 arrays."""

    nonmated: npt.NDArray[np.float64]
    mated_clusters: npt.NDArray[np.int64]
    probe_clusters: npt.NDArray[np.int64]
    reference_clusters: npt.NDArray[np.int64]

    def estimates(self, ids: Sequence[Metric], *, resample: bool = True) -> dict[str, Estimate]:
        """Return every metric, by its id; with intervals where identities are resampled."""
        clusters = self.mated_clusters, self.probe_clusters, self.reference_clusters
        intervals = score_intervals(ids, self, *clusters) if resample else {}
        found = {}
        for metric in ids:
            estimate = estimate_of(metric, self.value(metric), len(self.mated), len(self.nonmated))
            if str(metric) in intervals:
                judged = independent(self.mated_clusters, self.probe_clusters)
                share = metric.name != "d-prime"
                set_interval(estimate, intervals[str(metric)], judged, share=share)
            found[str(metric)] = estimate
        return found


def estimate_of(
    metric: Metric,
    value: float | None,
    mated: int,
    nonmated: int,
    *,
    shared: bool = False,
) -> Estimate:
    """Return one of `METRICS` with its chance level and with what the data cannot support.

    Parameters
    ----------
    mated, nonmated
        Number of comparisons.
    shared
        Whether several draws share comparisons, so that there are fewer random scores than
        comparisons, and the band of chance is not known.
    """
    estimate = Estimate(value, n=mated)
    if value is not None and mated and nonmated and metric.name != "d-prime":
        by_chance = spread_of(_random(metric, mated, nonmated))
        exact = 0.5 if metric.name in ("eer", "auc") else by_chance.mean
        if metric.name == "fnmr":
            # The lowest threshold is the score of one non-mated comparison, ranked among all.
            reaching = verification.errors_allowed(nonmated, float(dict(metric.options)["fmr"])) + 1
            exact = 1.0 - min(1.0, reaching / (nonmated + 1))
        estimate.chance = exact
        if not shared:
            estimate.chance_low, estimate.chance_high = by_chance.low, by_chance.high
    if metric.name == "fnmr":
        fmr = float(dict(metric.options)["fmr"])
        if not verification.fmr_supported(nonmated, fmr):
            estimate.flags.append(f"{UNSUPPORTED}: too few non-mated comparisons")
        if few_errors(round(fmr * nonmated)):
            estimate.flags.append(f"{FEW_ERRORS} false matches at this FMR")
    rates = ("eer", "eer-convex-hull", "fnmr")
    if metric.name in rates and value is not None and few_errors(round(value * mated)):
        estimate.flags.append(f"{FEW_ERRORS} false non-matches")
    return estimate


def _random(metric: Metric, mated: int, nonmated: int) -> npt.NDArray[np.float64]:
    """Return the metric of random scores of as many comparisons: float64, shape (sets,)."""
    drawn = random_comparisons(mated, nonmated)
    if metric.name == "fnmr":
        return drawn.fnmr(float(dict(metric.options)["fmr"]))
    found: npt.NDArray[np.float64] = getattr(drawn, metric.name.replace("-", "_"))()
    return found


def score_intervals(
    ids: Sequence[Metric],
    scores: Measures,
    mated_clusters: npt.NDArray[np.int64],
    probe_clusters: npt.NDArray[np.integer],
    reference_clusters: npt.NDArray[np.integer],
) -> dict[str, Interval]:
    """Return the intervals of those of `METRICS` that are asked for, by resampling identities.

    Parameters
    ----------
    mated_clusters, probe_clusters, reference_clusters
        Identities as in `harness.statistics.error_rates.bootstrap_measures`.
    """
    measures = measures_of(ids)
    if not measures:
        return {}
    found = bootstrap_measures(
        list(measures.values()),
        scores.mated,
        mated_clusters,
        scores.nonmated,
        probe_clusters,
        reference_clusters,
    )
    return dict(zip(measures, found, strict=True))


def measures_of(ids: Sequence[Metric]) -> dict[str, Measure]:
    """Return those of `METRICS` that are asked for, as what is resampled, by their ids."""
    return {
        str(m): Measure(m.name, float(dict(m.options).get("fmr", math.nan)))
        for m in ids
        if m.name in METRICS
    }


def independent(
    mated_clusters: npt.NDArray[np.int64], probe_clusters: npt.NDArray[np.int64]
) -> int:
    """Return how many identities with mates, and without the other, are behind an error rate.

    Where no comparison was judged wrongly, either kind of error may have been missed: with k
    identities of each, all rates up to the bound of Clopper and Pearson on k trials would leave
    both unseen with a probability of 5 % or more.

    Parameters
    ----------
    mated_clusters, probe_clusters
        int64, shapes (mated comparisons,) and (non-mated comparisons,): numbers of identities.
    """
    return min(len(np.unique(mated_clusters)), len(np.unique(probe_clusters)))
