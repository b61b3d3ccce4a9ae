"""InceptionV3, transferred to the styles of tattoos: Tattoodo's classifier."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness import FailureToEnroll, Image, Scores, Tagger, TrainingSet, parameter
from harness.training.preparation import FloatStack, colour_stack
from harness.training.sampling import Stream
from harness.training.trained import TrainedNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn

_FACTS = "facts"


@dataclass
class InceptionStyle(TrainedNetwork, Tagger):
    """Inception network with a softmax over tags that exclude each other, such as styles.

    The preset ``talk`` is what the talk tells: InceptionV3 with ImageNet weights, 299 pixels, SGD.
    Its schedule is not told, so that is ours: 30 minutes of a V100 are not counted in steps. The
    second output of the network takes part in training with a weight of .4, and all layers learn.
    Weights are torchvision's (in torch's cache) or a file (``weights=FILE``).

    The default learns from nothing in a minute per fold on one core: a network of a few Inception
    blocks on small images.

    ``crop=entropy`` shows the network the square in which grey levels are most varied, as the talk
    tried ("not too good!"); see `cropping.py`.
    """

    network: str = parameter("small", "Which network.", choices=("small", "inception-v3"))
    weights: str = parameter("", "Of inception-v3: imagenet, a file, or none for random.")
    size: int = parameter(96, "Side of the images the network sees, in pixels.", minimum=32)
    width: int = parameter(32, "Channels of the small network before its blocks.", minimum=8)
    crop: str = parameter("none", "Part of the image that is shown.", choices=("none", "entropy"))
    crop_share: float = parameter(
        0.7, "Side of that part, as a share of the shorter side.", minimum=0.1, maximum=1
    )
    smallest: float = parameter(
        0.7, "Least share of a side in the random parts trained on.", minimum=0.1, maximum=1
    )
    iterations: int = parameter(110, "Training steps.", minimum=0)
    batch_size: int = parameter(64, "Images of a step.", minimum=2)
    solver: str = parameter("adam", "Way down the loss.", choices=("sgd", "adam"))
    learning_rate: float = parameter(3e-3, "Highest; falls along a cosine.", minimum=0)
    momentum: float = parameter(0.9, "Of SGD; first beta of Adam.", minimum=0, maximum=0.999)
    weight_decay: float = parameter(0.0, "L2 penalty on weights and biases.", minimum=0)

    citation: ClassVar[str] = (
        "Jensen, AI and tattoos, Tattoodo 2017; network: Szegedy et al., Rethinking the Inception "
        "Architecture for Computer Vision, CVPR 2016"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "talk": {
            "network": "inception-v3",
            "weights": "imagenet",
            "size": 299,
            "iterations": 3_000,
            "batch_size": 32,
            "solver": "sgd",
            "learning_rate": 1e-2,
            "momentum": 0.9,
            "weight_decay": 4e-5,
        },
        "check": {"iterations": 30, "size": 48, "width": 8, "batch_size": 8},
    }

    def fit(self, train: TrainingSet) -> None:
        """Train the network on the tags of the images.

        An image with several shares its probability between them; one without is left out.

        Raises
        ------
        UsageError
            If weights are wanted and cannot be had.
        ValueError
            If no image has a tag.
        """
        import torch

        tags = np.asarray(train.tags, dtype=bool)
        used = np.flatnonzero(tags.any(axis=1)).tolist()
        if not used:
            raise ValueError(
                f"inception-style needs training images with a tag; none of {len(tags)} has one"
            )
        self.classes_ = tags.shape[1]
        network = self._build(self.weights)
        stack = torch.from_numpy(self._prepared([train.images[i] for i in used]))
        shares = tags[used] / tags[used].sum(axis=1, keepdims=True)
        self._train(network, stack, torch.from_numpy(shares.astype(np.float32)), train)
        self.network_ = network.eval()

    def tag_batch(self, images: Sequence[Image]) -> Sequence[Scores | FailureToEnroll]:
        """Return the softmax of each image over the tags.

        Raises
        ------
        RuntimeError
            Before `fit`.
        """
        import torch

        network = self.trained("tag")
        found: list[Scores | FailureToEnroll] = []
        with torch.inference_mode():
            # One by one: the bits of a convolution may depend on how many images there are.
            for image in images:
                scores = network(torch.from_numpy(self._prepared([image])).to(self.device))
                found.append(torch.softmax(scores[0].cpu().double(), 0).numpy().copy())
        return found

    def save(self, folder: Path) -> None:
        """Write the network and the number of its classes."""
        super().save(folder)
        (folder / _FACTS).write_text(str(self.classes_), encoding="utf-8")

    def load(self, folder: Path) -> None:
        """Restore what `save` wrote.

        Raises
        ------
        Damaged
            If it is not whole, or of a network with other parameters.
        """
        from harness.errors import Damaged

        try:
            self.classes_ = int((folder / _FACTS).read_text(encoding="utf-8"))
        except (OSError, ValueError) as reason:
            raise Damaged(f"cannot read {folder / _FACTS}: {reason}; run the fit again") from None
        super().load(folder)

    def build(self) -> nn.Module:
        """Return the network of the seed for the classes that were learned, without weights."""
        return self._build("")

    def _build(self, weights: str) -> nn.Module:
        from harness.errors import UsageError
        from harness.training.seeding import seeded

        from .network import SMALLEST, InceptionV3, SmallInception

        with seeded(self.seed):
            if self.network == "inception-v3":
                if self.size < SMALLEST:
                    raise UsageError(
                        f"inception-v3 learns at size={SMALLEST} or more, not {self.size}: its "
                        "second output has no place in smaller images"
                    )
                return InceptionV3(self.classes_, weights)
            if weights:
                raise UsageError(
                    f"weights={weights} belong to network=inception-v3; network=small is trained "
                    "from nothing"
                )
            return SmallInception(self.classes_, self.width)

    def _prepared(self, images: Sequence[Image]) -> FloatStack:
        """Return the images, or the parts to be shown, scaled: RGB in [0, 1]."""
        if self.crop == "entropy":
            from .cropping import entropy_square

            images = [entropy_square(image, self.crop_share) for image in images]
        return colour_stack(images, self.size, self.size)

    def _train(self, network: nn.Module, stack: Tensor, labels: Tensor, train: TrainingSet) -> None:
        """Minimise the cross-entropy; every image comes once before any comes again."""
        import torch

        from harness.training.descent import Descent
        from harness.training.schedules import Cosine, solver

        from .network import StyleObjective

        order = Stream(len(stack), self.seed)

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            drawn = torch.from_numpy(order.batch(step, self.batch_size)[share])
            return stack[drawn], labels[drawn]

        self.learning_curve_ = Descent(
            StyleObjective(network, self.smallest),
            batch,
            solver(
                network,
                self.solver,
                momentum=self.momentum,
                weight_decay=self.weight_decay,
                bias_multiplier=1.0,
            ),
            Cosine(self.learning_rate, self.iterations, self.iterations // 10),
            self.iterations,
            seed=self.seed,
            devices=self.chosen_devices(),
            checkpoints=train.checkpoints,
            progress=train.progress,
            ahead=True,
        ).run()
