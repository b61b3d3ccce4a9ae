"""How a command ends: for whatever went wrong, one sentence and an exit code that is never 1."""

from __future__ import annotations

import re
import sys
import traceback
from collections.abc import Sequence

import click

from harness.cli.streams import Said, guard
from harness.errors import HarnessError, Unwritable, UsageError, sentence_of, visible_lines

_NO_ROOM = re.compile("failed to map segment|cannot allocate memory", re.IGNORECASE)
"""What the loader of libraries says where memory is short."""

LEAST_SPACE = 1 << 30
"""Bytes of address space that the libraries take. With less, theirs crash, hang, or end with 1."""

INTERRUPTED = 130
OUT_OF_MEMORY = 3

FAULT = 70
"""The harness itself is at fault. Python's own code for that, 1, would mean a regression."""


def carried_out(arguments: Sequence[str] | None = None) -> int:
    """Carry out a command line, say what went wrong, and return the exit code.

    Parameters
    ----------
    arguments
        Words after the command's name; those of the process unless given.
    """
    guard()
    code = _code(arguments)
    fault = sys.stdout.settle() if isinstance(sys.stdout, Said) else None
    if fault is not None:
        if code != fault.exit_code:
            _say(f"error: {fault}")
        code = fault.exit_code
    return code


def _code(arguments: Sequence[str] | None) -> int:
    space = _address_space()
    if space is not None and space < LEAST_SPACE:
        _say(
            f"error: this process may use {space / 1e6:,.0f} MB of address space (`ulimit -v`), "
            f"and what the harness loads takes {LEAST_SPACE / 1e6:,.0f} MB; raise that limit"
        )
        return OUT_OF_MEMORY
    try:
        from harness.cli.verbs import commands

        ended = commands.main(args=arguments, prog_name="harness", standalone_mode=False)
    except SystemExit as reason:
        return reason.code if isinstance(reason.code, int) else 0 if reason.code is None else FAULT
    except HarnessError as reason:
        _say(visible_lines(f"error: {reason}"))
        return reason.exit_code
    except click.ClickException as reason:
        reason.show()
        return 2
    except (click.Abort, KeyboardInterrupt):
        _say("interrupted; the same command goes on from here")
        return INTERRUPTED
    except MemoryError:
        _say("error: there is not enough memory; use fewer --workers, or a machine with more")
        return OUT_OF_MEMORY
    except OSError as reason:
        _say(visible_lines(f"error: {sentence_of(reason)}"))
        return Unwritable.exit_code
    except Exception as reason:
        from harness.errors.absent import known_absence

        if missing := known_absence(reason):
            _say(f"error: this needs {missing}")
            return UsageError.exit_code
        if isinstance(reason, ImportError) and _NO_ROOM.search(str(reason)):
            _say("error: there is not enough memory to load a library; use a machine with more")
            return OUT_OF_MEMORY
        _say(f"{traceback.format_exc()}\nerror: this is a fault of the harness; please report it")
        return FAULT
    return ended if isinstance(ended, int) else 0


def _address_space() -> int | None:
    """Return how many bytes of addresses the process may use, or None where nothing limits it."""
    try:
        import resource
    except ImportError:
        return None
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return None if limit == resource.RLIM_INFINITY else limit


def _say(text: str) -> None:
    click.echo(text, err=True)
