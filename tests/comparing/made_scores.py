"""Comparisons of two made-up systems on the same images, with a known truth."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.tasks.trials import Scores


def comparisons(
    identities: int,
    seed: int,
    *,
    probes: int = 1,
    noise: float = 0.3,
    loss: float = 0.0,
    world: int = 0,
    ties: bool = False,
) -> Scores:
    """Return all comparisons of probes with one reference of each identity.

    Identities and images are of a `world`, the noise on top is the training's: another `seed` is
    the same system trained once more. `loss` is taken from the mated scores.
    """
    shared, own = np.random.default_rng([1, world]), np.random.default_rng([2, world, seed])
    owner = np.repeat(np.arange(identities), probes)
    mated = 2.5 + shared.normal(0, 0.7, identities)[owner] + shared.normal(0, 1, len(owner))
    mated = mated + own.normal(0, noise, len(owner)) - loss
    scores = shared.normal(0, 1, (len(owner), identities)) + own.normal(
        0, noise, (len(owner), identities)
    )
    rows, columns = np.nonzero(owner[:, None] != np.arange(identities))
    nonmated: npt.NDArray[np.float64] = scores[rows, columns]
    if ties:
        mated, nonmated = np.round(mated, 1), np.round(nonmated, 1)
    return Scores(mated, owner, nonmated, owner[rows], columns, "eer")
