"""Answers of an algorithm as plain data: what its process packs, the harness unpacks and checks."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np

from harness.answers import Unusable
from harness.api import FailureToEnroll
from harness.execution.wire import Array

LONGEST_TEXT = 2000
"""Characters kept of a text that an algorithm wrote: a reason, a note, an error."""

MOST_PARTS = 10_000
"""Arrays that one template may have."""


class Packed(msgspec.Struct, omit_defaults=True):
    """One answer; its arrays go beside it.

    Parameters
    ----------
    kind
        ``array``, ``parts``, ``number``, ``failure``, ``none`` or ``other``.
    names
        Of the arrays of a template that has several.
    text
        Why there is no answer, or what an unusable one looks like.
    type
        Of an unusable one.
    """

    kind: str
    names: list[str] = []
    text: str = ""
    type: str = ""


def bounded(text: object, length: int = LONGEST_TEXT) -> str:
    """Return a text of at most `length` characters that can be stored and sent."""
    whole = str(text)
    whole = whole if len(whole) <= length else whole[: length - 4] + " ..."
    return whole.encode("utf-8", "replace").decode()


def pack(answer: Any) -> tuple[Packed, list[Array]]:
    """Make plain data of whatever an algorithm returned for one image."""
    if answer is None:
        return Packed("none"), []
    if isinstance(answer, FailureToEnroll):
        return Packed("failure", text=bounded(answer)), []
    if isinstance(answer, np.ndarray) and answer.dtype.kind in "biuf":
        return Packed("array"), [np.asarray(answer)]
    if isinstance(answer, dict) and len(answer) <= MOST_PARTS:
        names = list(answer)
        plain = all(
            isinstance(name, str) and isinstance(part, np.ndarray) and part.dtype.kind in "biuf"
            for name, part in answer.items()
        )
        if plain:
            return Packed("parts", [bounded(name) for name in names]), [
                np.asarray(part) for part in answer.values()
            ]
        for name, part in answer.items():
            if not isinstance(name, str):
                return Packed("other", text=bounded(repr(name)), type="a name"), []
            if not (isinstance(part, np.ndarray) and part.dtype.kind in "biuf"):
                unusable, _ = pack(part)
                kind = unusable.type or str(type(part))
                return Packed("other", [bounded(name)], bounded(repr(part)), kind), []
    if isinstance(answer, (int, float, np.integer, np.floating)) and not isinstance(answer, bool):
        try:
            return Packed("number"), [np.array(float(answer))]
        except OverflowError:
            pass
    kind = f"an array of {answer.dtype}" if isinstance(answer, np.ndarray) else str(type(answer))
    return Packed("other", text=bounded(repr(answer), 200), type=bounded(kind, 200)), []


def unpack(packed: Packed, arrays: list[Array]) -> Any:
    """Return the answer, or an `Unusable` in the place of what cannot be one."""
    if packed.kind == "none":
        return None
    if packed.kind == "failure":
        return FailureToEnroll(packed.text)
    if packed.kind == "array" and len(arrays) == 1:
        return arrays[0]
    if packed.kind == "number" and len(arrays) == 1 and arrays[0].shape == ():
        return float(arrays[0])
    if packed.kind == "parts" and len(arrays) == len(packed.names) == len(set(packed.names)):
        return dict(zip(packed.names, arrays, strict=True))
    unusable = Unusable(packed.type or "something else", packed.text)
    return {packed.names[0]: unusable} if packed.names else unusable
