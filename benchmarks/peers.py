"""Other packages: loaded only when raced, left out with a word where they are absent."""

from __future__ import annotations

import importlib
from typing import Any

left_out = False
"""Whether all of them are to count as absent."""


def peer(name: str) -> Any | str:
    """Return a module, or the reason why it is not there.

    Any error counts as absence: packages fail to import for many reasons, and a benchmark of the
    others should go on.
    """
    if left_out:
        return "absent (not asked for)"
    try:
        return importlib.import_module(name)
    except Exception as reason:
        return f"absent ({type(reason).__name__}: {reason})".splitlines()[0][:100]
