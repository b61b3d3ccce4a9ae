"""Candidate lists made elsewhere as answers to a protocol (``--candidates``).

A list holds the best candidates of a search. References that it does not name rank below every
one that it does: they were not returned, their score is ``-inf``. So a list answers a hit rate up
to the rank where it ends, and no metric that needs every score.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.errors import some
from harness.scorefiles.entries import Entry, describe_code, read_nist, read_tatt_c
from harness.scorefiles.faults import Faults
from harness.scorefiles.imported import Imported
from harness.scorefiles.names import Names
from harness.scorefiles.reading import Part, read_files
from harness.scorefiles.sheets import Sheet
from harness.tasks.answers import Answer
from harness.tasks.counted import counted

__all__ = ["CANDIDATE_FORMS", "read_candidates"]

CANDIDATE_FORMS = ("tatt-c", "nist")
"""Formats that `read_candidates` reads."""

LONGEST_LIST = 1000
"""Candidates that a search may be asked for where its gallery is smaller."""


def read_candidates(
    path: Path,
    folds: Sequence[Fold],
    records: Mapping[str, Record] | None = None,
    *,
    form: str | None = None,
) -> Imported:
    """Read candidate lists.

    A probe without a list is a miss and is named; so is a failed search, a list of null candidates
    only. Ranks must run without gaps, and scores must not rise with them; equal scores may stand
    in any order. A list that is shorter than the longest is taken for all that was found.

    Parameters
    ----------
    path
        A file, or a folder with one file per fold, named like the fold (``1.txt``).
    folds
        Of the protocol.
    records
        Of the data set: names that are known though not asked about.
    form
        One of `CANDIDATE_FORMS`; otherwise it is recognised from the first line.

    Returns
    -------
    Imported
        Answers with float64 scores of shape (probes, references): ``-inf`` where a reference was
        not returned, NaN where an image failed. Its `depth` is None if no list ends before its
        gallery.

    Raises
    ------
    DataError
        With every fault of the files, by line.
    UsageError
        If `form` is none.
    """
    lists: list[_Lists] = []

    def read(part: Part) -> tuple[list[Answer], list[Path]]:
        faults, nist = part.names.faults, part.form == "nist"
        filled = [_Lists(fold, part.source.file_name, faults) for fold in part.folds]
        before = faults.count
        _fill((read_nist if nist else read_tatt_c)(part.source, faults), part.names, filled)
        refused = faults.count > before
        for one in filled:
            one.check(0 if nist else 1, gaps=not refused)
        lists.extend(filled)
        return [one.answer() for one in filled], [part.source.path]

    found = read_files(path, folds, records, form, CANDIDATE_FORMS, read)
    ending = [one for one in lists if not one.complete]
    if not ending:
        return found
    depth = min(one.longest for one in ending)
    return replace(found, depth=depth, notes=(*found.notes, *_notes_on_ends(ending, depth)))


class _Lists:
    """The candidate lists of one fold while they are read."""

    def __init__(self, fold: Fold, file_name: str, faults: Faults) -> None:
        self.sheet, self.file_name, self.faults = Sheet(fold), file_name, faults
        self.ranks = np.zeros(self.sheet.scores.shape, dtype=np.uint32)
        self.nulls: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self.codes: dict[int, tuple[int | None, str]] = {}
        self.lengths = np.zeros(len(fold.probes), dtype=np.int64)
        self.failed: dict[int, str] = {}

    def enter(self, row: int, column: int | None, entry: Entry) -> None:
        code, first = self.codes.setdefault(row, (entry.code, entry.place))
        if code != entry.code:
            self.faults.add(
                "contradictions",
                entry.place,
                f"the search has return code {entry.code} here and {code} at {first}",
            )
        if column is None:
            self._enter_null(row, entry)
            return
        earlier = self.sheet.enter(row, column, entry.line, entry.score)
        if earlier:
            self.faults.add(
                "duplicates",
                entry.place,
                f"{self.sheet.fold.gallery[column]!r} is in the list of "
                f"{self.sheet.fold.probes[row]!r} already, at line {earlier}",
            )
        else:
            self.ranks[row, column] = entry.rank

    def _enter_null(self, row: int, entry: Entry) -> None:
        nulls, probe = self.nulls[row], self.sheet.fold.probes[row]
        if entry.rank > max(LONGEST_LIST, len(self.sheet.fold.gallery)):
            # Nothing else bounds how many there can be.
            what = f"the null candidates of {probe!r} go far beyond the gallery"
            self.faults.add("gaps in ranks", entry.place, what)
        elif entry.rank in nulls:
            what = f"the null candidate of {probe!r} is at line {nulls[entry.rank]} too"
            self.faults.add("duplicates", entry.place, what)
        else:
            nulls[entry.rank] = entry.line

    def check(self, first: int, *, gaps: bool) -> None:
        """Check that ranks have no gap and scores do not rise with them.

        Parameters
        ----------
        first
            Rank at which the file counts its best candidate.
        gaps
            Whether to look for gaps: lines that were refused leave gaps that are not the file's.
        """
        for row, probe in enumerate(self.sheet.fold.probes):
            listed = np.flatnonzero(self.sheet.lines[row])
            nulls = self.nulls.get(row, {})
            ranks = np.concatenate([self.ranks[row, listed], list(nulls)])
            lines = np.concatenate([self.sheet.lines[row, listed], list(nulls.values())])
            scores = np.concatenate([self.sheet.scores[row, listed], np.full(len(nulls), np.nan)])
            order = np.lexsort((lines, ranks))
            self.lengths[row] = len(order)
            code = self.codes.get(row, (None, ""))[0]
            if len(nulls) and not len(listed) and code != 0:
                why = "null candidates only" if code is None else describe_code(code)
                self.failed[row] = f"failed search in {self.file_name}: {why}"
            elif not len(order) and self.sheet.asked[row].any():
                self.failed[row] = f"no list in {self.file_name}: counted as a miss"
            self._check_order(
                probe,
                ranks[order].astype(int),
                lines[order].astype(int),
                scores[order],
                first,
                gaps,
            )

    def _check_order(
        self,
        probe: str,
        ranks: npt.NDArray[np.int64],
        lines: npt.NDArray[np.int64],
        scores: npt.NDArray[np.float64],
        first: int,
        gaps: bool,
    ) -> None:
        shift = first - 1
        wrong = np.flatnonzero(ranks != np.arange(1, len(ranks) + 1))
        if len(wrong) and gaps:
            # All that follow are shifted by this one.
            at = int(wrong[0])
            place = f"{self.file_name}:{lines[at]}"
            if at and ranks[at] == ranks[at - 1]:
                what = f"rank {ranks[at] + shift} of {probe!r} is at line {lines[at - 1]} too"
                self.faults.add("duplicates", place, what)
            else:
                what = f"rank {ranks[at] + shift} of {probe!r} where {at + first} is next"
                self.faults.add("gaps in ranks", place, f"{what}; the best has rank {first}")
            return
        null = np.isnan(scores)
        for at in np.flatnonzero(null[:-1] & ~null[1:])[:1] + 1:
            self.faults.add(
                "contradictions",
                f"{self.file_name}:{lines[at]}",
                f"the list of {probe!r} goes on after a null candidate",
            )
        for at in np.flatnonzero(scores[1:] > scores[:-1])[:1] + 1:
            self.faults.add(
                "scores that contradict ranks",
                f"{self.file_name}:{lines[at]}",
                f"rank {ranks[at] + shift} of {probe!r} has the score {scores[at]:g}, above "
                f"{scores[at - 1]:g} before it; the best comes first and has the highest score "
                "(distances: write them as negative numbers)",
            )

    @property
    def longest(self) -> int:
        return int(self.lengths.max(initial=0))

    @property
    def shorter(self) -> int:
        """Searches that did not fail whose list is shorter than the longest."""
        searched = [row for row in range(len(self.lengths)) if row not in self.failed]
        return int(np.sum(self.lengths[searched] < self.longest))

    @property
    def complete(self) -> bool:
        """Whether every search that did not fail has a list of all references that it meets."""
        searched = [row for row in range(len(self.lengths)) if row not in self.failed]
        met = self.sheet.asked.sum(axis=1)
        return bool(np.all(self.lengths[searched] >= met[searched]))

    @property
    def ties(self) -> int:
        """Searches whose list ends with the score of a mate: references beyond may share it."""
        places = {name: j for j, name in enumerate(self.sheet.fold.gallery)}
        rows = {name: i for i, name in enumerate(self.sheet.fold.probes)}
        tied = set()
        for probe, reference in self.sheet.fold.mates:
            scores = self.sheet.scores[rows[probe]]
            known = scores[~np.isnan(scores)]
            if len(known) and scores[places[reference]] == known.min() > -np.inf:
                tied.add(probe)
        return len(tied)

    def answer(self) -> Answer:
        scores = np.where(np.isnan(self.sheet.scores), -np.inf, self.sheet.scores)
        searched = [row for row in range(len(scores)) if row not in self.failed]
        mated = {probe for probe, _ in self.sheet.fold.mates}
        for row in searched:
            # A search without a mate that returns nothing is right, and has not failed.
            nothing = self.lengths[row] > 0 and np.all(np.isneginf(scores[row]))
            if nothing and self.sheet.fold.probes[row] not in mated:
                scores[row] = np.finfo(np.float64).min
        never: dict[int, str] = {}
        if searched and self.complete:
            # Whole lists that never score a reference say that it has no template.
            met = self.sheet.asked[searched]
            unknown = (scores[searched] == -np.inf) | ~met
            lost = np.flatnonzero(unknown.all(axis=0) & met.any(axis=0))
            never = {int(j): f"no score in {self.file_name}: never matches" for j in lost}
        if self.sheet.fold.draws:
            self._bound(scores, searched, never)
        return self.sheet.with_failures(scores, self.failed, never)

    def _bound(
        self,
        scores: npt.NDArray[np.float64],
        searched: Sequence[int],
        never: Mapping[int, str],
    ) -> None:
        """Give references beyond the end of a list the highest score that they can have.

        Draws search parts of the gallery, and of such a part a list may hold nothing at all: that
        is no failed search. A mate beyond the end stays a miss.
        """
        fold = self.sheet.fold
        mates = counted(fold).mated
        for row in searched:
            listed = np.isfinite(scores[row])
            beyond = ~listed & self.sheet.asked[row] & ~mates[row]
            beyond[list(never)] = False
            if listed.any() and beyond.any():
                scores[row, beyond] = np.nextafter(scores[row, listed].min(), -np.inf)


def _fill(entries: Iterable[Entry], names: Names, lists: Sequence[_Lists]) -> None:
    for entry in entries:
        for fold, row in names.probe(entry.probe, entry.place):
            column = None
            if entry.reference is not None:
                column = names.column(fold, entry.reference)
                if column is None:
                    names.not_searched(fold, entry.reference, entry.place, strict=True)
                    continue
            lists[fold].enter(row, column, entry)


def _notes_on_ends(lists: Sequence[_Lists], depth: int) -> list[str]:
    notes = [
        f"the candidate lists end at rank {depth}, before the gallery does; references that are "
        "not listed rank below all that are"
    ]
    shorter = sum(one.shorter for one in lists)
    if shorter:
        notes.append(
            f"{some(shorter, 'list is', 'lists are')} shorter, and taken for all that was found"
        )
    ties = sum(one.ties for one in lists)
    if ties:
        notes.append(
            f"{some(ties, 'list ends', 'lists end')} with the score of a mate; if references "
            "beyond the end share it, "
            "the mate's true rank is worse"
        )
    return notes
