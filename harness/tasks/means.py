"""Metrics that are means over images: each image has a measurement or none, identities resample."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import cluster_bootstrap_mean
from harness.statistics.estimate import Estimate
from harness.tasks.answers import finite
from harness.tasks.intervals import set_interval


def mean_of(values: Sequence[float | None]) -> float | None:
    """Return the mean of the measurements there are, or None without any.

    >>> mean_of([0.5, None, 1.0]), mean_of([None])
    (0.75, None)
    """
    known = [value for value in values if value is not None]
    return finite(np.mean(known)) if known else None


def mean_estimate(
    values: Sequence[float | None], clusters: npt.NDArray[Any], *, share: bool
) -> Estimate:
    """Return the mean of measurements with the interval that resampling identities gives.

    Parameters
    ----------
    values
        Of the images, None where there is nothing to measure.
    clusters
        Identity of each image: shape (images,).
    share
        Whether the measurements lie in [0, 1], with nothing beyond.
    """
    estimate = Estimate(mean_of(values), n=sum(value is not None for value in values))
    numbers = np.unique(clusters, return_inverse=True)[1]
    measured = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    known = ~np.isnan(measured)
    interval = cluster_bootstrap_mean(measured[known], numbers[known])
    set_interval(estimate, interval, len(np.unique(numbers[known])), share=share)
    return estimate
