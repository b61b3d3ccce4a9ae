"""What a worker may read, once what it must not see has been taken out.

Landlock allows and cannot take away: where a readable folder holds a hidden one, the others in it
are allowed one by one.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path

SYSTEM = (
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/bin",
    "/sbin",
    "/etc",
    "/opt",
    "/nix",
    "/gnu",
    "/sys",
    "/proc",
    "/run/systemd/resolve",
    "/run/nvidia-persistenced",
)
"""Folders of the system: programs, libraries, settings, what the kernel tells about the machine."""

DEVICES = ("null", "zero", "full", "random", "urandom")
"""Files of /dev that any program may use."""

GPU_DEVICES = ("nvidia", "dri", "kfd", "dxg", "accel")
"""How the names of files of /dev begin that belong to graphics processors."""


def python_places() -> list[str]:
    """Return where this Python and everything that it can import lie."""
    found = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, sys.executable]
    found += [path for path in sys.path if path]
    found += [sysconfig.get_paths()[name] for name in ("stdlib", "purelib", "platlib", "data")]
    return list(dict.fromkeys(found))


def devices() -> tuple[list[str], list[str]]:
    """Return the device files that anybody may use, and those of graphics processors."""
    try:
        there = sorted(os.listdir("/dev"))  # noqa: PTH208 - names are what is asked for
    except OSError:
        return [], []
    return (
        [f"/dev/{name}" for name in there if name in DEVICES],
        [f"/dev/{name}" for name in there if name.startswith(GPU_DEVICES)],
    )


def without(
    folders: Iterable[str], hidden: Sequence[str], *, needed: bool = False
) -> tuple[list[str], list[str]]:
    """Return what may be read below folders when hidden ones are taken out.

    Parameters
    ----------
    folders
        Folders or files.
    hidden
        Folders or files, of which nothing may be read, whether they are there yet or not.
    needed
        Whether a folder may be read although it lies in a hidden one, as Python must be.

    Returns
    -------
    tuple
        Paths below which all may be read; and folders above a hidden one, whose names may be listed
        if the system can keep the names in the hidden one back by other means.
    """
    veiled = [_real(path) for path in hidden if path]
    allowed: list[str] = []
    above: list[str] = []
    for folder in dict.fromkeys(_real(path) for path in folders if path):
        kept = [place for place in veiled if place != folder and not _below(folder, place)]
        allowed += _descend(folder, kept if needed else veiled, above)
    return list(dict.fromkeys(allowed)), list(dict.fromkeys(above))


def beside(plugin: Path) -> list[str]:
    """Return what a plugin's file may read of the folder it lies in.

    All of it, unless everybody's files lie there (the user's home, the folder for temporary files):
    then other Python files and packages.
    """
    folder = plugin.resolve().parent
    found = [str(plugin), str(plugin.resolve())]
    if folder in _shared_by_many():
        with suppress(OSError):
            found += [
                str(path)
                for path in folder.iterdir()
                if path.suffix == ".py" or (path / "__init__.py").is_file()
            ]
        return found
    found.append(str(folder))
    with suppress(OSError):
        found += [str(path) for path in folder.iterdir() if path.is_symlink()]
    return found


def apart(folders: Iterable[str], paths: Iterable[str]) -> list[str]:
    """Return the folders that hold none of some resolved paths."""
    above = set()
    for path in paths:
        while path not in above:
            above.add(path)
            path = os.path.dirname(path)  # noqa: PTH120 - quick: this is done for every worker
    return [real for real in dict.fromkeys(map(_real, folders)) if real not in above]


def _shared_by_many() -> set[Path]:
    import tempfile

    places = {Path("/"), Path(tempfile.gettempdir()).resolve(), Path("/tmp"), Path("/var/tmp")}  # noqa: S108
    with suppress(RuntimeError):
        places.add(Path.home().resolve())
    return places


def _descend(folder: str, hidden: Sequence[str], above: list[str]) -> Iterator[str]:
    if any(_below(folder, place) for place in hidden):
        return
    inner = [place for place in hidden if _below(place, folder)]
    if not inner:
        yield folder
        return
    above.append(folder)
    try:
        names = os.listdir(folder)  # noqa: PTH208 - many thousands of them may be there
    except OSError:
        return
    for name in names:
        child = f"{folder.rstrip('/')}/{name}"
        if not os.path.islink(child):  # noqa: PTH114 - as above
            yield from _descend(child, inner, above)


def _below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(f"{folder.rstrip('/')}/")


def _real(path: str) -> str:
    return os.path.realpath(path)
