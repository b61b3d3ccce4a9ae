"""The gallery: real runs of quick algorithms, with their reports, a board and a comparison.

They are made by the commands that the page shows, inside this process, and again only where
something that they are made of has changed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterable
from contextlib import ExitStack, chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

from writing import Shelf, heading, indented, plain, table

from harness.cli.ending import carried_out
from harness.plugins.places import PACKAGE

__all__ = ["COMMANDS", "make", "write"]

ROOT = PACKAGE.parent

COMMANDS = (
    "harness run --protocol mixed-media --algo sift,colours,random --likelihood-ratios",
    "harness run --protocol similarity,verification --algo colours",
    "harness run --protocol detection --algo hog-svm --fold 1",
    "harness run --protocol tagging --algo random --fold 1",
    "harness leaderboard runs --out board --with-reports",
    "harness compare mixed-media/colours mixed-media/sift --out comparison.html",
)
"""In this order, from an empty folder."""

RUNS = sum(command.startswith("harness run ") for command in COMMANDS)
"""So many of them, the first, are runs."""

MADE_OF = ("harness", "algorithms", "protocols", "reports", "fixtures", "docs/_ext")
ENDINGS = {".py", ".toml", ".j2", ".css", ".js", ".csv", ".sha256", ".json"}


def make(place: Path) -> Path:
    """Make the gallery, or leave it where it is what it would be; return its folder of pages.

    Parameters
    ----------
    place
        Folder of its own; the runs stay there, so that one that is still right is not done again.

    Raises
    ------
    RuntimeError
        If a command fails.
    """
    pages = place / "pages" / "gallery"
    stamp, now = place / "made-of", _made_of()
    if stamp.is_file() and stamp.read_text() == now and pages.is_dir():
        return pages
    stamp.unlink(missing_ok=True)
    work = place / "work"
    work.mkdir(parents=True, exist_ok=True)
    kept = set(work.glob("runs/*/*/"))
    runs = [run for command in COMMANDS[:RUNS] for run in json.loads(_done(command, work))["runs"]]
    for folder in sorted(kept & {work / run["folder"] for run in runs}):
        # A run that is not done again keeps its page, which may be of an earlier look.
        _done(f"harness score {shlex.quote(str(folder))}", work)
    _forget(work / "runs", {work / run["folder"] for run in runs})
    for command in COMMANDS[RUNS:]:
        _done(command, work)
    shutil.rmtree(pages, ignore_errors=True)
    shutil.copytree(work / "board", pages / "board")
    shutil.copy(work / "comparison.html", pages)
    (pages / "reports").mkdir()
    for run in runs:
        name = f"{run['protocol']}-{run['algorithm']}.html"
        shutil.copy(work / run["folder"] / "report.html", pages / "reports" / name)
    (place / "runs.json").write_text(json.dumps(runs), encoding="utf-8")
    stamp.write_text(now)
    return pages


def write(shelf: Shelf, place: Path) -> None:
    """Write the page that leads to what `make` made in a place."""
    rows = []
    for run in json.loads((place / "runs.json").read_text(encoding="utf-8")):
        protocol, algorithm = run["protocol"], run["algorithm"]
        rows.append(
            (
                f"`{protocol}, {algorithm} <../gallery/reports/{protocol}-{algorithm}.html>`__",
                plain(run["verdict"]["sentences"][0]),
            )
        )
    commands = indented("\n".join(COMMANDS))
    shelf.write(
        "gallery",
        "\n".join(
            [
                heading("Gallery"),
                INTRODUCTION,
                heading("Many runs side by side", "-"),
                BOARDS,
                heading("Reports", "-"),
                table(("Report", "What it says first"), rows),
                heading("How they were made", "-"),
                "By these commands, in this order, from an empty folder, when this page was built."
                "\n\n.. code-block:: sh\n",
                commands,
            ]
        ),
    )


INTRODUCTION = """\
Real pages, as the harness writes them: each is one file that needs no network and can be mailed.
The algorithms are quick ones and the pictures synthetic, so the figures show what the pages look
like and say nothing about casework. :doc:`/reading-a-report` explains every section of a report.
"""
BOARDS = """\
* `The leaderboard <../gallery/board/index.html>`__: a table for each kind of question, and from
  there to boards, algorithms and reports.
* `A comparison <../gallery/comparison.html>`__: colours and sift, search by search.
"""


def _forget(runs: Path, made: set[Path]) -> None:
    """Remove the runs of earlier builds."""
    for folder in runs.glob("*/*/"):
        if folder not in made:
            shutil.rmtree(folder)


def _done(command: str, work: Path) -> str:
    """Carry out a command in this process, and return what it printed, of runs as JSON."""
    log = work / "log.txt"
    with ExitStack() as stack:
        file = stack.enter_context(log.open("w+", encoding="utf-8"))
        errors = stack.enter_context((work / "errors.txt").open("w+", encoding="utf-8"))
        stack.enter_context(mock.patch.dict(os.environ, {"HARNESS_ON": "in-process"}))
        stack.enter_context(chdir(work))
        stack.enter_context(redirect_stdout(file))
        stack.enter_context(redirect_stderr(errors))
        words = shlex.split(command)[1:]
        code = carried_out([*words, "--json"] if words[0] == "run" else words)
        errors.seek(0)
        if code:
            raise RuntimeError(f"{command}: exit code {code}\n{errors.read()}")
    return log.read_text(encoding="utf-8")


def _made_of() -> str:
    """Return the hash of all files that pages of the gallery follow from."""
    digest = hashlib.sha256()
    for path in _files():
        digest.update(f"{path.relative_to(ROOT).as_posix()}\n".encode())
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def _files() -> Iterable[Path]:
    for folder in MADE_OF:
        yield from sorted(
            path
            for path in (ROOT / folder).rglob("*")
            if path.suffix in ENDINGS and "__pycache__" not in path.parts
        )
