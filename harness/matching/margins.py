"""How many non-mated scores of each probe and of each reference reach some marks.

That is what intervals of error rates are drawn from (`harness.statistics.margins`), and all that a
stream keeps for them beside the highest comparisons. Counts of different comparisons add up, so
they say the same however the comparisons were spread over threads and units of work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.sampling import Sample
from harness.matching.tiles import LOWEST, Tile

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

HIGHEST = 1 << 15
"""Non-mated comparisons from the top that are kept one by one: rates of few errors hang on them."""

_LEAST = 30
"""Scores of a sample that must reach a mark."""


@dataclass(frozen=True, eq=False)
class ScoreMargins:
    """Counts of the non-mated scores at or above each of some marks.

    Parameters
    ----------
    marks
        float32, shape (marks,), rising.
    probes, references
        int64, shapes (probes, marks) and (references, marks).
    compared_probes, compared_references
        int64, shapes (probes,) and (references,): all non-mated comparisons of each.
    """

    marks: Floats
    probes: Ints
    references: Ints
    compared_probes: Ints
    compared_references: Ints


class MarginCollector:
    """Counts, as comparisons come.

    Parameters
    ----------
    marks
        float32, shape (marks,), rising.
    probes, references
        int64, shapes (searches, marks) and (places, marks): counts that are added to.
    """

    def __init__(self, marks: Floats, probes: Ints, references: Ints) -> None:
        self.marks, self.probes, self.references = marks, probes, references

    @classmethod
    def over(cls, marks: Floats, searches: int, places: int) -> MarginCollector:
        """Return a collector of so many searches and references that has seen nothing.

        Parameters
        ----------
        marks
            float32, shape (marks,), rising.
        searches, places
            How many there are.
        """
        width = len(marks)
        return cls(
            marks, np.zeros((searches, width), np.int64), np.zeros((places, width), np.int64)
        )

    def empty_copy(self) -> MarginCollector:
        """Return one that has seen nothing, with the same marks, searches and references."""
        return MarginCollector.over(self.marks, len(self.probes), len(self.references))

    def take(self, tile: Tile, highest: Floats, first_search: int, first_place: int) -> None:
        """Take in the cells of a tile; parameters as for `TailCollector.take`."""
        top = highest.max(initial=-np.inf)
        for i, mark in enumerate(self.marks):
            if top < mark:
                break
            rows, columns = tile.margins(mark)
            self.probes[first_search : first_search + len(rows), i] += rows
            self.references[first_place : first_place + len(columns), i] += columns

    def join(self, other: MarginCollector) -> None:
        """Take in what another one counted of other comparisons."""
        self.probes += other.probes
        self.references += other.references


def marks_for(
    sample: Sample, mated: Floats, comparisons: int, allowed: Sequence[int], *, eer: bool
) -> Floats:
    """Return where to count: near the EER's threshold, and near those of false match rates.

    A mark need not lie where the threshold proves to be; counts change in proportion around it.

    Parameters
    ----------
    sample
        Of the non-mated scores.
    mated
        float32, shape (m,), rising.
    comparisons
        Number of non-mated scores.
    allowed
        False matches at the thresholds that are looked for. Those of few are read from the highest
        comparisons.
    eer
        Whether an equal error rate is.

    Returns
    -------
    numpy.ndarray
        float32, shape (marks,), rising.
    """
    falling = sample.scores
    places = [
        max(_LEAST, int(errors / comparisons * len(falling)))
        for errors in allowed
        if 4 * (errors + 16) > HIGHEST
    ]
    if eer and len(mated):
        missed = np.searchsorted(mated, falling, side="left") / len(mated)
        reached = np.arange(1, len(falling) + 1) / max(1, len(falling))
        places.append(int(np.searchsorted(reached - missed, 0.0)))
    found = [falling[min(place, len(falling) - 1)] for place in places if len(falling)]
    marks: Floats = np.unique(np.maximum(np.array(found, np.float32), LOWEST))
    return marks
