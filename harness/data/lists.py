"""Text files of a data set: their lines with numbers, and what is wrong with their text.

Lists are UTF-8 with or without a byte order mark, with LF or CR LF, and need no line end at the
end. Space around a name and blank lines mean nothing.
"""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import NamedTuple

from harness.data.findings import Findings

__all__ = ["Line", "read_lines", "read_pairs", "read_text"]


class Line(NamedTuple):
    """One line that says something: its text without space around it, and ``file:line``."""

    text: str
    place: str


def read_text(path: Path, called: str, findings: Findings) -> str | None:
    """Return the text of a file, or None after adding the problem that prevents it.

    Parameters
    ----------
    path
        Of the file.
    called
        What messages call it: usually its path relative to the data set.
    findings
        Where problems go.
    """
    raw = _bytes(path, called, findings)
    if raw is None:
        return None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as fault:
        line = raw.count(b"\n", 0, fault.start) + 1
        findings.problem(
            "text that is not UTF-8",
            f"{called}:{line}: is not UTF-8 text; save it as UTF-8 (in Excel: 'CSV UTF-8')",
        )
        return None


def read_lines(path: Path, called: str, findings: Findings) -> list[Line]:
    """Return the lines of a list that say something; undecodable ones become problems.

    Parameters are those of `read_text`.
    """
    raw = _bytes(path, called, findings)
    if raw is None:
        return []
    lines: list[Line] = []
    unified = raw.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    for number, line in enumerate(unified.split(b"\n"), start=1):
        place = f"{called}:{number}"
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
    path: Path, called: str, findings: Findings, *, form: str
) -> list[tuple[str, str, str]]:
    """Return (left, right, place) of the lines ``left|right`` of a file.

    Lines of another form and second copies of a line become problems. Parameters are those of
    `read_text`, and `form`, which messages quote: what a line should look like.
    """
    pairs: list[tuple[str, str, str]] = []
    first: dict[tuple[str, str], str] = {}
    for text, place in read_lines(path, called, findings):
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


def _bytes(path: Path, called: str, findings: Findings) -> bytes | None:
    try:
        if not path.is_file():
            findings.problem("missing lists", f"{called}: there is no such file")
            return None
        raw = path.read_bytes()
    except OSError as fault:
        findings.problem("unreadable lists", f"{called}: cannot be read: {fault.strerror}")
        return None
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        findings.problem("text that is not UTF-8", f"{called}: is UTF-16; save it as UTF-8")
        return None
    return raw
