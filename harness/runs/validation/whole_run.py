"""Accuracy, discriminating power and calibration: a metric of a whole run, as its report has it."""

from __future__ import annotations

from harness.runs.validation.criteria import Criterion
from harness.runs.validation.judged import JudgedRun
from harness.runs.validation.measuring import of_run
from harness.runs.validation.subject import Subject, subject

CROSS_CALIBRATED = "each fold's ratios by a calibrator ({}) fitted on the other folds"


def of_whole_run(criterion: Criterion, judged: JudgedRun) -> list[Subject]:
    """Return the run itself.

    Parameters
    ----------
    criterion
        Of the row.
    judged
        Run that it is about.
    """
    done = CROSS_CALIBRATED.format(judged.calibrator) if criterion.needs_ratios else "as run"
    return [subject(judged, "", done, lambda: of_run(judged, criterion.metric_id))]
