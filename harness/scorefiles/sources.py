"""Which files an import reads, what format each is in, and the hash of what was read."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from harness.data.records import Fold
from harness.data.whole_files import digest_of
from harness.errors import UsageError, nearest
from harness.scorefiles.dialects import of_header, of_lines, separator_line
from harness.scorefiles.faults import Faults, TooManyFaults
from harness.scorefiles.lines import read_lines, sound

__all__ = ["Source", "find_sources", "form_of", "hash_files"]

OPTIONS: Mapping[str, str] = {
    "tatt-c": "a candidate list (`--candidates`) or a list of detections (`--detections`)",
    "nist": "a log of searches (`--candidates`) or of detections (`--detections`)",
    "csv": "a table (`--scores`, `--detections`)",
    "parquet": "a Parquet table (`--scores`)",
    "bob-4": "a score file of bob (`--scores`)",
    "bob-5": "a score file of bob (`--scores`)",
    "npy": "a NumPy matrix (`--scores`)",
    "nist-1to1": "a log of 1:1 comparisons (`--scores`)",
    "numbers": "a list of mated or of non-mated scores, which is read as a pair of such files",
}
"""What a file of each format is, and how it is read."""

NIST_PAIR_COLUMNS = ("enrollTempl", "verifTempl", "simScore", "returnCode")
"""Header of the log of NIST's 1:1 test driver."""

NIST_DETECTION_COLUMNS = ("image", "returnCode", "tattooDetected", "score", "boxes")
"""Header of a log of detections; its last column may be left out.

There stand the boxes of an image: left, top, width and height with commas between them, and
semicolons between boxes.
"""

LOOKED_AT = 50
"""Lines from which the format of a text is recognised."""

_MAGIC = {b"\x93NUMPY": "npy", b"PAR1": "parquet"}


@dataclass(frozen=True)
class Source:
    """A file with the folds that it speaks of.

    Parameters
    ----------
    path
        Of the file.
    file_name
        What messages call it.
    folds
        Numbers of the folds.
    """

    path: Path
    file_name: str
    folds: tuple[int, ...]


def find_sources(path: Path, folds: Sequence[Fold], faults: Faults) -> list[Source]:
    """Return the file, or the files of a folder: one per fold, named like it.

    ``candidates/1.txt`` speaks of fold 1. A folder is needed where files of several folds could
    not be told apart in one, as matrices cannot.

    Parameters
    ----------
    path
        File or folder.
    folds
        That are asked about.
    faults
        Where missing files go.
    """
    if not path.is_dir():
        return [Source(path, path.name, tuple(range(len(folds))))]
    found = []
    for number, fold in enumerate(folds):
        files = sorted(f for f in path.iterdir() if f.stem == fold.name and f.is_file())
        file_name = f"{path.name}/{fold.name}"
        if len(files) == 1:
            found.append(Source(files[0], f"{path.name}/{files[0].name}", (number,)))
        elif files:
            names = ", ".join(f.name for f in files)
            faults.add("several files of one fold", file_name, f"which of these is it: {names}?")
        else:
            faults.add("missing files", file_name, f"there is no file of fold {fold.name}")
    return found


def form_of(
    source: Source, requested_form: str | None, readable: Collection[str], faults: Faults
) -> str:
    """Return the format of a file, or an empty string after adding why it cannot be read.

    Parameters
    ----------
    source
        The file.
    requested_form
        Format that the user names; None to recognise it from the first bytes.
    readable
        Formats that are answers to what is asked.
    faults
        Where faults go.

    Raises
    ------
    UsageError
        If `requested_form` is not one of `readable`.
    """
    if requested_form is not None:
        if requested_form not in readable:
            raise UsageError(
                f"there is no format {requested_form!r} here.{nearest(requested_form, readable)} "
                f"Known: {', '.join(readable)}"
            )
        return requested_form if sound(source.path, source.file_name, faults) else ""
    if not sound(source.path, source.file_name, faults):
        return ""
    form = _seen_form(source, faults)
    if form and form not in readable:
        faults.add(
            "unexpected formats",
            source.file_name,
            f"is {OPTIONS[form]}; expected: {', '.join(readable)}",
        )
        return ""
    return form


def hash_files(paths: Iterable[Path]) -> str:
    """Return the SHA-256 of a file's bytes, or of the hashes and names of several."""
    digests = [(digest_of(path), path.name) for path in paths]
    if len(digests) == 1:
        return digests[0][0]
    lines = "".join(f"{digest}  {name}\n" for digest, name in digests)
    return hashlib.sha256(lines.encode("utf-8", "surrogateescape")).hexdigest()


def _seen_form(source: Source, faults: Faults) -> str:
    try:
        with source.path.open("rb") as file:
            start = file.read(8)
    except OSError as reason:
        faults.add("unreadable files", source.file_name, f"cannot be read: {reason.strerror}")
        return ""
    for magic, form in _MAGIC.items():
        if start.startswith(magic):
            return form
    aside = Faults()  # reading the file reports them again, with all others
    first: list[str] = []
    with suppress(TooManyFaults):
        lines = read_lines(source.path, source.file_name, aside)
        first = [text for _, text in islice(lines, LOOKED_AT)]
    form = _text_form(first) if first else ""
    if not form:
        what = "is in no format that is known" if first else "has no line of text"
        faults.add(
            "unexpected formats",
            source.file_name,
            f"{what}: expected a first line of one of {', '.join(OPTIONS)}",
        )
    return form


def _text_form(lines: Sequence[str]) -> str:
    """Tell the format from the first lines, of which there is one at least."""
    line = lines[0]
    if separator_line(line):
        return "csv"
    logged = (NIST_DETECTION_COLUMNS, NIST_DETECTION_COLUMNS[:-1])
    if line.startswith("searchId ") or tuple(line.split()) in logged:
        return "nist"
    if line.lower().split() == [name.lower() for name in NIST_PAIR_COLUMNS]:
        return "nist-1to1"
    header = of_header(line, ["score"])
    if header is not None and len(header.cells(line)) > 1:
        return "csv"
    if "|" in line:
        return "tatt-c"
    words = [text.split() for text in lines]
    if all(len(parts) == 4 and _scored(*parts[2:]) for parts in words):
        return "nist-1to1"  # whose probe would be a number with a fraction, as bob's
    columns = len(words[0])
    if columns in (4, 5):
        return f"bob-{columns}"
    if len(of_lines(lines).cells(line)) > 1 and columns < 3:
        return "csv"  # without its header, which its reader says
    return "numbers" if columns == 1 else ""


def _scored(score: str, code: str) -> bool:
    """Whether two words are a score with a fraction and a return code."""
    return bool(
        re.fullmatch(r"[-+]?\d*\.\d+(?:[eE][-+]?\d+)?", score) and re.fullmatch(r"1?\d", code)
    )
