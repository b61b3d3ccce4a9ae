"""An embedding learned with the ArcFace loss: AIGTatt's tattoo retrieval, and a small version."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from harness import Image, Matcher, TrainingSet, parameter
from harness.training.embedding import EmbeddingMatcher
from harness.training.preparation import FloatStack, colour_stack, gray_stack, local_contrast
from harness.training.sampling import Balanced, Stream, split_identities

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.training.onnx_recipe import Recipe

BACKBONES = (
    "small",
    *("mobilenet_v3_large", "resnet101", "densenet121", "efficientnet_v2_s", "swin_s"),
)


@dataclass
class Arcface(EmbeddingMatcher):
    """Every identity of the training set is a class; embeddings learn to point at their own.

    A network embeds an image as 512 numbers of length 1, compared by cosine. In training each
    identity has a direction of its own and an additive angular margin (ArcFace) keeps the others
    away. Identities set aside for validation are not learned from: the weights kept are those with
    the lowest equal error rate on them.

    The preset ``paper`` is AIGTatt's training: one of torchvision's five backbones from ImageNet
    weights (``weights=FILE`` where they cannot be downloaded), 224 pixels, colour jitter, Adam at
    1e-5, batches of 64, 100 epochs. It wants a GPU (``device=cuda``). The default learns from
    scratch in seconds: a small network on the local contrast of 64 pixels, with drawings turned,
    cut and redrawn at random.
    """

    backbone: str = parameter("small", "From image to embedding.", choices=BACKBONES)
    weights: str = parameter("", "Of the backbone at first: imagenet, a file, or none.")
    size: int = parameter(64, "Side of the images the network sees, in pixels.", minimum=32)
    width: int = parameter(
        16, "Channels of the small backbone's first layer.", minimum=8, maximum=256
    )
    features: int = parameter(512, "Length of the embedding.", minimum=2)
    contrast: bool = parameter(default=True, meaning="See local contrast, not colours.")
    scale: float = parameter(64.0, "Of the cosines, s.", minimum=0)
    margin: float = parameter(0.5, "Additive angle, m, in radians.", minimum=0, maximum=1.5)
    iterations: int = parameter(250, "Training steps; 0: by epochs.", minimum=0)
    ramp: float = parameter(
        0.9, "Share of the steps in which the margin grows from 0.", minimum=0, maximum=1
    )
    epochs: float = parameter(100, "Times that every training image is seen.", minimum=0)
    batch_size: int = parameter(32, "Images of a step.", minimum=2)
    each: int = parameter(
        0, "Images of an identity in a batch; 0: every image once an epoch.", minimum=0
    )
    learning_rate: float = parameter(2e-3, "Of Adam, at its highest.", minimum=0)
    schedule: str = parameter("cosine", "Of the learning rate.", choices=("constant", "cosine"))
    weight_decay: float = parameter(0.0, "L2 penalty.", minimum=0)
    clip: float = parameter(5.0, "Greatest norm of the gradient; 0: any.", minimum=0)
    validation: float = parameter(
        0.0, "Share of the identities set aside to choose weights by.", minimum=0, maximum=0.9
    )
    patience: int = parameter(0, "Epochs without a better EER to end after; 0: never.", minimum=0)
    jitter: bool = parameter(default=False, meaning="Random brightness, contrast, saturation, hue.")
    warp: float = parameter(1.0, "Random turns, sizes and shifts.", minimum=0, maximum=2)
    part: float = parameter(
        0.5, "Least share of a side that is shown of an image.", minimum=0.1, maximum=1
    )
    redraw: float = parameter(0.3, "Random pen, focus and negatives.", minimum=0, maximum=1)

    compare = Matcher.compare

    citation: ClassVar[str] = (
        "Deng et al., ArcFace, CVPR 2019; AIGTatt: From AI-Generated Tattoos to Enhanced Biometric "
        "Recognition"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "paper": {
            "backbone": "efficientnet_v2_s",
            "weights": "imagenet",
            "size": 224,
            "features": 512,
            "contrast": False,
            "scale": 64.0,
            "margin": 0.5,
            "ramp": 0.0,
            "iterations": 0,
            "epochs": 100,
            "batch_size": 64,
            "each": 0,
            "learning_rate": 1e-5,
            "schedule": "constant",
            "weight_decay": 0.0,
            "clip": 0.0,
            "validation": 0.2,
            "patience": 0,
            "jitter": True,
            "warp": 0.0,
            "part": 1.0,
            "redraw": 0.0,
        },
        "check": {"iterations": 3, "batch_size": 8},
    }

    def fit(self, train: TrainingSet) -> None:
        """Learn to tell the identities of the training set apart.

        Raises
        ------
        ValueError
            If there are fewer than two identities.
        UsageError
            If the initial weights, or the device, cannot be had.
        ArithmeticError
            If training diverges.
        """
        import torch

        from harness.training.descent import Descent, Validation
        from harness.training.losses import ArcFace
        from harness.training.objectives import ArcFaceObjective
        from harness.training.schedules import Constant, Cosine, solver
        from harness.training.seeding import generator
        from harness.training.validation import embeddings_of, equal_error_rate

        identities = np.asarray(train.identities, np.int64)
        if len(np.unique(identities)) < 2:
            raise ValueError(
                f"nothing to tell apart: the {len(train)} training images have "
                f"{len(np.unique(identities))} identity; ArcFace needs two or more"
            )
        network = self._network(self.weights)
        learned, held = split_identities(identities, self.validation, self.seed)
        images = self._stored(train.images)
        _, classes = np.unique(identities[learned], return_inverse=True)
        drawn = (
            Balanced(classes, self.each, self.seed)
            if self.each
            else Stream(len(learned), self.seed)
        )
        labels = torch.from_numpy(classes.astype(np.int64))
        places = torch.from_numpy(learned)

        head = ArcFace(
            self.features,
            int(classes.max()) + 1,
            self.scale,
            self.margin,
            generator(self.seed + 1),
        )
        objective = ArcFaceObjective(network, head, self._changed)
        an_epoch = max(1, round(len(learned) / self.batch_size))
        iterations = self.iterations or round(self.epochs * len(learned) / self.batch_size)

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            # At first every class is as far as any other, and a margin would push all embeddings
            # away from all classes at once, to where nothing is told apart for long.
            grown = step / (self.ramp * iterations) if self.ramp else 1.0
            head.margin = self.margin * min(1.0, grown)
            rows = torch.from_numpy(drawn.batch(step, self.batch_size)[share])
            return self._restored(images[places[rows]]), labels[rows]

        def measure(device: torch.device) -> float:
            rows = embeddings_of(
                lambda block: network(self._normalised(self._restored(block))),
                images[torch.from_numpy(held)],
                device,
            )
            return equal_error_rate(rows, identities[held], cosine=True)

        self.learning_curve_ = Descent(
            objective,
            batch,
            solver(objective, "adam", weight_decay=self.weight_decay, bias_multiplier=1.0),
            Constant(self.learning_rate)
            if self.schedule == "constant"
            else Cosine(self.learning_rate, iterations, warm_up=iterations // 20),
            iterations,
            seed=self.seed,
            devices=self.chosen_devices(),
            clip=self.clip,
            validation=Validation(measure, an_epoch, self.patience) if len(held) else None,
            checkpoints=train.checkpoints,
            progress=train.progress,
        ).run()
        self.network_ = network.eval()

    def build(self) -> nn.Module:
        """Return the network with random weights: what was learned replaces them."""
        return self._network(weights="")

    def _network(self, weights: str) -> nn.Module:
        from harness.training.backbones import backbone

        channels = 1 if self.contrast else 3
        return backbone(
            self.backbone,
            self.features,
            channels=channels,
            size=self.size,
            width=self.width,
            weights=weights,
            seed=self.seed,
        )

    def prepare(self, images: Sequence[Image]) -> FloatStack:
        """Return local contrast, or colours in [0, 1]: shape (n, 1 or 3, size, size)."""
        if self.contrast:
            return local_contrast(gray_stack(images, self.size, self.size), sigma=self.size / 12)
        return colour_stack(images, self.size, self.size)

    def describe(self, network: nn.Module, prepared: Tensor) -> Tensor:
        """Return embeddings of length 1."""
        from torch.nn import functional

        return functional.normalize(network(self._normalised(prepared)))

    def onnx_graph(self) -> tuple[nn.Module, Recipe]:
        """Return local contrast, where it is used, and the network with unit embeddings."""
        from torch import nn

        from harness.training.onnx_export import Described, LocalContrast
        from harness.training.onnx_recipe import Recipe

        described: nn.Module = Described(self.network_, self.describe)
        if not self.contrast:
            return described, Recipe(self.size, self.size)
        contrast = LocalContrast(self.size, self.size, sigma=self.size / 12)
        return nn.Sequential(contrast, described), Recipe(self.size, self.size, colour="gray")

    def _stored(self, images: Sequence[Image]) -> Tensor:
        """Prepare all training images, in the least memory that loses nothing."""
        import torch

        blocks = []
        for start in range(0, len(images), 256):
            block = torch.from_numpy(self.prepare(images[start : start + 256]))
            blocks.append(block if self.contrast else (block * 255).round().to(torch.uint8))
        return torch.cat(blocks)

    def _restored(self, stored: Tensor) -> Tensor:
        return stored if self.contrast else stored.float() / 255

    def _changed(self, images: Tensor) -> Tensor:
        """Augment a batch and normalise it."""
        from harness.training.augmentation import ColourJitter, parts, redrawn, warped

        if self.jitter and not self.contrast:
            images = ColourJitter()(images)
        images = parts(warped(images, self.warp), self.part)
        if self.contrast:
            images = redrawn(images, self.redraw)
        return self._normalised(images)

    def _normalised(self, images: Tensor) -> Tensor:
        """Return what the network takes: contrast at unit deviation, or ImageNet's colours."""
        from harness.training.weights import IMAGENET_DEVIATION, IMAGENET_MEAN

        if self.contrast:
            return images * 4
        mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
        return (images - mean) / images.new_tensor(IMAGENET_DEVIATION)[:, None, None]
