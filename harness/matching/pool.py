"""Units of a matching done by processes of this machine."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
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
        self._pool: ProcessPoolExecutor | None = None

    def __call__(self, what: str, folders: Sequence[Path]) -> None:
        """Do the units in some folders.

        A process that dies takes the units with it that were being done; they are left undone.

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
        if self._pool is None:
            # Not forked: a process with threads of BLAS cannot be copied safely.
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.workers, mp_context=context)
        futures: list[Future[None]] = []
        try:
            futures += [self._pool.submit(self._do, folder) for folder in folders]
            for done, future in enumerate(as_completed(futures), start=1):
                future.result()
                self._progress(what, done, len(folders))
        except BrokenProcessPool:
            self.close()
        except BaseException:
            for future in futures:
                future.cancel()
            raise

    def close(self) -> None:
        """End the processes."""
        pool, self._pool = self._pool, None
        if pool is not None:
            with suppress(OSError):
                pool.shutdown(cancel_futures=True)
