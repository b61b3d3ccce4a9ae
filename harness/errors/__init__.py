"""What the harness says when it cannot go on, and the exit code that goes with it."""

from __future__ import annotations

import difflib
import errno
import os
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from pathlib import Path


class Remark(Protocol):
    """What was found about data (`harness.data.findings.Finding`): a problem or a warning."""

    @property
    def severity(self) -> str:
        """Whether it stops a run: ``problem``, or ``warning``."""

    @property
    def text(self) -> str:
        """One sentence."""


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
        One line each, or findings, of which the problems get a line.
    """

    def __init__(self, summary: str, problems: Sequence[str | Remark] = ()) -> None:
        self.found = tuple(problems)
        self.problems = tuple(
            one if isinstance(one, str) else one.text
            for one in problems
            if isinstance(one, str) or one.severity == "problem"
        )
        super().__init__("\n".join([summary, *(f"  - {problem}" for problem in self.problems)]))


class PluginError(HarnessError):
    """An algorithm file that cannot be imported or does not keep to the interface."""

    exit_code = 3


class RunFailed(HarnessError):
    """An algorithm that crashed, hung, was killed or returned something impossible."""

    exit_code = 3


class Damaged(HarnessError):
    """A run folder whose files do not agree with each other."""

    exit_code = 3


class BadFile(Damaged):
    """A file of a run folder that is missing, of another kind or type, or too large.

    Parameters
    ----------
    path
        Of the file.
    fault
        What is wrong and what was expected; it continues a sentence that starts with the path.
    place
        Where in the file, such as ``$.folds[0].name``.
    """

    def __init__(self, path: Path, fault: str, place: str = "") -> None:
        self.path, self.fault, self.place = path, fault, place
        where = f" at {place}:" if place else ""
        super().__init__(visible(f"{path}:{where} {fault}"))


class Unwritable(HarnessError):
    """A file, folder or stream that could not be written."""

    exit_code = 3


class NotComparable(HarnessError):
    """Runs that do not answer the same question on the same data, or share nothing to compare."""

    exit_code = 4


_ADVICE = {
    errno.ENOSPC: "make room and give the same command again",
    errno.EDQUOT: "make room and give the same command again",
    errno.EFBIG: "files may not be that large here; ask for less, or raise the limit (ulimit -f)",
    errno.EACCES: "choose a place that you may write to, or change its permissions",
    errno.EPERM: "choose a place that you may write to, or change its permissions",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOTDIR: "what is named as a folder is a file",
    errno.EEXIST: "what is named as a folder is a file",
    errno.EISDIR: "what is named as a file is a folder",
}


def sentence_of(reason: OSError) -> str:
    """Return what the system would not do, with what to do about it where that is known.

    >>> sentence_of(OSError(errno.ENOSPC, "No space left on device", "runs/scores.npy"))
    'runs/scores.npy: No space left on device; make room and give the same command again'
    """
    place = "" if reason.filename is None else f"{os.fsdecode(reason.filename)}: "
    advice = _ADVICE.get(reason.errno or 0, "")
    return f"{place}{reason.strerror or reason}{'; ' if advice else ''}{advice}"


_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def text_of(thing: object, length: int) -> str:
    r"""Return at most `length` characters of whatever somebody's code raised or wrote.

    Nothing in it can fail to be stored, or steer a terminal.

    >>> text_of("red \x1b[31m \ud800", 40)
    'red \\x1b[31m \\ud800'
    >>> text_of("aaaaaaaaaa", 8)
    'aaaa ...'
    """
    try:
        whole = str(thing)
    except BaseException:  # it is their code that runs here
        whole = "(a text that cannot be shown)"
    whole = whole if len(whole) <= length else f"{whole[: length - 4]} ..."
    plain = whole.encode("utf-8", "backslashreplace").decode()
    return _UNSEEN.sub(lambda found: f"\\x{ord(found[0]):02x}", plain)


LONGEST_SENTENCE = 1000
"""Characters of one sentence about a file; what it quotes from the file may be longer."""


def shortened(text: str, length: int = LONGEST_SENTENCE) -> str:
    """Return a text of at most `length` characters: its beginning, which says where, and its end.

    >>> shortened("list.csv:3: 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' is absent", 36)
    "list.csv:3: 'aaaaaa ... a' is absent"
    """
    if len(text) <= length:
        return text
    end = length // 3
    return f"{text[: length - end - 5]} ... {text[-end:]}"


def visible(text: str) -> str:
    r"""Return a text on one line, with what cannot be seen written out.

    >>> visible("a\tb\x1b[31m")
    'a\\x09b\\x1b[31m'
    """
    return "".join(c if c.isprintable() else _written(ord(c)) for c in text)


def visible_lines(text: str) -> str:
    """Return a text of several lines with what cannot be seen in them written out."""
    return "\n".join(map(visible, text.split("\n")))


def _written(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def nearest(name: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the closest known name, or an empty string.

    >>> nearest("triplit", ["triplet", "sift"])
    " Did you mean 'triplet'?"
    """
    close = difflib.get_close_matches(name, list(known), n=1)
    return f" Did you mean {close[0]!r}?" if close else ""


def some(number: int, one: str, many: str = "") -> str:
    """Return a number of things, such as ``1 probe`` or ``3 searches``, in every sentence of ours.

    Parameters
    ----------
    number
        From 0.
    one, many
        The things where there is one and where there are others (`one` with an s unless given); a
        verb may stand behind them.

    Examples
    --------
    >>> some(1, "probe"), some(2, "search", "searches"), some(1200, "image")
    ('1 probe', '2 searches', '1,200 images')
    >>> some(1, "mask is white", "masks are white")
    '1 mask is white'
    """
    return f"{number:,} {one if number == 1 else many or f'{one}s'}"
