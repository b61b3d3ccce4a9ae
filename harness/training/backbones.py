"""Networks from image to embedding: torchvision's, with a new last layer, and a small one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torchvision
from torch import Tensor, nn

from harness.errors import UsageError
from harness.training.seeding import seeded
from harness.training.weights import load_pretrained

SMALL = "small"


class Small(nn.Module):
    """A residual network that one processor core can train from nothing, on images of 32 or more.

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


class _Gray(nn.Module):
    """A network of colour images that takes gray ones."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        embeddings: Tensor = self.network(images.expand(-1, 3, -1, -1))
        return embeddings


def _last_of_classifier(network: Any, features: int) -> None:
    network.classifier[-1] = nn.Linear(network.classifier[-1].in_features, features)


def _fc(network: Any, features: int) -> None:
    network.fc = nn.Linear(network.fc.in_features, features)


def _classifier(network: Any, features: int) -> None:
    network.classifier = nn.Linear(network.classifier.in_features, features)


def _head(network: Any, features: int) -> None:
    network.head = nn.Linear(network.head.in_features, features)


_NEW_LAST_LAYER: dict[str, Callable[[Any, int], None]] = {
    "mobilenet_v3_large": _last_of_classifier,
    "resnet101": _fc,
    "densenet121": _classifier,
    "efficientnet_v2_s": _last_of_classifier,
    "swin_s": _head,
}

BACKBONES = (SMALL, *_NEW_LAST_LAYER)


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
        One of `BACKBONES`.
    features
        Length of the embedding; the last layer is new whatever the weights.
    channels
        3, or 1: then a torchvision network sees the gray image as all three of its colours.
    size, width
        Of the small network; others take images of any size.
    weights
        Of a torchvision network, before its last layer is replaced: ``imagenet`` for torchvision's
        own, a file of the same (a state dict as ``.pth``, or safetensors), or empty for random.
    seed
        Of the random weights.

    Raises
    ------
    UsageError
        If the weights cannot be had, or are of another network.
    """
    with seeded(seed):
        if name == SMALL:
            if weights:
                raise UsageError(
                    f"there are no weights of the backbone {SMALL!r}: it is trained from nothing; "
                    f"leave out weights, or choose one of {', '.join(_NEW_LAST_LAYER)}"
                )
            return Small(channels, features, size, width).to(memory_format=torch.channels_last)
        if name not in _NEW_LAST_LAYER:
            raise UsageError(f"unknown backbone {name!r}; known: {', '.join(BACKBONES)}")
        network = torchvision.models.get_model(name, weights=None)
        if weights:
            instead = (
                "give a file of them by --param weights=FILE, or train from random weights by "
            )
            load_pretrained(network, name, weights, instead + "--param weights=")
        _NEW_LAST_LAYER[name](network, features)
    # Changes no number's meaning, only how maps lie in memory, which most networks run faster with.
    network = network.to(memory_format=torch.channels_last)
    return _Gray(network) if channels == 1 else network
