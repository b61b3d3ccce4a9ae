"""A matcher whose template is the output of a network, compared by Euclidean distance."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from harness.api import Image, Matcher, Scores, Template
from harness.errors import UsageError
from harness.training.preparation import FloatStack
from harness.training.trained import TrainedNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.training.onnx_recipe import Recipe

# The last bits of a matrix product depend on how many rows it has, so every block has as many.
_BLOCK = 16


def in_blocks(
    images: Sequence[Image],
    prepare: Callable[[Sequence[Image]], FloatStack],
    rows_of: Callable[[FloatStack], npt.NDArray[Any]],
    block: int = _BLOCK,
) -> Iterator[npt.NDArray[Any]]:
    """Yield a row for every image, made in blocks of one size, so that none depends on its batch.

    Parameters
    ----------
    images
        Any number, of any sizes.
    prepare
        Makes the network's input of some of them: shape (some, ...), float32.
    rows_of
        Makes of `block` inputs as many rows; the last block is filled up with zeros.
    block
        Images at once.

    Examples
    --------
    >>> images = [np.full((1, 1, 3), value, np.uint8) for value in (1, 2, 3)]
    >>> [float(row[0, 0, 0]) for row in in_blocks(images, np.float32, lambda full: full * 2, 2)]
    [2.0, 4.0, 6.0]
    """
    for start in range(0, len(images), block):
        some = prepare(images[start : start + block])
        full = np.zeros((block, *some.shape[1:]), np.float32)
        full[: len(some)] = some
        yield from rows_of(full)[: len(some)]


@dataclass
class EmbeddingMatcher(TrainedNetwork, Matcher):
    """What a matcher with a torch network needs beside the network and its `fit`.

    A derived class defines `build`, `prepare` and `describe`; its `fit` puts the trained network
    into `network_`. Nothing here imports torch before it is needed.
    """

    @abstractmethod
    def prepare(self, images: Sequence[Image]) -> FloatStack:
        """Return what the network takes: float32, shape (n, channels, height, width)."""

    @abstractmethod
    def describe(self, network: nn.Module, prepared: Tensor) -> Tensor:
        """Return the descriptors of prepared images: shape (n, d)."""

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template]:
        """Make templates in blocks of a fixed size, so that none depends on its batch.

        Parameters
        ----------
        images
            Any number, of any sizes.

        Returns
        -------
        sequence of numpy.ndarray
            float32, shape (d,), one per image.

        Raises
        ------
        RuntimeError
            Before `fit` or `load`.
        """
        import torch

        network = self.trained("extract")

        def rows_of(block: FloatStack) -> FloatStack:
            with torch.inference_mode():
                given = torch.from_numpy(block).to(self.device)
                rows: FloatStack = self.describe(network, given).float().cpu().numpy()
            return rows

        return [row.copy() for row in in_blocks(images, self.prepare, rows_of)]

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score by minus the Euclidean distance.

        Returns
        -------
        numpy.ndarray
            float64, shape (probes, references), at most 0, and exactly 0 for equal descriptors.
        """
        from scipy.spatial.distance import cdist

        if not len(probes) or not len(references):
            return np.zeros((len(probes), len(references)))
        # Distances from differences: |a|^2 - 2ab + |b|^2 is faster, but leaves equal vectors a
        # little apart, and its last bits depend on what else is compared.
        distances = cdist(np.asarray(probes, np.float64), np.asarray(references, np.float64))
        scores: Scores = 0.0 - distances
        return scores

    def onnx_graph(self) -> tuple[nn.Module, Recipe]:
        """Return what makes a template of a prepared picture, and how a picture is prepared.

        A matcher that overrides it can be exported; what `prepare` does beyond a `Recipe` belongs
        into the module.

        Raises
        ------
        UsageError
            Unless overridden.
        """
        raise UsageError(
            f"{type(self).__name__} cannot be exported: it does not define `onnx_graph`; see "
            "docs/onnx.md"
        )

    def export_onnx(self, file: Path) -> None:
        """Write the trained network as an ONNX file that the algorithm ``onnx`` runs.

        Raises
        ------
        UsageError
            If this matcher defines no `onnx_graph`, or a package is missing.
        """
        from harness.training.onnx_export import write_onnx

        write_onnx(*self.onnx_graph(), file)
