"""How large and how long an installation is, in an environment of its own that is then removed.

``python -m benchmarks.install . '.[torch]' lm-eval inspect_ai`` asks the index that pip is set to,
without what pip has kept of earlier ones.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import venv
from pathlib import Path

from benchmarks.timing import command_seconds


def main(arguments: list[str] | None = None) -> int:
    """Install each requirement, print what it brought, and remove it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.install", description=__doc__)
    parser.add_argument("requirements", nargs="+", metavar="REQUIREMENT")
    parser.add_argument("--no-index", action="store_true", help="only folders: no network")
    given = parser.parse_args(arguments)
    options = ["--no-index"] if given.no_index else ["--no-cache-dir"]
    print(f"{'requirement':<24} {'MB':>6} {'packages':>8} {'wall s':>7} {'cpu s':>7}  load")
    for requirement in given.requirements:
        with tempfile.TemporaryDirectory() as place:
            print(measured(requirement, Path(place) / "environment", options), flush=True)
    return 0


def measured(requirement: str, place: Path, options: list[str]) -> str:
    """Return a line on one requirement; megabytes are what its packages take on the disk."""
    venv.create(place, with_pip=True)
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    site = place / "lib" / version / "site-packages"
    empty, own = _size(site), len(list(site.glob("*.dist-info")))
    load = os.getloadavg()[0]
    command = [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *options]
    cpu, wall = command_seconds([*command, "--disable-pip-version-check", requirement])
    brought = (_size(site) - empty) / 1e6
    packages = len(list(site.glob("*.dist-info"))) - own
    return f"{requirement:<24} {brought:>6.0f} {packages:>8} {wall:>7.1f} {cpu:>7.1f}  {load:.1f}"


def _size(folder: Path) -> int:
    """Return the bytes that the files of a folder take on the disk, in whole blocks."""
    return sum(512 * file.lstat().st_blocks for file in folder.rglob("*") if not file.is_dir())


if __name__ == "__main__":
    sys.exit(main())
