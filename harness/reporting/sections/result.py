"""The first section: what the numbers say, all of them, and the curve of ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.record.checks.examining import taken_up
from harness.record.manifest import CrossCheck
from harness.reporting import wording
from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import finding_mates
from harness.reporting.examined import warned
from harness.reporting.headline import galleries, headline_of
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.statistics.estimate import Estimate
from harness.tasks.results import Metrics
from harness.tasks.standing import direction


def section(run: SectionInput) -> Section:
    """Return the section."""
    metrics, manifest = run.metrics, run.manifest
    headline = metrics.pooled.get(metrics.headline)
    content = filled_from(
        "result",
        manifest=manifest,
        trials=run.trials,
        sentences=headline_of(metrics, run.algorithm, manifest.mated_by),
        gallery=galleries(metrics.counts).removeprefix("in galleries of "),
        headline=_metric_row(metrics.headline, headline, {}, width=720) if headline else None,
        anchors=_anchors(metrics),
        table=_metric_table(metrics),
        methods=_methods(metrics),
        opinions=[_opinion(o, metrics.pooled.get(o.metric)) for o in manifest.opinions],
        figure=finding_mates(run.outcome.curves, metrics, run.algorithm),
        warned=warned(run.checks, taken_up(manifest.findings, run.checks)),
    )
    return Section("result", "Result", content)


def _opinion(other: CrossCheck, ours: Estimate | None) -> tuple[str, bool]:
    """Return a sentence on what another program computed, and whether it contradicts the run."""
    own = None if ours is None else ours.value
    return wording.opinion(other, ours), other.contradicts(own)


@dataclass(frozen=True)
class _MetricRow:
    """One line of the table of results, in finished texts."""

    label: str
    metric: str
    value: str
    interval: str
    mark: str
    chance: str
    chance_range: str
    trials: str
    trial_name: str
    spread: str
    lower_is_better: bool
    flags: Sequence[str]
    strip: str


def _metric_row(
    metric: str, estimate: Estimate, marks: Mapping[str, str], width: int = 200
) -> _MetricRow:
    return _MetricRow(
        wording.metric_label(metric),
        metric,
        wording.amount(metric, estimate.value),
        wording.interval(metric, estimate.low, estimate.high),
        marks.get(estimate.method, ""),
        wording.amount(metric, estimate.chance) if wording.known(estimate.chance) else "",
        wording.interval(metric, estimate.chance_low, estimate.chance_high),
        wording.count(estimate.n) if estimate.n else "",
        wording.trial_name(metric),
        wording.spread(metric, estimate),
        direction(metric) == "lower",
        estimate.flags,
        plots.estimate_strip(estimate, width) if wording.is_share(metric) else "",
    )


def _methods(metrics: Metrics) -> dict[str, str]:
    """Return the ways in which intervals were made, with a letter for each if there are several."""
    methods = dict.fromkeys(e.method for e in metrics.pooled.values() if e.method)
    letters = iter("abcdefghijklmnopqrstuvwxyz" if len(methods) > 1 else "")
    return {method: next(letters, "") for method in methods}


@dataclass(frozen=True)
class _MetricTable:
    """The table of results: its lines, its columns that are not empty, and what has no value.

    Parameters
    ----------
    unvalued
        Label and reason of every metric that the data has no answer for.
    """

    rows: Sequence[_MetricRow]
    unvalued: Sequence[tuple[str, str]]

    def has(self, column: str) -> bool:
        """Say whether a column has anything in it, and a spread more than the value of one fold."""
        if column == "spread":
            return any(row.spread not in ("", row.value) for row in self.rows)
        return any(getattr(row, column) for row in self.rows)

    @property
    def strips(self) -> bool:
        """Whether enough figures lie between 0 and 1 to be drawn: the first, or half of all."""
        drawn = [bool(row.strip) for row in self.rows]
        return bool(drawn) and (drawn[0] or 2 * sum(drawn) >= len(drawn))


def _metric_table(metrics: Metrics) -> _MetricTable:
    """Return the headline metric first, then the others as the run recorded them."""
    marks = _methods(metrics)
    order = sorted(metrics.pooled, key=lambda m: m != metrics.headline)
    rows, unvalued = [], []
    for metric in order:
        found = metrics.pooled[metric]
        if metric == metrics.headline or wording.known(found.value):
            rows.append(_metric_row(metric, found, marks))
        else:
            unvalued.append((wording.metric_label(metric), "; ".join(found.flags) or "no data"))
    return _MetricTable(rows, unvalued)


def _anchors(metrics: Metrics) -> list[tuple[str, str]]:
    """Return what a headline without a level of chance is read against: names and values."""
    name, options = wording.split_id(metrics.headline)
    if name == "net-removal":
        return [("Doing nothing", "0"), ("Perfect removal", "1")]
    if name == "tattoo-free":
        before = metrics.pooled.get(f"tattoo-free-before@k={options.get('k')}")
        if before is not None and wording.known(before.value):
            return [("Before", wording.amount(metrics.headline, before.value))]
    return []
