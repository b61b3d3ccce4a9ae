"""All non-mated pairs and triplets of a batch: what mated pairs have to offer beside themselves.

The time of a step goes into images, not into distances. 16 mated pairs are the images of as many
random pairs or of 10 triplets, and hold some 480 other pairs and 900 triplets.

Take the rows with `Tensor.index_select`: the gradient of ``rows[numbers]`` adds up in the order in
which threads finish, so that two fits differ.
"""

from __future__ import annotations

import torch
from torch import Tensor


def batch_strangers(identities: Tensor) -> tuple[Tensor, Tensor]:
    """Make every non-mated pair that a batch of mated pairs allows.

    Parameters
    ----------
    identities
        int64, shape (pairs, 2): of the images of each mated pair. Images are numbered
        pair by pair: 0 and 1 are the first pair.

    Returns
    -------
    left, right
        int64, shape (non-mated pairs,), numbers of images; left < right.

    Examples
    --------
    >>> left, right = batch_strangers(torch.tensor([[7, 7], [8, 8]]))
    >>> left.tolist(), right.tolist()
    ([0, 0, 1, 1], [2, 3, 2, 3])
    """
    flat = identities.flatten()
    left, right = torch.nonzero((flat[:, None] != flat[None, :]).triu(), as_tuple=True)
    return left, right


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
