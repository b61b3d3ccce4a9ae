"""Names to plugins: algorithm and protocol files, and algorithms that packages offer.

Nothing is imported just to be listed: what `harness list` prints is read from the source text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Protocol

from harness.data.toml_text import table_of
from harness.errors import HarnessError, PluginError, UsageError, nearest, shortened, text_of
from harness.errors.absent import how_to_install, is_absent
from harness.plugins.glancing import ABILITIES, INIT, Glance, glance_at, offered_by
from harness.plugins.importing import check_dataclass, imported, only_class
from harness.plugins.places import bundled
from harness.plugins.programs.command import (
    PREFIX,
    command_of,
    configured,
    is_command,
    words_of,
)

if TYPE_CHECKING:
    import importlib.metadata

    from harness.api import Algorithm

ENTRY_POINTS = "tattoo_harness.algorithms"
"""Group in which an installed package offers algorithms: ``name = "package.module:Class"``."""

PLUGINS_VARIABLE = "HARNESS_PLUGINS"
"""Environment variable with further plugin folders, separated as in PATH."""


LONGEST_REASON, LONGEST_LINE = 1000, 200
"""Characters kept of what an algorithm raised, and of the line of its file that did."""


@dataclass(frozen=True)
class Plugin:
    """An algorithm that can be named, not yet imported.

    It is a file, a folder with an ``__init__.py``, or offered by an installed package.

    Parameters
    ----------
    name
        As given to ``--algo``.
    file
        Its source file; of a folder its ``__init__.py``.
    attribute
        Class in it, or empty for the only algorithm defined there.
    module
        Dotted name where it belongs to an installed package; otherwise empty.
    live
        Whether it is the class as this process has it, such as one of a notebook: no other process
        can import it.
    command
        Of a program that speaks the line protocol, as a shell takes it; its file is the program's.
    """

    name: str
    file: Path
    attribute: str = ""
    module: str = ""
    live: bool = False
    command: str = ""

    @property
    def address(self) -> dict[str, Any]:
        """By what another process imports it: fields of a unit, and of a question about it."""
        return {
            "file": str(self.file),
            "attribute": self.attribute,
            "module": self.module,
            "command": self.command,
        }

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of its own."""
        return self.file.name == INIT and not self.module

    @property
    def place(self) -> Path:
        """Its folder, or the one file that it is."""
        return self.file.parent if self.is_folder else self.file

    @property
    def path(self) -> str:
        """What names it after ``--algo``, wherever it lies."""
        if self.command:
            return command_of(f"{PREFIX}{self.command}").path
        return str(self.place / self.name if self.attribute else self.place)


class Address(Protocol):
    """By what a plugin is found: fields of a unit, and of a question about it."""

    file: str
    attribute: str
    module: str
    command: str


def plugin_at(name: str, address: Address) -> Plugin:
    """Return the plugin of a name that an address leads to."""
    return Plugin(
        name,
        Path(address.file),
        address.attribute,
        address.module,
        command=address.command,
    )


def named_folders(extra: Iterable[Path] = ()) -> list[Path]:
    """Return the plugin folders that the environment names, then `extra`."""
    named = os.environ.get(PLUGINS_VARIABLE, "").split(os.pathsep)
    return [*(Path(one) for one in named if one), *extra]


def plugin_folders(extra: Iterable[Path] = ()) -> list[Path]:
    """Return the folders searched for plugins: built-in, environment, then `extra`."""
    folders = named_folders(extra)
    for folder in folders:
        if not folder.is_dir():
            raise UsageError(f"plugin folder {str(folder)!r} is not a folder")
    return [bundled("algorithms"), *folders]


def algorithms(extra: Iterable[Path] = ()) -> dict[str, list[Plugin]]:
    """Find every algorithm by name; a name may be taken more than once.

    Parameters
    ----------
    extra
        Folders of ``--plugins``.
    """
    found: dict[str, list[Plugin]] = {}
    for folder in plugin_folders(extra):
        for place in sorted(folder.iterdir()):
            if not place.name.startswith(("_", ".")):
                for plugin in offered_at(place):
                    if plugin not in found.setdefault(plugin.name, []):
                        found[plugin.name].append(plugin)
    for entry, file in of_packages(ENTRY_POINTS):
        plugin = Plugin(entry.name, file, entry.attr, entry.module)
        found.setdefault(entry.name, []).append(plugin)
    return dict(sorted(found.items()))


def of_packages(group: str) -> Iterator[tuple[importlib.metadata.EntryPoint, Path]]:
    """Yield what installed packages offer in a group of entry points, with the source file."""
    folders = [place for place in map(Path.absolute, map(Path, sys.path)) if place.is_dir()]
    changed = tuple((place, place.stat().st_mtime_ns) for place in folders)
    for entry in _entry_points(group, changed):
        spec = importlib.util.find_spec(entry.module)
        if spec is not None and spec.origin is not None:
            yield entry, Path(spec.origin)


@cache
def _entry_points(group: str, _: object) -> tuple[importlib.metadata.EntryPoint, ...]:
    """Read what packages offer, again where a folder they lie in changed: each has a file of it."""
    import importlib.metadata

    return tuple(importlib.metadata.entry_points(group=group))


def offered_at(place: Path) -> list[Plugin]:
    """Return the algorithms that a file or a folder is: none, one, or several of one folder.

    A folder that defines one is called after itself; of several each is called after its class.

    Parameters
    ----------
    place
        A Python file, or a folder with an ``__init__.py``; anything else is none.
    """
    name = place.stem.replace("_", "-")
    if place.suffix == ".py":
        return [Plugin(name, place.resolve())] if place.is_file() else []
    classes = offered_by(place)
    if classes is None:
        return []
    file = place.resolve() / INIT
    if len(classes) < 2:
        return [Plugin(place.name.replace("_", "-"), file)]
    return [Plugin(called(one), file, one) for one in classes]


def called(name: str) -> str:
    """Return the name of an algorithm by that of its class.

    >>> called("TripletNet")
    'triplet-net'
    """
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower()


def _at(name: str) -> Plugin | None:
    """Return the algorithm at a path, or None where the text is none.

    Paths are of a file, of a folder or its ``__init__.py``, and, where a folder offers several, of
    the folder with the name of one after it.
    """
    path = Path(name)
    if name.endswith(".py") and not path.is_file():
        raise UsageError(f"there is no algorithm file {name!r}")
    if path.name == INIT:
        path = path.parent
    elif not name.endswith(".py") and not set(name) & {"/", os.sep} and name not in (".", ".."):
        return None
    with suppress(OSError, ValueError):
        if path.is_dir():
            path = path.resolve()
        inside = [one for one in offered_at(path.parent) if one.attribute and one.name == path.name]
        if inside:
            return inside[0]
        found = offered_at(path)
        if len(found) > 1:
            names = ", ".join(one.path for one in found)
            raise UsageError(f"{name!r} offers more than one algorithm: {names}. Name one of them")
        if path.is_dir() and not found:
            raise UsageError(
                f"{name!r} is a folder {'with an empty' if (path / INIT).exists() else 'without'} "
                f"{INIT}: an algorithm that is a folder is a package, and {INIT} defines its "
                f"class. A folder of algorithms is searched with --plugins {name}"
            )
        return found[0] if found else None
    return None


def find_algorithm(name: str, extra: Iterable[Path] = ()) -> Plugin:
    """Return the one plugin of this name, or the algorithm file or folder at this path.

    ``exec:COMMAND`` is the program that the command starts, ``tatte:LIBRARY`` a library for NIST's
    Tatt-E behind its driver.

    Raises
    ------
    UsageError
        If there is none, or more than one.
    """
    if is_command(name):
        found = command_of(name)
        return Plugin(found.name, found.file, command=found.text)
    there = _at(name)
    if there is not None:
        return there
    known = algorithms(extra)
    plugins = known.get(name.replace("_", "-"), [])
    if not plugins:
        meant = nearby(name, ".py") or nearby(name, f"{os.sep}{INIT}")
        raise UsageError(
            f"no algorithm is called {name!r}.{meant or nearest(name, known)} "
            f"Known: {', '.join(known)}. A folder of your own is searched with --plugins DIR."
            f"{_bare(name, extra)}"
        )
    if len(plugins) > 1:
        places = ", ".join(str(plugin.file) for plugin in plugins)
        raise UsageError(f"{name!r} names more than one algorithm: {places}. Rename one of them.")
    return plugins[0]


def with_parameters(plugin: Plugin, assignments: Mapping[str, str]) -> Plugin:
    """Return the plugin that values of parameters make of another: of a library, its driver.

    Parameters
    ----------
    plugin
        That is found.
    assignments
        Of ``--param``.

    Raises
    ------
    UsageError
        If the driver cannot be compiled with them.
    """
    if not plugin.command:
        return plugin
    return replace(plugin, command=configured(plugin.command, assignments))


def find_protocol(name: str, extra: Iterable[Path] = ()) -> Path:
    """Return the file of a protocol: a built-in name, one in `extra`, or a path to a TOML file."""
    if name.endswith(".toml"):
        path = Path(name)
        if not path.is_file():
            raise UsageError(f"there is no protocol file {name!r}")
        return path.resolve()
    known = protocols(extra)
    if name not in known:
        raise UsageError(
            f"no protocol is called {name!r}.{nearby(name, '.toml') or nearest(name, known)} "
            f"Known: {', '.join(known)}. A file of your own is given by its path, ending in .toml."
        )
    return known[name]


def nearby(name: str, ending: str) -> str:
    """Return `` Did you mean './x.py'?`` where such a file lies there, or an empty string.

    Parameters
    ----------
    name
        That nothing is called, as typed.
    ending
        Of a file that could have been meant.
    """
    for one in dict.fromkeys([name, name.replace("-", "_"), name.replace("_", "-")]):
        file = Path(one + ending)
        with suppress(OSError, ValueError):
            if one and file.is_file():
                shown = file if file.is_absolute() else f"{os.curdir}{os.sep}{file}"
                return f" Did you mean {str(shown)!r}?"
    return ""


def _bare(name: str, extra: Iterable[Path]) -> str:
    """Say of a folder of this name in a plugin folder that it is no algorithm, and why."""
    for folder in plugin_folders(extra)[1:]:
        for one in dict.fromkeys([name.replace("-", "_"), name.replace("_", "-")]):
            with suppress(OSError, ValueError):
                if one and (folder / one).is_dir() and not (folder / one / INIT).is_file():
                    return f" {str(folder / one)!r} is a folder without {INIT}, so no algorithm."
    return ""


def protocols(extra: Iterable[Path] = ()) -> dict[str, Path]:
    """Find every protocol by name: built-in TOML files and those in the folders `extra`."""
    return toml_files([bundled("protocols"), *extra])


def toml_files(folders: Iterable[Path]) -> dict[str, Path]:
    """Return the TOML files of some folders by name, the first of each."""
    found: dict[str, Path] = {}
    for folder in folders:
        for file in sorted(folder.glob("*.toml")):
            found.setdefault(file.stem, file.resolve())
    return dict(sorted(found.items()))


def title_of(protocol: Path) -> str:
    """Return a protocol's title without checking the rest, for lists."""
    try:
        return shortened(str(table_of(protocol.read_bytes()).get("title", "")))
    except (OSError, ValueError) as reason:
        return f"cannot be read: {reason}"


def glance(plugin: Plugin) -> Glance:
    """Read an algorithm's abilities and first docstring line without importing it."""
    return glance_at(plugin.file, plugin.attribute)


def load(plugin: Plugin) -> type[Algorithm]:
    """Import a plugin and return its algorithm class.

    Raises
    ------
    PluginError
        If the file cannot be imported (with the author's own line and error), or does not define
        exactly one algorithm that is a dataclass.
    """
    from harness import api

    if plugin.command:
        from harness.plugins.programs.adapter import program_class

        return program_class(words_of(plugin.command), name=plugin.name)
    module = _import(plugin)
    if not plugin.attribute:
        abilities = f"an ability ({', '.join(ABILITIES)})"
        found = only_class(module, plugin.file, api.Algorithm, abilities)
    else:
        named = getattr(module, plugin.attribute, None)
        if not (inspect.isclass(named) and issubclass(named, api.Algorithm)):
            raise PluginError(f"{plugin.file} has no algorithm class {plugin.attribute!r}")
        found = named
    if not issubclass(found, api.ABILITIES):
        raise PluginError(
            f"{found.__name__} in {plugin.file} has no ability: derive it from Matcher"
        )
    check_dataclass(found, plugin.file)
    return found


def surveyed(algorithm: type[Algorithm], values: Mapping[str, Any]) -> type[Algorithm]:
    """Return the class of what an algorithm can do with these parameters.

    Parameters
    ----------
    algorithm
        The class of all that it may be able to do, which is returned unless it has a class method
        ``surveyed``: of a program, or of what learns, or compares, with some parameters only.
    values
        Of its parameters.
    """
    survey = getattr(algorithm, "surveyed", None)
    found: type[Algorithm] = survey(values) if callable(survey) else algorithm
    return found


def end_program(algorithm: type[Algorithm]) -> str:
    """End the program behind an algorithm, if it is one; return what was odd about its end."""
    end = getattr(algorithm, "end_program", None)
    return str(end()) if callable(end) else ""


def home_of(plugin: Plugin) -> Path:
    """Return the folder below which files are a plugin's own: its package, or where its file lies.

    An algorithm that is a folder of its own has that; of an installed package it is the outermost.
    """
    if plugin.module and not plugin.live:
        top = importlib.util.find_spec(plugin.module.split(".")[0])
        for folder in (top.submodule_search_locations or []) if top else []:
            return Path(folder)
    return plugin.file.parent


def own_files(plugin: Plugin) -> list[Path]:
    """Return the Python files that are a plugin's whatever it loads: one, or all of its folder."""
    home = home_of(plugin)
    packaged = bool(plugin.module) and not plugin.live and home.name == plugin.module.split(".")[0]
    if plugin.file.name == INIT or packaged:
        return sorted({plugin.file, *_python_below(home)})
    return [plugin.file]


def _python_below(folder: Path) -> Iterator[Path]:
    """Yield the Python files below a folder, but for hidden ones and environments of Python."""
    for place in folder.iterdir():
        if place.name.startswith(".") or (place / "pyvenv.cfg").exists():
            continue
        if place.is_dir() and not place.is_symlink():
            yield from _python_below(place)
        elif place.suffix == ".py" and place.is_file():
            yield place


def source_hash(plugin: Plugin, loaded: Iterable[str] = ()) -> str:
    """Hash an algorithm's source and all code that makes its scores.

    That is the plugin's own files, those that it loads from beside it, those whose names stand in
    its text, the modules of the toolkit that it imports, and the code of the harness that decodes,
    orders, executes, checks and matches (`harness.plugins.sources`).

    Parameters
    ----------
    plugin
        Whose scores they are.
    loaded
        Files that it was seen to load, by their paths below `home_of`; one that is not there any
        more is hashed as missing.
    """
    from harness.plugins.sources import program_speakers, score_makers

    files = plugin_files(plugin, loaded)
    if plugin.command:
        lines = [f"{digest}  program/{name}" for name, digest in files.items()]
        lines += [f"{command_of(f'{PREFIX}{plugin.command}').digest()}  words"]
        lines += [f"{digest}  {place}" for place, digest in program_speakers().items()]
        return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()
    home = home_of(plugin)
    python = [home / name for name in files if name.endswith(".py") and (home / name).is_file()]
    lines = [f"{digest}  plugin/{name}" for name, digest in files.items()]
    lines += [f"{digest}  {place}" for place, digest in score_makers(python).items()]
    return hashlib.sha256("\n".join(sorted(lines)).encode()).hexdigest()


def plugin_files(plugin: Plugin, loaded: Iterable[str] = ()) -> dict[str, str]:
    """Return SHA-256 of a plugin's files by their paths below `home_of`.

    Parameters
    ----------
    plugin
        Its own Python files are among them, and those whose names stand in their texts.
    loaded
        Further ones that it was seen to load; of one that is missing the hash is empty.

    Of a program they are the files that its command names, wherever they lie.
    """
    from harness.plugins.files import hashes
    from harness.plugins.sources import named_files

    if plugin.command:
        return command_of(f"{PREFIX}{plugin.command}").hashes()
    home = home_of(plugin).resolve()
    own = [file.resolve() for file in own_files(plugin)]
    names = {file.relative_to(home).as_posix() for file in own if file.is_relative_to(home)}
    names |= set(loaded)
    python = [home / name for name in names if name.endswith(".py")]
    names |= set(named_files(home, [file for file in python if file.is_file()]))
    return hashes(home, names)


def _import(plugin: Plugin) -> ModuleType:
    with explained(plugin.file, "cannot be imported", passed=(PluginError,)):
        if plugin.module:
            return importlib.import_module(plugin.module)
        return imported(plugin.file, "harness_algorithm_")


@contextmanager
def explained(
    file: Path,
    failure: str,
    passed: tuple[type[Exception], ...] = (HarnessError, MemoryError, OSError),
) -> Iterator[None]:
    """Let what a plugin raises name its own line: it is no fault of the harness.

    Parameters
    ----------
    file
        Of the plugin.
    failure
        What was asked of it, and how that went: ``generate failed``.
    passed
        Errors that are left as they are: those that say all themselves.

    Raises
    ------
    PluginError
        For every other error.
    """
    try:
        yield
    except passed:
        raise
    except Exception as reason:
        home = file.parent if file.name == INIT else None
        raise PluginError(explain(reason, file, failure, home)) from reason


def explain(reason: BaseException, file: Path, what: str, home: Path | None = None) -> str:
    """Say what went wrong in a plugin's file, quoting the author's own line.

    Parameters
    ----------
    reason
        What was raised.
    file
        Of the plugin.
    what
        Of its methods, or of the file, and how: ``extract failed``.
    home
        Folder below which files are the plugin's own, too. What was raised elsewhere, as in a
        library or in the harness, is said of the plugin's file alone.
    """
    quoted = ""
    if isinstance(reason, SyntaxError) and reason.filename:
        where = f"{reason.filename}, line {reason.lineno}"
        quoted = reason.text or ""
    else:
        frames = traceback.extract_tb(reason.__traceback__)
        own = [frame for frame in frames if Path(frame.filename) == file]
        if home is not None and (not own or file.name == INIT):
            own = [frame for frame in frames if Path(frame.filename).is_relative_to(home)]
        where = f"{own[-1].filename}, line {own[-1].lineno}" if own else str(file)
        quoted = (own[-1].line or "") if own else ""
    message = text_of(reason, LONGEST_REASON)
    text = f"{where}: {what}: {type(reason).__name__}" + f": {message}" * bool(message)
    if isinstance(reason, ModuleNotFoundError) and reason.name and is_absent(reason.name):
        text += f" ({how_to_install([reason.name])})"
    quoted = text_of(quoted.strip(), LONGEST_LINE)
    return f"{text}\n    {quoted}" if quoted else text


def abilities_of(algorithm: type[Algorithm]) -> tuple[str, ...]:
    """Return the names of an algorithm's abilities."""
    from harness import api

    return tuple(kind.__name__ for kind in api.ABILITIES if issubclass(algorithm, kind))


def describe_sources(plugins_by_name: Mapping[str, list[Plugin]]) -> list[tuple[Plugin, Glance]]:
    """Glance at every plugin, in the order of their names."""
    return [(plugin, glance(plugin)) for plugins in plugins_by_name.values() for plugin in plugins]
