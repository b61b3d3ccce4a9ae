"""The command line: one verb, few flags. Results go to standard output, talk to standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

__all__ = ["commands", "main"]

FAULT = 70
"""As in `harness.cli.ending`, which may be what cannot be imported."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Carry out a command line and exit; every expected error is a message and an exit code."""
    try:
        from harness.cli.ending import carried_out

        code = carried_out(arguments)
    except Exception:
        import traceback

        traceback.print_exc()
        code = FAULT
    sys.exit(code)


def __getattr__(name: str) -> Any:
    # Importing the verbs takes a while and may fail, which `main` has to catch.
    if name == "commands":
        from harness.cli.verbs import commands

        return commands
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
