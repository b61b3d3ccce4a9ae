"""What a user sees while workers work: bars on a terminal or in a notebook, else plain lines."""

from __future__ import annotations

import importlib
import sys
import threading
import time
from html import escape
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO, TypeAlias

from harness.execution.doing import DONE, Event

if TYPE_CHECKING:
    from rich.progress import TaskID

LINE_EVERY = 10.0
"""Seconds between plain lines about one unit."""

CELL_EVERY = 0.2
"""Seconds between two pictures of the bars below a cell."""


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
    """A bar for every unit at work, on a terminal.

    Parameters
    ----------
    label
        Of the run.
    stream
        That leads to the terminal; standard error unless given.
    """

    def __init__(self, label: str, stream: TextIO | None = None) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, Task, TextColumn, TimeElapsedColumn
        from rich.text import Text

        class Share(TextColumn):
            """How much is done; nothing where nobody knows of how much."""

            def render(self, task: Task) -> Text:
                return Text("") if task.total is None else super().render(task)

        self._label = label
        self._bars = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            Share("{task.percentage:>3.0f} %"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}", style="dim"),
            console=Console(file=stream or sys.stderr),
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
        from rich.markup import escape as literally

        with self._lock:
            step, task = self._tasks.get(event.unit, ("", None))
            if task is not None and step != event.step:
                self._bars.remove_task(task)
                del self._tasks[event.unit]
                task = None
            if event.step == DONE:
                return
            if task is None:
                shown = literally(f"{self._label}  {event.unit}  {event.step}")
                task = self._bars.add_task(shown, total=None, note="")
                self._tasks[event.unit] = (event.step, task)
            self._bars.update(
                task,
                completed=event.done,
                total=event.total or None,
                note=literally(event.note),
            )


class CellProgress:
    """A bar for every unit at work, below the cell of a notebook."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._units: dict[str, Event] = {}
        self._lock = threading.Lock()
        self._handle: Any = None
        self._shown = 0.0

    def __enter__(self) -> CellProgress:
        shown = _cells()
        self._handle = shown.display(shown.HTML(""), display_id=True)
        return self

    def __exit__(self, *_: object) -> None:
        if self._handle is not None:
            self._handle.update(_cells().HTML(""))

    def __call__(self, event: Event) -> None:
        """Move a unit's bar; what is done is seen no more."""
        with self._lock:
            self._units[event.unit] = event
            if event.step == DONE:
                del self._units[event.unit]
            now = time.monotonic()
            if self._handle is None or (event.step != DONE and now - self._shown < CELL_EVERY):
                return
            self._shown = now
            self._handle.update(_cells().HTML(self.html()))

    def html(self) -> str:
        """Return the bars as they stand."""
        rows = "".join(
            f"<div><progress max='{max(1, one.total)}'"
            + (f" value='{one.done}'" if one.total else "")
            + f"></progress> {escape(f'{one.unit}  {one.step}  {one.note}')}</div>"
            for one in self._units.values()
        )
        return f"<div>{escape(self._label)}</div>{rows}"


def _cells() -> Any:
    """Return what shows things below cells; whoever has a notebook has it."""
    return importlib.import_module("IPython.display")


Progress: TypeAlias = PlainProgress | BarProgress | CellProgress


def in_notebook() -> bool:
    """Return whether there is a cell to show something below."""
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


def progress_for(label: str, stream: TextIO | None = None) -> Progress:
    """Choose by what there is to show it on.

    Parameters
    ----------
    label
        Of the run.
    stream
        Through which a terminal is steered; standard error unless given.
    """
    if in_notebook():
        return CellProgress(label)
    on_terminal = bool(sys.stderr) and sys.stderr.isatty()
    return BarProgress(label, stream) if on_terminal else PlainProgress(label)
