"""An algorithm in this very process: for tests, debuggers and code that is trusted.

A thread answers as a worker does, over the same line, so that nothing else differs. Nothing keeps
the algorithm from files, from the network or from the harness, and nothing can end it: its fence
says so, and with it the record of the run.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, redirect_stdout
from pathlib import Path

from harness.errors import RunFailed
from harness.execution import unaided
from harness.execution.answers import BadAnswer
from harness.execution.asking import Asked
from harness.execution.bounds import Bounds, Started
from harness.execution.conversation import Conversation
from harness.execution.doing import Doing
from harness.execution.environment import environment_of_process
from harness.execution.fence import INSIDE, Fence
from harness.execution.loaded import modules_beside
from harness.execution.log import Log
from harness.execution.nursery import Nursery
from harness.execution.unit import Unit
from harness.execution.wire import Wire
from harness.execution.worker import serve
from harness.plugins.description import described
from harness.plugins.files import hashes
from harness.plugins.registry import Plugin, home_of, load

UNFENCED = Fence(
    processes=INSIDE, missing=("a process of its own (--on in-process ran it inside the harness)",)
)
"""What holds here: nothing."""


def ask(
    plugin: Plugin,
    *,
    preset: str = "",
    assignments: Mapping[str, str] | None = None,
    seed: int | None = None,
    hidden: Iterable[Path] = (),
    bounds: Bounds | None = None,
) -> Asked:
    """Import a plugin here; parameters and errors as for `harness.execution.asking.ask`.

    What is hidden cannot be hidden here, and no bounds hold. Of files beside the plugin, those that
    its import loads are seen; what it opens or imports later is not.
    """
    for name in () if plugin.live or plugin.command else modules_beside(plugin):
        del sys.modules[name]  # it may have been changed since, and is imported anew
    said = described(load(plugin), preset=preset, assignments=assignments, seed=seed)
    environment = environment_of_process(inside=True)
    if plugin.command:
        return Asked(said, environment, {})
    home = home_of(plugin).resolve()
    beside = [file.relative_to(home).as_posix() for file in modules_beside(plugin).values()]
    return Asked(said, environment, hashes(home, beside))


@contextmanager
def conversation(
    unit: Unit,
    *,
    log: Path,
    threads: int,
    limits: Started,
    stop: threading.Event,
    hidden: Iterable[Path] = (),
    writable: Iterable[Path] = (),
    nursery: Nursery | None = None,
) -> Iterator[Conversation]:
    """Start a thread that answers for a unit's algorithm; it ends when it is asked no more."""
    scratch = Path(tempfile.mkdtemp(prefix="harness-here-")).resolve()
    ours, theirs = socket.socketpair()
    book = Log(log)
    host = _Host(theirs, os.dup(book.end))
    try:
        book.started()
        host.start()
        yield Conversation(unit, scratch, ours, host, book, limits, stop)
    finally:
        ours.close()
        host.end()
        book.close()
        shutil.rmtree(scratch, ignore_errors=True)


def compare(unit: Unit, run: Path, part: Path, doing: Doing, log: Path) -> None:
    """Compare templates here; parameters and errors as for `unaided.compare_unaided`."""

    def report(done: int, total: int) -> None:
        doing.report("score", done, total, "comparisons")

    try:
        unaided.compare(unit, run, part, report, inside=True)
    except BadAnswer as reason:
        raise RunFailed(f"{unit.algorithm}, {unit.name}: {reason}\n  log: {log}") from None


class _Host(threading.Thread):
    """A worker that is a thread: as much of a process as a conversation asks for."""

    fence = UNFENCED

    def __init__(self, line: socket.socket, printed: int) -> None:
        super().__init__(daemon=True)
        self._line, self._printed = line, printed
        self.returncode: int | None = None
        self.pid = os.getpid()

    @property
    def process(self) -> _Host:
        """Of which the exit code can be asked."""
        return self

    def run(self) -> None:
        """Serve until there is no more to do; what the algorithm prints goes to the log."""
        with self._line, os.fdopen(self._printed, "w", encoding="utf-8", errors="replace") as out:
            try:
                with redirect_stdout(out):
                    self.returncode = serve(Wire(self._line), inside=True)
            finally:
                self.returncode = self.returncode or 0

    def poll(self) -> int | None:
        """Return the exit code, or None while it is at work."""
        return None if self.is_alive() else self.returncode

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for it to end."""
        self.join(timeout)
        return self.returncode

    def end(self) -> None:
        """Wait a moment; an algorithm that does not come back cannot be ended from outside."""
        self.join(5.0)
