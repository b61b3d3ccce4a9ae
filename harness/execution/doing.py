"""How a unit of work is done: what its processes may use, and who hears of its progress."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from harness.execution.bounds import Started

DONE = "done"
"""Step of a unit of which nothing is left to do."""


@dataclass(frozen=True)
class Event:
    """How far a unit is."""

    unit: str
    step: str
    done: int = 0
    total: int = 0
    note: str = ""


Listener = Callable[[Event], None]

Report = Callable[[str, int, int, str], None]
"""Called with step, done, total and a note."""


@dataclass(frozen=True)
class Doing:
    """How a unit is done: what its processes may use.

    Parameters
    ----------
    threads
        Of each process.
    limits
        How long the unit may take, a process be silent, and how much it may hold.
    stop
        Set when the run is being ended.
    report
        Called with step, done, total and a note.
    """

    threads: int
    limits: Started
    stop: threading.Event
    report: Report


class Stopped(Exception):
    """The run is being ended for another reason: nothing more is to be said about this unit."""
