"""Detection: does an image show a tattoo?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Detector
from harness.chance import blind_guesses, random_comparisons, spread_of
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError
from harness.metrics import detection as detecting
from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.protocol import Protocol
from harness.resampling import choose_interval
from harness.results import Curves, Estimate, FoldMetrics, Metrics, Outcome, Search
from harness.statistics import Interval, few_errors
from harness.tasks.answers import (
    Answer,
    finite,
    fold_spread,
    histogram,
    listed_failures,
    thin_curve,
)
from harness.tasks.images import dealt_folds, identity_of, resampled
from harness.tasks.intervals import set_interval
from harness.tasks.trials import MEASURES, Scores, Trials, TrialsOf, Values

ABILITY = Detector
METRICS: dict[str, tuple[str, ...]] = {
    "accuracy": (),
    "tattoo-accuracy": (),
    "non-tattoo-accuracy": (),
    "tpdr": ("fpdr",),
    "auc": (),
    "eer": (),
}
NEEDS = ("both-labels",)
FAILURE_POLICY = "An image without a score is a wrong decision, whatever it shows."
TATTOO = "tattoo"
ONE_KIND = "no level of chance: always the same answer is right for all images of one kind"


def lay_out(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Return the folds of a data set: its own lists, or folds that keep a tattoo's images together.

    Raises
    ------
    DataError
        If an image has no label.
    """
    unlabelled = [
        record.name
        for record in dataset.records.values()
        if record.role != "background" and record.label is None
    ]
    if unlabelled:
        raise DataError(
            f"{dataset.name}: {len(unlabelled)} images have no label, e.g. {unlabelled[0]}; "
            "the column 'label' says 'tattoo' or 'non-tattoo'"
        )
    if dataset.folds:
        return list(dataset.folds)
    return dealt_folds(dataset, protocol.folds)


def training_truth(fold: Fold, records: Mapping[str, Record], protocol: Protocol) -> dict[str, Any]:
    """Return what a training set says: which images show a tattoo."""
    return {"tattoo": [records[name].label == TATTOO for name in fold.train]}


def truth_matrix(fold: Fold, records: Mapping[str, Record]) -> npt.NDArray[np.bool_]:
    """Return which images show a tattoo: bool, shape (images,)."""
    return np.array([records[name].label == TATTOO for name in fold.probes], dtype=bool)


def judge(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> Outcome:
    """Compute every number of a run from its raw scores.

    Parameters
    ----------
    folds, answers
        In the same order; an answer's scores have shape (images,).
    """
    parts = [
        _Decisions.of(fold, answer, records) for fold, answer in zip(folds, answers, strict=True)
    ]
    pooled = _Decisions.pool(parts)
    ids = protocol.metric_ids
    per_fold = [
        FoldMetrics(
            fold.name, part.counts(), {str(m): _value(m, part, protocol.threshold) for m in ids}
        )
        for fold, part in zip(folds, parts, strict=True)
    ]
    intervals = _resampled(ids, pooled, protocol.threshold)
    estimates = {}
    for metric in ids:
        estimate = _estimate(metric, pooled, protocol.threshold)
        if metric in intervals:
            kinds = [pooled.clusters[pooled.truth], pooled.clusters[~pooled.truth]]
            set_interval(estimate, intervals[metric], min(len(np.unique(k)) for k in kinds))
        spread = fold_spread([fold.values[str(metric)] for fold in per_fold])
        estimate.fold_mean, estimate.fold_sd = spread
        estimates[str(metric)] = estimate
    counts = {"folds": len(folds), **pooled.counts()}
    counts["training_images"] = len({name for fold in folds for name in fold.train})
    tattoo, other = pooled.scores[pooled.truth], pooled.scores[~pooled.truth]
    return Outcome(
        metrics=Metrics("detection", protocol.headline_id, counts, estimates, per_fold),
        curves=Curves(
            det=thin_curve(verification.error_curve(tattoo, _refused(pooled))),
            distribution=histogram(tattoo, other),
        ),
        searches=[
            search
            for fold, part in zip(folds, parts, strict=True)
            for search in part.searches(fold.name, protocol.threshold)
        ],
        failures=listed_failures(folds, answers),
    )


def trials(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> TrialsOf:
    """Return what gives the trials of each metric, for pairing two runs."""
    pooled = _Decisions.pool(
        [_Decisions.of(fold, answer, records) for fold, answer in zip(folds, answers, strict=True)]
    )

    def of(metric: Metric) -> Trials | None:
        kept = _kept(metric, pooled)
        if kept is not None:
            correct = pooled.correct(protocol.threshold).astype(np.float64)
            return Values(np.where(kept, correct, np.nan), pooled.clusters)
        if metric.name not in MEASURES:
            return None
        # An image is compared with nothing but the threshold: its one identity counts once.
        whose = pooled.clusters[~pooled.truth]
        return Scores(
            pooled.scores[pooled.truth],
            pooled.clusters[pooled.truth],
            _refused(pooled),
            whose,
            whose,
            metric.name,
            float(dict(metric.options).get("fpdr", "nan")),
        )

    return of


class _Decisions:
    """Scores of images with their truth; failures are minus infinity and marked."""

    def __init__(
        self,
        names: Sequence[str],
        scores: npt.NDArray[np.float64],
        truth: npt.NDArray[np.bool_],
        failed: npt.NDArray[np.bool_],
        clusters: npt.NDArray[Any],
    ) -> None:
        self.names, self.truth, self.failed, self.clusters = names, truth, failed, clusters
        self.scores = np.where(failed, -np.inf, scores)

    @classmethod
    def of(cls, fold: Fold, answer: Answer, records: Mapping[str, Record]) -> _Decisions:
        return cls(
            fold.probes,
            np.asarray(answer.scores, dtype=np.float64),
            truth_matrix(fold, records),
            np.array([name in answer.failures for name in fold.probes], dtype=bool),
            np.array([identity_of(records[name]) for name in fold.probes]),
        )

    @classmethod
    def pool(cls, parts: Sequence[_Decisions]) -> _Decisions:
        return cls(
            [name for part in parts for name in part.names],
            np.concatenate([part.scores for part in parts]),
            np.concatenate([part.truth for part in parts]),
            np.concatenate([part.failed for part in parts]),
            np.concatenate([part.clusters for part in parts]),
        )

    def take(self, places: npt.NDArray[np.int64]) -> _Decisions:
        return _Decisions(
            (), self.scores[places], self.truth[places], self.failed[places], self.clusters[places]
        )

    def counts(self) -> dict[str, int]:
        return {
            "images": len(self.names),
            "tattoo": int(self.truth.sum()),
            "non_tattoo": int((~self.truth).sum()),
            "identities": len(np.unique(self.clusters)),
            "failed_probes": int(self.failed.sum()),
        }

    def correct(self, threshold: float) -> npt.NDArray[np.bool_]:
        said: npt.NDArray[np.bool_] = self.scores >= threshold
        return np.equal(said, self.truth) & ~self.failed

    def searches(self, fold: str, threshold: float) -> list[Search]:
        correct = self.correct(threshold)
        return [
            Search(
                fold=fold,
                probe=name,
                identity=str(self.clusters[i]),
                score=finite(self.scores[i]),
                failed=bool(self.failed[i]),
                truth=TATTOO if self.truth[i] else "non-tattoo",
                correct=bool(correct[i]),
            )
            for i, name in enumerate(self.names)
        ]


def _refused(pooled: _Decisions) -> npt.NDArray[np.float64]:
    """Return the scores of non-tattoo images, those refused as false at every threshold."""
    scores = np.where(pooled.failed, np.inf, pooled.scores)
    return scores[~pooled.truth]


def _value(metric: Metric, decisions: _Decisions, threshold: float) -> float | None:
    scores, truth, failed = decisions.scores, decisions.truth, decisions.failed
    rates = ("tattoo-accuracy", "non-tattoo-accuracy", "accuracy")
    if metric.name in rates:
        found = detecting.accuracies(scores, truth, threshold, failed)
        return finite(found[rates.index(metric.name)])
    if metric.name == "tpdr":
        fpdr = float(dict(metric.options)["fpdr"])
        return finite(detecting.tpdr_at_fpdr(scores, truth, fpdr, failed))
    measure = detecting.auc if metric.name == "auc" else detecting.eer
    return finite(measure(scores, truth, failed))


def _resampled(
    ids: Sequence[Metric], pooled: _Decisions, threshold: float
) -> dict[Metric, Interval]:
    """Return intervals of the metrics that are not shares of images, by resampling identities."""
    wanted = [metric for metric in ids if not metric.name.endswith("accuracy")]
    return resampled(
        wanted,
        pooled.clusters,
        lambda metric, places: _value(metric, pooled.take(places), threshold),
    )


def _kept(metric: Metric, decisions: _Decisions) -> npt.NDArray[np.bool_] | None:
    """Return the images of which an accuracy is the share decided rightly; None for others."""
    return {
        "accuracy": np.ones_like(decisions.truth),
        "tattoo-accuracy": decisions.truth,
        "non-tattoo-accuracy": ~decisions.truth,
    }.get(metric.name)


def _estimate(metric: Metric, decisions: _Decisions, threshold: float) -> Estimate:
    estimate = Estimate(_value(metric, decisions, threshold))
    correct = decisions.correct(threshold).astype(np.float64)
    kept = _kept(metric, decisions)
    if kept is not None:
        estimate.n = int(kept.sum())
        numbers = np.unique(decisions.clusters, return_inverse=True)[1]
        identities = len(np.unique(numbers[kept]))
        set_interval(estimate, choose_interval(correct[kept], numbers[kept]), identities)
        if metric.name == "accuracy":
            told = decisions.truth.astype(np.float64)
            guess = blind_guesses(sorted((told, 1 - told), key=np.sum))
            estimate.chance = finite(guess.mean)
            estimate.chance_low, estimate.chance_high = finite(guess.low), finite(guess.high)
        elif estimate.n:
            estimate.flags.append(ONE_KIND)
        errors = int((correct[kept] == 0).sum())
        if few_errors(errors):
            estimate.flags.append("fewer than 30 errors")
    elif metric.name == "tpdr":
        estimate.n = int(decisions.truth.sum())
        fpdr = float(dict(metric.options)["fpdr"])
        others = int((~decisions.truth).sum())
        _set_chance(estimate, metric, estimate.n, others)
        if not verification.fmr_supported(others, fpdr):
            estimate.flags.append("not supported by this data: too few non-tattoo images")
        if few_errors(round(fpdr * others)):
            estimate.flags.append("fewer than 30 false detections at this FPDR")
    else:
        estimate.n = len(decisions.names)
        tattoos = int(decisions.truth.sum())
        _set_chance(estimate, metric, tattoos, estimate.n - tattoos)
    return estimate


def _set_chance(estimate: Estimate, metric: Metric, tattoos: int, others: int) -> None:
    """Give a rate that is read at a threshold, or from all scores, what random scores get."""
    if estimate.value is None or not tattoos or not others:
        return
    drawn = random_comparisons(tattoos, others)
    if metric.name == "tpdr":
        fpdr = float(dict(metric.options)["fpdr"])
        found = spread_of(1 - drawn.fnmr(fpdr))
        reaching = verification.errors_allowed(others, fpdr) + 1
        estimate.chance = min(1.0, reaching / (others + 1))
    else:
        found = spread_of(drawn.auc() if metric.name == "auc" else drawn.eer())
        estimate.chance = 0.5
    estimate.chance_low, estimate.chance_high = found.low, found.high
