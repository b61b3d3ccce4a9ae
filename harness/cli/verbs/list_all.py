"""The verb `list`: algorithms, protocols, metrics, layouts, generators and checks."""

from __future__ import annotations

import ast
import json
import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.group import commands
from harness.cli.options import JSON, PLUGINS
from harness.errors import UsageError

NARROWEST = 30
"""Columns that a text needs to be wrapped within."""

KINDS = ("algorithms", "protocols", "metrics", "layouts", "generators", "checks")


@commands.command(name="list")
@click.argument("kinds", metavar="[KIND]...", nargs=-1, type=click.Choice(KINDS))
@PLUGINS
@JSON
def list_all(kinds: tuple[str, ...], plugins: tuple[Path, ...], as_json: bool) -> None:
    """List algorithms with what they can do, and protocols with what they ask.

    KIND is one of algorithms, protocols, metrics, layouts, generators and checks; the first two
    unless given.
    """
    chosen = dict.fromkeys(kinds or KINDS[:2])
    found = {kind: _LISTED[kind](plugins) for kind in chosen}
    if as_json:
        click.echo(json.dumps(found, indent=1, ensure_ascii=False))
        return
    for number, (kind, entries) in enumerate(found.items()):
        if number:
            click.echo()
        if kind == "algorithms":
            here = [one for one in entries if not one["missing"]]
            contenders = [one for one in here if not one["control"]]
            controls = [one for one in here if one["control"]]
            _print_table("Algorithms", contenders, ("name", "abilities", "about"))
            click.echo()
            heading = "Controls: what chance, the truth, or no look at the tattoo gets"
            _print_table(heading, controls, ("name", "abilities", "about"))
            _print_not_installed(entries, ("name", "abilities", "install", "about"))
        else:
            apart = ("file", "missing", "install")
            columns = [name for name in entries[0] if name not in apart] if entries else []
            here = [one for one in entries if not one.get("missing")]
            _print_table(kind.capitalize(), here, columns)
            _print_not_installed(entries, ("name", "install", "about"))


def _print_not_installed(entries: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print what cannot run here for want of a package, and what installs it."""
    if lacking := [one for one in entries if one.get("missing")]:
        click.echo()
        _print_table("Not usable here until a package is installed", lacking, columns)


def _lacking(missing: Sequence[str]) -> dict[str, Any]:
    """Return the fields that say which packages an entry lacks, and what installs them."""
    from harness.errors.absent import how_to_install, packages_of

    how = how_to_install(missing) if missing else ""
    return {"missing": packages_of(missing), "install": how}


def _print_table(heading: str, entries: Sequence[dict[str, Any]], columns: Sequence[str]) -> None:
    """Print a row for each entry; on a terminal the last column is wrapped within itself."""
    click.echo(heading)
    rows = [[_cell(entry[name]) for name in columns] for entry in entries]
    widths = [max((len(row[i]) for row in rows), default=0) for i in range(len(columns) - 1)]
    start = 2 + sum(width + 2 for width in widths)
    room = shutil.get_terminal_size().columns - start if sys.stdout and sys.stdout.isatty() else 0
    for row in rows:
        before = "  " + "".join(
            f"{cell:<{width}}  " for cell, width in zip(row[:-1], widths, strict=True)
        )
        lines = (textwrap.wrap(row[-1], room) if room >= NARROWEST else [row[-1]]) or [""]
        click.echo(f"\n{' ' * start}".join([f"{before}{lines[0]}", *lines[1:]]).rstrip())


def _cell(value: Any) -> str:
    return "+".join(value).lower() or "?" if isinstance(value, list) else str(value)


def _algorithms(plugins: tuple[Path, ...]) -> list[dict[str, Any]]:
    from harness.plugins import registry
    from harness.plugins.requirements import missing_of

    return [
        {
            "name": plugin.name,
            "abilities": list(seen.abilities),
            "learns": seen.learns,
            "control": seen.control,
            "presets": list(seen.presets),
            "about": seen.about,
            "file": str(plugin.file),
            **_lacking(missing_of(plugin)),
        }
        for plugin, seen in registry.describe_sources(registry.algorithms(plugins))
    ]


def _protocols(plugins: tuple[Path, ...]) -> list[dict[str, Any]]:
    from harness.plugins import registry

    files = registry.protocols(plugins)
    return [{"name": name, "title": registry.title_of(file)} for name, file in files.items()]


def _metrics(plugins: tuple[Path, ...]) -> list[dict[str, Any]]:
    from harness.reporting.wording import metric_label
    from harness.tasks.catalogue import CATALOGUE

    return [
        {
            "name": _example(name, entry.options),
            "better": entry.better or "neither",
            "title": metric_label(name),
        }
        for name, entry in CATALOGUE.items()
    ]


def _example(name: str, options: Sequence[tuple[str, float]]) -> str:
    """Return a metric's id with an example of each option.

    >>> _example("fnir", (("fpir", 0.01), ("rank", 1)))
    'fnir@fpir=0.01,rank=1'
    """
    text = ",".join(f"{key}={value:g}" for key, value in options)
    return f"{name}@{text}" if text else name


def _layouts(plugins: tuple[Path, ...]) -> list[dict[str, Any]]:
    from harness.data.readers.layouts import LAYOUTS

    return [{"name": name, "about": layout.about} for name, layout in LAYOUTS.items()]


def _generators(plugins: tuple[Path, ...]) -> list[dict[str, Any]]:
    from harness.plugins.requirements import missing
    from harness.synthesis.finding import generators, recipes

    return [
        {
            "name": name,
            "option": "--generator",
            "about": _first_line(file),
            "file": str(file),
            **_lacking(missing(file)),
        }
        for name, file in generators(plugins).items()
    ] + [
        {
            "name": name,
            "option": "--recipe",
            "about": _title(file),
            "file": str(file),
            **_lacking(()),
        }
        for name, file in recipes(plugins).items()
    ]


def _checks(plugins: tuple[Path, ...]) -> list[dict[str, Any]]:
    from harness.record.checks.registry import checks

    return [{"name": one.code, "title": one.title} for one in checks(plugins)]


def _title(recipe: Path) -> str:
    from harness.synthesis.recipe import read_recipe

    try:
        return read_recipe(recipe).title
    except UsageError as reason:
        return f"cannot be read: {reason}"


def _first_line(file: Path) -> str:
    """Return the first line of what a Python file says about itself, without running it."""
    try:
        text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    except (OSError, SyntaxError, UnicodeDecodeError) as reason:
        return f"cannot be read: {reason}"
    return text.partition("\n")[0]


_LISTED: dict[str, Callable[[tuple[Path, ...]], list[dict[str, Any]]]] = {
    "algorithms": _algorithms,
    "protocols": _protocols,
    "metrics": _metrics,
    "layouts": _layouts,
    "generators": _generators,
    "checks": _checks,
}
