"""The verb `disclose`: one search of a signed run, with the proof that it belongs to it."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import PATH
from harness.errors import some, visible


@commands.command()
@click.argument("folder", metavar="RUN", type=RUN)
@click.option("--search", "name", required=True, metavar="NAME", help="Name of the probe.")
@click.option("--fold", default="", help="Its fold, where it is searched in several.")
@click.option("--out", type=PATH, required=True, help="A new folder.")
@click.option(
    "--pictures",
    "count",
    type=click.IntRange(min=0),
    default=6,
    show_default=True,
    metavar="N",
    help="Copy at most so many: the probe's, then those of candidates from the first on.",
)
@click.option("--data", type=PATH, help="Where the run's data set lies now, if it was moved.")
@of_runs
def disclose(folder: Path, name: str, fold: str, out: Path, count: int, data: Path | None) -> None:
    """Write one search of a signed run into a folder that proves it without the others.

    RUN is a run folder that `harness attest` signed. The new folder holds the search with its
    scores, pictures, and hashes that lead to the signed one; `harness verify` checks it without
    the run.
    """
    from harness.runs.attesting import disclose as show

    made, why_none = show(folder, name, out, fold=fold, count=count, data=data)
    if why_none:
        click.echo(f"note: no picture is copied: {visible(why_none)}", err=True)
    others = some(len(made.search.candidates), "candidate")
    click.echo(
        f"note: it names {others} and shows {some(len(made.pictures), 'picture')}; of other "
        "searches it tells how many there are, and what all of them come to",
        err=True,
    )
    click.echo(out)
