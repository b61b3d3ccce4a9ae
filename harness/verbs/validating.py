"""`validate`: runs held against criteria that were written beforehand."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.runs.validation import listing, matrix
from harness.runs.validation.checklist import Answered
from harness.runs.validation.criteria import read_criteria
from harness.runs.validation.deciding import PASS
from harness.runs.validation.folder import claim, write_folder
from harness.runs.validation.judged import JudgedRun
from harness.verbs.cells import table_html, text_html
from harness.verbs.frames import frame_of_structs
from harness.verbs.result import RunLike, folder_of_run

if TYPE_CHECKING:
    import pandas as pd


class Validation:
    """A validation, as `validate` returns it.

    Parameters
    ----------
    facts
        What ``harness validate --json`` prints.
    main
        The run that is validated.
    criteria
        Bytes of the file of criteria.
    """

    def __init__(self, facts: matrix.Validation, main: JudgedRun, criteria: bytes) -> None:
        self.facts = facts
        self._main, self._criteria = main, criteria

    @property
    def verdict(self) -> str:
        """``pass``, ``fail`` or ``not supported by this data``: the worst of the rows."""
        return self.facts.verdict

    @property
    def passed(self) -> bool:
        """Whether every row passes."""
        return self.facts.verdict == PASS

    @cached_property
    def rows(self) -> pd.DataFrame:
        """The matrix, a row each; columns are those of `harness.runs.validation.matrix.Row`."""
        return frame_of_structs(matrix.Row, self.facts.rows)

    @cached_property
    def checklist(self) -> pd.DataFrame:
        """Where a report says what ISO/IEC 19795-1 asks for; empty if it was not asked for."""
        return frame_of_structs(Answered, self.facts.checklist)

    def write(self, out: str | Path) -> Path:
        """Write the folder that ``harness validate --out`` writes, and return its page."""
        return write_folder(Path(out), self.facts, self._main, self._criteria)

    def __repr__(self) -> str:
        return f"<Validation {self.verdict}: {self.facts.title}, {len(self.facts.rows)} rows>"

    def __str__(self) -> str:
        return listing.listing(self.facts)

    def _repr_html_(self) -> str:
        return text_html(str(self).splitlines()[-1]) + table_html(self.rows)


def validate(
    *runs: RunLike,
    criteria: str | Path,
    out: str | Path | None = None,
    checklist: bool = False,
) -> Validation:
    """Hold runs against criteria: the validation matrix, decided row by row.

    Parameters
    ----------
    runs
        One or more: as `run` and `load` return them, folders, or short names. Validated is the
        first that fits the experiment; rows may ask for the others.
    criteria
        File of criteria.
    out
        Folder for the page, the numbers and the criteria; none unless given.
    checklist
        Whether the checklist of ISO/IEC 19795-1 is filled in.

    Raises
    ------
    UsageError
        If a run or the file is not there, or with every fault of the criteria.
    Damaged
        If a run is not whole.
    NotComparable
        If the runs are not of the experiment that the criteria name.

    Examples
    --------
    >>> import harness
    >>> from pathlib import Path
    >>> run = harness.run("identification", "constant")
    >>> rows = ('title = "T"', "[[criterion]]", 'characteristic = "accuracy"',
    ...         'metric = "hit-rate@rank=1"', "at-least = 0.5")
    >>> Path("mine.toml").write_text(chr(10).join(rows)) > 0
    True
    >>> harness.validate(run, criteria="mine.toml").verdict
    'fail'
    """
    if not runs:
        raise UsageError("name a run to validate")
    if out is not None:
        claim(Path(out))
    asked, content = read_criteria(Path(criteria))
    folders = [folder_of_run(run) for run in runs]
    made = Validation(*matrix.validate(folders, asked, content, checklist=checklist), content)
    if out is not None:
        made.write(out)
    return made
