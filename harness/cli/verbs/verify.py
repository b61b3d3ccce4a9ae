"""The verb `verify`: is a run whole, and do its numbers follow?"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.errors import UsageError, some, visible, visible_lines


@commands.command()
@click.argument("folders", metavar="RUNS", type=RUN, nargs=-1, required=True)
@of_runs
def verify(folders: tuple[Path, ...]) -> None:
    """Prove that run folders are whole and that their numbers follow from their scores.

    RUNS are run folders, or folders that hold some. Of a whole one it says what kept the algorithm
    from the truth. The exit code is 3 if one is not whole.
    """
    from harness.boards.reading import find_runs
    from harness.errors import HarnessError
    from harness.record import record
    from harness.record.joined import fits_of, is_joined
    from harness.record.verifying import verify_run
    from harness.reporting.wording import kept_from
    from harness.runs.joining import faults

    runs: list[Path] = []
    for place in folders:
        if not place.is_dir():
            raise UsageError(f"there is no run folder {visible(str(place))}")
        # A folder that is no run and holds none is named in the message that it gets as a run.
        runs += list(find_runs([place])) or [place]
    code = 0
    for folder in dict.fromkeys(runs):
        try:
            found = faults(folder) if is_joined(folder) else verify_run(folder)
        except HarnessError as reason:
            if len(runs) == 1:
                raise
            found = [str(reason)]
        for fault in found:
            click.echo(visible_lines(fault))
        if found:
            click.echo(
                f"{visible(str(folder))} is not as it was written: {some(len(found), 'fault')}",
                err=True,
            )
            code = 3
        else:
            click.echo(f"{visible(str(folder))}: whole, and its numbers follow from its scores")
            for sentence in kept_from(record.read_manifest(fits_of(folder)[0])):
                click.echo(f"  {visible(sentence)}")
    if code:
        sys.exit(code)
