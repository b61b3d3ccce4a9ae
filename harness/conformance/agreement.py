"""When two answers are the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from harness.api import FailureToEnroll
from harness.execution.answers import BadAnswer

TOLERANCE = 1e-6
"""Largest difference that counts as the same, as a share of the largest value.

Frameworks sum in another order for another size of batch, which shows in the last bits.
"""


class Fault(BadAnswer):
    """An algorithm does not keep to the interface; its text says what to do."""


def frozen(template: Any) -> Any:
    """Copy a template into read-only arrays, as when it comes from a stored file."""
    if isinstance(template, dict):
        return {key: frozen(part) for key, part in template.items()}
    copy = template.copy()
    copy.flags.writeable = False
    return copy


def agree(one: Sequence[Any], other: Sequence[Any], otherwise: str) -> str:
    """Compare answers in pairs and say how equal they are.

    Raises
    ------
    Fault
        With the text `otherwise` and the size of the difference, if it is above `TOLERANCE`.
    """
    largest = max((difference(a, b) for a, b in zip(one, other, strict=True)), default=0.0)
    if largest > TOLERANCE:
        size = f" (by {largest:.1e} of the largest value)" if np.isfinite(largest) else ""
        raise Fault(otherwise.replace(":", size + ":", 1))
    return "exactly equal" if largest == 0 else f"equal to {largest:.0e} of the largest value"


def difference(one: Any, other: Any) -> float:
    """Return the largest difference as a share of the largest value; infinite for other shapes."""
    if isinstance(one, FailureToEnroll) or isinstance(other, FailureToEnroll):
        return 0.0 if type(one) is type(other) else np.inf
    if isinstance(one, dict) and isinstance(other, dict):
        if one.keys() != other.keys():
            return np.inf
        return max((difference(one[key], other[key]) for key in one), default=0.0)
    left, right = np.asarray(one), np.asarray(other)
    if left.shape != right.shape or left.dtype != right.dtype:
        return np.inf
    if np.array_equal(left, right):
        return 0.0
    left, right = left.astype(np.float64), right.astype(np.float64)
    if not (np.isfinite(left).all() and np.isfinite(right).all()):
        return np.inf
    scale = max(float(np.abs(left).max()), float(np.abs(right).max()))
    return float(np.abs(left - right).max()) / scale
