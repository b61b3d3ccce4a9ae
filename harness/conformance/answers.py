"""What an answer has to look like, and when two answers are the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import FailureToEnroll

TOLERANCE = 1e-6
"""Largest difference that counts as the same, as a share of the largest value.

Frameworks sum in another order for another size of batch, which shows in the last bits.
"""


class Fault(Exception):
    """An algorithm does not keep to the interface; its text says what to do."""


def checked_templates(answers: Any, count: int) -> list[Any]:
    """Return templates (or failures) as a list, or raise `Fault` for what is not a template."""
    found = _one_each(answers, count)
    for answer in found:
        if answer is None:
            raise Fault(
                "extract returned None; return the template, or raise FailureToEnroll for an image "
                "that has none"
            )
        if isinstance(answer, FailureToEnroll):
            continue
        parts = answer if isinstance(answer, dict) else {"": answer}
        for key, part in parts.items():
            named = f"part {key!r} of a template" if isinstance(answer, dict) else "a template"
            if not isinstance(key, str):
                raise Fault(f"the names of a template's arrays must be strings; got {key!r}")
            if not isinstance(part, np.ndarray) or part.dtype.kind not in "biuf":
                kind = f"an array of {part.dtype}" if isinstance(part, np.ndarray) else type(part)
                raise Fault(f"{named} is {kind}; return a NumPy array of numbers or a dict of them")
            if part.dtype.kind == "f" and not np.isfinite(part).all():
                raise Fault(f"{named} contains NaN or infinity; look for a division by zero")
    return found


def checked_detections(answers: Any, count: int) -> list[Any]:
    """Return scores (or failures) as a list, or raise `Fault` for what is not a score."""
    found = _one_each(answers, count)
    for answer in found:
        if isinstance(answer, FailureToEnroll):
            continue
        if isinstance(answer, bool) or not isinstance(answer, (int, float, np.number)):
            raise Fault(f"detect returned {answer!r} ({type(answer).__name__}); return a float")
        if not np.isfinite(answer):
            raise Fault(f"detect returned {answer}; scores must be finite")
    return found


def checked_scores(scores: Any, shape: tuple[int, ...], method: str) -> npt.NDArray[Any]:
    """Return the scores, or raise `Fault` if they are not finite floats of this shape."""
    if not isinstance(scores, np.ndarray) or scores.dtype.kind != "f":
        kind = f"array of {scores.dtype}" if isinstance(scores, np.ndarray) else type(scores)
        raise Fault(f"{method} returned {kind}; return a NumPy array of floating-point numbers")
    if scores.shape != shape:
        raise Fault(f"{method} returned shape {scores.shape}; expected {shape}: one score per pair")
    if not np.isfinite(scores).all():
        raise Fault(f"{method} returned NaN or infinity; look for a division by zero")
    return scores


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


def _one_each(answers: Any, count: int) -> list[Any]:
    if answers is None:
        raise Fault(f"a batch method returned None; return {count} answers, one per image")
    found = list(answers)
    if len(found) != count:
        raise Fault(
            f"{len(found)} answers for {count} images; return one per image, with a "
            "FailureToEnroll in the place of an image you give up on"
        )
    return found
