"""A metric in every group of a run: robustness over a column, coherence over bins of a quantity."""

from __future__ import annotations

from functools import partial

from harness.errors import some
from harness.runs.validation.criteria import Criterion
from harness.runs.validation.grouping import Grouping, Numbers, by_column, in_bins
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.runs.validation.measuring import Measured, of_ratios, of_scores, of_searches
from harness.runs.validation.subject import Subject, subject
from harness.runs.validation.whole_run import CROSS_CALIBRATED
from harness.tasks import comparisons as comparing


def of_groups(criterion: Criterion, judged: JudgedRun) -> list[Subject]:
    """Return every group of the run that a criterion names by its column or quantity.

    Parameters
    ----------
    criterion
        Of the rows.
    judged
        Run that they are about.

    Returns
    -------
    list of Subject
        One for each group that has an image; a single one where there are no groups.
    """
    try:
        if criterion.characteristic == "coherence":
            found = in_bins(judged, criterion.by)
        else:
            found = [by_column(judged, criterion.by)]
    except NotInData as reason:
        return [Subject(judged, "", "", None, str(reason))]
    return [one for groups in found for one in _of(criterion, judged, groups)]


def _of(criterion: Criterion, judged: JudgedRun, groups: Grouping) -> list[Subject]:
    try:
        if criterion.needs_ratios:
            return _of_ratios(criterion, judged, groups)
        if criterion.metric_id.name in comparing.METRICS:
            return _of_scores(criterion, judged, groups)
        return _of_searches(criterion, judged, groups)
    except NotInData as reason:
        return [Subject(judged, "", groups.source, None, str(reason))]


def _of_ratios(criterion: Criterion, judged: JudgedRun, groups: Grouping) -> list[Subject]:
    ratios = judged.ratios(judged.calibrators)
    done = CROSS_CALIBRATED.format(judged.calibrator)
    mated, nonmated = (
        groups.of_comparisons(ratios, one) for one in (ratios.mated, ratios.nonmated)
    )
    name = criterion.metric_id.name
    return [
        subject(
            judged,
            group,
            f"{done}; {_by(groups, groups.rule)}{_left_out(mated)}",
            partial(of_ratios, ratios, mated == i, nonmated == i, name),
        )
        for i, group in _present(groups, mated)
    ]


def _of_scores(criterion: Criterion, judged: JudgedRun, groups: Grouping) -> list[Subject]:
    pairs = judged.pairs
    metric = criterion.metric_id
    if metric.name not in judged.task.metrics:
        raise NotInData(
            f"the question of protocol {judged.protocol_name!r} is not measured by {metric.name}"
        )
    one = "one threshold for all groups; " if metric.name == "fnmr" else ""
    mated, nonmated = (groups.of_comparisons(pairs, one) for one in (pairs.mated, pairs.nonmated))
    return [
        subject(
            judged,
            group,
            f"{one}{_by(groups, groups.rule)}{_left_out(mated)}",
            partial(of_scores, pairs, mated == i, nonmated == i, metric, pairs),
        )
        for i, group in _present(groups, mated)
    ]


def _of_searches(criterion: Criterion, judged: JudgedRun, groups: Grouping) -> list[Subject]:
    searches = judged.outcome.searches
    of = groups.of_searches(searches)

    def measured(number: int) -> Measured:
        chosen = [search for search, i in zip(searches, of, strict=True) if i == number]
        return of_searches(chosen, criterion.metric_id)

    return [
        subject(judged, group, _by(groups, "groups by the probe"), partial(measured, i))
        for i, group in _present(groups, of)
    ]


def _by(groups: Grouping, rule: str) -> str:
    """Say what the groups go by, if that is to be said, and by which rule."""
    return "; ".join(filter(None, (groups.source, rule)))


def _present(groups: Grouping, of: Numbers) -> list[tuple[int, str]]:
    """Return the number and name of every group that something of the run is in."""
    there = set(of.tolist())
    found = [(i, name) for i, name in enumerate(groups.names) if i in there]
    if not found:
        raise NotInData("no comparison or search of this run is in any group")
    return found


def _left_out(of: Numbers) -> str:
    """Say how many mated comparisons are in no group."""
    number = int((of < 0).sum())
    if not number:
        return ""
    return f"; {some(number, 'mated comparison is', 'mated comparisons are')} in no group"
