"""Learning to remove tattoos: what a network's maps mean, overlaid ink, and the loss."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .perceptual import PerceptualLoss

CLOSED, OPEN = 0.1, 0.9
"""Gates below and above are 0 and 1: what shows no tattoo is not changed even a little."""

_TINY = 1 / 255


class Painted(NamedTuple):
    """What a network paints.

    Parameters
    ----------
    picture
        In [0, 1], shape (n, 3, height, width): the picture without its tattoo (``picture``), or
        what comes in its place where the gate is open (``gated``).
    gate
        In [0, 1], shape (n, 1, height, width); None where everything is painted.
    """

    picture: Tensor
    gate: Tensor | None

    def over(self, pictures: Tensor) -> Tensor:
        """Return the result for pictures that the network saw; both in the shape of `picture`."""
        return self.picture if self.gate is None else torch.lerp(pictures, self.picture, self.gate)


def painted(raw: Tensor, head: str) -> Painted:
    """Read the raw maps of a network.

    Parameters
    ----------
    raw
        Shape (n, 3, height, width) for ``picture``, (n, 4, ...) for ``gated``: the gate last.
    head
        Which of the two.
    """
    picture = torch.sigmoid(raw[:, :3])
    if head == "picture":
        return Painted(picture, None)
    share = (torch.sigmoid(raw[:, 3:]) - CLOSED) / (OPEN - CLOSED)
    return Painted(picture, share.clamp(0, 1))


def overlaid(
    pictures: Tensor, clean: Tensor, masks: Tensor, share: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Lay ink of other pictures over some of the clean captures of a batch.

    Ink is the quotient of a picture and its clean capture inside the mask: it lets some of each
    colour through. Each picture gets that of its left neighbour in the batch, flipped.

    Parameters
    ----------
    pictures, clean
        In [0, 1], shape (n, 3, height, width).
    masks
        0 or 1, shape (n, 1, height, width).
    share
        Chance of each picture to be replaced, in [0, 1].

    Returns
    -------
    tuple of torch.Tensor
        Pictures, clean captures and masks.
    """
    if share == 0:
        return pictures, clean, masks
    ink = torch.where(masks > 0, (pictures + _TINY) / (clean + _TINY), 1.0).clamp(0, 2)
    ink, shape = ink.roll(1, 0).flip(3), masks.roll(1, 0).flip(3)
    chosen = torch.rand(len(pictures), 1, 1, 1, device=pictures.device) < share
    laid = (clean * ink).clamp(0, 1)
    return torch.where(chosen, laid, pictures), clean, torch.where(chosen, shape, masks)


class RemovalObjective(nn.Module):
    """The loss of a batch: L1, feature and gram terms, and the cross-entropy of the gate.

    Parameters
    ----------
    network
        From pictures to raw maps.
    head
        As `painted` takes it.
    features
        Of the perceptual terms; L1 alone without.
    gate_weight
        Of the gate's cross-entropy with the mask; nothing for the head ``picture``.
    overlay
        As `overlaid` takes it.
    """

    def __init__(
        self,
        network: nn.Module,
        head: str,
        features: nn.Module | None = None,
        gate_weight: float = 0.0,
        overlay: float = 0.0,
    ) -> None:
        super().__init__()
        self.network, self.head = network, head
        self.perceptual = None if features is None else PerceptualLoss(features)
        self.gate_weight, self.overlay = gate_weight, overlay

    def forward(self, pictures: Tensor, clean: Tensor, masks: Tensor) -> Tensor:
        """Return the loss of pictures after random changes.

        Parameters
        ----------
        pictures, clean
            In [0, 1], shape (n, 3, size, size).
        masks
            0 or 1, shape (n, 1, size, size).
        """
        pictures, clean, masks = overlaid(pictures, clean, masks, self.overlay)
        pictures, clean, masks = _turned(*_relit(pictures, clean), masks)
        seen = pictures.contiguous(memory_format=torch.channels_last)
        raw = self.network(seen).float()
        found = painted(raw, self.head).over(pictures)
        loss = functional.l1_loss(found, clean)
        if self.perceptual is not None:
            loss = self.perceptual(found, clean)
        if self.head == "gated" and self.gate_weight:
            cost = functional.binary_cross_entropy_with_logits(raw[:, 3:], masks)
            loss = loss + self.gate_weight * cost
        return loss


def _relit(pictures: Tensor, clean: Tensor) -> tuple[Tensor, Tensor]:
    """Change light and its colour, of a picture and its clean capture alike."""
    count, device = len(pictures), pictures.device
    light = 0.8 + 0.4 * torch.rand(count, 1, 1, 1, device=device)
    colour = 0.95 + 0.1 * torch.rand(count, 3, 1, 1, device=device)
    return (pictures * light * colour).clamp(0, 1), (clean * light * colour).clamp(0, 1)


def _turned(*parts: Tensor) -> tuple[Tensor, ...]:
    """Flip and transpose all parts alike, the whole batch at once for each transposition."""
    count, device = len(parts[0]), parts[0].device
    sideways, upside_down = torch.rand(2, count, 1, 1, 1, device=device) < 0.5
    transposed = bool(torch.rand(()) < 0.5)
    found = []
    for part in parts:
        turned = torch.where(sideways, part.flip(3), part)
        turned = torch.where(upside_down, turned.flip(2), turned)
        found.append(turned.transpose(2, 3) if transposed else turned)
    return tuple(found)
