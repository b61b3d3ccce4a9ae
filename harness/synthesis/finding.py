"""Generators and recipes by name: files of `generators/`, plugin folders, and entry points."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from types import ModuleType
from typing import Any, get_type_hints

import msgspec

from harness.data.whole_files import digest_of
from harness.errors import PluginError, UsageError, nearest
from harness.errors.absent import NotInstalled
from harness.plugins.glancing import INIT
from harness.plugins.importing import check_dataclass, imported, module_name, only_class, stem_of
from harness.plugins.places import bundled
from harness.plugins.registry import explained, named_folders, nearby, of_packages, toml_files
from harness.plugins.requirements import missing
from harness.synthesis.generator import Generator
from harness.synthesis.recipe import Recipe, read_recipe

__all__ = [
    "ENTRY_POINTS",
    "PREFIX",
    "build",
    "find_generator",
    "find_recipe",
    "generators",
    "load",
    "recipes",
    "source_hash",
]

ENTRY_POINTS = "tattoo_harness.generators"
"""Group in which an installed package offers generators: ``name = "package.module:Class"``."""

PREFIX = "harness_generator_"
"""Before the names of their modules."""


_LOADED: dict[str, tuple[Path, str]] = {}
"""File and source of the generators that were imported, by the name of their module."""


def _folders(extra: Iterable[Path]) -> list[Path]:
    """Return `generators/` itself and that of every plugin folder."""
    return [bundled("generators"), *(folder / "generators" for folder in named_folders(extra))]


def generators(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the files of generators by name; nothing is imported for that.

    Parameters
    ----------
    extra
        Plugin folders, whose own folder ``generators`` is searched.

    Returns
    -------
    dict
        ``NAME.py``, or ``NAME/__init__.py`` of a generator that is a folder; where several have one
        name, the first, which `find_generator` refuses.
    """
    return {name: files[0] for name, files in _named(extra).items()}


def _named(extra: Iterable[Path]) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for folder in _folders(extra):
        for file in sorted((*folder.glob("[!_.]*.py"), *folder.glob(f"[!_.]*/{INIT}"))):
            _add(found, stem_of(file).replace("_", "-"), file.resolve())
    for entry, file in of_packages(ENTRY_POINTS):
        _add(found, entry.name, file)
    return dict(sorted(found.items()))


def _add(found: dict[str, list[Path]], name: str, file: Path) -> None:
    files = found.setdefault(name, [])
    if file not in files:
        files.append(file)


def recipes(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Return the recipe files by name, as `generators` does."""
    return toml_files(_folders(extra))


def find_recipe(name: str, plugins: Iterable[Path] = ()) -> Recipe:
    """Read a recipe by its name, or at a path that ends in ``.toml``.

    Raises
    ------
    UsageError
        If there is none, or it is faulty.
    """
    known = recipes(plugins)
    if not name.endswith(".toml") and name not in known:
        raise UsageError(
            f"no recipe is called {name!r}.{nearest(name, known)} Known: {', '.join(known)}. "
            "A file of your own is given by its path, ending in .toml."
        )
    return read_recipe(Path(name) if name.endswith(".toml") else known[name])


def find_generator(name: str, extra: Iterable[Path] = ()) -> Path:
    """Return the file of a generator by its name, or at the path of a file or a folder.

    Parameters
    ----------
    name
        One of `generators`, or a path: of a file that ends in ``.py``, or of a folder with an
        ``__init__.py``, which has a ``/`` in it.
    extra
        Plugin folders.

    Returns
    -------
    Path
        The file; for a folder its ``__init__.py``.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    if name.endswith(".py"):
        if not Path(name).is_file():
            raise UsageError(f"there is no generator file {name!r}")
        return Path(name).resolve()
    if Path(name).name != name or name in (os.curdir, os.pardir):
        return _main_of(Path(name))
    known = _named(extra)
    files = known.get(name.replace("_", "-"), [])
    if len(files) > 1:
        places = ", ".join(map(str, files))
        raise UsageError(f"{name!r} names more than one generator: {places}. Rename one of them.")
    if files:
        return files[0]
    for folder in _folders(extra):
        for spelt in dict.fromkeys((name, name.replace("-", "_"))):
            if (folder / spelt).is_dir():
                return _main_of(folder / spelt)
    here = f" Did you mean './{name}'?" if (Path(name) / INIT).is_file() else ""
    raise UsageError(
        f"no generator is called {name!r}.{nearby(name, '.py') or here or nearest(name, known)} "
        f"Known: {', '.join(known)}. One of your own is given by its path: a file that ends in "
        ".py, or a folder, as in ./mine."
    )


def _main_of(folder: Path) -> Path:
    if not folder.is_dir():
        raise UsageError(f"there is no generator folder {str(folder)!r}")
    if not (folder / INIT).is_file():
        raise UsageError(
            f"the folder {str(folder)!r} has no {INIT}: a generator that is a folder defines its "
            "class there"
        )
    return (folder / INIT).resolve()


def load(file: Path) -> ModuleType:
    """Import a generator's file, once for what it holds.

    Parameters
    ----------
    file
        A Python file; that called ``__init__.py`` is its folder, whose files import each other by
        relative imports.

    Raises
    ------
    NotInstalled
        If a package is missing that it imports.
    PluginError
        If it cannot be imported.
    """
    name = module_name(file, PREFIX)
    state = (file, source_hash(file))
    if _LOADED.get(name) == state:
        return sys.modules[name]
    _LOADED.pop(name, None)
    if absent := missing(file, file.parent):
        raise NotInstalled(f"the generator {stem_of(file)!r}", absent)
    with explained(file, "cannot be imported", passed=(PluginError,)):
        module = imported(file, PREFIX)
    _LOADED[name] = state
    return module


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
    module = load(file)
    found = only_class(module, file, Generator, "Generator", of_modules=True)  # type: ignore[type-abstract]
    check_dataclass(found, file)
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
    """Return the SHA-256 of a generator's source, in hexadecimal.

    That of a folder, whose ``__init__.py`` is given, is of the paths and contents of all Python
    files below it.
    """
    if file.name != INIT:
        return digest_of(file)
    files = {one.relative_to(file.parent).as_posix(): one for one in file.parent.rglob("*.py")}
    lines = [f"{digest_of(files[name])}  {name}\n" for name in sorted(files)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()
