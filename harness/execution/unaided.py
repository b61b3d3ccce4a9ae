"""Comparing that takes no code of an algorithm's: cosines, and folds whose scores are not kept.

It is done in a process of its own all the same, without the plugin: so it can be stopped, has the
threads that it is allowed, and its environment is that of every worker.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import msgspec
import numpy as np
import numpy.typing as npt

from harness.api import Template, unit_rows
from harness.errors import HarnessError, RunFailed, UsageError
from harness.execution import storage
from harness.execution.answers import BadAnswer
from harness.execution.costs import Clock
from harness.execution.doing import Doing, Stopped
from harness.execution.environment import environment_of_process
from harness.execution.unit import TEMPLATES, Unit
from harness.execution.variables import variables

if TYPE_CHECKING:
    from harness.matching import MatchResult

COSINES = 100_000
"""Cosines computed at once, so that progress is seen."""

HISTOGRAM_BINS = 4096
"""Behind the plots of a fold whose scores are not kept."""

SHARDED_ABOVE = 1 << 30
"""Bytes of references above which a fold is matched by units of work, each in bounded memory.

It depends on the data alone, never on the machine: the two ways differ in the last digits.
"""

Progress = Callable[[int, int], None]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


class Request(msgspec.Struct):
    """A unit whose templates are compared, the run folder, and where the result is written."""

    unit: Unit
    run: str
    part: str


class _Line(msgspec.Struct, omit_defaults=True):
    done: int = 0
    total: int = 0
    trouble: str = ""
    end: bool = False


def compare_unaided(unit: Unit, run: Path, part: Path, doing: Doing, log: Path) -> None:
    """Compare a unit's templates in a process without its algorithm, and store the scores.

    Raises
    ------
    RunFailed
        If they cannot be compared.
    """
    request = Request(unit, str(run), str(part))
    with log.open("ab") as said:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "harness.execution.worker", "compare"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=said,
            env=variables(doing.threads),
            start_new_session=True,
        )
    try:
        last = _follow(process, msgspec.json.encode(request) + b"\n", doing)
    finally:
        with suppress(OSError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if not last.end:
        message = last.trouble or f"its process ended (exit code {process.returncode})"
        raise RunFailed(f"{unit.algorithm}, {unit.name}: {message}\n  log: {log}")


def _follow(process: subprocess.Popen[bytes], request: bytes, doing: Doing) -> _Line:
    """Give a process its request, pass on what it says, and return its last word."""
    last = _Line(trouble="its process ended without an answer")
    if process.stdin is None or process.stdout is None:
        return last
    with suppress(BrokenPipeError):
        process.stdin.write(request)
        process.stdin.flush()
    heard, text = time.monotonic(), b""
    while True:
        if doing.limits.is_over:
            return _Line(trouble=doing.limits.overdue("while its templates were compared"))
        if not select.select([process.stdout], [], [], 0.1)[0]:
            if doing.stop.is_set():
                raise Stopped
            if time.monotonic() - heard > doing.limits.bounds.silence:
                return _Line(
                    trouble=f"no sign of life for {doing.limits.bounds.silence:.0f} s, so it was "
                    "stopped. If it is only slow, raise --timeout"
                )
            continue
        heard, part = time.monotonic(), os.read(process.stdout.fileno(), 1 << 16)
        if not part:
            return last
        *lines, text = (text + part).split(b"\n")
        for line in lines:
            last = msgspec.json.decode(line, type=_Line)
            if last.end or last.trouble:
                return last
            doing.report("score", last.done, last.total, "comparisons")


def main(request: bytes, harness_out: TextIO) -> int:
    """Compare what a request names; what is printed besides goes to the log."""
    last = [0.0]

    def say(line: _Line) -> None:
        harness_out.write(msgspec.json.encode(line).decode() + "\n")

    def progress(done: int, total: int) -> None:
        now = time.monotonic()
        if done >= total or now - last[0] > 0.2:
            last[0] = now
            say(_Line(done, total))

    asked = msgspec.json.decode(request, type=Request)
    try:
        compare(asked.unit, Path(asked.run), Path(asked.part), progress)
    except (BadAnswer, HarnessError) as reason:
        say(_Line(trouble=str(reason)))
        return 1
    except MemoryError as reason:
        say(_Line(trouble=f"out of memory: {reason}"))
        return 1
    say(_Line(end=True))
    return 0


def compare(unit: Unit, run: Path, part: Path, progress: Progress, *, inside: bool = False) -> None:
    """Compare a unit's templates and store the scores, or what follows from them, in a folder.

    Parameters
    ----------
    unit, run, part
        Whose templates, the run folder they lie in, and the folder to store in.
    progress
        Called with comparisons done and all of them.
    inside
        Whether this process is the harness itself.

    Raises
    ------
    BadAnswer
        If the templates are not vectors of one length.
    UsageError
        If the machine has not what was asked for.
    """
    places = [run / shared for shared in unit.templates]
    if unit.extract:
        places.insert(0, run / "units" / unit.name / TEMPLATES)
    clock = Clock()
    clock.start()
    if unit.matching is not None:
        _stream(unit, places, part, progress)
        clock.took("compare", len(unit.probes))
    else:
        templates, failures = storage.load_templates(places)
        wanted = set(unit.probes) | set(unit.gallery)
        failures = {name: reason for name, reason in failures.items() if name in wanted}
        try:
            clock.start()
            scores = _cosines(unit, templates, failures, progress)
            clock.took("compare", sum(name not in failures for name in unit.probes))
        except TypeError as reason:
            raise BadAnswer(str(reason)) from None
        storage.save_scores(part, scores, failures)
    environment = environment_of_process(inside=inside)
    if unit.matching is not None and unit.matching.device != "cpu":
        device = environment.device or unit.matching.device
        environment = msgspec.structs.replace(environment, device=device)
    storage.record_step(
        part,
        items=len(unit.probes) * len(unit.gallery),
        environment=environment,
        loaded={},
        costs=clock.costs(),
    )


def _cosines(
    unit: Unit,
    templates: Mapping[str, Template],
    failures: Mapping[str, str],
    progress: Progress,
) -> npt.NDArray[np.float64]:
    """Return the cosine of every comparison that is asked for; NaN for others and failures."""
    scores = np.full((len(unit.probes), len(unit.gallery)), np.nan)
    rows = [i for i, name in enumerate(unit.probes) if name not in failures]
    columns = [j for j, name in enumerate(unit.gallery) if name not in failures]
    if not rows or not columns:
        return scores
    references = unit_rows([templates[unit.gallery[j]] for j in columns])
    height = max(1, COSINES // len(columns))
    for start in range(0, len(rows), height):
        block = rows[start : start + height]
        probes = unit_rows([templates[unit.probes[i]] for i in block])
        # In float64, so that another size of block shows in the 16th digit only.
        scores[np.ix_(block, columns)] = np.clip(probes @ references.T, -1.0, 1.0)
        progress(min(start + height, len(rows)), len(rows))
    for i, listed in enumerate(unit.compared):
        others = np.ones(len(unit.gallery), dtype=bool)
        others[listed] = False
        scores[i, others] = np.nan
    return scores


def _stream(unit: Unit, places: list[Path], part: Path, progress: Progress) -> None:
    work: Any = unit.matching
    reasons = storage.load_failures(places)
    wanted = set(unit.probes) | set(unit.gallery)
    scratch = [part / "probes.npy", part / "references.npy"]
    # Ties are listed by name, so that the list does not depend on the gallery's order.
    order = np.argsort(np.array(unit.gallery), kind="stable").astype(np.int64)
    try:
        probes, lost_probes = storage.gather_vectors(places, unit.probes, scratch[0])
        references, lost = storage.gather_vectors(
            places, [unit.gallery[i] for i in order], scratch[1]
        )
    except TypeError as reason:
        raise BadAnswer(str(reason)) from None
    if references.nbytes > SHARDED_ABOVE and work.device == "cpu" and not lost_probes.all():
        found = _sharded(unit, (probes, lost_probes), (references, lost), order, part, progress)
    else:
        found = _matched(unit, (probes, lost_probes), (references, lost), order, progress)
    failures = {name: reason for name, reason in reasons.items() if name in wanted}
    storage.save_matching(part, found, failures)
    for file in scratch:
        file.unlink(missing_ok=True)


def _matched(
    unit: Unit,
    probes: tuple[Floats, Bools],
    references: tuple[Floats, Bools],
    order: Ints,
    progress: Progress,
) -> MatchResult:
    """Match in this process: vectors and who has none, references by name."""
    from harness.matching import match

    work: Any = unit.matching
    width = max(probes[0].shape[1], references[0].shape[1])
    sides = [
        np.broadcast_to(rows, (len(rows), width)) if lost.all() else rows
        for rows, lost in (probes, references)
    ]
    try:
        found = match(
            sides[0],
            sides[1],
            _placed(work.pairs, order),
            failed_probes=probes[1],
            failed_references=references[1],
            fmrs=work.fmrs,
            eer=work.eer,
            candidates=work.candidates,
            bins=HISTOGRAM_BINS,
            margins=True,
            memory=work.memory,
            threads=work.threads,
            device=work.device,
            progress=progress,
        )
    except (ValueError, RuntimeError, AssertionError) as reason:
        # torch says what it cannot do with a device by the last two
        raise UsageError(f"{reason} (see --memory and --device)") from None
    return found.reordered(order)


def _sharded(
    unit: Unit,
    probes: tuple[Floats, Bools],
    references: tuple[Floats, Bools],
    order: Ints,
    part: Path,
    progress: Progress,
) -> MatchResult:
    """Match by units of work in several processes, of which a next attempt keeps what is done."""
    from harness.matching.pool import Here
    from harness.matching.rows import vector_file
    from harness.matching.sharded import Shards, shards_for

    work: Any = unit.matching
    for rows, lost in (probes, references):
        rows[lost] = np.nan
        rows.flush()  # type: ignore[attr-defined]
    workers = max(1, work.threads)
    kept = part.parent / "shards"
    kept.mkdir(exist_ok=True)
    here = Here(workers, lambda what, done, total: progress(done * (what == "comparing"), total))
    try:
        shards = Shards(
            kept,
            [vector_file(part / "probes.npy")],
            [vector_file(part / "references.npy")],
            here,
            memory=work.memory // workers,
            say=lambda text: print(text, file=sys.stderr, flush=True),
        )
        found = shards.match(
            {side: shards.look(side) for side in ("probes", "references")},
            _placed(work.pairs, order),
            shards=shards_for(len(probes[0]), len(references[0]), workers),
            workers=workers,
            fmrs=work.fmrs,
            eer=work.eer,
            candidates=work.candidates,
            bins=HISTOGRAM_BINS,
            margins=True,
        )
    finally:
        here.close()
    shutil.rmtree(kept, ignore_errors=True)
    return found.reordered(order)


def _placed(pairs: Sequence[tuple[int, int]], order: Ints) -> Ints:
    """Return mated pairs with references as they stand in an order: int64, shape (pairs, 2)."""
    placed = np.array(pairs, dtype=np.int64).reshape(-1, 2)
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    placed[:, 1] = place[placed[:, 1]]
    return placed
