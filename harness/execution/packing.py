"""Answers of an algorithm as plain data: what its process packs, the harness unpacks and checks."""

from __future__ import annotations

import reprlib
import sys
from contextlib import suppress
from typing import Any

import msgspec
import numpy as np

from harness.api import FailureToEnroll
from harness.errors import text_of
from harness.execution.answers import Unusable
from harness.execution.wire import Array

LONGEST_TEXT = 2000
"""Characters kept of a text that an algorithm wrote: a reason, a note, an error."""

MOST_PARTS = 10_000
"""Arrays that one template may have."""

LONGEST_NAME = 200
"""Characters of the name of an array of a template."""

LARGEST_ANSWER = 1 << 30
"""Bytes of one answer above which a worker sends the reason in its place."""

BAD_NAME = f"a dict with a name that is empty, unprintable or over {LONGEST_NAME} characters"
"""What stands for a template whose arrays cannot be stored by their names."""

NO_TEXT = "a dict whose names are not all strings"


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
    """Return a text of at most about `length` characters that can be stored, sent and shown."""
    return text_of(text, length)


def pack(answer: Any) -> tuple[Packed, list[Array]]:
    """Make plain data of whatever an algorithm returned for one image."""
    try:
        packed, arrays = _packed(answer)
    except Exception as reason:  # a subclass of dict, or a text, that does something of its own
        return Packed("other", text=bounded(reason, 200), type=_type_of(answer)), []
    size = sum(array.nbytes for array in arrays)
    if size > LARGEST_ANSWER:
        return Packed(
            "other", text="", type=f"{size:,} bytes, and {LARGEST_ANSWER:,} are taken"
        ), []
    return packed, arrays


def _packed(answer: Any) -> tuple[Packed, list[Array]]:
    if answer is None:
        return Packed("none"), []
    if isinstance(answer, FailureToEnroll):
        return Packed("failure", text=bounded(answer)), []
    if _is_plain(answer):
        return Packed("array"), [np.asarray(answer)]
    if isinstance(answer, dict):
        if len(answer) > MOST_PARTS:
            return Packed("other", type=f"a dict of more than {MOST_PARTS:,} arrays"), []
        return _packed_parts(dict(answer))
    if isinstance(answer, (int, float, np.integer, np.floating)) and not isinstance(answer, bool):
        with suppress(OverflowError):
            return Packed("number"), [np.array(float(answer))]
    return Packed("other", text=bounded(reprlib.repr(answer), 200), type=_type_of(answer)), []


def _packed_parts(parts: dict[Any, Any]) -> tuple[Packed, list[Array]]:
    for name, part in parts.items():
        if not isinstance(name, str):
            return Packed("other", text=bounded(reprlib.repr(name), 200), type=NO_TEXT), []
        if not name or bounded(name, LONGEST_NAME) != name:
            return Packed("other", text=bounded(ascii(name), 100), type=BAD_NAME), []
        if not _is_plain(part):
            return Packed("other", [name], bounded(reprlib.repr(part), 200), _type_of(part)), []
    return Packed("parts", list(parts)), [np.asarray(part) for part in parts.values()]


def _is_plain(answer: Any) -> bool:
    """Return whether it is an array of numbers; those of a masked one are not all meant."""
    return isinstance(answer, np.ndarray) and answer.dtype.kind in "biuf" and not _is_masked(answer)


def _is_masked(answer: Any) -> bool:
    masked = sys.modules.get("numpy.ma")  # it takes long to import where nobody did
    return masked is not None and isinstance(answer, masked.MaskedArray)


def _type_of(answer: Any) -> str:
    if isinstance(answer, np.ndarray):
        if _is_masked(answer):
            return "a masked array"
        return bounded(f"an array of {answer.dtype}", 200)
    return bounded(type.__repr__(type(answer)), 200)


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
