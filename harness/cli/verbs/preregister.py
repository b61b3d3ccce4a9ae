"""The verb `preregister`: write criteria, protocol and data down before a run."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.completing import PROTOCOLS
from harness.cli.group import commands
from harness.cli.options import LAYOUT, PATH, PLUGINS
from harness.errors import visible


@commands.command()
@click.argument("criteria", type=PATH)
@click.option(
    "--protocol",
    "protocols",
    multiple=True,
    shell_complete=PROTOCOLS,
    help="Name or file, beside those that the criteria name. Repeatable.",
)
@click.option("--data", type=PATH, help="Data set: a folder or a CSV file.")
@LAYOUT
@click.option(
    "--out",
    type=PATH,
    default=Path("preregistration.json"),
    show_default=True,
    help="A new file.",
)
@PLUGINS
def preregister(
    criteria: Path,
    protocols: tuple[str, ...],
    data: Path | None,
    layout: str | None,
    out: Path,
    plugins: tuple[Path, ...],
) -> None:
    """Write down criteria, protocol and data before a run, and print the digest to publish.

    CRITERIA is a TOML file of `harness validate`. What its table [experiment] names of the
    algorithm is fixed, too. `harness run --preregistered FILE` runs that and nothing else.
    """
    from harness.verbs.evidence import preregister as write

    digest = write(criteria, out, protocols=protocols, data=data, layout=layout, plugins=plugins)
    click.echo(f"{visible(str(out))}: {digest}")
    click.echo(
        "note: the time in it is this machine's clock and proves nothing alone; publish the "
        "digest, or give it to a witness, before the run",
        err=True,
    )
