"""Whether a data set's pictures are synthetic or real, as its own `dataset.toml` states it.

The file lies in the root of the data set, beside its lists, its manifest or its folders::

    synthetic = true
    made-with = "harness synth FOLDER --scale mini --seed 0"

`harness synth` writes it. Real photographs have ``synthetic = false``, which their owner states;
a data set without the file has stated neither, and is never taken for real.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Literal, TypeAlias, get_args

from harness.data.toml_text import table_of
from harness.errors import nearest

__all__ = ["MARKER", "NOT_STATED", "Synthetic", "marker_text", "read_marker", "stated_in"]

MARKER = "dataset.toml"
Synthetic: TypeAlias = Literal["yes", "no", "not stated"]
NOT_STATED: Synthetic = "not stated"
_KEYS = ("synthetic", "made-with")
_LARGEST = 1 << 16


def marker_text(made_with: str) -> str:
    """Return the content of the marker of synthetic data.

    Parameters
    ----------
    made_with
        Command that makes the data set.

    >>> table_of(marker_text("harness synth FOLDER").encode())
    {'synthetic': True, 'made-with': 'harness synth FOLDER'}
    """
    # A JSON string without characters beyond ASCII is a TOML string.
    return f"synthetic = true\nmade-with = {json.dumps(made_with)}\n"


def read_marker(root: Path) -> tuple[Synthetic, str]:
    """Return what the marker in a folder states.

    Parameters
    ----------
    root
        Of the data set.

    Returns
    -------
    tuple
        ``yes``, ``no`` or ``not stated``; and what is wrong with the marker, empty for nothing.
    """
    file = root / MARKER
    try:
        with file.open("rb") as opened:
            content = opened.read(_LARGEST)
    except FileNotFoundError:
        return NOT_STATED, ""
    except OSError as reason:
        return NOT_STATED, f"{MARKER} cannot be read: {reason.strerror or reason}"
    try:
        table = table_of(content, "utf-8-sig")
    except ValueError as reason:
        return NOT_STATED, f"{MARKER} is not TOML: {reason}"
    for key in table:
        if key not in _KEYS:
            known = ", ".join(map(repr, _KEYS))
            return NOT_STATED, f"{MARKER}: no such key {key!r}.{nearest(key, _KEYS)} Known: {known}"
    answer = table.get("synthetic")
    if answer is None:
        return NOT_STATED, ""
    if not isinstance(answer, bool):
        return NOT_STATED, f"{MARKER}: 'synthetic' is true or false, not {answer!r}"
    return ("yes" if answer else "no"), ""


def stated_in(facts: Mapping[str, str]) -> Synthetic:
    """Return what a manifest's facts about its data set state; anything unknown is not stated.

    >>> stated_in({"synthetic": "no"}), stated_in({"synthetic": "true"}), stated_in({})
    ('no', 'not stated', 'not stated')
    """
    value = facts.get("synthetic", "")
    for known in get_args(Synthetic):
        if value == known:
            return known  # type: ignore[no-any-return]
    return NOT_STATED
