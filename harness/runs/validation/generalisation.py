"""Generalisation: the ratios of one run by a calibrator that was fitted on another one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.errors import some
from harness.runs.validation.choosing import of_one_method, the_one
from harness.runs.validation.criteria import Criterion
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.runs.validation.measuring import Measured, everything, of_ratios
from harness.runs.validation.subject import Subject
from harness.statistics.likelihood.calibration import CALIBRATORS
from harness.tasks.pairs import Pairs

SHARED = ("tattoo", "subject", "group", "source")
"""What two images of one data set can have in common, so that one tells of the other."""


def of_another_calibration(
    criterion: Criterion, judged: JudgedRun, runs: Sequence[JudgedRun]
) -> list[Subject]:
    """Return the run with the calibrator of another one.

    Where both are of one data set, comparisons of the other run are left out that involve an image
    which this run judges, or one that shares its tattoo, person, design or photograph.

    Parameters
    ----------
    criterion
        Of the row: names the other run by its protocol or data set.
    judged
        Run whose ratios are judged.
    runs
        Among which the other is looked for.
    """
    group = f"calibrated on {criterion.calibrated_on}"
    beside: tuple[JudgedRun, ...] = ()
    try:
        other = _other(criterion.calibrated_on, judged, runs)
        beside = (other,)  # asked for, whatever comes of it
        measured, done = _measured(criterion, judged, other)
    except NotInData as reason:
        return [Subject(judged, "", group, None, str(reason), beside)]
    return [Subject(judged, group, done, measured, beside=beside)]


def _other(name: str, judged: JudgedRun, runs: Sequence[JudgedRun]) -> JudgedRun:
    named = [
        one
        for one in runs
        if one is not judged
        and one.manifest.origin.attack is None
        and name in (one.protocol_name, one.data_name)
    ]
    if not named:
        raise NotInData(
            f"none of the other runs is of a protocol or a data set {name!r}: name such a run as "
            "well"
        )
    what = f"of {name!r}"
    return the_one(of_one_method(judged, named, what), what)


def _measured(criterion: Criterion, judged: JudgedRun, other: JudgedRun) -> tuple[Measured, str]:
    pairs = other.pairs
    shared = _shared(judged, other)
    mated, nonmated = (
        one.scores[~(shared[one.probes] | shared[one.references])]
        for one in (pairs.mated, pairs.nonmated)
    )
    left = len(pairs.mated.scores) + len(pairs.nonmated.scores) - len(mated) - len(nonmated)
    try:
        calibrator = CALIBRATORS[judged.calibrator](mated, nonmated)
    except ValueError as reason:
        raise NotInData(f"the calibrator cannot be fitted on the other run: {reason}") from None
    ratios = judged.ratios({fold.name: calibrator for fold in judged.run.folds})
    done = (
        f"calibrator ({judged.calibrator}) fitted on {len(mated):,} mated and {len(nonmated):,} "
        f"non-mated comparisons of {other.protocol_name} on {other.data_name}"
    )
    if not _same_set(judged, other):
        done += "; that the two data sets share nobody is not on record"
    elif left:
        done += f"; {some(left, 'comparison')} with what is judged here left out"
    return of_ratios(ratios, *everything(ratios), criterion.metric_id.name), done


def _same_set(one: JudgedRun, other: JudgedRun) -> bool:
    facts = one.manifest.dataset, other.manifest.dataset
    return facts[0]["name"] == facts[1]["name"] or facts[0]["path"] == facts[1]["path"]


def _shared(judged: JudgedRun, other: JudgedRun) -> npt.NDArray[np.bool_]:
    """Return which images of the other run tell of one that is judged: bool, shape (images,)."""
    theirs: Pairs = other.pairs
    if not _same_set(judged, other):
        return np.zeros(len(theirs.names), np.bool_)
    ours = set(judged.pairs.names)
    facts = {fact for name in ours for fact in _facts(judged, name)}
    found = [
        name in ours or any(fact in facts for fact in _facts(other, name)) for name in theirs.names
    ]
    return np.array(found, np.bool_)


def _facts(judged: JudgedRun, name: str) -> list[tuple[str, str]]:
    record = judged.run.records.get(name)
    values = [(kind, getattr(record, kind, None)) for kind in SHARED]
    return [(kind, value) for kind, value in values if value]
