"""Where the random numbers of a fit come from: from its seed, whatever else draws."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch


def generator(seed: int) -> torch.Generator:
    """Return a torch generator of its own, so that nobody else's draws can change a fit."""
    return torch.Generator().manual_seed(seed)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's global generator of the CPU for a while, and leave it as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        yield


def seed_step(seed: int, step: int, process: int = 0) -> None:
    """Seed torch's global generators for one step of one process of a fit.

    Dropout and torchvision's transforms can draw from nothing else. Seeded for every step, they
    need no memory: a fit that goes on in its middle draws what an unbroken one would have drawn.

    Parameters
    ----------
    seed, step, process
        From 0: of the fit, in the fit, and of those that train together. Hashed, because torch's
        generator of the CPU looks at no more than 32 bits of what it is given.
    """
    torch.manual_seed(int(np.random.SeedSequence([seed, step, process]).generate_state(1)[0]))
