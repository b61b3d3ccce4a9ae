"""What is wrong with a data set, gathered in one list that stays short enough to read."""

from __future__ import annotations

__all__ = ["SHOWN", "Findings"]

SHOWN = 10
"""Sentences shown of one kind; the rest are counted."""


class Findings:
    """Problems, which stop a run before it starts, and warnings, which do not."""

    def __init__(self) -> None:
        self._problems: dict[str, list[str]] = {}
        self._warnings: dict[str, list[str]] = {}

    def problem(self, kind: str, sentence: str) -> None:
        """Add a problem; those of one kind are listed together.

        Parameters
        ----------
        kind
            Of the problem, a few words in the plural, such as ``missing files``.
        sentence
            What is wrong and where: ``file:line`` where that is known.
        """
        self._problems.setdefault(kind, []).append(sentence)

    def warning(self, kind: str, sentence: str) -> None:
        """Add something odd that does not stop a run; parameters as for `problem`."""
        self._warnings.setdefault(kind, []).append(sentence)

    def take(self, other: Findings) -> None:
        """Add all that other findings hold."""
        for kind, sentences in other._problems.items():
            self._problems.setdefault(kind, []).extend(sentences)
        for kind, sentences in other._warnings.items():
            self._warnings.setdefault(kind, []).extend(sentences)

    @property
    def problems(self) -> tuple[str, ...]:
        """Sentences in the order in which their kinds were first met."""
        return _shortened(self._problems)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Sentences in the order in which their kinds were first met."""
        return _shortened(self._warnings)


def _shortened(found: dict[str, list[str]]) -> tuple[str, ...]:
    lines: list[str] = []
    for kind, sentences in found.items():
        # One more line costs no more than the line that would stand for it.
        shown = sentences if len(sentences) <= SHOWN + 1 else sentences[:SHOWN]
        lines += shown
        if len(shown) < len(sentences):
            lines.append(f"... and {len(sentences) - len(shown):,} more like this ({kind})")
    return tuple(lines)
