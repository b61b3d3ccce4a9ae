"""The section on the quality of templates, where the algorithm says it."""

from __future__ import annotations

from harness.record.qualities import template_qualities
from harness.reporting.drawing.qualities import quality_figure
from harness.reporting.sections.section import Section, SectionInput, figure_section


def section(run: SectionInput) -> Section | None:
    """Return the section; None where the algorithm says nothing of its templates."""
    return figure_section(quality_figure(template_qualities(run.folder, run.algorithm)))
