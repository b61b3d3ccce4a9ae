"""Progressive resizing: small pictures first, larger ones later, the rate falling in each stage.

Karras et al. (2018) and Lim et al. (2017) grow networks with their pictures; here, as in SkinDeep,
the same network goes on with larger ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.training.schedules import Cosine


@dataclass(frozen=True)
class Stages:
    """Which size each iteration trains at, and its learning rate.

    Every stage has a cosine of its own, from `rate` times `decay` to the power of its number.

    Parameters
    ----------
    sizes
        Of the pictures, one for each stage.
    iterations
        Of each stage.
    rate
        Highest learning rate of the first stage.
    decay
        Factor of each further stage's rate.
    warm_up
        Share of a stage in which its rate rises.

    Examples
    --------
    >>> stages = Stages((64, 128), (3, 1), rate=1.0, decay=0.5, warm_up=0.0)
    >>> [stages.size(iteration) for iteration in range(4)]
    [64, 64, 64, 128]
    >>> [round(stages.at(iteration), 2) for iteration in range(4)]
    [1.0, 0.75, 0.25, 0.5]
    """

    sizes: Sequence[int]
    iterations: Sequence[int]
    rate: float
    decay: float = 0.5
    warm_up: float = 0.1

    @property
    def total(self) -> int:
        """Iterations of all stages."""
        return sum(self.iterations)

    def size(self, iteration: int) -> int:
        """Return the size of the pictures of an iteration; the first is 0."""
        return self.sizes[self._stage(iteration)[0]]

    def at(self, iteration: int) -> float:
        """Return the rate of an iteration; the first is 0."""
        stage, within = self._stage(iteration)
        length = self.iterations[stage]
        rate = self.rate * self.decay**stage
        return Cosine(rate, length, int(self.warm_up * length)).at(within)

    def _stage(self, iteration: int) -> tuple[int, int]:
        for stage, length in enumerate(self.iterations):
            if iteration < length:
                return stage, iteration
            iteration -= length
        return len(self.iterations) - 1, self.iterations[-1]
