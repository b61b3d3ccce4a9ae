"""An embedding learned with the ArcFace loss: AIGTatt's tattoo retrieval, and a small version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np

from harness import Image, Matcher, TrainingSet, parameter
from harness.errors import UsageError
from harness.training.embedding import EmbeddingMatcher
from harness.training.preparation import (
    FloatStack,
    colour_stack,
    gray_stack,
    in_threads,
    local_contrast,
    softened,
)
from harness.training.sampling import Balanced, Stream, split_identities

if TYPE_CHECKING:
    from torch import Tensor, nn

    from harness.training.onnx_recipe import Recipe
    from harness.training.window import Window


@dataclass
class Arcface(EmbeddingMatcher):
    """Every identity of the training set is a class; embeddings learn to point at their own.

    A network embeds an image as 512 numbers of length 1, compared by cosine. In training each
    identity has a direction of its own and an additive angular margin (ArcFace) keeps the others
    away. Identities set aside for validation are not learned from: the weights kept are those with
    the lowest equal error rate on them.

    The preset ``paper`` is AIGTatt's training: a network of torchvision from ImageNet weights (in
    torch's cache, or ``weights=FILE``), 224 pixels, colour jitter, Adam at
    1e-5, batches of 64, 100 epochs. It wants a GPU (``device=cuda``). The default learns from
    scratch in seconds: a small network on the local contrast of 64 pixels, with drawings turned,
    cut and redrawn at random. The preset ``scratch`` is for networks of colours from random
    weights: `docs/training.md` says what it was measured on.
    """

    backbone: str = parameter(
        "small", "From image to embedding: small, torchvision:NAME or NAME, timm:NAME, a folder."
    )
    weights: str = parameter(
        "", "Of the backbone at first: imagenet or pretrained (its library's), a file, or none."
    )
    size: int = parameter(64, "Side of the images the network sees, in pixels.", minimum=25)
    width: int = parameter(
        16, "Channels of the small backbone's first layer.", minimum=8, maximum=256
    )
    features: int = parameter(512, "Length of the embedding.", minimum=2)
    contrast: bool = parameter(default=True, meaning="See local contrast, not colours.")
    soft: float = parameter(
        0.0, "Blur of what the network sees: a Gaussian, in pixels of size.", minimum=0, maximum=8
    )
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
    optimiser: str = parameter(
        "adam", "adamw: weights decay apart from gradients.", choices=("adam", "adamw")
    )
    learning_rate: float = parameter(2e-3, "At its highest.", minimum=0)
    schedule: str = parameter("cosine", "Of the learning rate.", choices=("constant", "cosine"))
    warm_up: float = parameter(
        0.05, "Share of the steps in which the rate of cosine grows from 0.", minimum=0, maximum=0.9
    )
    weight_decay: float = parameter(0.0, "adam: L2 penalty; adamw: decay.", minimum=0)
    smoothing: float = parameter(
        0.0, "Share of a label that all classes get alike.", minimum=0, maximum=0.9
    )
    neck: bool = parameter(default=False, meaning="Batch normalisation of the embedding.")
    statistics: float = parameter(
        0.0,
        "Share of a batch in the running statistics of norms; 0: the network's own.",
        minimum=0,
        maximum=1,
    )
    clip: float = parameter(5.0, "Greatest norm of the gradient; 0: any.", minimum=0)
    validation: float = parameter(
        0.0, "Share of the identities set aside to choose weights by.", minimum=0, maximum=0.9
    )
    patience: int = parameter(0, "Epochs without a better EER to end after; 0: never.", minimum=0)
    poses: int = parameter(
        1,
        "Identities made of one: as it is; 4: and turned by quarters; 8: and mirrored.",
        choices=(1, 4, 8),
    )
    views: int = parameter(
        1,
        "Views whose embeddings are averaged: itself, and turned and scaled.",
        minimum=1,
        maximum=9,
    )
    jitter: bool = parameter(default=False, meaning="Random brightness, contrast, saturation, hue.")
    warp: float = parameter(1.0, "Random turns, sizes and shifts.", minimum=0, maximum=2)
    part: float = parameter(
        0.5, "Least share of a side that is shown of an image.", minimum=0.1, maximum=1
    )
    bend: float = parameter(0.0, "Random bends of lines.", minimum=0, maximum=4)
    redraw: float = parameter(0.3, "Random pen, focus and negatives.", minimum=0, maximum=1)
    erase: float = parameter(
        0.0, "Share of images of which a rectangle is erased.", minimum=0, maximum=1
    )
    fresh: int = parameter(
        0,
        "Identities at a time, of those drawn without end (--train-data recipe:NAME); 0: the set.",
        minimum=0,
    )
    again: float = parameter(8.0, "fresh: times that a capture is learned from.", minimum=1)
    alike: int = parameter(
        1, "fresh: identities of a group of look-alikes, in one batch together.", minimum=1
    )
    curriculum: float = parameter(
        0.0,
        "fresh: share of the steps in which difficulty grows from 0.",
        minimum=0,
        maximum=1,
    )

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
        "scratch": {
            "backbone": "mobilenet_v3_small",
            "features": 128,
            "contrast": False,
            "scale": 16.0,
            "margin": 0.2,
            "optimiser": "adamw",
            "weight_decay": 0.05,
            "warm_up": 0.1,
            "neck": True,
            "statistics": 0.1,
            "part": 0.8,
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

        from harness.training.augmentation import posed
        from harness.training.descent import Descent, Validation
        from harness.training.losses import ArcFace
        from harness.training.objectives import ArcFaceObjective
        from harness.training.schedules import Constant, Cosine, solver
        from harness.training.seeding import generator
        from harness.training.validation import embeddings_of, equal_error_rate
        from harness.training.window import forget

        identities = np.asarray(train.identities, np.int64)
        if len(np.unique(identities)) < 2:
            raise ValueError(
                f"nothing to tell apart: the {len(train)} training images have "
                f"{len(np.unique(identities))} identity; ArcFace needs two or more"
            )
        network = self._network(self.weights)
        for part in network.modules():
            if self.statistics and isinstance(part, torch.nn.modules.batchnorm._BatchNorm):
                part.momentum = self.statistics
        learned, held = split_identities(identities, self.validation, self.seed)
        an_epoch = max(1, round(len(learned) / self.batch_size))
        iterations = self.iterations or round(self.epochs * len(learned) / self.batch_size)
        window = self._window(train, iterations) if self.fresh else None
        images = torch.empty(0) if window else self._stored(train.images)
        _, classes = np.unique(identities[learned], return_inverse=True)
        # Another pose of an identity is another identity, which costs no drawing.
        count = int(classes.max()) + 1
        classes = np.concatenate([classes + pose * count for pose in range(self.poses)])
        drawn = (
            Balanced(classes, self.each, self.seed)
            if self.each
            else Stream(len(classes), self.seed)
        )
        labels = torch.from_numpy(classes.astype(np.int64))
        places = torch.from_numpy(learned)

        head = ArcFace(
            self.features,
            window.classes if window else count * self.poses,
            self.scale,
            self.margin,
            generator(self.seed + 1),
            smoothing=self.smoothing,
        )
        objective = ArcFaceObjective(network, head, self._changed)
        optimiser = solver(
            objective, self.optimiser, weight_decay=self.weight_decay, bias_multiplier=1.0
        )

        def begin(step: int) -> None:
            # At first every class is as far as any other, and a margin would push all embeddings
            # away from all classes at once, to where nothing is told apart for long.
            grown = step / (self.ramp * iterations) if self.ramp else 1.0
            head.margin = self.margin * min(1.0, grown)
            if window:
                forget(optimiser, head.weight, window.newcomers(step))

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            if window:
                return window.batch(step, share)
            rows = torch.from_numpy(drawn.batch(step, self.batch_size)[share])
            seen = images[places[rows % len(places)]]
            return posed(seen, rows // len(places)), labels[rows]

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
            optimiser,
            Constant(self.learning_rate)
            if self.schedule == "constant"
            else Cosine(self.learning_rate, iterations, warm_up=int(iterations * self.warm_up)),
            iterations,
            seed=self.seed,
            devices=self.chosen_devices(),
            clip=self.clip,
            validation=Validation(measure, an_epoch, self.patience) if len(held) else None,
            checkpoints=train.checkpoints,
            progress=train.progress,
            ahead=True,
            begin=begin,
        ).run()
        self.network_ = network.eval()

    def _window(self, train: TrainingSet, steps: int) -> Window:
        """Return what slides over identities without end."""
        from harness.training.window import Window

        if train.drawn is None:
            raise UsageError(
                "fresh identities are drawn, and this training set is not: name a recipe, as in "
                "--train-data recipe:drawn"
            )
        if self.poses > 1 or self.validation or self.devices > 1:
            raise UsageError("fresh goes with poses=1, validation=0 and devices=1 alone")
        return Window(
            train.drawn,
            self._stored,
            identities=self.fresh,
            batch_size=self.batch_size,
            each=self.each or 4,
            again=self.again,
            alike=self.alike,
            steps=steps,
            curriculum=self.curriculum,
            seed=self.seed,
        )

    def assets(self) -> Mapping[str, Path | str]:
        """Return the files of the backbone's weights that no parameter names."""
        if self.backbone == "small":
            return {}
        from harness.training.backbones import files_of_backbone

        return files_of_backbone(self.backbone, self.weights)

    def build(self) -> nn.Module:
        """Return the network with random weights: what was learned replaces them."""
        return self._network(weights="")

    def _network(self, weights: str) -> nn.Module:
        from torch import nn

        from harness.training.backbones import backbone

        channels = 1 if self.contrast else 3
        network = backbone(
            self.backbone,
            self.features,
            channels=channels,
            size=self.size,
            width=self.width,
            weights=weights,
            seed=self.seed,
        )
        if not self.neck:
            return network
        norm = nn.BatchNorm1d(self.features)
        # Moved by a bias, the directions of all embeddings would share a part.
        norm.bias.requires_grad = False
        return nn.Sequential(network, norm)

    def prepare(self, images: Sequence[Image]) -> FloatStack:
        """Return local contrast, or colours in [0, 1]: shape (n, 1 or 3, size, size)."""
        stacked = gray_stack if self.contrast else colour_stack
        seen = softened(stacked(images, self.size, self.size), self.soft)
        return local_contrast(seen, sigma=self.size / 12) if self.contrast else seen

    def describe(self, network: nn.Module, prepared: Tensor) -> Tensor:
        """Return embeddings of length 1: of the mean of those of all views."""
        import torch
        from torch.nn import functional

        from harness.training.augmentation import views

        seen = [network(self._normalised(view)) for view in views(prepared, self.views)]
        if self.views > 1:
            seen = [torch.stack([functional.normalize(rows) for rows in seen]).mean(0)]
        return functional.normalize(seen[0])

    def onnx_graph(self) -> tuple[nn.Module, Recipe]:
        """Return blur and local contrast, where they are used, and the network's embeddings."""
        from torch import nn

        from harness.training.onnx_export import Described, LocalContrast, Softened
        from harness.training.onnx_recipe import Recipe

        side = self.size
        graph: list[nn.Module] = [Softened(side, side, self.soft)] if self.soft else []
        if self.contrast:
            graph.append(LocalContrast(side, side, sigma=side / 12))
        described = Described(self.network_, self.describe)
        colour: Literal["gray", "rgb"] = "gray" if self.contrast else "rgb"
        return nn.Sequential(*graph, described), Recipe(side, side, colour=colour)

    def _stored(self, images: Sequence[Image]) -> Tensor:
        """Prepare all training images, in the least memory that loses nothing."""
        import torch

        def stored(some: Sequence[Image]) -> Tensor:
            block = torch.from_numpy(self.prepare(some))
            return block if self.contrast else (block * 255).round().to(torch.uint8)

        return torch.cat(in_threads(stored, images, torch.get_num_threads()))

    def _restored(self, stored: Tensor) -> Tensor:
        return stored if self.contrast else stored.float() / 255

    def _changed(self, images: Tensor) -> Tensor:
        """Augment a batch, where it is computed, and normalise it."""
        from harness.training.augmentation import ColourJitter, bent, erased, parts, redrawn, warped

        images = self._restored(images)
        if self.jitter and not self.contrast:
            images = ColourJitter()(images)
        images = bent(parts(warped(images, self.warp), self.part), self.bend)
        if self.contrast:
            images = redrawn(images, self.redraw)
        return self._normalised(erased(images, self.erase))

    def _normalised(self, images: Tensor) -> Tensor:
        """Return what the network takes: contrast at unit deviation, or ImageNet's colours."""
        from harness.training.weights import IMAGENET_DEVIATION, IMAGENET_MEAN

        if self.contrast:
            return images * 4
        mean = images.new_tensor(IMAGENET_MEAN)[:, None, None]
        return (images - mean) / images.new_tensor(IMAGENET_DEVIATION)[:, None, None]
