"""What a row of the matrix judges: a whole run, or a group within it, with its metric."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from harness.runs.validation.judged import JudgedRun, NotInData
from harness.runs.validation.measuring import Measured


@dataclass(frozen=True)
class Subject:
    """One thing that a criterion is held against.

    Parameters
    ----------
    judged
        Run that it is of.
    group
        Name of the group or bin; empty for a whole run.
    experiment
        What was done with it, in words.
    measured
        The metric; None where it cannot be had.
    lacking
        What is lacking then, without a full stop.
    beside
        Other runs that the metric rests on.
    """

    judged: JudgedRun
    group: str
    experiment: str
    measured: Measured | None
    lacking: str = ""
    beside: tuple[JudgedRun, ...] = ()


def subject(
    judged: JudgedRun,
    group: str,
    experiment: str,
    measure: Callable[[], Measured],
    *beside: JudgedRun,
) -> Subject:
    """Measure, and keep what is lacking where that is not possible.

    Parameters
    ----------
    judged, group, experiment
        As for `Subject`.
    measure
        Returns the metric, or raises `NotInData`.
    *beside
        As for `Subject`.
    """
    try:
        return Subject(judged, group, experiment, measure(), beside=beside)
    except NotInData as reason:
        return Subject(judged, group, experiment, None, str(reason), beside)
