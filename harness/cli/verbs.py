"""All verbs. Importing a module of them adds them to the command."""

from __future__ import annotations

from harness.cli import (  # noqa: F401
    annotating,
    attacking,
    comparing,
    completing,
    importing,
    keeping,
    looking,
    making,
    publishing,
    running,
    scoring,
    surveying,
    synthesizing,
    tagging,
)
from harness.cli.group import commands

__all__ = ["commands"]
