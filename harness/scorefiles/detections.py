"""Scores of images made elsewhere as answers to a detection protocol (``--detections``).

=========  =========================================================================
format     a line
=========  =========================================================================
Tatt-C     ``image|score``
CSV        columns ``image`` and ``score`` under a header; ``;``, tabs, decimal commas
NIST       ``image returnCode tattooDetected score``, perhaps with ``boxes`` after
           them, under a header with these names
=========  =========================================================================

An empty score says that the image could not be used, as does leaving it out, or a return code.
Boxes are looked at for their form, and go no further: nothing is judged by them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from harness.data.records import Fold, Record
from harness.scorefiles.comparisons import read_table
from harness.scorefiles.dialects import Numbers
from harness.scorefiles.entries import RETURN_CODES
from harness.scorefiles.faults import Faults, quoted
from harness.scorefiles.imported import Imported
from harness.scorefiles.lines import read_lines
from harness.scorefiles.reading import Part, read_files
from harness.scorefiles.sources import NIST_DETECTION_COLUMNS, Source
from harness.tasks.answers import Answer

__all__ = ["DETECTION_FORMS", "read_detections"]

_BOXES = re.compile(r"(\d+,){3}\d+(;(\d+,){3}\d+)*")

DETECTION_FORMS = ("tatt-c", "csv", "nist")
"""Formats that `read_detections` reads."""


def read_detections(
    path: Path,
    folds: Sequence[Fold],
    records: Mapping[str, Record] | None = None,
    *,
    form: str | None = None,
) -> Imported:
    """Read one score per image, higher where a tattoo is more likely.

    An image without a score is a failure and is named: a wrong decision, whatever it shows.

    Parameters
    ----------
    path
        A file, or a folder with one file per fold, named like the fold (``1.txt``).
    folds
        Of the protocol.
    records
        Of the data set: names that are known though not asked about.
    form
        One of `DETECTION_FORMS`; otherwise it is recognised from the first line.

    Returns
    -------
    Imported
        Answers with float64 scores of shape (images,), NaN where an image failed.

    Raises
    ------
    DataError
        With every fault of the files, by line.
    UsageError
        If `form` is none.
    """
    return read_files(path, folds, records, form, DETECTION_FORMS, _read)


def _read(part: Part) -> tuple[list[Answer], list[Path]]:
    source, names, folds = part.source, part.names, part.folds
    scores = [np.full(len(fold.probes), np.nan) for fold in folds]
    first: dict[str, str] = {}
    faults = names.faults
    numbers = Numbers()
    for place, image, text in _images(part):
        try:
            score = numbers.read(text) if text else np.nan
        except ValueError as reason:
            faults.add("scores that are no numbers", place, str(reason))
            continue
        for fold, row in names.probe(image, place):
            name = folds[fold].probes[row]
            if first.setdefault(name, place) != place:
                faults.add("duplicates", place, f"{name!r} has a score at {first[name]} too")
                continue
            scores[fold][row] = score
    if numbers.with_comma:
        part.notes.append(f"{source.file_name}: read with decimal commas")
    answers = [
        Answer(
            column,
            {
                fold.probes[i]: f"no score in {source.file_name}: a wrong decision"
                for i in np.flatnonzero(np.isnan(column))
            },
        )
        for fold, column in zip(folds, scores, strict=True)
    ]
    return answers, [source.path]


def _images(part: Part) -> Iterator[tuple[str, str, str]]:
    """Yield place, image and score of every line, as written."""
    source, faults = part.source, part.names.faults
    if part.form == "csv":
        columns = ("image", "score")
        for _, place, (image, score) in read_table(source, columns, faults, part.notes):
            yield place, image, score
        return
    if part.form == "nist":
        yield from _logged(source, faults)
        return
    for number, text in read_lines(source.path, source.file_name, faults):
        place = f"{source.file_name}:{number}"
        image, bar, score = (part.strip() for part in text.partition("|"))
        if not (image and bar) or "|" in score:
            faults.add("malformed lines", place, f"{quoted(text)} is not of the form image|score")
            continue
        yield place, image, score


def _logged(source: Source, faults: Faults) -> Iterator[tuple[str, str, str]]:
    """Yield place, image and score of every line of a log; no score where a call failed."""
    lines = read_lines(source.path, source.file_name, faults)
    next(lines, None)
    for number, text in lines:
        place = f"{source.file_name}:{number}"
        parts = text.split()
        most = len(NIST_DETECTION_COLUMNS)
        if len(parts) not in (most - 1, most):
            what = f"{quoted(text)} is not of the form {' '.join(NIST_DETECTION_COLUMNS)}"
            faults.add("malformed lines", place, what)
            continue
        image, code, detected, score, *boxes = parts
        if boxes and not _BOXES.fullmatch(boxes[0]):
            what = f"{quoted(boxes[0])} is no list of boxes: left,top,width,height;..."
            faults.add("malformed lines", place, what)
        elif code not in map(str, range(len(RETURN_CODES))):
            faults.add("unknown values", place, f"there is no return code {quoted(code)}")
        elif code != "0":
            yield place, image, ""
        elif detected not in ("0", "1"):
            what = f"tattooDetected is {quoted(detected)}, not 0 or 1"
            faults.add("unknown values", place, what)
        elif _says_otherwise(detected, score):
            what = f"the score {score} and tattooDetected {detected} disagree: from 0.5 on it is 1"
            faults.add("contradictions", place, what)
        else:
            yield place, image, score


def _says_otherwise(detected: str, score: str) -> bool:
    try:
        return (float(score) >= 0.5) != (detected == "1")
    except ValueError:
        return False  # which is said of scores in any format
