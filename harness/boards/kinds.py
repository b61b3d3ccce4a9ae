"""Kinds of question that boards are grouped by: what an algorithm must be able to do for them."""

from __future__ import annotations

from functools import cache

from harness.execution.abilities import ABILITIES
from harness.reporting.wording import plain
from harness.tasks.kinds import KINDS

__all__ = ["kind_of", "order_of"]


@cache
def kind_of(task: str) -> str:
    """Return the kind of question that a task is, in words.

    Parameters
    ----------
    task
        Name of the task, as a manifest has it; one that this harness does not know is a kind of
        its own.

    Examples
    --------
    >>> kind_of("open-set"), kind_of("detection"), kind_of("something-new")
    ('Matching', 'Detection', 'Something-new')
    """
    if task in KINDS:
        return ABILITIES[KINDS[task].ability.__name__].label
    return plain(task) or "Other"


def order_of(task: str) -> tuple[int, str]:
    """Return a key that sorts kinds: those that the harness knows first, then others by name."""
    kind = kind_of(task)
    known = [ability.label for ability in ABILITIES.values()]
    return (known.index(kind) if kind in known else len(known), kind)
