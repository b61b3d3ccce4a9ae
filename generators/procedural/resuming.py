"""Going on with a set that is being drawn: what is drawn is noted, and not drawn again.

While a set is drawn, its folder ``.work`` holds ``made.json``, what is being drawn, and
``drawn.jsonl``, a line for each finished job with what it came to.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from harness.data.marker import MARKER, marker_text
from harness.data.whole_files import write_whole
from harness.errors import UsageError
from harness.synthesis import encoding, streams
from harness.synthesis.finding import source_hash
from harness.synthesis.processes import in_processes
from harness.synthesis.whole_sets import CHECKSUMS, WORK

__all__ = ["begin", "drawn", "is_drawn"]

Job = TypeVar("Job")
Facts = dict[str, str]

_MADE, _DRAWN = "made.json", "drawn.jsonl"


def is_drawn(out: Path, made_with: str) -> bool:
    """Say whether a folder states that it holds the whole of what a command makes.

    Parameters
    ----------
    made_with
        The command, as the set's own marker has it.
    """
    if (out / WORK).exists() or not (out / CHECKSUMS).is_file():
        return False
    try:
        return (out / MARKER).read_text(encoding="utf-8") == marker_text(made_with)
    except (OSError, UnicodeDecodeError):
        return False


def begin(out: Path, made_with: str, **more: int) -> None:
    """Begin a set in a new or empty folder, or go on with one that the same command began.

    Parameters
    ----------
    made_with
        The command.
    more
        Whatever else decides about the pictures.

    Raises
    ------
    FileExistsError
        If the folder holds anything else.
    UsageError
        If the set was begun by another command, or another version of the harness.
    """
    made = {"made-with": made_with, "source": _source(), **more}
    notes = out / WORK / _MADE
    if notes.is_file():
        try:
            there = json.loads(notes.read_bytes())
        except ValueError:
            there = None
        if there != made:
            begun = there.get("made-with") if isinstance(there, dict) else None
            other = bool(begun) and begun != made_with
            what = f"by `{begun}`" if other else "by another version, or with other counts"
            raise UsageError(f"{out} was begun {what}; name a new folder, or empty this one first")
        return
    if out.exists() and any(out.iterdir()):
        raise FileExistsError(f"{out} is not empty: name a new folder, or empty this one first")
    notes.parent.mkdir(parents=True, exist_ok=True)
    write_whole(notes, json.dumps(made))


def drawn(
    out: Path,
    jobs: Sequence[Job],
    names: Sequence[str],
    draw: Callable[[Job], Facts],
    workers: int,
    report: Callable[[int, int], None] | None = None,
    *,
    bunch: int = 8,
) -> list[Facts]:
    """Do what is missing of a set's jobs, and return what each came to, in their order.

    When all are done the notes are taken away.

    Parameters
    ----------
    out
        Folder that was begun.
    jobs, names
        What is to be drawn, and a name of its own for each.
    draw
        Draws one and writes its files; a function of a module, for other processes to import.
    workers
        Processes; the result does not depend on it.
    report
        Called with the jobs done before this call, and again after each: done, and in all.
    bunch
        Jobs that a process takes at once, and finishes when the command is interrupted.

    Raises
    ------
    RunFailed
        If a process is killed.
    """
    notes = out / WORK / _DRAWN
    found = _noted(notes)
    left = [i for i, name in enumerate(names) if name not in found]
    done = len(jobs) - len(left)
    if report is not None:
        report(done, len(jobs))
    with notes.open("a", encoding="utf-8") as file:
        results = in_processes(draw, [jobs[i] for i in left], workers, bunch=bunch)
        for place, facts in zip(left, results, strict=True):
            found[names[place]] = facts
            file.write(json.dumps([names[place], facts]) + "\n")
            file.flush()
            done += 1
            if report is not None:
                report(done, len(jobs))
    shutil.rmtree(out / WORK)
    return [found[name] for name in names]


def _noted(notes: Path) -> dict[str, Facts]:
    """Return what was drawn; of a line that was cut off or is no note, it is drawn again."""
    found: dict[str, Facts] = {}
    text = notes.read_text(encoding="utf-8") if notes.is_file() else ""
    whole, _, cut = text.rpartition("\n")
    if cut:
        write_whole(notes, f"{whole}\n" if whole else "")
    for line in whole.splitlines():
        with suppress(ValueError, TypeError):
            name, facts = json.loads(line)
            found[str(name)] = dict(facts)
    return found


def _source() -> str:
    """Return the hash of all code that draws: pictures of two versions do not belong together."""
    shared = (Path(str(module.__file__)) for module in (encoding, streams))
    files = (Path(__file__).with_name("__init__.py"), *shared)
    return hashlib.sha256("".join(map(source_hash, files)).encode()).hexdigest()
