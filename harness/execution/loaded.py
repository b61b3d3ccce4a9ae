"""Files that a plugin loads from beside it: whatever its process opens below the plugin's folder.

A module beside an algorithm, or weights that it reads while it works, make its scores as much as
its own text does. An audit hook sees what Python imports and opens, also late, in `extract`. What
compiled code opens by itself is not seen; names of files that stand in the plugin's text are found
without running it (`harness.plugins.sources`).
"""

from __future__ import annotations

import os
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness.data.whole_files import digest_of
from harness.errors import RunFailed
from harness.plugins.places import PACKAGE
from harness.plugins.registry import Plugin, home_of, own_files
from harness.plugins.sources import imported_names

LARGEST_NUMBER = 10_000
"""Files noted of one plugin; one that opens more of its folder is not one of a few files."""

_ELSEWHERE = tuple(
    {
        os.path.realpath(path)
        for name in ("stdlib", "platstdlib", "purelib", "platlib")
        if (path := sysconfig.get_path(name))
    }
)


class Watch:
    """Notes which files below a plugin's folder this process opens to read, from now on.

    Parameters
    ----------
    home
        Folder below which files are the plugin's own (`harness.plugins.registry.home_of`).
    apart_from
        Files and folders that are not its own although they lie there: images, the run folder,
        scratch folders. Libraries, the harness, hidden folders and the folder for temporary files
        are known.
    """

    def __init__(self, home: Path, apart_from: Iterable[Path | str] = ()) -> None:
        self._root = os.path.realpath(home) + os.sep
        places = [*_ELSEWHERE, str(PACKAGE), *apart_from]
        known = {os.path.realpath(place) for place in places}
        # What lies within one of them, as a package among the libraries, is at home there.
        self._apart = {place for place in known if not _below(str(home.resolve().parent), place)}
        temporary = os.path.realpath(tempfile.gettempdir())
        if not _below(os.path.realpath(home), temporary):
            self._apart.add(temporary)
        self._seen: dict[str, tuple[int, ...] | None] = {}
        self._hashing = threading.local()
        sys.addaudithook(self._note)

    def _note(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event != "open" or not isinstance(arguments[0], (str, bytes, os.PathLike)):
            return
        if getattr(self._hashing, "now", False):
            return
        mode, flags = arguments[1], arguments[2]
        if isinstance(mode, str) and not set(mode) & set("r+"):
            return
        if mode is None and isinstance(flags, int) and flags & (os.O_WRONLY | os.O_CREAT):
            return
        with suppress(OSError, ValueError):
            self._add(os.path.realpath(os.fsdecode(arguments[0])))

    def _add(self, path: str) -> None:
        if path in self._seen or not path.startswith(self._root) or not Path(path).is_file():
            return
        if path.endswith(".pyc") or len(self._seen) > LARGEST_NUMBER:
            return  # of compiled code the source is noted, in `files`
        hidden = any(part.startswith(".") for part in Path(path[len(self._root) :]).parts[:-1])
        if hidden or not self._apart.isdisjoint([path, *map(str, Path(path).parents)]):
            return
        self._seen[path] = _state(path)

    def files(self) -> dict[str, str]:
        """Return SHA-256 by path below the plugin's folder of all files loaded until now.

        Raises
        ------
        RunFailed
            If a file changed after it was loaded: nobody can say what was computed with which.
        """
        folders: dict[str, str] = {}
        for module in list(sys.modules.values()):
            source = getattr(module, "__file__", None)
            if isinstance(source, str):
                self._add(_real(source, folders))
        self._hashing.now = True
        try:
            for path, state in self._seen.items():
                if _state(path) != state:
                    raise RunFailed(
                        f"{path} changed while it was in use, so the scores belong to no version "
                        "of it; run again"
                    )
            return {
                Path(path[len(self._root) :]).as_posix(): digest_of(Path(path))
                for path in sorted(self._seen)
            }
        finally:
            self._hashing.now = False


def _real(path: str, folders: dict[str, str]) -> str:
    """Return a path without links; of the many modules of a folder the folder is asked once."""
    folder, name = os.path.split(path)
    if folder not in folders:
        folders[folder] = os.path.realpath(folder)
    found = os.path.join(folders[folder], name)  # noqa: PTH118 - of thousands of modules
    return os.path.realpath(found) if os.path.islink(found) else found  # noqa: PTH114


def _below(path: str, place: str) -> bool:
    return path == place or path.startswith(place + os.sep)


def _state(path: str) -> tuple[int, ...] | None:
    try:
        status = Path(path).stat()
    except OSError:
        return None
    return (status.st_size, status.st_mtime_ns, status.st_ino)


def modules_beside(plugin: Plugin) -> dict[str, Path]:
    """Return the modules beside a plugin that it imports, as far as this process has them, by name.

    For a process in which other plugins of the same folder may live, and which cannot watch what
    is opened without watching for ever.
    """
    home, folders = str(home_of(plugin).resolve()), dict[str, str]()
    texts, found = list(own_files(plugin)), dict[str, Path]()
    while True:
        wanted, more = imported_names(texts), dict[str, Path]()
        for name, module in list(sys.modules.items()):
            source = getattr(module, "__file__", None)
            if name in found or name.split(".")[0] not in wanted or not isinstance(source, str):
                continue
            file = _real(source, folders)
            if _below(file, home) and not _below(file, str(PACKAGE)):
                more[name] = Path(file)
        if not more:
            return found
        found |= more
        texts = list(more.values())
