"""In what two pieces of JSON differ, part by part, in sentences that name each."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from harness.errors import visible

__all__ = ["changes"]

LONGEST = 70
"""Characters of a value that are shown."""


def changes(before: Any, now: Any, verb: str, where: str = "") -> Iterator[str]:
    """Yield what is another in the second of two values.

    Parameters
    ----------
    before, now
        Plain values, as JSON has them. Entries of lists are called by their ``metric`` or ``name``,
        where they have one.
    verb
        What was done with the first: ``signed`` gives ``seed is 2, signed was 1``.
    where
        Place of both, for the sentences.

    Examples
    --------
    >>> one, other = ({"rows": [{"name": "a", "n": n}]} for n in (1, 2))
    >>> list(changes(one, other, "signed"))
    ['rows[a].n is 2, signed was 1']
    """
    if isinstance(before, dict) and isinstance(now, dict):
        for key in sorted(before.keys() | now.keys()):
            name = f"{where}.{key}" if where else str(key)
            yield from changes(before.get(key), now.get(key), verb, name)
    elif isinstance(before, list) and isinstance(now, list):
        if len(before) != len(now):
            yield visible(f"{where} has {len(now)} entries, {verb} were {len(before)}")
        for number, (one, other) in enumerate(zip(before, now, strict=False)):
            named = one if isinstance(one, dict) else {}
            called = named.get("metric", named.get("name", number))
            yield from changes(one, other, verb, f"{where}[{called}]")
    elif before != now or isinstance(before, bool) != isinstance(now, bool):
        yield visible(f"{where} is {_short(now)}, {verb} was {_short(before)}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 10]} ... "
