"""A unit of a matching, done so that whoever sees its folder can tell who is at work on it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from harness.execution.claims import claimed
from harness.matching.units import do_one

__all__ = ["do_claimed"]


def do_claimed(folder: Path, called: Callable[[str], str] | None = None) -> None:
    """Do the unit that lies in a folder, which says so for as long as it takes.

    Parameters
    ----------
    folder, called
        As for `harness.matching.units.do_one`.

    Raises
    ------
    HarnessError
        What the unit says is wrong; its folder says so, too.
    """
    with claimed(folder) as held:

        def far(done: int, total: int) -> None:
            held.claim.step, held.claim.done, held.claim.total = "comparing", done, total

        do_one(folder, far, called)
