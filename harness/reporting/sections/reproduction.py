"""The section on how a run is made again."""

from __future__ import annotations

from harness.reporting.sections.section import Section, SectionInput, filled_from


def section(run: SectionInput) -> Section:
    """Return the section: the command, and what may differ."""
    content = filled_from("reproduction", manifest=run.manifest)
    return Section("reproduce", "How to reproduce it", content)
