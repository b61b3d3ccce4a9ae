"""The verb `baseline`: choose what gates compare with; its history."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.completing import BASELINES
from harness.cli.group import Verbs, commands
from harness.cli.naming import RUN, of_runs
from harness.cli.options import BASELINES_FOLDER, JSON
from harness.errors import UsageError


@commands.group(cls=Verbs)
def baseline() -> None:
    """Choose the runs that gates compare with, and see who chose them and why."""


@baseline.command(name="set")
@click.argument("run_folder", metavar="RUN", type=RUN)
@click.option("--name", required=True, help="Of the baseline, e.g. that of the protocol.")
@click.option("--why", required=True, help="The reason, kept in its history.")
@BASELINES_FOLDER
@of_runs
def set_one(run_folder: Path, name: str, why: str, place: Path) -> None:
    """Make RUN the baseline of that name; what it was before stays in its history."""
    from harness.comparing.baselines import set_baseline
    from harness.errors import visible

    found = set_baseline(run_folder, name, why, place)
    if found.earlier:
        before = found.earlier[0]
        which = f"{before.algorithm} {before.identity[:10]} ({before.when})"
        click.echo(visible(f"was  {which}"))
    click.echo(visible(f"now  {found.current.algorithm} {found.current.identity[:10]}"))
    click.echo(f"in   {place / name}")


@baseline.command()
@click.argument("name", required=False, shell_complete=BASELINES)
@BASELINES_FOLDER
@JSON
@of_runs
def show(name: str | None, place: Path, as_json: bool) -> None:
    """Show all baselines, or the history of one."""
    import msgspec

    from harness.comparing.baselines import known_baselines, read_baseline
    from harness.errors import nearest, visible

    known = known_baselines(place)
    if name is not None and name not in known:
        raise UsageError(f"there is no baseline {name!r} in {place}.{nearest(name, known)}")
    found = [read_baseline(place / one) for one in ([name] if name is not None else known)]
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    if not found:
        click.echo(f"no baselines in {place}", err=True)
    for one in found:
        choices = [one.current, *(one.earlier if name is not None else [])]
        for i, choice in enumerate(choices):
            value = "no value" if choice.value is None else f"{choice.value:.4f}"
            click.echo(
                f"{visible(one.name) if i == 0 else '  before'}  {visible(choice.protocol)} / "
                f"{visible(choice.algorithm)}  {visible(choice.identity)[:10]}  "
                f"{visible(choice.metric)} {value}\n"
                f"    {visible(choice.when)}  {visible(choice.who)}: {visible(choice.why)}"
            )


baseline.add_command(show, "list")
