"""The command line: one verb, few flags. Results go to standard output, talk to standard error."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click

# Importing a module of verbs adds them to the command, in the order in which help lists them.
from harness.cli import (  # noqa: F401
    annotating,
    attacking,
    comparing,
    importing,
    keeping,
    looking,
    making,
    publishing,
    running,
    surveying,
    synthesizing,
    tagging,
)
from harness.cli.group import commands
from harness.errors import HarnessError

__all__ = ["commands", "main"]

INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; every expected error is a message and an exit code."""
    try:
        commands.main(args=arguments, standalone_mode=False)
    except HarnessError as reason:
        click.echo(f"error: {reason}", err=True)
        sys.exit(reason.exit_code)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as reason:
        reason.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted; the same command goes on from here", err=True)
        sys.exit(INTERRUPTED)
    except BrokenPipeError:
        # The reader of our output has gone (`harness list | head`); nothing is wrong with us.
        sys.stderr.close()
        sys.exit(0)
