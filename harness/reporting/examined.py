"""What checks say of a run, in finished texts: for pages and for terminals."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.data.findings import Finding
from harness.errors import some
from harness.record.checks.check import Checked, Severity
from harness.reporting.wording import number

__all__ = ["check_lines", "every_line", "evidence_of", "of_severity", "summary", "warned"]


def of_severity(checked: Sequence[Checked], *severities: Severity) -> list[Checked]:
    """Return what was found of these severities, in its order."""
    return [one for one in checked if one.severity in severities]


def warned(checked: Sequence[Checked], remarks: Sequence[Finding] = ()) -> str:
    """Say how many issues, tips and remarks there are; empty without any.

    >>> warned([], [Finding("a", "warning", "x")])
    '1 remark'
    """
    counts = {
        "issue": len(of_severity(checked, "issue")),
        "tip": len(of_severity(checked, "tip")),
        "remark": len(remarks),
    }
    parts = [some(count, word) for word, count in counts.items() if count]
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)


def summary(checked: Sequence[Checked]) -> str:
    """Say how many checks looked at a run, and what they came to."""
    silenced = len(of_severity(checked, "silenced"))
    apart = len(of_severity(checked, "not applicable"))
    said = [
        warned(checked) or "nothing was found",
        *([f"{silenced} silenced"] if silenced else []),
        f"{len(of_severity(checked, 'passed'))} passed",
        *([f"{apart} not applicable"] if apart else []),
    ]
    return f"{some(len(checked), 'check')} looked at this run: {', '.join(said)}."


def evidence_of(checked: Checked) -> list[tuple[str, str]]:
    """Return names and texts of what a verdict follows from."""
    return [(name.replace("_", " "), _text(value)) for name, value in checked.evidence.items()]


def check_lines(checked: Sequence[Checked]) -> list[str]:
    """Return a line for each issue, tip and silenced check; none where nothing was found."""
    return [
        f"   {one.severity} {one.code}: {one.sentence}"
        + (f" (silenced: {one.because})" if one.because else "")
        for one in of_severity(checked, "issue", "tip", "silenced")
    ]


def every_line(folder: Path, checked: Sequence[Checked]) -> list[str]:
    """Return every verdict on a run as lines for a terminal, those that fire with evidence."""
    lines = [f"{folder}: {summary(checked)}"]
    for one in checked:
        said = f" (silenced: {one.because})" if one.severity == "silenced" else ""
        lines.append(f"   {one.severity:<14}  {one.code}: {one.sentence}{said}")
        if one.severity in ("issue", "tip", "silenced"):
            lines += [f"{'':19}{name}: {text}" for name, text in evidence_of(one)]
    return lines


def _text(value: float | int | str | None) -> str:
    if value is None:
        return "not known"
    if isinstance(value, str):
        return value
    return f"{value:,}" if isinstance(value, int) else number(value, 4)
