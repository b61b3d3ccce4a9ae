"""Verification by AIGTatt's procedure: do two images show the same tattoo?

All pairs within an identity are mated comparisons; for every ordered two identities one random
comparison is non-mated. Other elements of the score matrix are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.api import Matcher
from harness.data.records import Fold, Record
from harness.metrics.ids import Metric
from harness.protocol import Protocol
from harness.results import (
    OTHER_PHOTOGRAPH,
    SAME_PHOTOGRAPH,
    Curves,
    Estimate,
    FoldMetrics,
    Metrics,
    Outcome,
)
from harness.tasks import comparisons as comparing
from harness.tasks.answers import Answer, fold_spread, listed_failures
from harness.tasks.comparisons import Measures, estimate_of, independent, score_intervals
from harness.tasks.drawing import verification_folds as lay_out
from harness.tasks.identification import training_truth
from harness.tasks.intervals import set_interval
from harness.tasks.searches import identities_of, truth_matrix
from harness.tasks.trials import Trials, TrialsOf, failures_of, trials_of

if TYPE_CHECKING:
    from harness.likelihood.crossfit import FoldScores

__all__ = [
    "ABILITY",
    "FAILURE_POLICY",
    "METRICS",
    "comparisons",
    "judge",
    "lay_out",
    "training_truth",
    "trials",
    "truth_matrix",
]

ABILITY = Matcher
METRICS = comparing.METRICS
NEEDS = ("two-pictures",)
FAILURE_POLICY = (
    "A mated comparison with an image without a template is a non-match at every threshold; a "
    "non-mated one is no chance of a false match and is not counted."
)


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
        In the same order; an answer's scores have shape (images, images).
    """
    parts = [_Pairs.of(fold, answer, records) for fold, answer in zip(folds, answers, strict=True)]
    pooled = _Pairs.joined(parts, identities_of(folds))
    ids = protocol.metric_ids
    per_fold = [
        FoldMetrics(fold.name, part.counts(fold), {str(m): part.value(m) for m in ids})
        for fold, part in zip(folds, parts, strict=True)
    ]
    estimates = _estimates(ids, pooled)
    for name, estimate in estimates.items():
        spread = fold_spread([fold.values[name] for fold in per_fold])
        estimate.fold_mean, estimate.fold_sd = spread
    counts = {"folds": len(folds), "identities": len(set(pooled.mated_clusters.tolist()))}
    for row in per_fold:
        for name, count in row.counts.items():
            counts[name] = counts.get(name, 0) + count
    subsets = {}
    if pooled.same_photograph.any():
        for name, chosen in (
            (SAME_PHOTOGRAPH, pooled.same_photograph),
            (OTHER_PHOTOGRAPH, ~pooled.same_photograph),
        ):
            subsets[name] = _estimates(ids, pooled.with_mated(chosen))
    return Outcome(
        metrics=Metrics(
            protocol.task, protocol.headline_id, counts, estimates, per_fold, subsets=subsets
        ),
        curves=Curves(det=pooled.det(), distribution=pooled.distribution()),
        searches=[],
        failures=listed_failures(folds, answers, role="image"),
    )


def trials(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record], _: object
) -> TrialsOf:
    """Return what gives the trials of a metric."""
    parts = [_Pairs.of(fold, answer, records) for fold, answer in zip(folds, answers, strict=True)]
    pooled = _Pairs.joined(parts, identities_of(folds))

    def given(metric: Metric) -> Trials | None:
        if metric.name == "fte":
            return failures_of(folds, answers, records)
        return trials_of(pooled, metric)

    return given


def comparisons(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
) -> list[FoldScores]:
    """Return the scores of each fold's comparisons with their identities, for likelihood ratios."""
    from harness.likelihood.crossfit import FoldScores

    identities = identities_of(folds)
    found = []
    for fold, answer in zip(folds, answers, strict=True):
        part = _Pairs.of(fold, answer, records)
        mated, nonmated = (
            np.array([[identities.get(name, name) for name in pair] for pair in names.tolist()])
            for names in (part.mated_names, part.nonmated_names)
        )
        probes, references = nonmated.reshape(-1, 2).T
        found.append(
            FoldScores(
                fold.name,
                part.mated,
                mated.reshape(-1, 2)[:, 0],
                part.nonmated,
                probes,
                references,
            )
        )
    return found


def scores_of(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mated and the non-mated scores of all folds, failures as they are judged."""
    parts = [_Pairs.of(fold, answer, records) for fold, answer in zip(folds, answers, strict=True)]
    pooled = _Pairs.joined(parts, identities_of(folds))
    return pooled.mated, pooled.nonmated


class _Pairs(Measures):
    """The comparisons that count, with their identities as numbers."""

    def __init__(
        self,
        mated: npt.NDArray[np.float64],
        nonmated: npt.NDArray[np.float64],
        mated_names: npt.NDArray[np.str_],
        nonmated_names: npt.NDArray[np.str_],
        same_photograph: npt.NDArray[np.bool_],
        identities: Mapping[str, str] | None = None,
    ) -> None:
        self.mated, self.nonmated = mated, nonmated
        self.mated_names, self.nonmated_names = mated_names, nonmated_names
        self.same_photograph = same_photograph
        self._identities = identities or {}
        flat = [*mated_names[:, 0].tolist(), *nonmated_names.ravel().tolist()]
        whose = [self._identities.get(name, name) for name in flat]
        _, numbers = np.unique(np.array(whose, dtype=np.str_), return_inverse=True)
        numbers = numbers.astype(np.int64)
        self.mated_clusters = numbers[: len(mated)]
        self.probe_clusters, self.reference_clusters = numbers[len(mated) :].reshape(-1, 2).T

    @classmethod
    def of(cls, fold: Fold, answer: Answer, records: Mapping[str, Record]) -> _Pairs:
        place = {name: i for i, name in enumerate(fold.probes)}
        failed = np.array([name in answer.failures for name in fold.probes], dtype=bool)
        mates = np.array(sorted(fold.mates), dtype=np.str_).reshape(-1, 2)
        others = np.array(sorted(fold.nonmates), dtype=np.str_).reshape(-1, 2)
        rows = np.array([[place[a], place[b]] for a, b in mates.tolist()], dtype=np.int64)
        left, right = rows.reshape(-1, 2).T
        mated = np.where(failed[left] | failed[right], -np.inf, answer.scores[left, right])
        rows = np.array([[place[a], place[b]] for a, b in others.tolist()], dtype=np.int64)
        left, right = rows.reshape(-1, 2).T
        took_place = ~(failed[left] | failed[right])
        sources = [(records[a].source, records[b].source) for a, b in mates.tolist()]
        return cls(
            mated.astype(np.float64),
            answer.scores[left, right][took_place].astype(np.float64),
            mates,
            others[took_place],
            np.array([a is not None and a == b for a, b in sources], dtype=bool),
        )

    @classmethod
    def joined(cls, parts: Sequence[_Pairs], identities: Mapping[str, str]) -> _Pairs:
        return cls(
            np.concatenate([part.mated for part in parts]),
            np.concatenate([part.nonmated for part in parts]),
            np.concatenate([part.mated_names for part in parts]),
            np.concatenate([part.nonmated_names for part in parts]),
            np.concatenate([part.same_photograph for part in parts]),
            identities,
        )

    def with_mated(self, chosen: npt.NDArray[np.bool_]) -> _Pairs:
        """Return only some of the mated comparisons, against all of the non-mated ones."""
        return _Pairs(
            self.mated[chosen],
            self.nonmated,
            self.mated_names[chosen],
            self.nonmated_names,
            self.same_photograph[chosen],
            self._identities,
        )

    def counts(self, fold: Fold) -> dict[str, int]:
        return {
            "images": len(fold.probes),
            "training_images": len(fold.train),
            "mated_comparisons": len(self.mated),
            "same_source_mated": int(self.same_photograph.sum()),
            "nonmated_comparisons": len(fold.nonmates),
            "failed_comparisons": int(np.isneginf(self.mated).sum())
            + len(fold.nonmates)
            - len(self.nonmated),
        }


def _estimates(ids: Sequence[Metric], pairs: _Pairs) -> dict[str, Estimate]:
    intervals = score_intervals(
        ids, pairs, pairs.mated_clusters, pairs.probe_clusters, pairs.reference_clusters
    )
    found = {}
    for metric in ids:
        estimate = estimate_of(metric, pairs.value(metric), len(pairs.mated), len(pairs.nonmated))
        if str(metric) in intervals:
            judged = independent(pairs.mated_clusters, pairs.probe_clusters)
            set_interval(estimate, intervals[str(metric)], judged, share=metric.name != "d-prime")
        found[str(metric)] = estimate
    return found
