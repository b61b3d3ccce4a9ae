"""Classification into several classes: accuracy, top-k, confusion, recall, and calibration.

Scores have the shape (images, classes), labels are class numbers from 0. An image is right when its
own class scores higher than every other: ties count against the algorithm, so a constant scorer is
never right. An image on which it failed is a row of ``-inf``: wrong, and a column of its own in the
confusion matrix.
"""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Labels: TypeAlias = npt.NDArray[np.integer[Any]]

LEAST_PROBABILITY = 1e-6
"""What `log_loss` takes for certainty of another class."""

_SUM_TO_ONE = 1e-4  # probabilities of 32-bit softmax over a thousand classes are this near


def top_k_accuracy(scores: Scores, labels: Labels, k: int = 1) -> float:
    """Share of images whose class is among the best k; for k = 1, the accuracy.

    A class is among the best k when fewer than k others score as high or higher.

    Parameters
    ----------
    scores
        Floating point, shape (images, classes); higher is surer, ``-inf`` is a failure.
    labels
        Integers, shape (images,), in 0 .. classes - 1.
    k
        From 1; from the number of classes on, only failures are wrong.

    Returns
    -------
    float
        In [0, 1]; NaN without images.

    Raises
    ------
    ValueError
        If shapes differ, a label is no class, a score is NaN or ``+inf``, or `k` is below 1.

    Examples
    --------
    >>> scores, labels = np.array([[0.6, 0.3, 0.1], [0.4, 0.4, 0.2]]), np.array([0, 1])
    >>> top_k_accuracy(scores, labels), top_k_accuracy(scores, labels, k=2)  # the second is tied
    (0.5, 1.0)
    """
    if k < 1:
        raise ValueError(f"k counts from 1, but {k} was asked for")
    scores, labels = _checked(scores, labels)
    places, own = _places(scores, labels)
    right = (places <= k) & (own > -np.inf)
    return float(right.mean()) if right.size else float("nan")


def confusion(scores: Scores, labels: Labels) -> npt.NDArray[np.int64]:
    """Count images by their class and by the class they were taken for.

    Of classes tied for the first place, one other than the image's own is taken, and of those the
    one with the lowest number; so the diagonal counts what `top_k_accuracy` calls right.

    Parameters
    ----------
    scores, labels
        As for `top_k_accuracy`.

    Returns
    -------
    numpy.ndarray
        int64, shape (classes, classes + 1): row = true class, column = answer, and in the last
        column failures.

    Raises
    ------
    ValueError
        As for `top_k_accuracy`.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8], [-np.inf, -np.inf]])
    >>> confusion(scores, np.array([0, 0, 1, 1]))
    array([[1, 1, 0],
           [0, 1, 1]])
    """
    scores, labels = _checked(scores, labels)
    classes = scores.shape[1]
    images = np.arange(len(labels))
    best = scores.max(axis=1, initial=-np.inf)
    tied = scores == best[:, np.newaxis]
    # One's own class is the answer only where no other shares the first place with it.
    tied[images, labels] &= tied.sum(axis=1) == 1
    answer = np.where(best > -np.inf, np.argmax(tied, axis=1), classes)
    cells = np.bincount(labels * (classes + 1) + answer, minlength=classes * (classes + 1))
    return cells.reshape(classes, classes + 1).astype(np.int64)


def class_recalls(scores: Scores, labels: Labels) -> npt.NDArray[np.float64]:
    """Share of the images of each class that are right.

    Parameters
    ----------
    scores, labels
        As for `top_k_accuracy`.

    Returns
    -------
    numpy.ndarray
        float64, shape (classes,), in [0, 1]; NaN for a class without images.

    Raises
    ------
    ValueError
        As for `top_k_accuracy`.

    Examples
    --------
    >>> class_recalls(np.array([[0.9, 0.1, 0.0], [0.6, 0.4, 0.0]]), np.array([0, 1]))
    array([ 1.,  0., nan])
    """
    counts = confusion(scores, labels)
    images = counts.sum(axis=1)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: no data
        recalls: npt.NDArray[np.float64] = np.diagonal(counts) / images
    return recalls


def macro_recall(scores: Scores, labels: Labels) -> float:
    """Mean recall of the classes that have images, each class with the same weight.

    Also called balanced accuracy. Always naming one class gives 1 / classes, however common it is.

    Parameters
    ----------
    scores, labels
        As for `top_k_accuracy`.

    Returns
    -------
    float
        In [0, 1]; NaN without images.

    Raises
    ------
    ValueError
        As for `top_k_accuracy`.

    Examples
    --------
    >>> macro_recall(np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4]]), np.array([0, 0, 1]))
    0.5
    """
    recalls = class_recalls(scores, labels)
    known = recalls[~np.isnan(recalls)]
    return float(known.mean()) if known.size else float("nan")


def chance_rate(classes: int, k: int = 1) -> float:
    """Top-k accuracy of a random order of the classes: ``k / classes``.

    Parameters
    ----------
    classes, k
        From 1.

    Returns
    -------
    float
        In (0, 1].

    Raises
    ------
    ValueError
        If either is below 1.

    Examples
    --------
    >>> chance_rate(20), chance_rate(20, k=5), chance_rate(2, k=5)
    (0.05, 0.25, 1.0)
    """
    if classes < 1 or k < 1:
        raise ValueError("classes and k count from 1")
    return min(1.0, k / classes)


def brier(probabilities: Scores, labels: Labels) -> float:
    """Mean over images of ``sum_c (p_c - y_c)^2``, y being 1 for the true class (Brier 1950).

    A proper score: nothing but one's true probabilities makes it smallest on average.

    Parameters
    ----------
    probabilities
        Floating point, shape (images, classes), in [0, 1] with rows that sum to 1; a row of
        ``-inf`` is a failure and counts 2, like certainty of a wrong class.
    labels
        As for `top_k_accuracy`.

    Returns
    -------
    float
        In [0, 2]; ``1 - 1 / classes`` for equal probabilities; NaN without images.

    Raises
    ------
    ValueError
        If a row is neither probabilities nor a failure, or as for `top_k_accuracy`.

    Examples
    --------
    >>> brier(np.array([[1.0, 0.0], [0.5, 0.5]]), np.array([0, 0]))  # (0 + (1/4 + 1/4)) / 2
    0.25
    """
    shares, labels, failed = _checked_probabilities(probabilities, labels)
    if not labels.size:
        return float("nan")
    off = np.where(failed[:, np.newaxis], 0.0, shares)
    off[np.arange(len(labels)), labels] -= 1.0
    return float(np.where(failed, 2.0, np.sum(off * off, axis=1)).mean())


def expected_calibration_error(probabilities: Scores, labels: Labels, bins: int = 15) -> float:
    """How far the probability of the answer is from its accuracy (Guo et al. 2017, equation 3).

    Images are put into bins of equal width ``((i-1)/bins, i/bins]`` by their highest probability,
    and ``|accuracy - mean confidence|`` of the bins is averaged, weighted by their images. It
    describes the probabilities that were given: failures have none and are left out, and it never
    ranks algorithms, as one that is always unsure has an error of nearly 0.

    Parameters
    ----------
    probabilities, labels
        As for `brier`.
    bins
        From 1. The value depends on it.

    Returns
    -------
    float
        In [0, 1]; NaN without an image that did not fail.

    Raises
    ------
    ValueError
        If `bins` is below 1, or as for `brier`.

    Examples
    --------
    >>> probabilities = np.array([[0.75, 0.25]] * 4)  # right 3 times in 4, or twice
    >>> expected_calibration_error(probabilities, np.array([0, 0, 0, 1]))
    0.0
    >>> expected_calibration_error(probabilities, np.array([0, 0, 1, 1]))
    0.25
    """
    confidence, right, which = _by_confidence(probabilities, labels, bins)
    if not right.size:
        return float("nan")
    # Per bin, images * |accuracy - confidence| is the size of the sum of the differences.
    excess = np.bincount(which, weights=right - confidence)
    return float(np.abs(excess).sum() / right.size)


def log_loss(probabilities: Scores, labels: Labels) -> float:
    """Mean over images of ``-ln p``, p being the probability given to the true class.

    A proper score, like `brier`, that is hard on false certainty: p counts as no less than
    `LEAST_PROBABILITY`, so certainty of a wrong class costs 13.8, and so does a failure.

    Parameters
    ----------
    probabilities, labels
        As for `brier`.

    Returns
    -------
    float
        In [0, 13.8]; ``ln(classes)`` for equal probabilities; NaN without images.

    Raises
    ------
    ValueError
        As for `brier`.

    Examples
    --------
    >>> round(log_loss(np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([0, 0])), 4)  # ln 2 / 2
    0.3466
    """
    shares, labels, failed = _checked_probabilities(probabilities, labels)
    if not labels.size:
        return float("nan")
    own = np.where(failed, 0.0, shares[np.arange(len(labels)), labels])
    return float(-np.log(np.clip(own, LEAST_PROBABILITY, 1.0)).mean())


def reliability(probabilities: Scores, labels: Labels, bins: int = 10) -> dict[str, list[float]]:
    """How often answers are right, by how sure they were: the reliability diagram.

    Bins are those of `expected_calibration_error`; failures are left out.

    Parameters
    ----------
    probabilities, labels
        As for `brier`.
    bins
        From 1.

    Returns
    -------
    dict
        Columns ``low``, ``high``, ``images``, ``confidence`` (mean) and ``accuracy`` of the bins
        with images, in order; empty without any.

    Raises
    ------
    ValueError
        As for `expected_calibration_error`.

    Examples
    --------
    >>> probabilities = np.array([[0.75, 0.25]] * 4)
    >>> reliability(probabilities, np.array([0, 0, 0, 1]), bins=2)  # doctest: +NORMALIZE_WHITESPACE
    {'low': [0.5], 'high': [1.0], 'images': [4.0], 'confidence': [0.75], 'accuracy': [0.75]}
    """
    confidence, right, which = _by_confidence(probabilities, labels, bins)
    images = np.bincount(which, minlength=bins).astype(np.float64)
    kept = np.flatnonzero(images)
    if not kept.size:
        return {}
    columns = {
        "low": kept / bins,
        "high": (kept + 1) / bins,
        "images": images[kept],
        "confidence": np.bincount(which, confidence, minlength=bins)[kept] / images[kept],
        "accuracy": np.bincount(which, right, minlength=bins)[kept] / images[kept],
    }
    return {name: column.tolist() for name, column in columns.items()}


def _by_confidence(
    probabilities: Scores, labels: Labels, bins: int
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Highest probability, whether the answer is right, and bin of each image that has one."""
    if bins < 1:
        raise ValueError(f"bins count from 1, but {bins} was asked for")
    shares, labels, failed = _checked_probabilities(probabilities, labels)
    shares, labels = shares[~failed], labels[~failed]
    confidence = shares.max(axis=1, initial=0.0)
    right = (_places(shares, labels)[0] == 1).astype(np.float64)
    which = np.searchsorted(np.arange(1, bins) / bins, confidence, side="left")
    return confidence, right, which


def _places(scores: Scores, labels: Labels) -> tuple[npt.NDArray[np.int64], Scores]:
    """Place of each image's own class, ties against it, and the score of that class."""
    own = scores[np.arange(len(labels)), labels]
    # The own class is as high as itself: it is the one that makes places count from 1.
    return np.count_nonzero(scores >= own[:, np.newaxis], axis=1).astype(np.int64), own


def _checked(
    scores: Scores, labels: Labels
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    values: npt.NDArray[np.float64] = np.asarray(scores, np.float64)
    numbers = _checked_labels(labels)
    if values.ndim != 2 or len(values) != len(numbers):
        raise ValueError(
            f"scores {values.shape} and labels {numbers.shape} must have the shapes "
            "(images, classes) and (images,)"
        )
    if numbers.size and numbers.max() >= values.shape[1]:
        raise ValueError(f"label {numbers.max()} is none of {values.shape[1]} classes")
    if not np.all(values < np.inf):
        raise ValueError("scores must be finite, or -inf for a failure; found NaN or +inf")
    return values, numbers


def _checked_labels(labels: Labels) -> npt.NDArray[np.int64]:
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        raise ValueError("labels must be integers with the shape (images,)")
    if labels.size and labels.min() < 0:
        raise ValueError(f"classes count from 0, but {labels.min()} is a label")
    return labels.astype(np.int64)


def _checked_probabilities(
    probabilities: Scores, labels: Labels
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    shares, numbers = _checked(probabilities, labels)
    failed = np.all(shares == -np.inf, axis=1)
    answered = shares[~failed]
    if np.any(answered < 0) or np.any(np.abs(answered.sum(axis=1) - 1) > _SUM_TO_ONE):
        raise ValueError("probabilities must lie in [0, 1] and sum to 1 for each image")
    return shares, numbers, failed


ENTRIES = {
    "top-k-accuracy": Entry(
        top_k_accuracy,
        "Right class",
        unit="percent",
        options=(("k", 1),),
        guess=0.0,
        trials="Images",
    ),
    "macro-recall": Entry(
        macro_recall, "Recall, mean over classes", unit="percent", guess=0.0, trials="Images"
    ),
    "brier": Entry(brier, "Brier score", better="lower", span=2.0),
    "log-loss": Entry(log_loss, "Log loss", better="lower", span=math.inf),
    "calibration-error": Entry(
        expected_calibration_error, "Calibration error", options=(("bins", 15),), better="lower"
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
