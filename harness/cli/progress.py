"""What a user sees while workers work: bars on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TYPE_CHECKING

from harness.execution.doing import DONE, Event

if TYPE_CHECKING:
    from rich.progress import TaskID

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
        if not event.total or event.step == DONE:
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
        from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn
        from rich.text import Text

        class Share(TextColumn):
            """How much is done; nothing where nobody knows of how much."""

            def render(self, task: Task) -> Text:
                return Text("") if task.total is None else super().render(task)

        from harness.cli.streams import steering

        self._label = label
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            Share("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(file=steering(sys.stderr)),
            transient=True,
        )
        self._tasks: dict[str, tuple[str, TaskID]] = {}
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
        """Move a unit's bar; each step has one of its own, and none is left of what is done."""
        from rich.markup import escape

        with self._lock:
            step, task = self._tasks.get(event.unit, ("", None))
            if task is not None and step != event.step:
                self._bars.remove_task(task)
                del self._tasks[event.unit]
                task = None
            if event.step == DONE:
                return
            if task is None:
                shown = escape(f"{self._label}  {event.unit}  {event.step}")
                task = self._bars.add_task(shown, total=None, note="")
                self._tasks[event.unit] = (event.step, task)
            self._bars.update(
                task,
                completed=event.done,
                total=event.total or None,
                note=escape(event.note),
            )


def progress_for(label: str) -> PlainProgress | BarProgress:
    """Choose by what standard error is."""
    return BarProgress(label) if sys.stderr and sys.stderr.isatty() else PlainProgress(label)
