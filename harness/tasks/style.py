"""Style: which of a protocol's styles is the tattoo in?

Every image has one style, and a `Tagger` scores all of them. Its scores become probabilities by
division by their sum; where all are 0, every style gets the same. The answer is the style with the
highest probability, and a tie for it is no answer. An image whose style the protocol does not name,
or whose style is not known, is no part of the question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Tagger
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.metrics import classification
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import choose_interval
from harness.statistics.chance import blind_guesses
from harness.statistics.estimate import FEW_ERRORS, Estimate
from harness.statistics.intervals import Interval, few_errors
from harness.tasks.answers import Answered, finite
from harness.tasks.clusters import DESIGN, cluster_of
from harness.tasks.folds import deal
from harness.tasks.images import PerImage, resampled
from harness.tasks.intervals import NONE, set_interval
from harness.tasks.protocol import Protocol, Table
from harness.tasks.results import (
    Candidate,
    Curves,
    FoldMetrics,
    Judgement,
)
from harness.tasks.task import Task
from harness.tasks.trials import Statistic, Trials, Values

MOST = 100_000
"""Highest rank, or number of bins, of a metric."""
RELIABILITY_BINS = 10

Array = npt.NDArray[np.float64]


class StyleRules(Table):
    """Which styles the question ``style`` is about.

    Parameters
    ----------
    styles
        As the data set writes them; images of other styles are left out. Without any, all styles of
        the data set.
    """

    styles: tuple[str, ...] = ()


class Style(Task["_Answers", "_Answers"]):
    """Which style is it? An answer has a score for each style: shape (images, styles)."""

    ability = Tagger
    metrics = (
        "top-k-accuracy",
        "macro-recall",
        "brier",
        "log-loss",
        "calibration-error",
    )
    rules = StyleRules
    failure_policy = (
        "An image without an answer has the wrong style, and probabilities as bad as can be."
    )
    truth_shown = "elements"
    has_vocabulary = True

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return folds that share no design: judged are all images of the protocol's styles.

        Background images, where the protocol asks for them, are only learned from.

        Raises
        ------
        UsageError
            If the protocol names fewer than two styles.
        DataError
            If the data set has no image in one of them.
        """
        styles = StyleRules.of(protocol).styles
        if len(set(styles)) < 2 or len(set(styles)) < len(styles):
            raise UsageError("the protocol's [style] needs `styles`: two or more, each named once")
        usable = {n: r for n, r in dataset.records.items() if r.style in styles}
        absent = [s for s in styles if not any(r.style == s for r in usable.values())]
        if absent:
            found = sorted({r.style for r in dataset.records.values() if r.style}) or ["none"]
            raise DataError(
                f"{dataset.name} has no image of style {', '.join(map(repr, absent))}; the column "
                f"'style' has: {', '.join(found)}"
            )
        background = [r for r in usable.values() if r.role == "background"]
        folds = []
        kept = Dataset(dataset.name, dataset.root, dataset.layout, usable)
        for name, train, judged, _ in deal(
            kept,
            protocol.folds,
            lambda record: cluster_of(record, DESIGN),
            lambda records, rng: (list(records), []),
        ):
            inside = {cluster_of(record, DESIGN) for record in judged}
            learned = [*train, *(r for r in background if cluster_of(r, DESIGN) not in inside)]
            folds.append(Fold(name, tuple(r.name for r in learned), tuple(r.name for r in judged)))
        return folds

    def vocabulary(self, records: Mapping[str, Record], protocol: Protocol) -> tuple[str, ...]:
        """Return the styles, in the protocol's order."""
        return StyleRules.of(protocol).styles

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return the style of every image, as its one tag."""
        styles = StyleRules.of(protocol).styles
        return {"tags": [[styles.index(records[name].style or "")] for name in fold.train]}

    def truth_matrix(
        self, fold: Fold, records: Mapping[str, Record], vocabulary: Sequence[str] = ()
    ) -> npt.NDArray[np.bool_]:
        """Return which style each image has: bool, shape (images, styles), one true in a row."""
        shown = [records[name].style for name in fold.probes]
        return np.array([[style == own for style in vocabulary] for own in shown], dtype=bool)

    def parts(self, run: Answered) -> list[_Answers]:
        """Return the probabilities of each fold's images with their styles."""
        styles = StyleRules.of(run.protocol).styles
        found = []
        for fold, answer in run.by_fold:
            shape = (len(fold.probes), len(styles))
            scores = np.array(answer.scores, dtype=np.float64).reshape(shape)
            scores[answer.failed(fold.probes)] = np.nan
            truth = self.truth_matrix(fold, run.records, styles).reshape(-1, len(styles))
            whose = np.array([cluster_of(run.records[name], DESIGN) for name in fold.probes])
            found.append(
                _Answers(
                    fold.name,
                    fold.probes,
                    styles,
                    probabilities(scores),
                    truth.argmax(axis=1),
                    whose,
                )
            )
        return found

    def whole(self, parts: Sequence[_Answers], run: Answered) -> _Answers:
        """Return the images of all folds."""
        return _Answers.pool(parts)

    def of_part(self, part: _Answers, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(metric): _value(metric, part) for metric in protocol.metric_ids}
        return FoldMetrics(part.fold, part.counts(), values)

    def estimates(self, whole: _Answers, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        ids = protocol.metric_ids
        intervals = _resampled(ids, whole)
        found = {}
        for metric in ids:
            estimate = _estimate(metric, whole)
            if metric in intervals:
                share = metric.name == "macro-recall"
                identities = len(np.unique(whole.clusters))
                set_interval(estimate, intervals[metric], identities, share=share)
            found[str(metric)] = estimate
        return found

    def curves(self, whole: _Answers, protocol: Protocol) -> Curves:
        """Return what is taken for what, and how often an answer of some confidence is right."""
        return Curves(
            confusion=_confusion(whole),
            reliability=classification.reliability(
                whole.probabilities, whole.labels, RELIABILITY_BINS
            ),
        )

    def searches(self, part: _Answers, protocol: Protocol) -> list[Judgement]:
        """Return every image with the styles in the order of their probabilities."""
        return part.searches()

    def trials_in(self, whole: _Answers, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return whether an image's own style is among the first k, or all images.

        Of the calibration error there are none, as it has no interval.
        """
        if metric.name == "calibration-error":
            return None
        if metric.name == "top-k-accuracy":
            right = (whole.places() <= _whole(metric, "k")) & ~whole.failed
            return Values(right.astype(np.float64), whole.clusters)

        def measure(places: npt.NDArray[np.int64]) -> float:
            found = _value(metric, whole.take(places))
            return np.nan if found is None else found

        return Statistic(measure, whole.clusters, whole.probabilities)


def probabilities(scores: npt.NDArray[np.floating[Any]]) -> Array:
    """Turn scores of the styles into probabilities.

    Parameters
    ----------
    scores
        Floating point, shape (images, styles), not below 0; a row with NaN is a failure.

    Returns
    -------
    numpy.ndarray
        float64, same shape: each row divided by its sum; equal shares where that is 0; ``-inf`` for
        a failure. What a control scored below 0 counts as 0.

    Examples
    --------
    >>> probabilities(np.array([[0.5, 0.25, 0.25], [0.2, 0.2, 0.0], [0.0, 0.0, 0.0]])).round(2)
    array([[0.5 , 0.25, 0.25],
           [0.5 , 0.5 , 0.  ],
           [0.33, 0.33, 0.33]])
    """
    clipped = np.maximum(np.asarray(scores, np.float64), 0.0)
    failed = np.isnan(clipped).any(axis=1)
    clipped[failed] = 0.0
    sums = clipped.sum(axis=1, keepdims=True)
    shares: Array = np.divide(
        clipped, sums, out=np.full_like(clipped, 1 / max(1, clipped.shape[1])), where=sums > 0
    )
    shares[failed] = -np.inf
    return shares


class _Answers(PerImage):
    """Probabilities of images with their style; rows of failures are minus infinity."""

    arrays = ("probabilities", "labels", "clusters")

    def __init__(
        self,
        fold: str,
        names: Sequence[str],
        styles: Sequence[str],
        probabilities: Array,
        labels: npt.NDArray[np.int64],
        clusters: npt.NDArray[Any],
    ) -> None:
        self.fold, self.names, self.styles = fold, names, styles
        self.probabilities, self.labels, self.clusters = probabilities, labels, clusters

    @property
    def failed(self) -> npt.NDArray[np.bool_]:
        failed: npt.NDArray[np.bool_] = np.all(self.probabilities == -np.inf, axis=1)
        return failed

    def counts(self) -> dict[str, int]:
        largest = np.bincount(self.labels).max() if len(self.labels) else 0
        return {
            "images": len(self.names),
            "identities": len(np.unique(self.clusters)),
            "images_of_the_most_common_style": int(largest),
            "failed_probes": int(self.failed.sum()),
        }

    def places(self) -> npt.NDArray[np.int64]:
        """Return the place of each image's own style, ties against it."""
        own = self.probabilities[np.arange(len(self.labels)), self.labels]
        found: npt.NDArray[np.int64] = np.sum(
            self.probabilities >= own[:, None], axis=1, dtype=np.int64
        )
        return found

    def searches(self) -> list[Judgement]:
        styles = self.styles
        failed, places = self.failed, self.places()
        found = []
        for i, name in enumerate(self.names):
            order = [] if failed[i] else np.argsort(-self.probabilities[i], kind="stable").tolist()
            found.append(
                Judgement(
                    fold=self.fold,
                    probe=name,
                    identity=str(self.clusters[i]),
                    rank=None if failed[i] else int(places[i]),
                    score=None if failed[i] else float(self.probabilities[i, order[0]]),
                    failed=bool(failed[i]),
                    truth=styles[self.labels[i]],
                    correct=bool(not failed[i] and places[i] == 1),
                    candidates=[
                        Candidate(
                            styles[k], float(self.probabilities[i, k]), k == int(self.labels[i])
                        )
                        for k in order
                    ],
                )
            )
        return found


def _confusion(pooled: _Answers) -> dict[str, list[float]]:
    cells = classification.confusion(pooled.probabilities, pooled.labels)
    columns = zip((*pooled.styles, ""), cells.T, strict=True)
    return {answer: column.astype(float).tolist() for answer, column in columns}


def _value(metric: Metric, part: _Answers) -> float | None:
    if metric.name == "top-k-accuracy":
        return finite(
            classification.top_k_accuracy(part.probabilities, part.labels, _whole(metric, "k"))
        )
    if metric.name == "calibration-error":
        bins = _whole(metric, "bins")
        return finite(
            classification.expected_calibration_error(part.probabilities, part.labels, bins)
        )
    measure = {
        "macro-recall": classification.macro_recall,
        "brier": classification.brier,
        "log-loss": classification.log_loss,
    }[metric.name]
    return finite(measure(part.probabilities, part.labels))


def _whole(metric: Metric, option: str) -> int:
    value = metric[option]
    if not isinstance(value, int) or not 1 <= value <= MOST:
        raise UsageError(f"{metric}: {option} is a whole number from 1 to {MOST:,}")
    return value


def _resampled(ids: Sequence[Metric], pooled: _Answers) -> dict[Metric, Interval]:
    """Return intervals of the metrics that are not shares of images, by resampling designs.

    The calibration error has none: chance differences within bins add to it, and resampling makes
    more of them, so that the value itself would lie outside.
    """
    without = ("top-k-accuracy", "calibration-error")
    wanted = [metric for metric in ids if metric.name not in without]
    return resampled(
        wanted, pooled.clusters, lambda metric, places: _value(metric, pooled.take(places))
    )


def _estimate(metric: Metric, pooled: _Answers) -> Estimate:
    """Return value and chance: what naming a style at random, or all alike, gets."""
    estimate = Estimate(_value(metric, pooled), n=len(pooled.names))
    styles = len(pooled.styles)
    if metric.name == "top-k-accuracy":
        k = _whole(metric, "k")
        right = ((pooled.places() <= k) & ~pooled.failed).astype(np.float64)
        numbers = np.unique(pooled.clusters, return_inverse=True)[1]
        set_interval(estimate, choose_interval(right, numbers), len(np.unique(numbers)))
        common = np.argsort(np.bincount(pooled.labels, minlength=styles), kind="stable")
        by_lot = np.full(len(right), classification.chance_rate(styles, k))
        rarest, commonest = (
            np.isin(pooled.labels, chosen).astype(np.float64)
            for chosen in (common[:k], common[len(common) - min(k, styles) :])
        )
        guess = blind_guesses([rarest, by_lot, commonest])
        estimate.chance = finite(guess.mean)
        estimate.chance_low, estimate.chance_high = finite(guess.low), finite(guess.high)
        if few_errors(int((right == 0).sum())):
            estimate.flags.append(f"{FEW_ERRORS} errors")
    elif metric.name == "macro-recall":
        estimate.chance = 1 / styles
    elif metric.name == "brier":
        estimate.chance = 1 - 1 / styles
    elif metric.name == "calibration-error":
        estimate.flags.append(f"{NONE}resampling images makes more of the differences by chance")
    elif metric.name == "log-loss":
        estimate.chance = float(np.log(styles))
    return estimate


TASK = Style()
