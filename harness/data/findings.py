"""Findings: what is wrong or odd with data or a run, in one form from readers to reports.

Readers and checks gather them in `Findings`; a data set, a manifest and every page carry them as
`Finding`. A problem stops a run before it starts; a warning is said and kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

import msgspec

from harness.errors import shortened

__all__ = ["SHOWN", "Finding", "Findings", "once"]

SHOWN = 10
"""Sentences kept of one kind; the rest are counted."""

Severity = Literal["problem", "warning"]


class Finding(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing that a reader of the numbers, or whoever starts the run, has to know.

    Parameters
    ----------
    code
        Of its kind: lower-case words joined by hyphens, such as ``missing-files``. It is stable, so
        that programs can look for it.
    severity
        ``problem``: no run starts; ``warning``: it is said and kept.
    text
        One sentence: what, where, and what to do if there is something to do.
    count
        Cases that the sentence stands for.
    """

    code: str
    severity: Severity
    text: str
    count: int = 1


class Findings:
    """Gathers findings; of each kind the first `SHOWN` keep their sentences."""

    def __init__(self) -> None:
        self._found: dict[tuple[Severity, str], list[str]] = {}

    def problem(self, kind: str, sentence: str) -> None:
        """Add a problem; those of one kind are listed together.

        Parameters
        ----------
        kind
            Of the problem, a few words in the plural, such as ``missing files``; its code follows
            from them.
        sentence
            What is wrong and where: ``file:line`` where that is known.
        """
        self._found.setdefault(("problem", kind), []).append(shortened(sentence))

    def warning(self, kind: str, sentence: str) -> None:
        """Add something odd that does not stop a run; parameters as for `problem`."""
        self._found.setdefault(("warning", kind), []).append(shortened(sentence))

    def take(self, other: Findings) -> None:
        """Add all that other findings hold."""
        for key, sentences in other._found.items():
            self._found.setdefault(key, []).extend(sentences)

    @property
    def all(self) -> tuple[Finding, ...]:
        """All of them, in the order in which their kinds were first met."""
        found: list[Finding] = []
        for (severity, kind), sentences in self._found.items():
            code = kind.lower().replace(" ", "-")
            # One more line costs no more than the line that would stand for it.
            shown = sentences if len(sentences) <= SHOWN + 1 else sentences[:SHOWN]
            found += [Finding(code, severity, sentence) for sentence in shown]
            rest = len(sentences) - len(shown)
            if rest:
                text = f"... and {rest:,} more like this ({kind})"
                found.append(Finding(code, severity, text, rest))
        return tuple(found)

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences of the problems."""
        return tuple(one.text for one in self.all if one.severity == "problem")

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences of the warnings."""
        return tuple(one.text for one in self.all if one.severity == "warning")


def once(findings: Iterable[Finding]) -> list[Finding]:
    """Return findings in their order, each a single time."""
    return list(dict.fromkeys(findings))
