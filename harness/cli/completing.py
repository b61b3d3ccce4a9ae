"""What Tab offers in a shell; the verb `completion` switches it on.

Everything here is asked for at every press of a key: nothing of it imports NumPy or a framework.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.shell_completion import CompletionItem

from harness.cli.naming import RUN
from harness.errors import HarnessError

if TYPE_CHECKING:
    from harness.plugins.registry import Plugin

__all__ = [
    "ALGORITHMS",
    "BASELINES",
    "DESCRIBABLE",
    "LAYOUTS",
    "PRESETS",
    "PROGRAM",
    "PROTOCOLS",
    "VARIABLE",
]

Items = list[CompletionItem]
Complete = Callable[[click.Context, click.Parameter, str], Items]

PROGRAM, VARIABLE = "harness", "_HARNESS_COMPLETE"


def _offered(names: Iterable[str], incomplete: str, helps: dict[str, str] | None = None) -> Items:
    """Return the names that begin so, each with its help where there is one."""
    known = helps or {}
    return [CompletionItem(n, help=known.get(n)) for n in names if n.startswith(incomplete)]


def _listed(names: Iterable[str], incomplete: str, helps: Mapping[str, str] | None = None) -> Items:
    """Return what completes the last of several names with commas between them, or a file."""
    before, comma, last = incomplete.rpartition(",")
    found = [one for one in names if one.startswith(last) and one not in before.split(",")]
    if not found:
        return [CompletionItem(incomplete, type="file")]
    known = helps or {}
    return [CompletionItem(f"{before}{comma}{one}", help=known.get(one)) for one in found]


def _lacking(plugins: Iterable[Plugin]) -> dict[str, str]:
    """Return what installs an algorithm's packages, by the name of each that lacks some.

    Bash shows no help, and is not kept waiting for it.
    """
    if os.environ.get(VARIABLE, "").startswith("bash"):
        return {}
    from harness.errors.absent import how_to_install
    from harness.plugins.requirements import missing_of

    return {
        plugin.name: f"not installed: {how_to_install(absent)}"
        for plugin in plugins
        if (absent := missing_of(plugin))
    }


def _plugins(context: click.Context) -> tuple[Path, ...]:
    given = context.params.get("plugins") or ()
    return tuple(Path(place) for place in given if Path(place).is_dir())


def _algorithms(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from harness.plugins import registry

    found: list[str] = []
    lacking: dict[str, str] = {}
    with suppress(HarnessError, OSError):
        known = registry.algorithms(_plugins(context))
        found = list(known)
        lacking = _lacking(plugin for several in known.values() for plugin in several)
    many = parameter.name == "algorithms"
    return _listed([*found, *(["all"] if many else [])], incomplete, lacking)


def _protocols(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from harness.plugins import registry

    found: list[str] = []
    with suppress(HarnessError, OSError):
        found = list(registry.protocols(_plugins(context)))
    many = parameter.name == "protocols"
    return _listed([*found, *(["all"] if many else [])], incomplete)


def _presets(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    """Offer the presets of the algorithm named before; of all where none is."""
    from harness.plugins import registry

    given: Any = context.params.get("algorithms") or context.params.get("name") or ()
    texts = [given] if isinstance(given, str) else list(given)
    named = [one for text in texts for one in text.split(",") if one and one != "all"]
    found: dict[str, None] = {}
    with suppress(HarnessError, OSError):
        if named:
            plugins = [registry.find_algorithm(name, _plugins(context)) for name in named]
        else:
            every = registry.algorithms(_plugins(context)).values()
            plugins = [plugin for several in every for plugin in several]
        for plugin in plugins:
            found |= dict.fromkeys(registry.glance(plugin).presets)
    return _offered(found, incomplete)


def _layouts(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from harness.data.readers import layouts

    known = {name: layout.about for name, layout in layouts.LAYOUTS.items()}
    return _offered(known, incomplete, known)


def _baselines(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    place = Path(context.params.get("place") or "baselines")
    names = sorted(file.parent.name for file in place.glob("*/baseline.json"))
    return _offered(names, incomplete) + RUN.shell_complete(context, parameter, incomplete)


def _describable(context: click.Context, parameter: click.Parameter, incomplete: str) -> Items:
    from harness.plugins import registry
    from harness.record.checks.registry import checks
    from harness.tasks.catalogue import CATALOGUE

    found: list[str] = []
    with suppress(HarnessError, OSError):
        plugins = _plugins(context)
        found = [*registry.algorithms(plugins), *registry.protocols(plugins)]
        found += [one.code for one in checks(plugins)]
    return _offered([*found, *CATALOGUE], incomplete)


ALGORITHMS: Complete = _algorithms
PROTOCOLS: Complete = _protocols
PRESETS: Complete = _presets
LAYOUTS: Complete = _layouts
DESCRIBABLE: Complete = _describable
BASELINES: Complete = _baselines
