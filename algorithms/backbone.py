"""Any network as it is: torchvision's, timm's, an ONNX file's, one in a folder of Hugging Face."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness import FailureToEnroll, Image, Matcher, Template, TrainingSet, parameter
from harness.errors import UsageError
from harness.training.embedding import in_blocks

if TYPE_CHECKING:
    from harness.training.frozen import Preparation, Prepare
    from harness.training.networks import Source
    from harness.training.preparation import FloatStack

Floats = npt.NDArray[np.float64]

_CHUNK = 256
"""Training images held at once."""


@dataclass
class Backbone(Matcher):
    """Template by a network that others trained, which learns nothing here but a whitening.

    Pictures are prepared as the network's library has it, unless parameters say otherwise. The
    template has length 1 and is compared by cosine similarity. With ``turns=4`` it is the mean of
    the unit embeddings of the picture in its four quarter turns, so that turning a picture by them
    changes nothing. A picture whose embedding is zero, or not finite, cannot be enrolled.
    ``whiten=yes`` learns a PCA-whitening from the training images; without it nothing is learned,
    and protocols without training images are as good as others. No weights are downloaded.
    """

    model: str = parameter(
        "", "torchvision:NAME or NAME, timm:NAME, an .onnx file, or a folder.", required=True
    )
    weights: str = parameter(
        "pretrained", "Pretrained: those of its library, from a cache; a file; none: random ones."
    )
    pooling: str = parameter(
        "own",
        "From the grid to a vector: the network's own, its class token, mean, generalised mean.",
        choices=("own", "cls", "mean", "gem"),
    )
    gem_p: float = parameter(3.0, "Power of the generalised mean.", minimum=0.1, maximum=100)
    size: tuple[int, ...] = parameter(
        (), "Height and width that it sees, or one number, in pixels; its own unless set."
    )
    framing: str = parameter(
        "", "Middle or all of a picture; its own unless set.", choices=("", "cropped", "squeezed")
    )
    crop: float = parameter(
        0.0, "Share of the shorter side that is kept; 0: its own.", minimum=0, maximum=1
    )
    interpolation: str = parameter(
        "", "Its own unless set.", choices=("", "nearest", "bilinear", "bicubic")
    )
    mean: tuple[float, ...] = parameter((), "Of colours in [0, 1]; its own unless set.")
    std: tuple[float, ...] = parameter((), "Of colours in [0, 1]; its own unless set.")
    turns: int = parameter(
        1, "Turns of a picture whose embeddings are averaged.", choices=(1, 2, 4)
    )
    whiten: bool = parameter(default=False, meaning="Learn a whitening from training images.")
    dimension: int = parameter(0, "Length after whitening; 0: all that varies.", minimum=0)
    shrinkage: float = parameter(
        0.1, "Share of the mean in the variances that whitening divides by.", minimum=0, maximum=1
    )
    device: str = parameter("cpu", "Where it is run.", choices=("cpu", "cuda", "mps"))
    precision: str = parameter("float32", "Of products.", choices=("float32", "bfloat16"))

    citation: ClassVar[str] = (
        "Whitening: Jegou and Chum, ECCV 2012; generalised mean: Radenovic et al., PAMI 2019"
    )

    @classmethod
    def surveyed(cls, values: Mapping[str, Any]) -> type[Matcher]:
        """Return the class of what these parameters make: one that learns only if it whitens."""
        frozen = {"fit": Matcher.fit, "__doc__": cls.__doc__}
        return cls if values.get("whiten") else dataclass(type(cls.__name__, (cls,), frozen))

    def assets(self) -> Mapping[str, Path | str]:
        """Return the files of the weights, the library, and how pictures are prepared."""
        from harness.training.networks import weights_of

        files = weights_of(self._source, self.weights)
        return {**files, "library": self._prepared.library, "pictures": self._prepared.words}

    def fit(self, train: TrainingSet) -> None:
        """Learn the whitening.

        Raises
        ------
        UsageError
            If the training images do not vary in as many directions as `dimension`.
        """
        from harness.training.whitening import learned

        rows = []
        for start in range(0, len(train), _CHUNK):
            found = self._embedded(train.images[start : start + _CHUNK])
            rows.append(found[found.any(axis=1)])
            train.progress(min(start + _CHUNK, len(train)), len(train), "embedded")
        learnt = learned(np.concatenate(rows), self.dimension, self.shrinkage)
        self.centre_, self.projection_ = learnt

    def extract_batch(self, images: Sequence[Image]) -> Sequence[Template | FailureToEnroll]:
        """Embed images in blocks of one size, so that no template depends on its batch.

        Raises
        ------
        UsageError
            If the network cannot be had, or does not take such images.
        """
        rows = self._embedded(images)
        if self.whiten:
            if "projection_" not in vars(self):
                raise RuntimeError("it has learned no whitening yet: call fit or load first")
            there = rows.any(axis=1, keepdims=True)
            rows = np.where(there, _unit((rows - self.centre_) @ self.projection_), 0.0)
        return [
            row.astype(np.float32)
            if row.any()
            else FailureToEnroll("the network's embedding of it is zero, or not finite")
            for row in rows
        ]

    def _embedded(self, images: Sequence[Image]) -> Floats:
        """Return the mean over turns of unit embeddings, at length 1; zeros where there is none."""
        if not len(images):
            return np.zeros((0, 1))
        quarters = range(0, 4, 4 // self.turns)
        turned = [np.rot90(image, quarter) for image in images for quarter in quarters]
        prepare, ask, block = self._network
        try:
            rows = [row.ravel() for row in in_blocks(turned, prepare, ask, block)]
        except (RuntimeError, ValueError, AssertionError) as reason:
            if "memory" in str(reason):
                raise
            raise UsageError(f"{self._source} does not take such images: {reason}") from reason
        units = _unit(np.array(rows, np.float64)).reshape(len(images), self.turns, -1)
        whole = np.all(units.any(axis=2), axis=1)[:, None]
        return np.where(whole, _unit(units.mean(axis=1)), 0.0)

    @cached_property
    def _source(self) -> Source:
        from harness.training.networks import source_of

        return source_of(self.model)

    @cached_property
    def _prepared(self) -> Preparation:
        """How pictures are prepared."""
        from harness.training.frozen import Look, preparation_of

        names = (one.name for one in fields(Look))
        return preparation_of(self._source, Look(**{name: getattr(self, name) for name in names}))

    @cached_property
    def _network(self) -> tuple[Prepare, Callable[[FloatStack], FloatStack], int]:
        """Preparation, the network from prepared images to vectors, and images at once."""
        import torch

        from harness.training.engine import Devices, Engine
        from harness.training.frozen import asked_of, pooled
        from harness.training.seeding import seeded

        devices = Devices(self.device, 1, self.precision)
        devices.check()
        prepared = self._prepared
        with seeded(self.seed):
            ask = asked_of(self._source, self.weights, self.size[0] if self.size else 0, prepared)
        engine = Engine(devices)

        def vectors(block: FloatStack) -> FloatStack:
            with torch.inference_mode(), engine.precision():
                outputs = ask(torch.from_numpy(block).to(engine.device))
                rows = pooled(outputs, self.pooling, self.gem_p, self._source)
            found: FloatStack = rows.float().cpu().numpy()
            return found

        return prepared.prepare, vectors, prepared.block


def _unit(rows: Floats) -> Floats:
    """Return rows of length 1, and zeros for one that is as good as zero, or not finite."""
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    good = np.isfinite(length) & (length > np.finfo(np.float32).tiny)
    unit: Floats = np.where(good, rows / np.where(good, length, 1.0), 0.0)
    return unit
