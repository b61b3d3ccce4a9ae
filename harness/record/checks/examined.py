"""A finished run as checks look at it: what its folder holds, and nothing else."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.data.findings import Finding
from harness.data.records import Fold, Record
from harness.record.manifest import Manifest
from harness.record.record import Run, read_assessment
from harness.statistics.estimate import Estimate
from harness.tasks.answers import PictureAnswer, StreamedAnswer
from harness.tasks.counted import counted
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol
from harness.tasks.results import Judgement, Metrics
from harness.tasks.task import Task

if TYPE_CHECKING:
    from harness.statistics.likelihood.assessment import Assessment

__all__ = ["ExaminedRun", "Searched"]

MOST = 4_000_000
"""Elements of score matrices that checks look at; of more, whole searches evenly chosen."""


@dataclass(frozen=True, eq=False)
class Searched:
    """Scores of some searches of a fold, each with a mate among its references.

    Parameters
    ----------
    scores
        float64, shape (searches, references); NaN where probe or reference failed.
    mated, nonmated
        bool, of the same shape; what is in neither is not compared.
    """

    scores: npt.NDArray[np.float64]
    mated: npt.NDArray[np.bool_]
    nonmated: npt.NDArray[np.bool_]

    @property
    def best_mates(self) -> npt.NDArray[np.float64]:
        """Best score of a mate: float64, shape (searches,); ``-inf`` where all of them failed."""
        return _largest(self.scores, self.mated)

    @property
    def best_nonmates(self) -> npt.NDArray[np.float64]:
        """Best score of a non-mate: float64, shape (searches,); ``-inf`` without any."""
        return _largest(self.scores, self.nonmated)


@dataclass(frozen=True)
class ExaminedRun:
    """What checks look at.

    Parameters
    ----------
    folder
        Of the run.
    protocol
        That it follows.
    manifest
        What was run.
    metrics
        What came out; of several fits that are joined, their means.
    searches
        Every search or image, without candidates.
    records
        What is known of the images, by name; their files may be gone.
    kept
        The run with its raw answers; None where they are too many, or the folder is not sound.
    fits
        How many fits are joined: 1 for a run of its own.
    """

    folder: Path
    protocol: Protocol
    manifest: Manifest
    metrics: Metrics
    searches: Sequence[Judgement]
    records: Mapping[str, Record]
    kept: Run | None
    fits: int = 1

    @property
    def task(self) -> Task[Any, Any]:
        """What kind of question was asked."""
        return task_of(self.protocol)

    @property
    def folds(self) -> Sequence[Fold]:
        """Who was judged and learned from; empty where the raw answers are not at hand."""
        return self.kept.folds if self.kept is not None else ()

    @property
    def headline(self) -> Estimate | None:
        """The one metric that ranks."""
        return self.metrics.pooled.get(self.metrics.headline)

    @cached_property
    def assessment(self) -> Assessment | None:
        """The likelihood ratios of the run, if it has some."""
        return read_assessment(self.folder)

    def remarks(self, *codes: str) -> list[Finding]:
        """Return the run's own findings whose codes begin with one of these."""
        return [one for one in self.manifest.findings if one.code.startswith(codes)]

    @property
    def no_scores(self) -> str:
        """Why no search can be looked at score by score; empty where it can."""
        if self.kept is None:
            return "the raw scores are not at hand, or too many to be read again"
        if self.manifest.list_length is not None:
            return "scores end with the candidate lists"
        if self.manifest.mixed:
            return self.manifest.mixed
        if not any(fold.gallery for fold in self.folds):
            return "nothing is searched or compared"
        for answer in self.kept.answers:
            if isinstance(answer, StreamedAnswer):
                return "the scores of so many comparisons were summed up, not kept"
            if isinstance(answer, PictureAnswer):
                return "the answers are pictures, and no scores"
        return ""

    @cached_property
    def searched(self) -> Sequence[Searched]:
        """The scores of searches with a mate, fold by fold; empty where `no_scores` says why.

        Of very many the first of every so many searches.
        """
        if self.no_scores or self.kept is None:
            return ()
        every = sum(answer.scores.size for answer in self.kept.answers)
        step = max(1, -(-every // MOST))
        found = []
        for fold, answer in zip(self.folds, self.kept.answers, strict=True):
            if answer.scores.shape != (len(fold.probes), len(fold.gallery)):
                continue
            kinds = counted(fold)
            rows = np.flatnonzero(kinds.mated.any(axis=1))[::step]
            scores = np.asarray(answer.scores[rows], np.float64)
            found.append(Searched(scores, kinds.mated[rows], kinds.nonmated[rows]))
        return [one for one in found if len(one.scores)]


def _largest(
    scores: npt.NDArray[np.float64], chosen: npt.NDArray[np.bool_]
) -> npt.NDArray[np.float64]:
    kept = np.where(chosen & ~np.isnan(scores), scores, -np.inf)
    return np.asarray(kept.max(axis=1, initial=-np.inf))
