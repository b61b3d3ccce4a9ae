"""Non-mated pairs and triplets out of a batch of mated pairs.

The time of a step goes into images, not into distances, so an image should serve more than once: 16
mated pairs are the images of only 8 mated and 8 random pairs, or of 10 random triplets.

Take the rows with `Tensor.index_select`: the gradient of ``rows[numbers]`` adds up in the order in
which threads finish, so that two fits differ.
"""

from __future__ import annotations

import torch
from torch import Tensor


def batch_pairs(identities: Tensor) -> tuple[Tensor, Tensor]:
    """Make the mated pairs of a batch and as many random non-mated ones.

    Mated pairs are drawn in random order, so the first image of each and the second image of the
    next are a random pair. Where these two share an identity there is no such pair.

    Parameters
    ----------
    identities
        int64, shape (pairs, 2): of the images of each mated pair. Images are numbered
        pair by pair: 0 and 1 are the first pair.

    Returns
    -------
    left, right
        int64, shape (pairs made,), numbers of images; the mated pairs come first.

    Examples
    --------
    >>> left, right = batch_pairs(torch.tensor([[7, 7], [8, 8], [9, 9]]))
    >>> left.tolist(), right.tolist()
    ([0, 2, 4, 0, 2, 4], [1, 3, 5, 3, 5, 1])
    """
    first = torch.arange(0, identities.numel(), 2)
    second = first + 1
    apart = identities[:, 0] != identities[:, 1].roll(-1)
    return torch.cat([first, first[apart]]), torch.cat([second, second.roll(-1)[apart]])


def batch_triplets(identities: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Make every triplet that a batch of mated pairs allows.

    Parameters
    ----------
    identities
        int64, shape (pairs, 2): of the images of each mated pair. Images are numbered
        pair by pair: 0 and 1 are the first pair.

    Returns
    -------
    anchors, positives, negatives
        int64, shape (triplets,), numbers of images. Either image of a pair is an anchor, the other
        one its positive, and each image of another identity a negative.

    Examples
    --------
    >>> anchors, positives, negatives = batch_triplets(torch.tensor([[7, 7], [8, 8]]))
    >>> anchors.tolist()
    [0, 0, 1, 1, 2, 2, 3, 3]
    >>> positives.tolist()
    [1, 1, 0, 0, 3, 3, 2, 2]
    >>> negatives.tolist()
    [2, 3, 2, 3, 0, 1, 0, 1]
    """
    flat = identities.flatten()
    anchors, negatives = torch.nonzero(flat[:, None] != flat[None, :], as_tuple=True)
    # The other image of pair k is 2k + 1 for 2k, and 2k for 2k + 1: the lowest bit flipped.
    return anchors, anchors ^ 1, negatives
