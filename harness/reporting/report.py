"""The HTML report of one run: a single file that opens offline and prints well."""

from __future__ import annotations

from harness.reporting import sections
from harness.reporting.pages import environment, surroundings
from harness.reporting.sections.section import SectionInput
from harness.tasks.look_alikes import MATES


def render(run: SectionInput) -> str:
    """Return the report as the complete text of an HTML file.

    Equal input gives equal text; nothing in it is loaded from elsewhere.
    """
    shown = []
    for section in sections.SECTIONS:
        found = section(run)
        if found is not None:
            run.rules.extend(found.rules)
            shown += [found] * bool(found.content)
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
