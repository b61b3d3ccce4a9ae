"""The verb `new`: an algorithm, program, protocol, criteria or generator to start from."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.completing import PROTOCOLS
from harness.cli.group import Verbs, commands
from harness.cli.options import PLUGINS
from harness.plugins import glancing
from harness.plugins.programs import starting_points

FOLDER = click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path(),
    show_default="this folder",
)
LANGUAGES = tuple(starting_points.LANGUAGES)
ABILITIES = tuple(ability.lower() for ability in glancing.ABILITIES)


class New(Verbs):
    """The group `new`, in which an ability is easily taken for a command."""

    def meant(self, name: str) -> str:
        """Return how an algorithm of an ability is begun."""
        if name in ABILITIES:
            return f"That is: harness new algorithm NAME --ability {name}"
        return ""


@commands.group(cls=New)
def new() -> None:
    """Write a file to start from: an algorithm, program, protocol, criteria, or a generator."""


@new.command(name="algorithm")
@click.argument("name")
@click.option("--ability", type=click.Choice(ABILITIES), default=ABILITIES[0], show_default=True)
@FOLDER
def new_algorithm(name: str, ability: str, folder: Path) -> None:
    """Write a working algorithm file called NAME."""
    from harness.plugins.scaffold import ABILITIES as SCAFFOLDS
    from harness.plugins.scaffold import write_algorithm

    path = write_algorithm(name, folder, ability=ability)
    click.echo(f"wrote {path}")
    click.echo(f"next: harness check {path}")
    click.echo(f"      harness run --protocol {SCAFFOLDS[ability].protocol} --algo {path}")


@new.command(name="program")
@click.argument("name")
@click.option("--language", type=click.Choice(LANGUAGES), default=LANGUAGES[0], show_default=True)
@FOLDER
def new_program(name: str, language: str, folder: Path) -> None:
    """Write a working program called NAME that speaks the line protocol: no Python is needed."""
    from harness.plugins.scaffold import write_program

    path = write_program(name, folder, language=language)
    program = f"exec:{path.absolute()}"
    click.echo(f"wrote {path}")
    if language == "cpp":
        built = path.with_suffix("")
        click.echo(f"next: g++ -std=c++17 -O2 -o {built} {path}")
        program = f"exec:{built.absolute()}"
    start = "      " if language == "cpp" else "next: "
    click.echo(f"{start}harness check {program}")
    click.echo(f"      harness run --protocol similarity,detection --algo {program}")


@new.command(name="protocol")
@click.argument("name")
@click.option(
    "--from",
    "origin",
    required=True,
    shell_complete=PROTOCOLS,
    help="Name or file of the protocol to start from.",
)
@FOLDER
@PLUGINS
def new_protocol(name: str, origin: str, folder: Path, plugins: tuple[Path, ...]) -> None:
    """Write a protocol file called NAME that asks what another one asks, to be changed."""
    from harness.plugins.scaffold import write_protocol
    from harness.tasks.reading import read_protocol

    path = write_protocol(name, folder, origin=origin, plugins=plugins)
    protocol, _ = read_protocol(path)
    data = "" if protocol.data.default else " --data DIR"
    click.echo(f"wrote {path}")
    click.echo(f"next: harness check {path}")
    click.echo(f"      harness run --protocol {path} --algo NAME{data}")


@new.command(name="criteria")
@click.argument("name")
@click.option(
    "--protocol",
    required=True,
    shell_complete=PROTOCOLS,
    help="Name or file of the protocol that is validated.",
)
@FOLDER
@PLUGINS
def new_criteria(name: str, protocol: str, folder: Path, plugins: tuple[Path, ...]) -> None:
    """Write a file called NAME with criteria of a validation: every limit is to be replaced."""
    from harness.runs.validation.starting_point import write_criteria

    path = write_criteria(name, folder, protocol=protocol, plugins=plugins)
    click.echo(f"wrote {path}")
    click.echo(f"next: harness validate RUN --criteria {path} --out DIR")


@new.command(name="generator")
@click.argument("name")
@FOLDER
def new_generator(name: str, folder: Path) -> None:
    """Write a working generator of synthetic pictures called NAME."""
    from harness.plugins.scaffold import write_generator

    path = write_generator(name, folder)
    click.echo(f"wrote {path}")
    click.echo(f"next: harness check {path}")
    click.echo(
        f"      harness synth DIR --generator {path} --identities 40 --images 6 --captures 3"
    )
