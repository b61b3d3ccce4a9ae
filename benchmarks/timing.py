"""Timing: contenders take turns, and only ratios within a turn are compared.

A machine is busy with other things, differently from minute to minute. So every contender runs
once in each turn, and what is reported is the median over turns of its time over that of the
reference in the same turn. Processor seconds of the process count, as they do not include waiting
for a turn on the processor; wall seconds stand beside them.
"""

from __future__ import annotations

import gc
import resource
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Contender:
    """One way of doing a piece of work.

    Parameters
    ----------
    work
        Does it; its result is handed to `check`.
    check
        Returns what is wrong with a result, or an empty string.
    """

    work: Callable[[], Any]
    check: Callable[[Any], str] = lambda result: ""


@dataclass(frozen=True)
class Timing:
    """How one contender did.

    Parameters
    ----------
    name
        Of the contender.
    cpu, wall
        Median seconds.
    ratio, wall_ratio
        Median over turns of its time over the reference's: processor and wall.
    remark
        What its result lacks, or why it was left out; then the numbers are None.
    """

    name: str
    cpu: float | None
    wall: float | None
    ratio: float | None
    wall_ratio: float | None
    remark: str = ""


def race(contenders: Mapping[str, Contender], reference: str, turns: int) -> list[Timing]:
    """Time contenders against one of them.

    Parameters
    ----------
    contenders
        By name. Each runs once without a clock, to warm up and to be checked.
    reference
        Name of the one that the others are compared with.
    turns
        How often each is timed, from 1.

    Raises
    ------
    KeyError
        If the reference is not among the contenders.
    """
    remarks = {name: contender.check(contender.work()) for name, contender in contenders.items()}
    cpu: dict[str, list[float]] = {name: [] for name in contenders}
    wall: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(turns):
        for name, contender in contenders.items():
            gc.collect()
            wall_start, cpu_start = time.perf_counter(), time.process_time()
            contender.work()
            cpu[name].append(time.process_time() - cpu_start)
            wall[name].append(time.perf_counter() - wall_start)
    return [
        Timing(
            name,
            statistics.median(cpu[name]),
            statistics.median(wall[name]),
            _median_ratio(cpu[name], cpu[reference]),
            _median_ratio(wall[name], wall[reference]),
            remarks[name],
        )
        for name in contenders
    ]


def absent(name: str, reason: str) -> Timing:
    """Return the line of a contender that did not take part."""
    return Timing(name, None, None, None, None, reason)


def command_seconds(words: Sequence[str], **options: Any) -> tuple[float, float]:
    """Carry out a command, and return the seconds that it took: processor and wall.

    Parameters
    ----------
    words
        Of the command, which has to succeed.
    options
        Of `subprocess.run`.
    """
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, check=True, **options)
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, wall


def _median_ratio(times: list[float], reference: list[float]) -> float:
    pairs = zip(times, reference, strict=True)
    return statistics.median(time / max(beside, 1e-9) for time, beside in pairs)
