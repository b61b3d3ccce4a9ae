"""The section on how it was counted: the rules of the sections above it, and the terms."""

from __future__ import annotations

from harness.reporting.sections.section import Section, SectionInput, filled_from


def section(run: SectionInput) -> Section:
    """Return the section."""
    content = filled_from("counting", rules=run.rules, policy=run.manifest.origin.failure_policy)
    return Section("counting", "How it was counted", content)
