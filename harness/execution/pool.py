"""Units of work, several at a time."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field

from harness.errors import HarnessError
from harness.execution.bounds import Bounds, Started
from harness.execution.claims import claimed
from harness.execution.devices import CPU
from harness.execution.doing import Doing, Event, Listener, Stopped
from harness.execution.keeping import (
    Workplace,
    do,
)
from harness.execution.spot_checks import Checked, check_answers
from harness.execution.unit import Unit

MEMORY = 1 << 30
"""Bytes that matching may use unless more are allowed."""


@dataclass(frozen=True)
class Limits:
    """How much the workers may use.

    Parameters
    ----------
    workers
        Processes at a time.
    threads
        Of each, for BLAS, OpenMP and torch. Trained bits differ between thread numbers, so the
        default does not depend on the machine.
    bounds
        How long a unit may take, a worker be silent, and how much one may hold.
    memory
        Bytes that matching may use beside the templates, all workers together.
    device
        On which templates are matched where scores are not kept: ``cpu``, or a torch device. Others
        than the CPU give other last digits.
    """

    workers: int = max(1, os.cpu_count() or 1)
    threads: int = 1
    bounds: Bounds = field(default_factory=Bounds)
    memory: int = MEMORY
    device: str = CPU


def do_all(units: Sequence[Unit], place: Workplace, limits: Limits, listen: Listener) -> None:
    """Do what is missing of every unit, `limits.workers` at a time.

    Raises
    ------
    RunFailed
        If a unit fails, after the others have been stopped: what they finished is kept.
    """
    if place.executor.elsewhere is not None:
        place.executor.elsewhere.do_all(units, place, limits, listen)
        return
    stop = threading.Event()
    most = min(limits.workers, place.executor.most_units or limits.workers)
    with ThreadPoolExecutor(max_workers=most) as threads:

        def start(unit: Unit) -> None:
            # Its time begins when its turn has come.
            if not stop.is_set():
                with suppress(Stopped), claimed(place.folder(unit)) as claim:
                    do(unit, place, doing_of(unit, limits, claim.passing(listen), stop))

        futures = [threads.submit(start, unit) for unit in units]
        failure: BaseException | None = None
        try:
            for future in futures:
                try:
                    future.result()
                except HarnessError as reason:
                    failure = failure or reason
                    stop.set()
        except BaseException:
            stop.set()
            raise
    if failure is not None:
        raise failure


def check_all(units: Sequence[Unit], place: Workplace, limits: Limits, listen: Listener) -> Checked:
    """Have some answers of finished units given again, apart from the others.

    Raises
    ------
    RunFailed
        If one comes out differently.
    """
    if place.executor.elsewhere is not None:
        checked: Checked = place.executor.elsewhere.check_all(units, place, limits, listen)
        return checked
    stop = threading.Event()
    return check_answers(units, place, lambda unit: doing_of(unit, limits, listen, stop))


def doing_of(unit: Unit, limits: Limits, listen: Listener, stop: threading.Event) -> Doing:
    """Return how a unit is done under these limits."""

    def report(step: str, done: int, total: int, note: str) -> None:
        listen(Event(unit.name, step, done, total, note))

    return Doing(limits.threads, Started.now(limits.bounds), stop, report)
