"""The verb `report`: write the HTML report of a run again, and open it."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import OPEN


@commands.command()
@click.argument("folder", metavar="RUN", type=RUN)
@OPEN
@of_runs
def report(folder: Path, show: bool) -> None:
    """Write the HTML report of a run again; with --open, show it.

    RUN is a run folder, `latest`, or PROTOCOL/ALGORITHM for the latest run of the two.
    """
    from harness.record.joined import is_joined
    from harness.runs.finishing import score_again
    from harness.runs.joining import join_again

    if is_joined(folder):
        join_again(folder)
    else:
        score_again(folder)
    page = folder / "report.html"
    click.echo(page)
    if show:
        import webbrowser

        webbrowser.open(page.resolve().as_uri())
