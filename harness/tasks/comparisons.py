"""What is measured on mated and non-mated scores alone, whatever comparisons they come from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.resampled_rates import bootstrap_eer_fnmr
from harness.results import Estimate
from harness.statistics import Interval, clopper_pearson, few_errors
from harness.tasks.answers import finite, histogram, thin_curve

METRICS: dict[str, tuple[str, ...]] = {
    "eer": (),
    "eer-convex-hull": (),
    "fnmr": ("fmr",),
    "auc": (),
    "d-prime": (),
}


class Measures:
    """What follows from mated and non-mated scores alone; NaN where it cannot be told."""

    mated: npt.NDArray[np.float64]
    nonmated: npt.NDArray[np.float64]

    def eer(self) -> float:
        """Return the equal error rate."""
        return verification.eer(self.mated, self.nonmated)

    def eer_convex_hull(self) -> float:
        """Return the equal error rate of the convex hull."""
        return verification.eer_convex_hull(self.mated, self.nonmated)

    def fnmr_at_fmr(self, fmr: float) -> float:
        """Return the lowest FNMR at an FMR."""
        return verification.fnmr_at_fmr(self.mated, self.nonmated, fmr)

    def auc(self) -> float:
        """Return the area under the ROC."""
        return verification.auc(self.mated, self.nonmated)

    def d_prime(self) -> float:
        """Return the distance of the two distributions."""
        return verification.d_prime(self.mated, self.nonmated)

    def det(self) -> dict[str, list[float]]:
        """Return the DET for drawing."""
        return thin_curve(verification.error_curve(self.mated, self.nonmated))

    def distribution(self) -> dict[str, list[float]]:
        """Return the shares of the scores in bins, for drawing."""
        return histogram(self.mated, self.nonmated)

    def value(self, metric: Metric) -> float | None:
        """Return one of `METRICS`, or None where it cannot be told."""
        if metric.name == "fnmr":
            return finite(self.fnmr_at_fmr(float(dict(metric.options)["fmr"])))
        return finite(getattr(self, metric.name.replace("-", "_"))())


def estimate_of(
    metric: Metric,
    value: float | None,
    mated: int,
    nonmated: int,
) -> Estimate:
    """Return one of `METRICS` with its chance level and with what the data cannot support.

    Parameters
    ----------
    mated, nonmated
        Number of comparisons.
    """
    estimate = Estimate(value, n=mated)
    if metric.name == "fnmr":
        fmr = float(dict(metric.options)["fmr"])
        estimate.chance = 1.0 - fmr
        if not verification.fmr_supported(nonmated, fmr):
            estimate.flags.append("not supported by this data: too few non-mated comparisons")
        if few_errors(round(fmr * nonmated)):
            estimate.flags.append("fewer than 30 false matches at this FMR")
    elif metric.name != "d-prime":
        estimate.chance = 0.5
    rates = ("eer", "eer-convex-hull", "fnmr")
    if metric.name in rates and value is not None and few_errors(round(value * mated)):
        estimate.flags.append("fewer than 30 false non-matches")
    return estimate


def score_intervals(
    ids: Sequence[Metric],
    scores: Measures,
    mated_clusters: npt.NDArray[np.int64],
    probe_clusters: npt.NDArray[np.int64],
    reference_clusters: npt.NDArray[np.int64],
) -> dict[str, Interval]:
    """Return the intervals of EER and FNMR among the metrics, by resampling identities.

    Parameters
    ----------
    mated_clusters, probe_clusters, reference_clusters
        Identities as in `harness.resampled_rates.bootstrap_eer_fnmr`.
    """
    fmrs = [float(dict(m.options)["fmr"]) for m in ids if m.name == "fnmr"]
    if not (fmrs or any(m.name == "eer" for m in ids)):
        return {}
    eer, fnmrs = bootstrap_eer_fnmr(
        scores.mated, mated_clusters, scores.nonmated, probe_clusters, reference_clusters, fmrs
    )
    intervals = {str(m): eer for m in ids if m.name == "eer"}
    return intervals | {
        str(m): fnmrs[float(dict(m.options)["fmr"])] for m in ids if m.name == "fnmr"
    }


def set_interval(estimate: Estimate, interval: Interval, clusters: npt.NDArray[np.int64]) -> None:
    """Give an estimate its interval; a perfect (or hopeless) result is bounded by identities."""
    if interval.low == interval.high and estimate.value in (0.0, 1.0):
        # Every resample of it is the same.
        identities = len(np.unique(clusters))
        interval = clopper_pearson(round(estimate.value * identities), identities)
    estimate.low, estimate.high = finite(interval.low), finite(interval.high)
    estimate.method = interval.method
