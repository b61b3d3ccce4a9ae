"""The tail: the most alike non-mated comparisons, and which they are."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.tiles import LOWEST, Tile

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


class TailCollector:
    """All comparisons at or above a floor, which rises as more of them come.

    Parameters
    ----------
    size
        How many comparisons are wanted: the floor rises to the score of that rank when twice as
        many are held. Ties at the floor stay together, but for more than twice `size` of them:
        then the floor rises above them.
    floor
        Where it starts.
    """

    def __init__(self, size: int, floor: float = float(LOWEST)) -> None:
        self.size = size
        self.floor = np.float32(floor)
        self._parts: list[tuple[Floats, Ints, Ints]] = []
        self._held = 0

    def empty_copy(self) -> TailCollector:
        """Return a collector of the same size and floor that has seen nothing."""
        return TailCollector(self.size, float(self.floor))

    def take(self, tile: Tile, highest: Floats, first_search: int, first_place: int) -> None:
        """Take in the cells of a tile.

        Parameters
        ----------
        tile
            Scores.
        highest
            Its `row_max`: float32, shape (rows,).
        first_search, first_place
            Numbers of its first search and of its first reference in the order of ties.
        """
        rows = np.flatnonzero(highest >= self.floor)
        if len(rows):
            row, column, score = tile.reaching(rows, np.full(len(rows), self.floor, np.float32))
            self._add(score, row + first_search, column + first_place)

    def join(self, other: TailCollector) -> None:
        """Take in what another one collected from other comparisons."""
        self.floor = max(self.floor, other.floor)
        for part in other._parts:
            self._add(*part)

    def put(self, scores: Floats, searches: Ints, places: Ints) -> None:
        """Take in comparisons: scores, searches and places, each of shape (comparisons,)."""
        self._add(scores, searches, places)

    def sorted(self) -> tuple[Floats, Ints, Ints]:
        """Return the scores wanted, falling, with searches and places.

        float32, int64 and int64, each of shape (comparisons,); equal scores go by search, then by
        place.

        However the comparisons were spread over collectors, the answer is the same: none of them
        let go of a score that is among the highest `size` of all.
        """
        self._settle()
        (score, search, place) = self._all()
        order = np.lexsort((place, search, -score))
        return score[order], search[order], place[order]

    def _add(self, score: Floats, search: Ints, place: Ints) -> None:
        self._parts.append((score, search, place))
        self._held += len(score)
        if self._held > 2 * self.size:
            self._settle()

    def _settle(self) -> None:
        score, search, place = self._all()
        if len(score) > self.size:
            at = len(score) - self.size
            self.floor = max(self.floor, np.partition(score, at)[at])
            if np.count_nonzero(score >= self.floor) > 2 * self.size:
                self.floor = np.nextafter(self.floor, np.float32(np.inf))
        keep = score >= self.floor
        self._parts = [(score[keep], search[keep], place[keep])]
        self._held = int(keep.sum())

    def _all(self) -> tuple[Floats, Ints, Ints]:
        empty = (np.empty(0, np.float32), np.empty(0, np.int64), np.empty(0, np.int64))
        score, search, place = (
            np.concatenate(parts) for parts in zip(empty, *self._parts, strict=True)
        )
        return score, search, place
