"""Networks from image to embedding, to be trained: others' with a new last layer; a small one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from harness.errors import UsageError
from harness.training.hugging_face import part_of
from harness.training.networks import (
    NOTHING,
    TIMM,
    TORCHVISION,
    Source,
    network_of,
    source_of,
    timm_config,
    weights_of,
)
from harness.training.seeding import seeded
from harness.training.weights import IMAGENET_DEVIATION, IMAGENET_MEAN

SMALL = "small"


class Small(nn.Module):
    """A residual network that one processor core can train from nothing, on images of 25 or more.

    A convolution 5x5, which halves images of 64 and more, and three residual blocks, each of which
    halves the image and doubles the channels; then, as where something stands matters in a drawing,
    not the mean of each map but all of 4x4 places go into the last layer, after dropout of .2.

    Parameters
    ----------
    channels
        Of an image: 1 or 3.
    features
        Length of the embedding.
    size
        Side of the images, in pixels.
    width
        Channels after the first convolution.
    """

    def __init__(self, channels: int, features: int, size: int = 64, width: int = 32) -> None:
        super().__init__()
        stride = 2 if size >= 64 else 1
        self.stem = nn.Sequential(
            nn.Conv2d(channels, width, 5, stride=stride, padding=2, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
        )
        self.blocks = nn.Sequential(*(_Block(width << k, width << k + 1) for k in range(3)))
        self.pool = nn.AdaptiveAvgPool2d(4)
        self.drop = nn.Dropout(0.2)
        self.last = nn.Linear((width << 3) * 16, features)

    def forward(self, images: Tensor) -> Tensor:
        """Embed images of shape (n, channels, height, width)."""
        maps = self.pool(self.blocks(self.stem(images)))
        embeddings: Tensor = self.last(self.drop(maps.flatten(1)))
        return embeddings


class _Block(nn.Module):
    """Two convolutions 3x3 beside a projection (He et al. 2016)."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        self.beside = nn.Conv2d(before, after, 1, stride=2, bias=False)
        self.beside_norm = nn.BatchNorm2d(after)

    def forward(self, maps: Tensor) -> Tensor:
        inner = torch.relu(self.first_norm(self.first(maps)))
        inner = self.second_norm(self.second(inner))
        return torch.relu(inner + self.beside_norm(self.beside(maps)))


class _Seen(nn.Module):
    """A network that is given what others are: gray, or colours by ImageNet's mean and deviation.

    Parameters
    ----------
    network
        Of colour images.
    mean, deviation
        By which its colours are normalised, in [0, 1].
    """

    factor: Tensor
    offset: Tensor

    def __init__(
        self,
        network: nn.Module,
        mean: Sequence[float] = IMAGENET_MEAN,
        deviation: Sequence[float] = IMAGENET_DEVIATION,
    ) -> None:
        super().__init__()
        self.network = network
        theirs, ours = torch.tensor([mean, deviation]), torch.tensor(_IMAGENET)
        factor, offset = ours[1] / theirs[1], (ours[0] - theirs[0]) / theirs[1]
        self.register_buffer("factor", factor[:, None, None], persistent=False)
        self.register_buffer("offset", offset[:, None, None], persistent=False)

    def forward(self, images: Tensor) -> Tensor:
        gray = images.shape[1] == 1
        seen = images.expand(-1, 3, -1, -1) if gray else images * self.factor + self.offset
        embeddings: Tensor = self.network(seen)
        return embeddings


_IMAGENET = (IMAGENET_MEAN, IMAGENET_DEVIATION)


def backbone(
    name: str,
    features: int,
    *,
    channels: int = 3,
    size: int = 64,
    width: int = 32,
    weights: str = "",
    seed: int = 0,
) -> nn.Module:
    """Return a network whose output is an embedding.

    Parameters
    ----------
    name
        ``small``, or as `source_of` takes it; a network of an ONNX file is not trained.
    features
        Length of the embedding; the last layer is new whatever the weights.
    channels
        3, normalised by ImageNet's mean and deviation (what a network wants instead, it is given);
        or 1: then others than the small one see the gray image as all three of their colours.
    size
        Side of the images. Most networks but the small one, and those of timm that are made for one
        size, take any.
    width
        Of the small network.
    weights
        As `weights_of` takes them; what they have for the last layer is not used.
    seed
        Of the random weights.

    Raises
    ------
    UsageError
        If the weights cannot be had, or are of another network, or the size does not go.
    """
    with seeded(seed):
        if name == SMALL:
            if weights not in NOTHING:
                raise UsageError(
                    f"there are no weights of the backbone {SMALL!r}: it is trained from nothing; "
                    "leave out weights, or choose a network of others by --param backbone=..."
                )
            network: Any = Small(channels, features, size, width)
        else:
            network = network_of(source_of(name), weights, size, features)
            theirs = _normalised_by(source_of(name))
            if channels == 1 or theirs != _IMAGENET:
                network = _Seen(network, *theirs)
    # Changes no number's meaning, only how maps lie in memory, which most networks run faster with.
    trained: nn.Module = network.train().to(memory_format=torch.channels_last)
    return trained


def files_of_backbone(name: str, weights: str) -> dict[str, Path]:
    """Return the files of a `backbone` that no parameter names, as `weights_of` does."""
    return {} if name == SMALL else weights_of(source_of(name), weights)


def _normalised_by(source: Source) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and deviation by which colours are normalised for a network."""
    if source.library == TIMM:
        _, config, _ = timm_config(source)
        return tuple(config.mean), tuple(config.std)
    if source.library == TORCHVISION:
        return _IMAGENET
    processor = part_of(Path(source.name), "AutoImageProcessor")
    return tuple(processor.image_mean), tuple(processor.image_std)
