"""Any ONNX model from image to embedding as an entry: `--param model=FILE`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from harness import Image, Matcher, Scores, Template, parameter
from harness.errors import UsageError
from harness.training.embedding import in_blocks
from harness.training.onnx_session import Session, open_session


@dataclass
class Onnx(Matcher):
    """Template by an ONNX model, run by onnxruntime on the CPU.

    A file that ``harness export --format onnx`` wrote says by itself how a picture is prepared and
    how templates are compared. What other files do not say is given by the parameters, which win
    over the file: by default RGB in [0, 1], as large as the model's input, and cosine similarity.
    """

    model: str = parameter("", "The ONNX file.", required=True)
    data: str = parameter("", "File with the weights, where the model keeps them outside.")
    output: str = parameter("", "Name of the output that is the template, if it has several.")
    size: tuple[int, ...] = parameter(
        (), "Height and width of the input in pixels; one number for a square."
    )
    colour: str = parameter("", "Order of channels.", choices=("", "rgb", "bgr", "gray"))
    layout: str = parameter("", "Order of axes.", choices=("", "nchw", "nhwc"))
    scale: float = parameter(
        0.0, "Pixels (0 to 255) are divided by it; 0: as the file says.", minimum=0
    )
    mean: tuple[float, ...] = parameter((), "Subtracted then, per channel or from all.")
    std: tuple[float, ...] = parameter((), "Divides what is left.")
    comparison: str = parameter("", "Of templates.", choices=("", "cosine", "euclidean"))

    citation: ClassVar[str] = "ONNX, onnx.ai; ONNX Runtime, onnxruntime.ai"

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template]:
        """Run the model on blocks of one size, so that no template depends on its batch.

        Raises
        ------
        UsageError
            If the file is no usable model, or the parameters do not fit it.
        """
        session = self._session()
        rows = in_blocks(images, session.recipe.prepare, session.run, session.block)
        return [row.ravel().copy() for row in rows]

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score by cosine similarity, or by minus the Euclidean distance."""
        if self._session().recipe.comparison == "cosine":
            return super().compare(probes, references)
        from scipy.spatial.distance import cdist

        if not len(probes) or not len(references):
            return np.zeros((len(probes), len(references)))
        rows, columns = (np.asarray(side, np.float64) for side in (probes, references))
        scores: Scores = 0.0 - cdist(rows, columns)
        return scores

    def _session(self) -> Session:
        """Return the loaded model; it is loaded once."""
        found = vars(self).get("_loaded")
        if found is None:
            found = self._loaded = self._load()
        loaded: Session = found
        return loaded

    def _load(self) -> Session:
        if not self.model:
            raise UsageError("onnx needs a model: name the file with --param model=FILE")
        return open_session(
            Path(self.model),
            data=self.data,
            output=self.output,
            size=self.size,
            colour=self.colour,
            layout=self.layout,
            scale=self.scale,
            mean=self.mean,
            std=self.std,
            comparison=self.comparison,
        )
