"""A plugin's file, or the folder of its ``__init__.py``, imported under a name of our own."""

from __future__ import annotations

import importlib.util
import inspect
import re
import sys
from pathlib import Path
from types import ModuleType
from typing import TypeVar

from harness.errors import PluginError
from harness.plugins.glancing import INIT

T = TypeVar("T")


def stem_of(file: Path) -> str:
    """Return what a plugin's file or, of an ``__init__.py``, its folder is called."""
    return file.parent.name if file.name == INIT else file.stem


def module_name(file: Path, prefix: str) -> str:
    """Return the name of a plugin's module: a plugin called `random` must not hide Python's."""
    return prefix + re.sub(r"[^0-9A-Za-z]", "_", stem_of(file))


def imported(file: Path, prefix: str) -> ModuleType:
    """Import a plugin anew; a folder is a package, so that relative imports find its modules.

    Parameters
    ----------
    file
        Of the plugin.
    prefix
        Of the names of such modules.

    Raises
    ------
    PluginError
        If it is no Python file. Whatever the file raises passes through.
    """
    name = module_name(file, prefix)
    inside = [str(file.parent)] if file.name == INIT else None
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=inside)
    if spec is None or spec.loader is None:
        raise PluginError(f"{file} is not a Python file")
    for old in [one for one in sys.modules if one == name or one.startswith(f"{name}.")]:
        del sys.modules[old]  # of another plugin of this name, or of this one as it was
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def only_class(
    module: ModuleType, file: Path, base: type[T], derived: str, *, of_modules: bool = False
) -> type[T]:
    """Return the one public class that a plugin defines.

    Parameters
    ----------
    module
        The file, imported.
    file
        Named in messages.
    base
        What the class derives from.
    derived
        That in words.
    of_modules
        Whether what a folder's ``__init__.py`` imports from the folder's modules counts, too.

    Raises
    ------
    PluginError
        If there is none, or more than one.
    """
    classes = [
        value
        for value in vars(module).values()
        if inspect.isclass(value)
        and issubclass(value, base)
        and (
            value.__module__ == module.__name__
            or (of_modules and value.__module__.startswith(f"{module.__name__}."))
        )
        and not value.__name__.startswith("_")
    ]
    if len(classes) != 1:
        apart = file.name == INIT and not of_modules
        folder = " (what it imports from its modules does not count)" if apart else ""
        raise PluginError(
            f"{file} must define exactly one public class derived from {derived}; it defines "
            f"{', '.join(one.__name__ for one in classes) or 'none'}{folder}"
        )
    return classes[0]


def check_dataclass(defined: type, file: Path) -> None:
    """Refuse a plugin's class that is no dataclass of its own.

    Raises
    ------
    PluginError
        With the line where the decorator belongs.
    """
    if "__dataclass_fields__" not in vars(defined):
        line = inspect.getsourcelines(defined)[1]
        raise PluginError(
            f"{file}, line {line}: put @dataclass above `class {defined.__name__}`; its fields are "
            "its parameters"
        )
