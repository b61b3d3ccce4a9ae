"""The card: what NIST prints first of an algorithm, gathered in one place."""

from __future__ import annotations

from harness.api import Searcher
from harness.reporting.attempts import attempt_table
from harness.reporting.misses import miss_table
from harness.reporting.operations import operation_table
from harness.reporting.sections.decisions import decision_table
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.thresholds import RATES, read_at, readings, threshold_table
from harness.tasks.open_set import OpenSet


def section(run: SectionInput) -> Section | None:
    """Return the section, which says what a run does not have; None where nothing was judged."""
    every = [
        miss_table(run.outcome, run.manifest.list_length) if run.searching else None,
        decision_table(run.task, run.outcome, run.protocol.threshold),
        *_thresholds(run),
        attempt_table(run.kept, run.outcome, templates=_makes_templates(run)),
        operation_table(run.manifest, run.metrics.counts.get("largest_gallery", 0)),
    ]
    tables = [table for table in every if table is not None]
    if not tables:
        return None
    content = filled(
        """<div class="card">
{% for table in tables %}{{ m.table(table, "compact") }}{% endfor %}
</div>
{% for sentence in absent %}
<p class="note">{{ sentence }}</p>
{% endfor %}""",
        tables=tables,
        absent=_absent(run),
    )
    return Section("card", "Basic statistics", content)


def _thresholds(run: SectionInput) -> list[Table | None]:
    """Return the thresholds of searches without a mate, and those of the task's own trials."""
    found = []
    if run.outcome.curves.open_set:
        told = read_at(run.metrics, OpenSet.trade_off)
        read = readings(run.open_scores, None, {*RATES, *told})
        found.append(threshold_table(read, OpenSet.trade_off, told))
    if run.outcome.curves.det:
        names = run.task.trade_off
        told = read_at(run.metrics, names)
        read = readings(run.scores, run.kept, {*RATES, *told})
        found.append(threshold_table(read, names, told))
    return found


def _makes_templates(run: SectionInput) -> bool:
    """Whether what failed was a template: neither a list of a searcher nor imported scores."""
    task, manifest = run.task, run.manifest
    listed = task.asked_of(manifest.abilities) == Searcher.__name__
    return task.compares and manifest.imported is None and not listed


def _absent(run: SectionInput) -> list[str]:
    """Return what is not to be had of this run, and why."""
    said = []
    if run.searching and run.task.closed and not run.outcome.curves.open_set:
        said.append("No FPIR, and no FNIR at one: every probe that is searched here has a mate.")
    told = read_at(run.metrics, run.task.trade_off)
    if run.outcome.curves.det and not readings(run.scores, run.kept, told):
        said.append(
            f"Thresholds of {run.task.trade_off.scored} are not known: the scores were not kept, "
            "or there are too many of them."
            if told
            else "No thresholds: this protocol asks for no error rate at one."
        )
    if run.manifest.imported is not None:
        said.append("What an operation takes is not on record: the scores were imported.")
    elif run.manifest.composition is not None:
        said.append("What a search takes stands with the parts of the composite.")
    elif not run.manifest.costs:
        said.append("Nobody measured what an operation takes.")
    return said
