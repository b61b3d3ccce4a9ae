"""One process of a plugin from the harness's side: started in its fence, asked, listened to, ended.

However the process ends (without an answer, killed, with its line closed, by leaving a child
behind), that is noticed and said; it never holds the harness up longer than it may be silent.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn, Protocol

import numpy as np

from harness.api import METHODS, Capture
from harness.errors import RunFailed
from harness.execution import bounds
from harness.execution.bounds import Started, amount
from harness.execution.costs import GALLERY, Clock
from harness.execution.doing import Stopped
from harness.execution.enclosure import rules_for
from harness.execution.fence import Fence
from harness.execution.fenced import Fenced, start, surroundings
from harness.execution.jobs import Ask, Job, Lesson, Said
from harness.execution.log import Log
from harness.execution.nursery import Nursery
from harness.execution.packing import LARGEST_ANSWER, bounded, unpack
from harness.execution.unit import DESCRIPTION, REFERENCE, Unit
from harness.execution.variables import variables
from harness.execution.wire import Array, BadMessage, Ended, Wire
from harness.plugins.programs.remarks import Remark

LARGEST_TEMPLATE = LARGEST_ANSWER
"""Bytes that the template of one image may have."""

_LARGEST_HEAD = 1 << 20
_LARGEST_LAST_HEAD = 1 << 24
_LARGEST_GALLERY = 1 << 53
"""Bytes above which no program reads a number as it is written."""

_GRACE = 3.0
"""Seconds in which a process that has closed its line has to end, so that it is known how."""


_MEASURE_EVERY = 0.5
"""Seconds between looks at what a process holds."""

_PASS_ON_EVERY = 0.1
"""Seconds between two reports of a fit that are passed on."""

_HINTS = {
    "SIGABRT": " (a library gave up, often for want of memory)",
    "SIGKILL": " (often the system ending a process that uses too much memory)",
    "SIGSEGV": " (a crash inside a compiled library)",
    "SIGXFSZ": " (it wrote a file larger than it may)",
}

_ASKED_AS = {REFERENCE: "enrol", DESCRIPTION: "describe_text"}
"""The method that is asked, by the role of what it is asked of."""

_IMPORT, _CONSTRUCT = "import", "construct"
_WHERE = {_IMPORT: "while its file was imported", _CONSTRUCT: "while it was constructed"}
"""What a process was at, but for the methods of an algorithm."""


_SCRATCH = "harness-"


def remove_leftovers() -> None:
    """Remove the scratch folders of harnesses that were killed."""
    for left in Path(tempfile.gettempdir()).glob(f"{_SCRATCH}*-*"):
        owner = left.name.removeprefix(_SCRATCH).partition("-")[0]
        if not owner.isdecimal():
            continue
        try:
            os.kill(int(owner), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except OSError:
            continue  # somebody else's


@contextmanager
def conversation(
    unit: Unit,
    *,
    log: Path,
    threads: int,
    limits: Started,
    stop: threading.Event,
    hidden: Iterable[Path],
    writable: Iterable[Path] = (),
    nursery: Nursery | None = None,
) -> Iterator[Conversation]:
    """Start a worker for a unit's algorithm; it is ended, with all that it started, at the end.

    Parameters
    ----------
    log
        File to which what it prints is added.
    threads
        That it may use.
    limits
        How long it may take, be silent, and how much it may hold.
    stop
        Set when the run is being ended.
    hidden
        Data sets and runs, of which it may read nothing.
    writable
        Folders in which it may write, besides one for temporary files.
    nursery
        That forks workers of some algorithm, perhaps of this one.
    """
    scratch = Path(tempfile.mkdtemp(prefix=f"{_SCRATCH}{os.getpid()}-")).resolve()
    ours, theirs = socket.socketpair()
    book = Log(log)
    fenced: Fenced | None = None
    try:
        environment = surroundings(str(scratch), variables(threads))
        with theirs:
            fenced = start(
                "harness.execution.worker",
                ["step", str(theirs.fileno())],
                rules_for(
                    Path(unit.file),
                    unit.parameters,
                    scratch,
                    command=unit.command,
                    environment=environment,
                    hidden=hidden,
                    writable=writable,
                    memory=limits.bounds.memory,
                ),
                environment=environment,
                # Where there is no fence, a worker ends when this closes.
                stdin=subprocess.DEVNULL if sys.platform == "linux" else subprocess.PIPE,
                stdout=book.end,
                stderr=book.end,
                pass_fds=[theirs.fileno()],
                nursery=nursery if nursery and nursery.plugin == Path(unit.file) else None,
            )
        book.started()
        yield Conversation(unit, scratch, ours, fenced, book, limits, stop)
    finally:
        limits.bounds.account.leave(scratch)
        if fenced is not None:
            fenced.end()
            if fenced.process.stdin is not None:
                fenced.process.stdin.close()
        ours.close()
        book.close()
        shutil.rmtree(scratch, ignore_errors=True)


class Life(Protocol):
    """What answers at the other end of a line."""

    @property
    def process(self) -> Any:
        """In which it lives: has a `pid` and a `returncode`, can be polled and waited for."""

    @property
    def fence(self) -> Fence:
        """What holds it in."""

    def end(self) -> None:
        """End it, with all that it started."""


class Conversation:
    """What is said with one worker."""

    def __init__(
        self,
        unit: Unit,
        scratch: Path,
        line: socket.socket,
        life: Life,
        book: Log,
        limits: Started,
        stop: threading.Event,
    ) -> None:
        self.unit, self.scratch = unit, scratch
        self.report: Callable[[int, int, str], None] = lambda done, total, note: None
        """Called with what it says of a fit."""
        self.picture: Callable[[str, int], Array] = self._no_picture
        """Called with kind and number of a picture that it wants."""
        self.drawn: Callable[[list[Capture], list[Capture]], list[Array]] = self._none_drawn
        """Called with captures that it wants, and with those that will come."""
        self.remarks: list[Remark | None] = []
        """What was said beside the answers to the last pictures, yet to be checked."""
        self._life, self._book, self._stop = life, book, stop
        self._limits, self._heard = limits, time.monotonic()
        self._looked = self._measured = self._passed = 0.0
        self._killed = bounds.killed_for_memory()
        self._at, self._clock = _IMPORT, Clock()
        self._remark: Remark | None = None
        self._wire = Wire(line, self._look, self._note)

    def begin(self, lesson: Lesson | None = None) -> None:
        """Have the plugin imported and its algorithm built, and fitted where there is a lesson."""
        unit = self.unit
        job = Job(
            algorithm=unit.algorithm,
            file=unit.file,
            attribute=unit.attribute,
            module=unit.module,
            command=unit.command,
            parameters=unit.parameters,
            ability=unit.ability,
            scratch=str(self.scratch),
            lesson=lesson,
            vocabulary=unit.vocabulary if unit.ability == "Tagger" else [],
        )
        self._at = _IMPORT
        self._tell(job)
        self._done()

    def load(self, model: Path | None) -> None:
        """Have the algorithm built anew and given a copy of a model."""
        self._at = "load"
        folder = self.scratch / "model"
        shutil.rmtree(folder, ignore_errors=True)
        if model is not None:
            shutil.copytree(model, folder, symlinks=True)
        self._tell(Ask("load", folder="" if model is None else str(folder)))
        self._done()

    def save(self) -> Path:
        """Have the model saved, and return the folder it lies in for as long as the worker does."""
        self._at = "save"
        folder = self.scratch / "saved"
        self._tell(Ask("save", folder=str(folder)))
        self._done()
        return folder

    def batch(
        self,
        pictures: Sequence[Array],
        most: Sequence[int],
        counts: Sequence[int] = (),
        role: str = "",
    ) -> Any:
        """Have pictures answered.

        Parameters
        ----------
        most
            Bytes that each answer may have.
        counts
            Of pictures that each answer is about, where it is about several: they follow each
            other.
        role
            ``reference`` or ``description`` where they are that: see `Ask`.

        Returns
        -------
        list or None
            The answers, as they are: to be checked.
        """
        self._at = _ASKED_AS[role] if role else METHODS[self.unit.ability].name
        self.remarks = [None] * len(most)
        self._tell(Ask("batch", role=role, counts=list(counts)), pictures)
        self._clock.start()
        said, _ = self._hear(0)
        if said.what != "answers":
            self._astray(said)
        if said.count is None:
            return None
        if said.count != len(most):
            return [None] * max(0, min(said.count, 1_000_000))
        if said.together:
            self._clock.took(self._at, said.count)
        answers, held = [], 0
        for place, size in enumerate(most):
            answers.append(self._answer(size))
            self.remarks[place] = self._remark
            if not said.together:
                self._clock.took(self._at)
            held += size_of(answers[-1])
            self.check_held(held)
        return answers

    def check_held(self, size: int) -> None:
        """Fail the unit if the answers that the harness holds for it take more than it may."""
        if size > self._limits.bounds.memory:
            self.fail(
                f"the answers of {self._at} take {amount(size)} together and more, and "
                f"{amount(self._limits.bounds.memory)} are allowed by --memory-limit: return less "
                "for an image, or raise it"
            )

    def references(self, templates: Sequence[Any]) -> None:
        """Give the references that probes are compared with, or searched for in, from now on."""
        searched = self.unit.ability == "Searcher"
        self._at = "finalise" if searched else "compare"
        names, arrays = _flat(templates)
        self._tell(Ask("references", templates=names), arrays)
        self._clock.start()
        said = self._done()
        if searched:
            self._clock.took(self._at)
            self._note_size(said.remark)

    def _note_size(self, remark: Remark | None) -> None:
        """Note what a gallery takes, where its program says it."""
        if remark is None or remark.size is None:
            return
        if not 0 <= remark.size <= _LARGEST_GALLERY:
            self.fail(f"finalise says that the gallery takes {remark.size:,} bytes")
        self._clock.holds(GALLERY, remark.size)

    def search(self, probe: Any, length: int) -> Any:
        """Have the references searched for a probe, and return the list, yet to be checked."""
        self._at = "search"
        names, arrays = _flat([probe])
        self._tell(Ask("search", templates=names, length=length), arrays)
        self._clock.start()
        answer = self._answer(4096 + 32 * length)
        self._clock.took(self._at)
        if isinstance(answer, dict) and answer.keys() == {"places", "scores", "empty"}:
            return answer["places"], answer["scores"], answer["empty"]
        return answer

    def compare(self, probe: Any, count: int, listed: list[int] | None, block: int) -> list[Any]:
        """Have a probe compared with `count` references, and return the scores block by block."""
        self._at = "compare"
        names, arrays = _flat([probe])
        self._tell(Ask("compare", templates=names, listed=listed, block=block), arrays)
        self._clock.start()
        sizes = [min(block, count - start) for start in range(0, count, block)]
        answers = [self._answer(4096 + 16 * size) for size in sizes]
        self._clock.took(self._at)
        return answers

    def answer(self, truth: Array, generator: list[int]) -> Any:
        """Have a control answer to a truth: bool, of any shape.

        Parameters
        ----------
        truth
            As for `Control.answer`.
        generator
            Seed of the random numbers that the control draws.
        """
        self._at = "answer"
        self._tell(Ask("answer", generator=generator), [truth])
        return self._answer(4096 + 16 * truth.size)

    def finish(self) -> dict[str, Any]:
        """Let the worker go, and return what is kept: environment, files loaded, fence, costs.

        When this returns, it has ended with all that it started: nothing changes its files.
        """
        self._tell(Ask("end"))
        said, _ = self._hear(0, _LARGEST_LAST_HEAD)
        if said.what != "done" or said.environment is None:
            self._astray(said)
        facts = {"environment": said.environment, "loaded": said.loaded}
        held = asdict(self._life.fence)
        self._life.end()
        return {**facts, "fence": held, "costs": self._clock.costs()}

    def fail(self, message: str) -> NoReturn:
        """Say that this unit failed, and where its log lies."""
        self._book.settle()
        raise RunFailed(
            f"{self.unit.algorithm}, {self.unit.name}: {message}\n  log: {self._book.file}"
        )

    def _done(self) -> Said:
        said, _ = self._hear(0)
        if said.what != "done":
            self._astray(said)
        return said

    def _answer(self, most: int) -> Any:
        said, arrays = self._hear(most)
        if said.what != "answer" or said.packed is None:
            self._astray(said)
        self._remark = said.remark
        return unpack(said.packed, arrays)

    def _tell(self, message: Job | Ask, arrays: Sequence[Array] = ()) -> None:
        try:
            self._wire.send(message, arrays)
        except Ended:
            # What it said before it closed the line tells why it did.
            self._hear(0)
            self._gone()

    def _hear(self, most: int, most_head: int = _LARGEST_HEAD) -> tuple[Said, list[Array]]:
        """Return what is said, but for progress and wishes, which are seen to on the way."""
        while True:
            try:
                said, arrays = self._wire.receive(Said, most, most_head)
            except Ended:
                self._gone()
            except BadMessage as reason:
                self.fail(f"{self._at} sent the harness {reason}")
            if said.what == "trouble":
                more = bounds.out_of_memory(self._limits.bounds.memory) if said.memory else ""
                self.fail(bounded(said.message) + more)
            elif said.what == "progress":
                self._pass_on(said)
            elif said.what == "at" and self._at in (_IMPORT, _CONSTRUCT):
                self._at = said.step if said.step in (_CONSTRUCT, "fit") else self._at
            elif said.what == "want":
                if said.picture == "drawn":
                    pictures = self.drawn(said.wanted, said.coming)
                else:
                    pictures = [self.picture(said.picture, said.index)]
                self._tell(Ask("batch"), pictures)
            else:
                return said, arrays

    def _pass_on(self, said: Said) -> None:
        """Report how far a fit is, but not more often than anybody can read."""
        now = time.monotonic()
        if now - self._passed >= _PASS_ON_EVERY:
            self._passed = now
            total = max(0, said.total)
            self.report(min(max(0, said.done), total), total, bounded(said.note, 200))

    def _no_picture(self, kind: str, index: int) -> Array:
        self.fail(f"its process asked for {kind} {index}, which there is not")

    def _none_drawn(self, wanted: list[Capture], coming: list[Capture]) -> list[Array]:
        self.fail("its process asked for captures to be drawn, and there is nothing to draw by")

    def _astray(self, said: Said) -> NoReturn:
        self.fail(f"its process said {said.what!r} where something else was expected, {self.where}")

    @property
    def method(self) -> str:
        """What is asked of the algorithm: the name of its method."""
        return self._at

    @property
    def where(self) -> str:
        """What the process is at, as a clause."""
        return _WHERE.get(self._at, f"in {self._at}")

    def _note(self) -> None:
        self._heard = time.monotonic()
        if self._heard - self._looked > _PASS_ON_EVERY:
            self._check()

    def _look(self) -> None:
        """See whether to go on waiting."""
        if self._life.process.poll() is not None:
            raise Ended
        self._check()
        bounds_of, silent = self._limits.bounds, time.monotonic() - self._heard
        if self._at == _IMPORT:
            patience = max(bounds_of.silence, bounds.IMPORT)
            if silent > patience:
                self.fail(
                    f"its file was still being imported after {patience:.0f} s, so it was stopped. "
                    "If it only takes long to load what it imports, raise --timeout; what is "
                    "imported inside a method does not count as import"
                )
        elif silent > bounds_of.silence:
            self.fail(
                f"no sign of life for {bounds_of.silence:.0f} s {self.where}, so it was stopped. "
                "If it is only slow, raise --timeout; an algorithm that calls "
                "train.progress(done, total, note) in fit is never taken for dead."
            )

    def _check(self) -> None:
        """Fail the unit if it uses more than it may; also called while it talks without end."""
        now = self._looked = time.monotonic()
        if self._stop.is_set():
            raise Stopped
        if self._limits.is_over:
            self.fail(self._limits.overdue(self.where))
        if now - self._measured > _MEASURE_EVERY:
            self._measured = now
            self._check_memory()
            self._check_disk()

    def _check_memory(self) -> None:
        limits, process = self._limits.bounds, self._life.process.pid
        if process == os.getpid():
            return  # what the harness holds is not the algorithm's
        held = bounds.at_most(process)
        if held > limits.memory or limits.account.note(self.scratch, held):
            # Pages that processes share were counted more than once.
            held = bounds.memory_of(process)
        total = limits.account.note(self.scratch, held)
        if held > limits.memory:
            self.fail(
                f"its processes held {amount(held)} of memory together {self.where}, more than "
                f"the {amount(limits.memory)} that --memory-limit allows, and were stopped"
            )
        if total:
            self.fail(
                f"its processes held {amount(held)} of memory {self.where} and all workers "
                f"{amount(total)}, more than the {amount(limits.account.most)} that they may have "
                "together, so it was stopped as the largest: use fewer --workers, or set "
                "--memory-limit"
            )

    def _check_disk(self) -> None:
        left = bounds.left_on(self.scratch)
        if left > bounds.DISK_LEFT:
            return
        held = bounds.size_below(self.scratch)
        if held > bounds.DISK_LEFT:
            self.fail(
                f"it filled the disk {self.where}: {amount(left)} are left where its scratch "
                f"folder holds {amount(held)} ({self.scratch}; TMPDIR names another place)"
            )

    def _gone(self) -> NoReturn:
        """Say how the process ended."""
        process = self._life.process
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE)
        code = process.returncode
        self._book.settle()
        last = self._book.last_line()
        said = f"; it last said: {last}" if last else ""
        if code is None:
            self.fail(f"its process closed its line to the harness without an answer {self.where}")
        if code < 0:
            known = -code in set(signal.Signals)
            name = signal.Signals(-code).name if known else str(-code)
            hint = _HINTS.get(name, "")
            if name == "SIGKILL" and bounds.killed_for_memory() > self._killed:
                hint = " by the system, since the memory of this container was used up"
            self.fail(f"its process was ended by {name}{hint} {self.where}{said}")
        hint = " (os._exit, perhaps a library's)" if code == 0 else ""
        self.fail(
            f"its process ended with exit code {code} without an answer {self.where}{hint}{said}"
        )


def size_of(answer: Any) -> int:
    """Return the bytes that the arrays of an answer take."""
    if isinstance(answer, dict):
        return sum(size_of(part) for part in answer.values())
    return int(answer.nbytes) if isinstance(answer, np.ndarray) else 0


def _flat(templates: Sequence[Any]) -> tuple[list[list[str]], list[Array]]:
    """Return the names of the arrays of templates, and the arrays."""
    names = [list(one) if isinstance(one, dict) else [] for one in templates]
    arrays: list[Array] = []
    for one in templates:
        arrays += list(one.values()) if isinstance(one, dict) else [one]
    return names, arrays
