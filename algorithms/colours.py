"""Mean colours on a grid: the smallest matcher, and the one to copy when you write your own."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import PIL.Image

from harness import Image, Matcher, Template, parameter


@dataclass
class Colours(Matcher):
    """Mean colour of a grid of cells: anything worth running should beat it."""

    cells: int = parameter(4, "Cells along each side of the grid.", minimum=1)

    citation: ClassVar[str] = "tutorial"

    def extract(self, image: Image) -> Template:
        """Average the colours of each cell and keep how they differ from the whole image's.

        float64, shape (cells, cells, 3), in levels of 255.
        """
        grid = (self.cells, self.cells)
        means = PIL.Image.fromarray(image).resize(grid, PIL.Image.Resampling.BOX)
        colours = np.array(means, dtype=np.float64)
        colours -= colours.mean(axis=(0, 1))
        return colours
