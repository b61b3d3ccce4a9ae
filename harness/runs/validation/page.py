"""The page of a validation: a single file that opens offline, and prints on paper as it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

import msgspec
import numpy as np

from harness.comparing.verdict import SETTLING
from harness.record import provenance
from harness.reporting.drawing.figures import Figure, error_trade_off, finding_mates
from harness.reporting.drawing.forensic_figures import forensic_figures, log10, ratio
from harness.reporting.drawing.limits import limit_strip
from harness.reporting.operating import operating_of
from harness.reporting.pages import environment, surroundings
from harness.reporting.wording import amount, interval, is_share, metric_label, plain
from harness.runs.validation.criteria import CHARACTERISTICS, OF_RATIOS
from harness.runs.validation.deciding import FAIL, FEWEST, PASS, UNSUPPORTED
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.runs.validation.matrix import Limits, Row, Validation
from harness.statistics.likelihood.assessment import tippett_columns

MARKS = {PASS: "pass", FAIL: "fail", UNSUPPORTED: "open"}
"""Class of a verdict on the page."""


@dataclass(frozen=True)
class Line:
    """A row of the matrix in finished texts."""

    row: Row
    data: str
    value: str
    interval: str
    strip: str
    mark: str


@dataclass(frozen=True)
class Block:
    """The rows of one criterion: what they share, and each.

    Parameters
    ----------
    characteristic, label
        For people.
    plots
        Ids and headings of the figures that show it.
    experiment
        What was done, where all rows share it.
    lines
        The rows.
    """

    characteristic: str
    label: str
    plots: list[tuple[str, str]]
    experiment: str
    lines: list[Line]


def render(validation: Validation, main: JudgedRun) -> str:
    """Return the page as the complete text of an HTML file; equal input gives equal text.

    Parameters
    ----------
    validation
        The validation.
    main
        Its main run.
    """
    figures = _figures(validation, main)
    facts = validation.runs[0]
    return (
        environment()
        .get_template("validation.html.j2")
        .render(
            page=surroundings(
                facts.identity,
                styles=("style.css", "validation.css"),
                beside=[one.identity for one in validation.runs[1:]],
            ),
            validation=validation,
            main=facts,
            badge=provenance.BADGES[facts.synthetic],
            provenance=provenance.SENTENCES[facts.synthetic],
            propositions=_propositions(validation),
            limits=_limits(validation.limits),
            verdict=_verdict(validation),
            mark=MARKS[validation.verdict],
            blocks=_blocks(validation.rows, {figure.name: figure.heading for figure in figures}),
            figures=figures,
            statement=[
                (plain(key.replace("-", "_")), t) for key, t in validation.statement.items()
            ],
            parts=_parts(validation),
            fewest=FEWEST,
            settling=round(SETTLING * 100),
        )
    )


def _verdict(found: Validation) -> str:
    number = len(found.rows)
    words = [
        f"{found.number_of(one)} {does if found.number_of(one) == 1 else do}"
        for one, does, do in (
            (PASS, "passes", "pass"),
            (FAIL, "fails", "fail"),
            (UNSUPPORTED, "is not supported by this data", "are not supported by this data"),
        )
        if found.number_of(one)
    ]
    if number == 1:
        return f"The one row of the matrix {words[0].partition(' ')[2]}."
    if len(words) == 1:
        return f"Of {number} rows of the matrix all {words[0].partition(' ')[2]}."
    return f"Of {number} rows of the matrix {', '.join(words)}."


def _propositions(found: Validation) -> str:
    proposition = found.limits.proposition
    if proposition is None:
        return ""
    return (
        f"What is weighed: “{proposition.mated}” against “{proposition.nonmated}” "
        f"{proposition.caution}"
    )


def _limits(limits: Limits) -> str:
    if limits.proposition is None:
        return f"No likelihood ratios: {limits.lacking}."
    if limits.low is None or limits.high is None:
        return f"No likelihood ratio is stated: {limits.lacking}."
    ends = (ratio(log10(end)) for end in (limits.low, limits.high))
    return (
        f"This data supports likelihood ratios from {' to '.join(ends)} (ELUB limits, after one "
        "misleading ratio was added to each side); none beyond them is printed on this page."
    )


def _blocks(rows: Sequence[Row], plots: dict[str, str]) -> list[Block]:
    found = []
    for _, own in groupby(rows, lambda row: row.criterion):
        lines = list(own)
        first = lines[0]
        highest = _highest(lines)
        shared = {line.experiment for line in lines}
        found.append(
            Block(
                CHARACTERISTICS[first.characteristic],  # type: ignore[index]
                metric_label(first.metric),
                [(name, plots[name]) for name in _plots_of(first) if name in plots],
                first.experiment if len(shared) == 1 else "",
                [_line(row, highest) for row in lines],
            )
        )
    return found


def _line(row: Row, highest: float) -> Line:
    return Line(
        row,
        row.data,
        amount(row.metric, row.value) if row.value is not None else "–",
        interval(row.metric, row.low, row.high),
        limit_strip((row.value, row.low, row.high), (row.low_limit, row.high_limit), highest)
        if row.value is not None
        else "",
        MARKS[row.verdict],
    )


def _highest(rows: Sequence[Row]) -> float:
    """Return the right end of the strips of a criterion: all of its rows have the same."""
    if is_share(rows[0].metric):
        return 1.0
    ends = [
        end
        for row in rows
        for end in (row.value, row.high, row.low_limit, row.high_limit)
        if end is not None and math.isfinite(end)
    ]
    return 1.15 * max(ends, default=1.0) or 1.0


def _plots_of(row: Row) -> list[str]:
    """Return the figures that show what a row is about, of those that a page may have."""
    name = row.metric.partition("@")[0]
    if row.characteristic in ("robustness", "coherence", "generalisation"):
        return []
    if name in OF_RATIOS:
        return ["ece"] if name in ("cllr-min", "cllr-cal") else ["tippett", "ece"]
    return ["cmc"] if name in ("hit-rate", "map") else ["det"]


def _figures(found: Validation, main: JudgedRun) -> list[Figure]:
    """Return the figures of the main run: those that a row points to."""
    wanted = {name for row in found.rows for name in _plots_of(row)}
    outcome, algorithm = main.outcome, main.manifest.origin.algorithm
    drawn = [
        finding_mates(outcome.curves, outcome.metrics, algorithm),
        error_trade_off(
            outcome.curves,
            outcome.metrics,
            algorithm,
            main.task.trade_off,
            operating_of(main.run, outcome.metrics, outcome.curves),
        ),
        *_of_ratios(found.limits, main),
    ]
    return [figure for figure in drawn if figure is not None and figure.name in wanted]


def _of_ratios(limits: Limits, main: JudgedRun) -> list[Figure]:
    """Return the figures of the ratios, of which none is shown beyond its limits."""
    if limits.low is None or limits.high is None:
        return []
    try:
        ratios = main.ratios(main.calibrators)
    except NotInData:
        return []
    held = [np.clip(one.scores, limits.low, limits.high) for one in (ratios.mated, ratios.nonmated)]
    shown = msgspec.structs.replace(main.assessment, tippett=tippett_columns(*held), pav={})
    return forensic_figures(shown)


def _parts(found: Validation) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return the checklist by its parts."""
    return [
        (part, [(one.requirement, one.answer, one.where) for one in own])
        for part, own in groupby(found.checklist, lambda one: one.part)
    ]
