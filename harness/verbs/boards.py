"""`leaderboard`: many runs side by side, boards of those that answer one question."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.boards import exports
from harness.boards.boards import Leaderboard
from harness.boards.building import build, gather
from harness.errors import some
from harness.verbs.cells import table_html, text_html
from harness.verbs.frames import frame_of
from harness.verbs.result import Run, RunLike

if TYPE_CHECKING:
    import pandas as pd


class Boards:
    """Boards of runs, as `leaderboard` returns them.

    Parameters
    ----------
    facts
        What ``harness leaderboard --json`` prints.
    places
        Where the runs were found.
    options
        `history` and `separate_seeds` of `leaderboard`.
    """

    def __init__(self, facts: Leaderboard, places: list[Path], options: tuple[bool, bool]) -> None:
        self.facts = facts
        self._places, self._options = places, options

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Every metric of every entry, a row each, best entry of a board first.

        Columns are those of ``leaderboard.csv``; ``rank`` and ``group`` of controls are missing.
        """
        return frame_of(exports.CSV_COLUMNS, exports.lines_of(self.facts))

    @cached_property
    def entries(self) -> pd.DataFrame:
        """The headline of every entry, a row each: those of `metrics`."""
        found = self.metrics
        return found[found["headline"].astype(bool)].reset_index(drop=True)

    @cached_property
    def left_out(self) -> pd.DataFrame:
        """Runs on no board: ``folder`` and ``reason``."""
        rows = [(one.folder, one.reason) for one in self.facts.left_out]
        return frame_of({"folder": str, "reason": str}, rows)

    def to_html(self, out: str | Path, *, with_reports: bool = False) -> Path:
        """Write the site that ``harness leaderboard --out`` writes, and return its first page."""
        return build(self._places, Path(out), *self._options, with_reports).overview

    def __repr__(self) -> str:
        boards = some(len(self.facts.boards), "board")
        return f"<Boards: {boards} of {some(self.facts.runs, 'run')}>"

    def __str__(self) -> str:
        return exports.to_markdown(self.facts).rstrip()

    def _repr_html_(self) -> str:
        shown = self.entries[_SHOWN]
        return text_html(repr(self).strip("<>")) + table_html(shown)


_SHOWN = ["protocol", "data_set", "rank", "algorithm", "metric", "value", "low", "high", "chance"]


def leaderboard(
    runs: RunLike | Iterable[RunLike], *, history: bool = False, separate_seeds: bool = False
) -> Boards:
    """Put runs on boards, one for each question on each data set.

    Parameters
    ----------
    runs
        Runs, or folders that hold some.
    history
        Whether runs of the same algorithm with other source stay beside the latest.
    separate_seeds
        Whether runs with other seeds are entries of their own, not fits of one.

    Raises
    ------
    UsageError
        If a place is not a folder.

    Examples
    --------
    >>> import harness
    >>> names = ("oracle", "constant")
    >>> runs = [harness.run("identification", name, folds=[1]) for name in names]
    >>> list(harness.leaderboard(runs).entries["algorithm"])
    ['oracle', 'constant']
    """
    given = [runs] if isinstance(runs, (str, Path, Run)) else list(runs)
    places = [one.folder if isinstance(one, Run) else Path(one) for one in given]
    return Boards(gather(places, history, separate_seeds), places, (history, separate_seeds))
