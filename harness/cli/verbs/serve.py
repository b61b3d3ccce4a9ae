"""The verb `serve`: the leaderboard and reports of a folder in a browser, followed live."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import of_runs
from harness.cli.options import HISTORY, OPEN, PATH, SEEDS


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
