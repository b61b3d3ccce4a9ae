"""Detection: does an image show a tattoo?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Detector
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, some
from harness.metrics import detection as detecting
from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import choose_interval
from harness.statistics.chance import blind_guesses, random_comparisons, spread_of
from harness.statistics.estimate import FEW_ERRORS, UNSUPPORTED, Estimate
from harness.statistics.intervals import Interval, few_errors
from harness.tasks.answers import Answered, finite, histogram, thin_curve
from harness.tasks.clusters import cluster_of
from harness.tasks.images import OTHER, TATTOO, PerImage, dealt_folds, resampled
from harness.tasks.intervals import set_interval
from harness.tasks.protocol import Protocol
from harness.tasks.results import (
    Curves,
    FoldMetrics,
    Judgement,
)
from harness.tasks.task import Task
from harness.tasks.trade_off import TradeOff
from harness.tasks.trials import MEASURES, Scores, Trials, Values

ONE_KIND = "no level of chance: always the same answer is right for all images of one kind"


class Detection(Task["_Decisions", "_Decisions"]):
    """Does an image show a tattoo? An answer has one score for each image: shape (images,)."""

    ability = Detector
    metrics = (
        "accuracy",
        "tattoo-accuracy",
        "non-tattoo-accuracy",
        "tpdr",
        "auc",
        "eer",
    )
    needs = ("both-labels",)
    failure_policy = "An image without a score is a wrong decision, whatever it shows."
    truth_shown = "elements"
    trade_off = TradeOff(
        "False detection rate",
        "Missed detection rate",
        "False detections",
        "Missed",
        "eer",
        mated="images with a tattoo",
        nonmated="images without",
        kinds=(TATTOO, OTHER),
        scored="images",
        higher="like a tattoo",
        rate="fpdr",
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return the data set's own lists, or folds that keep a tattoo's images together.

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
                f"{dataset.name}: {some(len(unlabelled), 'image has', 'images have')} no label, "
                "e.g. "
                f"{dataset.quoted(unlabelled[0])}; "
                "the column 'label' says 'tattoo' or 'non-tattoo'"
            )
        if dataset.folds:
            return list(dataset.folds)
        return dealt_folds(dataset, protocol.folds)

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return which images show a tattoo."""
        return {"tattoo": [records[name].label == TATTOO for name in fold.train]}

    def truth_matrix(
        self, fold: Fold, records: Mapping[str, Record], vocabulary: Sequence[str] = ()
    ) -> npt.NDArray[np.bool_]:
        """Return which images show a tattoo: bool, shape (images,)."""
        return np.array([records[name].label == TATTOO for name in fold.probes], dtype=bool)

    def parts(self, run: Answered) -> list[_Decisions]:
        """Return the scores of each fold with its labels."""
        return [
            _Decisions(
                fold.name,
                fold.probes,
                np.asarray(answer.scores, dtype=np.float64),
                self.truth_matrix(fold, run.records),
                answer.failed(fold.probes),
                np.array([cluster_of(run.records[name]) for name in fold.probes]),
            )
            for fold, answer in run.by_fold
        ]

    def whole(self, parts: Sequence[_Decisions], run: Answered) -> _Decisions:
        """Return the images of all folds."""
        return _Decisions.pool(parts)

    def of_part(self, part: _Decisions, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(m): _value(m, part, protocol.threshold) for m in protocol.metric_ids}
        return FoldMetrics(part.fold, part.counts(), values)

    def estimates(self, whole: _Decisions, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        ids = protocol.metric_ids
        intervals = _resampled(ids, whole, protocol.threshold)
        found = {}
        for metric in ids:
            estimate = _estimate(metric, whole, protocol.threshold)
            if metric in intervals:
                kinds = [whole.clusters[whole.truth], whole.clusters[~whole.truth]]
                fewer = min(len(np.unique(kind)) for kind in kinds)
                set_interval(estimate, intervals[metric], fewer)
            found[str(metric)] = estimate
        return found

    def curves(self, whole: _Decisions, protocol: Protocol) -> Curves:
        """Return false against missed detections, and the scores of both kinds of images."""
        tattoo, other = whole.scores[whole.truth], whole.scores[~whole.truth]
        return Curves(
            det=thin_curve(verification.error_curve(tattoo, _refused(whole))),
            distribution=histogram(tattoo, other),
        )

    def searches(self, part: _Decisions, protocol: Protocol) -> list[Judgement]:
        """Return every image with its score and whether the decision is right."""
        return part.searches(protocol.threshold)

    def trials_in(self, whole: _Decisions, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return right and wrong decisions, or the scores of both kinds of images."""
        kept = _kept(metric, whole)
        if kept is not None:
            correct = whole.correct(protocol.threshold).astype(np.float64)
            return Values(np.where(kept, correct, np.nan), whole.clusters)
        if metric.name not in MEASURES:
            return None
        # An image is compared with nothing but the threshold: its one identity counts once.
        whose = whole.clusters[~whole.truth]
        return Scores(
            whole.scores[whole.truth],
            whole.clusters[whole.truth],
            _refused(whole),
            whose,
            whose,
            metric.name,
            float(dict(metric.options).get("fpdr", "nan")),
        )


class _Decisions(PerImage):
    """Scores of images with their truth; failures are minus infinity and marked."""

    arrays = ("scores", "truth", "failed", "clusters")

    def __init__(
        self,
        fold: str,
        names: Sequence[str],
        scores: npt.NDArray[np.float64],
        truth: npt.NDArray[np.bool_],
        failed: npt.NDArray[np.bool_],
        clusters: npt.NDArray[Any],
    ) -> None:
        self.fold, self.names = fold, names
        self.truth, self.failed, self.clusters = truth, failed, clusters
        self.scores = np.where(failed, -np.inf, scores)

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

    def searches(self, threshold: float) -> list[Judgement]:
        correct = self.correct(threshold)
        return [
            Judgement(
                fold=self.fold,
                probe=name,
                identity=str(self.clusters[i]),
                score=finite(self.scores[i]),
                failed=bool(self.failed[i]),
                truth=TATTOO if self.truth[i] else OTHER,
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
            truth = decisions.truth.astype(np.float64)
            guess = blind_guesses(sorted((truth, 1 - truth), key=np.sum))
            estimate.chance = finite(guess.mean)
            estimate.chance_low, estimate.chance_high = finite(guess.low), finite(guess.high)
        elif estimate.n:
            estimate.flags.append(ONE_KIND)
        errors = int((correct[kept] == 0).sum())
        if few_errors(errors):
            estimate.flags.append(f"{FEW_ERRORS} errors")
    elif metric.name == "tpdr":
        estimate.n = int(decisions.truth.sum())
        fpdr = float(dict(metric.options)["fpdr"])
        others = int((~decisions.truth).sum())
        _set_chance(estimate, metric, estimate.n, others)
        if not verification.fmr_supported(others, fpdr):
            estimate.flags.append(f"{UNSUPPORTED}: too few non-tattoo images")
        if few_errors(round(fpdr * others)):
            estimate.flags.append(f"{FEW_ERRORS} false detections at this FPDR")
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


TASK = Detection()
