"""The scores behind a run's error rates: at each point of a curve, and in bins that show them.

Both follow from the raw scores of the run folder, so nothing of them is kept in the record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.metrics.ids import Metric
from harness.metrics.reached import in_pieces, thinned_curve
from harness.record import record
from harness.tasks.answers import CURVE_POINTS
from harness.tasks.kinds import task_of
from harness.tasks.results import Curves, Metrics
from harness.tasks.trials import Scores

__all__ = [
    "Operating",
    "bins_that_show",
    "operating_of",
    "quantile_bins",
    "with_thresholds",
]

EVEN_BINS_SHOW = 0.7
"""Where three of the even bins hold more of either kind of score, even bins show too little."""

BINS = 24

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Operating:
    """Mated and non-mated scores as the error rates of a run count them.

    Parameters
    ----------
    mated, nonmated
        float64, shape (m,) and (n,), rising; failures are infinite, as in
        `harness.metrics.verification`.
    """

    mated: Doubles
    nonmated: Doubles

    @classmethod
    def of(cls, mated: Doubles, nonmated: Doubles) -> Operating:
        """Return scores in any order, float64, shapes (m,) and (n,), in rising order."""
        return cls(np.sort(mated), np.sort(nonmated))


def operating_of(
    run: record.Run | None, metrics: Metrics, curves: Curves, equal: str | None = None
) -> Operating | None:
    """Return the scores of a run's trade-off; None where there are none, or not at hand.

    Parameters
    ----------
    run
        Of `harness.record.kept_run`.
    metrics, curves
        That follow from its scores.
    equal
        Metric at which both rates are equal; the first such that the run has unless given.
    """
    kinds = ("eer", "open-set-eer")
    equal = equal or next((m for m in metrics.pooled if m.split("@")[0] in kinds), None)
    if run is None or not curves.det or equal is None:
        return None
    trials = task_of(run.protocol).trials(run.folds, run.answers, run.records, run.protocol)
    found = trials(Metric.parse(equal))
    if not isinstance(found, Scores) or not len(found.mated) or not len(found.nonmated):
        return None
    if not found.nonmated.flags.owndata:
        return Operating.of(found.mated, found.nonmated)
    # Nobody else has these: they are sorted where they lie, as there may be very many.
    found.nonmated.sort()
    return Operating(np.sort(found.mated), found.nonmated)


def with_thresholds(det: Mapping[str, list[float]], scores: Operating) -> Mapping[str, list[float]]:
    """Return a curve with the score at each of its points as a column ``threshold``.

    It stays as it is where the scores do not give the very curve that was recorded.
    """
    n = len(scores.nonmated)
    exact = thinned_curve(scores.mated, lambda: in_pieces(scores.nonmated), n, CURVE_POINTS)
    if exact.fmr.tolist() != det.get("fmr") or exact.fnmr.tolist() != det.get("fnmr"):
        return det
    return {**det, "threshold": exact.threshold.tolist()}


def bins_that_show(
    even: Mapping[str, list[float]], scores: Operating
) -> tuple[Mapping[str, list[float]], bool]:
    """Return the even bins of a distribution, or quantiles where even bins show too little.

    The second value says whether they are quantiles.
    """
    if not even or not _hides(even):
        return even, False
    found = quantile_bins(scores.mated, scores.nonmated)
    filled = sum(a > 0 or b > 0 for a, b in zip(even["mated"], even["nonmated"], strict=True))
    # Of few different scores quantiles show less: all of both kinds may fall into one.
    return (found, True) if found and len(found["low"]) >= filled else (even, False)


def _hides(bins: Mapping[str, Sequence[float]]) -> bool:
    """Say whether three bins next to each other hold nearly all scores of a kind."""
    return any(
        max(sum(share[i : i + 3]) for i in range(len(share))) > EVEN_BINS_SHOW
        for share in (bins["mated"], bins["nonmated"])
    )


def quantile_bins(mated: Doubles, nonmated: Doubles, bins: int = BINS) -> dict[str, list[float]]:
    """Return the shares of scores in bins that hold equally many, both kinds weighing the same.

    Equal scores stay together, so bins of scores with many ties hold more, and there are fewer.

    Parameters
    ----------
    mated, nonmated
        float64, shape (comparisons,); what is not finite is left out.
    bins
        At most how many.

    Returns
    -------
    dict
        Columns ``low``, ``high``, ``mated``, ``nonmated``; a bin holds the scores from ``low`` up
        to, but not including, ``high``, and the last one both. Empty without two different scores.

    Examples
    --------
    >>> found = quantile_bins(np.array([0.0, 1.0, 9.0]), np.array([0.0, 0.0, 1.0]), 3)
    >>> found["low"], found["high"]
    ([0.0, 1.0], [1.0, 9.0])
    """
    kinds = [part[np.isfinite(part)] for part in (mated, nonmated)]
    scores = np.concatenate(kinds)
    if not len(scores) or scores.min() == scores.max():
        return {}
    weights = np.concatenate([np.full(len(part), 1 / max(1, len(part))) for part in kinds])
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order]) / weights.sum()
    places = np.searchsorted(reached, np.arange(1, bins) / bins - 1e-12)
    cuts = scores[order][places]
    edges = np.unique(np.concatenate([[scores.min()], cuts, [scores.max()]]))
    shares = [np.histogram(part, edges)[0] / max(1, len(part)) for part in kinds]
    names = ("low", "high", "mated", "nonmated")
    columns = (edges[:-1], edges[1:], *shares)
    return {name: column.tolist() for name, column in zip(names, columns, strict=True)}
