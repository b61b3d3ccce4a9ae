"""InceptionV3 with a new last layer, and a small network of its blocks for one processor core."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from harness.training.augmentation import flipped, parts
from harness.training.weights import IMAGENET_DEVIATION, IMAGENET_MEAN, load_pretrained

AUXILIARY = 0.4
"""Weight of the loss of InceptionV3's second output (Szegedy et al. 2016; torchvision's recipe)."""

SMALLEST = 299
"""Side of the smallest images that InceptionV3 can learn from, in pixels: 5x5 are left of them when
they come to its second output, and a convolution of 5x5 stands there."""


class SmallInception(nn.Module):
    """Three Inception blocks behind two convolutions: half a million weights at width 32.

    An image of side s becomes maps of s/4, s/8 and s/16; the mean of each of the last maps goes
    through dropout into the last layer, so that it is what a tattoo is drawn like that counts and
    not where it is.

    Parameters
    ----------
    classes
        Outputs.
    width
        Channels before the first block; each block doubles them.
    dropout
        Share of values left out before the last layer.
    """

    def __init__(self, classes: int, width: int = 32, dropout: float = 0.3) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            _Unit(3, width // 2, 5, stride=2), _Unit(width // 2, width, 3), nn.MaxPool2d(3, 2, 1)
        )
        self.blocks = nn.Sequential(
            Block(width, width * 2),
            nn.MaxPool2d(3, 2, 1),
            Block(width * 2, width * 4),
            nn.MaxPool2d(3, 2, 1),
            Block(width * 4, width * 8),
        )
        self.drop = nn.Dropout(dropout)
        self.fc = nn.Linear(width * 8, classes)

    def forward(self, images: Tensor) -> Tensor:
        """Score RGB images in [0, 1] of shape (n, 3, side, side): shape (n, classes)."""
        maps: Tensor = self.blocks(self.stem(4 * images - 2))
        scores: Tensor = self.fc(self.drop(maps.mean(dim=(2, 3))))
        return scores


class Block(nn.Module):
    """An Inception block: 1x1, 3x3, two 3x3 for a 5x5, and a pool, side by side (figure 5).

    Of the channels that come out a quarter is from the first, three eighths from the second, a
    quarter from the third and an eighth from the last.

    Parameters
    ----------
    before, after
        Channels; `after` a multiple of 8.
    """

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        eighth = after // 8
        self.one = _Unit(before, 2 * eighth, 1)
        self.three = nn.Sequential(_Unit(before, 2 * eighth, 1), _Unit(2 * eighth, 3 * eighth, 3))
        self.five = nn.Sequential(
            _Unit(before, eighth, 1), _Unit(eighth, 2 * eighth, 3), _Unit(2 * eighth, 2 * eighth, 3)
        )
        self.pool = nn.Sequential(nn.AvgPool2d(3, 1, 1), _Unit(before, eighth, 1))

    def forward(self, maps: Tensor) -> Tensor:
        """Turn maps of shape (n, before, height, width) into (n, after, height, width)."""
        return torch.cat([self.one(maps), self.three(maps), self.five(maps), self.pool(maps)], 1)


class _Unit(nn.Sequential):
    """Convolution, batch normalisation, rectifier: what InceptionV3 is made of."""

    def __init__(self, before: int, after: int, kernel: int, stride: int = 1) -> None:
        super().__init__(
            nn.Conv2d(before, after, kernel, stride, kernel // 2, bias=False),
            nn.BatchNorm2d(after),
            nn.ReLU(inplace=True),
        )


class InceptionV3(nn.Module):
    """torchvision's InceptionV3, with new last layers of its main and its second output.

    Parameters
    ----------
    classes
        Outputs.
    weights
        Where all other layers start from: ``imagenet`` for torchvision's own, a file of the same
        (a state dict as ``.pth``, or safetensors), or empty for random.

    Raises
    ------
    UsageError
        If the weights cannot be had, or are of another network.
    """

    mean: Tensor
    deviation: Tensor

    def __init__(self, classes: int, weights: str = "") -> None:
        super().__init__()
        from torchvision.models import inception_v3

        self.network = inception_v3(weights=None, aux_logits=True, init_weights=not weights)
        if weights:
            instead = (
                "give a file of them by --param weights=FILE, or train from random weights by "
            )
            load_pretrained(self.network, "inception_v3", weights, instead + "--param weights=")
        self.network.fc = nn.Linear(self.network.fc.in_features, classes)
        second: Any = self.network.AuxLogits
        second.fc = nn.Linear(second.fc.in_features, classes)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None])
        deviation = torch.tensor(IMAGENET_DEVIATION)[:, None, None]
        self.register_buffer("deviation", deviation)

    def forward(self, images: Tensor) -> Any:
        """Score images.

        Parameters
        ----------
        images
            Floating point, shape (n, 3, side, side): RGB in [0, 1]; side from 75, in training from
            `SMALLEST`.

        Returns
        -------
        torch.Tensor
            Shape (n, classes); in training two of them, the main output first.
        """
        found = self.network((images - self.mean) / self.deviation)
        return (found.logits, found.aux_logits) if self.training else found


class StyleObjective(nn.Module):
    """The cross-entropy of images after flips and cuts; of both outputs where there are two.

    Parameters
    ----------
    network
        From RGB in [0, 1] to scores.
    smallest
        Least share of a side that `parts` shows.
    """

    def __init__(self, network: nn.Module, smallest: float) -> None:
        super().__init__()
        self.network, self._smallest = network, smallest

    def forward(self, images: Tensor, shares: Tensor) -> Tensor:
        """Return the mean loss of a batch, a scalar.

        Parameters
        ----------
        images
            Floating point, shape (n, 3, side, side): RGB in [0, 1].
        shares
            Floating point, shape (n, classes): of each class, summing to 1.
        """
        found = self.network(parts(flipped(images), self._smallest))
        if isinstance(found, tuple):
            main, second = (cross_entropy(scores.float(), shares) for scores in found)
            return main + AUXILIARY * second
        return cross_entropy(found.float(), shares)
