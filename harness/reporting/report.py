"""The HTML report of one run: a single file that opens offline and prints well."""

from __future__ import annotations

from dataclasses import replace

from harness.reporting import sections
from harness.reporting.conditions import conditions, under_tables
from harness.reporting.pages import environment, surroundings
from harness.reporting.sections.section import SectionInput
from harness.tasks.look_alikes import MATES


def render(run: SectionInput) -> str:
    """Return the report as the complete text of an HTML file.

    Equal input gives equal text; nothing in it is loaded from elsewhere. Every table says on what
    was measured what it holds.
    """
    line = conditions(run.manifest, run.metrics.counts)
    shown = []
    for section in sections.SECTIONS:
        found = section(run)
        if found is not None:
            run.rules.extend(found.rules)
            said = replace(found, content=under_tables(found.content, line))
            shown += [said] * bool(found.content)
    return (
        environment()
        .get_template("run.html.j2")
        .render(
            page=surroundings(run.manifest.identity),
            manifest=run.manifest,
            mates=MATES.get(run.manifest.mated_by, ""),
            sections=shown,
        )
    )
