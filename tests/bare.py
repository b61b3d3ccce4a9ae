"""An environment that holds the harness and the core of what it needs, and nothing else."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import sys
import venv
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from pathlib import Path

from packaging.requirements import Requirement


def core_of(wheel: Path, *extras: str) -> list[importlib.metadata.Distribution]:
    """Return the installed packages that a wheel needs, and those of extras, with all they need."""
    with zipfile.ZipFile(wheel) as packed:
        (name,) = (one for one in packed.namelist() if one.endswith(".dist-info/METADATA"))
        written = Parser().parsestr(packed.read(name).decode()).get_all("Requires-Dist", [])
    found: dict[str, importlib.metadata.Distribution] = {}
    left = [(line, extra) for line in written for extra in ("", *extras)]
    while left:
        line, extra = left.pop()
        asked = Requirement(line)
        if asked.marker is not None and not asked.marker.evaluate({"extra": extra}):
            continue
        package = importlib.metadata.distribution(asked.name)
        if package.name not in found:
            found[package.name] = package
            left += [(one, "") for one in package.requires or []]
        left += [(one, extra) for extra in asked.extras for one in package.requires or []]
    return list(found.values())


def bare_environment(place: Path, wheel: Path, *extras: str) -> Path:
    """Make an environment in a folder and return its Python; packages are lent.

    It holds exactly what ``pip install`` of the wheel with these extras would bring: whatever else
    is imported there is not found. Nothing is downloaded.
    """
    venv.create(place, with_pip=False, symlinks=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "lib" / version / "site-packages"
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(site)
    for package in core_of(wheel, *extras):
        for name, file in _tops(package):
            if file.is_dir():
                shutil.copytree(file, site / name, copy_function=_lend, dirs_exist_ok=True)
            elif file.exists():
                _lend(str(file), str(site / name))
    python = place / "bin" / "python"
    command = place / "bin" / "harness"
    command.write_text(
        f"#!{python}\nfrom harness.cli import main\n\nif __name__ == '__main__':\n    main()\n"
    )
    command.chmod(0o755)
    return python


def _lend(file: str, place: str) -> None:
    """Let a file stand at another place, too; a link of a name would lead out of the environment.

    Algorithms may only read what lies within it.
    """
    if os.path.lexists(place):  # several packages share a folder
        return
    try:
        os.link(file, place)
    except OSError:
        shutil.copy2(file, place)


def _tops(package: importlib.metadata.Distribution) -> Iterator[tuple[str, Path]]:
    """Yield what a package puts beside others: folders and modules, by their names."""
    for name in {file.parts[0] for file in package.files or []} - {"..", "__pycache__"}:
        yield name, Path(os.path.realpath(str(package.locate_file(name))))
