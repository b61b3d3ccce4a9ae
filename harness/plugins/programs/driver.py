"""The driver of NIST's Tatt-E libraries: compiled once on this machine, and kept in the cache.

It is a program that loads a library and speaks the line protocol for it, so that a library is an
entry like any other program. Its sources lie beside this file, in ``native/``.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from harness.data.whole_files import digest_of
from harness.errors import UsageError, text_of
from harness.plugins.places import cache_folder

NAME = "tatte-driver"
"""Of the file of a compiled driver."""

HEADER = "header"
"""Parameter of a library that names the file against which its driver is compiled."""

SOURCES = Path(__file__).parent / "native"
_FOLDER, _PREFIX = "drivers", "tatte-"
_RECORD = "built.json"
_COMPILERS = ("g++", "clang++", "c++")
_OPTIONS = ("-std=c++17", "-O2")
_LONGEST = 2000
_SECONDS = 300.0


def built(header: str = "") -> Path:
    """Return the driver, compiled where that has not been done yet.

    Parameters
    ----------
    header
        NIST's ``tatte.h``, in the place of our own declaration of the interface.

    Raises
    ------
    UsageError
        If there is no compiler, no such header, or it cannot be compiled.
    """
    if sys.platform != "linux":
        raise UsageError("Tatt-E libraries are built for Linux, and this is another system")
    place = Path(header)
    if header and not place.is_file():
        raise UsageError(f"--param {HEADER}={header}: there is no such file; name NIST's tatte.h")
    compiler = _compiler()
    made_of = {
        **{one.name: digest_of(one) for one in sorted(SOURCES.iterdir()) if one.is_file()},
        "header": digest_of(place) if header else "",
        "compiler": _version(compiler),
    }
    key = hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()
    folder = cache_folder() / _FOLDER / f"{_PREFIX}{key[:16]}"
    if not is_driver(folder / NAME):
        _build(compiler, place.resolve() if header else None, folder, made_of)
    return folder / NAME


def is_driver(file: Path) -> bool:
    """Say whether a file is a driver that `built` compiled."""
    return file.name == NAME and file.is_file() and (file.parent / _RECORD).is_file()


def was_driver(file: Path) -> bool:
    """Say whether a file is called as drivers are, here or on another machine."""
    folder = file.parent
    return (file.name, folder.parent.name) == (NAME, _FOLDER) and folder.name.startswith(_PREFIX)


def made_of(file: Path) -> str:
    """Return what a driver was made of, in a line: its sources, the header, the compiler."""
    return (file.parent / _RECORD).read_text(encoding="utf-8")


def _compiler() -> tuple[str, ...]:
    """Return the words of the command that compiles C++: of CXX, or the first that is there."""
    chosen = os.environ.get("CXX", "")
    if chosen:
        words = shlex.split(chosen)
        if words and shutil.which(words[0]) is not None:
            return tuple(words)
        raise UsageError(f"CXX={chosen}: there is no such compiler; name one, or leave CXX out")
    for name in _COMPILERS:
        found = shutil.which(name)
        if found is not None:
            return (found,)
    raise UsageError(
        "Tatt-E libraries are loaded by a driver that is compiled once on this machine, and there "
        "is no C++ compiler: install one (apt install g++, dnf install gcc-c++), or name it in CXX"
    )


@cache
def _version(compiler: tuple[str, ...]) -> str:
    try:
        said = subprocess.run(
            [*compiler, "--version"], capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as reason:
        raise UsageError(f"the C++ compiler {compiler[0]} cannot be run: {reason}") from None
    first = said.stdout.decode("utf-8", "replace").partition("\n")[0]
    return " ".join([first, *compiler[1:]])


def _build(
    compiler: tuple[str, ...], header: Path | None, folder: Path, facts: Mapping[str, str]
) -> None:
    """Compile in a folder beside, so that nobody ever sees half a driver."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        beside = tempfile.TemporaryDirectory(dir=folder.parent, prefix=".building-")
    except OSError as reason:
        raise UsageError(
            f"the driver of Tatt-E libraries cannot be kept in {folder.parent}: "
            f"{reason.strerror}; XDG_CACHE_HOME names another place"
        ) from None
    with beside as name:
        part = Path(name) / "driver"
        part.mkdir()
        words = [*compiler, *_OPTIONS, "-o", str(part / NAME)]
        if header is not None:
            words += [f"-DTATTE_HEADER={json.dumps(str(header))}"]
        words += [str(SOURCES / "tatte_driver.cpp"), "-ldl"]
        try:
            said = subprocess.run(words, capture_output=True, timeout=_SECONDS, check=False)
        except (OSError, subprocess.TimeoutExpired) as reason:
            raise UsageError(f"the driver of Tatt-E libraries was not built: {reason}") from None
        if said.returncode:
            lines = said.stderr.decode("utf-8", "replace")
            wrong = [line for line in lines.splitlines() if "error" in line.lower()] or [lines]
            raise UsageError(
                f"{words[0]} cannot compile the driver of Tatt-E libraries"
                + (f" against {header}" if header else "")
                + "; it takes C++17 (g++ 8, clang++ 7 or newer): "
                + text_of(" | ".join(wrong[:3]), _LONGEST)
            )
        (part / _RECORD).write_text(json.dumps(facts, sort_keys=True), encoding="utf-8")
        try:
            part.rename(folder)
        except OSError:
            if not is_driver(folder / NAME):  # another harness was first
                shutil.rmtree(folder, ignore_errors=True)
                part.rename(folder)
