"""Intervals of a false match rate at a threshold that stays as it is."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import cluster_bootstrap_together
from harness.statistics.intervals import Interval, no_interval
from harness.statistics.margins import Block, margins_of

__all__ = ["false_match_interval"]

Identities: TypeAlias = npt.NDArray[np.integer[Any]]


def false_match_interval(
    matched: npt.NDArray[np.bool_],
    probes: Identities,
    references: Identities,
    *,
    replicates: int = 500,
    level: float = 0.95,
    seed: int = 0,
) -> Interval:
    """Interval of the share of comparisons that match, identities being drawn with replacement.

    A comparison joins two identities and counts as often as the product of how often both were
    drawn, one within an identity as often as it was drawn; counts by identity stand for single
    comparisons, as `harness.statistics.margins` has them. The percentiles are corrected for bias
    and acceleration, and widened by *t* of the identities that are joined.

    Parameters
    ----------
    matched
        bool, shape (comparisons,): whether each is a match at the threshold.
    probes, references
        Integers, shape (comparisons,): the identities that each joins.
    replicates, level, seed
        As for `harness.statistics.bootstrap.cluster_bootstrap`.

    Returns
    -------
    Interval
        NaN without comparisons, or for fewer than two identities.

    Raises
    ------
    ValueError
        If shapes differ.

    Examples
    --------
    >>> one, two = np.array([1, 1, 2, 3]), np.array([2, 3, 3, 1])
    >>> found = false_match_interval(np.array([True, False, False, False]), one, two)
    >>> found.method, found.low < 0.25 < found.high
    ('bootstrap of 3 identities', True)
    """
    if not matched.shape == probes.shape == references.shape:
        raise ValueError("every comparison needs the identities that it joins")
    if not len(matched):
        return no_interval("no comparisons")
    known, numbers = np.unique(np.concatenate([probes, references]), return_inverse=True)
    numbers = numbers.reshape(2, -1)
    marks = np.array([-math.inf, 1.0])
    margins = margins_of([Block(matched.astype(np.float64), *numbers)], marks, len(known))

    def rates(weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        counts = margins.drawn(weights.astype(np.float64))
        shares = np.full(len(counts), np.nan)
        np.divide(counts[:, 1], counts[:, 0], out=shares, where=counts[:, 0] > 0)
        return np.asarray(np.minimum(shares, 1.0)[:, np.newaxis])

    (interval,) = cluster_bootstrap_together(
        rates, len(known), corrected=True, replicates=replicates, level=level, seed=seed
    )
    return interval
