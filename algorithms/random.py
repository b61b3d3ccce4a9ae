"""Control that guesses: its results are the line of chance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness import Control, Scores


@dataclass
class Random(Control):
    """Uniform random scores: an algorithm that is not clearly better has learned nothing."""

    citation: ClassVar[str] = "control"

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        """Return an independent score in [0, 1) for every question."""
        return rng.random(truth.shape)
