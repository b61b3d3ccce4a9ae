"""The verb `check`: does an algorithm keep to the interface, is a question sound?"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.cli.completing import ALGORITHMS
from harness.cli.group import commands
from harness.cli.naming import refuse_place
from harness.cli.options import PARAM, PLUGINS, PRESET, assignments, refuse_values
from harness.errors import HarnessError, PluginError, UsageError, some, visible_lines

if TYPE_CHECKING:
    from harness.conformance import Finding
    from harness.plugins.registry import Plugin


@commands.command()
@click.argument("names", nargs=-1, metavar="NAME...", shell_complete=ALGORITHMS)
@PARAM
@PRESET
@click.option(
    "--changed",
    is_flag=True,
    help="NAMEs are changed files: what they are part of is checked, others are passed over.",
)
@PLUGINS
def check(
    names: tuple[str, ...],
    parameters: tuple[str, ...],
    preset: str,
    changed: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Check that an algorithm keeps to the interface; exit code 3 if it does not.

    NAME may also be a protocol (a name, or a file that ends in .toml), or a generator of pictures:
    its name, its file or its folder. Several are checked one after the other.
    """
    if changed:
        from harness.conformance.generators import is_generator
        from harness.plugins.committed import parts_of

        names = tuple(parts_of(map(Path, names), is_generator))
        if not names:
            click.echo("no algorithm, generator or protocol among the changed files", err=True)
            return
    elif not names:
        raise UsageError("name what is to be checked: harness check NAME")
    codes = []
    for name in names:
        if len(names) > 1:
            click.echo(f"{name}:")
        try:
            codes.append(_say(_checked(name, parameters, preset, plugins)))
        except HarnessError as reason:
            if len(names) == 1:
                raise
            click.echo(visible_lines(f"error: {reason}"), err=True)
            codes.append(reason.exit_code)
    sys.exit(max(codes))


def _checked(
    name: str, parameters: tuple[str, ...], preset: str, plugins: tuple[Path, ...]
) -> Iterator[Finding]:
    """Return what is found about whatever a name means."""
    from harness.plugins import registry

    if name.endswith(".toml") or name in registry.protocols(plugins):
        refuse_values(parameters, preset)
        return _of_protocol(name, plugins)
    file = _generator(name, plugins)
    if file is not None:
        from harness.conformance.generators import examine_generator

        refuse_values(parameters, preset)
        return examine_generator(file)
    return _of_algorithm(name, parameters, preset, plugins)


def _generator(name: str, plugins: tuple[Path, ...]) -> Path | None:
    """Return the file of a generator that is meant, None where an algorithm is."""
    from harness.conformance.generators import is_generator
    from harness.plugins import registry
    from harness.synthesis.finding import find_generator, generators

    path = Path(name)
    if name.endswith(".py") or path.name != name:
        meant = path.exists() and is_generator(path)
    else:
        meant = name in generators(plugins) and name not in registry.algorithms(plugins)
    return find_generator(name, plugins) if meant else None


def _of_algorithm(
    name: str, parameters: tuple[str, ...], preset: str, plugins: tuple[Path, ...]
) -> Iterator[Finding]:
    from harness.conformance.inside import examine_inside
    from harness.execution.asking import ask
    from harness.plugins import registry
    from harness.plugins.requirements import check_installed

    try:
        plugin = registry.find_algorithm(name, plugins)
    except UsageError:
        refuse_place(name, "an algorithm")
        raise
    check_installed(plugin)
    assigned = assignments(parameters)
    if registry.glance(plugin).composite:
        yield from _of_composite(plugin, assigned, preset, plugins)
        return
    plugin = registry.with_parameters(plugin, assigned)
    described = ask(plugin, preset=preset, assignments=assigned).description
    described.check_complete(plugin.name)
    values = described.values()
    # What is not asked for is left to the kit, which knows of the preset `check`.
    wanted = {*assigned, *described.presets.get(preset, {})}
    given = {name: value for name, value in values.items() if name in wanted}
    yield from examine_inside(plugin, given, values)


def _of_composite(
    plugin: Plugin, assigned: dict[str, str], preset: str, plugins: tuple[Path, ...]
) -> Iterator[Finding]:
    """Check that a composite can be put together, and each of its parts."""
    from dataclasses import replace

    from harness.conformance import Finding
    from harness.conformance.inside import examine_inside
    from harness.runs.preparing import Request, configured

    asked = Request((), (), parameters=assigned, preset=preset, plugins=plugins)
    for part, one in configured(plugin, asked).parts.items():
        described = one.description
        yield Finding(f"{part} is a matcher", True, one.plugin.name)
        given = {p.name: p.value for p in described.parameters if p.value != p.default}
        for found in examine_inside(one.plugin, given, described.values()):
            yield replace(found, name=f"{part}: {found.name}")


def _of_protocol(name: str, plugins: tuple[Path, ...]) -> Iterator[Finding]:
    """Check a protocol, and what known answers get on the data that it is meant for."""
    from harness.conformance import Finding
    from harness.conformance.questions import examine_question
    from harness.plugins.registry import find_protocol
    from harness.runs.preparing import Request, judged_by
    from harness.runs.survey import able
    from harness.tasks.reading import read_protocol

    file = find_protocol(name, plugins)
    protocol, _ = read_protocol(file)
    yield Finding("keeps to the form of protocols", True, protocol.question)
    if not protocol.data.default:
        yield Finding(
            "brings no images of its own", True, "see whether yours fit: harness data DIR"
        )
        return
    judged = judged_by(name, Request((), (name,), plugins=plugins))
    found = able(judged)
    what = f"{found.trials:,} {found.kind} in {some(found.folds, 'fold')}"
    yield Finding(f"can be asked on fixtures/{protocol.data.default}", True, what)
    yield from examine_question(judged)


def _say(findings: Iterable[Finding]) -> int:
    """Print findings as they come, and return the exit code: 3 if one is bad."""
    passed = bad = 0
    for finding in findings:
        passed, bad = passed + finding.passed, bad + (not finding.passed)
        mark = "ok  " if finding.passed else "FAIL"
        said = f": {finding.message}" if finding.message else ""
        click.echo(f"{mark}  {finding.name}{said}")
    click.echo(f"\n{passed} passed, {bad} failed")
    return PluginError.exit_code if bad else 0
