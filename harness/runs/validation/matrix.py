"""The validation matrix: every criterion held against runs, as plain data to keep."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.data.marker import Synthetic, stated_in
from harness.errors import NotComparable, UsageError
from harness.execution.environment import harness_version
from harness.record import record
from harness.reporting.sections.likelihood import Proposition, proposition_of
from harness.runs.validation.attacked import of_attack
from harness.runs.validation.checklist import Answered, answers
from harness.runs.validation.choosing import of_one_method, the_one
from harness.runs.validation.criteria import CHARACTERISTICS, Criteria, Criterion
from harness.runs.validation.deciding import (
    FAIL,
    PASS,
    UNSUPPORTED,
    Decision,
    decide,
    limits_of,
)
from harness.runs.validation.generalisation import of_another_calibration
from harness.runs.validation.groups import of_groups
from harness.runs.validation.judged import JudgedRun, NotInData, judged_run
from harness.runs.validation.preregistered import check_preregistered
from harness.runs.validation.subject import Subject
from harness.runs.validation.whole_run import of_whole_run
from harness.statistics.estimate import Estimate

FORMAT = 1


class Row(msgspec.Struct):
    """One row of the matrix.

    Parameters
    ----------
    criterion
        Number of the criterion in its file, from 1.
    characteristic, metric
        As the file has them.
    group
        Group, bin, attack or calibration that the row is of; empty for a whole run.
    limits
        What is asked, in words.
    low_limit, high_limit
        Lowest and highest value that satisfies it; None for no limit.
    reason
        Why the limit is what it is, by the file.
    data, experiment
        On what the result rests, and what was done, in words.
    run
        Identity of the run.
    value, low, high
        The result with its 95 % interval; None where there is none.
    method
        How the interval was made.
    identities
        Behind the result.
    flags
        What is to be known of the result.
    verdict, why, settled_by
        As of `harness.runs.validation.deciding.Decision`.
    """

    criterion: int
    characteristic: str
    metric: str
    group: str
    limits: str
    low_limit: float | None
    high_limit: float | None
    reason: str
    data: str
    experiment: str
    run: str
    value: float | None
    low: float | None
    high: float | None
    method: str
    identities: int
    flags: list[str]
    verdict: str
    why: str
    settled_by: int | None


class RunFacts(msgspec.Struct):
    """A run that rows are of, as its record names it.

    Parameters
    ----------
    identity, result_hash, folder
        Hash of the recipe, hash of the scores, and name of the folder.
    protocol, protocol_hash, title, algorithm, parameters, source_hash
        What was run.
    data, data_hash, synthetic
        On what.
    attack
        Remover that retouched the probes; empty for none.
    learns
        Whether the algorithm is fitted, so that another fit may give another result.
    finished
        UTC, ISO 8601.
    command
        That reproduces it.
    preregistration
        Digest of what was written down before it, these criteria among it; empty for nothing.
    rows
        Rows of the matrix that are of it, or rest on it; 0 for a run that no criterion asks for.
    """

    identity: str
    result_hash: str
    folder: str
    protocol: str
    protocol_hash: str
    title: str
    algorithm: str
    parameters: dict[str, Any]
    source_hash: str
    data: str
    data_hash: str
    synthetic: Synthetic
    attack: str
    learns: bool
    finished: str
    command: str
    preregistration: str
    rows: int = 0


class Limits(msgspec.Struct):
    """Between what the main run's likelihood ratios may be stated.

    Parameters
    ----------
    proposition
        What a ratio is about.
    low, high
        ELUB limits, natural-log ratios; None where there are none.
    lacking
        Why there are none.
    """

    proposition: Proposition | None
    low: float | None
    high: float | None
    lacking: str


class Validation(msgspec.Struct):
    """A validation and everything that it rests on: the content of ``validation.json``.

    Parameters
    ----------
    verdict
        ``fail`` if a row fails, else ``not supported by this data`` if a row is, else ``pass``.
    title, criteria_hash
        Of the file of criteria: SHA-256 of its bytes.
    statement, experiment
        As the file has them.
    limits
        Of the likelihood ratios of the main run.
    rows
        Of the matrix.
    runs
        The main run first.
    checklist
        Where a report says what ISO/IEC 19795-1 asks for; empty if it was not asked for.
    """

    format: int
    harness: str
    verdict: str
    title: str
    criteria_hash: str
    statement: dict[str, str]
    experiment: dict[str, Any]
    limits: Limits
    rows: list[Row]
    runs: list[RunFacts]
    checklist: list[Answered]

    def number_of(self, verdict: str) -> int:
        """Return how many rows have a verdict."""
        return sum(row.verdict == verdict for row in self.rows)


def validate(
    folders: Sequence[Path], criteria: Criteria, content: bytes, *, checklist: bool = False
) -> tuple[Validation, JudgedRun]:
    """Hold runs against criteria.

    Parameters
    ----------
    folders
        Of finished runs: the one that is validated is the first that fits the experiment; rows may
        ask for the others.
    criteria, content
        As `harness.runs.validation.criteria.parse_criteria` takes and returns them.
    checklist
        Whether the checklist of ISO/IEC 19795-1 is filled in.

    Returns
    -------
    tuple
        The validation, and its main run.

    Raises
    ------
    UsageError
        If a folder is no run, or a run is named twice.
    Damaged
        If a run changed since it was written.
    NotComparable
        If the runs are not of the experiment that the criteria name, or were preregistered with
        other criteria.
    """
    asked = [row.metric_id for row in criteria.criterion]
    calibrator = criteria.experiment.calibrator
    runs = [judged_run(folder, asked, calibrator) for folder in folders]
    _refuse_doubles(runs)
    main = _main(criteria, runs)
    runs.sort(key=lambda one: one is not main)
    _refuse_others(criteria, main)
    facts = [_facts(one, content) for one in runs]  # refuses what was written down otherwise
    numbered = sorted(
        enumerate(criteria.criterion, start=1),
        key=lambda one: list(CHARACTERISTICS).index(one[1].characteristic),
    )
    subjects = [
        (number, criterion, subject)
        for number, criterion in numbered
        for subject in _subjects(criterion, main, runs)
    ]
    rows = [_row(*one) for one in subjects]
    for own, one in zip(facts, runs, strict=True):
        own.rows = sum(one in (subject.judged, *subject.beside) for *_, subject in subjects)
    found = Validation(
        format=FORMAT,
        harness=harness_version(),
        verdict=_worst([row.verdict for row in rows]),
        title=criteria.title,
        criteria_hash=hashlib.sha256(content).hexdigest(),
        statement=criteria.statement.stated(),
        experiment=criteria.experiment.model_dump(exclude_unset=True),
        limits=_limits(main),
        rows=rows,
        runs=facts,
        checklist=answers(main, criteria.statement) if checklist else [],
    )
    return found, main


def _subjects(criterion: Criterion, main: JudgedRun, runs: Sequence[JudgedRun]) -> list[Subject]:
    """Return what a criterion is held against."""
    judged = main
    if criterion.protocol and criterion.protocol != main.protocol_name:
        try:
            judged = _of_protocol(criterion.protocol, main, runs)
        except NotInData as reason:
            return [Subject(main, "", "", None, str(reason))]
    if criterion.characteristic == "generalisation":
        return of_another_calibration(criterion, judged, runs)
    if criterion.attack:
        return of_attack(criterion, judged, runs)
    return of_groups(criterion, judged) if criterion.by else of_whole_run(criterion, judged)


def _of_protocol(name: str, main: JudgedRun, runs: Sequence[JudgedRun]) -> JudgedRun:
    """Return the run of the validated method on another protocol."""
    found = [
        one for one in runs if one.protocol_name == name and one.manifest.origin.attack is None
    ]
    if not found:
        raise NotInData(f"none of the runs is of protocol {name!r}: name such a run as well")
    what = f"of protocol {name!r}"
    return the_one(of_one_method(main, found, what), what)


def _row(number: int, criterion: Criterion, subject: Subject) -> Row:
    measured = subject.measured
    if measured is None:
        decision = Decision(UNSUPPORTED, subject.lacking)
    else:
        decision = decide(criterion, measured.estimate, measured.identities)
    estimate = Estimate(None) if measured is None else measured.estimate
    return Row(
        criterion=number,
        characteristic=criterion.characteristic,
        metric=str(criterion.metric_id),
        group=subject.group or criterion.by or criterion.attack or criterion.calibrated_on,
        limits=limits_of(criterion),
        low_limit=criterion.low if math.isfinite(criterion.low) else None,
        high_limit=criterion.high if math.isfinite(criterion.high) else None,
        reason=criterion.reason,
        data=f"{subject.judged.data_name}" + (f": {measured.data}" if measured else ""),
        experiment=subject.experiment,
        run=subject.judged.manifest.identity,
        value=estimate.value,
        low=estimate.low,
        high=estimate.high,
        method=estimate.method,
        identities=0 if measured is None else measured.identities,
        flags=[] if measured is None else _flags(estimate, subject.judged),
        verdict=decision.verdict,
        why=decision.reason,
        settled_by=decision.settled_by,
    )


def _flags(estimate: Estimate, judged: JudgedRun) -> list[str]:
    found = list(estimate.flags)
    chance, low, high = estimate.chance, estimate.low, estimate.high
    if chance is not None and low is not None and high is not None and low <= chance <= high:
        found.append("cannot be told from guessing")
    return found + ["one fit: another may give another result"] * judged.manifest.learns


def _main(criteria: Criteria, runs: Sequence[JudgedRun]) -> JudgedRun:
    """Return the run that is validated."""
    wanted = criteria.experiment.protocol
    plain = [one for one in runs if one.manifest.origin.attack is None]
    if not plain:
        raise UsageError("all these runs have retouched probes; name one with probes as they are")
    fitting = [one for one in plain if not _differences(criteria, one)]
    asked = [one for one in plain if one.protocol_name == wanted]
    return (fitting or asked or plain)[0]


def _refuse_doubles(runs: Sequence[JudgedRun]) -> None:
    seen: dict[str, Path] = {}
    for one in runs:
        if one.manifest.identity in seen:
            raise UsageError(
                f"{seen[one.manifest.identity]} and {one.run.folder} are one run: name it once"
            )
        seen[one.manifest.identity] = one.run.folder


def _differences(criteria: Criteria, one: JudgedRun) -> list[str]:
    """Say in what a run is not of the experiment which the criteria name."""
    wanted, origin = criteria.experiment, one.manifest.origin
    found = [
        f"{what}: {asked!r} by the criteria, {there!r} in the run"
        for what, asked, there in (
            ("protocol", wanted.protocol, one.protocol_name),
            ("algorithm", wanted.algorithm, origin.algorithm),
            ("data set", wanted.data, one.data_name),
        )
        if asked and asked != there
    ]
    asked = {**wanted.parameters, **({} if wanted.seed is None else {"seed": wanted.seed})}
    found += [
        f"parameter {name!r}: {value!r} by the criteria, "
        + (repr(origin.parameters[name]) if name in origin.parameters else "none of that name")
        + " in the run"
        for name, value in asked.items()
        if name not in origin.parameters or origin.parameters[name] != value
    ]
    return found


def _refuse_others(criteria: Criteria, main: JudgedRun) -> None:
    """Refuse a run that is not of the experiment which the criteria name, with every difference."""
    found = _differences(criteria, main)
    if found:
        raise NotComparable(
            f"{main.run.folder} is not the experiment that the criteria are for:\n"
            + "\n".join(f"  - {difference}" for difference in found)
        )


def _limits(main: JudgedRun) -> Limits:
    if not main.task.compares:
        words = f"protocol {main.protocol_name!r} compares no images, so there are no ratios"
        return Limits(None, None, None, words)
    proposition = proposition_of(main.task, main.manifest, main.run.protocol)
    try:
        found = main.assessment.estimates
    except NotInData as reason:
        return Limits(proposition, None, None, str(reason))
    low, high = found["elub-low"].value, found["elub-high"].value
    lacking = "" if low is not None and high is not None else "there is too little data"
    return Limits(proposition, low, high, lacking)


def _facts(one: JudgedRun, criteria: bytes) -> RunFacts:
    manifest = one.manifest
    origin = manifest.origin
    return RunFacts(
        identity=manifest.identity,
        result_hash=record.result_hash(one.run.folder),
        folder=one.run.folder.name,
        protocol=one.protocol_name,
        protocol_hash=origin.protocol_hash,
        title=manifest.title,
        algorithm=origin.algorithm,
        parameters=origin.parameters,
        source_hash=origin.source_hash,
        data=one.data_name,
        data_hash=origin.data_hash,
        synthetic=stated_in(manifest.dataset),
        attack="" if origin.attack is None else origin.attack.algorithm,
        learns=manifest.learns,
        finished=manifest.finished,
        command=manifest.command,
        preregistration=check_preregistered(one, criteria),
    )


def _worst(verdicts: Sequence[str]) -> str:
    return next((one for one in (FAIL, UNSUPPORTED) if one in verdicts), PASS)
