"""Tattoos retouched away without learning: dark and colourful strokes, filled from their edges.

What one can do with OpenCV in ten lines, so the line that a trained remover has to be above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import Image, Remover, parameter

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)


@dataclass
class Inpaint(Remover):
    """OpenCV's inpainting of strokes that are darker than what lies around them.

    Ink is where closing the lightness (CIE L*) with a disc raises it, so strokes narrower than the
    disc; broad shaded parts are not seen, and neither hair nor a watch is told from ink.
    """

    stroke: int = parameter(9, "Diameter of the disc, in pixels: wider strokes stay.", minimum=3)
    darker: int = parameter(20, "Levels of 255 by which ink is darker than around it.", minimum=1)
    grow: int = parameter(1, "Pixels by which the ink found is widened.", minimum=0)
    radius: float = parameter(3.0, "Neighbourhood of the inpainting, in pixels.", minimum=1)
    method: str = parameter("telea", "Of the inpainting.", choices=("telea", "navier-stokes"))

    citation: ClassVar[str] = "Telea, Journal of Graphics Tools 9(1), 2004"

    def remove(self, image: Image) -> Image:
        """Return the picture with its dark strokes filled in."""
        ink = self.ink(image)
        if not ink.any():
            return image
        way = cv2.INPAINT_TELEA if self.method == "telea" else cv2.INPAINT_NS
        filled: Image = cv2.inpaint(np.ascontiguousarray(image), ink, self.radius, way)
        return filled

    def ink(self, image: Image) -> npt.NDArray[Any]:
        """Return where the strokes are: uint8, shape (height, width), 0 or 255."""
        lightness = cv2.cvtColor(image, cv2.COLOR_RGB2LAB)[:, :, 0]
        disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (self.stroke, self.stroke))
        strokes = cv2.morphologyEx(lightness, cv2.MORPH_BLACKHAT, disc) >= self.darker
        side = 2 * self.grow + 1
        widened = cv2.dilate(strokes.astype(np.uint8) * 255, np.ones((side, side), np.uint8))
        return np.asarray(widened)
