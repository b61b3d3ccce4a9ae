"""Verbs for authors: `new`, `check`, and `synth` for data."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import click

from harness.cli.group import commands
from harness.cli.options import PATH, PLUGINS, assignments
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
@click.argument("name")
@click.option("--param", "parameters", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option("--preset", default="", help="Named set of the algorithm's parameters.")
@PLUGINS
def check(name: str, parameters: tuple[str, ...], preset: str, plugins: tuple[Path, ...]) -> None:
    """Check that an algorithm keeps to the interface; exit code 3 if it does not."""
    from harness import registry
    from harness.conformance import examine
    from harness.description import describe

    plugin = registry.find_algorithm(name, plugins)
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


@commands.command()
@click.argument("folder", type=PATH)
@click.option(
    "--scale",
    type=click.Choice(["mini", "full"]),
    default="mini",
    show_default=True,
    help="About a fifth of Tatt-C's counts, or exactly them.",
)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--workers", type=click.IntRange(min=1), default=1, show_default=True)
def synth(folder: Path, scale: str, seed: int, workers: int) -> None:
    """Draw a synthetic Tatt-C-style data set into FOLDER, which must be new or empty."""
    from harness.synthesis import write_dataset

    if folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty; name a new folder")
    last = [""]

    def say(what: str, done: int, total: int) -> None:
        if what != last[0] or done == total:
            click.echo(f"{what}: {done} of {total}", err=True)
            last[0] = what

    write_dataset(
        folder,
        scale="full" if scale == "full" else "mini",
        seed=seed,
        workers=workers,
        report=say,
    )
    click.echo(f"wrote {folder}")
    click.echo(f"next: harness run --protocol similarity --algo triplet --data {folder}")
