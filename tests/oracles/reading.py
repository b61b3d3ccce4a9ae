"""The numbers of other projects, and how an error curve is read at a threshold of theirs."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.metrics.identification import NO_MATE
from harness.metrics.open_set import Searches
from harness.metrics.verification import ErrorCurve

Floats = npt.NDArray[np.float64]
Pair = tuple[list[float], list[float] | None]


def numbers(name: str) -> dict[str, Any]:
    """Read a file of the folder ``numbers``; its head states source and licence."""
    path = Path(__file__).parent / "numbers" / f"{name}.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def floats(values: list[float | None]) -> Floats:
    """Scores as float64; null, which stands for NaN, becomes the -inf of a failed comparison."""
    return np.array([-math.inf if value is None else value for value in values], np.float64)


def at(curve: ErrorCurve, threshold: float) -> tuple[float, float]:
    """FMR and FNMR at any threshold: those of the lowest score that is not below it."""
    point = int(np.searchsorted(curve.threshold, threshold, side="left"))
    return float(curve.fmr[point]), float(curve.fnmr[point])


def searches(pairs: list[Pair]) -> Searches:
    """Searches from the scores of their non-mates and of their mates (None: no mate)."""
    width = max(len(nonmates) + len(mates or []) for nonmates, mates in pairs)
    scores = np.full((len(pairs), width), -math.inf)
    mated = np.zeros(scores.shape, bool)
    for search, (nonmates, mates) in enumerate(pairs):
        own = mates or []
        scores[search, : len(own) + len(nonmates)] = own + nonmates
        mated[search, : len(own)] = True
    return Searches.of(scores, mated)


def counts(found: Searches) -> tuple[int, int]:
    """How many searches have a mate, and how many have none."""
    without = int(np.count_nonzero(found.ranks == NO_MATE))
    return len(found.ranks) - without, without
