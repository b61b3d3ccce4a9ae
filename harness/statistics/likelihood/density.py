"""Kernel densities as a calibrator: the LLR is the logarithm of a ratio of two estimates."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from harness.statistics.likelihood.limits import Limits, supported
from harness.statistics.likelihood.scores import Floats, Scores, calibration_sets, comparison_scores


@dataclass(frozen=True, eq=False)
class Kde:
    """Kernel density estimates of both sets: the LLR is the logarithm of their ratio.

    Parameters
    ----------
    scores
        float64, shape (points,), rising evenly: from the lowest to the highest score seen.
    llr
        float64, shape (points,), within `limits`; straight lines join the points.
    bandwidths
        Standard deviation of the kernel for mated and for non-mated scores.
    limits
        Where ratios end.
    """

    scores: Floats
    llr: Floats
    bandwidths: tuple[float, float]
    limits: Limits = field(default=Limits(0.0, 0.0))

    @classmethod
    def fit(cls, mated: Scores, nonmated: Scores, points: int = 4096) -> Kde:
        """Estimate both densities with Gaussian kernels.

        Bandwidths follow Silverman (Density Estimation, 1986, equation 3.31):
        ``0.9 * min(SD, IQR / 1.34) * n ** (-1 / 5)``, an IQR of 0 being left aside. A set without
        spread takes the bandwidth that all scores together would have, and none is below 4 steps of
        the grid. Scores are shared out between their two neighbours on the grid, so that a million
        of them cost no more than a few thousand kernels. Failed comparisons have no density and are
        left out.

        Parameters
        ----------
        mated, nonmated
            Scores, shape (n,); ``-inf`` for a failure.
        points
            Of the grid, from 16.

        Returns
        -------
        Kde
            LLR 0 for every finite score where all scores are equal or a set has none; LLR 0 too
            where both densities vanish, more than 38 bandwidths from any score.

        Raises
        ------
        ValueError
            As the head of `harness.statistics.likelihood.calibration` states, or if `points` is
            below 16.

        Examples
        --------
        >>> fitted = Kde.fit(np.array([2.0, 3.0, 4.0]), np.array([0.0, 1.0, 2.0]))
        >>> fitted.apply(np.array([2.0])).round(6).tolist()  # the two are mirror images about 2
        [0.0]
        """
        if points < 16:
            raise ValueError(f"a grid needs at least 16 points, not {points}")
        mated, nonmated = calibration_sets(mated, nonmated)
        limits = supported(mated.size, nonmated.size)
        m, n = mated[mated > -np.inf], nonmated[nonmated > -np.inf]
        if not m.size or not n.size:
            return cls(np.zeros(1), np.zeros(1), (0.0, 0.0), limits)
        low, high = min(m.min(), n.min()), max(m.max(), n.max())
        middle, half = low / 2 + high / 2, high / 2 - low / 2
        if half == 0:
            return cls(np.array([middle]), np.zeros(1), (0.0, 0.0), limits)
        m, n = (m - middle) / half, (n - middle) / half
        together = _silverman(np.concatenate([m, n]))
        step = 2 / (points - 1)
        widths = [max(_silverman(part) or together, 4 * step) for part in (m, n)]
        with np.errstate(divide="ignore", invalid="ignore"):
            one, other = (
                np.log(_density(part, width, points))
                for part, width in zip((m, n), widths, strict=True)
            )
            llr = np.nan_to_num(one - other, nan=0.0, posinf=np.inf, neginf=-np.inf)
        grid = middle + half * np.linspace(-1.0, 1.0, points)
        size = float(half)
        return cls(grid, np.clip(llr, *limits), (widths[0] * size, widths[1] * size), limits)

    @property
    def about(self) -> str:
        """How it was fitted."""
        return (
            "Kernel density estimates with Gaussian kernels and Silverman's bandwidths "
            f"({self.bandwidths[0]:.3g} mated, {self.bandwidths[1]:.3g} non-mated); cut at "
            f"{self.limits}, and beyond the scores seen held at its end value."
        )

    def apply(self, scores: Scores) -> Floats:
        """Natural-log LLR; beyond the grid that of its end; the lower limit for ``-inf``.

        Parameters and errors as for `calibration.Pav.apply`: float64, shape (n,), within `limits`.
        """
        scores = comparison_scores(scores)
        llr = np.interp(scores, self.scores, self.llr)
        return np.where(scores == -np.inf, self.limits.low, llr)


def _silverman(x: Floats) -> float:
    """Bandwidth by Silverman's rule; 0 without spread."""
    quarter, three_quarters = (float(q) for q in np.quantile(x, [0.25, 0.75]))
    deviation = float(x.std(ddof=1)) if x.size > 1 else 0.0
    spreads = [deviation, (three_quarters - quarter) / 1.34]
    narrow = min((spread for spread in spreads if spread > 0), default=0.0)
    return 0.9 * narrow / math.pow(x.size, 0.2)


def _density(x: Floats, width: float, points: int) -> Floats:
    """Kernel density, but for a factor common to all widths, on an even grid over [-1, 1]."""
    place = (x + 1) * ((points - 1) / 2)
    left = np.minimum(place.astype(np.int64), points - 2)
    share = place - left
    mass = np.bincount(left, 1 - share, points) + np.bincount(left + 1, share, points)
    reach = min(points - 1, math.ceil(38.5 * width * (points - 1) / 2))  # exp(-38.5**2/2) is 0
    z = np.arange(-reach, reach + 1) * (2 / (points - 1)) / width
    # A direct sum: the rounding of a Fourier transform would drown the tails.
    density = np.convolve(mass, np.exp(-0.5 * z * z))[reach : reach + points]
    found: Floats = density / (x.size * width)
    return found
