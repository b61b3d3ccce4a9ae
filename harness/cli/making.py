"""Verbs for authors: `new` and `check`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from harness.cli.completing import ALGORITHMS, PRESETS
from harness.cli.group import commands
from harness.cli.options import PLUGINS, assignments
from harness.errors import UsageError


@commands.group()
def new() -> None:
    """Write a file to start from."""


@new.command(name="algorithm")
@click.argument("name")
@click.option(
    "--ability", type=click.Choice(["matcher", "detector"]), default="matcher", show_default=True
)
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="this folder",
)
def new_algorithm(name: str, ability: str, folder: Path) -> None:
    """Write a working algorithm file called NAME."""
    from harness.scaffold import write_algorithm

    path = write_algorithm(name, folder, ability="detector" if ability == "detector" else "matcher")
    protocol = "detection" if ability == "detector" else "similarity"
    click.echo(f"wrote {path}")
    click.echo(f"next: harness check {path}")
    click.echo(f"      harness run --protocol {protocol} --algo {path}")


@commands.command()
@click.argument("name", shell_complete=ALGORITHMS)
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option(
    "--preset",
    default="",
    shell_complete=PRESETS,
    help="Named set of the algorithm's parameters.",
)
@PLUGINS
def check(name: str, parameters: tuple[str, ...], preset: str, plugins: tuple[Path, ...]) -> None:
    """Check that an algorithm keeps to the interface; exit code 3 if it does not."""
    from harness import registry
    from harness.cli.naming import refuse_place
    from harness.conformance import examine
    from harness.description import describe

    try:
        plugin = registry.find_algorithm(name, plugins)
    except UsageError:
        refuse_place(name, "an algorithm")
        raise
    algorithm = registry.load(plugin)
    assigned = assignments(parameters)
    described = describe(algorithm, preset=preset, assignments=assigned)
    described.check_complete(plugin.name)
    values = described.values()
    # What is not asked for is left to the kit, which knows of the preset `check`.
    given = {
        name: value
        for name, value in values.items()
        if name in assigned or name in algorithm.presets.get(preset, {})
    }
    passed = bad = 0
    with tempfile.TemporaryDirectory() as folder:
        for finding in examine(algorithm, given, folder=Path(folder)):
            passed, bad = passed + finding.passed, bad + (not finding.passed)
            mark = "ok  " if finding.passed else "FAIL"
            said = f": {finding.message}" if finding.message else ""
            click.echo(f"{mark}  {finding.name}{said}")
    click.echo(f"\n{passed} passed, {bad} failed")
    if bad:
        sys.exit(3)
