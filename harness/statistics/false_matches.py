"""Intervals of a false match rate at a threshold that stays as it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import cluster_bootstrap_together
from harness.statistics.error_rates import ONE_BY_ONE
from harness.statistics.intervals import Interval, no_interval
from harness.statistics.margins import Block, margins_of

__all__ = ["false_match_interval"]

Identities: TypeAlias = npt.NDArray[np.integer[Any]]
Draws: TypeAlias = npt.NDArray[np.int64]
Doubles: TypeAlias = npt.NDArray[np.float64]

_CELLS = 1 << 22  # numbers of a table of draws by pairs that is made at once


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
    drawn, one within an identity as often as it was drawn. Of more than `ONE_BY_ONE` pairs of
    identities counts by identity stand for them, as `harness.statistics.margins` has it. The
    percentiles are corrected for bias
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
    one, other = numbers.reshape(2, -1).astype(np.int64)
    cells, cell = np.unique(one * len(known) + other, return_inverse=True)
    counts = (
        _exact(matched, cells, cell, len(known))
        if len(cells) <= ONE_BY_ONE
        else _by_margins(matched, one, other, len(known))
    )

    def rates(weights: Draws) -> Doubles:
        wrong, every = counts(weights)
        shares = np.full(len(weights), np.nan)
        np.divide(wrong, every, out=shares, where=every > 0)
        return np.asarray(np.minimum(shares, 1.0)[:, np.newaxis])

    (interval,) = cluster_bootstrap_together(
        rates, len(known), corrected=True, replicates=replicates, level=level, seed=seed
    )
    return interval


def _exact(
    matched: npt.NDArray[np.bool_], cells: Draws, cell: Draws, identities: int
) -> Callable[[Draws], tuple[Doubles, Doubles]]:
    """Return what counts the comparisons of some draws, two identities at a time."""
    one, other = cells // identities, cells % identities
    every = np.bincount(cell, minlength=len(cells)).astype(np.float64)
    wrong = np.bincount(cell, matched, len(cells))
    own = one == other
    step = max(1, _CELLS // max(1, len(cells)))

    def counted(weights: Draws) -> tuple[Doubles, Doubles]:
        parts = []
        for start in range(0, len(weights), step):
            some = weights[start : start + step].astype(np.float64)
            times = some[:, one] * np.where(own, 1.0, some[:, other])
            parts.append(np.stack([times @ wrong, times @ every]))
        found = np.concatenate(parts, axis=1)
        return found[0], found[1]

    return counted


def _by_margins(
    matched: npt.NDArray[np.bool_], one: Draws, other: Draws, identities: int
) -> Callable[[Draws], tuple[Doubles, Doubles]]:
    """Return what counts them by identity, where there are too many pairs of identities."""
    marks = np.array([-math.inf, 1.0])
    margins = margins_of([Block(matched.astype(np.float64), one, other)], marks, identities)

    def counted(weights: Draws) -> tuple[Doubles, Doubles]:
        found = margins.drawn(weights.astype(np.float64))
        return found[:, 1], found[:, 0]

    return counted
