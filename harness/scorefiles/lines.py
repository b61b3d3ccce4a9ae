"""Text of score files: lines with their numbers, and the numbers and columns in them.

Files are UTF-8 with or without a byte order mark, with LF or CR LF. They are untrusted: what
is not a regular file is not opened, and no line is read that is longer than any honest one.
"""

from __future__ import annotations

import codecs
import math
import re
import stat
from collections.abc import Iterator
from pathlib import Path

from harness.scorefiles.faults import Faults, quoted

__all__ = [
    "LARGEST_FILE",
    "LONGEST_LINE",
    "finite_number",
    "read_lines",
    "sound",
]

LARGEST_FILE = 4 << 30
"""Bytes of the largest file read: some hundred million lines."""

LONGEST_LINE = 1 << 14
"""Bytes of the longest line read; two paths and a number are far below."""

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")
_SPREADSHEETS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def sound(path: Path, file_name: str, faults: Faults) -> bool:
    """Return whether a path is a file of a size that is read; add the fault if it is not.

    Parameters
    ----------
    path
        Of the file.
    file_name
        What messages call it.
    faults
        Where faults go.
    """
    try:
        status = path.stat()
    except (OSError, ValueError) as reason:
        why = getattr(reason, "strerror", None) or reason
        faults.add("unreadable files", file_name, f"cannot be read: {why}")
        return False
    if not stat.S_ISREG(status.st_mode):  # opening a pipe would wait for ever
        faults.add("unreadable files", file_name, "is not a file")
    elif status.st_size > LARGEST_FILE:
        size = f"{status.st_size:,} bytes; at most {LARGEST_FILE:,} are read"
        faults.add("unreadable files", file_name, f"has {size}")
    elif status.st_size == 0:
        faults.add("unreadable files", file_name, "is empty")
    else:
        return True
    return False


def read_lines(path: Path, file_name: str, faults: Faults) -> Iterator[tuple[int, str]]:
    """Yield the lines that say something, with their numbers from 1; add what is wrong with others.

    Spaces around a line and blank lines mean nothing; tabs may be empty cells. Parameters are those
    of `sound`.
    """
    if not sound(path, file_name, faults):
        return
    try:
        with path.open("rb") as file:
            number = 0
            while raw := file.readline(LONGEST_LINE + 1):
                number += 1
                if number == 1:
                    if raw.startswith(_UTF16):
                        faults.add("unreadable files", file_name, "is UTF-16; save it as UTF-8")
                        return
                    if raw.startswith(_SPREADSHEETS):
                        what = "is a spreadsheet or archive; save it as 'CSV UTF-8'"
                        faults.add("unreadable files", file_name, what)
                        return
                    raw = raw.removeprefix(codecs.BOM_UTF8)
                if len(raw) > LONGEST_LINE:
                    # What follows has no line number any more.
                    faults.add(
                        "long lines",
                        f"{file_name}:{number}",
                        f"is longer than {LONGEST_LINE:,} bytes; reading stopped here",
                    )
                    return
                text = _decoded(raw, f"{file_name}:{number}", faults)
                if text:
                    yield number, text
    except OSError as reason:
        faults.add("unreadable files", file_name, f"cannot be read: {reason.strerror or reason}")


def finite_number(text: str) -> float:
    """Return the number that a text is.

    Raises
    ------
    ValueError
        If it is no number, or not a finite one; the message continues the place of the text.

    Examples
    --------
    >>> finite_number("1e-3")
    0.001
    >>> finite_number("1e400")
    Traceback (most recent call last):
        ...
    ValueError: the score '1e400' is not finite
    """
    try:
        # `float` takes digits of every script, and 1_000.
        number = float(text) if text.isascii() and "_" not in text else None
    except ValueError:
        number = None
    if number is None:
        raise ValueError(f"the score {quoted(text)} is not a number")
    if not math.isfinite(number):
        raise ValueError(f"the score {quoted(text)} is not finite")
    return number


def _decoded(raw: bytes, place: str, faults: Faults) -> str:
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        faults.add("text that is not UTF-8", place, "is not UTF-8 text")
        return ""
    # A tab at the end of a line is an empty cell.
    text = text.strip(" \r\n") if text.strip() else ""
    if "\r" in text:
        faults.add("control characters", place, "ends its lines with CR alone; save it with LF")
        return ""
    if not text.isprintable() and _CONTROL.search(text):
        faults.add("control characters", place, f"{quoted(text)} contains a control character")
        return ""
    return text
