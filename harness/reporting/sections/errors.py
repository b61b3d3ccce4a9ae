"""The section on errors at a threshold: their trade-off, and thresholds to work with."""

from __future__ import annotations

from harness.reporting.drawing.figures import error_trade_off
from harness.reporting.sections.section import Section, SectionInput, figure_section


def section(run: SectionInput) -> Section | None:
    """Return the section; None without a curve of errors."""
    names = run.task.trade_off
    curves = run.outcome.curves
    return figure_section(error_trade_off(curves, run.metrics, run.algorithm, names, run.scores))
