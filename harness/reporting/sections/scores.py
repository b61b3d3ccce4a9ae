"""The section on scores: how those of both kinds are distributed."""

from __future__ import annotations

from harness.reporting.drawing.figures import score_distributions
from harness.reporting.sections.section import Section, SectionInput, figure_section


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no scores were counted in bins."""
    names = run.task.trade_off
    return figure_section(score_distributions(run.outcome.curves, run.metrics, names, run.scores))
