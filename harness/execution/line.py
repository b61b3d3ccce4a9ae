"""A worker's end of the line to the harness, from which it also takes its pictures."""

from __future__ import annotations

import fcntl
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NoReturn

from harness.api import Capture
from harness.execution.jobs import Ask, Job, Said
from harness.execution.packing import bounded, pack
from harness.execution.wire import LARGEST_HEAD, Array, Wire
from harness.plugins.programs.remarks import Remark

ANY_SIZE = 1 << 62
"""Bytes that a worker takes from the harness, which it has no reason to distrust."""

_PROGRESS_EVERY = 0.2
_CONVERSING, _SENDING = 0, 1
"""What one does at a time: a question with its answer, and the bytes of one message."""

_MOST = 1 << 53
"""Of what is counted: what every program reads as a whole number."""


class Line:
    """What a worker sends to the harness and receives from it.

    An algorithm may read its training images from several threads, and from processes that it
    forked: a question and its answer are never torn apart. Progress waits for no answer.

    Parameters
    ----------
    wire
        To the harness.
    scratch
        Folder for the lock.
    """

    def __init__(self, wire: Wire, scratch: Path | None = None) -> None:
        self._wire = wire
        self._file = None if scratch is None else (scratch / ".line").open("wb")
        self._reported = 0.0
        self._forked()
        os.register_at_fork(after_in_child=self._forked)

    def _forked(self) -> None:
        self._threads = {what: threading.RLock() for what in (_CONVERSING, _SENDING)}

    @contextmanager
    def _alone(self, what: int) -> Iterator[None]:
        """Keep other threads from it, and other processes, whose lock is a byte of a file."""
        with self._threads[what]:
            if self._file is not None:
                fcntl.lockf(self._file, fcntl.LOCK_EX, 1, what)
            try:
                yield
            finally:
                if self._file is not None:
                    fcntl.lockf(self._file, fcntl.LOCK_UN, 1, what)

    def _send(self, message: Said, arrays: Sequence[Array] = ()) -> None:
        with self._alone(_SENDING):
            self._wire.send(message, arrays)

    def job(self) -> Job:
        """Receive what this worker is for."""
        job: Job = self._wire.receive(Job, 0, LARGEST_HEAD)[0]
        return job

    def next(self) -> tuple[Ask, list[Array]]:
        """Receive what is asked next."""
        ask: tuple[Ask, list[Array]] = self._wire.receive(Ask, ANY_SIZE, LARGEST_HEAD)
        return ask

    def say(self, message: Said) -> None:
        """Say something."""
        with self._alone(_CONVERSING):
            self._send(message)

    def answer(self, answer: Any, remark: Remark | None = None) -> None:
        """Send one answer of the algorithm, whatever it is, and what it says beside it."""
        packed, arrays = pack(answer)
        with self._alone(_CONVERSING):
            self._send(Said("answer", packed=packed, remark=remark), arrays)

    def picture(self, kind: Literal["image", "mask", "clean"], index: int) -> Array:
        """Ask for one picture of the training set, shape (height, width, 3), or mask without 3."""
        with self._alone(_CONVERSING):
            self._send(Said("want", picture=kind, index=index))
            return self._wire.receive(Ask, ANY_SIZE, LARGEST_HEAD)[1][0]

    def drawn(self, captures: Sequence[Capture], coming: Sequence[Capture]) -> list[Array]:
        """Ask for captures, each of shape (height, width, 3), and say which will be wanted next."""
        with self._alone(_CONVERSING):
            said = Said("want", picture="drawn", wanted=list(captures), coming=list(coming))
            self._send(said)
            return self._wire.receive(Ask, ANY_SIZE, LARGEST_HEAD)[1]

    def report(self, done: int, total: int, note: str) -> None:
        """Say how far a fit is, but not too often."""
        now = time.monotonic()
        if done < total and now - self._reported < _PROGRESS_EVERY:
            return
        self._reported = now
        done, total = (min(max(0, int(number)), _MOST) for number in (done, total))
        self._send(Said("progress", done=done, total=total, note=bounded(note, 200)))


class Drawn:
    """The captures of a drawn training set, fetched when they are asked for."""

    def __init__(self, line: Line, identities: int, captures: int) -> None:
        self.identities, self.captures = identities, captures
        self._line = line

    def __call__(self, wanted: Sequence[Capture], coming: Sequence[Capture] = ()) -> list[Array]:
        """Return captures, as `harness.api.Drawn` says: uint8, shape (height, width, 3)."""
        return self._line.drawn(wanted, coming)


class Pictures(Sequence[Any]):
    """Pictures of one kind of a training set, fetched when they are asked for."""

    def __init__(
        self, line: Line, kind: Literal["image", "mask", "clean"], places: Sequence[int]
    ) -> None:
        self._line, self._kind, self._places = line, kind, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Pictures(self._line, self._kind, self._places[index])
        return self._line.picture(self._kind, self._places[index])

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "training images cannot be pickled for another process: fork it, or read what it needs "
            "first"
        )
