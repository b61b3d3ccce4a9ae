"""Control that knows width and height of a picture and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness import Image
from harness.runs.shortcuts.control import Shortcut
from harness.runs.shortcuts.features import size_of


@dataclass
class Size(Shortcut):
    """Width and height alone: what it finds, any algorithm may find without looking at a tattoo."""

    def features(self, image: Image) -> npt.NDArray[np.float64]:
        """Return logarithms of width and height."""
        return size_of(image.shape[1], image.shape[0])
