"""Control that knows the truth: a metric that does not call it perfect is wrong."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness import Control, Scores


@dataclass
class Oracle(Control):
    """The truth as a score: 1 for what is so, 0 for what is not."""

    citation: ClassVar[str] = "control"

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        """Return 1.0 where `truth` holds and 0.0 elsewhere."""
        return truth.astype(np.float64)
