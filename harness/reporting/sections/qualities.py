"""The section on the quality of templates, where the algorithm says it."""

from __future__ import annotations

from harness.record.qualities import template_qualities
from harness.reporting.drawing.qualities import quality_figure, quality_table
from harness.reporting.sections.section import Section, SectionInput, filled


def section(run: SectionInput) -> Section | None:
    """Return the section; None where the algorithm says nothing of its templates."""
    templates = template_qualities(run.folder, run.algorithm)
    figure, table = quality_figure(templates), quality_table(templates)
    if figure is None or table is None:
        return None
    content = filled(
        '{{ m.figure(figure) }}{{ m.table(table, "wide") }}', figure=figure, table=table
    )
    return Section("qualities", figure.heading, content)
