"""Run folders as arguments of commands, by a path or by a short name."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click
from click.shell_completion import CompletionItem

from harness.errors import UsageError, visible
from harness.plugins.places import CHECKSUMS
from harness.runs.naming import LATEST, RUNS, finished_folders, finished_runs, folder_of

__all__ = ["RUN", "of_runs", "refuse_place", "runs_in"]

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
        folders = sorted(map(str, finished_folders(RUNS)))
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


def runs_in(folders: Iterable[Path]) -> list[Path]:
    """Return the runs that folders are or hold, each once, in their order.

    Raises
    ------
    UsageError
        If one is no folder.
    """
    from harness.boards.reading import find_runs

    runs: list[Path] = []
    for place in folders:
        if not place.is_dir():
            raise UsageError(f"there is no run folder {visible(str(place))}")
        # A folder that is no run and holds none is named in the message that it gets as a run.
        runs += list(find_runs([place])) or [place]
    return list(dict.fromkeys(runs))


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
