"""Matching in units of work: each a folder with a file that says what to do, done by `do_one`.

A unit reads templates from where they lie, and the files of the matching that it belongs to; it
writes one file of arrays and, last, what that file's hash is. Whoever can see the folders can do
it, on this machine or another, in any order and more than once: the bytes are the same. Tiles have
fixed places among all probes and all references, so no score depends on how many units there are.
"""

from __future__ import annotations

import hashlib
import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.columns import Arrays, packed
from harness.data.whole_files import digest_of, write_whole
from harness.errors import UsageError
from harness.matching.budget import share_out
from harness.matching.candidates import CandidateLists
from harness.matching.margins import MarginCollector
from harness.matching.mates import Mates
from harness.matching.product import (
    COLUMNS,
    ROWS,
    TALL,
    product_for,
    single_threaded,
)
from harness.matching.rows import Rows, VectorFile
from harness.matching.stream import Stream, Templates, Watch
from harness.matching.tails import TailCollector
from harness.matching.tiles import NumpyTile
from harness.matching.windows import Window

Progress: TypeAlias = Callable[[int, int], None]

UNIT, RESULT, DONE = "unit.json", "result.npz", "done.json"
PLAN, SCALE, CHOSEN, PAIRS, KNOWN = "shards.json", "scale", "chosen", "pairs.npy", "known.npz"

LOOKED_AT = 1 << 16
"""Rows of which one unit takes the hash and the lengths: the same for any number of shards."""

BLOCK = 10 * ROWS
"""Probes that one unit compares: their templates and lists are held at once."""

_PIECE = 1 << 18
"""Numbers that are looked at together: they stay in a core's own cache."""

RUN = 16
"""Neighbours that are drawn together."""

DRAWN = 512 * RUN
"""References drawn for each tile's height of probes, so that no list begins without a floor."""

LIBRARIES = 300 << 20
"""Bytes that a process of the harness holds at most before its first unit. One that holds more did
other things before: a notebook, say, whose data are not the matching's."""


class Plan(msgspec.Struct, frozen=True):
    """What all units of a matching share.

    Parameters
    ----------
    probes, references
        Files of templates.
    candidates, tail
        Length of the lists, and how many of the highest non-mated comparisons are kept.
    sample
        Scores drawn of each probe to place windows.
    memory
        Bytes that a process may hold while it does a unit, beside what it held for other ends.
    """

    probes: list[VectorFile]
    references: list[VectorFile]
    candidates: int
    tail: int
    memory: int
    sample: int = 0


class Unit(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is done in one folder.

    Parameters
    ----------
    kind
        ``look`` at rows; ``begin`` with the mates of probes; ``count`` a block of comparisons.
    of
        To look at: ``probes`` or ``references``.
    first, stop
        Rows to look at, or probes, as they are numbered among those that can be compared.
    low, high
        References to count, in the same way.
    windows
        Low end, high end and centre of each, as `float.hex` writes them.
    floor
        Of the tail, in the same way.
    marks
        Scores that margins count to, in the same way.
    bins
        Origin and scale of the histogram, as `float.hex` writes them, and its number of bins.
    gathers
        Whether anything is gathered besides windows.
    inputs
        SHA-256 of the files that it reads besides templates.
    """

    kind: str
    first: int
    stop: int
    of: str = ""
    low: int = 0
    high: int = 0
    windows: list[tuple[str, str, str]] = []
    floor: str = ""
    marks: list[str] = []
    bins: tuple[str, str, int] | None = None
    gathers: bool = False
    inputs: str = ""


class Done(msgspec.Struct, frozen=True):
    """What a unit that was done says of itself.

    Parameters
    ----------
    unit, result
        SHA-256 of its two files.
    seconds
        That it took.
    peak
        Bytes that its process held at most until then, where the system says.
    host
        Name of the machine.
    """

    unit: str
    result: str
    seconds: float
    peak: int
    host: str


def write_unit(folder: Path, unit: Unit) -> None:
    """Lay out a unit in a folder, which may hold one that was done."""
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / UNIT, _encoded(unit))


def fault_of(folder: Path, unit: Unit) -> str:
    """Say why the result of a unit cannot be taken; empty where it can.

    ``is not done`` where there is no result of this unit; anything else is a loss.
    """
    if not (folder / DONE).exists():
        return "is not done"
    try:
        done = msgspec.json.decode((folder / DONE).read_bytes(), type=Done)
    except (OSError, msgspec.MsgspecError):
        return f"{DONE} cannot be read"
    if done.unit != hashlib.sha256(_encoded(unit)).hexdigest():
        return "is not done"
    try:
        found = digest_of(folder / RESULT)
    except OSError:
        return f"{RESULT} is lost"
    return "" if found == done.result else f"{RESULT} changed after it was written"


def done_in(folder: Path) -> Done | None:
    """Return what the unit in a folder said when it was done; None where it is not, by its files.

    Raises
    ------
    OSError
        If there is no unit.
    """
    asked = hashlib.sha256((folder / UNIT).read_bytes()).hexdigest()
    try:
        done = msgspec.json.decode((folder / DONE).read_bytes(), type=Done)
    except (OSError, msgspec.MsgspecError):
        return None
    return done if done.unit == asked else None


def read_result(folder: Path) -> Arrays:
    """Read the arrays of a unit that was done, each in the shape and dtype that it was made in."""
    return load_arrays(folder / RESULT)


def do_one(
    folder: Path,
    progress: Progress | None = None,
    called: Callable[[str], str] | None = None,
) -> None:
    """Do the unit that lies in a folder; what is there already is done anew.

    Parameters
    ----------
    folder
        In the folder ``units`` of a matching.
    progress
        Called as ``progress(comparisons done, comparisons in all)``.
    called
        What a path of a file of templates is called on this machine; as it is there unless given.

    Raises
    ------
    DataError
        If templates cannot be read.
    UsageError
        If the memory is too little.
    """
    folder = Path(folder)
    begun = time.perf_counter()
    text = (folder / UNIT).read_bytes()
    unit = msgspec.json.decode(text, type=Unit)
    work = folder.parent.parent
    plan = msgspec.json.decode((work / PLAN).read_bytes(), type=Plan)
    if called is not None:
        plan = _renamed(plan, called)
    arrays = _KINDS[unit.kind](unit, plan, work, progress or _silent)
    (folder / DONE).unlink(missing_ok=True)
    content = packed(arrays)
    write_whole(folder / RESULT, content)
    done = Done(
        unit=hashlib.sha256(text).hexdigest(),
        result=hashlib.sha256(content).hexdigest(),
        seconds=time.perf_counter() - begun,
        peak=peak_bytes(),
        host=platform.node(),
    )
    write_whole(folder / DONE, msgspec.json.encode(done))


def peak_bytes() -> int:
    """Return how many bytes this process has held at most."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most << 10


def held_bytes() -> int:
    """Return how many bytes this process holds now; the most so far where the system is silent."""
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return peak_bytes()
    return pages * os.sysconf("SC_PAGESIZE")


def save_arrays(path: Path, arrays: Arrays) -> str:
    """Write arrays of any shape to a file that holds nothing else, and return its SHA-256."""
    content = packed(arrays)
    write_whole(path, content)
    return hashlib.sha256(content).hexdigest()


def load_arrays(path: Path) -> Arrays:
    """Read what `save_arrays` wrote."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def templates_of(plan: Plan, work: Path, side: str) -> Templates:
    """Return the templates of probes or references that can be compared, none of them in memory."""
    rows: Any = Rows(getattr(plan, side), np.load(work / f"{SCALE}-{side}.npy", mmap_mode="r"))
    path = work / f"{CHOSEN}-{side}.npy"
    chosen: Any = np.load(path, mmap_mode="r") if path.exists() else _Everyone(len(rows))
    return Templates(rows, chosen)


class _Everyone:
    """The numbers of all rows, of which only those that are asked for are made."""

    def __init__(self, rows: int) -> None:
        self._rows = rows

    def __len__(self) -> int:
        return self._rows

    def __getitem__(self, wanted: slice | npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        if isinstance(wanted, slice):
            return np.arange(*wanted.indices(self._rows))
        return np.asarray(wanted)


def _renamed(plan: Plan, called: Callable[[str], str]) -> Plan:
    sides = {
        side: [msgspec.structs.replace(one, path=called(one.path)) for one in getattr(plan, side)]
        for side in ("probes", "references")
    }
    return msgspec.structs.replace(plan, **sides)


def _look(unit: Unit, plan: Plan, work: Path, progress: Progress) -> Arrays:
    """Take the hash of some rows, and what makes each of them as long as 1."""
    rows = Rows(getattr(plan, unit.of))
    digest, known = hashlib.sha256(), ""
    scale = np.zeros(unit.stop - unit.first)
    broken = np.zeros(len(scale), np.bool_)
    step = max(1, _PIECE // rows.shape[1])
    with ThreadPoolExecutor(1) as beside:
        hashed = [beside.submit(digest.update, b"")]
        for start in range(unit.first, unit.stop, step):
            for at, piece in rows.pieces(start, min(start + step, unit.stop)):
                kind = piece.dtype.newbyteorder("<").str
                # Said where it changes, not where a file ends.
                if kind != known:
                    hashed.append(beside.submit(digest.update, kind.encode()))
                known = kind
                little = piece if sys.byteorder == "little" else piece.byteswap()
                # It takes longer than the rest, which is done meanwhile if there is a core for it.
                hashed.append(beside.submit(digest.update, little.reshape(-1).view(np.uint8).data))
                while len(hashed) > 2:
                    hashed.pop(0).result()
                here = slice(at - unit.first, at - unit.first + len(piece))
                scale[here], broken[here] = _scales(piece)
        for last in hashed:
            last.result()
    return {
        "sha256": np.frombuffer(digest.digest(), np.uint8),
        "scale": scale,
        "broken": broken,
    }


def _scales(
    rows: npt.NDArray[np.floating[Any]],
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return what makes each row as long as 1 (0 for a row of zeros), and which hold no numbers."""
    exact = rows.astype(np.float64)
    with np.errstate(over="ignore", invalid="ignore"):
        squares = np.einsum("ij,ij->i", exact, exact)
    scale = np.zeros(len(rows))
    usual = (squares > 1e-200) & (squares < 1e200)
    scale[usual] = 1 / np.sqrt(squares[usual])
    broken = np.zeros(len(rows), np.bool_)
    for i in np.flatnonzero(~usual).tolist():
        broken[i] = not np.isfinite(rows[i]).all()
        largest = np.abs(exact[i]).max()
        if not broken[i] and largest > 0:
            # Squares of what is divided first neither overflow nor vanish.
            scale[i] = 1 / np.linalg.norm(exact[i] / largest) / largest
    return scale, broken


def _begin(unit: Unit, plan: Plan, work: Path, progress: Progress) -> Arrays:
    """Score the mates of some probes, and draw references to know floors and a sample by."""
    probes, references = (templates_of(plan, work, side) for side in ("probes", "references"))
    probes = Templates(probes.rows, probes.chosen[unit.first : unit.stop])
    search, place = _pairs_of(work, unit)
    mates = Mates(search, place, len(probes))
    multiply, place_free = product_for(references.rows.shape[1])
    rng = np.random.default_rng([len(references), unit.first])
    places = _drawn(len(references), rng)
    drawn = len(places)
    tile = NumpyTile(multiply, ROWS, COLUMNS)
    scores = np.empty((len(probes), drawn), np.float32)
    left = probes.probes(slice(0, len(probes)))
    with single_threaded():
        mates.score(multiply, probes.probes, references.references)
        for start in range(0, drawn, COLUMNS):
            these = places[start : start + COLUMNS]
            tile.fill(left, references.references(these), len(probes), len(these))
            row, wanted = mates.of(slice(0, len(probes)), slice(0, len(references)))
            column = np.minimum(np.searchsorted(these, wanted), len(these) - 1)
            here = these[column] == wanted
            tile.mask(row[here], column[here])
            scores[:, start : start + len(these)] = tile.scores()
    floors = np.full(len(probes), -np.inf, np.float32)
    if 0 < plan.candidates <= drawn:
        nth = drawn - plan.candidates
        floors = np.partition(scores, nth, axis=1)[:, nth]
    # As few neighbours as there can be: they may be alike.
    turn = rng.integers(0, RUN, drawn // RUN + 1)[np.arange(drawn) // RUN]
    spread = np.lexsort((rng.random(drawn), (np.arange(drawn) + turn) % RUN))
    few = np.sort(spread[: max(1, plan.sample)])
    return {
        "mated": mates.scores,
        "floors": floors,
        "sample": scores[:, few],
        "place_free": np.array(place_free),
    }


def _drawn(references: int, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """Draw references, some neighbours at a time, since reading begins anew for each: rising."""
    if references <= DRAWN:
        return np.arange(references)
    runs = rng.choice(-(-references // RUN), DRAWN // RUN, replace=False)
    places = (np.sort(runs)[:, np.newaxis] * RUN + np.arange(RUN)).reshape(-1)
    return places[places < references]


def _count(unit: Unit, plan: Plan, work: Path, progress: Progress) -> Arrays:
    """Compare a block of probes with some references, and say what their scores come to."""
    before = held_bytes()
    probes, references = (templates_of(plan, work, side) for side in ("probes", "references"))
    known = load_arrays(work / KNOWN)
    block: Any = probes.rows[np.asarray(probes.chosen[unit.first : unit.stop])]
    here = Templates(block, np.arange(len(block)))
    search, place = _pairs_of(work, unit)
    mates = Mates(search, place, len(here))
    first = int(np.searchsorted(known["search"], unit.first))
    mates.scores = known["mated"][first : first + len(search)]
    length = plan.candidates if unit.gathers else 0
    held = min(before, LIBRARIES) + max(0, held_bytes() - before)
    try:
        shares = share_out(
            plan.memory - held,
            searches=len(here),
            references=unit.high - unit.low,
            dimension=block.shape[1],
            pairs=len(search),
            threads=1,
            windows=len(unit.windows),
            candidates=length,
            tail=plan.tail if unit.gathers else 0,
            bins=unit.bins[2] if unit.bins else 0,
            rows=TALL,
            least=2 * COLUMNS,
            margins=len(unit.marks),
        )
    except ValueError as reason:
        raise UsageError(
            f"{plan.memory >> 20} MB of memory for a worker are too little: beside the "
            f"{held >> 20} MB that it holds before it begins, {reason} (see --memory)"
        ) from None
    multiply, _ = product_for(block.shape[1])
    stream = Stream(
        here,
        references,
        [NumpyTile(multiply, TALL, COLUMNS)],
        TALL,
        COLUMNS,
        COLUMNS,  # what was read stays in the cache until all probes are through
        slice(unit.low, unit.high),
        ahead=True,
    )
    watch = None
    if unit.gathers:
        watch = Watch(
            mates,
            np.full(len(here), -np.inf, np.float32),
            CandidateLists(len(here), length, known["floors"][unit.first : unit.stop]),
            TailCollector(plan.tail, float.fromhex(unit.floor)) if plan.tail else None,
            bins_of(unit.bins),
        )
        if unit.marks:
            marks = np.array([float.fromhex(mark) for mark in unit.marks], np.float32)
            watch.margins = MarginCollector.over(marks, len(here), unit.high - unit.low)
    windows = [
        Window(float.fromhex(low), float.fromhex(high), float.fromhex(centre), shares.capacity)
        for low, high, centre in unit.windows
    ]
    with single_threaded():
        windows = stream.run(mates, windows, watch, progress)
    arrays: Arrays = {}
    for i, window in enumerate(windows):
        scores, counts = window.kept()
        arrays |= {f"window-{i}-scores": scores, f"window-{i}-counts": counts}
        arrays[f"window-{i}-ends"] = np.array([window.low, window.high], np.float32)
        arrays[f"window-{i}-above"] = np.array(window.above, np.int64)
    if watch is not None:
        arrays["ahead"] = mates.ahead
        arrays["best_nonmate"] = watch.best_nonmate
        arrays["candidate_scores"] = watch.candidates.scores
        arrays["candidate_places"] = watch.candidates.places
        arrays["bins"] = watch.counts
        if watch.margins is not None:
            # A count is at most the number of probes, or of references, of the unit.
            arrays["margin_probes"] = watch.margins.probes.astype(np.uint32)
            arrays["margin_references"] = watch.margins.references.astype(np.uint16)
        if watch.tail is not None:
            score, number, reference = watch.tail.sorted()
            arrays |= {"tail_scores": score, "tail_searches": number + unit.first}
            arrays |= {"tail_places": reference, "tail_floor": np.array(watch.tail.floor)}
    return arrays


def bins_of(
    written: tuple[str, str, int] | None,
) -> tuple[np.float32, np.float32, int] | None:
    """Return origin, scale and number of bins as they were written into a unit."""
    if written is None:
        return None
    origin, scale, bins = written
    return np.float32(float.fromhex(origin)), np.float32(float.fromhex(scale)), bins


def _pairs_of(work: Path, unit: Unit) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Return searches, from the unit's first, and places of the mated pairs of its probes."""
    pairs = np.load(work / PAIRS, mmap_mode="r")
    start, stop = np.searchsorted(pairs[0], [unit.first, unit.stop])
    return pairs[0, start:stop] - unit.first, np.asarray(pairs[1, start:stop])


_KINDS = {"look": _look, "begin": _begin, "count": _count}


def _encoded(unit: Unit) -> bytes:
    return msgspec.json.encode(unit)


def _silent(done: int, total: int) -> None:
    """Report to nobody."""


if __name__ == "__main__":
    for given in sys.argv[1:]:
        do_one(Path(os.fspath(given)))
