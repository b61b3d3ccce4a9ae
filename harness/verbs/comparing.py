"""`compare` and `gate`: runs side by side, and whether one is worse than another."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.comparing import announcing, baselines, comparison, listing, verdict
from harness.comparing import gate as gating
from harness.comparing.pairing import Side
from harness.comparing.subgroups import Group
from harness.errors import UsageError
from harness.reporting.text import plain
from harness.verbs.cells import table_html, text_html
from harness.verbs.frames import frame_of, frame_of_structs, plain_fields
from harness.verbs.result import Run, RunLike, folder_of_run

if TYPE_CHECKING:
    import pandas as pd

BASELINES = Path("baselines")
"""Where `harness baseline` keeps them."""


class Comparison:
    """Runs beside the first of them, as `compare` returns it.

    Parameters
    ----------
    facts
        What ``harness compare --json`` prints.
    sides, shown
        What its page is made of.
    """

    def __init__(
        self,
        facts: comparison.Comparison,
        sides: list[Side],
        shown: list[comparison.Shown],
    ) -> None:
        self.facts = facts
        self._sides, self._shown = sides, shown

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """What became of every metric: a row for each, of each run beside the first.

        Columns: ``algorithm`` and ``folder`` of the run, then those of
        `harness.comparing.comparison.Row`, ``low`` and ``high`` the 95 % interval of ``change``.
        """
        return self._of_pairs(comparison.Row, [pair.rows for pair in self.facts.pairs])

    @cached_property
    def groups(self) -> pd.DataFrame:
        """What became of groups of searches; columns as those of `metrics`, then those of
        `harness.comparing.subgroups.Group`.
        """
        return self._of_pairs(Group, [pair.groups for pair in self.facts.pairs])

    def _of_pairs(self, kind: type, rows: Sequence[Sequence[object]]) -> pd.DataFrame:
        columns = plain_fields(kind)
        lines = [
            (pair.second.algorithm, pair.second.folder, *(getattr(row, n) for n in columns))
            for pair, own in zip(self.facts.pairs, rows, strict=True)
            for row in own
        ]
        return frame_of({"algorithm": str, "folder": str, **columns}, lines)

    def to_html(self, path: str | Path) -> Path:
        """Write the page that ``harness compare --out`` writes, and return where it is."""
        from harness.reporting.comparison import write_page

        write_page(self.facts, self._sides, self._shown, Path(path))
        return Path(path)

    def __repr__(self) -> str:
        names = ", ".join(pair.second.algorithm for pair in self.facts.pairs)
        return f"<Comparison {self.facts.protocol}: {names} beside {self.facts.first.algorithm}>"

    def __str__(self) -> str:
        return listing.listing(self.facts)

    def _repr_html_(self) -> str:
        return text_html(self.facts.title) + table_html(self.metrics)


class Verdict:
    """What a gate says, as `gate` returns it.

    Parameters
    ----------
    facts
        What ``harness gate --json`` prints.
    """

    def __init__(self, facts: gating.Gate) -> None:
        self.facts = facts

    @property
    def verdict(self) -> str:
        """``passed``, ``regressed`` or ``inconclusive``."""
        return self.facts.verdict

    @property
    def passed(self) -> bool:
        """Whether it is ``passed``."""
        return self.facts.verdict == verdict.PASSED

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """What was judged, a row each; columns are those of `harness.comparing.verdict.Trial`."""
        return frame_of_structs(verdict.Trial, self.facts.trials)

    def __repr__(self) -> str:
        return f"<Verdict {self.verdict}: {self.facts.protocol}, {self.facts.metric}>"

    def __str__(self) -> str:
        return plain(announcing.terminal(self.facts))

    def _repr_html_(self) -> str:
        return text_html(*str(self).splitlines()[:1]) + table_html(self.metrics)


def compare(*runs: RunLike, metric: str | None = None, seed: int = 0) -> Comparison:
    """Put runs beside the first: every metric, every group, with intervals of the differences.

    Parameters
    ----------
    runs
        Two or more: as `run` and `load` return them, folders, or short names.
    metric
        That searches and groups are judged by; the headline unless given.
    seed
        Of the draws of identities.

    Raises
    ------
    UsageError
        If there are fewer than two, or the metric is unknown.
    Damaged
        If a run is not whole.
    NotComparable
        If they answer different questions.

    Examples
    --------
    >>> import harness
    >>> names = ("oracle", "constant")
    >>> runs = [harness.run("identification", name, folds=[1]) for name in names]
    >>> change = harness.compare(*runs).metrics.set_index("metric")["change"]
    >>> float(change["hit-rate@rank=10"])
    -1.0
    """
    return Comparison(
        *comparison.compare([folder_of_run(run) for run in runs], metric=metric, seed=seed)
    )


def gate(
    baseline: RunLike,
    candidate: RunLike,
    *,
    metric: str | None = None,
    margin: float | None = None,
    seed: int = 0,
    baselines_folder: str | Path = BASELINES,
) -> Verdict:
    """Judge whether a run is worse than a baseline, by more than the protocol accepts.

    Parameters
    ----------
    baseline
        A run, or the name of one that ``harness baseline`` keeps.
    candidate
        A run.
    metric
        The protocol's headline unless given.
    margin
        Loss that is acceptable, from 0; the protocol's unless given.
    seed
        Of the draws of identities.
    baselines_folder
        Where baselines lie.

    Raises
    ------
    UsageError
        If a run is not there, or no margin is declared.
    Damaged
        If a run is not whole.
    NotComparable
        If the runs answer different questions, or nothing was compared.

    Examples
    --------
    >>> import harness
    >>> run = harness.run("identification", "colours", folds=[1])
    >>> harness.gate(run, run).verdict
    'passed'
    """
    if margin is not None and not margin >= 0:
        raise UsageError(f"margin={margin} is no margin: it is a number from 0")
    place = Path(baselines_folder)
    return Verdict(
        gating.gate(
            baseline_folder(baseline, place),
            folder_of_run(candidate),
            metric=metric,
            margin=margin,
            seed=seed,
        )
    )


def baseline_folder(baseline: RunLike, place: Path) -> Path:
    """Return the folder of the run that a baseline is: a run, or the name of a kept one.

    Parameters
    ----------
    place
        Where baselines are kept.
    """
    if isinstance(baseline, Run):
        return baseline.folder
    text = str(baseline)
    return baselines.run_of(text if (place / text).exists() else str(folder_of_run(text)), place)
