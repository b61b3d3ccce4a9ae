"""Control that sees the bytes of a file and decodes nothing."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import numpy.typing as npt
import PIL.Image

from harness import Image
from harness.runs.shortcuts.control import Shortcut
from harness.runs.shortcuts.features import file_of


@dataclass
class File(Shortcut):
    """Length of the file and its JPEG tables: they tell of the camera, not of the tattoo."""

    sees: ClassVar[Literal["pixels", "file"]] = "file"

    def features(self, image: Image) -> npt.NDArray[np.float64]:
        """Return length, quantisation tables and subsampling."""
        return file_of(image.tobytes())

    def shape(self, image: Image) -> tuple[int, int]:
        """Return height and width from the file's header."""
        with PIL.Image.open(io.BytesIO(image.tobytes())) as opened:
            return opened.height, opened.width
