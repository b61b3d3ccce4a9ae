"""The section on errors at a threshold: their trade-off, and thresholds to work with."""

from __future__ import annotations

from harness.reporting.drawing.figures import DECADES, error_trade_off
from harness.reporting.sections.section import Section, SectionInput, figure_section
from harness.reporting.thresholds import readings


def section(run: SectionInput) -> Section | None:
    """Return the section; None without a curve of errors."""
    names, curves, scores = run.task.trade_off, run.outcome.curves, run.scores
    read = readings(scores, run.kept, DECADES)
    figure = error_trade_off(curves, run.metrics, run.algorithm, names, scores, read=read)
    return figure_section(figure)
