"""From a run that is asked for to its fits, and from finished fits to what joins them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.runs.executing import Finished
from harness.runs.joining import join
from harness.runs.preparing import Prepared, command, with_seed


@dataclass(frozen=True)
class Entry:
    """Finished fits, and the folder that joins them."""

    folder: Path
    fits: tuple[Finished, ...]


def repeated(runs: Sequence[Prepared], repeats: int) -> list[list[Prepared]]:
    """Return the fits of every run: as many as were asked for, or itself if it does not learn.

    Their seeds follow on that of the run.
    """
    return [
        [run, *(with_seed(run, run.seed + i) for i in range(1, repeats))]
        if run.entry.description.learns
        else [run]
        for run in runs
    ]


def joined(fits: Sequence[Finished], repeats: int) -> Entry:
    """Join the finished fits of a run in a folder beside them."""
    folders = [fit.prepared.folder for fit in fits]
    words = f"{command(fits[0].prepared)} --repeats {repeats}"
    return Entry(join(folders, folders[0].parent, words), tuple(fits))
