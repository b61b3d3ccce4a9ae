"""Several fits of one algorithm as one: any metric's mean, from the trials of each fit."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.comparing.rates import DrawnRate
from harness.statistics.repeated_fits import RepeatedEstimate, repeated_mean, repeated_statistic
from harness.tasks.trials import Scores, Statistic, Trials, Values

LIMITS = {"d-prime": (-math.inf, math.inf)}
"""Of the values of measures that do not lie in [0, 1]."""


def repeated(fits: Sequence[Trials], *, level: float = 0.95, seed: int = 0) -> RepeatedEstimate:
    """Return the mean of a metric over fits, with an interval over identities and fits.

    Parameters
    ----------
    fits
        Trials of one metric from runs on the same folds, one run for each fit.
    level
        Confidence in (0, 1).
    seed
        Of the draws.

    Raises
    ------
    ValueError
        If there is no fit, or the trials are of different kinds or numbers.

    Examples
    --------
    >>> whose = np.array([1, 1, 2, 2, 3, 3])
    >>> found = repeated([Values(np.eye(6)[i], whose) for i in (0, 3)])
    >>> round(found.value, 4), [round(value, 4) for value in found.per_fit]
    (0.1667, [0.1667, 0.1667])
    """
    values = [one for one in fits if isinstance(one, Values)]
    scores = [one for one in fits if isinstance(one, Scores)]
    statistics = [one for one in fits if isinstance(one, Statistic)]
    if len(statistics) == len(fits) and fits:
        measured = FittedStatistics(statistics)
        return repeated_statistic(
            measured.drawn,
            np.ones(len(measured.known), dtype=bool),
            limits=(-math.inf, math.inf),
            level=level,
            seed=seed,
        )
    if values and not (scores or statistics):
        return repeated_mean(
            np.stack(same_length([one.values for one in values])),
            values[0].identities,
            level=level,
            seed=seed,
        )
    if not scores or values or statistics:
        raise ValueError("fits need trials of one kind")
    rates = FittedRates(scores)
    return repeated_statistic(
        rates.drawn,
        rates.mated,
        limits=LIMITS.get(scores[0].measure, (0.0, 1.0)),
        level=level,
        seed=seed,
    )


class FittedRates:
    """A measure of the comparisons of several fits, for one draw of identities after another.

    Parameters
    ----------
    fits
        Comparisons of one measure.
    beside
        Comparisons whose identities are drawn along.

    Attributes
    ----------
    known
        Sorted labels of the identities that are drawn.
    mated
        bool, shape (identities,): which of them have mated comparisons.
    """

    def __init__(self, fits: Sequence[Scores], beside: Sequence[Scores] = ()) -> None:
        if len({(one.measure, str(one.rate), len(one.mated)) for one in fits}) != 1:
            raise ValueError("the fits have different comparisons")
        everything = [*fits, *beside]
        self.known = np.unique(
            np.concatenate(
                [
                    np.unique(part)  # each has many labels and few different ones
                    for one in everything
                    for part in (one.mated_identities, one.nonmated_probes, one.nonmated_references)
                ]
            )
        )
        self.mated = np.isin(self.known, np.concatenate([o.mated_identities for o in everything]))
        self.rates = [DrawnRate(one, self.known) for one in fits]

    @property
    def misses(self) -> npt.NDArray[np.float64]:
        """Mated comparisons missed of each identity, averaged over fits: shape (identities,)."""
        found: npt.NDArray[np.float64] = np.mean([rate.misses for rate in self.rates], axis=0)
        return found

    def drawn(self, weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the measure of every draw and fit: float64, shape (draws, fits)."""
        return np.stack([rate.drawn(weights) for rate in self.rates], axis=1)


class FittedStatistics:
    """A metric of the images of several fits, for one draw of identities after another.

    Parameters
    ----------
    fits
        The same images in each.

    Attributes
    ----------
    known
        Sorted labels of the identities that are drawn.
    values
        float64, shape (fits,): the metric of all images.
    """

    def __init__(self, fits: Sequence[Statistic]) -> None:
        same_length([one.identities for one in fits])
        self._fits = fits
        self.known, self._member = np.unique(fits[0].identities, return_inverse=True)
        self.values = np.array([one.value for one in fits])

    def drawn(self, weights: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the metric of every draw and fit: float64, shape (draws, fits)."""
        images = np.arange(len(self._member))
        return np.array(
            [
                [one.measure(np.repeat(images, draw[self._member])) for one in self._fits]
                for draw in weights
            ]
        )


def same_length(parts: Sequence[npt.NDArray[np.float64]]) -> Sequence[npt.NDArray[np.float64]]:
    """Return the parts: the trials of each run, float64, shape (trials,).

    Raises
    ------
    ValueError
        If they differ in length.
    """
    if len({len(part) for part in parts}) != 1:
        raise ValueError("the runs have different numbers of trials")
    return parts
