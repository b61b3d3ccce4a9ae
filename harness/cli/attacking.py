"""The verb that sums up attacks: `attack`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import JSON


@commands.command()
@click.argument("runs", nargs=-1, required=True, type=RUN)
@click.option("--markdown", is_flag=True, help="Print the table in Markdown.")
@JSON
@of_runs
def attack(runs: tuple[Path, ...], markdown: bool, as_json: bool) -> None:
    """Say how far algorithms fall when tattoos are removed from their probes.

    RUNS are runs made with `harness run --attack` and the same without.
    """
    import msgspec

    from harness.comparing.attacks import attack_effects, listing, table

    found = attack_effects(runs)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
    else:
        click.echo(table(found) if markdown else listing(found))
