"""Units of work in processes of their own, watched from outside."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import msgspec

from harness.errors import HarnessError, RunFailed
from harness.execution.storage import write_whole
from harness.execution.unit import ERROR_FILE, LOG_FILE, UNIT_FILE, Trouble, Unit

WORKER = [sys.executable, "-P", "-m", "harness.execution.worker"]
"""With -P, a `random.py` in the user's folder does not take the place of Python's."""

MEMORY = 1 << 30
"""Bytes that matching may use unless more are allowed."""

CPU = "cpu"
"""Where templates are matched unless another device is named."""


@dataclass(frozen=True)
class Event:
    """What a worker says while it works."""

    unit: str
    step: str
    done: int = 0
    total: int = 0
    note: str = ""


Listener = Callable[[Event], None]


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
    silence
        Seconds without any sign of life after which a worker is stopped.
    memory
        Bytes that matching may use beside the templates, all workers together.
    device
        On which templates are matched where scores are not kept: ``cpu``, or a torch device. Others
        than the CPU give other last digits.
    """

    workers: int = max(1, os.cpu_count() or 1)
    threads: int = 1
    silence: float = 900.0
    memory: int = MEMORY
    device: str = CPU


def environment(threads: int) -> dict[str, str]:
    """Return the environment of a worker: this process's, with its threads capped.

    Must be set before a framework is imported; two processes with two OpenMP threads each on two
    cores were seen to be 38 times slower per step.
    """
    caps = dict.fromkeys(
        (
            "OMP_NUM_THREADS",
            "MKL_NUM_THREADS",
            "OPENBLAS_NUM_THREADS",
            "VECLIB_MAXIMUM_THREADS",
            "NUMEXPR_NUM_THREADS",
            "TF_NUM_INTRAOP_THREADS",
            "TF_NUM_INTEROP_THREADS",
        ),
        str(threads),
    )
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "2", "PYTHONUNBUFFERED": "1", "PYTHONHASHSEED": "0"}
    spin = {"GOMP_SPINCOUNT": "1000"}
    return {**os.environ, **caps, **quiet, **spin}


def do_all(units: Sequence[tuple[Unit, Path]], limits: Limits, listen: Listener) -> None:
    """Do every unit in its folder, `limits.workers` at a time.

    Raises
    ------
    RunFailed
        If a unit fails, after the others have been stopped: what they finished is kept.
    """
    stop = threading.Event()
    with ThreadPoolExecutor(max_workers=limits.workers) as threads:
        futures = [
            threads.submit(_do, unit, folder, limits, listen, stop) for unit, folder in units
        ]
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


def _do(unit: Unit, folder: Path, limits: Limits, listen: Listener, stop: threading.Event) -> None:
    if stop.is_set():
        return
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ERROR_FILE).unlink(missing_ok=True)
    write_whole(folder / UNIT_FILE, msgspec.json.format(msgspec.json.encode(unit), indent=1))
    with (folder / LOG_FILE).open("ab") as log:
        process = subprocess.Popen(
            [*WORKER, str(folder.resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            env=environment(limits.threads),
            # Ctrl-C reaches the harness alone, which then ends its workers in order.
            start_new_session=True,
        )
    try:
        silent_for = _watch(process, unit.name, limits.silence, listen, stop)
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
    if stop.is_set() and process.returncode != 0:
        return
    if silent_for is not None:
        raise RunFailed(
            f"{unit.algorithm}, {unit.name}: no sign of life for {silent_for:.0f} s, so it was "
            "stopped. If it is only slow, raise --timeout; an algorithm that calls "
            "train.progress(done, total, note) in fit is never taken for dead."
        )
    if process.returncode != 0:
        raise RunFailed(f"{unit.algorithm}, {unit.name}: {_reason(process.returncode, folder)}")


def _watch(
    process: subprocess.Popen[bytes],
    name: str,
    silence: float,
    listen: Listener,
    stop: threading.Event,
) -> float | None:
    """Pass on what a worker says until it ends; return the silence after which it was given up."""
    lines: queue.Queue[bytes | None] = queue.Queue()

    def read() -> None:
        for line in process.stdout or ():
            lines.put(line)
        lines.put(None)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    heard = time.monotonic()
    while True:
        try:
            line = lines.get(timeout=0.1)
        except queue.Empty:
            if stop.is_set():
                return None
            if time.monotonic() - heard > silence:
                return silence
            continue
        if line is None:
            process.wait()
            return None
        heard = time.monotonic()
        try:
            said = msgspec.json.decode(line, type=dict)
            listen(Event(name, **said))
        except (msgspec.DecodeError, TypeError):
            continue


def _reason(code: int, folder: Path) -> str:
    path = folder / ERROR_FILE
    log = f"\n  log: {folder / LOG_FILE}"
    if path.exists():
        return msgspec.json.decode(path.read_bytes(), type=Trouble).message + log
    if code < 0:
        name = signal.Signals(-code).name if -code in set(signal.Signals) else str(-code)
        hint = {
            signal.SIGKILL: " (often the system ending a process that uses too much memory)",
            signal.SIGSEGV: " (a crash inside a compiled library)",
        }.get(-code, "")  # type: ignore[call-overload]
        return f"its process was ended by {name}{hint}" + log
    return f"its process ended with exit code {code} without an answer{_tail(folder)}" + log


def _tail(folder: Path) -> str:
    lines = (folder / LOG_FILE).read_text(encoding="utf-8", errors="replace").splitlines()
    return f"; it last said: {lines[-1][:300]}" if lines else ""
