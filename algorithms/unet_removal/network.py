"""A U-Net over a residual encoder: pixel shuffle with blur, self-attention, spectral norm.

From the papers: U-Net (Ronneberger et al. 2015) over a ResNet (He et al. 2016); sub-pixel
upsampling (Shi et al. 2016) that starts without a checkerboard (Aitken et al. 2017) and is blurred
after it (Sugawara et al. 2018); self-attention (Zhang et al. 2019); spectral norm (Miyato et al.
2018) of every convolution of the decoder, with a batch norm behind those of 3x3. The shape is that
of fastai's ``unet_learner``, the second norm DeOldify's.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import spectral_norm
from torchvision.models.resnet import BasicBlock

from harness.training.weights import IMAGENET_DEVIATION, IMAGENET_MEAN

RESNET34 = (3, 4, 6, 3)
"""Residual blocks of ResNet-34's four stages."""


class ResidualEncoder(nn.Module):
    """ResNet of basic blocks without its head; its parameters are named as torchvision's are.

    Parameters
    ----------
    width
        Channels of the first stage, 64 in ResNet-34; each later stage has twice as many.
    blocks
        Residual blocks of each stage.
    """

    def __init__(self, width: int = 64, blocks: Sequence[int] = RESNET34) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, width, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.maxpool = nn.MaxPool2d(3, stride=2, padding=1)
        widths = [width << stage for stage in range(len(blocks))]
        self.stages = [f"layer{stage + 1}" for stage in range(len(blocks))]
        before = width
        for stage, (after, count) in enumerate(zip(widths, blocks, strict=True)):
            stride = 1 if stage == 0 else 2
            layers = [_block(before, after, stride)]
            layers += [_block(after, after, 1) for _ in range(count - 1)]
            setattr(self, self.stages[stage], nn.Sequential(*layers))
            before = after
        self.channels = (width, *widths)
        """Of the maps that `forward` returns."""

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return maps at 1/2, 1/4, ... 1/32 of the size of images, shape (n, 3, height, width)."""
        maps = [functional.relu(self.bn1(self.conv1(images)))]
        current = self.maxpool(maps[0])
        for name in self.stages:
            current = getattr(self, name)(current)
            maps.append(current)
        return maps


def _block(before: int, after: int, stride: int) -> nn.Module:
    beside = None
    if stride != 1 or before != after:
        beside = nn.Sequential(
            nn.Conv2d(before, after, 1, stride=stride, bias=False), nn.BatchNorm2d(after)
        )
    block: nn.Module = BasicBlock(before, after, stride, beside)
    return block


class SelfAttention(nn.Module):
    """Every place looks at every other: ``x + gamma * o``, gamma learned from 0.

    Queries and keys have an eighth of the channels, values all of them, as in section 3 of Zhang
    et al. (2019); each of the three maps is a 1x1 convolution with spectral norm and no bias.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        narrow = max(1, channels // 8)
        self.query = spectral_norm(nn.Conv1d(channels, narrow, 1, bias=False))
        self.key = spectral_norm(nn.Conv1d(channels, narrow, 1, bias=False))
        self.value = spectral_norm(nn.Conv1d(channels, channels, 1, bias=False))
        self.gamma = nn.Parameter(torch.zeros(1))

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of the shape given: (n, channels, height, width)."""
        places = maps.flatten(2)
        # Attention of place j to place i: softmax over i of query_i . key_j.
        weights = torch.softmax(self.query(places).transpose(1, 2) @ self.key(places), dim=1)
        seen = (self.value(places) @ weights).reshape(maps.shape)
        attended: Tensor = maps + self.gamma * seen
        return attended


class Shuffle(nn.Module):
    """Twice the size by pixel shuffle, started as nearest neighbour, and a 2x2 mean after it."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        conv = nn.Conv2d(before, 4 * after, 1)
        with torch.no_grad():
            conv.weight.copy_(conv.weight[::4].repeat_interleave(4, dim=0))
            nn.init.zeros_(conv.bias)  # type: ignore[arg-type]
        self.conv = spectral_norm(conv)

    def forward(self, maps: Tensor) -> Tensor:
        """Return maps of shape (n, after, 2 height, 2 width)."""
        larger = functional.relu(functional.pixel_shuffle(self.conv(maps), 2))
        # One row and column repeated above and to the left, so that the mean keeps the size.
        return functional.avg_pool2d(functional.pad(larger, (1, 0, 1, 0), mode="replicate"), 2, 1)


class UpBlock(nn.Module):
    """Doubles the size of what comes from below and joins it with the encoder's map."""

    def __init__(self, below: int, beside: int, after: int, *, attends: bool = False) -> None:
        super().__init__()
        self.shuffle = Shuffle(below, below // 2)
        self.norm = nn.BatchNorm2d(beside)
        joined = below // 2 + beside
        self.first = _conv(joined, after)
        self.second = _conv(after, after)
        self.attention = SelfAttention(after) if attends else nn.Identity()

    def forward(self, below: Tensor, beside: Tensor) -> Tensor:
        """Return maps of shape (n, after, height, width), the size of `beside`."""
        joined = functional.relu(torch.cat([self.shuffle(below), self.norm(beside)], dim=1))
        inner = functional.relu(self.second(functional.relu(self.first(joined))))
        attended: Tensor = self.attention(inner)
        return attended


class UNet(nn.Module):
    """From a picture in [0, 1] to raw maps of its size.

    The middle widens to twice the encoder's last channels and back. A decoder block has as many
    channels as it joins, the last one half of them; the second of them attends. Its output is
    doubled once more to the picture's size, joined with the picture, and passes one residual block.

    Parameters
    ----------
    outputs
        Channels of the result.
    width, blocks
        Of the encoder.
    """

    def __init__(self, outputs: int, width: int = 64, blocks: Sequence[int] = RESNET34) -> None:
        super().__init__()
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        deviation = torch.tensor(IMAGENET_DEVIATION)[:, None, None]
        self.register_buffer("deviation", deviation, persistent=False)
        self.encoder = ResidualEncoder(width, blocks)
        *beside, deepest = self.encoder.channels
        self.middle = nn.Sequential(
            nn.BatchNorm2d(deepest),
            nn.ReLU(),
            _conv(deepest, 2 * deepest),
            nn.ReLU(),
            _conv(2 * deepest, deepest),
            nn.ReLU(),
        )
        self.decoder = nn.ModuleList()
        below = deepest
        for number, channels in enumerate(reversed(beside)):
            joined = below // 2 + channels
            after = joined // 2 if number == len(beside) - 1 else joined
            self.decoder.append(UpBlock(below, channels, after, attends=number == 1))
            below = after
        self.last_shuffle = Shuffle(below, below)
        whole = below + 3
        self.last_first, self.last_second = _conv(whole, whole), _conv(whole, whole)
        self.head = nn.Conv2d(whole, outputs, 1)

    def forward(self, pictures: Tensor) -> Tensor:
        """Return raw maps: shape (n, outputs, height, width).

        Parameters
        ----------
        pictures
            RGB in [0, 1], shape (n, 3, height, width), sides multiples of `REDUCTION`.
        """
        images = (pictures - self.mean) / self.deviation
        *beside, current = self.encoder(images)
        current = self.middle(current)
        for block, joined in zip(self.decoder, reversed(beside), strict=True):
            current = block(current, joined)
        whole = torch.cat([self.last_shuffle(current), images], dim=1)
        inner = functional.relu(self.last_second(functional.relu(self.last_first(whole))))
        raw: Tensor = self.head(whole + inner)
        return raw


def _conv(before: int, after: int) -> nn.Module:
    """Return a convolution whose gain is bounded, and a batch norm that sets the scale again."""
    conv = nn.Conv2d(before, after, 3, padding=1, bias=False)
    nn.init.kaiming_normal_(conv.weight)
    return nn.Sequential(spectral_norm(conv), nn.BatchNorm2d(after))
