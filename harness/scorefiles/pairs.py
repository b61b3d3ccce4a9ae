"""Mated and non-mated scores in two files, as PyEER reads them: the score is a line's last word.

Other tools write lines that end with a label, and NIST's 1:1 test driver ends them with a return
code. Where a line has several numbers, the column of scores is recognised by a header, or by being
the only one with fractions; it is said which was taken, and what stays unclear is refused. A file
of counts is a histogram (`harness.scorefiles.histograms`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError, nearest, some
from harness.scorefiles.dialects import Numbers
from harness.scorefiles.distributions import ScoreLists
from harness.scorefiles.faults import Faults, TooManyFaults
from harness.scorefiles.histograms import has_counts, kind_of
from harness.scorefiles.lists import MOST_COMPARISONS, ListedScores, ScoreList, notes_on_scores
from harness.scorefiles.sources import hash_files
from harness.scorefiles.tables import Rows, read_rows
from harness.scorefiles.words import SCORE_NAMES

__all__ = ["PAIR_FORMS", "read_pair", "read_score_lists"]

PAIR_FORMS = ("scores", "histogram", "histograms")
"""What two files may be said to be: scores; non-mated ones counted as PyEER does; both counted."""

ASK = (
    "say which it is: --format scores (a score on each line), --format histogram (line i, from 0, "
    "says how many non-mated comparisons have the score i) or --format histograms (both files do)"
)
MOST_CODES = 13
"""Return codes of NIST's test drivers run from 0 to 12."""


def read_pair(mated: Path, nonmated: Path, form: str | None = None) -> ListedScores:
    """Read the scores of mated (genuine) and of non-mated (impostor) comparisons.

    Parameters
    ----------
    mated, nonmated
        Files.
    form
        One of `PAIR_FORMS`; otherwise it is recognised from the numbers.

    Raises
    ------
    DataError
        With every line that is no finite number, or if it cannot be told where the scores are.
    UsageError
        If `form` is none.
    """
    if form is not None and form not in PAIR_FORMS:
        raise UsageError(
            f"there is no format {form!r} of two files.{nearest(form, PAIR_FORMS)} Known: "
            f"{', '.join(PAIR_FORMS)}"
        )
    faults = Faults()
    notes: list[str] = []
    lists = [ScoreList(), ScoreList()]
    counted = [False, False]
    with suppress(TooManyFaults):
        files = [read_rows(path, faults) for path in (mated, nonmated)]
        if all(rows.cells for rows in files):
            notes += [note for rows in files for note in rows.notes]
            counted = _counted(files, form, faults)
            plain = [i for i in (0, 1) if not counted[i]]
            places = dict(
                zip(plain, _columns([files[i] for i in plain], faults, notes), strict=True)
            )
            for i, (rows, found) in enumerate(zip(files, lists, strict=True)):
                if counted[i]:
                    _take_counts(rows, found, faults, notes)
                else:
                    _take(rows, places[i], found, faults, notes)
            _refuse_labels(files, lists, faults)
    faults.stop_if_any("The score files cannot be evaluated.")
    notes += notes_on_scores(lists[0], lists[1], (mated.name, nonmated.name))
    return ListedScores(
        lists[0],
        lists[1],
        tuple(dict.fromkeys("histogram" if one else "scores" for one in counted)),
        hash_files([mated, nonmated]),
        f"{mated.name} and {nonmated.name}",
        tuple(notes),
    )


def read_score_lists(mated: Path, nonmated: Path) -> ScoreLists:
    """Read two files as `read_pair` does, for error rates alone; failures as those count them."""
    found = read_pair(mated, nonmated)
    one, other = (part.expanded for part in (found.mated, found.nonmated))
    return ScoreLists(np.where(np.isnan(one), -np.inf, one), other[~np.isnan(other)], found.sha256)


def _counted(files: Sequence[Rows], form: str | None, faults: Faults) -> list[bool]:
    """Return for each file, mated and non-mated, whether it holds counts."""
    if form is not None:
        return [form == "histograms", form != "scores"]
    found = [_two_columns(rows) for rows in files]
    single = [rows for rows in files if rows.even and rows.width == 1 and not rows.header]
    if any(found) or len(single) < 2:
        return found
    values = [rows.figures(0) for rows in files]
    if any(np.isnan(one).any() or np.any((one < 0) | (one != np.floor(one))) for one in values):
        return found
    kinds = [kind_of(one) for one in values]
    if kinds[1] == "histogram" and kinds[0] == "histogram":
        if len(values[0]) == len(values[1]):
            return [True, True]
        kinds[1] = "unknown"
    if kinds[1] == "unknown":
        faults.add(
            "files that may be scores or counts",
            files[1].file_name,
            f"has whole numbers that may be scores or how often each score occurs; {ASK}",
        )
    return [False, kinds[1] == "histogram"]


def _two_columns(rows: Rows) -> bool:
    if not rows.even or rows.width != 2:
        return False
    scores, counts = rows.figures(0), rows.figures(1)
    known = not np.isnan(scores).any() and not np.isnan(counts).any()
    return known and has_counts(scores.tolist(), counts.tolist())


def _take_counts(rows: Rows, found: ScoreList, faults: Faults, notes: list[str]) -> None:
    """Read a histogram: of one column by the numbers of its lines, of two by its first."""
    counts = rows.figures(-1)
    scores = rows.figures(0) if rows.width == 2 else np.arange(len(counts), dtype=np.float64)
    wrong = np.isnan(counts) | np.isnan(scores) | (counts < 0) | (counts != np.floor(counts))
    for row in np.flatnonzero(wrong):
        faults.add(
            "counts that are no whole numbers", rows.place(int(row)), "is no count of scores"
        )
    if wrong.any():
        return
    total = int(counts.sum())
    if not 0 < total <= MOST_COMPARISONS:
        what = f"counts {total:,} comparisons; from 1 to {MOST_COMPARISONS:,} are evaluated"
        faults.add("unreadable files", rows.file_name, what)
        return
    for row in np.flatnonzero(counts):
        found.add(rows.place(int(row)), float(scores[row]))
        found.counts.append(int(counts[row]))
    what = "score and count" if rows.width == 2 else "line i, from 0, counts the scores i"
    notes.append(
        f"{rows.file_name}: read as a histogram ({what}) of {total:,} comparisons; "
        "--format scores reads it as scores"
    )


def _take(
    rows: Rows, place: int | None, found: ScoreList, faults: Faults, notes: list[str]
) -> None:
    if place is None:
        return
    numbers = Numbers()
    found.compared += rows.compared
    codes = rows.header.index("returncode") if "returncode" in rows.header else None
    for row, cells in enumerate(rows.cells):
        if codes is not None and len(cells) > codes and cells[codes] != "0":
            found.add(rows.place(row), float("nan"))
            continue
        try:
            found.add(rows.place(row), numbers.read(cells[place] if cells else ""))
        except (ValueError, IndexError) as reason:
            said = (
                str(reason) if isinstance(reason, ValueError) else "has fewer columns than others"
            )
            faults.add("scores that are no numbers", rows.place(row), said)
    if numbers.with_comma:
        notes.append(f"{rows.file_name}: read with decimal commas")
    lost = int(np.isnan(np.array(found.scores)).sum())
    if lost:
        notes.append(
            f"{rows.file_name}: {some(lost, 'comparison')} failed (a return code is not 0)"
        )


def _columns(files: Sequence[Rows], faults: Faults, notes: list[str]) -> list[int | None]:
    """Return the column of scores of each file; None after adding why it cannot be told."""
    named = [_named(rows) for rows in files]
    if all(place is not None for place in named):
        return list(named)
    width = min(rows.width for rows in files)
    figures = {
        place: [rows.figures(place) for rows in files]
        for place in range(-1, -width - 1, -1)
        if all(rows.numeric(place) for rows in files)
    }
    chosen, why = _chosen(figures)
    if chosen is None:
        for rows in files:
            faults.add(
                "columns that cannot be told apart",
                rows.file_name,
                f"{why}. Put a header above the columns, with 'score' over the scores, or write "
                "one score a line; one file with scores and labels is read with --scores",
            )
        return [None] * len(files)
    for place, columns in figures.items():
        if place > chosen:
            for rows, values in zip(files, columns, strict=True):
                _check_label(rows, place, values, faults)
    if len(figures) > 1 or chosen != -1:
        others = ", ".join(_described(p, figures[p]) for p in sorted(figures) if p != chosen)
        notes.append(
            f"the score is taken from {_column(chosen)} of each line"
            + (f" ({why})" if why else "")
            + (f"; other numbers: {others}" if others else "")
        )
    for rows in files:
        notes += rows.says_distance(chosen)
        if not rows.even:
            widths = sorted({len(cells) for cells in rows.cells})
            notes.append(
                f"{rows.file_name}: has lines of {widths[0]} and of {widths[-1]} words; "
                f"{_column(chosen)} of each is read as its score"
            )
    return [chosen] * len(files)


def _named(rows: Rows) -> int | None:
    return next((rows.header.index(name) for name in SCORE_NAMES if name in rows.header), None)


Figures = dict[int, list[npt.NDArray[np.float64]]]


def _chosen(figures: Figures) -> tuple[int | None, str]:
    """Return the column of scores, counted from the end, and why; None where it cannot be told."""
    if not figures:
        return -1, ""
    if len(figures) == 1:
        (place,) = figures
        return place, "" if place == -1 else "the only number"
    fractions = [
        place
        for place, columns in figures.items()
        if any(np.any(values[~np.isnan(values)] % 1 != 0) for values in columns)
    ]
    if len(fractions) == 1:
        return fractions[0], "the only one with fractions"
    if fractions:
        if -1 in fractions:
            return -1, "the last of several numbers"
        return None, "its lines have several numbers with fractions, and the last number has none"
    if -1 not in figures:
        return None, "its lines have several numbers, and their last word is none"
    last = np.concatenate(figures[-1])
    if len(np.unique(last[~np.isnan(last)])) <= MOST_CODES and any(
        len(np.unique(np.concatenate(columns))) > len(np.unique(last))
        for place, columns in figures.items()
        if place != -1
    ):
        return None, "its lines have several whole numbers, and the last may be a label or a code"
    return -1, "the last of several numbers"


def _check_label(rows: Rows, place: int, values: npt.NDArray[np.float64], faults: Faults) -> None:
    """Refuse what stands behind the scores where it may change what they are."""
    known = np.unique(values[~np.isnan(values)])
    if len(known) > 1:
        faults.add(
            "columns that cannot be told apart",
            rows.file_name,
            f"{_column(place)} stands behind the scores and is {known[0]:g} on some lines and "
            f"{known[-1]:g} on others. Is it a label (then name the file with --scores, which "
            "splits it), or a return code (then put a header above it: score, returnCode)?",
        )


def _refuse_labels(files: Sequence[Rows], lists: Sequence[ScoreList], faults: Faults) -> None:
    """Refuse lines of a name and a word that is the same on all lines of each file."""
    if all(
        rows.width > 1 and len(found.scores) > 1 and len(set(found.scores)) == 1
        for rows, found in zip(files, lists, strict=True)
    ):
        for rows, found in zip(files, lists, strict=True):
            faults.add(
                "scores that are all equal",
                rows.file_name,
                f"every score is {found.scores[0]:g}, the last word of each line: that is a label "
                "or a return code; write one score a line if it is not",
            )


def _described(place: int, columns: Sequence[npt.NDArray[np.float64]]) -> str:
    constant = [values[0] for values in columns if len(np.unique(values)) == 1]
    if len(constant) < len(columns):
        return _column(place)
    values = " and ".join(f"{value:g}" for value in dict.fromkeys(constant))
    return f"{_column(place)}, which is {values} throughout (a label or a return code)"


def _column(place: int) -> str:
    """Return a column, counted from the end, in words.

    >>> _column(-1), _column(-2)
    ('the last column', 'the last column but one')
    """
    words = ("", " but one", " but two", " but three", " but four")
    return f"the last column{words[-place - 1] if -place <= len(words) else f' but {-place - 1}'}"
