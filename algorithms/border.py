"""Control that looks at the border of a picture alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness import Image
from harness.runs.shortcuts.control import Shortcut
from harness.runs.shortcuts.features import border_of


@dataclass
class Border(Shortcut):
    """Colour and noise level along the border: what is there is beside the tattoo."""

    def features(self, image: Image) -> npt.NDArray[np.float64]:
        """Return mean colour and noise level of the border."""
        return border_of(image)
