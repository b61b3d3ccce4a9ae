"""Robustness against an attack: the same run with its probes retouched, judged as it was set up."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from harness.comparing.attacks import but_for_attack
from harness.record.manifest import Origin
from harness.runs.validation.choosing import the_one
from harness.runs.validation.criteria import Criterion
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.runs.validation.measuring import Measured, everything, of_ratios, of_run, of_scores
from harness.runs.validation.subject import Subject, subject


def of_attack(criterion: Criterion, judged: JudgedRun, runs: Sequence[JudgedRun]) -> list[Subject]:
    """Return the run on probes that an attack retouched.

    Threshold and calibrators are those of the run on probes as they are: whoever uses the method
    does not know of the attack.

    Parameters
    ----------
    criterion
        Of the row.
    judged
        Run on probes as they are.
    runs
        Among which the attacked one is looked for.
    """
    done = f"probes retouched by {criterion.attack}"
    try:
        found = _attacked(criterion.attack, judged, runs)
    except NotInData as reason:
        return [Subject(judged, "", done, None, str(reason))]
    if criterion.needs_ratios:
        done += "; ratios by the calibrators of the run on probes as they are"
    elif criterion.metric_id.name == "fnmr":
        done += "; threshold of the run on probes as they are"
    measure = partial(_measured, criterion, judged, found)
    return [subject(found, criterion.attack, done, measure, judged)]


def _attacked(attack: str, plain: JudgedRun, runs: Sequence[JudgedRun]) -> JudgedRun:
    key = but_for_attack(plain.manifest.origin)
    found = [
        one
        for one in runs
        if _is_by(attack, one.manifest.origin) and but_for_attack(one.manifest.origin) == key
    ]
    if not found:
        raise NotInData(
            f"none of the runs is this one with its probes retouched by {attack!r}: make it with "
            f"`harness run --attack {attack}` and name it as well"
        )
    return the_one(found, f"this one with its probes retouched by {attack!r}")


def _is_by(attack: str, origin: Origin) -> bool:
    """Say whether a run's probes were retouched as ``REMOVER``, or ``REMOVER:PRESET``, asks."""
    name, _, preset = attack.partition(":")
    by, label = origin.attack, origin.protocol.partition("+")[2]
    if by is None or name not in (by.algorithm, by.protocol):
        return False
    return label == (f"{by.algorithm}-{preset}" if preset else by.algorithm)


def _measured(criterion: Criterion, plain: JudgedRun, attacked: JudgedRun) -> Measured:
    metric = criterion.metric_id
    if criterion.needs_ratios:
        ratios = attacked.ratios(plain.calibrators)
        return of_ratios(ratios, *everything(ratios), metric.name)
    if metric.name == "fnmr" and metric.name in attacked.task.metrics:
        pairs = attacked.pairs
        return of_scores(pairs, *everything(pairs), metric, plain.pairs)
    return of_run(attacked, metric)
