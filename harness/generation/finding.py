"""Generators and recipes by name: files of `generators/`, plugin folders, and entry points."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import inspect
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any, get_type_hints

import msgspec

from harness.errors import PluginError, UsageError, nearest
from harness.generation.generator import Generator
from harness.plugins.places import bundled
from harness.plugins.registry import PLUGINS_VARIABLE, explain, nearby

__all__ = ["ENTRY_POINTS", "build", "find_generator", "generators", "recipes", "source_hash"]

ENTRY_POINTS = "tattoo_harness.generators"
"""Group in which an installed package offers generators: ``name = "package.module:Class"``."""


def _folders(extra: Iterable[Path]) -> list[Path]:
    """Return `generators/` itself and that of every plugin folder."""
    named = [Path(p) for p in os.environ.get(PLUGINS_VARIABLE, "").split(os.pathsep) if p]
    return [bundled("generators"), *(folder / "generators" for folder in (*named, *extra))]


def generators(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the files of generators by name; nothing is imported for that.

    Parameters
    ----------
    extra
        Plugin folders, whose own folder ``generators`` is searched.
    """
    found: dict[str, Path] = {}
    for folder in _folders(extra):
        for file in sorted(folder.glob("[!_.]*.py")):
            found.setdefault(file.stem.replace("_", "-"), file.resolve())
    for entry in importlib.metadata.entry_points(group=ENTRY_POINTS):
        spec = importlib.util.find_spec(entry.module)
        if spec is not None and spec.origin is not None:
            found.setdefault(entry.name, Path(spec.origin))
    return dict(sorted(found.items()))


def recipes(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the recipe files by name, as `generators` does."""
    found: dict[str, Path] = {}
    for folder in _folders(extra):
        for file in sorted(folder.glob("*.toml")):
            found.setdefault(file.stem, file.resolve())
    return dict(sorted(found.items()))


def find_generator(name: str, extra: Iterable[Path] = ()) -> Path:
    """Return the file of a generator by its name, or at a path that ends in ``.py``.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise UsageError(f"there is no generator file {name!r}")
        return Path(name).resolve()
    known = generators(extra)
    if name not in known:
        raise UsageError(
            f"no generator is called {name!r}.{nearby(name, '.py') or nearest(name, known)} "
            f"Known: {', '.join(known)}. A file of your own is given by its path, ending in .py."
        )
    return known[name]


def build(file: Path, parameters: Mapping[str, Any]) -> Generator:
    """Import a generator's file and make the generator.

    Parameters
    ----------
    file
        Defines exactly one public class derived from `Generator`.
    parameters
        Values of its fields, or texts of them.

    Raises
    ------
    PluginError
        If the file cannot be imported or defines no such class.
    UsageError
        If a parameter is unknown or its value is not one.
    """
    name = f"harness_generator_{file.stem}"
    try:
        spec = importlib.util.spec_from_file_location(name, file)
        if spec is None or spec.loader is None:
            raise PluginError(f"{file} is not a Python file")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    except PluginError:
        raise
    except Exception as reason:
        raise PluginError(explain(reason, file, "cannot be imported")) from reason
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, Generator)
        and value.__module__ == name
        and not value.__name__.startswith("_")
    ]
    if len(classes) != 1 or "__dataclass_fields__" not in vars(classes[0]):
        raise PluginError(
            f"{file} must define exactly one public class derived from Generator, with @dataclass"
        )
    (found,) = classes
    hints = get_type_hints(found, include_extras=True)
    known = [f.name for f in fields(found) if f.init]
    values = {}
    for parameter, value in parameters.items():
        if parameter not in known:
            raise UsageError(
                f"{found.__name__} has no parameter {parameter!r}.{nearest(parameter, known)} "
                f"Known: {', '.join(known) or 'none'}"
            )
        try:
            values[parameter] = msgspec.convert(value, hints[parameter], strict=False)
        except msgspec.ValidationError as fault:
            raise UsageError(f"parameter {parameter} = {value!r}: {fault}") from None
    made: Generator = found(**values)
    return made


def source_hash(file: Path) -> str:
    """Return the SHA-256 of a generator's source, in hexadecimal."""
    return hashlib.sha256(file.read_bytes()).hexdigest()
