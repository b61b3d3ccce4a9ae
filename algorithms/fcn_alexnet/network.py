"""Fully convolutional networks: DIGITS' FCN-AlexNet, and a small one with skips for one core."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn.functional import conv_transpose2d, cross_entropy

from harness.training.augmentation import flipped
from harness.training.weights import IMAGENET_DEVIATION, take_layers

SHIFT = 116.0
"""Taken from every value of the image, of 0 to 255 (DIGITS' layer "shift")."""

PAD = 100
STRIDE, KERNEL = 32, 63

CAFFE = ((96, 256, 384, 384, 256, 4096), (1, 2, 1, 2, 2))
TORCHVISION = ((64, 192, 384, 256, 256, 4096), (1, 1, 1, 1, 1))
"""Channels of conv1 to conv5 and of fc6 and fc7; groups of the convolutions."""

TORCHVISION_NAMES = {
    "conv1": "features.0",
    "conv2": "features.3",
    "conv3": "features.6",
    "conv4": "features.8",
    "conv5": "features.10",
    "fc6": "classifier.1",
    "fc7": "classifier.4",
}
"""torchvision's names of AlexNet's layers, by Caffe's."""


class FcnAlexNet(nn.Module):
    """AlexNet made fully convolutional, as NVIDIA DIGITS' example ``fcn_alexnet`` has it.

    conv1 has a border of 100; rectifier, pool and local response normalisation follow in this order
    (CaffeNet's, as in Shelhamer et al. 2017); fc6 and fc7 are convolutions of 6x6 and 1x1 with
    dropout, and a convolution of 1x1 scores the classes in each of their places. A fixed bilinear
    deconvolution of 63x63 with stride 32 brings the scores back to the image's scale, and a crop at
    18 to its frame. Any image of 24 pixels or more fits: the border adds the rest.

    Parameters
    ----------
    classes
        What a pixel may be: 21 in DIGITS' example, here 2.
    layout
        `CAFFE`, DIGITS' own; or `TORCHVISION`, whose AlexNet has other widths, no groups and no
        normalisation.
    width
        Share of the channels that every layer has; 1 is DIGITS'.
    generator
        Source of the initial weights: standard deviation .01, of fc6 and fc7 .005; scores start at
        0, as without a filler in Caffe.
    """

    def __init__(
        self,
        classes: int = 2,
        layout: tuple[tuple[int, ...], tuple[int, ...]] = CAFFE,
        width: float = 1.0,
        generator: torch.Generator | None = None,
    ) -> None:
        super().__init__()
        full, (g1, g2, g3, g4, g5) = layout
        c1, c2, c3, c4, c5, units = (max(2, 2 * round(n * width / 2)) for n in full)
        self.conv1 = nn.Conv2d(3, c1, 11, stride=4, padding=PAD, groups=g1)
        self.conv2 = nn.Conv2d(c1, c2, 5, padding=2, groups=g2)
        self.conv3 = nn.Conv2d(c2, c3, 3, padding=1, groups=g3)
        self.conv4 = nn.Conv2d(c3, c4, 3, padding=1, groups=g4)
        self.conv5 = nn.Conv2d(c4, c5, 3, padding=1, groups=g5)
        self.fc6 = nn.Conv2d(c5, units, 6)
        self.fc7 = nn.Conv2d(units, units, 1)
        self.score = nn.Conv2d(units, classes, 1)
        self.pool = nn.MaxPool2d(3, stride=2, ceil_mode=True)
        self.norm: nn.Module = (
            nn.LocalResponseNorm(5, alpha=1e-4, beta=0.75) if layout == CAFFE else nn.Identity()
        )
        self.drop = nn.Dropout(0.5)
        for name, layer in self.layers().items():
            deviation = 0.005 if name in ("fc6", "fc7") else 0.01
            with torch.no_grad():
                layer.weight.normal_(0.0, deviation, generator=generator)
        for layer in (*self.layers().values(), self.score):
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        nn.init.zeros_(self.score.weight)
        self.register_buffer("kernel", bilinear(KERNEL)[None, None], persistent=False)

    kernel: Tensor

    def layers(self) -> dict[str, nn.Conv2d]:
        """Return the layers that AlexNet has too, by their names in Caffe."""
        names = ("conv1", "conv2", "conv3", "conv4", "conv5", "fc6", "fc7")
        return {name: getattr(self, name) for name in names}

    def coarse(self, images: Tensor) -> Tensor:
        """Return the scores at a 32nd of the image's scale, before the deconvolution.

        Parameters
        ----------
        images
            Floating point, shape (n, 3, height, width): RGB from 0 to 255.

        Returns
        -------
        torch.Tensor
            Floating point, shape (n, classes, rows, columns).
        """
        maps = self.norm(self.pool(torch.relu(self.conv1(images - SHIFT))))
        maps = self.norm(self.pool(torch.relu(self.conv2(maps))))
        maps = torch.relu(self.conv4(torch.relu(self.conv3(maps))))
        maps = self.pool(torch.relu(self.conv5(maps)))
        maps = self.drop(torch.relu(self.fc6(maps)))
        maps = self.drop(torch.relu(self.fc7(maps)))
        scores: Tensor = self.score(maps)
        return scores

    def forward(self, images: Tensor) -> Tensor:
        """Score the pixels of images of shape (n, 3, height, width), RGB from 0 to 255.

        Returns
        -------
        torch.Tensor
            Shape (n, classes, height, width).
        """
        height, width = images.shape[-2:]
        large = upscaled(self.coarse(images), self.kernel, STRIDE)
        offset = crop_offset()
        return large[..., offset : offset + height, offset : offset + width]


class SmallFcn(nn.Module):
    """A small fully convolutional network that learns from nothing on one processor core.

    The same parts: convolutions with rectifiers, convolutions of 1x1 that score, fixed bilinear
    deconvolutions, crops. Beside the coarsest scores, at an eighth of the image's scale, those of a
    quarter and of half are added, as in FCN-16s and FCN-8s (Shelhamer et al. 2017), since lines of
    a tattoo are finer than a stride of 32. Each convolution is followed by batch normalisation.

    Parameters
    ----------
    classes
        What a pixel may be.
    width
        Channels at half the image's scale; doubled with every halving.
    """

    def __init__(self, classes: int = 2, width: int = 16) -> None:
        super().__init__()
        self.fine = nn.Sequential(_unit(3, width, 5, 2), _unit(width, width))
        self.middle = nn.Sequential(_unit(width, 2 * width, 3, 2), _unit(2 * width, 2 * width))
        self.rough = nn.Sequential(
            _unit(2 * width, 4 * width, 3, 2),
            _unit(4 * width, 4 * width),
            _unit(4 * width, 4 * width, 3, 1, 2),
            _unit(4 * width, 4 * width, 3, 1, 4),
        )
        self.scores = nn.ModuleList(nn.Conv2d(width << k, classes, 1) for k in range(3))
        self.register_buffer("kernel", bilinear(4)[None, None], persistent=False)

    kernel: Tensor

    def forward(self, images: Tensor) -> Tensor:
        """Score the pixels of images of shape (n, 3, height, width), RGB from 0 to 255."""
        fine = self.fine((images - SHIFT) / 64)
        middle = self.middle(fine)
        found: Tensor = self.scores[2](self.rough(middle))
        for scorer, maps in ((self.scores[1], middle), (self.scores[0], fine), (None, images)):
            # Twice as large, and from there what lies over the finer maps.
            found = upscaled(found, self.kernel, 2)[
                ..., 1 : 1 + maps.shape[-2], 1 : 1 + maps.shape[-1]
            ]
            if scorer is not None:
                found = found + scorer(maps)
        return found


def _unit(
    before: int, after: int, kernel: int = 3, stride: int = 1, dilation: int = 1
) -> nn.Module:
    border = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(before, after, kernel, stride, border, dilation, bias=False),
        nn.BatchNorm2d(after),
        nn.ReLU(inplace=True),
    )


def bilinear(size: int) -> Tensor:
    """Return Caffe's filler "bilinear": the kernel that interpolates when it is a deconvolution's.

    With ``f = ceil(size / 2)`` and ``c = (2f - 1 - f mod 2) / 2f`` its values are
    ``(1 - |i/f - c|) (1 - |j/f - c|)``. An even size is symmetric; an odd one, such as DIGITS' 63,
    has its middle half a place too far to the right, as in Caffe.

    Returns
    -------
    torch.Tensor
        float32, shape (size, size).

    Examples
    --------
    >>> bilinear(4)[1].mul(16).tolist()
    [3.0, 9.0, 9.0, 3.0]
    """
    f = -(-size // 2)
    centre = (2 * f - 1 - f % 2) / (2 * f)
    line = 1 - (torch.arange(size, dtype=torch.float64) / f - centre).abs()
    return torch.outer(line, line).float()


def upscaled(scores: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Deconvolve every class by itself: side s becomes ``(s - 1) * stride + k``.

    Parameters
    ----------
    scores
        Floating point, shape (n, classes, height, width).
    kernel
        Floating point, shape (1, 1, k, k), of `bilinear`.
    stride
        In pixels of the result.
    """
    classes = scores.shape[1]
    return conv_transpose2d(
        scores, kernel.expand(classes, 1, -1, -1), stride=stride, groups=classes
    )


def crop_offset() -> int:
    """Return where in the upscaled scores the image begins: 18, as DIGITS has it.

    Follow a pixel at place x of the image. conv1 sees it at ``(x + 100 - 5) / 4``, three pools of
    3 with stride 2 at half of what is left of their middle (less 1, then halved), fc6 5/2 further
    left; the deconvolution puts its middle at 32 times that, plus 31.
    """
    place = (PAD - 5) / 4
    for _ in range(3):
        place = (place - 1) / 2
    place -= 2.5
    return int(place * STRIDE + (KERNEL - 1) / 2)


class PixelObjective(nn.Module):
    """The cross-entropy of every pixel, after images and their truth are mirrored alike.

    Parameters
    ----------
    network
        From RGB of 0 to 255 to two scores of every pixel.
    tattoo_weight
        What a tattooed pixel counts, against 1 for another.
    mirrored
        Whether examples are mirrored sideways and upside down, each with a chance of 1/2.
    """

    weights: Tensor

    def __init__(self, network: nn.Module, tattoo_weight: float, *, mirrored: bool) -> None:
        super().__init__()
        self.network, self._mirrored = network, mirrored
        self.register_buffer("weights", torch.tensor([1.0, tattoo_weight]), persistent=False)

    def forward(self, images: Tensor, truth: Tensor) -> Tensor:
        """Return the mean loss of a batch, a scalar.

        Parameters
        ----------
        images
            Floating point, shape (n, 3, height, width): RGB from 0 to 255.
        truth
            int64, shape (n, height, width): the class of every pixel.
        """
        if self._mirrored:
            both = flipped(torch.cat([images, truth[:, None].to(images.dtype)], dim=1))
            images, truth = both[:, :3], both[:, 3].long()
        return cross_entropy(self.network(images).float(), truth, self.weights)


def take_weights(network: FcnAlexNet, state: Mapping[str, Tensor], source: str) -> None:
    """Give a network the weights of an AlexNet: DIGITS' net surgery.

    Convolutions are taken as they are, the matrices of fc6 and fc7 become kernels of 6x6 and 1x1,
    and scores stay what they were. What the source subtracts is not taken over: DIGITS subtracts
    116 from every value.

    Parameters
    ----------
    network
        Of width 1; changed in place, or not at all.
    state
        In the shapes of their layers: of BVLC's AlexNet, by Caffe's names, whose conv1 takes BGR
        from 0 to 255; or of torchvision's, which takes RGB in [0, 1], less a mean and divided by a
        deviation.
    source
        Where it is from, for messages.

    Raises
    ------
    UsageError
        If it is of another network.
    """
    theirs = "features.0.weight" in state
    if theirs:
        named = {
            f"{ours}.{kind}": state[f"{name}.{kind}"]
            for ours, name in TORCHVISION_NAMES.items()
            for kind in ("weight", "bias")
            if f"{name}.{kind}" in state
        }
    expected = "conv1 to conv5, fc6 and fc7, each with .weight and .bias, as in BVLC's AlexNet"
    take_layers(network.layers(), named if theirs else state, source, expected)
    with torch.no_grad():
        first = network.conv1.weight
        if theirs:
            first /= 255 * torch.tensor(IMAGENET_DEVIATION)[:, None, None]
        else:
            first.copy_(first.flip(1))
