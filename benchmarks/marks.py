"""Marks in documents: which figure stands there, so that it can be checked and written anew.

In a line, right after the figure::

    .688<!-- figure similarity/triplet hit-rate@rank=10 value -->

A kind is ``value``, ``chance``, ``range`` (``.621 to .757``), ``dash`` (``.621-.757``),
``brackets`` (``[.621, .757]``) or ``full`` (value and brackets), perhaps with a number of digits:
``value.1``.
With ``counts`` in the place of a metric, the kind is the name of a count.

Before a block of code or a table, what the command of that name prints, or the lines of it whose
first words are named::

    <!-- output similarity/triplet -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["names_in", "rendered", "rewritten"]

Figures = Mapping[str, Mapping[str, Any]]
"""By name: ``metrics``, ``counts`` and ``output`` as measured."""

_NUMBER = r"[-−]?(?:\d+\.?\d*|\.\d+)"
_TEXTS = {
    "range": rf"{_NUMBER} to {_NUMBER}",
    "dash": rf"{_NUMBER}-{_NUMBER}",
    "brackets": rf"\[{_NUMBER}, {_NUMBER}\]",
    "full": rf"{_NUMBER} \[{_NUMBER}, {_NUMBER}\]",
}
_FIGURE = re.compile(r"<!-- figure (\S+) (\S+) (\S+) -->")
_OUTPUT = re.compile(r"<!-- output (\S+)((?: \S+)*) -->")
_BLOCK = re.compile(
    r"(<!-- output (\S+)((?: \S+)*) -->\n)(?:(```\w*\n)(?:.*\n)*?(```)|(?:(?!```).+\n)+)"
)
"""A mark and the block after it: one of code, or lines up to an empty one."""


def names_in(text: str) -> list[str]:
    """Return the names that the marks of a document ask for, each once."""
    found = [*_FIGURE.finditer(text), *_OUTPUT.finditer(text)]
    return list(dict.fromkeys(mark[1] for mark in found))


def rewritten(text: str, figures: Figures) -> tuple[str, list[str]]:
    """Return a document with its marked figures as measured, and what cannot be written.

    Parameters
    ----------
    text
        Markdown.
    figures
        As measured; marks with other names are faults.
    """
    faults: list[str] = []

    def block(found: re.Match[str]) -> str:
        output = _known(figures, found[2], faults).get("output")
        if output is None:
            return found[0]
        lines = "".join(f"{line}\n" for line in _chosen(str(output), found[3].split()))
        return f"{found[1]}{found[4] or ''}{lines}{found[5] or ''}"

    text = _BLOCK.sub(block, text)
    return "\n".join(_line(line, figures, faults) for line in text.split("\n")), faults


def _line(line: str, figures: Figures, faults: list[str]) -> str:
    """Write the figures before the marks of one line."""
    parts: list[str] = []
    place = 0
    for mark in _FIGURE.finditer(line):
        before = line[place : mark.start()]
        measured = _known(figures, mark[1], faults)
        if measured:
            try:
                text = rendered(measured, mark[2], mark[3])
            except (KeyError, TypeError, ValueError):
                faults.append(f"{mark[0]}: there is no such figure")
            else:
                pattern = _TEXTS.get(mark[3].partition(".")[0], _NUMBER)
                before, count = re.subn(rf"{pattern}(?=[*%`]*$)", text, before)
                if not count:
                    faults.append(f"{mark[0]}: no figure stands before it")
        parts += [before, mark[0]]
        place = mark.end()
    return "".join([*parts, line[place:]])


def _known(figures: Figures, name: str, faults: list[str]) -> Mapping[str, Any]:
    if name not in figures:
        faults.append(f"nothing was measured under the name {name!r}")
        return {}
    return figures[name]


def _chosen(output: str, starts: list[str]) -> list[str]:
    lines = output.rstrip("\n").split("\n")
    firsts = [line.strip(" *").split(maxsplit=1)[:1] for line in lines]
    return [
        line
        for line, first in zip(lines, firsts, strict=True)
        if not starts or (first and first[0] in starts)
    ]


def rendered(measured: Mapping[str, Any], metric: str, kind: str) -> str:
    """Return a figure as a document writes it.

    >>> measured = {"metrics": {"eer": {"value": 0.3256, "low": 0.3, "high": 0.354}}}
    >>> [rendered(measured, "eer", kind) for kind in ("value", "range", "full.1")]
    ['.326', '.300 to .354', '0.3 [0.3, 0.4]']

    Raises
    ------
    KeyError, TypeError, ValueError
        If there is no such figure.
    """
    if metric == "counts":
        return f"{measured['counts'][kind]:,}"
    estimate = measured["metrics"][metric]
    what, _, digits = kind.partition(".")
    write = _writer(int(digits) if digits else None)
    ends = (write(estimate["low"]), write(estimate["high"])) if what not in _PLAIN else ("", "")
    forms: dict[str, Callable[[], str]] = {
        "value": lambda: write(estimate["value"]),
        "chance": lambda: write(estimate["chance"]),
        "range": lambda: f"{ends[0]} to {ends[1]}",
        "dash": lambda: f"{ends[0]}-{ends[1]}",
        "brackets": lambda: f"[{ends[0]}, {ends[1]}]",
        "full": lambda: f"{write(estimate['value'])} [{ends[0]}, {ends[1]}]",
    }
    return forms[what]()


_PLAIN = ("value", "chance")


def _writer(digits: int | None) -> Callable[[float], str]:
    """Return how numbers are written: shares as ``.688``, others with so many digits."""

    def write(number: float) -> str:
        if digits is not None:
            return f"{number:.{digits}f}"
        if number in (0, 1):
            return f"{number:.0f}"
        return f"{number:.3f}".replace("0.", ".", 1) if abs(number) < 1 else f"{number:.3f}"

    return write
