"""A trained matcher as an ONNX file that needs nothing of ours: preparation, network, recipe."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable
from pathlib import Path

import cv2
import msgspec
import numpy as np
import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.training.onnx_recipe import KEY, Recipe
from harness.training.preparation import BLANK

INPUT, OUTPUT = "images", "embeddings"
"""Names in the file."""

OPSET = 18
"""Version of ONNX's operators: of 2022, so that older runtimes read it too."""


def write_onnx(graph: nn.Module, recipe: Recipe, file: Path) -> None:
    """Write a module as an ONNX model with one input and one output, for any number of images.

    Parameters
    ----------
    graph
        From float32 (n, channels, height, width), as `recipe` prepares them, to (n, d).
    recipe
        Kept in the file's metadata, under `KEY`. Its layout is ``nchw``.
    file
        Overwritten; one file, weights and all.

    Raises
    ------
    UsageError
        If the packages of the extra ``onnx`` are not installed.
    """
    try:
        import onnx
        import onnxscript  # noqa: F401 - torch needs it
    except ImportError as reason:
        raise UsageError(
            f"export needs the package {reason.name!r}: pip install 'tattoo-harness[onnx]'"
        ) from None
    example = torch.zeros(2, recipe.channels, recipe.height, recipe.width)
    # The exporter speaks of its own progress and of torch's future.
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings(), torch.inference_mode():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            dynamo=True,
            input_names=[INPUT],
            output_names=[OUTPUT],
            opset_version=OPSET,
            dynamic_shapes=({0: torch.export.Dim("n", min=1, max=4096)},),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise RuntimeError("torch.onnx.export returned no program")
    model = program.model_proto
    onnx.helper.set_model_props(model, {KEY: msgspec.json.encode(recipe).decode()})
    model.producer_name = KEY
    onnx.checker.check_model(model)
    file.write_bytes(model.SerializeToString(deterministic=True))


class Described(nn.Module):
    """A network and what its matcher takes from it, as one module.

    Parameters
    ----------
    network
        Trained.
    describe
        Called with the network and its input; returns templates.
    """

    def __init__(self, network: nn.Module, describe: Callable[[nn.Module, Tensor], Tensor]) -> None:
        super().__init__()
        self.network, self._describe = network, describe

    def forward(self, images: Tensor) -> Tensor:
        """Return templates, shape (n, d)."""
        return self._describe(self.network, images)


class LocalContrast(nn.Module):
    """`harness.training.preparation.local_contrast` in torch, so that it can be part of a graph.

    Agrees with it to about 1e-5.

    Parameters
    ----------
    height, width
        Of the images.
    sigma, deviation
        As there.
    """

    def __init__(
        self, height: int, width: int, sigma: float = 4.0, deviation: float = 0.25
    ) -> None:
        super().__init__()
        self._deviation = deviation
        self._near = Softened(height, width, sigma)
        self._wide = Softened(height, width, 2 * sigma)

    def forward(self, images: Tensor) -> Tensor:
        """Return local contrast of gray images, shape (n, 1, height, width)."""
        detail = images - self._near(images)
        contrast = self._wide(detail * detail).sqrt()
        average = contrast.mean(dim=(2, 3), keepdim=True)
        detail = detail / torch.maximum(contrast, average).clamp(min=BLANK)
        detail = detail - detail.mean(dim=(2, 3), keepdim=True)
        spread = (detail * detail).mean(dim=(2, 3), keepdim=True).sqrt()
        scaled = detail * (self._deviation / spread.clamp(min=BLANK))
        return torch.where(average > BLANK, scaled, torch.zeros_like(scaled))


class Softened(nn.Module):
    """`harness.training.preparation.softened` in torch, for images of one size.

    A Gaussian along an axis with reflected borders is a matrix; with the small images here that is
    the shortest way to have the same border as OpenCV.

    Parameters
    ----------
    height, width
        Of the images.
    sigma
        As there, above 0.
    """

    rows: Tensor
    columns: Tensor

    def __init__(self, height: int, width: int, sigma: float) -> None:
        super().__init__()
        self.register_buffer("rows", _blur(height, sigma))
        self.register_buffer("columns", _blur(width, sigma).T.contiguous())

    def forward(self, images: Tensor) -> Tensor:
        """Blur images of shape (n, channels, height, width)."""
        return self.rows @ images @ self.columns


def _blur(length: int, sigma: float) -> Tensor:
    """Return the Gaussian of OpenCV along an axis as a matrix, with its reflected border."""
    # OpenCV's own size of the kernel for floating-point images.
    taps = round(sigma * 8 + 1) | 1
    kernel = cv2.getGaussianKernel(taps, sigma, cv2.CV_32F).ravel()
    places = np.pad(np.arange(length), taps // 2, mode="symmetric")
    matrix = np.zeros((length, length), np.float32)
    for row in range(length):
        np.add.at(matrix[row], places[row : row + taps], kernel)
    return torch.from_numpy(matrix)
