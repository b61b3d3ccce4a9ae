"""Scores that carry their own truth: lists of mated and of non-mated comparisons, without pictures.

There are two folds, `MATED` and `NONMATED`, whose probes are the lines of files that scores come
from. An answer's scores have shape (lines,), or (lines, 2) where a line is a score with the number
of comparisons that have it. Where files name the identities that a comparison joins, a record keeps
that of the probe as its tattoo and that of the reference as its group, and intervals resample them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.api import Matcher
from harness.data.records import Dataset, Fold, Record
from harness.errors import UsageError
from harness.metrics.ids import Metric
from harness.statistics.estimate import Estimate
from harness.tasks import comparisons as comparing
from harness.tasks.answers import Answer, Answered
from harness.tasks.comparisons import Listed
from harness.tasks.protocol import Protocol
from harness.tasks.results import (
    Curves,
    Failure,
    FoldMetrics,
)
from harness.tasks.task import Task
from harness.tasks.trials import Trials, trials_of

if TYPE_CHECKING:
    from harness.statistics.likelihood.crossfit import FoldScores

__all__ = ["MATED", "NONMATED", "TASK", "scores_of"]

MATED, NONMATED = "mated", "non-mated"
NO_INTERVAL = "no interval: the files do not say which comparisons share an identity"
PARTS = 5
"""Parts in which likelihood ratios are calibrated and judged in turn."""


class ScoreLists(Task["_Lists", "_Lists"]):
    """What do these scores say? All lines are one part."""

    ability = Matcher
    metrics = comparing.METRICS
    compares = True
    names_images = False
    failure_policy = (
        "A mated comparison without a score is a non-match at every threshold; a non-mated one is "
        "no chance of a false match and is not counted."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Refuse: no algorithm makes such scores.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError(
            "score lists are brought, not computed: `harness score --scores FILE`, or --mated "
            "with --nonmated"
        )

    def parts(self, run: Answered) -> list[_Lists]:
        """Return both lists together; their folds are called `MATED` and `NONMATED`."""
        return [_Lists.of(run.folds, run.answers, run.records)]

    def whole(self, parts: Sequence[_Lists], run: Answered) -> _Lists:
        """Return both lists."""
        (only,) = parts
        return only

    def of_part(self, part: _Lists, protocol: Protocol) -> FoldMetrics:
        """Return what is counted, and every metric."""
        values = {str(metric): part.value(metric) for metric in protocol.metric_ids}
        return FoldMetrics("all", part.counts(), values)

    def estimates(self, whole: _Lists, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id; without identities they have no interval."""
        found = whole.estimates(protocol.metric_ids, resample=whole.known)
        for estimate in () if whole.known else found.values():
            estimate.flags.insert(0, NO_INTERVAL)
        return found

    def counts(
        self, whole: _Lists, per_fold: Sequence[FoldMetrics], folds: Sequence[Fold]
    ) -> dict[str, int]:
        """Return how many comparisons there are, and identities where they are known."""
        known = {"identities": len(np.unique(whole.mated_clusters))} if whole.known else {}
        return {**known, **whole.counts()}

    def curves(self, whole: _Lists, protocol: Protocol) -> Curves:
        """Return false matches against false non-matches, and all scores."""
        return Curves(det=whole.det(), distribution=whole.distribution())

    def failures(self, parts: Sequence[_Lists], run: Answered) -> list[Failure]:
        """Return none: lines without a score are counted, not named."""
        return []

    def trials_in(self, whole: _Lists, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return all scores; without identities each comparison is its own."""
        return trials_of(whole, metric)

    def comparisons(
        self, folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
    ) -> list[FoldScores]:
        """Return the comparisons in parts by lot, for likelihood ratios.

        Identities stay together where they are known; otherwise every comparison is taken as
        independent of the others.
        """
        from harness.statistics.likelihood.crossfit import FoldScores

        lists = _Lists.of(folds, answers, records)
        highest = max(
            int(part.max(initial=-1))
            for part in (lists.mated_clusters, lists.probe_clusters, lists.reference_clusters)
        )
        part_of = np.random.default_rng(0).permutation(highest + 1) % PARTS
        if not lists.known:
            # Mated and non-mated comparisons alike in every part, however few there are.
            part_of = np.concatenate(
                [np.arange(len(lists.mated)) % PARTS, np.arange(len(lists.nonmated)) % PARTS]
            )
            rng = np.random.default_rng(0)
            part_of[: len(lists.mated)] = rng.permutation(part_of[: len(lists.mated)])
            part_of[len(lists.mated) :] = rng.permutation(part_of[len(lists.mated) :])
        found = []
        for part in range(PARTS):
            mated = part_of[lists.mated_clusters] == part
            nonmated = part_of[lists.probe_clusters] == part
            found.append(
                FoldScores(
                    f"part-{part + 1}",
                    lists.mated[mated],
                    lists.mated_clusters[mated],
                    lists.nonmated[nonmated],
                    lists.probe_clusters[nonmated],
                    lists.reference_clusters[nonmated],
                )
            )
        return found


def scores_of(
    folds: Sequence[Fold], answers: Sequence[Answer]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mated and the non-mated scores, failures as they are judged.

    float64, each of shape (comparisons,).
    """
    lists = _Lists.of(folds, answers, {})
    return lists.mated, lists.nonmated


@dataclass(eq=False)
class _Lists(Listed):
    """The comparisons of both lists, one element for each, with identities as numbers."""

    mated: npt.NDArray[np.float64]
    nonmated: npt.NDArray[np.float64]
    mated_clusters: npt.NDArray[np.int64]
    probe_clusters: npt.NDArray[np.int64]
    reference_clusters: npt.NDArray[np.int64]
    known: bool
    failed: int

    def value(self, metric: Metric) -> float | None:
        return super().value(metric) if len(self.mated) and len(self.nonmated) else None

    def counts(self) -> dict[str, int]:
        return {
            "mated_comparisons": len(self.mated),
            "nonmated_comparisons": len(self.nonmated),
            "failed_comparisons": self.failed,
        }

    @classmethod
    def of(
        cls, folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
    ) -> _Lists:
        parts = {fold.name: (fold, answer) for fold, answer in zip(folds, answers, strict=True)}
        known = bool(records)
        values, who = {}, {}
        for name in (MATED, NONMATED):
            fold, answer = parts[name]
            values[name] = _expanded(answer.scores)
            who[name] = np.array(
                [_identities(records, line) for line in fold.probes] if known else []
            ).reshape(-1, 2)
        mated, nonmated = values[MATED], values[NONMATED]
        took_place = ~np.isnan(nonmated)
        failed = int(np.isnan(mated).sum() + (~took_place).sum())
        mated, nonmated = np.where(np.isnan(mated), -np.inf, mated), nonmated[took_place]
        if known:
            names = np.concatenate([who[MATED][:, 0], who[NONMATED][took_place].ravel()])
            _, numbers = np.unique(names, return_inverse=True)
            pairs = numbers[len(mated) :].reshape(-1, 2)
            clusters = (numbers[: len(mated)], pairs[:, 0], pairs[:, 1])
        else:
            own = np.arange(len(mated), len(mated) + len(nonmated))
            clusters = (np.arange(len(mated)), own, own)
        one, two, three = (part.astype(np.int64) for part in clusters)
        return cls(mated, nonmated, one, two, three, known, failed)


def _expanded(scores: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """Return one score for each comparison."""
    found = scores.astype(np.float64)
    if found.ndim == 1:
        return found
    return np.repeat(found[:, 0], found[:, 1].astype(np.int64))


def _identities(records: Mapping[str, Record], line: str) -> tuple[str, str]:
    record = records[line]
    return str(record.tattoo), str(record.group)


TASK = ScoreLists()
