"""Detection (is there a tattoo?): accuracies, TPDR at a given FPDR, AUC and EER.

An image on which the detector failed is wrong whatever the truth is: a tattoo never detected, or
a false alarm at every threshold. So refusing never helps. Its score is not looked at.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics import verification
from harness.metrics.entry import Entry

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]


class Accuracies(NamedTuple):
    """Shares of images that were decided rightly, in [0, 1]; NaN where there is no such image."""

    tattoo: float
    non_tattoo: float
    overall: float


def accuracies(
    scores: Scores, truth: Bools, threshold: float, failed: Bools | None = None
) -> Accuracies:
    """Accuracy on tattoos, on other images, and on all (NISTIR 8078, tattoo detection).

    Parameters
    ----------
    scores
        Floating point, shape (images,): a tattoo is detected when ``score >= threshold``.
    truth
        bool, shape (images,): whether the image shows a tattoo.
    threshold
        In units of the scores.
    failed
        bool, shape (images,): where the detector gave no score; nowhere unless given.

    Returns
    -------
    Accuracies
        ``TT / N_tattoo``, ``NT / N_non`` and ``(TT + NT) / N``.

    Raises
    ------
    ValueError
        If shapes differ, `truth` or `failed` is not bool, the threshold is NaN, or a score that
        did not fail is not finite.

    Examples
    --------
    >>> scores, truth = np.array([0.9, 0.5, 0.2, 0.7]), np.array([True, True, False, False])
    >>> accuracies(scores, truth, 0.5)
    Accuracies(tattoo=1.0, non_tattoo=0.5, overall=0.75)
    >>> accuracies(scores, truth, 0.5, failed=np.array([True, False, True, False]))
    Accuracies(tattoo=0.5, non_tattoo=0.0, overall=0.25)
    """
    if np.isnan(threshold):
        raise ValueError("the threshold is NaN")
    scores, truth, failed = _checked(scores, truth, failed)
    right = ~failed & ((scores >= threshold) == truth)
    return Accuracies(_share(right[truth]), _share(right[~truth]), _share(right))


def tpdr_at_fpdr(scores: Scores, truth: Bools, fpdr: float, failed: Bools | None = None) -> float:
    """Highest true positive detection rate over all thresholds whose FPDR is at most `fpdr`.

    Tatt-E's headline is this at 0.01 (NISTIR 8232). Exact, without interpolation; tied scores
    cross a threshold together.

    Parameters
    ----------
    scores, truth, failed
        As for `accuracies`.
    fpdr
        False positive detection rate in [0, 1].

    Returns
    -------
    float
        In [0, 1]; 0.0 when failures on images without a tattoo alone exceed `fpdr`; NaN without
        tattoos or without other images.

    Raises
    ------
    ValueError
        If `fpdr` is outside [0, 1], or as for `accuracies`.

    Examples
    --------
    >>> scores, truth = np.array([0.9, 0.5, 0.2, 0.7]), np.array([True, True, False, False])
    >>> tpdr_at_fpdr(scores, truth, 0.01), tpdr_at_fpdr(scores, truth, 0.5)
    (0.5, 1.0)
    >>> tpdr_at_fpdr(scores, truth, 0.01, failed=np.array([False, False, False, True]))
    0.0
    """
    tattoos, others = _as_comparisons(scores, truth, failed)
    bar = verification.score_to_exceed(others, fpdr)
    return _share(tattoos > bar) if others.size else float("nan")


def auc(scores: Scores, truth: Bools, failed: Bools | None = None) -> float:
    """Probability that a tattoo scores above another image: `verification.auc`, with failures.

    Parameters
    ----------
    scores, truth, failed
        As for `accuracies`.

    Returns
    -------
    float
        In [0, 1]; NaN without tattoos or without other images.

    Raises
    ------
    ValueError
        As for `accuracies`.

    Examples
    --------
    >>> auc(np.array([0.9, 0.5, 0.2, 0.7]), np.array([True, True, False, False]))
    0.75
    """
    return verification.auc(*_as_comparisons(scores, truth, failed))


def eer(scores: Scores, truth: Bools, failed: Bools | None = None) -> float:
    """Equal error rate of missed tattoos and false alarms: `verification.eer`, with failures.

    Parameters
    ----------
    scores, truth, failed
        As for `accuracies`.

    Returns
    -------
    float
        In [0, 1]; NaN without tattoos or without other images.

    Raises
    ------
    ValueError
        As for `accuracies`.

    Examples
    --------
    >>> eer(np.array([0.9, 0.5, 0.2, 0.7]), np.array([True, True, False, False]))
    0.5
    """
    return verification.eer(*_as_comparisons(scores, truth, failed))


def _as_comparisons(
    scores: Scores, truth: Bools, failed: Bools | None
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Scores of tattoos and of other images, failures as the worst that could have been said."""
    scores, truth, failed = _checked(scores, truth, failed)
    worst = np.where(truth, -np.inf, np.inf)
    values = np.where(failed, worst, scores)
    return values[truth], values[~truth]


def _checked(
    scores: Scores, truth: Bools, failed: Bools | None
) -> tuple[npt.NDArray[np.float64], Bools, Bools]:
    values: npt.NDArray[np.float64] = np.asarray(scores, np.float64)
    if failed is None:
        failed = np.zeros(values.shape, np.bool_)
    if values.ndim != 1 or not values.shape == truth.shape == failed.shape:
        raise ValueError("scores, truth and failed must have one shape (images,)")
    if truth.dtype != np.bool_ or failed.dtype != np.bool_:
        raise ValueError("truth and failed must be bool")
    if not np.isfinite(values[~failed]).all():
        raise ValueError("a score is not finite, and its image is not marked as failed")
    return values, truth, failed


def _share(right: Bools) -> float:
    return float(right.mean()) if right.size else float("nan")


ENTRIES = {
    "accuracy": Entry(accuracies, "Accuracy", unit="percent", guess=0.5, trials="Images"),
    "tattoo-accuracy": Entry(
        accuracies, "Accuracy on tattoo images", unit="percent", guess=0.5, trials="Images"
    ),
    "non-tattoo-accuracy": Entry(
        accuracies, "Accuracy on non-tattoo images", unit="percent", guess=0.5, trials="Images"
    ),
    "tpdr": Entry(
        tpdr_at_fpdr,
        "True positive detection rate (TPDR)",
        unit="percent",
        options=(("fpdr", 0.01),),
        guess=0.0,
        trials="Images",
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
