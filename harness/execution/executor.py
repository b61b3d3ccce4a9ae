"""Where algorithms live while they are asked: in processes of their own, or in this one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from harness.execution import asking, conversation, here, unaided
from harness.execution.asking import Asked
from harness.execution.conversation import Conversation
from harness.execution.doing import Doing
from harness.execution.unit import Unit

__all__ = ["EXECUTORS", "Elsewhere", "Executor"]


class Elsewhere(Protocol):
    """What carries units to other processes of the harness, on this machine or on others."""

    def do_all(self, units: Sequence[Unit], place: Any, limits: Any, listen: Any) -> None:
        """Have units done; parameters and errors as for `harness.execution.pool.do_all`."""

    def check_all(self, units: Sequence[Unit], place: Any, limits: Any, listen: Any) -> Any:
        """Have answers checked; parameters and errors as for `harness.execution.pool.check_all`."""


@dataclass(frozen=True)
class Executor:
    """What starts whatever answers for an algorithm; the harness checks and stores all the same.

    Parameters
    ----------
    name
        As ``--on`` takes it.
    ask
        Returns what a plugin says about itself, as `harness.execution.asking.ask` does.
    conversation
        Starts what does one step of a unit, as `harness.execution.conversation.conversation` does.
    compare
        Compares a unit's templates without its algorithm and stores the scores: unit, run folder,
        folder for the scores, how it is done, and the log.
    most_units
        Units that can be done at a time; None for as many as there are workers.
    forks
        Whether its workers may be forked from a process that has imported their libraries.
    elsewhere
        What has units done by other processes of the harness, if they are not done by this one.
    here
        Whether all that is done is done on this machine.
    """

    name: str
    ask: Callable[..., Asked]
    conversation: Callable[..., AbstractContextManager[Conversation]]
    compare: Callable[[Unit, Path, Path, Doing, Path], None]
    most_units: int | None = None
    forks: bool = False
    elsewhere: Elsewhere | None = None
    here: bool = True


SUBPROCESS = Executor(
    "subprocess",
    asking.ask,
    conversation.conversation,
    unaided.compare_unaided,
    forks=True,
)
"""Every step in a process of its own, in its fence: the default, and what can be believed."""

IN_PROCESS = Executor("in-process", here.ask, here.conversation, here.compare, most_units=1)
"""Every step in this process, one at a time: for tests, debuggers and code that is trusted."""

EXECUTORS = {one.name: one for one in (SUBPROCESS, IN_PROCESS)}
"""By name."""
