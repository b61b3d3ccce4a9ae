"""Batches on the device when a step wants them, and what the time of a fit goes into."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import Any

import torch
from torch import Tensor

from harness.training.curves import BUSY, COMPUTING, PACE

Batch = tuple[Tensor, ...]


class Feed:
    """Hands the batches of successive steps over, on the device, and notes how long that took.

    Parameters
    ----------
    draw
        Called with a step, returns its batch on the CPU.
    device
        Where to. Batches for CUDA are copied from pinned memory, while the device computes.
    steps
        Of the whole fit: none is drawn beyond.
    ahead
        Draw the next batch in a thread of its own, while the step before it is computed.
    """

    def __init__(
        self, draw: Callable[[int], Batch], device: torch.device, steps: int, *, ahead: bool
    ) -> None:
        self._draw, self._device, self._steps = draw, device, steps
        self._cuda = device.type == "cuda"
        here = (lambda: torch.cuda.set_device(device)) if self._cuda else None
        self._pool = ThreadPoolExecutor(1, "batches", initializer=here) if ahead else None
        self._coming: Future[Batch] | None = None
        self._events: list[tuple[Any, Any]] = []
        self._waited, self._examples, self._began = 0.0, 0, time.perf_counter()

    def __enter__(self) -> Feed:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._pool:
            self._pool.shutdown(cancel_futures=True)

    def take(self, step: int) -> Batch:
        """Return the batch of a step; the steps of a fit follow each other.

        Returns
        -------
        tuple of torch.Tensor
            On the device, in the shapes that `draw` gave them, examples first.
        """
        began = time.perf_counter()
        batch = self._coming.result() if self._coming else self._drawn(step)
        self._examples += len(batch[0])
        if self._device.type != "cpu":
            batch = tuple(t.to(self._device, non_blocking=True) for t in batch)
        self._waited += time.perf_counter() - began
        self._coming = None
        if self._pool and step + 1 < self._steps:
            self._coming = self._pool.submit(self._drawn, step + 1)
        return batch

    def computing(self) -> AbstractContextManager[Any]:
        """Return the context of a step's work on the device, which is timed there."""
        return _Timed(self._events) if self._cuda else nullcontext()

    def use(self, processes: int = 1) -> dict[str, float]:
        """Return what the time since the last call went into, and begin anew.

        To be called when the device has done what it was given.

        Parameters
        ----------
        processes
            That share every batch.

        Returns
        -------
        dict
            `PACE`: examples of all processes by seconds; `COMPUTING`: the share of the time that
            no batch was waited for, in [0, 1]; on CUDA `BUSY`: the share between the first and the
            last of what the steps gave the device to do, by its own events, in [0, 1].
        """
        now = time.perf_counter()
        seconds = max(now - self._began, 1e-9)
        found = {
            PACE: self._examples * processes / seconds,
            COMPUTING: max(0.0, 1 - self._waited / seconds),
        }
        if self._cuda:
            busy = sum(start.elapsed_time(end) for start, end in self._events) / 1000
            found[BUSY] = min(1.0, busy / seconds)
        self._events.clear()
        self._waited, self._examples, self._began = 0.0, 0, now
        return found

    def _drawn(self, step: int) -> Batch:
        batch = self._draw(step)
        return tuple(t.pin_memory() for t in batch) if self._cuda else batch


class _Timed:
    """Records an event of CUDA at both ends."""

    def __init__(self, events: list[tuple[Any, Any]]) -> None:
        self._events = events
        self._ends = [
            torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
            for _ in range(2)
        ]

    def __enter__(self) -> None:
        self._ends[0].record()

    def __exit__(self, *_: object) -> None:
        self._ends[1].record()
        self._events.append((self._ends[0], self._ends[1]))
