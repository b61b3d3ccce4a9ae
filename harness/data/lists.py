"""Text files of a data set: their lines with numbers, and what is wrong with their text.

Lists are UTF-8 with or without a byte order mark, with LF or CR LF, and need no line end at the
end. Space around a name and blank lines mean nothing.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from harness.data.findings import Findings

__all__ = ["Line", "read_lines", "read_pairs", "read_text"]


class Line(NamedTuple):
    """One line that says something: its text without space around it, and ``file:line``."""

    text: str
    place: str


def read_text(
    path: Path, file_name: str, findings: Findings, exists: Callable[[str], bool] | None = None
) -> str | None:
    """Return the text of a file, or None after adding the problem that prevents it.

    UTF-16 is read, as Excel's "Unicode text" is. Text in one of the alphabets that spreadsheets
    of Windows and of old Macs write (`_ALPHABETS`) is read where it may be, and that is said.

    Parameters
    ----------
    path
        Of the file.
    file_name
        What messages call it: usually its path relative to the data set.
    findings
        Where problems go.
    exists
        Says whether there is a file of a name. What is given here allows other alphabets, and the
        one in which most names are those of files is taken.
    """
    raw = _bytes(path, file_name, findings)
    if raw is None:
        return None
    wide = _wide(raw)
    try:
        return raw.decode(wide or "utf-8-sig").removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        if wide:
            findings.problem(
                "text that is not UTF-8", f"{file_name}: is damaged UTF-16; save it as UTF-8"
            )
            return None
        start = fault.start
    line = raw.count(b"\n", 0, start) + 1
    save = "save it as UTF-8 (in Excel: 'CSV UTF-8')"
    alphabet = None if exists is None or _UTF8.search(raw) else _alphabet(raw, exists)
    if alphabet is None:
        findings.problem("text that is not UTF-8", f"{file_name}:{line}: is not UTF-8 text; {save}")
        return None
    text = raw.decode(alphabet)
    sample = max(re.findall(r"[\w ]+", text[max(0, start - 20) : start + 20]), key=_beyond)
    findings.warning(
        "text that is not UTF-8",
        f"{file_name}:{line}: is not UTF-8 text, and is read as {_ALPHABETS[alphabet]}: "
        f"{sample.strip()!r}; {save} if that is not what it says",
    )
    return text


_ALPHABETS = {"cp1252": "Windows-1252", "mac_roman": "Mac Roman"}

_UTF8 = re.compile(rb"[\xc3-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
"""Letters of UTF-8: where they stand beside others, a file was put together from two."""


def _wide(raw: bytes) -> str | None:
    """Return the UTF-16 that bytes are in, with a byte order mark or without; None for others."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    if len(raw) >= 4 and not len(raw) % 2:
        if raw[1] == raw[3] == 0 != raw[0]:
            return "utf-16-le"
        if raw[0] == raw[2] == 0 != raw[1]:
            return "utf-16-be"
    return None


def _alphabet(raw: bytes, exists: Callable[[str], bool]) -> str | None:
    """Return the alphabet of a text: the one in which most names are files, or that of Windows."""
    best, most = None, -1
    for alphabet in _ALPHABETS:
        try:
            cells = re.split(r"[;,\t\"\r\n]", raw.decode(alphabet))
        except UnicodeDecodeError:
            continue
        there = sum(exists(cell.strip()) for cell in set(cells) if _beyond(cell))
        if there > most and (there or alphabet == "cp1252"):
            best, most = alphabet, there
    return best


def _beyond(text: str) -> int:
    return sum(not one.isascii() for one in text)


def read_lines(path: Path, file_name: str, findings: Findings) -> list[Line]:
    """Return the lines of a list that say something; undecodable ones become problems.

    Parameters are those of `read_text`.
    """
    raw = _bytes(path, file_name, findings)
    if raw is None:
        return []
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        findings.problem("text that is not UTF-8", f"{file_name}: is UTF-16; save it as UTF-8")
        return []
    lines: list[Line] = []
    unified = raw.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, line in enumerate(unified.split(b"\n"), start=1):
        place = f"{file_name}:{number}"
        try:
            text = line.decode("utf-8").strip()
        except UnicodeDecodeError:
            readable = line.decode("utf-8", errors="replace").strip()
            findings.problem("text that is not UTF-8", f"{place}: {readable!r} is not UTF-8 text")
            continue
        if text:
            lines.append(Line(text, place))
    return lines


def read_pairs(
    path: Path, file_name: str, findings: Findings, *, form: str
) -> list[tuple[str, str, str]]:
    """Return (left, right, place) of the lines ``left|right`` of a file.

    Lines of another form and second copies of a line become problems. Parameters are those of
    `read_text`, and `form`, which messages quote: what a line should look like.
    """
    pairs: list[tuple[str, str, str]] = []
    first: dict[tuple[str, str], str] = {}
    for text, place in read_lines(path, file_name, findings):
        left, bar, right = (part.strip() for part in text.partition("|"))
        if not (left and bar and right) or "|" in right:
            findings.problem("malformed lines", f"{place}: {text!r} is not of the form {form}")
        elif (left, right) in first:
            earlier = first[left, right]
            findings.problem("duplicate lines", f"{place}: {text!r} is already at {earlier}")
        else:
            first[left, right] = place
            pairs.append((left, right, place))
    return pairs


def _bytes(path: Path, file_name: str, findings: Findings) -> bytes | None:
    try:
        if not path.is_file():
            findings.problem("missing lists", f"{file_name}: there is no such file")
            return None
        raw = path.read_bytes()
    except OSError as fault:
        findings.problem("unreadable lists", f"{file_name}: cannot be read: {fault.strerror}")
        return None
    return raw
