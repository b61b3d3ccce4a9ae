"""AlexNet up to fc7: BVLC's, which is Di & Patel's (2016, Table 1), and torchvision's."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional


class AlexNet(nn.Module):
    """Images in [0, 1] to fc7: the descriptor, and what a last layer of any task is put on.

    Five convolutions (the second, fourth and fifth in two groups), of which the first two go
    through a rectifier, local response normalisation (5 channels, alpha 1e-4, beta .75) and a pool
    of 3 with stride 2, in this order; that is BVLC's, while CaffeNet pools first. As in Table 1
    there is dropout after fc6 alone. Caffe pools in ceil mode, which matters below 227 pixels only.

    Parameters
    ----------
    size
        Side of the images, in pixels.
    width
        Share of the paper's channels and units that every layer has; 1 is the paper's.
    filler
        ``gaussian``: standard deviation .01, of fc6 and fc7 .005, as in BVLC's definition.
        ``msra``: sqrt(2 / fan-in) (He et al. 2015), with which few images suffice to get going.
    bias
        Initial bias of conv2, conv4, conv5, fc6 and fc7; that of the others is 0. The paper has 1,
        as has Krizhevsky et al. (2012); BVLC's definition has .1.
    generator
        Source of the initial weights.
    """

    mean: Tensor

    def __init__(
        self,
        size: int = 227,
        width: float = 1.0,
        *,
        filler: str = "gaussian",
        bias: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        # Groups ask for even numbers.
        c1, c2, c3, c4, c5, units = (
            max(2, 2 * round(full * width / 2)) for full in (96, 256, 384, 384, 256, 4096)
        )
        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.conv1 = nn.Conv2d(3, c1, 11, stride=4)
        self.conv2 = nn.Conv2d(c1, c2, 5, padding=2, groups=2)
        self.conv3 = nn.Conv2d(c2, c3, 3, padding=1)
        self.conv4 = nn.Conv2d(c3, c4, 3, padding=1, groups=2)
        self.conv5 = nn.Conv2d(c4, c5, 3, padding=1, groups=2)
        self.norm1, self.norm2 = LocalResponse(c1), LocalResponse(c2)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.fc6 = nn.Linear(c5 * _pooled(size) ** 2, units)
        self.drop6 = nn.Dropout(0.5)
        self.fc7 = nn.Linear(units, units)
        self.units = units
        for name, layer in self.layers().items():
            deviation = 0.005 if name in ("fc6", "fc7") else 0.01
            if filler == "msra":
                deviation = math.sqrt(2 / layer.weight[0].numel())
            constant = 0.0 if name in ("conv1", "conv3") else bias
            fill(layer, deviation, constant, generator)
        # Changes no number's meaning, only how maps lie in memory: a third off the time of a step.
        self.to(memory_format=torch.channels_last)

    def layers(self) -> dict[str, nn.Conv2d | nn.Linear]:
        """Return the layers that have weights, by their names in Caffe."""
        names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
        return {name: getattr(self, name) for name in names}

    def forward(self, images: Tensor) -> Tensor:
        """Describe images of shape (n, 3, size, size), RGB in [0, 1]: shape (n, units)."""
        maps = self.pool(self.norm1(torch.relu(self.conv1(images - self.mean))))
        maps = self.pool(self.norm2(torch.relu(self.conv2(maps))))
        maps = torch.relu(self.conv4(torch.relu(self.conv3(maps))))
        maps = self.pool(torch.relu(self.conv5(maps)))
        fc6 = self.drop6(torch.relu(self.fc6(maps.flatten(1))))
        return torch.relu(self.fc7(fc6))


class LocalResponse(nn.Module):
    """Local response normalisation with Caffe's and the paper's constants.

    ``x / (1 + 1e-4 / 5 * s)^.75`` with s the sum of squares of the five channels around each. As a
    product with a band of ones and two roots it takes a third of the time of torch's
    `LocalResponseNorm`, which is more than half of the network's on a CPU.

    Parameters
    ----------
    channels
        Of the maps.
    """

    band: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        places = torch.arange(channels)
        near = (places[:, None] - places).abs() <= 2
        self.register_buffer("band", near[:, :, None, None] * (1e-4 / 5), persistent=False)

    def forward(self, maps: Tensor) -> Tensor:
        """Normalise maps of shape (n, channels, height, width)."""
        root = torch.rsqrt(1 + functional.conv2d(maps * maps, self.band))
        return maps * (root * torch.sqrt(root))


class TorchvisionAlexNet(nn.Module):
    """torchvision's AlexNet up to fc7: "one weird trick" (Krizhevsky 2014), not the paper's.

    Convolutions of 64, 192, 384, 256 and 256 channels without groups or local response
    normalisation, an average pool that takes images of any size from 63 pixels, and dropout before
    fc6 and fc7. Its first weights are torch's own, from torch's global generator.
    """

    mean: Tensor

    def __init__(self) -> None:
        super().__init__()
        from torchvision.models import alexnet

        self.register_buffer("mean", torch.zeros(3, 1, 1))
        self.alexnet = alexnet()
        self.units = 4096
        del self.alexnet.classifier[6]

    def forward(self, images: Tensor) -> Tensor:
        """Describe images of shape (n, 3, size, size), RGB in [0, 1]: shape (n, 4096)."""
        fc7: Tensor = self.alexnet(images - self.mean)
        return fc7


def fill(
    layer: nn.Conv2d | nn.Linear,
    deviation: float,
    bias: float = 0.0,
    generator: torch.Generator | None = None,
) -> None:
    """Fill a layer as Caffe's fillers "gaussian" (weights, mean 0) and "constant" (bias) do."""
    with torch.no_grad():
        layer.weight.normal_(0.0, deviation, generator=generator)
        if layer.bias is not None:
            layer.bias.fill_(bias)


def _pooled(size: int) -> int:
    """Return the side of what pool5 leaves of an image: 6 of 227 pixels."""
    side = (size - 11) // 4 + 1
    for _ in range(3):
        side = _ceil_pool(side)
    return side


def _ceil_pool(side: int) -> int:
    windows = -((3 - side) // 2) + 1
    # A window may reach over the border but not start beyond it.
    return windows - ((windows - 1) * 2 >= side)
