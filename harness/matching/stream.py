"""One pass over all comparisons: tiles made in threads, and what each tile is asked."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.budget import KEPT
from harness.matching.candidates import CandidateLists, Gathering
from harness.matching.margins import MarginCollector
from harness.matching.mates import Mates
from harness.matching.product import COLUMN_STEP, ROW_STEP, padded
from harness.matching.tails import TailCollector
from harness.matching.tiles import LOWEST, Tile
from harness.matching.windows import Window, joined

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]
_Packed: TypeAlias = list[Floats]

FEW = 1 / 64
"""Share of the scores of a tile that are found once for all questions about high scores."""

OTHERS = 16
"""One of so many rows may have lower bars than are found at once; and so many tell how many scores
reach a window."""

AGAIN = 8
"""Tiles after which those bars are looked for again."""


@dataclass(frozen=True, eq=False)
class Templates:
    """Templates of what can be compared, gathered when they are needed.

    Parameters
    ----------
    rows
        Floating point, shape (templates, dimension); an array or a memory map.
    chosen
        int64, shape (compared,): which rows, in the order in which they are numbered from here.
    """

    rows: npt.NDArray[np.floating[Any]]
    chosen: Ints

    def __len__(self) -> int:
        return len(self.chosen)

    def probes(self, numbers: Ints | slice) -> Floats:
        """Return rows padded with zeros: float32, shape (padded rows, dimension)."""
        return _padded_rows(self._gathered(numbers), ROW_STEP)

    def references(self, numbers: Ints | slice) -> Floats:
        """Return columns padded with zeros: float32, shape (dimension, padded columns).

        They are a view of rows, and of the templates themselves where nothing has to be padded.
        """
        return _padded_rows(self._gathered(numbers), COLUMN_STEP).T

    def _gathered(self, numbers: Ints | slice) -> npt.NDArray[np.floating[Any]]:
        unmoved = isinstance(numbers, slice) and np.array_equal(
            self.chosen[numbers], np.arange(numbers.start, numbers.stop)
        )
        rows = self.rows[numbers if unmoved else self.chosen[numbers]]
        # NaN and infinity would spread through a product. A sum shows both, at half the cost.
        if not np.isfinite(rows.sum()) and not np.isfinite(rows).all():
            raise ValueError("a template contains NaN or infinity")
        return rows


def _padded_rows(rows: npt.NDArray[np.floating[Any]], step: int) -> Floats:
    size = padded(len(rows), step)
    if size == len(rows):
        return np.ascontiguousarray(rows, np.float32)
    block = np.zeros((size, rows.shape[1]), np.float32)
    block[: len(rows)] = rows
    return block


@dataclass(eq=False)
class Watch:
    """What a pass gathers besides windows; the first pass of a matching only.

    Parameters
    ----------
    mates
        Their ranks are counted.
    best_nonmate
        float32, shape (searches,), filled.
    candidates
        Filled, but for the mates.
    tail
        Filled; None for none.
    bins
        Origin, scale and number of the histogram's bins; None for none.
    margins
        Filled; None for none.
    """

    mates: Mates
    best_nonmate: Floats
    candidates: CandidateLists
    tail: TailCollector | None
    bins: tuple[np.float32, np.float32, int] | None
    counts: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    margins: MarginCollector | None = None


@dataclass(eq=False)
class _Worker:
    """What one thread has for itself."""

    tile: Tile
    windows: list[Window]
    tail: TailCollector | None
    counts: Ints
    margins: MarginCollector | None
    few: list[Window] | None = None
    """Windows that reach down to few scores of the first tile; None before there was one."""

    def bars(self, gathering: Gathering | None) -> list[np.float32]:
        """Return bars that most of what will be asked of a tile is not below, rising.

        None where too many scores reach the lowest.
        """
        if self.few is None:
            self.few = []
            rows = np.arange(0, self.tile.rows, OTHERS)
            for window in self.windows:
                reaching = self.tile.count(rows, np.full(len(rows), window.low, np.float32))
                if reaching.sum() < FEW * len(rows) * self.tile.columns:
                    self.few.append(window)
        bars = [window.low for window in self.few]
        if self.tail is not None:
            bars.append(self.tail.floor)
        if gathering is not None:
            # Rows of which nothing is known yet, or that differ from most, are looked up.
            known = gathering.bars
            known = np.sort(known[known > LOWEST])
            if 2 * len(known) > self.tile.rows:
                bars.append(known[len(known) // OTHERS])
        return sorted(bars) if min(bars, default=LOWEST) > LOWEST else []


@dataclass(eq=False)
class _Stripe:
    """A block of probes, as it goes through the gallery."""

    searches: slice
    lowest: Floats
    """Of each search's mates."""
    gathering: Gathering | None
    probes: Floats | None = None
    """Their templates, if they are kept."""
    bars: list[np.float32] = field(default_factory=list)
    seen: int = 0
    """Tiles."""


@dataclass(frozen=True, eq=False)
class Stream:
    """All comparisons of some probes with some references, in tiles.

    Parameters
    ----------
    probes, references
        References in the order in which ties are listed.
    tiles
        One for each thread.
    rows, columns
        Most of a tile.
    held
        References whose templates are packed at once.
    span
        References that take part, in the order of ties; None for all of them.
    ahead
        Whether the next are read meanwhile, which holds twice as many.
    """

    probes: Templates
    references: Templates
    tiles: Sequence[Tile]
    rows: int
    columns: int
    held: int
    span: slice | None = None
    ahead: bool = False

    @property
    def places(self) -> slice:
        """The references that take part."""
        return self.span or slice(0, len(self.references))

    def run(
        self,
        mates: Mates,
        windows: Sequence[Window],
        watch: Watch | None,
        progress: Callable[[int, int], None],
    ) -> list[Window]:
        """Compute every score once.

        Parameters
        ----------
        mates
            Cells that are not non-mated.
        windows
            Where they stand; they are not changed.
        watch
            What else to gather, or None.
        progress
            Called with comparisons done and in all.

        Returns
        -------
        list of Window
            One for each given, with all non-mated scores taken in. Whatever the number of threads
            and the memory, they say the same.
        """
        collected = watch.tail if watch else None
        bins = watch.bins if watch else None
        workers = [
            _Worker(
                tile,
                [window.empty_copy() for window in windows],
                collected.empty_copy() if collected else None,
                np.zeros(bins[2] if bins else 0, np.int64),
                watch.margins.empty_copy() if watch and watch.margins else None,
            )
            for tile in self.tiles
        ]
        free = list(workers)
        stripes = []
        for first in range(0, len(self.probes), self.rows):
            searches = self._searches(first)
            gathering = None
            if watch is not None:
                gathering = watch.candidates.gathering(first, searches.stop - first)
            stripes.append(_Stripe(searches, mates.lowest(searches), gathering))
        span = self.places
        done, total = 0, len(self.probes) * (span.stop - span.start)
        with ExitStack() as stack:
            spread: Any = map
            if len(workers) > 1:
                spread = stack.enter_context(ThreadPoolExecutor(len(workers))).map
            for places, packed in self._packed():

                def work(stripe: _Stripe, places: slice = places, packed: _Packed = packed) -> int:
                    worker = free.pop()
                    try:
                        return self._compare(worker, mates, watch, stripe, places, packed)
                    finally:
                        free.append(worker)

                for compared in spread(work, stripes):
                    done += compared
                    progress(done, total)
        for stripe in stripes:
            if stripe.gathering is not None:
                stripe.gathering.settle()
        if watch is not None:
            watch.counts = np.sum([worker.counts for worker in workers], axis=0)
            for worker in workers:
                if watch.tail is not None and worker.tail is not None:
                    watch.tail.join(worker.tail)
                if watch.margins is not None and worker.margins is not None:
                    watch.margins.join(worker.margins)
        return [joined(same) for same in zip(*(w.windows for w in workers), strict=True)]

    def sample(self, mates: Mates, size: int, rng: np.random.Generator) -> list[Floats]:
        """Draw scores: blocks of probes with references drawn for each.

        Parameters
        ----------
        size
            About how many scores, at least a block.

        Returns
        -------
        list of numpy.ndarray
            float32, each of shape (probes of a block, references drawn for it), mated cells
            ``-inf``: as `sampling.Sample` takes them.
        """
        tile = self.tiles[0]
        firsts = np.arange(0, len(self.probes), self.rows)
        most = max(1, size // (self.rows * COLUMN_STEP))
        if len(firsts) > most:
            firsts = np.sort(rng.choice(firsts, most, replace=False))
        each = padded(max(1, size // min(len(self.probes), len(firsts) * self.rows)), COLUMN_STEP)
        each = min(each, self.columns, len(self.references))
        blocks = []
        for first in firsts:
            searches = self._searches(int(first))
            places = np.sort(rng.choice(len(self.references), each, replace=False))
            tile.fill(
                self.probes.probes(searches),
                self.references.references(places),
                searches.stop - searches.start,
                each,
            )
            row, place = mates.of(searches, slice(0, len(self.references)))
            column = np.minimum(np.searchsorted(places, place), each - 1)
            drawn = places[column] == place
            tile.mask(row[drawn], column[drawn])
            blocks.append(tile.scores())
        return blocks

    def _searches(self, first: int) -> slice:
        return slice(first, min(first + self.rows, len(self.probes)))

    def _packed(self) -> Iterator[tuple[slice, _Packed]]:
        """Hand out the references in blocks that fit the memory, cut into tiles."""
        firsts = range(self.places.start, self.places.stop, self.held)
        blocks = [slice(first, min(first + self.held, self.places.stop)) for first in firsts]
        if not self.ahead:
            yield from ((places, self._cut(places)) for places in blocks)
            return
        with ThreadPoolExecutor(1) as beside:
            coming = [beside.submit(self._cut, places) for places in blocks[:1]]
            for i, places in enumerate(blocks):
                packed = coming.pop().result()
                coming += [beside.submit(self._cut, later) for later in blocks[i + 1 : i + 2]]
                yield places, packed

    def _cut(self, places: slice) -> _Packed:
        starts = range(places.start, places.stop, self.columns)
        return [
            self.references.references(slice(at, min(at + self.columns, places.stop)))
            for at in starts
        ]

    def _compare(
        self,
        worker: _Worker,
        mates: Mates,
        watch: Watch | None,
        stripe: _Stripe,
        places: slice,
        packed: _Packed,
    ) -> int:
        """Compare a block of probes with a block of references, tile by tile."""
        searches, gathering, tile = stripe.searches, stripe.gathering, worker.tile
        first, rows = searches.start, searches.stop - searches.start
        probes = stripe.probes if stripe.probes is not None else self.probes.probes(searches)
        if len(self.probes) <= KEPT:
            stripe.probes = probes
        starts = range(places.start, places.stop, self.columns)
        for start, references in zip(starts, packed, strict=True):
            columns = slice(start, min(start + self.columns, places.stop))
            tile.fill(probes, references, rows, columns.stop - start)
            tile.mask(*mates.of(searches, columns))
            if watch is not None and watch.bins is not None:
                # First, as a tile takes what is highest on the way.
                worker.counts += tile.histogram(*watch.bins)
            highest = tile.row_max()
            if not stripe.seen % AGAIN:
                stripe.bars = worker.bars(gathering)
            stripe.seen += 1
            if stripe.bars:
                tile.find(stripe.bars)
            if watch is not None and gathering is not None:
                best = watch.best_nonmate[searches]
                np.maximum(best, highest, out=best)
                mates.count_ahead(tile, highest, stripe.lowest, first)
                gathering.take(tile, highest, start)
                if worker.tail is not None:
                    worker.tail.take(tile, highest, first, start)
                if worker.margins is not None:
                    worker.margins.take(tile, highest, first, start - self.places.start)
            for window in worker.windows:
                _look(window, tile, highest)
        compared: int = rows * (places.stop - places.start)
        return compared


def _look(window: Window, tile: Tile, highest: Floats) -> None:
    """Show a window the scores of a tile, by the rows that reach it where those are few."""
    if highest.max(initial=-np.inf) < window.low:
        return
    if window.high == np.inf:
        rows = np.flatnonzero(highest >= window.low)
        if 4 * len(rows) < tile.rows:
            if len(rows):
                _, _, inside = tile.reaching(rows, np.full(len(rows), window.low, np.float32))
                window.add(0, inside)
            return
    window.add(*tile.within(window.low, window.high))
