"""Values of parameters: from the texts of a command line, in their types, within their limits."""

from __future__ import annotations

import math
import re
import types
from collections.abc import Mapping
from typing import Any, Union, get_args, get_origin

import msgspec

from harness.errors import nearest

__all__ = ["check_limits", "convert", "limits_in_words", "type_name"]

_WORDS = {"yes": True, "on": True, "true": True, "1": True}
_WORDS |= {"no": False, "off": False, "false": False, "0": False}
_NOT_NOUGHT = re.compile(r"[-+]?[0.]*[1-9][\d.]*e-\d+$", re.IGNORECASE)
_LEAST, _MOST = -(2**63), 2**63 - 1


def convert(value: Any, hint: Any) -> Any:
    """Turn a text (or a value from JSON) into a parameter's type.

    Numbers are written as in Python or as on paper: ``5e-3``, ``.5``, ``+0.5``, ``1_000``, and
    ``4e4`` for a whole one too. Nothing but finite ones is a value.

    >>> convert(".5", float), convert("yes", bool), convert("1,2", tuple[int, ...])
    (0.5, True, (1, 2))

    Raises
    ------
    ValueError
        If it does not fit; the message says what was expected.
    """
    prepared = _prepared(value.strip(), hint) if isinstance(value, str) else value
    try:
        found = msgspec.convert(prepared, hint, strict=False)
    except msgspec.ValidationError:
        raise ValueError(
            f"expected {type_name(hint)}, got {value!r}{_advice(value, hint)}"
        ) from None
    _check_finite(found)
    if found == 0 and isinstance(value, str) and _NOT_NOUGHT.match(value.strip()):
        raise ValueError(f"{value} is too small to be told from 0")
    return found


def _prepared(text: str, hint: Any) -> Any:
    """Return what stands in a text, as far as the type tells how to read it."""
    if get_origin(hint) in (tuple, list):
        inner = {kind for kind in get_args(hint) if kind is not Ellipsis}
        parts = [part.strip() for part in text.split(",")]
        if parts[-1] == "":
            del parts[-1]  # of an empty text, or one that ends with a comma
        return [_prepared(part, inner.copy().pop() if len(inner) == 1 else str) for part in parts]
    kinds = _kinds(hint)
    if type(None) in kinds and text.lower() in ("none", "null"):
        return None
    if bool in kinds and text.lower() in _WORDS:
        return _WORDS[text.lower()]
    for kind, read in ((int, _whole), (float, _number)):
        if kind in kinds and (found := read(text)) is not None:
            return found
    return text


def _kinds(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _whole(text: str) -> int | None:
    """Accept `4e4` for a whole number, since schedules are written that way, and `0x10`."""
    try:
        return int(text, 10 if text.lstrip("+-")[:1] == "0" and text.lstrip("+-").isdigit() else 0)
    except ValueError:
        number = _number(text)
        return int(number) if number is not None and number.is_integer() else None


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _check_finite(value: Any) -> None:
    """Refuse what neither a limit nor a file of JSON can hold."""
    for part in value if isinstance(value, (tuple, list)) else (value,):
        if isinstance(part, float) and not math.isfinite(part):
            raise ValueError(f"{part} is not a finite number")
        if isinstance(part, int) and not _LEAST <= part <= _MOST:
            raise ValueError(f"{part} is out of range: a whole number has at most 64 bits")


def _advice(value: Any, hint: Any) -> str:
    if not isinstance(value, str):
        return ""
    if bool in _kinds(hint):
        return "; write yes or no"
    if float in _kinds(hint) and _number(value.replace(",", ".")) is not None:
        return f"; write {value.strip().replace(',', '.')}, with a point"
    return ""


def check_limits(value: Any, limits: Mapping[str, Any]) -> None:
    """Refuse a value outside of what `harness.api.parameter` declares.

    Raises
    ------
    ValueError
        With the limits.
    """
    if limits.get("choices") and value not in limits["choices"]:
        choices = ", ".join(map(str, limits["choices"]))
        raise ValueError(
            f"{value!r} is not one of {choices}.{nearest(str(value), map(str, limits['choices']))}"
        )
    low, high = limits.get("minimum"), limits.get("maximum")
    for part in value if isinstance(value, (tuple, list)) else (value,):
        if (
            isinstance(part, (int, float))
            and not isinstance(part, bool)
            and ((low is not None and part < low) or (high is not None and part > high))
        ):
            raise ValueError(f"{part} is out of limits ({limits_in_words(limits)})")


def limits_in_words(limits: Mapping[str, Any]) -> str:
    """Return the limits of a parameter for people; empty without any."""
    if limits.get("choices"):
        return "one of " + ", ".join(map(str, limits["choices"]))
    parts = [
        f"{sign} {limits[key]:g}"
        for key, sign in (("minimum", ">="), ("maximum", "<="))
        if limits.get(key) is not None
    ]
    return " and ".join(parts)


def type_name(hint: Any) -> str:
    """Return the name of a type for people."""
    return (
        hint.__name__ if isinstance(hint, type) and not hasattr(hint, "__origin__") else str(hint)
    )
