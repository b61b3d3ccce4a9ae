"""Likelihood-ratio figures under resampled identities, for intervals by the cluster bootstrap."""

from __future__ import annotations

import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics.likelihood.crossfit import Identities
from harness.statistics.likelihood.pav import Blocks, Groups, merge
from harness.statistics.likelihood.scores import Counts, Scores
from harness.statistics.likelihood.validity import cost_of_blocks

Weights: TypeAlias = npt.NDArray[np.int64]


class Resampled:
    """LLRs sorted once, and their figures under any draw of identities.

    A non-mated comparison joins two identities and counts as often as the product of how often they
    were drawn; a comparison within one identity as often as it was drawn.

    Parameters
    ----------
    mated, nonmated
        Natural-log LLRs, shapes (m,) and (n,).
    mated_identity, probe, reference
        Integers or strings, shapes (m,), (n,) and (n,): identities that the comparisons join.

    Raises
    ------
    ValueError
        If shapes differ or an LLR is NaN.

    Examples
    --------
    >>> one = Resampled(np.zeros(1), np.array([1]), np.zeros(1), np.array([1]), np.array([2]))
    >>> one.statistics(np.array([1, 1])), one.statistics(np.array([2, 0]))  # the second: no pair
    ([1.0, 1.0, 0.0, 0.0], [nan, nan, nan, nan])
    """

    STATISTICS = ("cllr", "cllr-min", "cllr-cal", "misleading-nonmated")

    def __init__(
        self,
        mated: Scores,
        mated_identity: Identities,
        nonmated: Scores,
        probe: Identities,
        reference: Identities,
    ) -> None:
        if len(mated) != len(mated_identity) or not len(nonmated) == len(probe) == len(reference):
            raise ValueError("every comparison needs the identities that it joins")
        labels, member = np.unique(
            np.concatenate([mated_identity, probe, reference]), return_inverse=True
        )
        self.identities = len(labels)
        m, n = len(mated), len(nonmated)
        self._groups = Groups(mated, nonmated)
        by_mated, by_nonmated = np.argsort(mated), np.argsort(nonmated)
        self._of_mated = member[:m][by_mated]
        self._probe = member[m : m + n][by_nonmated]
        other = member[m + n :][by_nonmated]
        # Within one identity the weight is not squared: the second factor is a constant 1.
        self._reference = np.where(other == self._probe, self.identities, other)
        bits = 2 * math.log(2)
        self._mated_cost = np.logaddexp(0, -self._groups.mated) / bits
        self._nonmated_cost = np.logaddexp(0, self._groups.nonmated) / bits
        self._misled = (self._groups.nonmated > 0).astype(np.float64)

    def statistics(self, weights: Weights) -> list[float]:
        """Return `STATISTICS` when identities count as often as they were drawn.

        Parameters
        ----------
        weights
            int64, shape (identities,).

        Returns
        -------
        list of float
            NaN where the draw has no mated or no non-mated comparison.
        """
        extended = np.append(weights, 1).astype(np.float64)  # whole numbers: sums stay exact
        m = extended[self._of_mated]
        n = extended[self._probe] * extended[self._reference]
        mated, nonmated = int(m.sum()), int(n.sum())
        if not mated or not nonmated:
            return [math.nan] * len(self.STATISTICS)
        total = float(m @ self._mated_cost / mated + n @ self._nonmated_cost / nonmated)
        least = self._least(*self._groups.weighted(m, n), mated, nonmated)
        return [total, least, total - least, float(n @ self._misled) / nonmated]

    def _least(self, m: Counts, n: Counts, mated: int, nonmated: int) -> float:
        first, last, m, n = merge(m, n)
        with np.errstate(divide="ignore"):
            llr = np.log(m / mated) - np.log(n / nonmated)
        groups = self._groups
        return cost_of_blocks(Blocks(groups.low[first], groups.high[last], m, n, llr))
