"""A run as a validation needs it: its numbers, and its ratios comparison by comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from harness.errors import UsageError
from harness.metrics.ids import Metric
from harness.record import record
from harness.record.joined import is_joined
from harness.record.manifest import Manifest
from harness.record.told_apart import ToldApart
from harness.statistics.likelihood.assessment import Assessment
from harness.statistics.likelihood.calibration import Calibrator
from harness.statistics.likelihood.crossfit import cross_fit
from harness.tasks.kinds import task_of
from harness.tasks.pairs import Comparisons, Pairs
from harness.tasks.results import Outcome
from harness.tasks.task import Task


class NotInData(Exception):
    """What a row asks for cannot be had of these runs; the sentence says what is lacking."""


@dataclass(frozen=True, eq=False)
class JudgedRun:
    """A finished run, and what follows from its scores.

    Parameters
    ----------
    run
        As read from its folder.
    metrics
        Metrics that rows ask for; the question's own among them are computed with the protocol's.
    calibrator
        Name of what makes likelihood ratios of scores.
    """

    run: record.Run
    metrics: tuple[Metric, ...]
    calibrator: str

    @property
    def manifest(self) -> Manifest:
        """What the run folder says about itself."""
        return self.run.manifest

    @property
    def protocol_name(self) -> str:
        """Name of the protocol, without the attack on its probes."""
        return self.manifest.origin.protocol.partition("+")[0]

    @property
    def data_name(self) -> str:
        """Name of the data set."""
        return self.manifest.dataset["name"]

    @property
    def task(self) -> Task[Any, Any]:
        """What kind of question was asked."""
        return task_of(self.run.protocol)

    @cached_property
    def outcome(self) -> Outcome:
        """Every number of the protocol, and of the metrics asked for besides."""
        protocol = self.run.protocol
        known = {str(metric) for metric in protocol.metric_ids}
        more = [
            str(one)
            for one in dict.fromkeys(self.metrics)
            if one.name in self.task.metrics and str(one) not in known
        ]
        wanted = protocol.model_copy(update={"metrics": (*protocol.metrics, *more)})
        return replace(self.run, protocol=wanted).judge()

    @cached_property
    def assessment(self) -> Assessment:
        """Its likelihood ratios, judged.

        Raises
        ------
        NotInData
            If there can be none.
        """
        try:
            return record.assessed(self.run, self.calibrator)
        except UsageError as reason:
            raise NotInData(str(reason).removeprefix(f"{self.run.folder}: ")) from None

    @cached_property
    def told_apart(self) -> ToldApart:
        """Its scores beside what is known of its images, as its report has them."""
        return ToldApart(self.run)

    @cached_property
    def pairs(self) -> Pairs:
        """All comparisons with the images that each joins.

        Raises
        ------
        NotInData
            If none are made, or not every score was kept.
        """
        told = self.told_apart
        if told.pairs is None:
            raise NotInData(f"protocol {self.protocol_name!r} compares no images that have names")
        if told.without_threshold:
            raise NotInData(told.without_threshold)
        return told.pairs

    @cached_property
    def calibrators(self) -> dict[str, Calibrator]:
        """What turns the scores of each fold into ratios, fitted on the other folds, by its name.

        Raises
        ------
        NotInData
            If they cannot be fitted.
        """
        run = self.run
        if not self.assessment.folds:  # its reasons stand for these, too
            raise NotInData("there are no likelihood ratios")
        scores = run.computed(self.task.comparisons, run.folds, run.answers, run.records)
        return {fold.name: fold.calibrator for fold in cross_fit(scores, self.calibrator)}

    def ratios(self, calibrators: Mapping[str, Calibrator]) -> Pairs:
        """Return all comparisons with natural-log likelihood ratios in the place of scores.

        Parameters
        ----------
        calibrators
            For each fold by its name.

        Raises
        ------
        NotInData
            If there are no scores of comparisons, or no calibrator for a fold.
        """
        whole = self.pairs
        place = {name: i for i, name in enumerate(whole.names)}
        mated: list[Comparisons] = []
        nonmated: list[Comparisons] = []
        for fold, answer in zip(self.run.folds, self.run.answers, strict=True):
            alone = replace(self.run, folds=[fold], answers=[answer])
            part = self.run.computed(self.task.pairs, alone.answered)
            calibrator = calibrators.get(fold.name)
            if part is None or calibrator is None:
                raise NotInData(f"no calibrator was fitted for fold {fold.name!r}")
            places = np.array([place[name] for name in part.names], np.int64)
            for found, one in ((mated, part.mated), (nonmated, part.nonmated)):
                llr = calibrator.apply(one.scores)
                found.append(Comparisons(llr, places[one.probes], places[one.references]))
        return replace(whole, mated=_joined(mated), nonmated=_joined(nonmated))


def judged_run(folder: Path, metrics: Sequence[Metric], calibrator: str) -> JudgedRun:
    """Read a finished run for a validation.

    Parameters
    ----------
    folder
        Of the run.
    metrics, calibrator
        As for `JudgedRun`.

    Raises
    ------
    UsageError
        If the folder is no run, or holds several fits.
    Damaged
        If the run is not finished, or its scores, truth or protocol changed since it was written.
    """
    if folder.is_dir() and is_joined(folder):
        raise UsageError(
            f"{folder} joins several fits; a validation is of one method as it is: name one of "
            "the runs in its folder fits"
        )
    record.check_sources(folder)
    return JudgedRun(record.read_run(folder), tuple(metrics), calibrator)


def _joined(parts: Sequence[Comparisons]) -> Comparisons:
    scores, probes, references = (np.concatenate(one) for one in zip(*parts, strict=True))
    return Comparisons(scores, probes, references)
