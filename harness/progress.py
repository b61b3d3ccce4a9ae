"""What a user sees while workers work: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import Any

from harness.execution.pool import Event

LINE_EVERY = 10.0
"""Seconds between plain lines about one unit."""


class PlainProgress:
    """One line when a unit's step begins to take long, on standard error."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._spoken: dict[tuple[str, str], float] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> PlainProgress:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __call__(self, event: Event) -> None:
        """Say how far a unit is, if nothing was said about it for a while."""
        if not event.total:
            return
        key, now = (event.unit, event.step), time.monotonic()
        with self._lock:
            # The first word comes only after the wait too: short steps pass in silence.
            if now - self._spoken.setdefault(key, now) < LINE_EVERY:
                return
            self._spoken[key] = now
        share = 100 * event.done // max(1, event.total)
        sys.stderr.write(
            f"{self._label}: {event.unit}: {event.step} {share} % {event.note}".rstrip() + "\n"
        )
        sys.stderr.flush()


class BarProgress:
    """A bar for every unit at work, on a terminal."""

    def __init__(self, label: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        self._label = label
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(stderr=True),
            transient=True,
        )
        self._tasks: dict[str, Any] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> BarProgress:
        self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._bars.stop()

    def __call__(self, event: Event) -> None:
        """Move a unit's bar."""
        from rich.markup import escape

        with self._lock:
            if event.unit not in self._tasks:
                self._tasks[event.unit] = self._bars.add_task(escape(event.unit), note="")
            self._bars.update(
                self._tasks[event.unit],
                description=escape(f"{self._label}  {event.unit}  {event.step}"),
                completed=event.done,
                total=event.total or None,
                note=escape(event.note),
            )


def progress_for(label: str) -> PlainProgress | BarProgress:
    """Choose by what standard error is."""
    return BarProgress(label) if sys.stderr.isatty() else PlainProgress(label)
