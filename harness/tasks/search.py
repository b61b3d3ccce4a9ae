"""Search: do results of a text search get better when those with little tattoo are penalised?

Every record is a result of a query with its text score; a `Segmenter` says which pixels are tattoo,
their share is the concentration, and the score becomes ``score * min(1, concentration /
threshold)``. Counted is what follows for the first results: how many show no tattoo, before and
after, and how many tattoos stay. Metrics are means over queries, and queries resample.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Segmenter
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.execution.unit import Picture
from harness.metrics import segmentation
from harness.metrics.ids import Metric
from harness.metrics.reranking import kept_share, penalised, ranking, tattoo_free_share
from harness.protocol import Protocol
from harness.results import Curves, FoldMetrics, Metrics, Outcome, Search
from harness.tasks.answers import Answer, PictureAnswer, finite, fold_spread, listed_failures
from harness.tasks.folds import components, deal
from harness.tasks.images import mask_of
from harness.tasks.means import mean_estimate, mean_of
from harness.tasks.segmentation import OTHER, TATTOO, truth_of

ABILITY = Segmenter
METRICS: dict[str, tuple[str, ...]] = {
    "tattoo-free": ("k",),
    "tattoo-free-before": ("k",),
    "tattoo-free-change": ("k",),
    "kept-tattoos": ("k",),
    "concentration-error": (),
}
TRUTH_FILES = ("mask",)
NEEDS = ("both-labels",)
FAILURE_POLICY = (
    "A result without a mask counts as what is worse for the algorithm: empty if it shows a "
    "tattoo, full if it shows none."
)


def lay_out(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Return folds of whole queries; what a fold's results show is not learned from in it.

    Raises
    ------
    DataError
        If a result has no query, no text score or no label, or its score is below 0.
    """
    used = {n: r for n, r in dataset.records.items() if r.role != "background"}
    results = [record for record in used.values() if record.role != "train"]
    for column, lacking in (
        ("query", [r for r in results if r.query is None]),
        ("text_score", [r for r in results if r.text_score is None or r.text_score < 0]),
        ("label", [r for r in results if r.label is None]),
    ):
        if lacking or not results:
            first = f", e.g. {lacking[0].name}" if lacking else ""
            raise DataError(
                f"{dataset.name}: {len(lacking)} of {len(results)} results have no usable "
                f"{column!r}{first}; a search needs the columns 'query', 'text_score' (from 0) and "
                "'label' ('tattoo' or 'non-tattoo')"
            )
    together = _shared(used.values())
    kept = Dataset(dataset.name, dataset.root, dataset.layout, used)
    folds = []
    for name, train, judged, _ in deal(
        kept,
        protocol.folds,
        lambda record: together[f"record {record.name}"],
        lambda records, rng: (list(records), []),
    ):
        inside = {together[f"record {record.name}"] for record in judged}
        learned = tuple(
            record.name
            for record in train
            # What is only learned from may show what is judged here.
            if together[f"record {record.name}"] not in inside
            and (record.mask or record.label == OTHER)
        )
        folds.append(Fold(name, learned, tuple(r.name for r in judged)))
    return folds


def training_truth(fold: Fold, records: Mapping[str, Record], protocol: Protocol) -> dict[str, Any]:
    """Return what a training set says: the mask of every image."""
    return {"masks": [mask_of(records[name]) for name in fold.train]}


def truth_masks(fold: Fold, records: Mapping[str, Record]) -> list[Picture | None]:
    """Return the masks of the results that are judged; None where there is none."""
    return [mask_of(records[name]) for name in fold.probes]


def judge(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> Outcome:
    """Compute every number of a run from its masks.

    Parameters
    ----------
    folds, answers
        In the same order; the answers are `PictureAnswer`.
    """
    ids = protocol.metric_ids
    queries: list[_Query] = []
    per_fold = []
    for fold, answer in zip(folds, answers, strict=True):
        results = [
            _result(records[name], answer, i, protocol) for i, name in enumerate(fold.probes)
        ]
        asked = [
            _Query(fold.name, query, [r for r in results if r.record.query == query], protocol)
            for query in dict.fromkeys(str(r.record.query) for r in results)
        ]
        queries += asked
        values = {str(m): mean_of(_values(m, asked)) for m in ids}
        per_fold.append(FoldMetrics(fold.name, _counts(asked), values))
    estimates = {}
    for metric in ids:
        found = _values(metric, queries)
        clusters = np.repeat([q.text for q in queries], [len(q.values(metric)) for q in queries])
        estimate = mean_estimate(found, clusters, share=metric.name != "tattoo-free-change")
        if metric.name in ("tattoo-free", "tattoo-free-before"):
            estimate.chance = finite(np.mean([q.free.mean() for q in queries]))
        elif metric.name == "tattoo-free-change":
            estimate.chance = 0.0
        spread = fold_spread([fold.values[str(metric)] for fold in per_fold])
        estimate.fold_mean, estimate.fold_sd = spread
        if len(queries) < 30:
            estimate.flags.append(f"only {len(queries)} queries")
        estimates[str(metric)] = estimate
    counts = {"folds": len(folds), **_counts(queries)}
    counts["training_images"] = len({name for fold in folds for name in fold.train})
    return Outcome(
        metrics=Metrics("search", protocol.headline_id, counts, estimates, per_fold),
        curves=Curves(),
        searches=[search for query in queries for search in query.searches()],
        failures=listed_failures(folds, answers),
    )


class _Result:
    """One result: its record, its concentration by the algorithm and, if known, in truth."""

    def __init__(self, record: Record, found: float, truth: float | None, failed: bool) -> None:
        self.record, self.found, self.truth, self.failed = record, found, truth, failed

    @property
    def error(self) -> float | None:
        if self.truth is None:
            return None
        return max(self.truth, 1 - self.truth) if self.failed else abs(self.found - self.truth)


def _result(record: Record, answer: Answer, index: int, protocol: Protocol) -> _Result:
    mask = answer.mask(index) if isinstance(answer, PictureAnswer) else None
    free = record.label == OTHER
    truth = None
    if record.mask is not None:
        marked = truth_of(record, None if mask is None else mask.shape)
        truth = None if marked is None else segmentation.concentration(marked)
    elif free:
        truth = 0.0
    if mask is None:
        return _Result(record, 1.0 if free else 0.0, truth, failed=True)
    decided = segmentation.as_mask(mask, protocol.threshold)
    return _Result(record, segmentation.concentration(decided), truth, failed=False)


class _Query:
    """The results of one query, in the order of the text search and in the new one."""

    def __init__(
        self, fold: str, text: str, results: Sequence[_Result], protocol: Protocol
    ) -> None:
        self.fold, self.text, self.results = fold, text, results
        self.free: npt.NDArray[np.bool_] = np.array([r.record.label == OTHER for r in results])
        scores = np.array([r.record.text_score for r in results], dtype=np.float64)
        found = np.array([r.found for r in results])
        self.scores = penalised(scores, found, protocol.search.threshold)
        self.before, self.after = ranking(scores, self.free), ranking(self.scores, self.free)

    def values(self, metric: Metric) -> list[float | None]:
        """Return the value of this query, or those of its results."""
        if metric.name == "concentration-error":
            return [result.error for result in self.results]
        k = _whole(metric)
        before = tattoo_free_share(self.before, self.free, k)
        after = tattoo_free_share(self.after, self.free, k)
        value = {
            "tattoo-free": after,
            "tattoo-free-before": before,
            "tattoo-free-change": after - before,
            "kept-tattoos": kept_share(self.before, self.after, self.free, k),
        }[metric.name]
        return [finite(value)]

    def searches(self) -> list[Search]:
        """Return the results in their new order."""
        places = np.empty(len(self.results), np.int64)
        places[self.before] = np.arange(1, len(self.results) + 1)
        found = []
        for rank, index in enumerate(self.after.tolist(), start=1):
            result = self.results[index]
            found.append(
                Search(
                    fold=self.fold,
                    probe=result.record.name,
                    identity=self.text,
                    rank=rank,
                    score=float(self.scores[index]),
                    failed=result.failed,
                    truth=OTHER if self.free[index] else TATTOO,
                    values={
                        "text-score": result.record.text_score,
                        "rank-before": float(places[index]),
                        "concentration": result.found,
                        "concentration-error": result.error,
                    },
                )
            )
        return found


def _values(metric: Metric, queries: Sequence[_Query]) -> list[float | None]:
    return [value for query in queries for value in query.values(metric)]


def _whole(metric: Metric) -> int:
    k = metric["k"]
    if not isinstance(k, int) or k < 1:
        raise UsageError(f"{metric}: k is a whole number from 1")
    return k


def _counts(queries: Sequence[_Query]) -> dict[str, int]:
    return {
        "queries": len(queries),
        "images": sum(len(query.results) for query in queries),
        "tattoo": int(sum((~query.free).sum() for query in queries)),
        "non_tattoo": int(sum(query.free.sum() for query in queries)),
        "failed_probes": sum(r.failed for query in queries for r in query.results),
    }


def _shared(records: Iterable[Record]) -> dict[str, str]:
    """Group records that share a query, a tattoo, a capture or a file, directly or through others.

    One picture may be a result of several queries, which then stay in one fold.
    """
    pairs = []
    for record in records:
        own = f"record {record.name}"
        pairs.append((own, own))
        for what in ("query", "tattoo", "source", "path"):
            value = getattr(record, what)
            # What is only learned from is no result of a query, whatever its line says.
            if value is not None and not (what == "query" and record.role == "train"):
                pairs.append((own, f"{what} {value}"))
    return components(pairs)
