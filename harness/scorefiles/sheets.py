"""The scores of one fold while they are read, and the answer that they make."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold
from harness.errors import some
from harness.scorefiles.faults import Faults
from harness.tasks.answers import Answer
from harness.tasks.counted import counted

__all__ = ["Sheet"]


class Sheet:
    """A matrix of scores to be filled in, with the line that each came from.

    Parameters
    ----------
    fold
        Whose probes are its rows and whose gallery its columns.

    Attributes
    ----------
    asked
        bool, of the shape of the scores: the comparisons that the protocol makes.
    """

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.asked = counted(fold).compared
        shape = self.asked.shape
        self.scores = np.full(shape, np.nan)
        self.lines = np.zeros(shape, dtype=np.uint32)

    def enter(self, row: int, column: int, line: int, score: float) -> int:
        """Enter a score and return 0, or return the line that has entered one there before.

        Parameters
        ----------
        row, column
            Of the comparison.
        line
            Number of the line, from 1.
        score
            Finite; NaN where the file says that there is none.
        """
        earlier = int(self.lines[row, column])
        if not earlier:
            self.lines[row, column] = line
            self.scores[row, column] = score
        return earlier

    def answer(self, file_name: str, faults: Faults) -> Answer:
        """Return the answer of complete scores: what is left out is left out altogether.

        A probe without any score is a failure, and so is a reference that no other probe was
        compared with. Any other gap is a fault: leaving out single comparisons could hide false
        matches.

        Parameters
        ----------
        file_name
            What messages call the file.
        faults
            Where gaps go.
        """
        given = ~np.isnan(self.scores) & self.asked
        rows = given.any(axis=1) | ~self.asked.any(axis=1)
        columns = given[rows].any(axis=0) | ~self.asked[rows].any(axis=0)
        gaps = self.asked & ~given & rows[:, np.newaxis] & columns
        for row in np.flatnonzero(gaps.any(axis=1)):
            lost = np.flatnonzero(gaps[row])
            faults.add(
                "incomplete searches",
                file_name,
                f"probe {self.fold.probes[row]!r} has no score for {len(lost):,} of "
                f"{some(int(self.asked[row].sum()), 'reference')}, e.g. "
                f"{self.fold.gallery[lost[0]]!r}; lists of the best candidates only are read with "
                "--candidates",
            )
        return self.with_failures(
            self.scores,
            {int(i): f"no score in {file_name}: counted as a miss" for i in np.flatnonzero(~rows)},
            {int(j): f"no score in {file_name}: never matches" for j in np.flatnonzero(~columns)},
        )

    def with_failures(
        self,
        scores: npt.NDArray[np.float64],
        rows: Mapping[int, str],
        columns: Mapping[int, str],
    ) -> Answer:
        """Return an answer in which probes and references have failed.

        Parameters
        ----------
        scores
            float64, shape (probes, references).
        rows, columns
            Why each failed, by its place.
        """
        probes = {self.fold.probes[i]: why for i, why in rows.items()}
        references = {self.fold.gallery[j]: why for j, why in columns.items()}
        found = ~np.isnan(scores) & self.asked
        searched = {self.fold.gallery[j] for j in np.flatnonzero(found.any(axis=0))}
        searching = {self.fold.probes[i] for i in np.flatnonzero(found.any(axis=1))}
        scores = scores.copy()
        failures: dict[str, str] = {}
        for i, why in rows.items():
            name = self.fold.probes[i]
            # A failure is one of an image. Where the same image was used on the other side, only
            # this side of it may become a miss.
            one_sided = name in searched and name not in references
            scores[i, :] = -np.inf if one_sided else np.nan
            failures |= {} if one_sided else {name: why}
        for j, why in columns.items():
            name = self.fold.gallery[j]
            one_sided = name in searching and name not in probes
            failed_rows = [i for i in rows if self.fold.probes[i] in failures]
            scores[:, j] = -np.inf if one_sided else np.nan
            scores[failed_rows, j] = np.nan
            failures |= {} if one_sided else {name: failures.get(name, why)}
        return Answer(scores, failures)
