"""Which algorithms, generators and protocols a changed file is part of, read without importing it.

Behind `harness check --changed`, which a hook gives the files of a commit.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Iterable
from pathlib import Path

from harness.errors import UsageError
from harness.plugins.glancing import INIT, glance_at
from harness.plugins.registry import offered_at

MARK = "task"
"""The key that every protocol has."""


def parts_of(files: Iterable[Path], is_generator: Callable[[Path], bool]) -> list[str]:
    """Return what to examine because of changed files, each once, as `harness check` takes it.

    A file of a package stands for the package. What defines neither algorithm nor generator nor
    protocol, and belongs to none, is passed over; a file that cannot be read is not, so that its
    fault is shown.

    Parameters
    ----------
    files
        As a version control names them.
    is_generator
        Tells of a Python file, or of a folder, whether it defines a generator.

    Raises
    ------
    UsageError
        If one is not there.
    """
    found: dict[str, None] = {}
    for file in files:
        if not file.is_file():
            raise UsageError(f"there is no file {str(file)!r}")
        if file.suffix == ".toml":
            found |= dict.fromkeys([str(file)] if _is_protocol(file) else [])
        elif file.suffix == ".py":
            found |= dict.fromkeys(_plugins(file, is_generator))
    return list(found)


def _is_protocol(file: Path) -> bool:
    try:
        return MARK in tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return True


def _plugins(file: Path, is_generator: Callable[[Path], bool]) -> list[str]:
    """Return the paths of the plugins that a Python file defines or is part of."""
    package = file.absolute().parent
    homes = []
    while (package / INIT).is_file():
        homes.append(package)
        package = package.parent
    for home in homes:
        if is_generator(home):
            return [_shown(home)]
        if offered := offered_at(home):
            return [_shown(Path(one.path)) for one in offered]
    if file.name == INIT:
        return []
    if is_generator(file) or glance_at(file).abilities or not _readable(file):
        return [str(file)]
    return []


def _readable(file: Path) -> bool:
    try:
        compile(file.read_bytes(), str(file), "exec", dont_inherit=True)
    except (OSError, SyntaxError, ValueError):
        return False
    return True


def _shown(place: Path) -> str:
    """Return a path as seen from here, with a ``/`` in it: what has none may be a name."""
    return os.path.join(os.curdir, os.path.relpath(place))  # noqa: PTH118 - a Path drops `./`
