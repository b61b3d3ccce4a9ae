"""The section on searches without a mate, where they stand beside comparisons of all pairs."""

from __future__ import annotations

import msgspec

from harness.reporting.drawing.figures import DECADES, error_trade_off
from harness.reporting.sections.section import Section, SectionInput, figure_section
from harness.reporting.thresholds import readings
from harness.tasks.open_set import OpenSet
from harness.tasks.results import Curves


def section(run: SectionInput) -> Section | None:
    """Return the section; None without a curve of its own of such searches."""
    curve = run.outcome.curves.open_set
    if not curve:
        return None
    columns = {"fmr": curve["fpir"], "fnmr": curve["fnir"], "chance": curve["chance"]}
    searches = {name: n for name, n in run.metrics.counts.items() if name.endswith("searches")}
    figure = error_trade_off(
        Curves(det=columns),
        msgspec.structs.replace(run.metrics, counts=searches),
        run.algorithm,
        OpenSet.trade_off,
        run.open_scores,
        read=readings(run.open_scores, None, DECADES),
        name="open-set",
        heading="Searches with and without a mate",
    )
    return figure_section(figure)
