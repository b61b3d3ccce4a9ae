"""`Run`: a finished run, or an entry of several fits, as frames and arrays."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from harness.data.findings import Finding
from harness.data.typed_tables import TypedTable, joined
from harness.errors import UsageError
from harness.record import record
from harness.record.differing import ageing_in, differentials_in
from harness.record.joined import read_alone
from harness.record.manifest import Manifest
from harness.record.run_tables import RunTables
from harness.reporting.headline import headline_of
from harness.reporting.text import estimate_lines, joined_lines, judged_lines, plain
from harness.runs.naming import RUNS, folder_of
from harness.statistics.estimate import Estimate
from harness.tasks.ageing import AgeBin
from harness.tasks.differentials import Differentials, GroupRow, Spread
from harness.tasks.results import Curves, Outcome
from harness.verbs import told_apart
from harness.verbs.cells import table_html, text_html
from harness.verbs.frames import frame_of_structs, frame_of_table

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = ["metric", "value", "low", "high", "chance", "n"]


class Run:
    """A finished run, or an entry that joins several fits.

    Its tables are read when they are first asked for, and every file is held against the folder's
    checksums. A cell without a value is NaN among numbers and `pandas.NA` elsewhere.

    Parameters
    ----------
    folder
        Of the run.

    Raises
    ------
    UsageError
        If the folder is not a run.
    Damaged
        If the run is unfinished, or a file changed since it was written.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables = RunTables(folder)

    @property
    def manifest(self) -> Manifest:
        """What the run says about itself; of several fits, what the first says."""
        return self._tables.manifests[0]

    @property
    def protocol(self) -> str:
        """Name of the protocol."""
        return self.manifest.origin.protocol

    @property
    def algorithm(self) -> str:
        """Name of the algorithm."""
        return self.manifest.origin.algorithm

    @property
    def parameters(self) -> dict[str, Any]:
        """Of the algorithm, by name; of several fits those of the first."""
        return self.manifest.origin.parameters

    @property
    def fits(self) -> list[Run]:
        """The runs of an entry that joins several; the run alone otherwise."""
        folders = self._tables.runs
        return [self] if folders == [self.folder] else [Run(one) for one in folders]

    @property
    def findings(self) -> list[Finding]:
        """What a reader of the numbers has to know."""
        return self.manifest.findings

    @property
    def headline(self) -> Estimate:
        """The protocol's one headline metric: value, interval, chance and flags."""
        return self._tables.summary.pooled[self._tables.summary.headline]

    @property
    def sentences(self) -> list[str]:
        """The headline in words, as terminal and report have them."""
        found = headline_of(self._tables.summary, self.algorithm, self.manifest.mated_by)
        return [plain(one) for one in found.sentences]

    @cached_property
    def metrics(self) -> pd.DataFrame:
        """Every metric over the probes of all folds, a row each.

        Columns: ``metric``, ``value``, ``low`` and ``high`` (95 % interval), ``chance`` with
        ``chance_low`` and ``chance_high``, ``n`` trials, ``fold_mean``, ``fold_sd``, ``method`` of
        the interval, ``flags``, ``headline``, ``better``, ``unit``; `columns` says what they mean.
        """
        return self.table("metrics")

    @cached_property
    def folds(self) -> pd.DataFrame:
        """Every metric in every fold: ``fold``, ``metric``, ``value``."""
        return self.table("folds")

    @cached_property
    def searches(self) -> pd.DataFrame:
        """Every search, or every image that is judged, a row each; `columns` says what is there."""
        return self.table("searches")

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """The candidate lists, a row for each candidate, best first."""
        return self.table("candidates")

    @cached_property
    def failures(self) -> pd.DataFrame:
        """Images that the algorithm gave up on: ``fold``, ``name``, ``role``, ``reason``."""
        return self.table("failures")

    @cached_property
    def checks(self) -> pd.DataFrame:
        """What every check says of the run, a row each, what is wrong first.

        Columns: ``code``, ``severity`` (issue, tip, silenced, passed, not applicable), ``title``,
        ``sentence``, ``evidence`` (a dict of figures by what they are), ``page`` that explains it,
        ``because`` where it is silenced.
        """
        from harness.record.checks.examining import examine_folder
        from harness.verbs.frames import frame_of

        names = ("code", "severity", "title", "sentence", "evidence", "page", "because")
        rows = [tuple(getattr(one, name) for name in names) for one in examine_folder(self.folder)]
        return frame_of({n: dict if n == "evidence" else str for n in names}, rows)

    def scores(self) -> pd.DataFrame:
        """Return the raw scores of all folds, a row for each comparison or image.

        Raises
        ------
        UsageError
            If they are not kept, or are no numbers; it says why.
        """
        return frame_of_table(joined(self._tables.scores()))

    def matrix(self, fold: str | int) -> pd.DataFrame:
        """Return the raw scores of a fold as the algorithm gave them.

        Parameters
        ----------
        fold
            Name or number.

        Returns
        -------
        DataFrame
            float64, a row for each probe or image and a column for each reference, or tag, by their
            names; NaN where an image failed.

        Raises
        ------
        UsageError
            If there is no such fold, or the scores are not kept as numbers.
        """
        import pandas as pd

        (folder,) = self._tables.runs if len(self._tables.runs) == 1 else (None,)
        if folder is None:
            raise UsageError("an entry of several fits has several scores of a fold: see `fits`")
        if self._tables.no_scores:
            raise UsageError(self._tables.no_scores)
        record.check_answers(folder)
        run = record.read_run(folder)
        names = [one.name for one in run.folds]
        if str(fold) not in names:
            raise UsageError(f"there is no fold {str(fold)!r}; there is {', '.join(names)}")
        place = names.index(str(fold))
        scores = np.asarray(run.answers[place].scores, np.float64)
        scores = scores.reshape(len(scores), -1)
        columns = list(run.folds[place].gallery)
        wide = len(columns) == scores.shape[1]
        index = pd.Index(run.folds[place].probes, name="probe")
        return pd.DataFrame(scores, index, columns if wide else None)

    def differentials(self, column: str = "skin", table: str | Path | None = None) -> pd.DataFrame:
        """Return the errors of groups of people at one threshold, a row for each group.

        `spreads` says how far the groups lie apart.

        Parameters
        ----------
        column
            Of the data set: ``skin``, ``site``, ``style`` or ``media``; or of the table.
        table
            Of somebody's own: CSV or a spreadsheet with a line for each image, tattoo or subject.

        Returns
        -------
        DataFrame
            The fields of `harness.tasks.differentials.GroupRow`; the row ``all`` is of all
            comparisons. None in it where a group is too small, and ``remark`` says so.

        Raises
        ------
        UsageError
            If there is no such column, or the run compares no images.
        """
        return frame_of_structs(GroupRow, self._differentials(column, table).rows)

    def spreads(self, column: str = "skin", table: str | Path | None = None) -> pd.DataFrame:
        """Return how far groups of people lie apart, beside the same of shuffled groups.

        Parameters and errors are those of `differentials`.

        Returns
        -------
        DataFrame
            The fields of `harness.tasks.differentials.Spread`: a row each for ``fmr``, ``fnmr`` and
            ``fte``; none where nothing can be compared.
        """
        return frame_of_structs(Spread, self._differentials(column, table).spreads)

    def ageing(self) -> pd.DataFrame:
        """Return mated comparisons by the time between their captures, a row for each span of it.

        Returns
        -------
        DataFrame
            The fields of `harness.tasks.ageing.AgeBin`; no row where fewer than two spans can be
            told apart.

        Raises
        ------
        UsageError
            If the run compares no images.
        """
        run = read_alone(self.folder, "the time between captures is")
        return frame_of_structs(AgeBin, ageing_in(run).bins)

    def _differentials(self, column: str, table: str | Path | None) -> Differentials:
        run = read_alone(self.folder, "groups are compared")
        return differentials_in(run, column, table=None if table is None else Path(table))

    def workload(self, *lengths: int) -> pd.DataFrame:
        """Return what an examiner views by the length of lists, and how long these must be.

        Parameters
        ----------
        *lengths
            Of lists; round ones unless given.

        Raises
        ------
        UsageError
            If no search of the run has a mate.
        """
        return told_apart.workload_frame(self.folder, lengths)

    def look_alikes(self) -> pd.DataFrame:
        """Return the false match rate of non-mates of one design, or style, apart from others.

        Beside it, hit rates without look-alikes in the galleries: ``whole``, ``without``, and
        ``as_many``, without as many others. Empty where no column tells non-mates apart.

        Raises
        ------
        UsageError
            If the run compares no images, or no threshold of all comparisons is known.
        """
        return told_apart.look_alikes_frame(self.folder)

    def sizes(self) -> pd.DataFrame:
        """Return FNMR and hit rate by the size of the probe's tattoo; empty where none is known.

        Raises
        ------
        UsageError
            If the run compares no images.
        """
        return told_apart.sizes_frame(self.folder)

    def quality(self) -> pd.DataFrame:
        """Return FNMR by the share of comparisons that are discarded, the lowest quality first.

        Empty where no image has a quality.

        Raises
        ------
        UsageError
            If the run compares no images, or no threshold of all comparisons is known.
        """
        return told_apart.quality_frame(self.folder)

    def table(self, name: str) -> pd.DataFrame:
        """Return a table of the run by its name: one of `tables`.

        Raises
        ------
        UsageError
            If the run has no such table.
        """
        if name not in self._tables:
            raise UsageError(f"there is no table {name!r}; there is {', '.join(self.tables)}")
        return frame_of_table(self._tables[name])

    @property
    def tables(self) -> list[str]:
        """Names of the tables that the run has."""
        return list(self._tables)

    def columns(self, name: str) -> pd.DataFrame:
        """Return what the columns of a table mean: ``column``, ``dtype``, ``meaning``, ``unit``."""
        from harness.verbs.frames import frame_of

        found: TypedTable = self._tables[name]
        return frame_of(
            {"column": str, "dtype": str, "meaning": str, "unit": str},
            [(key, one.dtype, one.meaning, one.unit) for key, one in found.columns.items()],
        )

    @property
    def report(self) -> Path:
        """The HTML report."""
        return self.folder / record.REPORT

    def verify(self) -> list[str]:
        """Return what is wrong with the folder: nothing if it is whole and its numbers follow."""
        from harness.record.verifying import verify_run
        from harness.runs.joining import faults

        return faults(self.folder) if self._is_joined else verify_run(self.folder)

    @property
    def _is_joined(self) -> bool:
        return self._tables.runs != [self.folder]

    def __fspath__(self) -> str:
        return str(self.folder)

    def __repr__(self) -> str:
        metrics = self._tables.summary
        name = f"{self.protocol}/{self.algorithm}" + f" x{len(self.fits)}" * self._is_joined
        headline = {metrics.headline: self.headline}.items()
        return f"<Run {name}: {' '.join(estimate_lines('', headline)[1].split())}>"

    def __str__(self) -> str:
        if self._is_joined:
            return "\n".join(joined_lines(self.folder))
        outcome = Outcome(self._tables.summary, Curves(), [], [])
        return "\n".join(judged_lines(self.folder, self.manifest, outcome))

    def _repr_html_(self) -> str:
        kind = f"{self.protocol} / {self.algorithm}"
        rows = self.metrics.sort_values("headline", ascending=False, kind="stable")
        return text_html(kind, *self.sentences) + table_html(rows[_SHOWN])

    def __iter__(self) -> Iterator[str]:
        raise TypeError("a run is no sequence; see its metrics, searches, candidates and failures")


RunLike: TypeAlias = Run | str | Path
"""A run, its folder, or a short name: ``latest``, or ``PROTOCOL/ALGORITHM`` for the latest."""


def load(run: RunLike, *, runs: str | Path = RUNS) -> Run:
    """Return a finished run.

    Parameters
    ----------
    run
        Its folder, or a short name.
    runs
        Where short names are found.

    Raises
    ------
    UsageError
        If there is none.
    Damaged
        If it is unfinished, or a file changed since it was written.

    Examples
    --------
    >>> import harness
    >>> made = harness.run("identification", "constant", folds=[1])
    >>> harness.load("identification/constant").folder == made.folder
    True
    """
    return Run(folder_of_run(run, Path(runs)))


def folder_of_run(run: RunLike, runs: Path = RUNS) -> Path:
    """Return the folder that stands for a run; parameters and errors as for `load`."""
    return run.folder if isinstance(run, Run) else folder_of(str(run), runs)
