"""Matching by units of work: laid out, done by whoever can, and put together again.

Two passes: the mates of every probe are scored first, which costs little, and references are drawn
for it; with their scores known, one pass over all comparisons counts. What units return is put
together by sums, unions and orders without ties, so nothing depends on how many there were, who did
them and which came back first.
"""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.columns import Arrays
from harness.data.whole_files import write_whole
from harness.errors import RunFailed
from harness.matching.assembling import assembled, bins_over
from harness.matching.candidates import CandidateLists
from harness.matching.margins import HIGHEST, MarginCollector, marks_for
from harness.matching.mates import Mates
from harness.matching.product import COLUMNS, ROWS, padded
from harness.matching.questions import Question, answer_all, answer_of
from harness.matching.results import MatchResult
from harness.matching.rows import Rows, VectorFile
from harness.matching.sampling import Sample
from harness.matching.stream import Watch
from harness.matching.tails import TailCollector
from harness.matching.task import Task
from harness.matching.units import (
    BLOCK,
    CHOSEN,
    KNOWN,
    LOOKED_AT,
    PAIRS,
    PLAN,
    SCALE,
    Plan,
    Unit,
    fault_of,
    read_result,
    save_arrays,
    write_unit,
)
from harness.matching.windows import Window, joined
from harness.metrics.verification import errors_allowed

Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Doubles: TypeAlias = npt.NDArray[np.float64]

Cuts: TypeAlias = list[tuple[int, int]]
"""First of each part, and what is behind its last."""

Execute: TypeAlias = Callable[[str, Sequence[Path]], None]
"""Does the units in some folders, of which it is told what they are; it may leave some undone."""

TRIES = 2
"""How often a unit is given out before the matching fails by it."""

TOP = HIGHEST
"""Highest non-mated comparisons that are kept one by one: the exact end of a DET."""

COMPARISONS = 500_000_000
"""Of one unit, unless the number of shards is given: some seconds of a processor core."""

_SAMPLE = 1 << 21
_CAPACITY = 1 << 16
"""Scores from the top, in which several false match rates share a window."""
_MERGED = 1 << 22
"""Distinct scores of a window of all units together."""


@dataclass(frozen=True, eq=False)
class Looked:
    """What was found in the templates of one side.

    Parameters
    ----------
    sha256
        Of all numbers, whatever files they are spread over.
    scale
        float64, shape (rows,): what makes each as long as 1, and 0 for a row of zeros.
    broken
        bool, shape (rows,): those that hold NaN or infinity.
    """

    sha256: str
    scale: Doubles
    broken: Bools

    @property
    def zero(self) -> Bools:
        """Rows of zeros: bool, shape (rows,)."""
        zero: Bools = (self.scale == 0) & ~self.broken
        return zero


class Shards:
    """A matching in a folder of its own, which may hold units that were done before.

    Parameters
    ----------
    work
        The folder.
    probes, references
        Files of templates, each side of one dimension.
    execute
        Does units.
    memory
        Bytes that whoever does a unit may hold.
    say
        Is told what was lost and is done again, in sentences.
    """

    def __init__(
        self,
        work: Path,
        probes: Sequence[VectorFile],
        references: Sequence[VectorFile],
        execute: Execute,
        *,
        memory: int,
        say: Callable[[str], None],
    ) -> None:
        self._work, self._execute, self._say = work, execute, say
        self._plan = Plan(list(probes), list(references), 0, 0, memory)
        (work / "units").mkdir(parents=True, exist_ok=True)

    def look(self, side: str) -> Looked:
        """Read all templates of one side once.

        Parameters
        ----------
        side
            ``probes`` or ``references``.

        Raises
        ------
        DataError
            If they cannot be read.
        RunFailed
            If a unit cannot be done.
        """
        write_whole(self._work / PLAN, msgspec.json.encode(self._plan))
        rows = sum(file.rows for file in getattr(self._plan, side))
        units = {
            f"look-{side}-{i:05d}": Unit(
                "look", first, min(first + LOOKED_AT, rows), of=side, inputs=self._seen(side)
            )
            for i, first in enumerate(range(0, rows, LOOKED_AT))
        }
        found = [result for _, result in self._done(f"looking at {side}", units)]
        digest = hashlib.sha256(b"".join(one["sha256"].tobytes() for one in found))
        scale = np.concatenate([one["scale"] for one in found])
        broken = np.concatenate([one["broken"] for one in found])
        _save(self._work / f"{SCALE}-{side}.npy", scale)
        chosen = self._work / f"{CHOSEN}-{side}.npy"
        if broken.any():
            _save(chosen, np.flatnonzero(~broken))
        else:
            chosen.unlink(missing_ok=True)
        return Looked(digest.hexdigest(), scale, broken)

    def match(
        self,
        looked: dict[str, Looked],
        mated: Ints,
        *,
        shards: int,
        workers: int = 1,
        fmrs: Sequence[float] = (),
        eer: bool = False,
        candidates: int = 0,
        bins: int = 0,
        margins: bool = False,
    ) -> MatchResult:
        """Compare all probes with all references.

        Parameters
        ----------
        looked
            Both sides, as `look` found them.
        mated
            int64, shape (pairs, 2): probe and reference of every mated pair, each once.
        shards
            Into how many parts the references are cut, at borders of tiles.
        workers
            That there should be a unit for: probes are cut, too, where there are few shards.
        fmrs, eer, candidates, bins, margins
            As of `harness.matching.match`.

        Returns
        -------
        MatchResult
            Ties stand in the order of the references. `passes` is 0: each of the units is one.

        Raises
        ------
        DataError
            If templates cannot be read.
        UsageError
            If the memory is too little.
        RunFailed
            If a unit cannot be done.
        ValueError
            If pairs or rates are none.
        """
        rows = {side: Rows(getattr(self._plan, side), looked[side].scale) for side in looked}
        task = Task.checked(
            rows["probes"],  # type: ignore[arg-type]
            rows["references"],  # type: ignore[arg-type]
            mated,
            looked["probes"].broken,
            looked["references"].broken,
            None,
        )
        n = task.nonmated
        allowed = {float(fmr): errors_allowed(n, fmr) for fmr in fmrs}
        sample = -(-_SAMPLE // max(1, len(task.probes)))
        self._plan = msgspec.structs.replace(
            self._plan, candidates=candidates, tail=TOP, sample=sample
        )
        write_whole(self._work / PLAN, msgspec.json.encode(self._plan))
        mates = Mates(task.search, task.place, len(task.probes))
        _save(self._work / PAIRS, np.stack([mates.search, mates.place]))
        drawn, floors, place_free = self._begun(task, mates, looked)
        mated_scores = np.full(len(task.mated), -np.inf, np.float32)
        mated_scores[np.flatnonzero(task.compared)[mates.order]] = mates.scores
        inputs = self._know(mates, floors, looked)
        watch = Watch(
            mates,
            np.full(len(task.probes), -np.inf, np.float32),
            CandidateLists(len(task.probes), candidates),
            TailCollector(TOP, drawn.window_at_rate(min(1.0, TOP / max(1, n)))[0]),
            bins_over(drawn, bins) if bins and n else None,
        )
        watch.counts = np.zeros(bins, np.int64)
        rising = np.sort(mated_scores)
        if margins and n:
            marks = marks_for(drawn, rising, n, [k for k in allowed.values() if k < n], eer=eer)
            sizes = len(task.probes), len(task.references)
            watch.margins = MarginCollector.over(marks, *sizes)
        ask = {fmr: Question(k, rising, n) for fmr, k in allowed.items() if k < n}
        questions = list(ask.values())
        if eer and n and len(rising):
            questions.append(Question(None, rising, n))

        parts = cut(len(task.references), shards)
        blocks = blocks_for(len(task.probes), len(parts), workers)
        cuts = cut(len(task.probes), blocks, ROWS), parts

        def run(windows: Sequence[Window], number: int) -> list[Window]:
            units = self._counting(windows, watch, number, cuts, inputs)
            return self._counted(units, windows, None if number else watch)

        answer_all(questions, drawn, _CAPACITY, run)
        bars = {fmr: answer_of(ask[fmr]) if fmr in ask else -np.inf for fmr in allowed}
        rate = None
        if eer:
            rate = answer_of(questions[-1]) if n and len(rising) else np.nan
        top = _top(watch.tail)
        return assembled(
            task, watch, mated_scores, bars, rate, top, passes=0, place_free=place_free
        )

    def _begun(
        self, task: Task, mates: Mates, looked: dict[str, Looked]
    ) -> tuple[Sample, npt.NDArray[np.float32], bool]:
        """Score the mates, and draw what windows and lists begin with."""
        pairs = hashlib.sha256(np.stack([mates.search, mates.place]).tobytes()).hexdigest()
        inputs = self._inputs(looked, pairs)
        units = {
            f"begin-{i:05d}": Unit(
                "begin", first, min(first + ROWS, len(task.probes)), inputs=inputs
            )
            for i, first in enumerate(range(0, len(task.probes), ROWS))
        }
        blocks, floors = [], []
        place_free = True
        for unit, result in self._done("scoring mates", units if len(task.references) else {}):
            pairs_here = slice(mates.first[unit.first], mates.first[unit.stop])
            mates.scores[pairs_here] = result["mated"]
            blocks.append(result["sample"])
            floors.append(result["floors"])
            place_free &= bool(result["place_free"])
        empty = np.empty(0, np.float32)
        return Sample(blocks or [empty.reshape(0, 0)]), np.concatenate([empty, *floors]), place_free

    def _know(
        self, mates: Mates, floors: npt.NDArray[np.float32], looked: dict[str, Looked]
    ) -> str:
        known: Arrays = {"search": mates.search, "mated": mates.scores, "floors": floors}
        return self._inputs(looked, save_arrays(self._work / KNOWN, known))

    def _inputs(self, looked: dict[str, Looked], more: str) -> str:
        """Return a hash of all that a unit's result follows from."""
        plan = msgspec.structs.replace(self._plan, memory=0, probes=[], references=[])
        parts = [msgspec.json.encode(plan).decode(), *(s.sha256 for s in looked.values()), more]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def _seen(self, side: str) -> str:
        """Return what tells files that may have changed since they were looked at."""
        facts = []
        for file in getattr(self._plan, side):
            found = Path(file.path).stat()
            facts.append([os.path.realpath(file.path), found.st_size, found.st_mtime_ns])
        return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()

    def _counting(
        self,
        windows: Sequence[Window],
        watch: Watch,
        number: int,
        cuts: tuple[Cuts, Cuts],
        inputs: str,
    ) -> dict[str, Unit]:
        """Return the units of a pass over all comparisons, by name."""
        floor = float(watch.tail.floor).hex() if watch.tail is not None else ""
        marks = [] if watch.margins is None else watch.margins.marks.tolist()
        bins = None
        if watch.bins is not None:
            origin, scale, count = watch.bins
            bins = (float(origin).hex(), float(scale).hex(), count)
        ends = [
            (float(one.low).hex(), float(one.high).hex(), float(one.centre).hex())
            for one in windows
        ]
        units = {}
        for b, (first, stop) in enumerate(cuts[0]):
            for s, (low, high) in enumerate(cuts[1]):
                units[f"count-{number}-{b:05d}-{s:05d}"] = Unit(
                    "count",
                    first,
                    stop,
                    low=low,
                    high=high,
                    windows=ends,
                    floor=floor,
                    marks=[] if number else [mark.hex() for mark in marks],
                    bins=bins if not number else None,
                    gathers=not number,
                    inputs=inputs,
                )
        return units

    def _counted(
        self, units: dict[str, Unit], windows: Sequence[Window], watch: Watch | None
    ) -> list[Window]:
        """Do the units of a pass, put into a watch what they gathered, and join their windows."""
        found: list[list[Window]] = [[] for _ in windows]
        lists: dict[int, _Merging] = {}
        for unit, result in self._done("comparing", units):
            for i, window in enumerate(windows):
                found[i].append(_window(window, result, i))
            if watch is None:
                continue
            mates, rows = watch.mates, slice(unit.first, unit.stop)
            mates.ahead[mates.first[rows.start] : mates.first[rows.stop]] += result["ahead"]
            best = watch.best_nonmate[rows]
            np.maximum(best, result["best_nonmate"], out=best)
            if unit.first not in lists:
                _settle(lists)
                lists = {unit.first: _Merging(watch.candidates, rows)}
            lists[unit.first].take(result["candidate_scores"], result["candidate_places"])
            if watch.margins is not None:
                watch.margins.probes[rows] += result["margin_probes"]
                watch.margins.references[unit.low : unit.high] += result["margin_references"]
            if watch.bins is not None:
                watch.counts = watch.counts + result["bins"]
            if watch.tail is not None:
                part = TailCollector(watch.tail.size, float(result["tail_floor"]))
                part.put(result["tail_scores"], result["tail_searches"], result["tail_places"])
                watch.tail.join(part)
        _settle(lists)
        return [
            joined(same) if same else window for window, same in zip(windows, found, strict=True)
        ]

    def _done(self, what: str, units: dict[str, Unit]) -> Iterator[tuple[Unit, Arrays]]:
        """Have units done that are not, and hand out the results of all in their order."""
        folders = {self._work / "units" / name: unit for name, unit in units.items()}
        for attempt in range(TRIES + 1):
            faults = {folder: fault_of(folder, unit) for folder, unit in folders.items()}
            faults = {folder: fault for folder, fault in faults.items() if fault}
            for folder, fault in faults.items():
                if fault != "is not done":
                    self._say(f"{folder}: {fault}; this unit is done again, and no other")
            if not faults:
                break
            if attempt == TRIES:
                (first, *others) = faults
                more = f" and {len(others)} more" if others else ""
                raise RunFailed(
                    f"{what}: the unit {first}{more} could not be done in {TRIES} tries; "
                    "the same command goes on from what is done"
                )
            for folder in faults:
                write_unit(folder, folders[folder])
            self._execute(what, list(faults))
        for folder, unit in folders.items():
            yield unit, read_result(folder)


class _Merging:
    """Puts the candidate lists of several units over the same probes together."""

    def __init__(self, lists: CandidateLists, rows: slice) -> None:
        self._gathering = lists.gathering(rows.start, rows.stop - rows.start)
        self._last = lists.scores[rows][:, -1:]
        self._waiting: list[tuple[Ints, Ints, npt.NDArray[np.float32]]] = []

    def take(self, scores: npt.NDArray[np.float32], places: Ints) -> None:
        # What a list is full of keeps most of the next one out; ties may yet come in.
        row, column = np.nonzero((places >= 0) & (scores >= self._last))
        self._waiting.append((row, places[row, column], scores[row, column]))
        if sum(len(row) for row, _, _ in self._waiting) > 4 * scores.size:
            self.settle()

    def settle(self) -> None:
        if self._waiting:
            parts = [np.concatenate(some) for some in zip(*self._waiting, strict=True)]
            self._gathering.insert(parts[0], parts[1], parts[2])
            self._waiting = []


def shards_for(probes: int, references: int, workers: int) -> int:
    """Return into how many parts a gallery is cut: units of some seconds, as many for each worker.

    >>> shards_for(2000, 1_000_000, 1), shards_for(2000, 1_000_000, 3), shards_for(9, 9, 4)
    (4, 6, 4)
    """
    return padded(max(1, -(-min(probes, BLOCK) * references // COMPARISONS)), workers)


def blocks_for(probes: int, shards: int, workers: int) -> int:
    """Return into how many blocks probes are cut, so that no worker is left waiting for others.

    There are as few as a unit may hold, or some more where the shards do not go round evenly: each
    block reads the references again, which takes a twentieth of its time.

    >>> blocks_for(2000, 1, 2), blocks_for(2000, 7, 2), blocks_for(2000, 64, 2)
    (2, 2, 1)
    >>> blocks_for(100_000, 7, 2)
    21
    """
    shards = max(1, shards)
    least = max(-(-probes // BLOCK), -(-workers // shards))

    def costs(blocks: int) -> float:
        units = blocks * shards
        return padded(units, workers) / units + blocks / 20

    return min(range(least, least + 4), key=costs)


def _settle(lists: dict[int, _Merging]) -> None:
    for merging in lists.values():
        merging.settle()


def cut(size: int, parts: int, tile: int = COLUMNS) -> Cuts:
    """Return the parts of a gallery, or of probes, cut at borders of tiles, as even as they allow.

    Examples
    --------
    >>> cut(3 * 1920, 2)
    [(0, 1920), (1920, 5760)]
    >>> cut(100, 7)
    [(0, 100)]
    """
    tiles = -(-size // tile)
    parts = max(1, min(parts, tiles))
    borders = [min(i * tiles // parts * tile, size) for i in range(parts + 1)]
    return [(a, b) for a, b in pairwise(borders) if a < b]


def _window(like: Window, result: Arrays, i: int) -> Window:
    window = like.empty_copy()
    window.low, window.high = result[f"window-{i}-ends"]
    window.capacity = _MERGED
    window.put(
        int(result[f"window-{i}-above"]),
        result[f"window-{i}-scores"],
        result[f"window-{i}-counts"],
    )
    return window


def _top(tail: TailCollector | None) -> tuple[npt.NDArray[np.float32], Ints]:
    """Return the distinct scores of a tail, falling, and how many are at least as high."""
    scores = tail.sorted()[0] if tail is not None else np.empty(0, np.float32)
    distinct, counts = np.unique(scores, return_counts=True)
    return distinct[::-1], np.cumsum(counts[::-1])


def _save(path: Path, array: npt.NDArray[np.generic]) -> None:
    content = io.BytesIO()
    np.save(content, array, allow_pickle=False)
    write_whole(path, content.getvalue())
