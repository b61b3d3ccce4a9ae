"""Reading TOML that anybody may have written."""

from __future__ import annotations

import tomllib
from typing import Any

from harness.errors import shortened

__all__ = ["table_of"]


def table_of(content: bytes, encoding: str = "utf-8") -> dict[str, Any]:
    """Return what the bytes of a TOML file say.

    Raises
    ------
    ValueError
        With the reason, for whatever is no TOML and for what nobody would write: tables nested
        without end, numbers of thousands of digits.
    """
    try:
        return tomllib.loads(content.decode(encoding))
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    except ValueError as reason:
        raise ValueError(shortened(str(reason))) from None
