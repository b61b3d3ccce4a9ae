"""What a metric is beside its function: every fact about it stands in one entry, where it is."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Unit = Literal["percent", "share", ""]

RANK, FMR, FPIR = ("rank", 10), ("fmr", 0.01), ("fpir", 0.01)
"""Options that several metrics have, with an example."""


@dataclass(frozen=True)
class Entry:
    """One kind of metric.

    Parameters
    ----------
    function
        That computes it; its documentation has definition, tie rule and source.
    label
        As a person would write it.
    unit
        ``percent`` for a value between 0 and 1 that reads best in percent, ``share`` for another
        one between 0 and 1, empty for what has no such bounds.
    options
        Names that its id must have, with an example of each.
    better
        ``higher``, ``lower``, or empty where neither is.
    guess
        What guessing gets on the most favourable data (large galleries, balanced classes); None
        where that is not a fixed number, or perfection is not 1 (or 0, where lower is better).
    span
        How far apart two values can be at most: 1 for a rate, infinite where nothing bounds it.
    trials
        What is counted: ``Probes``, ``Images``, or ``Trials`` of another kind.
    """

    function: Callable[..., Any]
    label: str
    unit: Unit = ""
    options: tuple[tuple[str, float | int], ...] = ()
    better: Literal["higher", "lower", ""] = "higher"
    guess: float | None = None
    span: float = 1.0
    trials: Literal["Probes", "Images", "Trials"] = "Trials"

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the options, in the order of an id."""
        return tuple(name for name, _ in self.options)

    @property
    def place(self) -> str:
        """Where the function stands."""
        return f"{self.function.__module__}:{self.function.__qualname__}"

    def doc(self) -> str:
        """Return the function's own documentation: definition, tie rule, source."""
        return inspect.getdoc(self.function) or ""
