"""One file of scores that carry their own truth: no data set and no protocol is needed for them.

=============  =================================================================================
table          a column of scores and one of labels (`harness.scorefiles.words`), in any order,
               with a header or without; commas, semicolons, tabs or spaces between the columns
bob            ``claimed-id real-id probe-label score`` or ``claimed-id model-label real-id
               probe-label score``: mated where the two ids are equal
Parquet        a table with a header
folder         ``genuine.txt`` and ``impostor.txt``, as ``harness export`` writes them for PyEER
=============  =================================================================================
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from harness.errors import UsageError, some
from harness.scorefiles.comparisons import read_parquet_columns
from harness.scorefiles.dialects import Dialect, Numbers
from harness.scorefiles.faults import Faults, TooManyFaults, quoted
from harness.scorefiles.lists import ListedScores, ScoreList, notes_on_scores
from harness.scorefiles.pairs import read_pair
from harness.scorefiles.sources import hash_files
from harness.scorefiles.tables import Rows, read_rows
from harness.scorefiles.words import LABEL_NAMES, SCORE_NAMES, mated_word

__all__ = ["read_labelled"]

PAIR = ("genuine.txt", "impostor.txt")
IDENTITIES = (
    ("real_id", "claimed_id"),
    ("real-id", "claimed-id"),
    ("probe_subject_id", "bio_ref_subject_id"),
    ("probe_identity", "reference_identity"),
)
"""Headers of the identities of probe and reference, where a table has them in place of a label."""

NO_TRUTH = "says nowhere which comparisons are mated"
WANTED = (
    "a column of labels (1 and 0, mated and non-mated, genuine and impostor), bob's claimed and "
    "real ids, or a folder with genuine.txt and impostor.txt"
)


def read_labelled(path: Path) -> ListedScores:
    """Read scores with their own truth.

    Where a table has no header, its labels are the one column of known words of which both kinds
    occur, and its scores the one column of other numbers, or the one with fractions.

    Parameters
    ----------
    path
        A file, or a folder.

    Raises
    ------
    UsageError
        If the scores have no truth of their own, so that a protocol has to be named.
    DataError
        With every fault of the file, by line.
    """
    if path.is_dir():
        if all((path / name).is_file() for name in PAIR):
            return read_pair(path / PAIR[0], path / PAIR[1])
        raise _no_truth(path)
    if not path.exists():
        raise UsageError(
            f"there is no file {path}; scores without a truth of their own need a question, too: "
            "say with --protocol which"
        )
    faults = Faults()
    mated, nonmated = ScoreList(), ScoreList()
    notes: list[str] = []
    form = "table"
    with suppress(TooManyFaults):
        rows = _rows(path, faults)
        faults.stop_if_any(f"{path} cannot be evaluated.")
        if rows.cells:
            notes += rows.notes
            form, truth = _truth(path, rows, faults, notes)
            notes += rows.says_distance(truth.score)
            _sort(rows, truth, mated, nonmated, faults, notes)
    faults.stop_if_any(f"{path} cannot be evaluated.")
    for kind, found in (("mated", mated), ("non-mated", nonmated)):
        if not found.places:
            raise UsageError(
                f"{path} has no {kind} score of its own: every line is of the other kind, or "
                f"{NO_TRUTH}; say with --protocol which question the scores answer"
            )
    names = (f"the mated comparisons of {path.name}", f"the non-mated ones of {path.name}")
    notes += notes_on_scores(mated, nonmated, names)
    return ListedScores(mated, nonmated, (form,), hash_files([path]), path.name, tuple(notes))


class _Truth:
    """Where a row says what it is.

    Parameters
    ----------
    score
        Column of scores.
    label
        Column of labels; None where identities say it.
    identities
        Columns of the identities of probe and reference.
    """

    def __init__(
        self, score: int, label: int | None = None, identities: tuple[int, int] | None = None
    ) -> None:
        self.score, self.label, self.identities = score, label, identities

    def of(self, cells: Sequence[str]) -> bool | None:
        if self.label is not None:
            return mated_word(cells[self.label])
        if self.identities is None:
            return None
        probe, reference = self.identities
        return cells[probe] == cells[reference]


def _no_truth(path: Path) -> UsageError:
    return UsageError(
        f"{path} {NO_TRUTH}: say with --protocol which question the scores answer, or bring "
        f"{WANTED}"
    )


def _rows(path: Path, faults: Faults) -> Rows:
    with path.open("rb") as file:
        magic = file.read(6)
    if magic.startswith(b"PAR1"):
        header, cells = read_parquet_columns(path, faults)
        return Rows(path.name, list(range(1, len(cells) + 1)), cells, header, Dialect(","))
    if magic == b"\x93NUMPY":
        raise _no_truth(path)
    return read_rows(path, faults)


def _truth(path: Path, rows: Rows, faults: Faults, notes: list[str]) -> tuple[str, _Truth]:
    """Tell from header or content which columns say what.

    Raises
    ------
    UsageError
        If there is no truth in the file.
    """
    if rows.header:
        found = _by_header(rows)
        if found is not None:
            return "table", found
        notes.append(
            f"{rows.file_name}: its header names no score and label; told from the content"
        )
    if not rows.even:
        widths = sorted({len(cells) for cells in rows.cells})
        faults.add(
            "malformed lines",
            rows.file_name,
            f"has lines of {widths[0]} and of {widths[-1]} columns ({rows.dialect.separators} "
            "between them); names with spaces need a table with commas",
        )
        raise TooManyFaults
    labels = [place for place in range(rows.width) if _is_label(rows.column(place))]
    if len(labels) > 1:
        words = [p for p in labels if not rows.numeric(p)]
        if len(words) != 1:
            faults.add(
                "columns that cannot be told apart",
                rows.file_name,
                f"columns {' and '.join(str(p + 1) for p in labels)} could all be labels; put a "
                "header with 'score' and 'label' above them",
            )
            raise TooManyFaults
        labels = words
    if labels:
        return "table", _Truth(_score_beside(rows, labels[0], faults, notes), labels[0])
    if rows.width in (4, 5) and rows.numeric(rows.width - 1) and not rows.header:
        return f"bob-{rows.width}", _Truth(rows.width - 1, identities=(rows.width - 3, 0))
    raise _no_truth(path)


def _by_header(rows: Rows) -> _Truth | None:
    scores = [rows.header.index(name) for name in SCORE_NAMES if rows.header.count(name) == 1]
    labels = [rows.header.index(name) for name in LABEL_NAMES if rows.header.count(name) == 1]
    if not scores:
        return None
    if labels:
        return _Truth(scores[0], labels[0])
    for probe, reference in IDENTITIES:
        if rows.header.count(probe) == rows.header.count(reference) == 1:
            pair = (rows.header.index(probe), rows.header.index(reference))
            return _Truth(scores[0], identities=pair)
    return None


def _is_label(words: Sequence[str]) -> bool:
    """Whether a column's words are labels of both kinds, and always the same two."""
    return len(set(words)) == 2 and {mated_word(word) for word in set(words)} == {True, False}


def _score_beside(rows: Rows, label: int, faults: Faults, notes: list[str]) -> int:
    numeric = [place for place in range(rows.width) if place != label and rows.numeric(place)]
    fractions = [p for p in numeric if np.any(np.nan_to_num(rows.figures(p)) % 1 != 0)]
    chosen = numeric if len(numeric) == 1 else fractions
    if len(chosen) != 1:
        faults.add(
            "columns that cannot be told apart",
            rows.file_name,
            (
                f"columns {', '.join(str(p + 1) for p in numeric)} could all be the scores"
                if numeric
                else "has labels, and no column of numbers beside them"
            )
            + "; put a header with 'score' and 'label' above them",
        )
        raise TooManyFaults
    notes.append(
        f"{rows.file_name}: column {chosen[0] + 1} is read as scores and column {label + 1} as "
        "labels"
    )
    return chosen[0]


def _sort(
    rows: Rows,
    truth: _Truth,
    mated: ScoreList,
    nonmated: ScoreList,
    faults: Faults,
    notes: list[str],
) -> None:
    """Put every row into the list that it belongs to."""
    numbers = Numbers()
    failed = 0
    wanted = max(truth.score, truth.label or 0, *(truth.identities or (0,)))
    words: dict[str, bool] = {}
    for row, cells in enumerate(rows.cells):
        place = rows.place(row)
        if len(cells) <= wanted or (rows.header and len(cells) != len(rows.header)):
            what = f"has {some(len(cells), 'column')} where others have more"
            if rows.header:
                what = f"has {some(len(cells), 'cell')}, the header {len(rows.header)}"
            faults.add("malformed lines", place, f"{what} ({rows.dialect.separators} between them)")
            continue
        kind = truth.of(cells)
        if kind is None:
            said = cells[truth.label or 0]
            faults.add("unknown labels", place, f"{quoted(said)} is no label: expected {WANTED}")
            continue
        if truth.label is not None:
            words[cells[truth.label]] = kind
        try:
            score = numbers.read(cells[truth.score]) if cells[truth.score] else float("nan")
        except ValueError as reason:
            faults.add("scores that are no numbers", place, str(reason))
            continue
        failed += score != score
        who = truth.identities
        pair = None if who is None else (cells[who[0]], cells[who[1]])
        (mated if kind else nonmated).add(place, score, pair)
    if numbers.with_comma:
        notes.append(f"{rows.file_name}: read with decimal commas")
    notes.extend(_told(rows.file_name, words))
    if failed:
        notes.append(
            f"{rows.file_name}: {some(failed, 'comparison has', 'comparisons have')} no score: "
            "mated ones are misses"
        )


def _told(file_name: str, words: dict[str, bool]) -> Iterator[str]:
    if words:
        said = [
            ", ".join(sorted(w for w, kind in words.items() if kind is k)) for k in (True, False)
        ]
        yield (
            f"{file_name}: labels {said[0] or '(none)'} are mated, {said[1] or '(none)'} non-mated"
        )
