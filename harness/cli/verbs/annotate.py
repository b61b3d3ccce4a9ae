"""The verb `annotate`: a page on this machine on which a person says what images show."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.errors import some


@commands.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    show_default="a free one",
    help="Of this machine's own address, 127.0.0.1; nothing else is listened to.",
)
@click.option("--open", "show", is_flag=True, help="Open the page in the default browser.")
def annotate(folder: Path, port: int, show: bool) -> None:
    """Draw boxes, name tattoos and tag them, image by image, in FOLDER.

    Every change goes to FOLDER/manifest.csv at once, which `harness run --data FOLDER` reads.
    """
    import webbrowser

    from filelock import FileLock, Timeout

    from harness.errors import UsageError
    from harness.web.desk import AnnotationServer

    if not folder.is_dir():
        raise UsageError(f"there is no folder {folder}")
    place = folder / ".annotate.lock"
    if place.is_symlink():
        raise UsageError(f"{place} is a link; remove it: what it leads to would be emptied")
    lock = FileLock(place)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UsageError(
            f"{folder} is being annotated already; use that page, or end that command first"
        ) from None
    with lock, AnnotationServer(folder, port) as server:
        for note in server.notes:
            click.echo(f"note: {note}", err=True)
        click.echo(
            f"{some(len(server.images), 'image')}; changes go to {server.table.path}", err=True
        )
        click.echo("open this address in a browser of this machine; Ctrl+C ends it:", err=True)
        click.echo(server.address)
        if show and not webbrowser.open(server.address):
            click.echo("note: there is no browser to open; open the address yourself", err=True)
        try:
            server.serve_forever()
        except KeyboardInterrupt:
            click.echo(f"ended; everything is in {server.table.path}", err=True)
