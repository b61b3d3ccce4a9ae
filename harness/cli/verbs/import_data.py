"""Verbs that make a data set of somebody else's files: `harness import SOURCE ...`.

A source is a command of the group here and a module of `harness/collecting`.
"""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import Verbs, commands
from harness.cli.options import PATH, FiniteRange
from harness.errors import some


@commands.group(name="import", cls=Verbs)
def import_data() -> None:
    """Make a data set that the harness reads of somebody else's files."""


@import_data.command()
@click.argument("sheet", metavar="CSV", type=PATH)
@click.option("--out", type=PATH, required=True, help="Folder of the data set.")
@click.option("--images", type=PATH, help="Folder with files called after the ids, as 123.jpg.")
@click.option("--download", is_flag=True, help="Fetch the previews that the folder lacks, slowly.")
@click.option(
    "--min-use",
    type=click.IntRange(min=1),
    default=120_001,
    show_default=True,
    help="Uses in the CSV that a tag has at least; the slides ask for more than 120,000.",
)
@click.option(
    "--per-tag",
    type=click.IntRange(min=1),
    default=1000,
    show_default=True,
    help="Images that are looked for of each tag.",
)
@click.option(
    "--size",
    type=click.IntRange(16, 2048),
    default=100,
    show_default=True,
    help="Side of the images, in pixels.",
)
@click.option("--first", type=click.IntRange(min=1), help="Lines that images are chosen from.")
@click.option(
    "--host",
    "hosts",
    multiple=True,
    default=("safebooru.org",),
    show_default=True,
    help="That may be asked for downloads, with its subdomains. Repeatable.",
)
@click.option(
    "--rate",
    type=FiniteRange(0.01, 50),
    default=4.0,
    show_default=True,
    help="Downloads a second at most.",
)
def safebooru(
    sheet: Path,
    out: Path,
    images: Path | None,
    download: bool,
    min_use: int,
    per_tag: int,
    size: int,
    first: int | None,
    hosts: tuple[str, ...],
    rate: float,
) -> None:
    """Make a tagging set of Safebooru's metadata CSV and its images.

    The same command again goes on where it was. What is refused is listed in refused.csv.
    """
    from harness.data.importers.downloads import Downloads
    from harness.data.importers.safebooru import Wishes, collect

    said = [""]

    def report(what: str, done: int) -> None:
        if what != said[0] or done % 500 == 0:
            click.echo(f"{what}: {done}", err=True)
            said[0] = what

    found = collect(
        sheet,
        out,
        Wishes(min_use, per_tag, size, first),
        images=images,
        downloads=Downloads(hosts, rate=rate) if download else None,
        report=report,
    )
    click.echo(
        f"{some(len(found.uses), 'tag')}; {some(found.taken, 'image')} taken, {found.refused} "
        "refused "
        f"({out / 'refused.csv'}), {found.passed} not needed"
    )
    click.echo(f"next: harness run --protocol tagging --algo anime-tags --data {out}")


@import_data.command()
@click.argument("folder", type=PATH)
def bivtatt(folder: Path) -> None:
    """Write what BIVTatt's file names and box files say into FOLDER/manifest.csv.

    The layout is read without it, too; a manifest can be looked at and corrected by hand.
    """
    from harness.data.importers.bivtatt import write_manifest

    click.echo(write_manifest(folder))
