"""A metric of a run, or of a part of its comparisons or searches, and what stands behind it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.comparing.outcomes import outcomes
from harness.errors import some
from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.runs.validation.criteria import OF_RATIOS
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.statistics.bootstrap import choose_interval, cluster_bootstrap_mean
from harness.statistics.estimate import Estimate
from harness.statistics.likelihood.assessment import estimates_of
from harness.tasks import comparisons as comparing
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.comparisons import Listed
from harness.tasks.intervals import set_interval
from harness.tasks.pairs import Comparisons, Pairs
from harness.tasks.results import Judgement

Chosen = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """A metric's value, and of what.

    Parameters
    ----------
    estimate
        With its interval, or with what is lacking for one among its flags.
    identities
        Behind it: for comparisons, those of the mated ones.
    data
        What it is of, in words.
    """

    estimate: Estimate
    identities: int
    data: str


def of_run(judged: JudgedRun, metric: Metric) -> Measured:
    """Return a metric of a whole run: the number that its report has.

    Raises
    ------
    NotInData
        If the run's question is not measured by it.
    """
    if metric.name in OF_RATIOS:
        found = judged.assessment
        counts = found.counts
        return Measured(
            found.estimates[metric.name],
            counts.get("identities", 0),
            _compared(counts["mated"], counts["nonmated"], counts.get("identities")),
        )
    if metric.name not in judged.task.metrics:
        raise NotInData(
            f"the question of protocol {judged.protocol_name!r} is not measured by {metric.name}"
        )
    metrics = judged.outcome.metrics
    counts = metrics.counts
    words = [
        some(counts[many], one, many)
        for many, one in (("searches", "search"), ("images", "image"))
        if many in counts
    ]
    if "mated_comparisons" in counts and metric.name in comparing.METRICS:
        kinds = (counts["mated_comparisons"], counts["nonmated_comparisons"])
        words = [_compared(*kinds, counts.get("identities"))]
    elif "identities" in counts:
        words = [f"{' and '.join(words[:1])} of {_identities(counts['identities'])}"]
    return Measured(
        metrics.pooled[str(metric)], counts.get("identities", 0), words[0] if words else ""
    )


def of_ratios(ratios: Pairs, mated: Chosen, nonmated: Chosen, name: str) -> Measured:
    """Return a figure of the likelihood ratios of some comparisons.

    Parameters
    ----------
    ratios
        Comparisons with natural-log likelihood ratios.
    mated, nonmated
        Which of them: bool, shapes (mated,) and (nonmated,).
    name
        Of the figure: one of `OF_RATIOS`.
    """
    one, other = _some(ratios.mated, mated), _some(ratios.nonmated, nonmated)
    whose = ratios.identities
    found = estimates_of(
        one.scores,
        other.scores,
        whose[one.probes],
        whose[other.probes],
        whose[other.references],
    )
    identities = len(np.unique(whose[one.probes]))
    words = _compared(len(one.scores), len(other.scores), identities)
    return Measured(found[name], identities, words)


def of_scores(
    pairs: Pairs, mated: Chosen, nonmated: Chosen, metric: Metric, whole: Pairs
) -> Measured:
    """Return an error rate, or another measure, of the scores of some comparisons.

    FNMR at an FMR is read at one threshold, that of all comparisons, for every part of them: with
    thresholds of their own, parts would seem more alike than they are treated.

    Parameters
    ----------
    pairs
        All comparisons.
    mated, nonmated
        Which of them, as for `of_ratios`.
    metric
        One of `harness.tasks.comparisons.METRICS`.
    whole
        Comparisons that the threshold is of.
    """
    one, other = _some(pairs.mated, mated), _some(pairs.nonmated, nonmated)
    part = _Part(one, other, pairs.identities)
    identities = len(np.unique(part.mated_clusters))
    words = _compared(len(one.scores), len(other.scores), identities)
    if metric.name != "fnmr":
        return Measured(part.estimates([metric])[str(metric)], identities, words)
    bar = verification.score_to_exceed(whole.nonmated.scores, float(metric["fmr"]))
    missed = (one.scores <= bar).astype(np.float64)
    estimate = _mean(missed, part.mated_clusters)
    # The flags are those of the rate: whether all comparisons support it, and how many errors.
    known = comparing.estimate_of(
        metric, estimate.value, len(one.scores), len(whole.nonmated.scores)
    )
    estimate.flags[:0] = known.flags
    return Measured(
        estimate,
        identities,
        some(len(one.scores), "mated comparison") + f" of {_identities(identities)}",
    )


def everything(pairs: Pairs) -> tuple[Chosen, Chosen]:
    """Return the choice of all mated and all non-mated comparisons, for `of_ratios`."""
    mated, nonmated = (np.ones(len(one.scores), np.bool_) for one in (pairs.mated, pairs.nonmated))
    return mated, nonmated


def of_searches(searches: Sequence[Judgement], metric: Metric) -> Measured:
    """Return the mean of a metric over some searches, or images.

    Raises
    ------
    NotInData
        If the metric is no mean over searches that is kept for each.
    """
    kept = any(str(metric) in search.values for search in searches)
    decided = metric.name == "accuracy" and any(s.correct is not None for s in searches)
    if not (kept or decided or metric.name in ("hit-rate", "map")):
        raise NotInData(f"{metric} is not kept search by search")
    values = outcomes(searches, metric)
    if kept and CATALOGUE[metric.name].better == "lower":
        values = -values
    whose = np.array([search.identity or search.probe for search in searches])
    present = ~np.isnan(values)
    identities = len(np.unique(whose[present]))
    number = int(present.sum())
    words = some(number, "image") if decided else some(number, "search", "searches")
    return Measured(_mean(values, whose), identities, f"{words} of {_identities(identities)}")


def _mean(values: npt.NDArray[np.float64], whose: npt.NDArray[np.generic]) -> Estimate:
    """Return the mean of values with an interval from draws of identities."""
    present = ~np.isnan(values)
    if not present.any():
        return Estimate(None)
    values, whose = values[present], whose[present]
    known, clusters = np.unique(whose, return_inverse=True)
    binary = bool(np.isin(values, (0.0, 1.0)).all())
    interval = (choose_interval if binary else cluster_bootstrap_mean)(values, clusters)
    estimate = Estimate(float(values.mean()), n=len(values))
    set_interval(estimate, interval, len(known), share=binary)
    return estimate


def _compared(mated: int, nonmated: int, identities: int | None) -> str:
    whose = "" if identities is None else f" of {_identities(identities)}"
    return f"{mated:,} mated and {some(nonmated, 'non-mated comparison')}{whose}"


def _identities(number: int) -> str:
    return some(number, "identity", "identities")


def _some(comparisons: Comparisons, chosen: Chosen) -> Comparisons:
    scores, probes, references = comparisons
    return Comparisons(scores[chosen], probes[chosen], references[chosen])


class _Part(Listed):
    """Some comparisons, with the numbers of the identities behind each."""

    def __init__(
        self, mated: Comparisons, nonmated: Comparisons, identities: npt.NDArray[np.int64]
    ) -> None:
        self.mated, self.nonmated = mated.scores, nonmated.scores
        self.mated_clusters = identities[mated.probes]
        self.probe_clusters = identities[nonmated.probes]
        self.reference_clusters = identities[nonmated.references]
