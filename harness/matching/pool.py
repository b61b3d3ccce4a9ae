"""Units of a matching done by processes of this machine."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from pathlib import Path

from harness.matching.units import do_one


class Here:
    """Does units in this process, one after another, or in several processes at a time.

    Parameters
    ----------
    workers
        From 1; one is this process itself.
    progress
        Called as ``progress(what, units done, units in all)``.
    do
        Does the unit in a folder, a function of a module; None for `harness.matching.units.do_one`.
    """

    def __init__(
        self,
        workers: int,
        progress: Callable[[str, int, int], None],
        do: Callable[[Path], None] | None = None,
    ) -> None:
        self.workers, self._progress = workers, progress
        self._do = do_one if do is None else do
        # An executor of several processes hangs where one dies while another is started.
        self._idle: list[ProcessPoolExecutor] = []

    def __call__(self, what: str, folders: Sequence[Path]) -> None:
        """Do the units in some folders.

        A process that dies leaves the unit undone that it was doing; another takes its place.

        Raises
        ------
        HarnessError
            What a unit says is wrong.
        """
        self._progress(what, 0, len(folders))
        if self.workers == 1:
            for done, folder in enumerate(folders, start=1):
                self._do(folder)
                self._progress(what, done, len(folders))
            return
        waiting, done = deque(folders), 0
        busy: dict[Future[None], ProcessPoolExecutor] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    future, process = self._begun(waiting.popleft())
                    busy[future] = process
                for future in wait(busy, return_when=FIRST_COMPLETED).done:
                    process = busy.pop(future)
                    if isinstance(future.exception(), BrokenProcessPool):
                        process.shutdown()
                        continue
                    self._idle.append(process)
                    future.result()
                    done += 1
                    self._progress(what, done, len(folders))
        finally:
            # Units in hand are finished where another one has said what is wrong.
            self._idle += busy.values()

    def _begun(self, folder: Path) -> tuple[Future[None], ProcessPoolExecutor]:
        while self._idle:
            process = self._idle.pop()
            with suppress(BrokenProcessPool):  # it died while nothing was asked of it
                return process.submit(self._do, folder), process
            process.shutdown()
        # Not forked: a process with threads of BLAS cannot be copied safely.
        process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        return process.submit(self._do, folder), process

    def close(self) -> None:
        """End the processes."""
        processes, self._idle = self._idle, []
        for process in processes:
            process.shutdown()
