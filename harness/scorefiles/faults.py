"""Everything that is wrong with score files, in one list with line numbers, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterable

from harness.data.findings import Finding, Findings
from harness.errors import DataError, nearest

__all__ = ["MOST_FAULTS", "Faults", "TooManyFaults", "quoted"]

MOST_FAULTS = 1000
"""Faults after which reading stops: a file of another kind has one in each of its lines."""

LONGEST_QUOTE = 80
SUGGESTIONS = 5


class TooManyFaults(Exception):
    """Reading has found `MOST_FAULTS` faults and stops."""


class Faults:
    """What is wrong with the files of one import, in the order of the files.

    Attributes
    ----------
    count
        Of the faults so far.
    """

    def __init__(self) -> None:
        self._findings = Findings()
        self.count = 0
        self._suggested = 0

    def add(self, kind: str, place: str, sentence: str) -> None:
        """Add one fault.

        Parameters
        ----------
        kind
            A few words in the plural; faults of one kind are listed together.
        place
            ``file:line``, or ``file`` where it is about the whole.
        sentence
            Continues the place.

        Raises
        ------
        TooManyFaults
            If there are so many that reading on is of no use.
        """
        self._findings.problem(kind, f"{place}: {sentence}")
        self.count += 1
        if self.count >= MOST_FAULTS:
            raise TooManyFaults

    def unknown(self, place: str, what: str, name: str, known: Iterable[str]) -> None:
        """Add a name that nothing has, with the nearest that something has.

        Parameters
        ----------
        place
            As for `add`.
        what
            The name is not, with its article: ``a probe``.
        name, known
            What is written, and what could have been meant.
        """
        hint = ""
        if self._suggested < SUGGESTIONS and len(name) <= 4 * LONGEST_QUOTE:
            # The search is slow, and one wrong folder name can make every line wrong.
            like = [other for other in known if other.casefold() == name.casefold()]
            hint = nearest(name, like or known)
            self._suggested += 1
        self.add("unknown names", place, f"{quoted(name)} is not {what}.{hint}")

    def stop_if_any(self, summary: str) -> None:
        """Raise `DataError` with all faults, if there are any.

        Parameters
        ----------
        summary
            One sentence that says what cannot be done.
        """
        if self._findings.problems:
            found = list(self._findings.all)
            if self.count >= MOST_FAULTS:
                stopped = f"reading stopped after {MOST_FAULTS:,} problems"
                found.append(Finding("too-many-problems", "problem", stopped))
            raise DataError(summary, found)


def quoted(text: str) -> str:
    """Return untrusted text as a message may quote it: escaped, and not long.

    >>> quoted("a.png")
    "'a.png'"
    >>> len(quoted("x" * 1000))
    83
    """
    return repr(text if len(text) <= LONGEST_QUOTE else text[:LONGEST_QUOTE] + "…")
