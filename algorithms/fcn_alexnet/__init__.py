"""FCN-AlexNet, which says of every pixel whether it is tattooed: Tattoodo's segmentation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import Image, Mask, Segmenter, TrainingSet, parameter
from harness.errors import UsageError
from harness.training.sampling import Stream
from harness.training.trained import TrainedNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)


@dataclass
class FcnAlexnet(TrainedNetwork, Segmenter):
    """Fully convolutional network with a softmax of two in every pixel.

    The preset ``digits`` is the example of NVIDIA DIGITS that the talk names: AlexNet made fully
    convolutional, images in their own size, batches of 1, SGD at 1e-4 (a tenth of it after every
    third, DIGITS' default). AlexNet's weights come from a file of BVLC's (``weights=FILE``, see
    docs/alexnet-svm.md), or with ``layout=torchvision`` from torchvision, whose AlexNet has other
    widths; ``start=random`` trains from nothing, which takes far longer than the talk's six hours.

    The default learns from nothing in about a minute per fold on one core: a small network whose
    scores are brought back from an eighth, a quarter and half of the image's scale, as lines of a
    tattoo are finer than DIGITS' stride of 32.
    """

    network: str = parameter("small", "Which network.", choices=("small", "alexnet"))
    layout: str = parameter(
        "caffe", "Whose AlexNet: BVLC's or torchvision's.", choices=("caffe", "torchvision")
    )
    start: str = parameter("random", "Weights at first.", choices=("imagenet", "random"))
    weights: str = parameter("", "File with ImageNet weights of BVLC's AlexNet.")
    width: float = parameter(
        1.0, "Share of a network's channels in every layer.", minimum=0.02, maximum=4
    )
    size: int = parameter(
        112, "Side that images are scaled to, in pixels; 0 leaves them as they are.", minimum=0
    )
    iterations: int = parameter(300, "Training steps.", minimum=0)
    batch_size: int = parameter(16, "Images of a step; 1 with size=0.", minimum=1)
    solver: str = parameter("adam", "Way down the loss.", choices=("sgd", "adam"))
    schedule: str = parameter(
        "cosine",
        "Of the learning rate: along a cosine to 0, or a tenth after every third.",
        choices=("cosine", "step"),
    )
    learning_rate: float = parameter(5e-3, "At its highest.", minimum=0)
    momentum: float = parameter(0.9, "Of SGD; first beta of Adam.", minimum=0, maximum=0.999)
    weight_decay: float = parameter(0.0, "L2 penalty on weights, not biases.", minimum=0)
    tattoo_weight: float = parameter(
        2.0, "What a tattooed pixel counts in the loss, against 1 for another.", minimum=0.01
    )

    citation: ClassVar[str] = (
        "Jensen, AI and tattoos, Tattoodo 2017; network: NVIDIA DIGITS, example fcn_alexnet; "
        "Shelhamer et al., Fully Convolutional Networks for Semantic Segmentation, PAMI 2017"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "digits": {
            "network": "alexnet",
            "layout": "caffe",
            "start": "imagenet",
            "width": 1.0,
            "size": 0,
            "iterations": 30_000,
            "batch_size": 1,
            "solver": "sgd",
            "schedule": "step",
            "learning_rate": 1e-4,
            "momentum": 0.9,
            "weight_decay": 5e-4,
            "tattoo_weight": 1.0,
        },
        "check": {"iterations": 3, "width": 0.25, "size": 32, "batch_size": 4},
    }

    def fit(self, train: TrainingSet) -> None:
        """Train the network on images and the masks of their tattoos.

        Raises
        ------
        UsageError
            If ImageNet weights are wanted and cannot be had, or parameters exclude each other.
        ValueError
            If there is no training image.
        """
        if not len(train):
            raise ValueError("fcn-alexnet needs training images with masks")
        if self.size == 0 and self.batch_size > 1:
            raise UsageError("images in their own sizes do not stack: size=0 needs batch_size=1")
        network = self._start()
        self._train(network, train)
        self.network_ = network.eval()

    def segment(self, image: Image) -> Mask:
        """Return the softmax's share of tattoo, at the size of the image.

        Raises
        ------
        RuntimeError
            Before `fit`.
        """
        import torch

        network = self.trained("segment")
        with torch.inference_mode():
            seen = torch.from_numpy(self._scaled(image)[None]).to(self.device)
            scores = network(seen)[0].float().cpu()
            share: npt.NDArray[np.float32] = torch.softmax(scores, 0)[1].numpy()
        height, width = image.shape[:2]
        if share.shape != (height, width):
            share = cv2.resize(share, (width, height), interpolation=cv2.INTER_LINEAR)
        return np.clip(share, 0.0, 1.0)

    def build(self) -> nn.Module:
        """Return the network of the seed, before any ImageNet weights."""
        from harness.training.seeding import generator, seeded

        from .network import CAFFE, TORCHVISION, FcnAlexNet, SmallFcn

        if self.network == "alexnet":
            layout = CAFFE if self.layout == "caffe" else TORCHVISION
            return FcnAlexNet(2, layout, self.width, generator(self.seed))
        with seeded(self.seed):
            return SmallFcn(2, max(4, round(16 * self.width)))

    def _start(self) -> nn.Module:
        """Return the network with the weights that training starts from: the net surgery."""
        from harness.training.weights import IMAGENET, read_weights

        from .network import FcnAlexNet, take_weights

        network = self.build()
        if self.start == "random":
            if self.weights:
                raise UsageError(f"weights={self.weights} would not be used with start=random")
            return network
        if not isinstance(network, FcnAlexNet) or self.width != 1:
            raise UsageError("ImageNet weights fit network=alexnet with width=1, and nothing else")
        if self.weights and self.layout == "torchvision":
            raise UsageError(
                f"weights={self.weights} is a file of BVLC's AlexNet: it goes with layout=caffe"
            )
        if not self.weights and self.layout == "caffe":
            raise UsageError(
                "DIGITS starts from ImageNet weights of BVLC's AlexNet, which nobody offers for "
                "download in a format without code in it. Name a converted file with "
                "--param weights=FILE (docs/alexnet-svm.md says how), take torchvision's AlexNet "
                "with --param layout=torchvision, or train from nothing with --param start=random"
            )
        source = self.weights or IMAGENET
        instead = "train from nothing with --param start=random"
        take_weights(network, read_weights(source, "alexnet", instead), source)
        return network

    def _scaled(self, image: Image) -> npt.NDArray[np.float32]:
        """Return an image as the networks take it: shape (3, side, side), RGB from 0 to 255."""
        if self.size:
            image = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(image.transpose(2, 0, 1), dtype=np.float32)

    def _truth(self, mask: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        """Return the class of every pixel, at the size that the network sees."""
        if self.size:
            share = mask.astype(np.float32)
            share = cv2.resize(share, (self.size, self.size), interpolation=cv2.INTER_AREA)
            mask = share >= 0.5
        return mask.astype(np.int64)

    def _train(self, network: nn.Module, train: TrainingSet) -> None:
        """Minimise the cross-entropy; every image comes once before any comes again."""
        import torch

        from harness.training.descent import Descent
        from harness.training.schedules import Cosine, StepPolicy, solver

        from .network import PixelObjective

        # Images in their own size may be large: they are decoded when their turn comes.
        kept = [] if self.size == 0 else [self._example(train, i) for i in range(len(train))]
        order = Stream(len(train), self.seed)

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            drawn = order.batch(step, self.batch_size)[share].tolist()
            shown = [kept[i] if kept else self._example(train, i) for i in drawn]
            images, truth = (torch.stack(column) for column in zip(*shown, strict=True))
            return images, truth

        optimiser = solver(
            network, self.solver, momentum=self.momentum, weight_decay=self.weight_decay
        )
        for group in optimiser.param_groups:
            if group["multiplier"] != 1:  # the biases
                group["weight_decay"] = 0.0
        schedule = (
            Cosine(self.learning_rate, self.iterations, self.iterations // 10)
            if self.schedule == "cosine"
            else StepPolicy(self.learning_rate, max(1, -(-self.iterations // 3)), 0.1)
        )
        self.learning_curve_ = Descent(
            PixelObjective(network, self.tattoo_weight, mirrored=self.network == "small"),
            batch,
            optimiser,
            schedule,
            self.iterations,
            seed=self.seed,
            devices=self.chosen_devices(),
            checkpoints=train.checkpoints,
            progress=train.progress,
            ahead=True,
        ).run()

    def _example(self, train: TrainingSet, index: int) -> tuple[Tensor, Tensor]:
        import torch

        image, mask = self._scaled(train.images[index]), self._truth(train.masks[index])
        return torch.from_numpy(image), torch.from_numpy(mask)
