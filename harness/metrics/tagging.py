"""Tagging (which tags does an image carry?): precision, recall, F1, mAP and the top-tags credit.

Scores and truth are arrays of shape (images, tags). A tag is given to an image when
``score >= threshold``; an image on which the tagger failed is a row of ``-inf`` and is given none.
Silence gains nothing: a tag that occurs but is never given has precision 0.0. A tag that neither
occurs nor is given has no figures: NaN, and no part of an average.
"""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry
from harness.metrics.identification import average_precision

Scores: TypeAlias = npt.NDArray[np.floating[Any]]
Bools: TypeAlias = npt.NDArray[np.bool_]
Thresholds: TypeAlias = float | npt.NDArray[np.floating[Any]]


class TagRates(NamedTuple):
    """Precision, recall and F1 of every tag.

    Parameters
    ----------
    precision
        float64, shape (tags,), in [0, 1]: of the images that were given the tag, those that carry
        it; 0.0 for a tag that occurs but is never given, NaN for one that neither occurs nor is
        given.
    recall
        float64, shape (tags,), in [0, 1]: of the images that carry the tag, those that were given
        it; NaN for a tag that does not occur.
    f1
        float64, shape (tags,), in [0, 1]: ``2 TP / (2 TP + FP + FN)``; NaN for a tag that neither
        occurs nor is given.
    occurrences
        int64, shape (tags,): images that carry the tag.
    """

    precision: npt.NDArray[np.float64]
    recall: npt.NDArray[np.float64]
    f1: npt.NDArray[np.float64]
    occurrences: npt.NDArray[np.int64]


class Averages(NamedTuple):
    """Precision, recall and F1 over all tags.

    Parameters
    ----------
    precision, recall, f1
        In [0, 1]; NaN where there is no data.
    """

    precision: float
    recall: float
    f1: float


def tag_rates(scores: Scores, truth: Bools, threshold: Thresholds) -> TagRates:
    """Precision, recall and F1 of each tag at a threshold.

    Parameters
    ----------
    scores
        Floating point, shape (images, tags); ``-inf`` is a failure.
    truth
        bool, shape (images, tags): whether the image carries the tag.
    threshold
        In units of the scores: one for all tags, or shape (tags,).

    Returns
    -------
    TagRates
        Figures of every tag, for `macro` to average.

    Raises
    ------
    ValueError
        If shapes differ, `truth` is not bool, a score is NaN or ``+inf``, or a threshold is not
        finite.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.3]])
    >>> truth = np.array([[True, False], [False, True], [True, False]])
    >>> rates = tag_rates(scores, truth, 0.5)
    >>> rates.precision, rates.recall  # the second tag is never given
    (array([0.5, 0. ]), array([0.5, 0. ]))
    """
    hits, given, carried = _counts(scores, truth, threshold)
    with np.errstate(invalid="ignore"):  # 0 / 0 is NaN: no data
        precision = np.where(given > 0, hits / given, np.where(carried > 0, 0.0, np.nan))
        return TagRates(precision, hits / carried, 2 * hits / (given + carried), carried)


def macro(rates: TagRates) -> Averages:
    """Mean over tags, each tag with the same weight, tags without the figure left out.

    Parameters
    ----------
    rates
        Of `tag_rates`.

    Returns
    -------
    Averages
        The F1 is the mean of the F1 of tags, not the F1 of the means.

    Examples
    --------
    >>> scores, truth = np.array([[0.9, 0.1, 0.1]]), np.array([[True, True, False]])
    >>> macro(tag_rates(scores, truth, 0.5))  # a tag that neither occurs nor is given is left out
    Averages(precision=0.5, recall=0.5, f1=0.5)
    """
    return Averages(*(_mean(values) for values in rates[:3]))


def micro(scores: Scores, truth: Bools, threshold: Thresholds) -> Averages:
    """Precision, recall and F1 of all decisions pooled, each occurrence with the same weight.

    Parameters
    ----------
    scores, truth, threshold
        As for `tag_rates`.

    Returns
    -------
    Averages
        Precision is 0.0 when nothing is given and some tag occurs.

    Raises
    ------
    ValueError
        As for `tag_rates`.

    Examples
    --------
    >>> scores, truth = np.array([[0.9, 0.8, 0.1]]), np.array([[True, False, True]])
    >>> micro(scores, truth, 0.5)
    Averages(precision=0.5, recall=0.5, f1=0.5)
    """
    hits, given, carried = (int(count.sum()) for count in _counts(scores, truth, threshold))
    nothing = 0.0 if carried else float("nan")
    return Averages(
        precision=hits / given if given else nothing,
        recall=hits / carried if carried else float("nan"),
        f1=2 * hits / (given + carried) if given + carried else float("nan"),
    )


def tag_average_precision(scores: Scores, truth: Bools) -> npt.NDArray[np.float64]:
    """Average precision of each tag over the images ranked by its score; the mean is the mAP.

    Without interpolation. Images tied with one that carries the tag stand before it if they do not
    carry it: `identification.average_precision`, with a tag for a probe and images for the gallery.

    Parameters
    ----------
    scores, truth
        As for `tag_rates`.

    Returns
    -------
    numpy.ndarray
        float64, shape (tags,), in [0, 1]; NaN for a tag that does not occur.

    Raises
    ------
    ValueError
        As for `tag_rates`.

    Examples
    --------
    >>> scores = np.array([[0.9], [0.8], [0.7]])
    >>> float(tag_average_precision(scores, np.array([[True], [False], [True]]))[0])  # (1 + 2/3)/2
    0.8333333333333333
    """
    scores = _checked(scores, truth)
    return average_precision(np.ascontiguousarray(scores.T), np.ascontiguousarray(truth.T))


def mean_average_precision(scores: Scores, truth: Bools) -> float:
    """Mean of `tag_average_precision` over the tags that occur.

    Parameters
    ----------
    scores, truth
        As for `tag_rates`.

    Returns
    -------
    float
        In [0, 1]; NaN when no tag occurs.

    Raises
    ------
    ValueError
        As for `tag_rates`.

    Examples
    --------
    >>> scores, truth = np.array([[0.9, 0.5], [0.8, 0.5]]), np.array([[True] * 2, [False] * 2])
    >>> mean_average_precision(scores, truth)  # the images are tied for the second tag
    0.75
    """
    return _mean(tag_average_precision(scores, truth))


def top_tag_credit(
    scores: Scores, truth: Bools, *, more_than: int, per_hit: float, shown: int = 6
) -> npt.NDArray[np.float64]:
    """Credit of each image for the hits among its best tags: ``min(1, per_hit * hits)``.

    The two tests of the anime tag slides (Zhang, 2019): .25 for a hit on images that carry more
    than 15 of the 38 tags, and .2 on those that carry more than 20; published is a mean of .7947
    over 95 images. Guessing does well at it (`chance_credit`), so it is never read without chance.

    Parameters
    ----------
    scores, truth
        As for `tag_rates`.
    more_than
        Only images that carry more tags than this are counted.
    per_hit
        Positive; the credit of an image is at most 1.
    shown
        How many of the best tags are looked at. Where tags are tied for the last places, those
        which the image does not carry are taken; a tag at ``-inf`` is never taken.

    Returns
    -------
    numpy.ndarray
        float64, shape (images,), in [0, 1]; NaN for an image that is not counted. The figure of the
        slides is the mean of the others.

    Raises
    ------
    ValueError
        If `more_than` is negative, `per_hit` or `shown` not positive, or as for `tag_rates`.

    Examples
    --------
    >>> scores = np.array([[0.9, 0.8, 0.7], [0.9, 0.8, 0.7]])
    >>> truth = np.array([[True, False, True], [False, True, False]])
    >>> top_tag_credit(scores, truth, more_than=1, per_hit=0.25, shown=2)  # one hit; not counted
    array([0.25,  nan])
    """
    scores = _checked(scores, truth)
    _check_rule(more_than, per_hit, shown)
    # A stable sort by truth, then by score: of tied tags those not carried come first.
    order = np.lexsort((truth, -scores), axis=1)[:, :shown]
    taken = np.take_along_axis(truth & (scores > -np.inf), order, axis=1)
    credit = np.minimum(1.0, per_hit * taken.sum(axis=1))
    return np.where(truth.sum(axis=1) > more_than, credit, np.nan)


def chance_credit(
    carried: npt.NDArray[np.integer[Any]],
    tags: int,
    *,
    more_than: int,
    per_hit: float,
    shown: int = 6,
) -> npt.NDArray[np.float64]:
    """Credit to be expected of a random order of the tags: hits are hypergeometric.

    Parameters
    ----------
    carried
        Integers, shape (images,): how many of the tags each image carries.
    tags
        How many tags there are.
    more_than, per_hit, shown
        As for `top_tag_credit`.

    Returns
    -------
    numpy.ndarray
        float64, shape (images,), in [0, 1]; NaN for an image that is not counted.

    Raises
    ------
    ValueError
        If an image carries fewer than 0 or more than `tags`, or as for `top_tag_credit`.

    Examples
    --------
    >>> chance_credit(np.array([2]), 4, more_than=1, per_hit=0.5, shown=1)  # a hit half the time
    array([0.25])
    >>> chance_credit(np.array([16]), 38, more_than=15, per_hit=0.25).round(3)  # of the slides
    array([0.621])
    """
    from scipy.stats import hypergeom

    _check_rule(more_than, per_hit, shown)
    if carried.size and (carried.min() < 0 or carried.max() > tags):
        raise ValueError(f"an image carries between 0 and {tags} of {tags} tags")
    hits = np.arange(min(shown, tags) + 1)
    chances = hypergeom.pmf(hits, tags, carried[:, np.newaxis], min(shown, tags))
    expected = (np.minimum(1.0, per_hit * hits) * chances).sum(axis=1)
    return np.where(carried > more_than, expected, np.nan)


def _counts(
    scores: Scores, truth: Bools, threshold: Thresholds
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Count, for each tag, the images that rightly get it, that get it, and that carry it."""
    scores = _checked(scores, truth)
    bars: npt.NDArray[np.float64] = np.asarray(threshold, np.float64)
    if bars.shape not in ((), truth.shape[1:]) or not np.isfinite(bars).all():
        raise ValueError("threshold must be a finite number, or one for each tag")
    given = scores >= bars
    return (given & truth).sum(axis=0), given.sum(axis=0), truth.sum(axis=0)


def _checked(scores: Scores, truth: Bools) -> npt.NDArray[np.float64]:
    values: npt.NDArray[np.float64] = np.asarray(scores, np.float64)
    if values.ndim != 2 or values.shape != truth.shape:
        raise ValueError(
            f"scores {values.shape} and truth {truth.shape} must have one shape (images, tags)"
        )
    if truth.dtype != np.bool_:
        raise ValueError(f"truth must be bool, not {truth.dtype}")
    if not np.all(values < np.inf):
        raise ValueError("scores must be finite, or -inf for a failure; found NaN or +inf")
    return values


def _check_rule(more_than: int, per_hit: float, shown: int) -> None:
    if more_than < 0 or not per_hit > 0 or shown < 1:
        raise ValueError("more_than counts from 0, per_hit is positive and shown counts from 1")


def _mean(values: npt.NDArray[np.float64]) -> float:
    known = values[~np.isnan(values)]
    return float(known.mean()) if known.size else float("nan")


ENTRIES = {
    "precision-macro": Entry(macro, "Precision, mean over tags", unit="share", guess=0.0),
    "recall-macro": Entry(macro, "Recall, mean over tags", unit="share", guess=0.0),
    "f1-macro": Entry(macro, "F1, mean over tags", unit="share", guess=0.0),
    "precision-micro": Entry(micro, "Precision over all tags", unit="share", guess=0.0),
    "recall-micro": Entry(micro, "Recall over all tags", unit="share", guess=0.0),
    "f1-micro": Entry(micro, "F1 over all tags", unit="share", guess=0.0),
    "tag-map": Entry(
        mean_average_precision,
        "Mean average precision over tags",
        unit="share",
        guess=0.0,
        trials="Images",
    ),
    "tag-credit": Entry(
        top_tag_credit, "Credit of the best tags", options=(("more-than", 15), ("per-hit", 0.25))
    ),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
