"""Logistic regression as a calibrator: the LLR is a straight line of the score."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from harness.statistics.likelihood.limits import Limits, supported
from harness.statistics.likelihood.scores import Floats, Scores, calibration_sets, comparison_scores


@dataclass(frozen=True)
class Logistic:
    """Logistic regression on the score: an LLR that is a straight line, within limits.

    Parameters
    ----------
    slope
        LLR per unit of score, at least 0.
    centre
        Score at which the LLR is 0.
    limits
        Where the line ends.
    """

    slope: float
    centre: float
    limits: Limits

    @classmethod
    def fit(cls, mated: Scores, nonmated: Scores) -> Logistic:
        """Fit by maximum likelihood, both sets weighing alike.

        The added misleading comparisons are spread over the other set's scores: each mated score
        counts a little as non-mated and the other way round, so that the slope is finite even where
        the sets are perfectly separated (Morrison and Poh, "Avoiding overstating the strength of
        forensic evidence: shrunk likelihood ratios / Bayes factors", Science and Justice 58, 2018,
        with a weight of 1). Failed comparisons have no place on a line and are left out.

        Parameters
        ----------
        mated, nonmated
            Scores, shape (n,); ``-inf`` for a failure.

        Returns
        -------
        Logistic
            LLR 0 for every finite score where a set has none.

        Raises
        ------
        ValueError
            As the head of `harness.statistics.likelihood.calibration` states.

        Examples
        --------
        >>> fitted = Logistic.fit(np.array([1.0, 1.0, 1.0]), np.array([0.0, 0.0, 0.0]))
        >>> fitted.centre, np.exp(fitted.apply(np.array([1.0, 0.0]))).round(9).tolist()  # 3/4 : 1/4
        (0.5, [3.0, 0.333333333])
        """
        mated, nonmated = calibration_sets(mated, nonmated)
        limits = supported(mated.size, nonmated.size)
        m, n = mated[mated > -np.inf], nonmated[nonmated > -np.inf]
        if not m.size or not n.size:
            return cls(0.0, 0.0, limits)
        low, high = min(m.min(), n.min()), max(m.max(), n.max())
        middle, half = low / 2 + high / 2, high / 2 - low / 2
        if half == 0:
            return cls(0.0, float(middle), limits)
        x = (np.concatenate([m, n]) - middle) / half
        # What each score counts as mated (first row) and as non-mated (second); both sum to 1.
        own = 1 / (m.size + 1), 1 / (n.size + 1)
        spread = own[1] / m.size, own[0] / n.size
        weights = np.empty((2, x.size))
        weights[:, : m.size] = [[own[0]], [spread[0]]]
        weights[:, m.size :] = [[spread[1]], [own[1]]]
        if weights[0] @ x <= weights[1] @ x:  # the slope that fits best is not above 0
            return cls(0.0, float(middle), limits)
        offset, slope = _newton(x, weights)
        if slope < 1e-12:  # no more than rounding
            return cls(0.0, float(middle), limits)
        return cls(slope / float(half), float(middle - offset / slope * half), limits)

    @property
    def about(self) -> str:
        """How it was fitted."""
        return (
            "Logistic regression on the score, mated and non-mated comparisons weighing alike, one "
            "misleading comparison added to each and spread over the scores of the other; "
            f"cut at {self.limits}."
        )

    def apply(self, scores: Scores) -> Floats:
        """Natural-log LLR: ``slope * (score - centre)`` within `limits`, the lower for ``-inf``.

        Parameters and errors as for `calibration.Pav.apply`: float64, shape (n,).
        """
        scores = comparison_scores(scores)
        with np.errstate(invalid="ignore", over="ignore"):  # -inf * 0
            llr = self.slope * (scores - self.centre)
        return np.where(scores == -np.inf, self.limits.low, np.clip(llr, *self.limits))


def _newton(x: Floats, weights: Floats) -> tuple[float, float]:
    """Offset and slope of the weighted logistic regression, its cost being strictly convex."""
    design = np.stack([np.ones_like(x), x])
    total = weights.sum(axis=0)
    # About the mean, in units of the spread, an outlier cannot make the equations singular.
    mean = float(total @ x / total.sum())
    spread = math.sqrt(float(total @ (x - mean) ** 2 / total.sum()))
    design[1] = (x - mean) / spread

    def cost(at: Floats) -> float:
        line = at @ design
        # ln(1 + e^x) = x + ln(1 + e^-x): one pass serves both sets
        return float(total @ np.logaddexp(0, -line) + weights[1] @ line)

    at, now = np.zeros(2), 2 * math.log(2)
    for _ in range(100):
        p = 0.5 * (1 + np.tanh(0.5 * (at @ design)))
        gradient = design @ (total * p - weights[0])
        hessian = (design * (total * p * (1 - p))) @ design.T
        step = np.linalg.lstsq(hessian, gradient)[0]
        if gradient @ step < 1e-12:  # what the step can still gain is half of that
            at = at - step
            break
        length = 1.0
        while (after := cost(at - length * step)) > now and length > 1e-9:
            length /= 2
        at, now = at - length * step, after
    slope = float(at[1]) / spread
    return float(at[0]) - slope * mean, slope
