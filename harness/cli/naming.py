"""Short names of run folders: `latest`, and `PROTOCOL/ALGORITHM` for the latest run of the two."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import click

from harness.errors import UsageError, nearest

__all__ = ["RUN", "RUNS", "folder_of"]

RUNS = Path("runs")
"""Where `harness run` puts run folders unless told otherwise, and where short names are found."""

LATEST = "latest"
_HASHES = re.compile(r"(-x\d+)?-[0-9a-f]{10}(-[0-9a-f]{6})?$")

if TYPE_CHECKING:
    _Path = click.ParamType[Path]
else:
    _Path = click.ParamType


class RunFolder(_Path):
    """A run folder, by its path or by a short name."""

    name = "run"

    def convert(
        self, value: str | Path, param: click.Parameter | None, ctx: click.Context | None
    ) -> Path:
        """Return the folder, and say on standard error which one a short name stands for."""
        if isinstance(value, Path):
            return value
        found = folder_of(value)
        if found != Path(value):
            click.echo(f"{value} is {found}", err=True)
        return found


RUN = RunFolder()


def folder_of(text: str, runs: Path = RUNS) -> Path:
    """Return the run folder that a text names.

    Parameters
    ----------
    text
        A path; ``latest`` for the run that was finished last; or a protocol and an algorithm with a
        slash between them, for the last finished run of the two.
    runs
        Where short names are found.

    Returns
    -------
    Path
        The text itself, as a path, where it is one or looks like one.

    Raises
    ------
    UsageError
        If it is a short name and there is no finished run of that name.
    """
    path = Path(text)
    if path.exists() or not re.fullmatch(rf"{LATEST}|[\w.+:-]+/[\w.-]+", text):
        return path
    from harness.record import CHECKSUMS

    finished = sorted(
        (seal.stat().st_mtime_ns, str(seal.parent), seal.parent)
        for seal in runs.glob(f"*/*/{CHECKSUMS}")  # written last, once a run is finished
    )
    names = {f"{folder.parent.name}/{_algorithm(folder)}": folder for _, _, folder in finished}
    if text == LATEST and finished:
        return finished[-1][-1]
    if text in names:
        return names[text]
    if text != LATEST and path.parent.is_dir():
        return path  # a folder that is missing, as the command itself will say
    known = f" Known: {', '.join(sorted(names))}." if names else ""
    raise UsageError(
        f"there is no run folder {text!r}, and below {runs} no finished run of that name."
        f"{nearest(text, names)}{known}"
    )


def _algorithm(folder: Path) -> str:
    """Return the algorithm that a run folder is named after: all before its hashes."""
    return _HASHES.sub("", folder.name)
