"""A tile: the scores of some probes with some references, and the questions asked of it.

A question is one or two passes of NumPy over scores that lie in the cache; with vectors of 512
numbers a pass costs about a hundredth of the product that made the scores.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.product import COLUMN_STEP, ROW_STEP, Product, padded

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]
Cells: TypeAlias = tuple[Ints, Ints, Floats]
"""Rows, columns and scores of some cells, each of shape (cells,), by rows and then by columns."""

_BYTE = 256
_PIECE = 48 * 1920
"""Scores that are looked at together: with what is made of them, they lie in a core's own cache."""

LOWEST = np.finfo(np.float32).min
"""Below every score, above the ``-inf`` of a cell that holds none."""


class Tile(Protocol):
    """What streaming asks of a block of scores, on a processor or on a graphics card.

    Cells that hold no non-mated score (padding, and mated cells after `mask`) are ``-inf`` and
    take part in nothing, as all thresholds are at least `LOWEST`.
    """

    rows: int
    columns: int

    def fill(self, probes: Floats, references: Floats, rows: int, columns: int) -> None:
        """Compute the scores: cosine similarity of unit vectors, clipped to [-1, 1].

        Parameters
        ----------
        probes, references
            float32, shapes (padded rows, dimension) and (dimension, padded columns).
        rows, columns
            How many of them are probes and references, and not padding.
        """

    def scores(self) -> Floats:
        """Return a copy of all cells, shape (rows, columns)."""

    def mask(self, rows: Ints, columns: Ints) -> None:
        """Take cells, int64 rows and columns of shape (cells,), out of everything that follows."""

    def row_max(self) -> Floats:
        """Return the highest score of every row, ``-inf`` for none; shape (rows,)."""

    def find(self, bars: Sequence[np.float32]) -> None:
        """Find all cells at or above bars, at least `LOWEST`, until the tile is filled again.

        What is asked next about bars that are not lower is answered from these, which is quick
        where they are few; no answer changes.

        Parameters
        ----------
        bars
            Rising; at least one.
        """

    def count(self, rows: Ints, bars: Floats) -> Ints:
        """Count in some rows the scores at or above a bar each.

        Parameters
        ----------
        rows
            int64, shape (n,).
        bars
            float32, shape (n,), at least `LOWEST`: one for each row.

        Returns
        -------
        numpy.ndarray
            int64, shape (n,).
        """

    def reaching(self, rows: Ints, bars: Floats) -> Cells:
        """List in some rows, rising, the cells at or above a bar each.

        Parameters as for `count`; each of the `Cells` returned has the shape (cells,).
        """

    def nth_highest(self, n: int) -> Floats:
        """Return every row's n-th highest score, ``-inf`` for fewer: float32, shape (rows,)."""

    def within(self, low: np.float32, high: np.float32) -> tuple[int, Floats]:
        """Return how many scores lie above `high`, and those in [low, high].

        The latter are float32, shape (scores,), in no order.
        """

    def margins(self, bar: np.float32) -> tuple[Ints, Ints]:
        """Count in every row and in every column the scores at or above a bar.

        Parameters
        ----------
        bar
            At least `LOWEST`.

        Returns
        -------
        tuple
            int64, shapes (rows,) and (columns,).
        """

    def histogram(self, origin: np.float32, scale: np.float32, bins: int) -> Ints:
        """Count scores s by ``floor((s - origin) * scale)``, the ends taking what is beyond.

        Returns int64, shape (bins,).
        """


class NumpyTile:
    """A tile in main memory, in buffers made once.

    Parameters
    ----------
    product
        From `product_for`.
    rows, columns
        The most it will hold: multiples of the steps.
    """

    def __init__(self, product: Product, rows: int, columns: int) -> None:
        self._product = product
        self._scores = np.empty(rows * columns, np.float32)
        self._mask = np.empty(rows * columns, np.bool_)
        self._binned = _Binned(0)
        self._levels: list[tuple[np.float32, Cells]] = []
        self.rows = self.columns = 0

    def fill(self, probes: Floats, references: Floats, rows: int, columns: int) -> None:
        """See `Tile.fill`."""
        self.rows, self.columns, self._levels = rows, columns, []
        self._binned.forget()
        shape = (padded(rows, ROW_STEP), padded(columns, COLUMN_STEP))
        self._all = self._scores[: shape[0] * shape[1]].reshape(shape)
        self._flags = self._mask[: self._all.size].reshape(shape)
        self._product(probes, references, self._all)
        self._all[rows:] = -np.inf
        self._all[:, columns:] = -np.inf
        self._masked = self._all.size - rows * columns
        self._swept = self._low_end = False

    def _sweep(self, binned: _Binned | None = None) -> None:
        """Take the highest score of every row, and put all into bins, while they are at hand."""
        self._swept = True
        self._highest = np.empty(len(self._all), np.float32)
        step = max(1, _PIECE // self._all.shape[1])
        for start in range(0, len(self._all), step):
            part, highest = self._all[start : start + step], self._highest[start : start + step]
            np.maximum.reduce(part, axis=1, out=highest)
            # Few tiles have a score that rounding took beyond the ends.
            if not highest.max() <= 1.0:
                np.minimum(part, np.float32(1), out=part)
                np.minimum(highest, np.float32(1), out=highest)
            if binned is not None:
                binned.put(start * self._all.shape[1], part.reshape(-1))

    def _clipped(self, bar: np.floating[Any] | float) -> None:
        """See to it that no score is above 1, and none below -1 if what is asked depends on it."""
        if not self._swept:
            self._sweep()
        if bar <= -1.0 and not self._low_end:
            self._low_end = True
            beyond = (self._all < -1.0) & (self._all != -np.inf)
            self._all[beyond] = -1.0

    def scores(self) -> Floats:
        """See `Tile.scores`."""
        self._clipped(-1.0)
        return self._all[: self.rows, : self.columns].copy()

    def mask(self, rows: Ints, columns: Ints) -> None:
        """See `Tile.mask`."""
        if len(rows):
            self._all[rows, columns] = -np.inf
            self._masked += len(rows)
            self._swept = False

    def row_max(self) -> Floats:
        """See `Tile.row_max`."""
        if not self._swept:
            self._sweep()
        highest: Floats = self._highest[: self.rows]
        return highest

    def find(self, bars: Sequence[np.float32]) -> None:
        """See `Tile.find`."""
        self._clipped(bars[0])
        places = _set_bits(np.packbits(self._reaching(bars[0]).reshape(-1)))
        width = self._all.shape[1]
        row = places // width
        cells = row, places - row * width, self._all.reshape(-1)[places]
        self._levels = [(bars[0], cells)]
        for bar in bars[1:]:
            keep = np.flatnonzero(cells[2] >= bar)
            if 2 * len(keep) < len(cells[2]):
                cells = cells[0][keep], cells[1][keep], cells[2][keep]
                self._levels.append((bar, cells))

    def _reaching(self, bar: np.float32) -> npt.NDArray[np.bool_]:
        """Return which cells reach a bar, with some of those just below it, perhaps."""
        number = self._binned.number_of(bar)
        if number is None:
            np.greater_equal(self._all, bar, out=self._flags)
        else:  # bytes are compared in a quarter of the time
            np.greater_equal(self._binned.numbers, number, out=self._flags.reshape(-1))
        return self._flags

    def _found(self, bar: np.float32) -> Cells | None:
        """Return the fewest cells that are known to hold all at or above a bar."""
        return next((cells for level, cells in reversed(self._levels) if level <= bar), None)

    def count(self, rows: Ints, bars: Floats) -> Ints:
        """See `Tile.count`."""
        if not self._levels:
            return self._counted(rows, bars)
        row, _, score = self._known(bars)
        each = self._each(rows, bars)
        counts: Ints = np.bincount(row[score >= each[row]], minlength=self.rows)[rows]
        low = np.flatnonzero(bars < self._levels[0][0])
        if len(low):
            counts[low] = self._counted(rows[low], bars[low])
        return counts

    def _counted(self, rows: Ints, bars: Floats) -> Ints:
        self._clipped(bars.min(initial=np.float32(0)))
        counts: Ints = np.bitwise_count(self._words(rows, bars)).sum(axis=1, dtype=np.int64)
        return counts

    def reaching(self, rows: Ints, bars: Floats) -> Cells:
        """See `Tile.reaching`."""
        if not self._levels:
            return self._looked_up(rows, bars)
        low = bars < self._levels[0][0]
        if not low.any():
            return self._cells(rows, bars)
        high = ~low
        found = self._cells(rows[high], bars[high])
        others = self._looked_up(rows[low], bars[low])
        row = np.concatenate([found[0], others[0]])
        order = np.argsort(row, kind="stable")
        column, score = np.concatenate([found[1], others[1]]), np.concatenate([found[2], others[2]])
        return row[order], column[order], score[order]

    def _cells(self, rows: Ints, bars: Floats) -> Cells:
        """Return what was found of some rows, at or above a bar each; a low bar finds too few."""
        row, column, score = self._known(bars)
        keep = np.flatnonzero(score >= self._each(rows, bars)[row])
        return row[keep], column[keep], score[keep]

    def _known(self, bars: Floats) -> Cells:
        """Return the fewest cells that hold all at or above those bars that were found."""
        found = self._found(bars[bars >= self._levels[0][0]].min(initial=np.float32(np.inf)))
        if found is None:
            raise RuntimeError("nothing was looked for")
        return found

    def _each(self, rows: Ints, bars: Floats) -> Floats:
        """Return a bar for every row, ``inf`` for those that nothing is asked of."""
        each = np.full(self._all.shape[0], np.inf, np.float32)
        each[rows] = bars
        return each

    def _looked_up(self, rows: Ints, bars: Floats) -> Cells:
        self._clipped(bars.min(initial=np.float32(0)))
        words = self._words(rows, bars)
        place, column = np.divmod(_set_bits(words.view(np.uint8).reshape(-1)), self._all.shape[1])
        row = rows[place]
        return row, column, self._all[row, column]

    def nth_highest(self, n: int) -> Floats:
        """See `Tile.nth_highest`."""
        self._clipped(-1.0)
        columns = self._all.shape[1]
        if n > columns:
            return np.full(self.rows, -np.inf, np.float32)
        found: Floats = np.partition(self._all[: self.rows], columns - n, axis=1)[:, columns - n]
        return found

    def within(self, low: np.float32, high: np.float32) -> tuple[int, Floats]:
        """See `Tile.within`."""
        found = self._found(low)
        if found is not None:
            score = found[2][found[2] >= low]
            beyond = score > high
            above = int(np.count_nonzero(beyond))
            return above, score[~beyond] if above else score
        self._clipped(low)
        np.greater_equal(self._all, low, out=self._flags)
        inside = np.packbits(self._flags.reshape(-1))
        above = 0
        if high < np.inf:
            np.greater(self._all, high, out=self._flags)
            bits = np.packbits(self._flags.reshape(-1))
            above = int(np.bitwise_count(bits.view(np.uint64)).sum(dtype=np.int64))
            # Above the bracket is above its foot: what differs is inside.
            np.bitwise_xor(inside, bits, out=inside)
        return above, self._all.reshape(-1)[_set_bits(inside)]

    def margins(self, bar: np.float32) -> tuple[Ints, Ints]:
        """See `Tile.margins`."""
        found = self._found(bar)
        if found is not None:
            row, column, score = found
            reached = np.flatnonzero(score >= bar)
            return (
                np.bincount(row[reached], minlength=self.rows),
                np.bincount(column[reached], minlength=self.columns),
            )
        self._clipped(bar)
        np.greater_equal(self._all, bar, out=self._flags)
        words = np.packbits(self._flags, axis=1).view(np.uint64)
        rows: Ints = np.bitwise_count(words).sum(axis=1, dtype=np.int64)[: self.rows]
        columns = np.zeros(self._all.shape[1], np.int64)
        ones = self._flags.view(np.uint8)
        for start in range(0, len(ones), _BYTE - 1):  # sums of bytes that cannot overflow
            columns += ones[start : start + _BYTE - 1].sum(axis=0, dtype=np.uint8)
        return rows, columns[: self.columns]

    def histogram(self, origin: np.float32, scale: np.float32, bins: int) -> Ints:
        """See `Tile.histogram`."""
        if origin <= -1.0:
            self._clipped(origin)
        if self._binned.bins != bins:
            self._binned = _Binned(bins)
        self._binned.begin(self._all.size, origin, scale)
        self._sweep(self._binned)
        counts = self._binned.counts()
        counts[0] -= self._masked
        return counts

    def _words(self, rows: Ints, bars: Floats) -> npt.NDArray[np.uint64]:
        """Return a bit for each cell of some rows: whether its score reaches the row's bar."""
        whole = 2 * len(rows) > self.rows
        if whole:  # a pass over all is cheaper than a copy of most
            each = self._each(rows, bars)[: self.rows]
            flags, scores = self._flags[: self.rows], self._all[: self.rows]
            np.greater_equal(scores, each[:, np.newaxis], out=flags)
        else:
            flags = self._all[rows] >= bars[:, np.newaxis]
        words = np.packbits(flags, axis=1).view(np.uint64)
        return words[rows] if whole and len(rows) < self.rows else words


class _Binned:
    """Numbers of the bins that scores are in, made in pieces that lie in the cache.

    Parameters
    ----------
    bins
        How many there are.
    """

    def __init__(self, bins: int) -> None:
        self.bins = bins
        self._places = np.empty(0, np.float32)
        self._room = np.empty(0, np.uint8)
        self._counts = np.zeros(bins, np.int64)
        self._of: tuple[np.float32, np.float32] | None = None
        self.numbers = self._room
        """uint8, shape (cells,): of the tile, where bins are so few."""

    def forget(self) -> None:
        """Let no question be answered from numbers of another tile."""
        self._of = None

    def begin(self, cells: int, origin: np.float32, scale: np.float32) -> None:
        """Expect the cells of a tile, to be put into bins as `Tile.histogram` says."""
        self._of = origin, scale
        self._counts = np.zeros(self.bins, np.int64)
        if len(self._room) < cells:
            self._room = np.empty(cells, np.uint8)
        self.numbers = self._room[:cells]

    def put(self, start: int, scores: Floats) -> None:
        """Take in the scores from a cell on, of which ``-inf`` is in the first bin."""
        if self._of is None:
            raise RuntimeError("no tile was begun")
        origin, scale = self._of
        if len(self._places) < len(scores):
            self._places = np.empty(len(scores), np.float32)
        places = self._places[: len(scores)]
        np.subtract(scores, origin, out=places)
        np.multiply(places, scale, out=places)
        # As whole numbers, the bits of floats from 0 rise with them, and those below 0 are higher.
        if places.view(np.uint32).max() >= np.float32(self.bins).view(np.uint32):
            places.clip(0, self.bins - 0.5, out=places)
        if self.bins <= _BYTE:
            np.copyto(self.numbers[start : start + len(scores)], places, casting="unsafe")
        else:
            self._counts += np.bincount(places.astype(np.int64), minlength=self.bins)

    def counts(self) -> Ints:
        """Return how many scores are in each bin: int64, shape (bins,)."""
        if self.bins <= _BYTE:
            import PIL.Image  # it counts bytes in half the time that NumPy takes

            # Four cells are a dot of four colours: quicker still, as each has counts of its own.
            dots = PIL.Image.frombuffer(
                "CMYK", (len(self.numbers) // 4, 1), self.numbers, "raw", "CMYK", 0, 1
            )
            self._counts = np.array(dots.histogram()).reshape(4, _BYTE).sum(axis=0)[: self.bins]
        return self._counts

    def number_of(self, score: np.float32) -> np.uint8 | None:
        """Return the number of a score's bin; None where those of the tile are not known."""
        if self._of is None or self.bins > _BYTE:
            return None
        origin, scale = self._of
        place = np.subtract(max(score, origin), origin, dtype=np.float32) * scale
        return np.uint8(min(float(place), self.bins - 0.5))


def _set_bits(packed: npt.NDArray[np.uint8]) -> Ints:
    """Return the places of the ones, rising; quick where they are few. Bytes come in eights."""
    # What is not 0 is found several times faster among bools than among numbers, and where it is
    # not rare: so words first, then bytes of these, then bits.
    words = packed.view(np.uint64)
    holding = np.flatnonzero(words != 0)
    octets = words[holding].view(np.uint8)
    part = np.flatnonzero(octets != 0)
    bits = np.flatnonzero(np.unpackbits(octets[part]).view(np.bool_))
    first = holding[part >> 3] * 64 + (part & 7) * 8
    places: Ints = first[bits >> 3] + (bits & 7)
    return places
