"""What this package takes: arrays of scores or of log-likelihood-ratios, checked once."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Floats: TypeAlias = npt.NDArray[np.float64]
Counts: TypeAlias = npt.NDArray[np.int64]


def checked(scores: Scores) -> Floats:
    """Scores as float64.

    Raises
    ------
    ValueError
        If the shape is not (n,) or a score is NaN.
    """
    found: Floats = np.asarray(scores, np.float64)
    if found.ndim != 1:
        raise ValueError("scores and LLRs must have the shape (comparisons,)")
    if np.isnan(found.max(initial=-np.inf)):  # NaN where any value is
        raise ValueError("a score is NaN: give -inf for a failed comparison")
    return found


def calibration_sets(mated: Scores, nonmated: Scores) -> tuple[Floats, Floats]:
    """Mated and non-mated scores to fit a calibrator on, as float64.

    Parameters
    ----------
    mated, nonmated
        Floating point, each of shape (comparisons,): finite, or ``-inf`` for a failure.

    Returns
    -------
    mated, nonmated
        float64, in the same shapes and order.

    Raises
    ------
    ValueError
        If a set is empty, or a score is NaN or ``+inf``.
    """
    mated, nonmated = comparison_scores(mated), comparison_scores(nonmated)
    if not mated.size or not nonmated.size:
        raise ValueError(
            f"calibration needs mated and non-mated comparisons: {mated.size} mated and "
            f"{nonmated.size} non-mated given"
        )
    return mated, nonmated


def comparison_scores(scores: Scores) -> Floats:
    """Scores of comparisons as float64: finite, or ``-inf`` for a failure.

    Raises
    ------
    ValueError
        If the shape is not (n,), or a score is NaN or ``+inf``.
    """
    found = checked(scores)
    if found.max(initial=-np.inf) == np.inf:
        raise ValueError("a score is +inf: scores are finite, or -inf for a failure")
    return found
