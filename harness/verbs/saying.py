"""What a Python session is told: sentences on standard error, with nothing that steers it."""

from __future__ import annotations

import sys
from collections.abc import Iterable

from harness.data.findings import Finding
from harness.errors import visible
from harness.reporting.text import plain


def say(sentence: str) -> None:
    """Say a sentence; names in it are untrusted."""
    sys.stderr.write(visible(plain(sentence)) + "\n")


def say_findings(findings: Iterable[Finding], already_said: set[Finding]) -> None:
    """Say on standard error what is odd about data and runs, each thing once.

    Parameters
    ----------
    already_said
        What was said already; what is said now is added.
    """
    for one in findings:
        if one not in already_said:
            already_said.add(one)
            say(f"note: {one.text}")
