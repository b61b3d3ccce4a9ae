"""Control that gives every question the same score: what a metric makes of no answer at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness import Control, Scores, parameter


@dataclass
class Constant(Control):
    """One score for everything: all ties, which must never count for an algorithm.

    A rank that is anything but the worst, or an accuracy above the share of the larger class,
    shows a metric that gives ties away.
    """

    value: float = parameter(0.5, "The score given to everything; 0.5 and above means yes.")

    citation: ClassVar[str] = "control"

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        """Return `value` for every question."""
        return np.full(truth.shape, self.value, dtype=np.float64)
