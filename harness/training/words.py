"""Which words of a vocabulary a description names: for matchers that learn tags."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.api import FailureToEnroll

__all__ = ["named_in"]


def named_in(query: str, vocabulary: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return which words a description names, as a vector of length 1.

    A word is named where it stands as a whole, in any letter case, or in the plural with *s* or
    *es*; ``_`` and ``-`` are read as spaces. Nothing else is understood: no synonym, no negation.

    Parameters
    ----------
    query
        The description.
    vocabulary
        Words, some of several parts.

    Returns
    -------
    numpy.ndarray
        float64, shape (words,): equal numbers where a word is named, 0 elsewhere.

    Raises
    ------
    FailureToEnroll
        If it names none.

    Examples
    --------
    >>> named_in("Two roses on the UPPER-ARM", ["arrow", "rose", "upper arm"]).round(3)
    array([0.   , 0.707, 0.707])
    """
    said = f" {_plain(query)} "
    plain = [_plain(word) for word in vocabulary]
    named = [any(f" {word}{end} " in said for end in ("", "s", "es")) for word in plain]
    if not any(named):
        raise FailureToEnroll("it names nothing that a training picture shows")
    found = np.array(named, np.float64)
    return np.asarray(found / np.linalg.norm(found))


def _plain(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))
