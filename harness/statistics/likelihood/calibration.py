"""Calibrators: functions that turn a score into a log-likelihood-ratio, fitted on known truth.

All three keep to the same rules:

* Mated and non-mated scores weigh alike, however many there are: an LLR holds no prior.
* One misleading comparison is added to each set, so that data without errors do not give infinite
  ratios; `harness.statistics.likelihood.limits.supported` says what is then the strongest ratio.
* ``-inf`` is a failed comparison, a non-match at every threshold: it gets the lowest LLR that the
  calibrator gives to any score, so refusing a mated comparison never helps. Another score that is
  not finite is a `ValueError`, as is a set without a comparison.
* Scores that tell nothing (all equal, or higher for the non-mated) give LLR 0: a calibrator never
  turns the direction of scores round. KDE alone does, wherever the densities say so.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from harness.statistics.likelihood.density import Kde
from harness.statistics.likelihood.limits import Limits
from harness.statistics.likelihood.logistic import Logistic
from harness.statistics.likelihood.pav import Blocks, pool
from harness.statistics.likelihood.scores import Floats, Scores, calibration_sets, comparison_scores


class Calibrator(Protocol):
    """What every fitted calibrator can do."""

    @property
    def about(self) -> str:
        """How it was fitted, in a sentence for reports."""
        ...

    def apply(self, scores: Scores) -> Floats:
        """Natural-log LLR of each score: float64, shape (n,), finite."""
        ...


@dataclass(frozen=True, eq=False)
class Pav:
    """Pool adjacent violators: the LLR is a staircase of the score.

    Only the order of scores matters. Between two steps the LLR is the mean of both; beyond the ends
    it is that of the end.

    Parameters
    ----------
    blocks
        Steps of the staircase; the added comparisons are among those at the ends.
    """

    blocks: Blocks

    @classmethod
    def fit(cls, mated: Scores, nonmated: Scores) -> Pav:
        """Pool, with one mated comparison added below all scores and one non-mated above all.

        Failed comparisons count as ties at the lowest score of all.

        Parameters
        ----------
        mated, nonmated
            Scores, shape (n,); ``-inf`` for a failure.

        Raises
        ------
        ValueError
            Scores, floating point, shape (comparisons,), as the head of this file states.

        Examples
        --------
        >>> import numpy as np
        >>> fitted = Pav.fit(np.array([5.0, 6.0, 7.0]), np.array([1.0, 2.0, 3.0]))
        >>> np.exp(fitted.apply(np.array([0.0, 4.0, 9.0]))).round(9).tolist()
        [0.333333333, 1.0, 3.0]
        """
        return cls(pool(*calibration_sets(mated, nonmated), misleading=1))

    @property
    def about(self) -> str:
        """How it was fitted."""
        ends = Limits(float(self.blocks.llr[0]), float(self.blocks.llr[-1]))
        return (
            "Pool adjacent violators (isotonic regression), one misleading comparison added at "
            f"each end, which keeps it within {ends}."
        )

    def apply(self, scores: Scores) -> Floats:
        """Natural-log LLR of the step on which each score stands.

        Parameters
        ----------
        scores
            Floating point, shape (n,): finite, or ``-inf`` for a failure.

        Returns
        -------
        numpy.ndarray
            float64, shape (n,), finite.

        Raises
        ------
        ValueError
            As for `comparison_scores`.
        """
        return self.blocks.at(comparison_scores(scores))


CALIBRATORS: dict[str, Callable[[Scores, Scores], Calibrator]] = {
    "logistic": Logistic.fit,
    "pav": Pav.fit,
    "kde": Kde.fit,
}
"""Ways to fit a calibrator, by the names that users give."""
