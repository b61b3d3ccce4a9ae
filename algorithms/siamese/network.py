"""The Siamese network of Di & Patel (2016, Table 2), with the initial weights of Caffe."""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn


class Outputs(NamedTuple):
    """The two layers that matter, by the names they have in Caffe's example."""

    ip2: Tensor
    """The descriptor: shape (n, descriptor)."""
    feat: Tensor
    """Shape (n, 2)."""


class SiameseNetwork(nn.Module):
    """Both arms of the network: they share every weight, so one module is enough.

    It is Caffe's MNIST example on larger images: convolution 5x5x20, max pool 2, convolution
    5x5x50, max pool 2, inner products of 500, `descriptor` and 2. Caffe pools in ceil mode (22x17
    becomes 11x9), which makes 4,950 values after the second pool. The only rectifier follows the
    first inner product.

    Parameters
    ----------
    descriptor
        Length of ip2: 10 for the contrastive loss of the paper, 256 for its triplet loss.
    generator
        Source of the initial weights.
    """

    def __init__(self, descriptor: int, generator: torch.Generator | None = None) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, 20, 5)
        self.conv2 = nn.Conv2d(20, 50, 5)
        self.pool = nn.MaxPool2d(2, ceil_mode=True)
        self.ip1 = nn.Linear(50 * 11 * 9, 500)
        self.ip2 = nn.Linear(500, descriptor)
        self.feat = nn.Linear(descriptor, 2)
        for layer in (self.conv1, self.conv2, self.ip1, self.ip2, self.feat):
            caffe_xavier(layer, generator)
        # Changes no number's meaning, only how maps lie in memory: a third off the time of a step.
        self.to(memory_format=torch.channels_last)

    def forward(self, images: Tensor) -> Outputs:
        """Describe images of shape (n, 1, 56, 46)."""
        maps = self.pool(self.conv2(self.pool(self.conv1(images))))
        ip2 = self.ip2(torch.relu(self.ip1(maps.flatten(1))))
        return Outputs(ip2, self.feat(ip2))


def caffe_xavier(layer: nn.Conv2d | nn.Linear, generator: torch.Generator | None = None) -> None:
    """Fill a layer as Caffe's fillers "xavier" (weights) and "constant" (bias 0) do.

    Caffe draws uniformly from +-sqrt(3 / fan-in); torch's function of the same name averages
    fan-in and fan-out (Glorot & Bengio 2010) and starts elsewhere.

    Parameters
    ----------
    layer
        Changed in place.
    generator
        Source of the weights; torch's global one if None.
    """
    fan_in = layer.weight[0].numel()
    bound = math.sqrt(3 / fan_in)
    with torch.no_grad():
        layer.weight.uniform_(-bound, bound, generator=generator)
        if layer.bias is not None:
            layer.bias.zero_()
