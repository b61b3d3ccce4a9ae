"""Short names of run folders: `latest`, `PROTOCOL/ALGORITHM` for the latest run of the two, or a
file with what `harness run --json` printed.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from click.shell_completion import CompletionItem

from harness.errors import RunFailed, UsageError, nearest
from harness.plugins.places import CHECKSUMS

__all__ = ["RUN", "RUNS", "finished_runs", "folder_of", "of_runs", "refuse_place"]

RUNS = Path("runs")
"""Where `harness run` puts run folders without ``--out``, and where short names are found."""

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
        if found != Path(value) and not (ctx is not None and ctx.resilient_parsing):
            click.echo(f"{value} is {found}", err=True)
        return found

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer short names and the folders of finished runs; else what lies on the disk."""
        names = finished_runs(RUNS)
        folders = sorted(map(str, _folders(RUNS)))
        every = [*([LATEST] if names else []), *sorted(names), *folders]
        found = [CompletionItem(one) for one in every if one.startswith(incomplete)]
        return found or [CompletionItem(incomplete, type="dir")]


RUN = RunFolder()


_OF_COMMANDS = (click.ClickException, click.exceptions.Exit, click.Abort)
P = ParamSpec("P")
R = TypeVar("R")


def of_runs(command: Callable[P, R]) -> Callable[P, R]:
    """Let a command that reads run folders end with a sentence, whatever their files hold.

    What single files hold is checked where they are read; this is for what cannot all be true.
    """

    @functools.wraps(command)
    def carried_out(*words: P.args, **options: P.kwargs) -> R:
        from harness.record.files import sound

        places = ", ".join(_places(options.values()))
        with sound(places, "the command cannot be carried out", _OF_COMMANDS):
            return command(*words, **options)

    return carried_out


def _places(values: Any) -> list[str]:
    """Return the paths among the arguments of a command."""
    every = [one for value in values for one in (value if isinstance(value, tuple) else (value,))]
    return [str(one) for one in every if isinstance(one, Path)]


def folder_of(text: str, runs: Path = RUNS) -> Path:
    """Return the run folder that a text names.

    Parameters
    ----------
    text
        A path; ``latest`` for the run that was finished last; or a protocol and an algorithm with a
        slash between them, for the last finished run of the two; or a JSON file that `harness run
        --json` wrote, for its run.
    runs
        Where short names are found.

    Returns
    -------
    Path
        The text itself, as a path, where it is one or looks like one.

    Raises
    ------
    UsageError
        If it is a short name and there is no finished run of that name, or a JSON file that names
        no run, or several.
    RunFailed
        If the run of a JSON file failed.
    """
    path = Path(text)
    if path.suffix == ".json" and path.is_file():
        return _folder_in(path)
    if path.exists() or not re.fullmatch(rf"{LATEST}|[\w.+:-]+/[\w.-]+", text):
        return path
    names = finished_runs(runs)
    finished = _folders(runs)
    if text == LATEST and finished:
        return finished[-1]
    for name in (text, text.replace("_", "-")):  # of a file my_matcher.py
        if name in names:
            return names[name]
    if text != LATEST and path.parent.is_dir():
        return path  # a folder that is missing, as the command itself will say
    known = f" Known: {', '.join(sorted(names))}." if names else ""
    raise UsageError(
        f"there is no run folder {text!r}, and below {runs} no finished run of that name."
        f"{nearest(text, names)}{known}"
    )


def _folder_in(file: Path) -> Path:
    """Return the folder of the one run, or of the one entry of several fits, in a JSON file."""
    if not file.stat().st_size:
        raise RunFailed(f"{file} is empty: the run ended before it was done, as its log says")
    try:
        said = json.loads(file.read_bytes())
        failed = [str(one["error"]) for one in said.get("failed", [])]
        failed += [str(one["text"]) for one in said.get("findings", [])]
        folders = [str(one["folder"]) for one in said.get("entries") or said["runs"]]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise UsageError(
            f"{file} is not what `harness run --json` prints; write that to a file, or name the "
            "run folder"
        ) from None
    if failed:
        raise RunFailed(f"by {file} a run failed: {failed[0]}")
    if len(folders) != 1:
        what = f"{len(folders)} runs: {', '.join(folders[:5])}" if folders else "no run"
        raise UsageError(f"{file} names {what}; name the folder of one")
    return Path(folders[0])


def refuse_place(text: str, expected: str) -> None:
    """Say which verb looks at a data set or a run folder, where one is named in another's place.

    Parameters
    ----------
    text
        As typed.
    expected
        What was to be named.

    Raises
    ------
    UsageError
        If it is a folder or a sheet.
    """
    place = Path(text)
    try:
        is_run = (place / CHECKSUMS).is_file() and (place / "manifest.json").is_file()
        # A folder of Python files was meant as an algorithm, of which the registry says more.
        is_set = (place.is_dir() and not any(place.glob("*.py"))) or (
            place.is_file() and place.suffix.lower() in (".csv", ".tsv")
        )
    except (OSError, ValueError):
        return
    if is_run:
        raise UsageError(
            f"{text} is a run folder, not {expected}; `harness score {text}` prints its numbers, "
            f"`harness report {text} --open` shows them, `harness verify {text}` checks it"
        )
    if is_set:
        raise UsageError(
            f"{text} is a {'folder' if place.is_dir() else 'sheet'}, not {expected}; `harness data "
            f"{text}` shows what is in a data set and what is wrong with it"
        )


def finished_runs(runs: Path) -> dict[str, Path]:
    """Return the latest finished run by its short name, ``PROTOCOL/ALGORITHM``."""
    return {f"{folder.parent.name}/{_algorithm(folder)}": folder for folder in _folders(runs)}


def _folders(runs: Path) -> list[Path]:
    """Return the folders of finished runs, the latest last."""
    finished = [
        (seal.lstat().st_mtime_ns, str(seal.parent), seal.parent)
        for seal in runs.glob(f"*/*/{CHECKSUMS}")  # written last, once a run is finished
    ]
    return [folder for _, _, folder in sorted(finished)]


def _algorithm(folder: Path) -> str:
    """Return the algorithm that a run folder is named after: all before its hashes."""
    return _HASHES.sub("", folder.name)
