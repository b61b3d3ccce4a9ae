"""Search results ranked again by how much tattoo they show, and what that does to the first page.

After Tattoodo's talk: a text search also finds pictures of artists, shop fronts and advertisements,
so results with too low a concentration (share of tattoo pixels) are penalised.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.entry import Entry

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
Order: TypeAlias = npt.NDArray[np.int64]

THRESHOLD = 0.25
"""The talk's "penalizing under 25 %"."""


def penalised(scores: Numbers, concentrations: Numbers, threshold: float = THRESHOLD) -> Numbers:
    """Lower the scores of results that show little tattoo: ``score * min(1, c / threshold)``.

    The talk shows ten rows and no formula; this one puts them in its order.

    Parameters
    ----------
    scores
        Of the text search, shape (results,), finite and not below 0.
    concentrations
        Share of tattoo pixels of each result: shape (results,), in [0, 1].
    threshold
        In (0, 1]: from here on a score stays what it is.

    Returns
    -------
    numpy.ndarray
        float64, shape (results,).

    Raises
    ------
    ValueError
        If shapes differ, or a number is not what is said above.

    Examples
    --------
    >>> penalised(np.array([100.0, 80.0]), np.array([0.05, 0.4])).tolist()
    [20.0, 80.0]
    """
    values = np.asarray(scores, np.float64)
    shares = np.asarray(concentrations, np.float64)
    if values.shape != shares.shape or values.ndim != 1:
        raise ValueError("scores and concentrations must have the same shape, (results,)")
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold is a share in (0, 1], not {threshold}")
    # The comparisons are false for NaN.
    if not (np.all(values >= 0) and np.all(values < np.inf)):
        raise ValueError("scores must be finite and not below 0: a penalty would raise others")
    if not np.all((shares >= 0) & (shares <= 1)):
        raise ValueError("concentrations are shares in [0, 1]")
    lowered: Numbers = values * np.minimum(1.0, shares / threshold)
    return lowered


def ranking(scores: Numbers, tattoo_free: npt.NDArray[np.bool_]) -> Order:
    """Order results by score, best first; of equal scores those without a tattoo come first.

    So ties count against the one who made them: a segmenter that finds nothing anywhere lowers
    every score to 0, and the worst order follows.

    Parameters
    ----------
    scores
        Floating point, shape (results,).
    tattoo_free
        bool, shape (results,): which results show no tattoo.

    Returns
    -------
    numpy.ndarray
        int64, shape (results,): places in `scores`; what is still equal keeps its order.

    Examples
    --------
    >>> ranking(np.array([1.0, 2.0, 2.0]), np.array([False, False, True])).tolist()
    [2, 1, 0]
    """
    order: Order = np.lexsort((~tattoo_free, -np.asarray(scores, np.float64))).astype(np.int64)
    return order


def tattoo_free_share(order: Order, tattoo_free: npt.NDArray[np.bool_], k: int) -> float:
    """Share of results without a tattoo among the first k; lower is better.

    Parameters
    ----------
    order
        int64, shape (results,), of `ranking`.
    tattoo_free
        bool, shape (results,), in the order before ranking: which results show no tattoo.
    k
        From 1; of a shorter list, all.

    Returns
    -------
    float
        In [0, 1]; NaN without results.

    Raises
    ------
    ValueError
        If `k` is below 1.

    Examples
    --------
    >>> tattoo_free_share(np.array([2, 0, 1]), np.array([True, False, False]), 2)
    0.5
    """
    if k < 1:
        raise ValueError(f"k counts from 1, but {k} was asked for")
    first = tattoo_free[order[:k]]
    return float(first.mean()) if first.size else float("nan")


def kept_share(before: Order, after: Order, tattoo_free: npt.NDArray[np.bool_], k: int) -> float:
    """Share of the tattoos among the first k before that still are there: what the penalty costs.

    Parameters
    ----------
    before, after
        Of `ranking`.
    tattoo_free, k
        As for `tattoo_free_share`.

    Returns
    -------
    float
        In [0, 1]; NaN where the first k show no tattoo.

    Raises
    ------
    ValueError
        If `k` is below 1.

    Examples
    --------
    >>> free = np.array([True, False, False])
    >>> kept_share(np.array([0, 1, 2]), np.array([2, 1, 0]), free, 2)  # 1 was there, and is
    1.0
    """
    if k < 1:
        raise ValueError(f"k counts from 1, but {k} was asked for")
    shown = [place for place in before[:k].tolist() if not tattoo_free[place]]
    still = set(after[:k].tolist())
    return sum(place in still for place in shown) / len(shown) if shown else float("nan")


ENTRIES = {
    "tattoo-free": Entry(
        tattoo_free_share,
        "Results without a tattoo",
        unit="percent",
        options=(("k", 5),),
        better="lower",
    ),
    "tattoo-free-before": Entry(
        tattoo_free_share,
        "Results without a tattoo, before",
        unit="percent",
        options=(("k", 5),),
        better="lower",
    ),
    "tattoo-free-change": Entry(
        tattoo_free_share,
        "Change of results without a tattoo",
        options=(("k", 5),),
        better="lower",
        span=2.0,
    ),
    "kept-tattoos": Entry(kept_share, "Tattoos that stay", unit="percent", options=(("k", 5),)),
}
"""What is computed here, by the name in front of the ``@`` of an id."""
