"""The section on smaller galleries than those that were searched."""

from __future__ import annotations

from harness.errors import UsageError
from harness.record.growing import growth_in
from harness.reporting.drawing.growth import growth_figure
from harness.reporting.sections.section import Section, SectionInput, figure_section


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no gallery was searched, or its scores are not at hand."""
    if not run.searching or run.kept is None:
        return None
    try:
        return figure_section(growth_figure(growth_in(run.kept, dense=True), run.algorithm))
    except UsageError:
        return None  # lists that end before the gallery does: the command `scale` says so
