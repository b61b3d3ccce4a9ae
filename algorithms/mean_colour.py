"""Control that knows the mean colour of a picture and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness import Image
from harness.runs.shortcuts.control import Shortcut
from harness.runs.shortcuts.features import mean_colour_of


@dataclass
class MeanColour(Shortcut):
    """Mean colour alone: light, camera, skin and ink make it; it holds no line of a drawing."""

    def features(self, image: Image) -> npt.NDArray[np.float64]:
        """Return the mean of each channel."""
        return mean_colour_of(image)
