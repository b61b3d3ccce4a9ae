"""Search: do results of a text search get better when those with little tattoo are penalised?

Every record is a result of a query with its text score; a `Segmenter` says which pixels are tattoo,
their share is the concentration, and the score becomes ``score * min(1, concentration /
threshold)``. Counted is what follows for the first results: how many show no tattoo, before and
after, and how many tattoos stay. Metrics are means over queries, and queries resample.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
import numpy.typing as npt
from pydantic import Field

from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.metrics import segmentation
from harness.metrics.ids import Metric
from harness.metrics.reranking import kept_share, penalised, ranking, tattoo_free_share
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answer, Answered, PictureAnswer, finite
from harness.tasks.clusters import components
from harness.tasks.folds import deal
from harness.tasks.images import OTHER, TATTOO
from harness.tasks.means import mean_estimate, mean_of
from harness.tasks.protocol import Protocol, Table
from harness.tasks.results import (
    FoldMetrics,
    Judgement,
)
from harness.tasks.segmentation import Masking, truth_of
from harness.tasks.trials import Trials, values_of


class SearchRules(Table):
    """How the question ``search`` ranks the results of a text search again.

    Parameters
    ----------
    threshold
        Share of tattoo pixels below which a result's score is lowered in proportion.
    """

    threshold: Annotated[float, Field(gt=0, le=1)] = 0.25


class SearchTask(Masking["_Queries", "_Queries"]):
    """Do results get better?"""

    metrics = (
        "tattoo-free",
        "tattoo-free-before",
        "tattoo-free-change",
        "kept-tattoos",
        "concentration-error",
    )
    needs = ("both-labels",)
    rules = SearchRules
    failure_policy = (
        "A result without a mask counts as what is worse for the algorithm: empty if it shows a "
        "tattoo, full if it shows none."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
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
                    f"{column!r}{first}; a search needs the columns 'query', 'text_score' (from 0) "
                    "and 'label' ('tattoo' or 'non-tattoo')"
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

    def parts(self, run: Answered) -> list[_Queries]:
        """Return the queries of each fold with their results."""
        found, records, protocol = [], run.records, run.protocol
        for fold, answer in run.by_fold:
            results = [
                _result(records[name], answer, i, protocol) for i, name in enumerate(fold.probes)
            ]
            asked = [
                _Query(fold.name, query, [r for r in results if r.record.query == query], protocol)
                for query in dict.fromkeys(str(r.record.query) for r in results)
            ]
            found.append(_Queries(fold.name, asked))
        return found

    def whole(self, parts: Sequence[_Queries], run: Answered) -> _Queries:
        """Return the queries of all folds."""
        return _Queries("", [query for part in parts for query in part.queries])

    def of_part(self, part: _Queries, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(m): mean_of(part.values(m)) for m in protocol.metric_ids}
        return FoldMetrics(part.fold, part.counts(), values)

    def estimates(self, whole: _Queries, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        found = {}
        for metric in protocol.metric_ids:
            share = metric.name != "tattoo-free-change"
            estimate = mean_estimate(whole.values(metric), whole.clusters(metric), share=share)
            if metric.name in ("tattoo-free", "tattoo-free-before"):
                estimate.chance = finite(np.mean([q.free.mean() for q in whole.queries]))
            elif metric.name == "tattoo-free-change":
                estimate.chance = 0.0
            if len(whole.queries) < 30:
                estimate.flags.append(f"only {len(whole.queries)} queries")
            found[str(metric)] = estimate
        return found

    def searches(self, part: _Queries, protocol: Protocol) -> list[Judgement]:
        """Return the results of every query in their new order."""
        return [search for query in part.queries for search in query.searches()]

    def trials_in(self, whole: _Queries, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return the value of every query, or of every result."""
        return values_of(whole.values(metric), whole.clusters(metric))


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
        self.scores = penalised(scores, found, SearchRules.of(protocol).threshold)
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

    def searches(self) -> list[Judgement]:
        """Return the results in their new order."""
        places = np.empty(len(self.results), np.int64)
        places[self.before] = np.arange(1, len(self.results) + 1)
        found = []
        for rank, index in enumerate(self.after.tolist(), start=1):
            result = self.results[index]
            found.append(
                Judgement(
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


@dataclass
class _Queries:
    """Queries of one fold, or of all."""

    fold: str
    queries: Sequence[_Query]

    def values(self, metric: Metric) -> list[float | None]:
        return [value for query in self.queries for value in query.values(metric)]

    def clusters(self, metric: Metric) -> npt.NDArray[Any]:
        """Return whose each value is: its query's."""
        sizes = [len(query.values(metric)) for query in self.queries]
        return np.repeat([query.text for query in self.queries], sizes)

    def counts(self) -> dict[str, int]:
        results = [result for query in self.queries for result in query.results]
        return {
            "queries": len(self.queries),
            "images": len(results),
            "tattoo": int(sum((~query.free).sum() for query in self.queries)),
            "non_tattoo": int(sum(query.free.sum() for query in self.queries)),
            "failed_probes": sum(result.failed for result in results),
        }


def _whole(metric: Metric) -> int:
    k = metric["k"]
    if not isinstance(k, int) or k < 1:
        raise UsageError(f"{metric}: k is a whole number from 1")
    return k


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


TASK = SearchTask()
