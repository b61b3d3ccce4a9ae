"""Work spread over processes: in the order of the jobs, and the same with any number of them."""

from __future__ import annotations

import multiprocessing
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import TypeVar

import cv2

from harness.errors import RunFailed
from harness.synthesis.finding import PREFIX, load

__all__ = ["in_processes"]

Job = TypeVar("Job")
Result = TypeVar("Result")


def in_processes(
    work: Callable[[Job], Result], jobs: Sequence[Job], workers: int, *, bunch: int = 1
) -> Iterator[Result]:
    """Yield what becomes of every job, in their order.

    Parameters
    ----------
    work
        Does one; a function of a module, for other processes to import. That of a generator, too,
        which they find by the path that it was found at.
    jobs
        What there is to do; it is pickled, as the results are.
    workers
        Processes; with one, the work is done in this one.
    bunch
        Jobs that a process takes at once, and finishes when the command is interrupted.

    Raises
    ------
    RunFailed
        If a process is killed.
    """
    if workers <= 1 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    # Not forked: there are threads of libraries here, whose locks a copy would never see released.
    context = multiprocessing.get_context("spawn")
    plugin = _plugin_of(work)
    with ProcessPoolExecutor(workers, context, _begin, (plugin,)) as pool:
        try:
            yield from pool.map(work, jobs, chunksize=min(bunch, -(-len(jobs) // workers)))
        except BrokenProcessPool:
            raise RunFailed(
                "a process that made pictures was killed, perhaps for its memory; the same "
                "command with fewer --workers goes on from here"
            ) from None
        except BaseException:
            # What is in hand is finished; the rest is left for the next time.
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _plugin_of(work: Callable[..., object]) -> str:
    """Return the file of the generator that a function is of, empty for none."""
    outermost = work.__module__.partition(".")[0]
    return str(sys.modules[outermost].__file__) if outermost.startswith(PREFIX) else ""


def _begin(plugin: str) -> None:
    cv2.setNumThreads(1)
    # Ctrl+C goes to all processes of a terminal; what is in hand is finished all the same.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if plugin:
        load(Path(plugin))
