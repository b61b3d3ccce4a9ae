"""Tagging: which tags does an image carry?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.api import Tagger
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError
from harness.metrics import tagging
from harness.metrics.identification import chance_average_precision
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import cluster_bootstrap
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import Interval
from harness.tasks.answers import Answered, finite
from harness.tasks.clusters import CONTENT, cluster_of
from harness.tasks.images import PerImage, dealt_folds
from harness.tasks.intervals import set_interval
from harness.tasks.protocol import Protocol, Table
from harness.tasks.results import (
    Candidate,
    FoldMetrics,
    Judgement,
    TagFigures,
)
from harness.tasks.task import Task
from harness.tasks.trials import Statistic, Trials, Values

CANDIDATES = 12
"""Best tags of an image that are kept beside those it carries."""

RESAMPLES = 500
RANDOM_ANSWERS = 400
FEWEST = 60
"""Resamples, or random answers, of very large sets."""

WORK = 150_000_000
"""Scores looked at by resampling, or by random answers, before there are fewer of them."""


class TaggingRules(Table):
    """Which tags the question ``tagging`` is about.

    Parameters
    ----------
    minimum_use
        Images, learned from or judged, that must carry a tag for it to be asked for
        (``minimum-use``).
    """

    minimum_use: Annotated[int, Field(ge=1, alias="minimum-use")] = 1


class Tagging(Task["_Tagged", "_Tagged"]):
    """Which tags does an image carry? An answer has a score for each tag: shape (images, tags)."""

    ability = Tagger
    metrics = (
        "tag-map",
        "precision-micro",
        "recall-micro",
        "f1-micro",
        "precision-macro",
        "recall-macro",
        "f1-macro",
        "tag-credit",
    )
    rules = TaggingRules
    failure_policy = "An image without scores is given no tag and stands last in every ranking."
    truth_shown = "elements"
    has_vocabulary = True

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return folds that share no identity: those of the data set's lists, or dealt ones.

        All images of a fold are judged, probes and references alike.

        Raises
        ------
        DataError
            If no image has a tag, or as for `deal`.
        """
        shown = {n: r for n, r in dataset.records.items() if r.role != "background"}
        self.vocabulary(shown, protocol)
        if dataset.folds:
            return [
                Fold(
                    fold.name,
                    tuple(name for name in fold.train if name in shown),
                    tuple(n for n in dict.fromkeys((*fold.probes, *fold.gallery)) if n in shown),
                )
                for fold in dataset.folds
            ]
        return dealt_folds(dataset, protocol.folds, lambda record: cluster_of(record, CONTENT))

    def vocabulary(self, records: Mapping[str, Record], protocol: Protocol) -> list[str]:
        """Return the tags that enough images carry, in alphabetical order.

        Parameters
        ----------
        records
            Those that the folds name, learned from or judged.

        Raises
        ------
        DataError
            If there is no such tag.
        """
        uses = Counter(tag for record in records.values() for tag in set(record.tags))
        least = TaggingRules.of(protocol).minimum_use
        found = sorted(tag for tag, count in uses.items() if count >= least)
        if not found:
            most = ", ".join(f"{tag} ({count})" for tag, count in uses.most_common(3))
            raise DataError(
                f"no tag is carried by {least} images or more; "
                + (f"the commonest: {most}. " if most else "no image has any tag. ")
                + "The column 'tags' of a manifest holds them; 'minimum-use' in the protocol's "
                "table [tagging] says how many images a tag needs"
            )
        return found

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return the tags of each image, as places in the vocabulary."""
        places = {tag: place for place, tag in enumerate(self.vocabulary(records, protocol))}
        return {
            "tags": [
                sorted(places[tag] for tag in set(records[name].tags) if tag in places)
                for name in fold.train
            ]
        }

    def truth_matrix(
        self, fold: Fold, records: Mapping[str, Record], vocabulary: Sequence[str] = ()
    ) -> npt.NDArray[np.bool_]:
        """Return which tags the images of a fold carry: bool, shape (images, tags)."""
        places = {tag: place for place, tag in enumerate(vocabulary)}
        truth = np.zeros((len(fold.probes), len(places)), dtype=bool)
        for row, name in zip(truth, fold.probes, strict=True):
            row[[places[tag] for tag in records[name].tags if tag in places]] = True
        return truth

    def parts(self, run: Answered) -> list[_Tagged]:
        """Return the scores of each fold's images with the tags that they carry.

        Raises
        ------
        DataError
            If scores have another shape.
        """
        used = {n: run.records[n] for fold in run.folds for n in (*fold.train, *fold.probes)}
        tags = self.vocabulary(used, run.protocol)
        found = []
        for fold, answer in run.by_fold:
            scores = np.asarray(answer.scores, dtype=np.float64)
            if scores.shape != (len(fold.probes), len(tags)):
                raise DataError(
                    f"fold {fold.name}: scores have shape {scores.shape}, but {len(fold.probes)} "
                    f"images and {len(tags)} tags were asked for"
                )
            failed = answer.failed(fold.probes)
            found.append(
                _Tagged(
                    fold.name,
                    fold.probes,
                    tags,
                    run.protocol,
                    np.where(failed[:, np.newaxis], -np.inf, scores),
                    self.truth_matrix(fold, run.records, tags),
                    failed,
                    np.array([cluster_of(run.records[name], CONTENT) for name in fold.probes]),
                )
            )
        return found

    def whole(self, parts: Sequence[_Tagged], run: Answered) -> _Tagged:
        """Return the images of all folds."""
        return _Tagged.pool(parts)

    def of_part(self, part: _Tagged, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        ids = protocol.metric_ids
        values = map(finite, _values(ids, part))
        return FoldMetrics(part.fold, part.counts(), dict(zip(map(str, ids), values, strict=True)))

    def estimates(self, whole: _Tagged, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        return _estimates(whole)

    def searches(self, part: _Tagged, protocol: Protocol) -> list[Judgement]:
        """Return every image with the tags that it carries and those it is given."""
        return part.searches()

    def trials_in(self, whole: _Tagged, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return all images: a figure of tags is no mean over them, the credit is."""
        if metric.name == "tag-credit":
            return Values(_credit(metric, whole), whole.clusters)
        return Statistic(
            lambda places: _values([metric], whole.take(places))[0], whole.clusters, whole.scores
        )

    def tags(self, whole: _Tagged) -> list[TagFigures]:
        """Return every tag for itself."""
        return _figures(whole)


class _Tagged(PerImage):
    """Scores of images for every tag, with their truth; failures are rows of minus infinity."""

    arrays = ("scores", "truth", "failed", "clusters")

    def __init__(
        self,
        fold: str,
        names: Sequence[str],
        tags: Sequence[str],
        protocol: Protocol,
        scores: npt.NDArray[np.float64],
        truth: npt.NDArray[np.bool_],
        failed: npt.NDArray[np.bool_],
        clusters: npt.NDArray[Any],
    ) -> None:
        self.fold, self.names, self.vocabulary, self.protocol = fold, names, tags, protocol
        self.scores, self.truth = scores, truth
        self.failed, self.clusters = failed, clusters

    def answered_by(self, scores: npt.NDArray[np.float64]) -> _Tagged:
        found = copy(self)
        found.scores = scores
        return found

    @cached_property
    def intervals(self) -> list[Interval]:
        """Of every metric, then of the average precision of every tag, by resampling identities."""
        known, numbers = np.unique(self.clusters, return_inverse=True)
        ids = self.protocol.metric_ids

        def values(drawn: npt.NDArray[np.int64]) -> list[float]:
            picked = self.take(np.repeat(np.arange(len(numbers)), drawn[numbers]))
            return [
                *_values(ids, picked),
                *tagging.tag_average_precision(picked.scores, picked.truth).tolist(),
            ]

        replicates = _affordable(RESAMPLES, self.scores.size)
        return list(cluster_bootstrap(values, len(known), replicates=replicates))

    def counts(self) -> dict[str, int]:
        return {
            "images": len(self.names),
            "tags": self.truth.shape[1],
            "tags_carried": int(self.truth.sum()),
            "images_without_tag": int((~self.truth.any(axis=1)).sum()),
            "identities": len(np.unique(self.clusters)),
            "failed_probes": int(self.failed.sum()),
        }

    def searches(self) -> list[Judgement]:
        tags = self.vocabulary
        order = np.argsort(-self.scores, axis=1, kind="stable")[:, :CANDIDATES]
        credits = [metric for metric in self.protocol.metric_ids if metric.name == "tag-credit"]
        earned = {str(metric): _credit(metric, self) for metric in credits}
        return [
            Judgement(
                fold=self.fold,
                probe=name,
                identity=str(self.clusters[i]),
                failed=bool(self.failed[i]),
                truth=" ".join(tags[j] for j in np.flatnonzero(self.truth[i]).tolist()),
                values={metric: finite(values[i]) for metric, values in earned.items()},
                candidates=[
                    Candidate(tags[j], finite(self.scores[i, j]), bool(self.truth[i, j]))
                    for j in order[i].tolist()
                    if not self.failed[i]
                ],
            )
            for i, name in enumerate(self.names)
        ]


def _credit(metric: Metric, tagged: _Tagged) -> npt.NDArray[np.float64]:
    rule = {"more_than": int(metric["more-than"]), "per_hit": float(metric["per-hit"])}
    return tagging.top_tag_credit(tagged.scores, tagged.truth, **rule)  # type: ignore[arg-type]


def _values(ids: Sequence[Metric], tagged: _Tagged) -> list[float]:
    """Return every metric asked for, NaN where there is no answer."""
    scores, truth, threshold = tagged.scores, tagged.truth, tagged.protocol.threshold
    macro = tagging.macro(tagging.tag_rates(scores, truth, threshold))._asdict()
    micro = tagging.micro(scores, truth, threshold)._asdict()
    found = []
    for metric in ids:
        if metric.name == "tag-map":
            found.append(tagging.mean_average_precision(scores, truth))
        elif metric.name == "tag-credit":
            found.append(_mean(_credit(metric, tagged)))
        else:
            figure, _, averaged = metric.name.partition("-")
            found.append((macro if averaged == "macro" else micro)[figure])
    return found


def _estimates(pooled: _Tagged) -> dict[str, Estimate]:
    """Return every metric with its interval and chance."""
    ids = pooled.protocol.metric_ids
    random = _random_answers(ids, pooled)
    estimates = {}
    for i, (metric, value) in enumerate(zip(ids, _values(ids, pooled), strict=True)):
        estimate = Estimate(finite(value), n=len(pooled.names))
        # A mean over tags is no mean over images, so a perfect one has no bound from their number.
        set_interval(estimate, pooled.intervals[i], 0, share=False)
        guesses = random[:, i][~np.isnan(random[:, i])]
        if len(guesses):
            estimate.chance = float(guesses.mean())
            estimate.chance_low, estimate.chance_high = map(
                float, np.quantile(guesses, (0.025, 0.975))
            )
        if metric.name == "tag-map":
            estimate.chance = finite(_mean(_chance_of_tags(pooled)))
        if metric.name == "tag-credit":
            _describe_credit(estimate, metric, pooled)
        estimates[str(metric)] = estimate
    return estimates


def _figures(pooled: _Tagged) -> list[TagFigures]:
    """Return every tag with its interval and chance."""
    precision = tagging.tag_average_precision(pooled.scores, pooled.truth)
    rates = tagging.tag_rates(pooled.scores, pooled.truth, pooled.protocol.threshold)
    carried, chance = pooled.truth.sum(axis=0), _chance_of_tags(pooled)
    intervals = pooled.intervals[len(pooled.protocol.metric_ids) :]
    return [
        TagFigures(
            tag=tag,
            images=int(carried[j]),
            average_precision=finite(precision[j]),
            low=finite(intervals[j].low) if carried[j] else None,
            high=finite(intervals[j].high) if carried[j] else None,
            chance=finite(chance[j]),
            precision=finite(rates.precision[j]),
            recall=finite(rates.recall[j]),
            f1=finite(rates.f1[j]),
        )
        for j, tag in enumerate(pooled.vocabulary)
    ]


def _chance_of_tags(pooled: _Tagged) -> npt.NDArray[np.float64]:
    """Return the average precision of a random order of the images, by tag."""
    carried = pooled.truth.sum(axis=0)
    return chance_average_precision(carried, np.full(len(carried), len(pooled.names)))


def _describe_credit(estimate: Estimate, metric: Metric, pooled: _Tagged) -> None:
    """Say how many images count, and what a random order of the tags would earn on them."""
    more_than, per_hit = int(metric["more-than"]), float(metric["per-hit"])
    counted = pooled.truth.sum(axis=1)
    tags = pooled.truth.shape[1]
    expected = tagging.chance_credit(counted, tags, more_than=more_than, per_hit=per_hit)
    estimate.chance = finite(_mean(expected))
    estimate.n = int((counted > more_than).sum())
    if not estimate.n:
        estimate.flags.append(f"no image carries more than {more_than} of the {tags} tags")


def _random_answers(ids: Sequence[Metric], pooled: _Tagged) -> npt.NDArray[np.float64]:
    """Return the metrics of uniform random scores: float64, shape (answers, metrics)."""
    rng = np.random.default_rng(0)
    return np.array(
        [
            _values(ids, pooled.answered_by(rng.random(pooled.scores.shape)))
            for _ in range(_affordable(RANDOM_ANSWERS, pooled.scores.size))
        ]
    )


def _affordable(wanted: int, scores: int) -> int:
    return max(FEWEST, min(wanted, WORK // max(scores, 1)))


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else float("nan")


TASK = Tagging()
