"""The section on checks: what makes the numbers mean less than they seem to, or nothing does."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from harness.data.findings import Finding
from harness.record.checks.check import Checked
from harness.record.checks.examining import taken_up
from harness.reporting import wording
from harness.reporting.examined import evidence_of, of_severity, summary
from harness.reporting.sections.section import Section, SectionInput, filled_from


def section(run: SectionInput) -> Section:
    """Return the section."""
    remarks = taken_up(run.manifest.findings, run.checks)
    return Section("checks", "Checks", checks_in(run.checks, remarks))


def checks_in(checked: Sequence[Checked], remarks: Sequence[Finding] = ()) -> Markup:
    """Return verdicts, and the findings that no check takes up, as HTML."""
    return filled_from(
        "checks",
        wrong=of_severity(checked, "issue", "tip"),
        silenced=of_severity(checked, "silenced"),
        rest=of_severity(checked, "passed", "not applicable"),
        summary=summary(checked),
        evidence={one.code: evidence_of(one) for one in checked},
        findings=remarks,
        remarks=wording.remarks(remarks),
    )
