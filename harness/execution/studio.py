"""Where captures are drawn: processes of the harness's own, ahead of what an algorithm asks for.

The algorithm's process knows neither recipe nor generator. A process that draws ends when the line
to it is closed, in whatever way the harness ends.
"""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import msgspec

from harness.api import Capture
from harness.data.drawing import Drawing
from harness.errors import HarnessError, RunFailed
from harness.execution.wire import LARGEST_HEAD, Array, Ended, Wire
from harness.synthesis.drawn import draw, size_of
from harness.synthesis.generator import GenerationFailed

MEMORY = 1 << 28
"""Bytes of captures that are kept, about; what was asked for last goes last."""

_ANY_SIZE = 1 << 62


class _Reply(msgspec.Struct):
    """Says why there is no picture; empty where one comes beside it."""

    trouble: str = ""


class Studio:
    """Draws captures by a recipe, in several processes, each of them once while it is kept.

    Parameters
    ----------
    drawing
        The recipe.
    processes
        That draw at a time.

    To be used as a context, which ends the processes.
    """

    def __init__(self, drawing: Drawing, processes: int = 1) -> None:
        self._drawing = drawing
        self._threads = ThreadPoolExecutor(processes, "drawing")
        self._mine, self._lines = threading.local(), list[tuple[subprocess.Popen[bytes], Wire]]()
        self._made: OrderedDict[Capture, Future[Array]] = OrderedDict()
        self._most = max(1024, MEMORY // (3 * size_of(drawing) ** 2))
        self._identities: set[tuple[int, int]] = set()
        self._drawn, self._ahead = 0, 4 * processes

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        for process, wire in self._lines:
            wire.close()
            process.wait()

    @property
    def counts(self) -> dict[str, int]:
        """How many identities and captures were drawn; a capture drawn again counts again."""
        return {"identities": len(self._identities), "captures": self._drawn}

    def __call__(self, wanted: Sequence[Capture], coming: Sequence[Capture] = ()) -> list[Array]:
        """Return captures, and begin to draw others; as `harness.api.Drawn` is called.

        Returns
        -------
        list of numpy.ndarray
            uint8, shape (height, width, 3), read-only.

        Raises
        ------
        LookupError
            If there is no such capture.
        GenerationFailed
            If the generator cannot make one.
        """
        for one in (*wanted, *coming):
            if min(one.identity, one.take, one.kin) < 0 or not 0 <= one.difficulty <= 1:
                raise LookupError(tuple(one))
        found = [self._begun(one) for one in wanted]
        for one in coming[: self._most // 2]:
            self._begun(one)
        while len(self._made) > self._most:
            self._made.popitem(last=False)[1].cancel()
        return [one.result() for one in found]

    def picture(self, index: int) -> Array:
        """Return an image of the training set, uint8 of shape (height, width, 3), by its number.

        Raises
        ------
        LookupError
            If there is none.
        """
        captures, count = self._drawing.captures, self._drawing.count
        if not 0 <= index < count:
            raise LookupError(index)
        some = range(index, min(index + 1 + self._ahead, count))
        one, *coming = (Capture(*divmod(place, captures)) for place in some)
        return self([one], coming)[0]

    def _begun(self, one: Capture) -> Future[Array]:
        if one not in self._made:
            self._made[one] = self._threads.submit(self._draw, one)
        self._made.move_to_end(one)
        return self._made[one]

    def _draw(self, one: Capture) -> Array:
        """Have a capture drawn by this thread's own process."""
        if not hasattr(self._mine, "wire"):
            self._mine.wire = self._started()
        wire: Wire = self._mine.wire
        try:
            wire.send(one)
            reply, arrays = wire.receive(_Reply, _ANY_SIZE, LARGEST_HEAD)
        except Ended:
            raise RunFailed(
                "a process that drew captures was killed, perhaps for its memory; the same command "
                "goes on from the last checkpoint"
            ) from None
        if reply.trouble:
            raise GenerationFailed(reply.trouble)
        self._identities.add((one.identity, one.kin))
        self._drawn += 1
        picture: Array = arrays[0]
        return picture

    def _started(self) -> Wire:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", __name__, str(theirs.fileno())]
        with theirs:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, pass_fds=[theirs.fileno()]
            )
        wire = Wire(ours)
        self._lines.append((process, wire))
        with suppress(Ended):  # which is said with the first capture
            wire.send(self._drawing)
        return wire


def main(descriptor: int) -> None:
    """Draw what is asked for on a line, until it is closed."""
    import cv2

    cv2.setNumThreads(1)
    # Ctrl+C goes to all processes of a terminal; this one ends with its line.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    wire = Wire(socket.socket(fileno=descriptor))
    with suppress(Ended):
        drawing, _ = wire.receive(Drawing, 0, LARGEST_HEAD)
        while True:
            capture, _ = wire.receive(Capture, 0, LARGEST_HEAD)
            try:
                picture = draw(drawing, capture)
            except (HarnessError, OSError, MemoryError) as reason:
                wire.send(_Reply(str(reason) or type(reason).__name__))
            else:
                wire.send(_Reply(), [picture])


if __name__ == "__main__":
    main(int(sys.argv[1]))
