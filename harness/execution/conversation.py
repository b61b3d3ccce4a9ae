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
from typing import Any, NoReturn

from harness.errors import RunFailed
from harness.execution import fence
from harness.execution.enclosure import rules_for
from harness.execution.fence import Fenced
from harness.execution.jobs import Ask, Job, Lesson, Said
from harness.execution.log import Log
from harness.execution.nursery import Nursery
from harness.execution.packing import unpack
from harness.execution.unit import Unit
from harness.execution.variables import variables
from harness.execution.wire import Array, BadMessage, Ended, Wire

LARGEST_TEMPLATE = 1 << 30
"""Bytes that the template of one image may have."""

_LARGEST_HEAD = 1 << 20
_LARGEST_LAST_HEAD = 1 << 24
_GRACE = 3.0
"""Seconds in which a process that has closed its line has to end, so that it is known how."""


_HINTS = {
    "SIGKILL": " (often the system ending a process that uses too much memory)",
    "SIGSEGV": " (a crash inside a compiled library)",
    "SIGXFSZ": " (it wrote a file larger than it may)",
}


_SCRATCH = "harness-"


class Stopped(Exception):
    """The run is being ended for another reason: nothing more is to be said about this unit."""


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
    silence: float,
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
    silence
        Seconds after which it is given up.
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
        environment = fence.surroundings(str(scratch), variables(threads))
        with theirs:
            fenced = fence.start(
                "harness.execution.worker",
                ["step", str(theirs.fileno())],
                rules_for(
                    Path(unit.file),
                    unit.parameters,
                    scratch,
                    environment=environment,
                    hidden=hidden,
                    writable=writable,
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
        yield Conversation(unit, scratch, ours, fenced, book, silence, stop)
    finally:
        if fenced is not None:
            fenced.end()
            if fenced.process.stdin is not None:
                fenced.process.stdin.close()
        ours.close()
        book.close()
        shutil.rmtree(scratch, ignore_errors=True)


class Conversation:
    """What is said with one worker."""

    def __init__(
        self,
        unit: Unit,
        scratch: Path,
        line: socket.socket,
        fenced: Fenced,
        book: Log,
        silence: float,
        stop: threading.Event,
    ) -> None:
        self.unit, self.scratch = unit, scratch
        self.report: Callable[[int, int, str], None] = lambda done, total, note: None
        """Called with what it says of a fit."""
        self.picture: Callable[[str, int], Array] = self._no_picture
        """Called with kind and number of a picture that it wants."""
        self._fenced, self._book, self._stop = fenced, book, stop
        self._silence, self._heard = silence, time.monotonic()
        self._wire = Wire(line, self._look, self._note)

    def begin(self, lesson: Lesson | None = None) -> None:
        """Have the plugin imported and its algorithm built, and fitted where there is a lesson."""
        unit = self.unit
        job = Job(
            algorithm=unit.algorithm,
            file=unit.file,
            attribute=unit.attribute,
            module=unit.module,
            parameters=unit.parameters,
            ability=unit.ability,
            scratch=str(self.scratch),
            lesson=lesson,
        )
        self._tell(job)
        self._done()

    def load(self, model: Path | None) -> None:
        """Have the algorithm built anew and given a copy of a model."""
        folder = self.scratch / "model"
        shutil.rmtree(folder, ignore_errors=True)
        if model is not None:
            shutil.copytree(model, folder)
        self._tell(Ask("load", folder="" if model is None else str(folder)))
        self._done()

    def save(self) -> Path:
        """Have the model saved, and return the folder it lies in for as long as the worker does."""
        folder = self.scratch / "saved"
        self._tell(Ask("save", folder=str(folder)))
        self._done()
        return folder

    def batch(self, pictures: Sequence[Array], most: Sequence[int]) -> Any:
        """Have pictures answered.

        Parameters
        ----------
        most
            Bytes that the answer to each may have.

        Returns
        -------
        list or None
            The answers, as they are: to be checked.
        """
        self._tell(Ask("batch"), pictures)
        said, _ = self._hear(0)
        if said.what != "answers":
            self._astray(said)
        if said.count is None:
            return None
        if said.count != len(pictures):
            return [None] * max(0, min(said.count, 1_000_000))
        return [self._answer(size) for size in most]

    def references(self, templates: Sequence[Any]) -> None:
        """Give the references that probes are compared with from now on."""
        names, arrays = _flat(templates)
        self._tell(Ask("references", templates=names), arrays)
        self._done()

    def compare(self, probe: Any, count: int, listed: list[int] | None, block: int) -> list[Any]:
        """Have a probe compared with `count` references, and return the scores block by block."""
        names, arrays = _flat([probe])
        self._tell(Ask("compare", templates=names, listed=listed, block=block), arrays)
        sizes = [min(block, count - start) for start in range(0, count, block)]
        return [self._answer(4096 + 16 * size) for size in sizes]

    def answer(self, truth: Array, generator: list[int]) -> Any:
        """Have a control answer."""
        self._tell(Ask("answer", generator=generator), [truth])
        return self._answer(4096 + 16 * truth.size)

    def finish(self) -> dict[str, Any]:
        """Let the worker go, and return what is kept of it: environment, files loaded, fence."""
        self._tell(Ask("end"))
        said, _ = self._hear(0, _LARGEST_LAST_HEAD)
        if said.what != "done" or said.environment is None:
            self._astray(said)
        facts = {"environment": said.environment, "loaded": said.loaded}
        return {**facts, "fence": asdict(self._fenced.fence)}

    def fail(self, message: str) -> NoReturn:
        """Say that this unit failed, and where its log lies."""
        self._book.settle()
        raise RunFailed(
            f"{self.unit.algorithm}, {self.unit.name}: {message}\n  log: {self._book.file}"
        )

    def _done(self) -> None:
        said, _ = self._hear(0)
        if said.what != "done":
            self._astray(said)

    def _answer(self, most: int) -> Any:
        said, arrays = self._hear(most)
        if said.what != "answer" or said.packed is None:
            self._astray(said)
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
                self.fail(f"its process sent the harness {reason}")
            if said.what == "trouble":
                self.fail(said.message)
            elif said.what == "progress":
                self.report(said.done, said.total, said.note)
            elif said.what == "want":
                picture = self.picture(said.picture, said.index)
                self._tell(Ask("batch"), [picture])
            else:
                return said, arrays

    def _no_picture(self, kind: str, index: int) -> Array:
        self.fail(f"its process asked for {kind} {index}, which there is not")

    def _astray(self, said: Said) -> NoReturn:
        self.fail(f"its process said {said.what!r} where something else was expected")

    def _note(self) -> None:
        self._heard = time.monotonic()

    def _look(self) -> None:
        """See whether to go on waiting."""
        if self._stop.is_set():
            raise Stopped
        if self._fenced.process.poll() is not None:
            raise Ended
        if time.monotonic() - self._heard > self._silence:
            self.fail(
                f"no sign of life for {self._silence:.0f} s, so it was stopped. If it is only "
                "slow, raise --timeout; an algorithm that calls train.progress(done, total, note) "
                "in fit is never taken for dead."
            )

    def _gone(self) -> NoReturn:
        """Say how the process ended."""
        process = self._fenced.process
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_GRACE)
        code = process.returncode
        if code is None:
            self.fail("its process closed its line to the harness without an answer")
        if code < 0:
            known = -code in set(signal.Signals)
            name = signal.Signals(-code).name if known else str(-code)
            hint = _HINTS.get(name, "")
            self.fail(f"its process was ended by {name}{hint}")
        self._book.settle()
        last = self._book.last_line()
        said = f"; it last said: {last}" if last else ""
        self.fail(f"its process ended with exit code {code} without an answer{said}")


def _flat(templates: Sequence[Any]) -> tuple[list[list[str]], list[Array]]:
    """Return the names of the arrays of templates, and the arrays."""
    names = [list(one) if isinstance(one, dict) else [] for one in templates]
    arrays: list[Array] = []
    for one in templates:
        arrays += list(one.values()) if isinstance(one, dict) else [one]
    return names, arrays
