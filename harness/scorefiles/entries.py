"""Lines of candidate lists: those of Tatt-C and NIST's logs of 1:N searches.

==========  ==================================================================================
format      a line
==========  ==================================================================================
Tatt-C      ``probe|rank|gallery|score``, rank from 1
NIST        ``searchId candidateRank searchRetCode isAssigned templateId score decision`` under
            a header with these names, rank from 0; the last column may be absent
==========  ==================================================================================

A null candidate has no gallery name (Tatt-C) or is not assigned (NIST). In Tatt-C lists an empty
score marks a reference that failed and is listed last.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from harness.errors import some
from harness.scorefiles.faults import Faults, quoted
from harness.scorefiles.lines import finite_number, read_lines
from harness.scorefiles.sources import Source

__all__ = ["NIST_COLUMNS", "RETURN_CODES", "Entry", "describe_code", "read_nist", "read_tatt_c"]

RETURN_CODES = (
    *("Success", "ConfigError", "ImageTypeNotSupported", "RefuseInput", "ExtractError"),
    *("ParseError", "TemplateCreationError", "EnrollDirError", "NumDataError"),
    *("TemplateFormatError", "InputLocationError", "VendorError", "NotImplemented"),
)
"""Names of the return codes of NIST's tattoo API, from 0."""

NIST_COLUMNS = (
    *("searchId", "candidateRank", "searchRetCode", "isAssigned", "templateId", "score"),
    "decision",
)


class Entry(NamedTuple):
    """One line of a candidate list.

    Parameters
    ----------
    line
        Its number, from 1.
    place
        ``file:line``.
    probe
        As written.
    rank
        From 1, also where the file counts from 0.
    reference
        As written; None for a null candidate.
    score
        Finite, or ``-inf`` where the reference failed.
    code
        Return code of the search; None where the format has none.
    """

    line: int
    place: str
    probe: str
    rank: int
    reference: str | None
    score: float
    code: int | None = None


def read_tatt_c(source: Source, faults: Faults) -> Iterator[Entry]:
    """Yield the lines of a candidate list of Tatt-C.

    Parameters
    ----------
    source
        The file.
    faults
        Where faults go.
    """
    for number, text in read_lines(source.path, source.file_name, faults):
        place = f"{source.file_name}:{number}"
        parts = [part.strip() for part in text.split("|")]
        if len(parts) != 4 or not parts[0]:
            faults.add(
                "malformed lines",
                place,
                f"{quoted(text)} is not of the form probe|rank|gallery|score",
            )
            continue
        probe, rank, reference, score = parts
        try:
            position = _whole(rank, "rank")
            value = finite_number(score) if score else float("-inf")
        except ValueError as reason:
            faults.add("ranks and scores that are no numbers", place, str(reason))
            continue
        yield Entry(number, place, probe, position, reference or None, value)


def read_nist(source: Source, faults: Faults) -> Iterator[Entry]:
    """Yield the lines of a log of 1:N searches; parameters as for `read_tatt_c`."""
    lines = read_lines(source.path, source.file_name, faults)
    number, text = next(lines, (1, ""))
    header = tuple(text.split())
    if header not in (NIST_COLUMNS, NIST_COLUMNS[:-1]):
        faults.add(
            "wrong headers", f"{source.file_name}:{number}", f"is not {' '.join(NIST_COLUMNS)}"
        )
        return
    for number, text in lines:
        place = f"{source.file_name}:{number}"
        parts = text.split()
        # A null candidate may have an empty templateId, which leaves two spaces.
        if len(parts) == len(header) - 1 and parts[3] == "0":
            parts.insert(4, "")
        if len(parts) != len(header):
            faults.add(
                "malformed lines",
                place,
                f"has {some(len(parts), 'column')}, the header {len(header)}",
            )
            continue
        probe, rank, code_text, assigned, reference, score = parts[:6]
        try:
            position, code = _whole(rank, "rank") + 1, _whole(code_text, "return code")
            value = finite_number(score) if assigned == "1" else float("-inf")
        except ValueError as reason:
            faults.add("ranks and scores that are no numbers", place, str(reason))
            continue
        if code >= len(RETURN_CODES):
            faults.add("unknown values", place, f"there is no return code {code}")
        elif assigned not in ("0", "1"):
            faults.add("unknown values", place, f"isAssigned is {quoted(assigned)}, not 0 or 1")
        elif code and assigned == "1":
            faults.add(
                "contradictions",
                place,
                f"lists a candidate of a search that failed ({describe_code(code)})",
            )
        else:
            found = reference if assigned == "1" else None
            yield Entry(number, place, probe, position, found, value, code)


def describe_code(code: int) -> str:
    """Return a return code with its name.

    >>> describe_code(4)
    'return code 4, ExtractError'
    """
    return f"return code {code}, {RETURN_CODES[code]}"


def _whole(text: str, what: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise ValueError(f"the {what} {quoted(text)} is not a whole number from 0")
    return int(text)
