"""Comparisons of made-up systems on the same images, whose true error rates are known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from harness.tasks.trials import Scores

IDENTITY, IMAGE = 0.7, 1.0
"""Deviations of mated scores that come from the person and from the picture: shared by systems."""


def comparisons(
    identities: int,
    seed: int,
    *,
    probes: int = 1,
    references: int | None = None,
    noise: float = 0.3,
    mean: float = 2.5,
    world: int = 0,
    ties: bool = False,
) -> Scores:
    """Return comparisons of probes with their mate and with references of others.

    Identities and images are of a `world`, the noise on top is of one training: another `seed` is
    the same system trained once more, a lower `mean` of the mated scores a worse one.
    """
    shared, own = np.random.default_rng([1, world]), np.random.default_rng([2, world, seed])
    owner = np.repeat(np.arange(identities), probes)
    mated = shared.normal(0, IDENTITY, identities)[owner] + shared.normal(0, IMAGE, len(owner))
    mated = mean + mated + own.normal(0, noise, len(owner))
    others = identities - 1 if references is None else references
    rows = np.repeat(np.arange(len(owner)), others)
    steps = np.tile(np.arange(1, others + 1), len(owner))
    columns = (owner[rows] + steps) % identities
    nonmated: npt.NDArray[np.float64] = shared.normal(0, 1, len(rows))
    nonmated = nonmated + own.normal(0, noise, len(rows))
    if ties:
        mated, nonmated = np.round(mated, 1), np.round(nonmated, 1)
    return Scores(mated, owner, nonmated, owner[rows], columns, "eer")


def mean_for(fnmr: float, fmr: float, noise: float = 0.3) -> float:
    """Return the mean of the mated scores that gives an FNMR at an FMR, in the limit."""
    normal = NormalDist()
    threshold = normal.inv_cdf(1 - fmr) * math.hypot(1, noise)
    spread = math.sqrt(IDENTITY**2 + IMAGE**2 + noise**2)
    return threshold - normal.inv_cdf(fnmr) * spread
