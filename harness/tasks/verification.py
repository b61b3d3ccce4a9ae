"""Verification by AIGTatt's procedure: do two images show the same tattoo?

All pairs within an identity are mated comparisons; for every ordered two identities one random
comparison is non-mated. Other elements of the score matrix are not looked at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from harness.data.records import Dataset, Fold, Record
from harness.metrics.ids import Metric
from harness.statistics.estimate import Estimate
from harness.tasks import comparisons as comparing
from harness.tasks.answers import Answer, Answered, summed
from harness.tasks.clusters import identities_of
from harness.tasks.comparisons import Listed
from harness.tasks.drawing import verification_folds
from harness.tasks.identification import Comparing
from harness.tasks.pairs import Comparisons, Joined, Pairs, joined_pairs
from harness.tasks.protocol import Protocol
from harness.tasks.results import (
    OTHER_PHOTOGRAPH,
    SAME_PHOTOGRAPH,
    Curves,
    FoldMetrics,
)
from harness.tasks.trials import Trials, trials_of

if TYPE_CHECKING:
    from harness.statistics.likelihood.crossfit import FoldScores


class Verification(Comparing["_Pairs", "_Pairs"]):
    """Do two images show the same tattoo? An answer has shape (images, images)."""

    square = True
    metrics = comparing.METRICS
    failed_role = "image"
    failure_policy = (
        "A mated comparison with an image without a template is a non-match at every threshold; a "
        "non-mated one is no chance of a false match and is not counted."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return folds that share no identity, each with the comparisons that count.

        Raises
        ------
        DataError
            If there is too little to draw.
        """
        return verification_folds(dataset, protocol)

    def parts(self, run: Answered) -> list[_Pairs]:
        """Return the comparisons of every fold that count."""
        return [_Pairs.of(*one, run.records) for one in run.by_fold]

    def whole(self, parts: Sequence[_Pairs], run: Answered) -> _Pairs:
        """Return the comparisons of all folds."""
        return _Pairs.joined(parts, identities_of(run.folds))

    def of_part(self, part: _Pairs, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(metric): part.value(metric) for metric in protocol.metric_ids}
        return FoldMetrics(part.fold.name, part.counts(), values)

    def estimates(self, whole: _Pairs, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        return whole.estimates(protocol.metric_ids)

    def counts(
        self, whole: _Pairs, per_fold: Sequence[FoldMetrics], folds: Sequence[Fold]
    ) -> dict[str, int]:
        """Return the sums over all folds."""
        identities = len(set(whole.mated_clusters.tolist()))
        sums = summed(fold.counts for fold in per_fold)
        return {"folds": len(folds), "identities": identities, **sums}

    def curves(self, whole: _Pairs, protocol: Protocol) -> Curves:
        """Return false matches against false non-matches, and all scores."""
        return Curves(det=whole.det(), distribution=whole.distribution())

    def subsets(self, whole: _Pairs, protocol: Protocol) -> dict[str, dict[str, Estimate]]:
        """Return the metrics apart for mates of one photograph and of two."""
        same = whole.same_photograph
        if not same.any():
            return {}
        return {
            name: whole.with_mated(chosen).estimates(protocol.metric_ids)
            for name, chosen in ((SAME_PHOTOGRAPH, same), (OTHER_PHOTOGRAPH, ~same))
        }

    def trials_in(self, whole: _Pairs, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return the scores of all comparisons that count."""
        return trials_of(whole, metric)

    def comparisons(
        self, folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
    ) -> list[FoldScores]:
        """Return the scores of each fold's comparisons with their identities."""
        from harness.statistics.likelihood.crossfit import FoldScores

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

    def pairs(self, run: Answered) -> Pairs:
        """Return all comparisons that count."""
        parts = (_Pairs.of(*one, run.records) for one in run.by_fold)
        return joined_pairs((part.joined_names() for part in parts), run)


def scores_of(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Return the mated and the non-mated scores of all folds, failures as they are judged.

    float64, each of shape (comparisons,).
    """
    parts = [_Pairs.of(fold, answer, records) for fold, answer in zip(folds, answers, strict=True)]
    pooled = _Pairs.joined(parts, identities_of(folds))
    return pooled.mated, pooled.nonmated


class _Pairs(Listed):
    """The comparisons that count, with their identities as numbers."""

    def __init__(
        self,
        fold: Fold,
        mated: npt.NDArray[np.float64],
        nonmated: npt.NDArray[np.float64],
        mated_names: npt.NDArray[np.str_],
        nonmated_names: npt.NDArray[np.str_],
        same_photograph: npt.NDArray[np.bool_],
        identities: Mapping[str, str] | None = None,
    ) -> None:
        self.fold, self.mated, self.nonmated = fold, mated, nonmated
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
        failed = answer.failed(fold.probes)
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
            fold,
            mated.astype(np.float64),
            answer.scores[left, right][took_place].astype(np.float64),
            mates,
            others[took_place],
            np.array([a is not None and a == b for a, b in sources], dtype=bool),
        )

    @classmethod
    def joined(cls, parts: Sequence[_Pairs], identities: Mapping[str, str]) -> _Pairs:
        return cls(
            Fold("", (), ()),
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
            self.fold,
            self.mated[chosen],
            self.nonmated,
            self.mated_names[chosen],
            self.nonmated_names,
            self.same_photograph[chosen],
            self._identities,
        )

    def joined_names(self) -> Joined:
        place = {name: i for i, name in enumerate(self.fold.probes)}

        def placed(scores: npt.NDArray[np.float64], names: npt.NDArray[np.str_]) -> Comparisons:
            places = [[place[name] for name in pair] for pair in names.tolist()]
            return Comparisons(scores, *np.array(places, np.int64).reshape(-1, 2).T)

        return Joined(
            self.fold.probes,
            self.fold.probes,
            placed(self.mated, self.mated_names),
            placed(self.nonmated, self.nonmated_names),
        )

    def counts(self) -> dict[str, int]:
        fold = self.fold
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


TASK = Verification()
