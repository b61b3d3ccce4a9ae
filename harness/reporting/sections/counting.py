"""The section on how it was counted: the rules of the sections above it, and the terms."""

from __future__ import annotations

from harness.reporting.sections.section import Section, SectionInput, filled_from


def section(run: SectionInput) -> Section:
    """Return the section."""
    content = filled_from(
        "counting",
        rules=run.rules,
        policy=run.manifest.origin.failure_policy,
        compares=any(key.endswith("mated_comparisons") for key in run.metrics.counts)
        or bool(run.metrics.counts.get("mated_searches") or run.metrics.counts.get("searches")),
        errors=bool(run.outcome.curves.det),
    )
    return Section("counting", "How it was counted", content)
