"""Mated pairs: their scores beforehand, and the non-mates that stand ahead of each."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.product import COLUMN_STEP, COLUMNS, ROW_STEP, Product, padded
from harness.matching.tiles import Tile

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


class Mates:
    """The mated pairs that can be compared, sorted by search.

    Parameters
    ----------
    search, place
        int64, shape (pairs,): numbers of the search and of the reference in the order of ties.
    searches
        Number of searches.
    """

    def __init__(self, search: Ints, place: Ints, searches: int) -> None:
        self.order = np.lexsort((place, search))
        """Place of each pair, as sorted, among those given."""
        self.search, self.place = search[self.order], place[self.order]
        self.sizes = np.bincount(search, minlength=searches)
        self.first = np.concatenate([[0], np.cumsum(self.sizes)])
        self.scores: Floats = np.empty(len(search), np.float32)
        self.ahead: Ints = np.zeros(len(search), np.int64)
        """Number of non-mates with a score >= the pair's."""

    def score(
        self,
        product: Product,
        probes: Callable[[Ints], Floats],
        references: Callable[[Ints], Floats],
    ) -> None:
        """Compute the score of every pair, from small blocks of gathered templates.

        A block multiplies all its probes with all its references, so searches that share mates
        share a block.

        Parameters
        ----------
        product
            From `product_for`.
        probes
            Templates of searches, int64, shape (n,): float32, shape (padded n, dimension).
        references
            Templates of places, int64, shape (n,): float32, shape (dimension, padded n).
        """
        with_mates = np.flatnonzero(self.sizes)
        with_mates = with_mates[np.argsort(self.place[self.first[with_mates]], kind="stable")]
        for start in range(0, len(with_mates), ROW_STEP):
            rows = np.sort(with_mates[start : start + ROW_STEP])
            left = probes(rows)
            pairs = _ranges(self.first[rows], self.sizes[rows])
            row = np.repeat(np.arange(len(rows)), self.sizes[rows])
            wanted, column = np.unique(self.place[pairs], return_inverse=True)
            for begin in range(0, len(wanted), COLUMNS):
                part = wanted[begin : begin + COLUMNS]
                out = np.empty((len(left), padded(len(part), COLUMN_STEP)), np.float32)
                product(left, references(part), out)
                here = (column >= begin) & (column < begin + COLUMNS)
                self.scores[pairs[here]] = np.clip(out[row[here], column[here] - begin], -1, 1)

    def of(self, searches: slice, places: slice) -> tuple[Ints, Ints]:
        """Return rows and columns of the pairs within a block of searches and places.

        Both are int64, shape (pairs in the block,), from the block's own first row and column.
        """
        part = slice(self.first[searches.start], self.first[searches.stop])
        place = self.place[part]
        here = (place >= places.start) & (place < places.stop)
        return self.search[part][here] - searches.start, place[here] - places.start

    def lowest(self, searches: slice) -> Floats:
        """Return the lowest score of each search's mates, ``inf`` without one.

        float32, shape (searches,), of the searches of the slice.
        """
        lowest = np.full(searches.stop - searches.start, np.inf, np.float32)
        part = slice(self.first[searches.start], self.first[searches.stop])
        np.minimum.at(lowest, self.search[part] - searches.start, self.scores[part])
        return lowest

    def count_ahead(self, tile: Tile, highest: Floats, lowest: Floats, first_search: int) -> None:
        """Add what a tile, its mated cells masked, has ahead of each mate.

        Parameters
        ----------
        highest
            The tile's `row_max`, float32, shape (rows,): rows without a score as high as a mate
            need no counting.
        lowest
            float32, shape (rows,), from `lowest`.
        first_search
            Number of the tile's first search.
        """
        rows = np.flatnonzero(highest >= lowest)
        nth = 0
        while len(rows):
            pair = self.first[rows + first_search] + nth
            reached = highest[rows] >= self.scores[pair]
            if reached.any():
                found = tile.count(rows[reached], self.scores[pair[reached]])
                self.ahead[pair[reached]] += found
            nth += 1
            rows = rows[self.sizes[rows + first_search] > nth]

    def ranks(self, no_mate: int) -> tuple[Ints, Ints]:
        """Return the rank of each search's best mate, and the pair that it is.

        Parameters
        ----------
        no_mate
            Rank of a search without a mate.

        Returns
        -------
        ranks, pairs
            int64, each of shape (searches,): ranks count from 1, pairs from 0. Of mates with one
            score the first in the order of ties; pair -1 where there is no mate.
        """
        by_score = np.lexsort((self.place, -self.scores, self.search))
        has = self.sizes > 0
        best = np.full(len(self.sizes), -1, np.int64)
        best[has] = by_score[self.first[:-1][has]]
        ranks = np.full(len(self.sizes), no_mate, np.int64)
        ranks[has] = 1 + self.ahead[best[has]]
        return ranks, best

    def precision(self, mates: Ints) -> npt.NDArray[np.float64]:
        """Return the average precision of each search.

        Parameters
        ----------
        mates
            int64, shape (searches,): number of mates, those that could not be compared included.
        """
        by_score = np.lexsort((-self.scores, self.search))
        nth = np.arange(len(by_score)) - np.repeat(self.first[:-1], self.sizes) + 1
        parts = nth / (nth + self.ahead[by_score])
        total = np.bincount(self.search, weights=parts, minlength=len(self.sizes))
        return np.where(mates > 0, total / np.maximum(mates, 1), np.nan)


def _ranges(first: Ints, sizes: Ints) -> Ints:
    """Return the numbers from each `first`, as many as its size."""
    shift = np.repeat(first - np.concatenate([[0], np.cumsum(sizes)[:-1]]), sizes)
    numbers: Ints = np.arange(int(sizes.sum())) + shift
    return numbers
