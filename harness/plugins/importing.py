"""A plugin's file, or the folder of its ``__init__.py``, imported under a name of our own."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

from harness.errors import PluginError
from harness.plugins.glancing import INIT


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
