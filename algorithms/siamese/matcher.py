"""What both losses on the network of Di & Patel (2016) share: parameters and training."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from harness.api import Image, TrainingSet, parameter
from harness.training.embedding import EmbeddingMatcher
from harness.training.kept_pairs import KeptPairs
from harness.training.preparation import FloatStack, framed, gray_stack, local_contrast
from harness.training.sampling import Indices, Sampler, Truth

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.training.onnx_recipe import Recipe

    from .network import SiameseNetwork

HEIGHT, WIDTH = 56, 46
"""Size of the gray images that the network takes, in pixels."""


@dataclass
class SiameseMatcher(EmbeddingMatcher):
    """The network of the paper; a derived class says how examples are drawn and what they cost.

    The descriptor is the layer ip2. The defaults learn in seconds: normalised images, small warps
    beside the flips, Adam, the loss on ip2 itself, and batches of mated pairs whose images are each
    other's non-mates. `PAPER` has what the paper's two schedules have in common.
    """

    descriptor: int = parameter(10, "Length of ip2, the descriptor.", minimum=1)
    loss_on: str = parameter("ip2", "Layer that carries the loss.", choices=("feat", "ip2"))
    iterations: int = parameter(220, "Training steps.", minimum=0)
    batch_size: int = parameter(16, "Pairs or triplets drawn for a step.", minimum=2)
    solver: str = parameter("adam", "Way down the loss.", choices=("sgd", "adam"))
    learning_rate: float = parameter(2e-3, "Of weights, at first; of biases twice that.", minimum=0)
    step: int = parameter(165, "Iterations between changes of the learning rate.", minimum=1)
    gamma: float = parameter(
        0.2, "Factor of such a change: 0.1 lowers to, 0.9 by 10 %.", minimum=0, maximum=1
    )
    momentum: float = parameter(0.9, "Of SGD; first beta of Adam.", minimum=0, maximum=0.999)
    negatives: str = parameter(
        "batch",
        "Out of a batch's mated pairs, drawn anew each step, or drawn once and kept.",
        choices=("batch", "random", "kept"),
    )
    weight_decay: float = parameter(0.0, "L2 penalty on weights and biases.", minimum=0)
    normalise: bool = parameter(default=True, meaning="Keep local contrast only, not [0, 1] gray.")
    framing: str = parameter(
        "squeezed",
        "The whole picture in another aspect, or its middle cut to 56x46.",
        choices=("squeezed", "cropped"),
    )
    flips: str = parameter(
        "together",
        "Both ways, of all images of a pair or triplet alike, or of each by itself.",
        choices=("together", "each"),
    )
    warp: float = parameter(
        0.5, "Strength of random turns, sizes and shifts; 0: flips only.", minimum=0, maximum=2
    )

    def fit(self, train: TrainingSet) -> None:
        """Train the network on mated and non-mated images.

        Raises
        ------
        ValueError
            If the training set has no mated pair, or only one identity.
        ArithmeticError
            If training diverges.
        """
        import torch

        from harness.training.descent import Descent
        from harness.training.objectives import SiameseObjective
        from harness.training.schedules import StepPolicy, solver

        truth = Truth.of(train)
        if self.negatives == "batch" and len(np.unique(truth.identities[truth.mated])) < 2:
            raise ValueError(
                "nothing to tell apart: all mated pairs of the training set have one identity; "
                "with negatives=random other images serve as non-mates, too"
            )
        sampler: Sampler | KeptPairs
        if self.negatives == "kept":
            sampler = KeptPairs.of(train, self.seed)
        else:
            sampler = Sampler(truth, self.seed)
        images = torch.from_numpy(self.prepare(train.images)).squeeze(1)
        identities = torch.from_numpy(truth.identities)

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            drawn = torch.from_numpy(self.draw(sampler, step)[share])
            return images[drawn], identities[drawn]

        network = self.build()
        self.learning_curve_ = Descent(
            SiameseObjective(
                network, self.loss_on, self.warp, self.loss, flip_each=self.flips == "each"
            ),
            batch,
            solver(network, self.solver, momentum=self.momentum, weight_decay=self.weight_decay),
            StepPolicy(self.learning_rate, self.step, self.gamma),
            self.iterations,
            seed=self.seed,
            devices=self.chosen_devices(),
            checkpoints=train.checkpoints,
            progress=train.progress,
            ahead=True,
        ).run()
        self.network_ = network.eval()

    @abstractmethod
    def draw(self, sampler: Sampler | KeptPairs, step: int) -> Indices:
        """Return a step's batch: int64 indices of images, shape (examples, images of one)."""

    @abstractmethod
    def loss(self, outputs: Tensor, identities: Tensor) -> Tensor:
        """Return the loss of a batch, a scalar.

        Parameters
        ----------
        outputs
            Shape (examples, images of an example, d).
        identities
            int64, shape (examples, images of an example).
        """

    def build(self) -> SiameseNetwork:
        """Return the untrained network of the seed."""
        from harness.training.seeding import generator

        from .network import SiameseNetwork

        return SiameseNetwork(self.descriptor, generator(self.seed))

    def prepare(self, images: Sequence[Image]) -> FloatStack:
        """Return gray images of 56x46: in [0, 1], or their local contrast."""
        stack = gray_stack(framed(images, HEIGHT, WIDTH, self.framing), HEIGHT, WIDTH)
        return local_contrast(stack) if self.normalise else stack

    def describe(self, network: nn.Module, prepared: Tensor) -> Tensor:
        """Return ip2."""
        ip2: Tensor = network(prepared).ip2
        return ip2

    def onnx_graph(self) -> tuple[nn.Module, Recipe]:
        """Return local contrast, where it is used, and the network up to ip2."""
        from torch import nn

        from harness.training.onnx_export import Described, LocalContrast
        from harness.training.onnx_recipe import Recipe

        described: nn.Module = Described(self.network_, self.describe)
        if self.normalise:
            described = nn.Sequential(LocalContrast(HEIGHT, WIDTH), described)
        return described, Recipe(
            HEIGHT,
            WIDTH,
            colour="gray",
            comparison="euclidean",
            framing="cropped" if self.framing == "cropped" else "squeezed",
        )


PAPER: dict[str, object] = {
    "loss_on": "feat",
    "batch_size": 64,
    "negatives": "kept",
    "framing": "cropped",
    "flips": "each",
    "solver": "sgd",
    "gamma": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.0,
    "normalise": False,
    "warp": 0.0,
}
"""What the paper says of both losses, and where it is silent, Caffe's MNIST siamese example: its
batch of 64, its momentum, no weight decay, and the loss on feat.

The paper pairs probes with their verified and unverified gallery images and keeps as many of the
unverified pairs, drawn at random, as there are verified ones: ``negatives=kept``. It "cropped the
images to 56x46" without saying where or from which scale: here the largest part of that aspect in
the middle, scaled (``framing=squeezed`` keeps the borders and loses the aspect). It flips images
"to increase the number of training data", and does not say whether the two of a pair are flipped
alike: here each by itself (``flips=together`` is the other reading).
"""
