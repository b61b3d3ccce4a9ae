"""The verb `describe`: an algorithm, a protocol or a metric in detail."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import DESCRIBABLE
from harness.cli.group import commands
from harness.cli.naming import refuse_place
from harness.cli.options import JSON, PARAM, PLUGINS, assignments, refuse_values
from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.plugins.registry import Plugin


@commands.command(name="describe")
@click.argument("name", shell_complete=DESCRIBABLE, required=False)
@click.option(
    "--line-protocol",
    is_flag=True,
    help="Show how a program of any language is asked: what --algo exec:COMMAND speaks.",
)
@PARAM
@PLUGINS
@JSON
def describe_one(
    name: str | None,
    line_protocol: bool,
    parameters: tuple[str, ...],
    plugins: tuple[Path, ...],
    as_json: bool,
) -> None:
    """Show an algorithm's parameters, a protocol's rules, a metric's or a check's definition."""
    if line_protocol == (name is not None):
        raise UsageError("name what is to be described: harness describe NAME, or --line-protocol")
    if name is None:
        from harness.plugins.programs.documented import facts, page

        click.echo(json.dumps(facts(), indent=1) if as_json else page(), nl=as_json)
        return
    from harness.plugins import registry

    known = registry.protocols(plugins)
    if name.endswith(".toml") or name in known:
        refuse_values(parameters)
        file = registry.find_protocol(name, plugins)
        from harness.tasks.reading import read_protocol

        protocol, _ = read_protocol(file)
        if as_json:
            click.echo(protocol.model_dump_json(indent=1, by_alias=True))
        else:
            click.echo(f"# {file}\n{file.read_text(encoding='utf-8')}", nl=False)
        return
    try:
        plugin = registry.find_algorithm(name, plugins)
    except UsageError:
        from harness.plugins.programs.command import is_command
        from harness.tasks.catalogue import CATALOGUE, entry_of

        if is_command(name):
            raise

        from harness.record.checks.registry import checks, page_of

        examined = {one.code: one for one in checks(plugins)}
        every = [*registry.algorithms(plugins), *known, *CATALOGUE, *examined]
        if name.partition("@")[0] in CATALOGUE:
            refuse_values(parameters)
            _, entry = entry_of(name)
            better = f"; {entry.better} is better" if entry.better else ""
            click.echo(f"{name}: {entry.label}{better} ({entry.place})\n\n{entry.doc()}")
            return
        if name in examined:
            refuse_values(parameters)
            check = examined[name]
            where = f" ({page_of(check)})" if page_of(check) else ""
            click.echo(f"{name}: {check.title}{where}\n\n{check.explained()}")
            return
        if name in every:
            raise
        refuse_place(name, "an algorithm, a protocol, a metric or a check")
        raise UsageError(
            f"no algorithm, protocol, metric or check is called {name!r}.{nearest(name, every)} "
            "`harness list algorithms protocols metrics checks` shows them."
        ) from None
    from harness.plugins.requirements import missing_of

    if absent := missing_of(plugin):
        _say_what_is_read(plugin, absent, as_json)
        return
    from harness.execution.asking import ask

    found = ask(plugin, assignments=assignments(parameters)).description
    if as_json:
        import msgspec

        click.echo(msgspec.json.format(msgspec.json.encode(found), indent=1).decode())
        return
    _say_heading(plugin, found.doc, found.abilities, found.learns)
    if found.citation:
        click.echo(f"citation   {found.citation}")
    if found.version:
        click.echo(f"version    {found.version}")
    for title, digest in found.files.items():
        click.echo(f"SHA-256    {digest}  {title}")
    click.echo("\nparameters")
    for parameter in found.parameters:
        limits = f" ({parameter.limits})" if parameter.limits else ""
        click.echo(f"  {parameter.name}: {parameter.type} = {parameter.value!r}{limits}")
        if parameter.meaning:
            click.echo(f"      {parameter.meaning}")
    for preset, values in found.presets.items():
        click.echo(f"\npreset {preset}")
        for key, value in values.items():
            click.echo(f"  {key} = {value!r}")


def _say_what_is_read(plugin: Plugin, absent: Sequence[str], as_json: bool) -> None:
    """Print what the text of an algorithm says that cannot be imported for want of a package."""
    from harness.errors.absent import how_to_install, lacking, packages_of
    from harness.plugins.registry import glance

    seen = glance(plugin)
    if as_json:
        facts = {
            "doc": seen.about,
            "abilities": seen.abilities,
            "learns": seen.learns,
            "presets": dict.fromkeys(seen.presets),
            "missing": packages_of(absent),
            "install": how_to_install(absent),
        }
        click.echo(json.dumps(facts, indent=1, ensure_ascii=False))
        return
    _say_heading(plugin, seen.about, seen.abilities, seen.learns)
    if seen.presets:
        click.echo(f"presets    {', '.join(seen.presets)}")
    click.echo(f"\nIts parameters are shown once it can be imported: it needs {lacking(absent)}")


def _say_heading(plugin: Plugin, about: str, abilities: Sequence[str], learns: bool) -> None:
    click.echo(f"{plugin.name}: {about}\n")
    click.echo(f"abilities  {', '.join(abilities)}{'' if learns else ' (does not learn)'}")
    click.echo(f"source     {plugin.file}")
    if plugin.command:
        click.echo(f"command    {plugin.command}")
