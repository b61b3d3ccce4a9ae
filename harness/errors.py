"""What the harness says when it cannot go on, and the exit code that goes with it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence


class HarnessError(Exception):
    """An error whose message is all a user needs: what is wrong, where, and what to do next.

    The command line prints it without a traceback and exits with `exit_code`.
    """

    exit_code = 2


class UsageError(HarnessError):
    """A wrong name, option, parameter or protocol: something in what the user typed or wrote."""


class DataError(HarnessError):
    """A data set that cannot be evaluated; carries every problem found, not just the first.

    Parameters
    ----------
    summary
        One sentence.
    problems
        One line each.
    """

    def __init__(self, summary: str, problems: Sequence[str] = ()) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join([summary, *(f"  - {problem}" for problem in problems)]))


class PluginError(HarnessError):
    """An algorithm file that cannot be imported or does not keep to the interface."""

    exit_code = 3


class RunFailed(HarnessError):
    """An algorithm that crashed, hung, was killed or returned something impossible."""

    exit_code = 3


class Damaged(HarnessError):
    """A run folder whose files do not agree with each other."""

    exit_code = 3


class NotComparable(HarnessError):
    """Runs that do not answer the same question on the same data, or share nothing to compare."""

    exit_code = 4


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty string.

    >>> nearest("triplit", ["triplet", "sift"])
    " Did you mean 'triplet'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""
