"""The section on parts of the trials: mates of the very photograph, told apart."""

from __future__ import annotations

from harness.reporting import wording
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.statistics.estimate import Estimate
from harness.tasks.results import Metrics

ALL = "all of them"


def section(run: SectionInput) -> Section | None:
    """Return the section; None without parts."""
    table = subset_table(run.metrics)
    if table is None:
        return None
    content = filled(
        """<p>Some mates were made from the very photograph that the probe was made from. \
Finding a copy is easier than finding the tattoo again, so the two are told apart here.</p>
{{ m.table(table) }}""",
        table=table,
    )
    return Section("subsets", "One photograph or two", content)


def subset_table(metrics: Metrics) -> Table | None:
    """Return a table with a row for every part and one for all trials; None without parts."""
    if not metrics.subsets:
        return None
    ids = list(dict.fromkeys(key for part in metrics.subsets.values() for key in part))
    parts = {**metrics.subsets, ALL: metrics.pooled}
    rows = tuple(
        (name, *_cells(ids, [part.get(metric) for metric in ids])) for name, part in parts.items()
    )
    columns = ("Part", "Trials", *(wording.metric_label(metric) for metric in ids))
    return Table("The same metrics by what the mate shows", columns, rows)


def _cells(metrics: list[str], estimates: list[Estimate | None]) -> tuple[str, ...]:
    trials = next((wording.count(found.n) for found in estimates if found is not None), "")
    return (
        trials,
        *(
            ""
            if found is None
            else wording.with_interval(metric, found.value, found.low, found.high)
            for metric, found in zip(metrics, estimates, strict=True)
        ),
    )
