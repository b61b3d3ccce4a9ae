"""The section on parts of the trials, such as mates of the very photograph, told apart."""

from __future__ import annotations

from harness.reporting import wording
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.statistics.estimate import Estimate
from harness.tasks.results import Metrics
from harness.tasks.task import Task

ALL = "all of them"


def section(run: SectionInput) -> Section | None:
    """Return the section; None without parts."""
    said = run.task.told_apart
    table = subset_table(run.metrics, said.caption)
    if table is None:
        return None
    content = filled("<p>{{ why }}</p>{{ m.table(table) }}", why=said.why, table=table)
    return Section("subsets", said.heading, content)


def subset_table(metrics: Metrics, caption: str = Task.told_apart.caption) -> Table | None:
    """Return a table with a row for every part and one for all trials; None without parts."""
    if not metrics.subsets:
        return None
    ids = list(dict.fromkeys(key for part in metrics.subsets.values() for key in part))
    parts = {**metrics.subsets, ALL: metrics.pooled}
    by_chance = {
        m for part in metrics.subsets.values() for m, e in part.items() if e.chance is not None
    }
    rows = tuple(
        (name, *_cells(ids, [part.get(metric) for metric in ids], by_chance))
        for name, part in parts.items()
    )
    columns = ("Part", "Trials", *(wording.metric_label(metric) for metric in ids))
    return Table(caption, columns, rows)


def _cells(
    metrics: list[str], estimates: list[Estimate | None], by_chance: set[str]
) -> tuple[str, ...]:
    trials = next((wording.count(found.n) for found in estimates if found is not None), "")
    cells = []
    for metric, found in zip(metrics, estimates, strict=True):
        cell = (
            ""
            if found is None
            else wording.with_interval(metric, found.value, found.low, found.high)
        )
        if found is not None and found.chance is not None and metric in by_chance:
            cell += f", chance {wording.amount(metric, found.chance)}"
        cells.append(cell)
    return (trials, *cells)
