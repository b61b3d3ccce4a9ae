"""Verbs that show many runs side by side: `leaderboard` and `serve`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import of_runs
from harness.cli.options import JSON, OPEN, PATH
from harness.errors import visible

HISTORY = click.option(
    "--history",
    is_flag=True,
    help="Keep runs of changed source beside the latest of the same algorithm and parameters.",
)

SEEDS = click.option(
    "--separate-seeds",
    is_flag=True,
    help="Show runs with other seeds apart, not as fits of one entry.",
)


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
    from harness.leaderboard.building import build
    from harness.leaderboard.exports import to_json

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


@commands.command()
@click.argument("runs", nargs=-1, required=True, type=PATH)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8765, show_default=True, help="0: a free one."
)
@OPEN
@HISTORY
@SEEDS
@of_runs
def serve(
    runs: tuple[Path, ...], port: int, show: bool, history: bool, separate_seeds: bool
) -> None:
    """Show leaderboard and reports of RUNS in a browser, and follow them while runs go on.

    Only this machine can see them. Ctrl+C ends it.
    """
    import threading
    import webbrowser

    from harness.web.runs import RunWatcher, keep_looking, make_server

    watcher = RunWatcher(runs, history, separate_seeds)
    server = make_server(watcher, port)
    stop = threading.Event()
    looking = threading.Thread(target=keep_looking, args=(watcher, stop), daemon=True)
    looking.start()
    click.echo(server.address)
    click.echo("Ctrl+C ends it", err=True)
    if show and not webbrowser.open(server.address):
        click.echo("note: there is no browser to open; open the address yourself", err=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("ended", err=True)
    finally:
        stop.set()
        server.server_close()
