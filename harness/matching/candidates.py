"""Candidate lists: the highest scores of every search, gathered from tiles."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.tiles import LOWEST, Tile

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]

_CHUNK = 1 << 20  # cells sorted at once


class CandidateLists:
    """The best cells of every search; of equal scores the one that stands first.

    Parameters
    ----------
    searches, length
        Shape of the lists; a length of 0 keeps nothing.
    floors
        float32, shape (searches,): no list needs a score below its floor, as enough scores are
        known that reach it. None where none are known.
    """

    def __init__(self, searches: int, length: int, floors: Floats | None = None) -> None:
        self.length = length
        self.floors: Floats = np.full(searches, -np.inf, np.float32) if floors is None else floors
        self.scores: Floats = np.full((searches, length), -np.inf, np.float32)
        """float32, shape (searches, length), falling along a list; ``-inf`` where it ends."""
        self.places: Ints = np.full((searches, length), -1, np.int64)
        """int64, shape (searches, length): place of the reference in the order of ties, or -1."""

    def gathering(self, first: int, searches: int) -> Gathering:
        """Return what fills the lists of some searches from their tiles."""
        rows = slice(first, first + searches)
        return Gathering(self.scores[rows], self.places[rows], self.floors[rows])


class Gathering:
    """Fills the lists of a block of searches, whose tiles come in the order of ties.

    Parameters
    ----------
    scores, places
        Rows of `CandidateLists`, changed in place.
    floors
        Their floors.
    """

    def __init__(self, scores: Floats, places: Ints, floors: Floats) -> None:
        self._scores, self._places, self._floors = scores, places, floors
        self._length = scores.shape[1]
        self._waiting: list[tuple[Ints, Ints, Floats]] = []
        self._waiting_count = 0

    def take(self, tile: Tile, highest: Floats, first_place: int) -> None:
        """Take in what a tile adds.

        Parameters
        ----------
        tile
            Scores of this block of searches; tiles come in the order of ties.
        highest
            Its `row_max`: float32, shape (searches of the block,).
        first_place
            Place of its first reference in the order of ties.
        """
        if not self._length:
            return
        last = self._scores[:, -1]
        fresh = last == -np.inf
        low = fresh & (self._floors == -np.inf)
        if low.any():
            self.settle()
            last = self._scores[:, -1]
            fresh = last == -np.inf
            nth = np.maximum(tile.nth_highest(self._length), LOWEST)
            bars = np.where(fresh, np.maximum(nth, self._floors), _next_above(last))
        else:
            # A score equal to the last of a full list came too late.
            bars = self.bars
        rows = np.flatnonzero(highest >= bars)
        if not len(rows):
            return
        row, column, score = tile.reaching(rows, bars[rows])
        for start in range(0, len(row), _CHUNK):
            part = slice(start, start + _CHUNK)
            self._waiting.append((row[part], column[part] + first_place, score[part]))
            self._waiting_count += len(row[part])
            # Each settling raises the bars; this often, it costs little beside the product.
            if self._waiting_count >= 2 * self._scores.size:
                self.settle()

    @property
    def bars(self) -> Floats:
        """What a cell has to reach to be listed, as far as is known: float32, shape (searches,)."""
        if not self._length:
            return np.full(len(self._scores), np.inf, np.float32)
        last = self._scores[:, -1]
        return np.where(last == -np.inf, self._floors, _next_above(last))

    def settle(self) -> None:
        """Put what waits into the lists."""
        if not self._waiting:
            return
        row, place, score = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        self._waiting, self._waiting_count = [], 0
        owners, places, scores = self._with_known(row, place, score)
        # What came first stands first: a stable sort needs no third key.
        self._keep_best(owners, places, scores, np.argsort(_key(owners, scores), kind="stable"))

    def insert(self, row: Ints, place: Ints, score: Floats) -> None:
        """Put in cells that come out of order; of equal scores the lower place comes first.

        Parameters
        ----------
        row, place
            int64, shape (cells,): searches, from the first of the block, and references, in the
            order of ties.
        score
            float32, shape (cells,).
        """
        self.settle()
        if not self._length or not len(row):
            return
        owners, places, scores = self._with_known(row, place, score)
        self._keep_best(owners, places, scores, np.lexsort((places, _key(owners, scores))))

    def _with_known(self, row: Ints, place: Ints, score: Floats) -> tuple[Ints, Ints, Floats]:
        known = np.repeat(np.arange(len(self._scores)), self._length)
        return (
            np.concatenate([known, row]),
            np.concatenate([self._places.reshape(-1), place]),
            np.concatenate([self._scores.reshape(-1), score]),
        )

    def _keep_best(self, owners: Ints, places: Ints, scores: Floats, order: Ints) -> None:
        sizes = np.bincount(owners, minlength=len(self._scores))
        first = np.repeat(np.cumsum(sizes) - sizes, sizes)
        best = order[np.arange(len(order)) - first < self._length]
        self._scores[:] = scores[best].reshape(self._scores.shape)
        self._places[:] = places[best].reshape(self._places.shape)


def _next_above(scores: Floats) -> Floats:
    above: Floats = np.nextafter(scores, np.float32(np.inf))
    return above


def _key(owners: Ints, scores: Floats) -> npt.NDArray[np.uint64]:
    """Return numbers that sort by owner, then by falling score."""
    bits = (scores + np.float32(0)).view(np.uint32)  # adding 0 makes a zero of -0.0
    rising = np.where(bits >> 31, ~bits, bits | np.uint32(1 << 31))
    return owners.astype(np.uint64) << np.uint64(32) | ~rising
