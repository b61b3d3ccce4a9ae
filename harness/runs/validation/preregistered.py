"""Whether criteria are those that were written down before a run, and what changed if not."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from typing import Any

from harness.errors import NotComparable, visible
from harness.record import record
from harness.record.evidence.preregistration import Criteria, faults, read_preregistration
from harness.runs.validation.judged import JudgedRun


def check_preregistered(judged: JudgedRun, content: bytes) -> str:
    """Return the digest of a run's preregistration, if it is of these criteria; empty without one.

    Parameters
    ----------
    judged
        The run.
    content
        Bytes of the file of criteria, which can be read.

    Raises
    ------
    NotComparable
        If the run was preregistered with other criteria, with every difference.
    """
    origin = judged.manifest.origin
    if not origin.preregistration:
        return ""
    folder = judged.run.folder
    found = faults(folder, record.PREREGISTRATION, origin)
    if found:
        raise NotComparable(f"{folder}: {'; '.join(found)}")
    said, _ = read_preregistration(folder, record.PREREGISTRATION)
    if said.criteria.sha256 != hashlib.sha256(content).hexdigest():
        listed = "".join(f"\n  - {one}" for one in _differences(said.criteria, content))
        raise NotComparable(
            f"{folder} was preregistered with other criteria than these:{listed}\n"
            "Validate it by the criteria that were written down before it, which stand in its "
            f"{record.PREREGISTRATION}."
        )
    return origin.preregistration


def _differences(said: Criteria, content: bytes) -> Iterator[str]:
    """Yield in what two files of criteria differ: keys, and rows by their numbers."""
    before, now = (_flat(tomllib.loads(text)) for text in (said.text, content.decode("utf-8")))
    changed = [key for key in {**before, **now} if before.get(key) != now.get(key)]
    for key in changed:
        old, new = (visible(repr(of[key])) if key in of else "nothing" for of in (before, now))
        yield f"{visible(key)}: {old} was written down, and {new} stands in the file"
    if not changed:
        yield "the same is said in other bytes (comments, spaces, order)"


def _flat(table: Any, place: str = "") -> dict[str, Any]:
    """Return every value of a table by its place, tables of one name counted from 1."""
    if isinstance(table, dict):
        parts = [(f"{place}.{key}" if place else str(key), value) for key, value in table.items()]
    elif isinstance(table, list) and table and all(isinstance(one, dict) for one in table):
        parts = [(f"{place} {number}", one) for number, one in enumerate(table, start=1)]
    else:
        return {place: table}
    return {key: value for name, one in parts for key, value in _flat(one, name).items()}
