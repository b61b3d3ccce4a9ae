"""Checks: a finished run is examined for what makes its numbers mean less than they seem to.

Each check is a class of its own, here or in a file of somebody else's: it looks at a run as it is
stored, and answers with a verdict. Nothing is run again, and nothing of the answers is kept.
"""

from harness.record.checks.check import Check, Severity, Verdict, issue, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun

__all__ = [
    "Check",
    "ExaminedRun",
    "Severity",
    "Verdict",
    "issue",
    "not_applicable",
    "passed",
    "tip",
]
