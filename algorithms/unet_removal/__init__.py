"""Tattoos retouched away by a U-Net: SkinDeep's network and loss, and a small one for a CPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import Image, Remover, TrainingSet, parameter
from harness.training.trained import TrainedNetwork

if TYPE_CHECKING:
    from torch import Tensor, nn

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

Picture = npt.NDArray[np.float32]

MULTIPLE = 32
"""Sides that the network takes are multiples of this."""


@dataclass
class UnetRemoval(TrainedNetwork, Remover):
    """U-Net over a residual encoder, with self-attention, spectral norm and blurred upsampling.

    The network sees the picture scaled to `size` and mirrored at its edges up to a multiple of 32;
    what it changes is scaled back and applied to the picture as it was given, so that size, aspect
    and the detail of what is not changed stay.

    With ``head=picture`` the network paints the whole picture, as SkinDeep's does, and its
    difference from what it saw is added. With ``head=gated`` it paints a fill and a gate, the share
    of it in every pixel; a gate below .1 is closed, so that skin without a tattoo is not touched
    at all, and one above .9 is open.

    The preset ``skindeep`` is a ResNet-34 from ImageNet weights, trained with L1, VGG16-bn feature
    and gram loss at 64, 128, 192, 256 and 320 pixels. SkinDeep says nothing of the rest, and what
    the preset has there is ours: steps and rates of the stages, AdamW with a weight decay of 1e-4,
    gradients clipped to a norm of 1, pictures in random light and colour, flipped and transposed at
    random, and a share of .5 with ink of other pictures laid over. The default has the same parts
    with an encoder of a sixth of the width and one block in each stage, at 64 and 128 pixels, and
    its loss is L1 and the cross-entropy of the gate, without pretrained features.

    Beside the pairs of the training set it learns from such as SkinDeep synthesised: the ink of one
    picture (its quotient with its clean capture, inside the mask) laid over the clean capture of
    another.
    """

    size: int = parameter(128, "Longer side of what the network sees, in pixels.", minimum=32)
    sizes: tuple[int, ...] = parameter((64, 128), "Of the stages of training, in pixels.")
    iterations: tuple[int, ...] = parameter((320, 60), "Training steps of each stage.")
    batch_size: int = parameter(8, "Pictures of a step.", minimum=2)
    learning_rate: float = parameter(3e-3, "Highest of the first stage.", minimum=0)
    decay: float = parameter(0.5, "Factor of the rate from stage to stage.", minimum=0, maximum=1)
    weight_decay: float = parameter(1e-4, "L2 penalty of the weights.", minimum=0)
    width: int = parameter(12, "Channels of the encoder's first stage; ResNet-34: 64.", minimum=8)
    blocks: tuple[int, ...] = parameter((1, 1, 1, 1), "Residual blocks of the four stages.")
    encoder: str = parameter("", "Weights of a ResNet-34: imagenet, a file, or none.")
    head: str = parameter("gated", "What the network paints.", choices=("gated", "picture"))
    features: str = parameter(
        "", "VGG16-bn of feature and gram loss: imagenet, a file, random, or none."
    )
    gate_weight: float = parameter(0.2, "Of the gate's cross-entropy beside L1.", minimum=0)
    overlay: float = parameter(
        0.5, "Share of pictures with ink laid over other skin.", minimum=0, maximum=1
    )

    citation: ClassVar[str] = (
        "Madhavan, SkinDeep, 2021; Ronneberger et al., MICCAI 2015; Zhang et al., ICML 2019"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "skindeep": {
            "size": 320,
            "sizes": (64, 128, 192, 256, 320),
            "iterations": (2000, 2000, 2000, 2000, 2000),
            "batch_size": 8,
            "learning_rate": 1e-3,
            "width": 64,
            "blocks": (3, 4, 6, 3),
            "encoder": "imagenet",
            "head": "picture",
            "features": "imagenet",
            "gate_weight": 0.0,
        },
        "check": {"sizes": (32,), "iterations": (2,), "size": 64, "batch_size": 2},
    }

    def fit(self, train: TrainingSet) -> None:
        """Learn from pictures, their masks and their clean captures.

        Raises
        ------
        ValueError
            If there is no picture to learn from, or stages and iterations do not agree.
        UsageError
            If pretrained weights cannot be had.
        """
        import torch

        from harness.training.descent import Descent
        from harness.training.sampling import Stream

        from .progressive import Stages

        if len(self.sizes) != len(self.iterations) or not self.sizes or min(self.sizes) < MULTIPLE:
            raise ValueError(
                f"sizes {self.sizes} and iterations {self.iterations} must have one entry for each "
                f"stage, sizes of {MULTIPLE} and more"
            )
        if not len(train):
            raise ValueError("unet-removal has no picture to learn from")
        stages = Stages(self.sizes, self.iterations, self.learning_rate, self.decay)
        examples = {size: _examples(train, size) for size in sorted(set(self.sizes))}
        order = Stream(len(train), self.seed)

        def batch(step: int, share: slice) -> tuple[Tensor, ...]:
            drawn = torch.from_numpy(order.batch(step, self.batch_size)[share])
            return tuple(part[drawn].float() / 255 for part in examples[stages.size(step)])

        network = self.build(pretrained=True)
        objective = self._objective(network)
        self.learning_curve_ = Descent(
            objective,
            batch,
            torch.optim.AdamW(network.parameters(), lr=0.0, weight_decay=self.weight_decay),
            stages,
            stages.total,
            seed=self.seed,
            devices=self.chosen_devices(),
            clip=1.0,
            checkpoints=train.checkpoints,
            progress=train.progress,
            ahead=True,
        ).run()
        self.network_ = network.eval()

    def remove(self, image: Image) -> Image:
        """Return the picture without its tattoo; every pixel that is not changed is as it was.

        Raises
        ------
        RuntimeError
            Before `fit` or `load`.
        """
        import torch

        from .objective import painted

        network = self.trained("remove")
        height, width = image.shape[:2]
        small = _scaled(image, self.size)
        padded = _padded(small, *(-(-side // MULTIPLE) * MULTIPLE for side in small.shape[:2]))
        seen = torch.from_numpy(padded.transpose(2, 0, 1).copy())[None].float() / 255
        with torch.inference_mode():
            parts = painted(network(seen.to(self.device)).cpu(), self.head)
        rows, columns = small.shape[:2]
        picture = _cut(parts.picture, rows, columns)
        whole = _shares(image)
        if parts.gate is None:
            change = _resized(picture - _shares(small), height, width)
        else:
            gate = _resized(_cut(parts.gate, rows, columns), height, width)
            change = gate * (_resized(picture, height, width) - whole)
        retouched: Image = np.clip((whole + change) * 255 + 0.5, 0, 255).astype(np.uint8)
        return retouched

    def build(self, *, pretrained: bool = False) -> nn.Module:
        """Return the network of the seed, on ImageNet weights where these are wanted.

        Raises
        ------
        UsageError
            If pretrained weights cannot be had.
        """
        import torch

        from harness.training.seeding import seeded

        from .network import RESNET34, UNet

        if self.encoder and (self.width, tuple(self.blocks)) != (64, RESNET34):
            from harness.errors import UsageError

            raise UsageError(
                f"encoder={self.encoder} needs the ResNet-34 that its weights are of: width=64 and "
                f"blocks={','.join(map(str, RESNET34))}"
            )
        with seeded(self.seed):
            network = UNet(4 if self.head == "gated" else 3, self.width, self.blocks)
        if pretrained and self.encoder:
            from harness.training.weights import load_pretrained

            instead = "start from random weights with --param encoder="
            load_pretrained(network.encoder, "resnet34", self.encoder, instead, leave_out="fc.")
        return network.to(memory_format=torch.channels_last)

    def _objective(self, network: nn.Module) -> nn.Module:
        from .objective import RemovalObjective

        features = None
        if self.features:
            from .perceptual import Vgg16Features

            features = Vgg16Features(self.features, self.seed)
        return RemovalObjective(network, self.head, features, self.gate_weight, self.overlay)


def _examples(train: TrainingSet, size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return pictures, clean captures and masks (0 or 255): uint8, (n, channels, size, size)."""
    import torch

    pictures = np.empty((len(train), size, size, 3), np.uint8)
    clean, masks = np.empty_like(pictures), np.empty((len(train), size, size, 1), np.uint8)
    parts = zip(train.images, train.clean, train.masks, strict=True)
    for row, (image, bare, mask) in enumerate(parts):
        pictures[row] = _padded(_scaled(image, size), size, size)
        clean[row] = _padded(_scaled(bare, size), size, size)
        shares = _scaled(mask.astype(np.uint8) * 255, size)
        masks[row, :, :, 0] = _padded(np.where(shares >= 128, 255, 0).astype(np.uint8), size, size)
        train.progress(row + 1, len(train), f"pictures of {size} pixels")
    stacks = (pictures, clean, masks)
    first, second, third = (torch.from_numpy(s.transpose(0, 3, 1, 2).copy()) for s in stacks)
    return first, second, third


def _scaled(image: npt.NDArray[np.uint8], longer: int) -> npt.NDArray[np.uint8]:
    """Scale to a longer side; the aspect stays."""
    height, width = image.shape[:2]
    factor = longer / max(height, width)
    size = (max(1, round(width * factor)), max(1, round(height * factor)))
    if size == (width, height):
        return image
    way = cv2.INTER_AREA if factor < 1 else cv2.INTER_LINEAR
    scaled: npt.NDArray[np.uint8] = cv2.resize(image, size, interpolation=way)
    return scaled


def _padded(image: npt.NDArray[np.uint8], height: int, width: int) -> npt.NDArray[np.uint8]:
    """Add rows below and columns to the right that mirror the picture, however small it is."""
    pads = [(0, height - image.shape[0]), (0, width - image.shape[1])]
    return np.pad(image, [*pads, (0, 0)][: image.ndim], mode="symmetric")


def _shares(image: npt.NDArray[np.uint8]) -> Picture:
    """Return the picture in [0, 1]."""
    return (image / np.float32(255)).astype(np.float32)


def _cut(maps: Tensor, height: int, width: int) -> Picture:
    """Return the part of the first of some maps that was no padding: (height, width, channels)."""
    part: Picture = maps[0, :, :height, :width].numpy().transpose(1, 2, 0)
    return np.ascontiguousarray(part)


def _resized(picture: Picture, height: int, width: int) -> Picture:
    """Scale to the size of the original: (height, width, channels)."""
    if picture.shape[:2] != (height, width):
        scaled = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
        picture = scaled.reshape(height, width, -1)
    return picture
