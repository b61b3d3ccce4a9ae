"""Feature and gram loss on VGG16-bn: pictures alike as a network sees them, not pixel by pixel.

The perceptual losses of Johnson et al. (ECCV 2016) with the layers and weights of SkinDeep and
DeOldify: the activations before the last three max pools, weighted 5, 15 and 2, and their gram
matrices, weighted by the squares of these times 5,000. All distances are mean absolute ones.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional

from harness.errors import UsageError
from harness.training.seeding import seeded
from harness.training.weights import IMAGENET_DEVIATION, IMAGENET_MEAN, load_pretrained

WEIGHTS = (5.0, 15.0, 2.0)
GRAM_WEIGHT = 5e3
RANDOM = "random"


class PerceptualLoss(nn.Module):
    """L1 + feature + gram loss of a picture against the one wanted.

    Parameters
    ----------
    features
        Returns maps of a batch of pictures in [0, 1], one for each of `weights`. Frozen here.
    weights
        Of the maps.
    gram_weight
        Multiplies the gram terms beside the squares of `weights`; 0 leaves them out.
    """

    def __init__(
        self,
        features: nn.Module,
        weights: Sequence[float] = WEIGHTS,
        gram_weight: float = GRAM_WEIGHT,
    ) -> None:
        super().__init__()
        self.features = features.eval().requires_grad_(requires_grad=False)
        self.weights, self.gram_weight = tuple(weights), gram_weight

    def train(self, mode: bool = True) -> PerceptualLoss:
        """Stay in evaluation: the norms of the features must not follow the pictures shown."""
        self.training = mode
        return self

    def terms(self, painted: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Return the weighted terms by name (``l1``, ``feature``, ``gram``); the loss is their sum.

        Parameters
        ----------
        painted, target
            RGB in [0, 1], shape (n, 3, height, width).
        """
        with torch.no_grad():
            there = self.features(target)
        here = self.features(painted)
        pairs = list(zip(self.weights, here, there, strict=True))
        feature = [w * functional.l1_loss(a, b) for w, a, b in pairs]
        grams = [
            w * w * self.gram_weight * functional.l1_loss(gram(a), gram(b)) for w, a, b in pairs
        ]
        return {
            "l1": functional.l1_loss(painted, target),
            "feature": torch.stack(feature).sum(),
            "gram": torch.stack(grams).sum(),
        }

    def forward(self, painted: Tensor, target: Tensor) -> Tensor:
        """Return the loss, a scalar."""
        return torch.stack(list(self.terms(painted, target).values())).sum()


def gram(maps: Tensor) -> Tensor:
    """Return how channels go together: ``F F^T / (channels height width)`` of every example.

    Parameters
    ----------
    maps
        Shape (n, channels, height, width).

    Returns
    -------
    torch.Tensor
        Shape (n, channels, channels), symmetric.

    Examples
    --------
    >>> gram(torch.tensor([[[[1.0, 2.0]], [[3.0, 4.0]]]])).tolist()  # [5, 11; 11, 25] / 4
    [[[1.25, 2.75], [2.75, 6.25]]]
    """
    rows = maps.flatten(2)
    return rows @ rows.transpose(1, 2) / rows[0].numel()


class Vgg16Features(nn.Module):
    """Activations of VGG16-bn before its third, fourth and fifth max pool.

    They have 256, 512 and 512 channels and 1/4, 1/8 and 1/16 of the picture's sides.

    Parameters
    ----------
    weights
        ``imagenet`` for torchvision's, a file of the same, or ``random``: fixed random features,
        which know nothing of pictures and are worth trying only where nothing else can be had.
    seed
        Of random features.

    Raises
    ------
    UsageError
        If the weights cannot be had.
    """

    def __init__(self, weights: str = "imagenet", seed: int = 0) -> None:
        super().__init__()
        if not weights:
            raise UsageError("the feature loss needs weights: imagenet, a file, or random")
        # Of the 138 million weights most are in the classifier, which nothing here needs.
        with torch.device("meta"):
            whole = torchvision.models.vgg16_bn(weights=None)
        features = nn.ModuleDict({"features": whole.features.to_empty(device="cpu")})
        with seeded(seed):
            for layer in whole.features:
                if isinstance(layer, nn.BatchNorm2d):
                    layer.reset_parameters()
                elif isinstance(layer, nn.Conv2d):
                    nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                    nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
        if weights != RANDOM:
            instead = f"use another loss, e.g. features={RANDOM}"
            load_pretrained(features, "vgg16_bn", weights, instead, leave_out="classifier.")
        pools = [i for i, layer in enumerate(whole.features) if isinstance(layer, nn.MaxPool2d)]
        self.taken = [pool - 1 for pool in pools[2:]]
        self.layers = whole.features[: pools[-1]]
        # In place, a rectifier would overwrite what was taken before it.
        for layer in self.layers:
            if isinstance(layer, nn.ReLU):
                layer.inplace = False
        self.mean: Tensor
        self.deviation: Tensor
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN)[:, None, None], persistent=False)
        deviation = torch.tensor(IMAGENET_DEVIATION)[:, None, None]
        self.register_buffer("deviation", deviation, persistent=False)

    def forward(self, pictures: Tensor) -> list[Tensor]:
        """Return three maps of pictures in [0, 1], shape (n, 3, height, width)."""
        current, taken = (pictures - self.mean) / self.deviation, []
        for number, layer in enumerate(self.layers):
            current = layer(current)
            if number in self.taken:
                taken.append(current)
        return taken
