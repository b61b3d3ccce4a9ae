"""What is learned: modules that take a batch, change it at random, and return its loss."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from harness.training.augmentation import flipped, warped
from harness.training.losses import ArcFace

Change = Callable[[Tensor], Tensor]


class SiameseObjective(nn.Module):
    """A network with a loss of pairs or triplets on one of its layers.

    Parameters
    ----------
    network
        From images to a named tuple of layers.
    layer
        Name of one, such as ``ip2``.
    warp
        Strength of `warped`, after the flips.
    loss
        Of outputs, shape (examples, images of an example, d), and identities.
    flip_each
        Whether every image is flipped by itself, not all of an example alike.
    """

    def __init__(
        self,
        network: nn.Module,
        layer: str,
        warp: float,
        loss: Callable[[Tensor, Tensor], Tensor],
        *,
        flip_each: bool = False,
    ) -> None:
        super().__init__()
        self.network = network
        self._layer, self._warp, self._loss = layer, warp, loss
        self._flip_each = flip_each

    def forward(self, images: Tensor, identities: Tensor) -> Tensor:
        """Return the loss of images of shape (examples, images of an example, height, width)."""
        if self._flip_each:
            flat = flipped(images.flatten(0, 1).unsqueeze(1))
        else:
            flat = flipped(images).flatten(0, 1).unsqueeze(1)
        changed = warped(flat, self._warp)
        outputs = getattr(self.network(changed), self._layer)
        return self._loss(outputs.float().unflatten(0, identities.shape), identities)


class ArcFaceObjective(nn.Module):
    """Any network with ArcFace on its embedding.

    Parameters
    ----------
    network
        From images to embeddings.
    head
        Has a class for every identity.
    change
        Augmentation and normalisation of a batch.
    """

    def __init__(self, network: nn.Module, head: ArcFace, change: Change) -> None:
        super().__init__()
        self.network: nn.Module = network
        self.head: ArcFace = head
        self._change = change

    def forward(self, images: Tensor, classes: Tensor, new: Tensor | None = None) -> Tensor:
        """Return the loss of images of shape (n, channels, height, width).

        Where `new`, bool of shape (n,), is true, a class begins anew at the embeddings of its
        images.
        """
        rows = self.network(self._change(images))
        if new is not None and new.any():
            self.head.imprint(rows.detach()[new], classes[new])
        loss: Tensor = self.head(rows, classes)
        return loss


class SoftmaxObjective(nn.Module):
    """Any network with a linear layer and a softmax over classes on its output.

    Parameters
    ----------
    network
        From images to features.
    last
        From features to one number per class.
    change
        Augmentation of a batch.
    """

    def __init__(self, network: nn.Module, last: nn.Module, change: Change) -> None:
        super().__init__()
        self.network, self.last = network, last
        self._change = change

    def forward(self, images: Tensor, classes: Tensor) -> Tensor:
        """Return the multinomial logistic loss of images of shape (n, channels, height, width)."""
        outputs = self.last(self.network(self._change(images)))
        return functional.cross_entropy(outputs.float(), classes)
