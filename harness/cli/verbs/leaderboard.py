"""The verb `leaderboard`: a static site of many runs."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import of_runs
from harness.cli.options import HISTORY, JSON, PATH, SEEDS
from harness.errors import visible


@commands.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option(
    "--out",
    type=PATH,
    default=Path("site"),
    show_default=True,
    help="Folder of the site: new, or one of before.",
)
@click.option("--with-reports", is_flag=True, help="Put the reports of the runs into the site.")
@HISTORY
@SEEDS
@JSON
@of_runs
def leaderboard(
    runs: tuple[Path, ...],
    out: Path,
    with_reports: bool,
    history: bool,
    separate_seeds: bool,
    as_json: bool,
) -> None:
    """Build a static site of all runs at or below RUNS, with CSV, JSON and Markdown beside."""
    from harness.boards.building import build
    from harness.boards.exports import to_json

    built = build(runs, out, history, separate_seeds, with_reports)
    found = built.leaderboard
    click.echo(
        f"runs: {found.runs}, boards: {len(found.boards)}, left out: {len(found.left_out)}",
        err=True,
    )
    for one in found.left_out[:10]:
        click.echo(f"left out: {visible(one.folder)}: {visible(one.reason)}", err=True)
    if len(found.left_out) > 10:
        click.echo(f"and {len(found.left_out) - 10} more, all on the overview page", err=True)
    if with_reports:
        click.echo(f"reports: {built.reports}, left where they are: {len(built.without)}", err=True)
    elif found.runs:
        click.echo("reports: none; --with-reports puts those of the runs into the site", err=True)
    for one in built.without[:10]:
        click.echo(f"no report of {visible(one.folder)}: {visible(one.reason)}", err=True)
    click.echo(to_json(found).decode() if as_json else built.overview, nl=not as_json)
