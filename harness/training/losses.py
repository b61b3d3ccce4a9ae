"""Contrastive and triplet loss, as Caffe and Di & Patel (2016) compute them, and ArcFace."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

# sqrt has no derivative at 0; two equal descriptors give no direction to push them in anyway.
_TINY = 1e-12


def contrastive_loss(
    left: Tensor, right: Tensor, mated: Tensor, margin: float = 1.0, *, legacy: bool = False
) -> Tensor:
    """Pull mated pairs together, and push the others apart until they are `margin` apart.

    Caffe's ``1/(2N) sum(y d^2 + (1 - y) max(margin - d, 0)^2)`` (Hadsell et al., CVPR 2006), with
    d the Euclidean distance of a pair and y = 1 where it is mated; the paper's Y is the other way
    round.

    Parameters
    ----------
    left, right
        Shape (N, d).
    mated
        bool, shape (N,).
    margin
        Distance at which a non-mated pair is left alone.
    legacy
        Caffe before April 2015 had ``max(margin - d^2, 0)`` in the place of the second square.

    Returns
    -------
    torch.Tensor
        A scalar, 0 or more.

    Examples
    --------
    One mated pair at distance 2, one other at distance .5: (4 + .25) / 4.

    >>> left, right = torch.tensor([[0.0, 0.0], [0.5, 0.0]]), torch.tensor([[0.0, 2.0], [0.0, 0.0]])
    >>> round(contrastive_loss(left, right, torch.tensor([True, False])).item(), 4)
    1.0625
    """
    squared = (left - right).square().sum(dim=1)
    if legacy:
        apart = (margin - squared).clamp(min=0)
    else:
        apart = (margin - squared.clamp(min=_TINY).sqrt()).clamp(min=0).square()
    # Not mean(): a batch may hold no pair of a kind, and nothing to learn costs nothing.
    return torch.where(mated, squared, apart).sum() / (2 * max(len(mated), 1))


def triplet_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin: float,
    *,
    violating_only: bool = False,
) -> Tensor:
    """Want the anchor nearer to its positive than to its negative, by `margin`.

    ``mean max(0, |a - p|^2 - |a - n|^2 + margin)``: equation 2 of the paper, which has squared
    distances. It writes a sum; Caffe's losses are means over the batch, and the paper's learning
    rates are Caffe's, so this is the mean.

    Parameters
    ----------
    anchor, positive, negative
        Shape (N, d).
    margin
        In squared distance.
    violating_only
        Mean over the triplets above 0 only: as most triplets of a batch are learned soon, they
        would otherwise dilute those that are not (Hermans, Beyer & Leibe 2017).

    Returns
    -------
    torch.Tensor
        A scalar, 0 or more; 0 without triplets.

    Examples
    --------
    >>> a, p, n = torch.tensor([[0.0]]), torch.tensor([[1.0]]), torch.tensor([[0.5]])
    >>> triplet_loss(a, p, n, margin=0.25).item()
    1.0
    """
    near = (anchor - positive).square().sum(dim=1)
    far = (anchor - negative).square().sum(dim=1)
    excess = (near - far + margin).clamp(min=0)
    count = int((excess > 0).sum()) if violating_only else len(excess)
    return excess.sum() / max(count, 1)


class ArcFace(nn.Module):
    """Additive angular margin: equation 3 of Deng et al. (CVPR 2019), over class weights it learns.

    The cosine of an embedding with the weights of its own class, cos(t), becomes cos(t + margin);
    all are multiplied by `scale` and go into a softmax cross-entropy. Beyond t = pi - margin, where
    cos(t + margin) would rise again and so reward being wrong, it goes on falling as
    cos(t) - margin sin(margin), as in the authors' code without "easy margin". Always computed in
    float32.

    Parameters
    ----------
    features
        Length of an embedding.
    classes
        Identities.
    scale
        64 in the paper.
    margin
        In radians; .5 in the paper.
    generator
        Source of the class weights, drawn from N(0, .01^2).
    smoothing
        Share of a label that all classes get alike (Szegedy et al. 2016), in [0, 1).

    Examples
    --------
    An embedding that points at its class, t = 0, against a class at a right angle:

    >>> loss = ArcFace(2, 2, scale=1.0, margin=0.5)
    >>> loss.weight.data = torch.tensor([[2.0, 0.0], [0.0, 3.0]])
    >>> round(loss(torch.tensor([[5.0, 0.0]]), torch.tensor([0])).item(), 4)
    0.3477
    >>> round(math.log(1 + math.exp(-math.cos(0.5))), 4)
    0.3477
    """

    def __init__(
        self,
        features: int,
        classes: int,
        scale: float = 64.0,
        margin: float = 0.5,
        generator: torch.Generator | None = None,
        *,
        smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        self.scale, self.margin, self.smoothing = scale, margin, smoothing
        self.weight = nn.Parameter(torch.empty(classes, features))
        with torch.no_grad():
            self.weight.normal_(std=0.01, generator=generator)

    def logits(self, embeddings: Tensor, classes: Tensor) -> Tensor:
        """Return what goes into the softmax.

        Parameters
        ----------
        embeddings
            Shape (n, features), of any length.
        classes
            int64, shape (n,).

        Returns
        -------
        torch.Tensor
            float32, shape (n, classes), within +-scale but for wrong ones beyond pi - margin.
        """
        with torch.autocast(embeddings.device.type, enabled=False):
            rows = functional.normalize(embeddings.float())
            cosine = functional.linear(rows, functional.normalize(self.weight.float()))
            own = cosine.gather(1, classes[:, None]).clamp(-1, 1)
            # Rounding may leave a cosine at 1, where the derivative of the root has no limit.
            sine = (1 - own.square()).clamp(min=_TINY).sqrt()
            moved = own * math.cos(self.margin) - sine * math.sin(self.margin)
            beyond = own - self.margin * math.sin(self.margin)
            target = torch.where(own > -math.cos(self.margin), moved, beyond)
            return self.scale * cosine.scatter(1, classes[:, None], target)

    @torch.no_grad()
    def imprint(self, embeddings: Tensor, classes: Tensor) -> None:
        """Give classes new directions: the mean of their embeddings (Qi et al., CVPR 2018).

        Parameters
        ----------
        embeddings
            Shape (n, features), of any length.
        classes
            int64, shape (n,).
        """
        rows, length = functional.normalize(embeddings.float()), self.weight.norm(dim=1).mean()
        for one in set(classes.tolist()):
            mean = functional.normalize(rows[classes == one].mean(0), dim=0)
            self.weight[one] = mean * length

    def forward(self, embeddings: Tensor, classes: Tensor) -> Tensor:
        """Return the mean cross-entropy of a batch, a scalar; parameters as for `logits`."""
        logits = self.logits(embeddings, classes)
        return functional.cross_entropy(logits, classes, label_smoothing=self.smoothing)
