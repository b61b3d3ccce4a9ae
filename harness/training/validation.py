"""How well embeddings tell identities apart that were not learned from: their equal error rate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from harness.metrics import verification

_BLOCK = 64

MOST = 2_000_000
"""Non-mated comparisons that are looked at, about."""


def embeddings_of(
    describe: Callable[[Tensor], Tensor], images: Tensor, device: torch.device
) -> npt.NDArray[np.float64]:
    """Describe images in blocks.

    Parameters
    ----------
    describe
        Returns embeddings, shape (n, d), of prepared images on the device.
    images
        Shape (n, channels, height, width).
    device
        Where to.

    Returns
    -------
    numpy.ndarray
        float64, shape (n, d).
    """
    rows = []
    with torch.inference_mode():
        for start in range(0, len(images), _BLOCK):
            block = images[start : start + _BLOCK].to(device)
            rows.append(describe(block).float().cpu())
    return torch.cat(rows).double().numpy()


def equal_error_rate(
    embeddings: npt.NDArray[np.float64], identities: npt.NDArray[np.int64], *, cosine: bool
) -> float:
    """Compare all images with each other and return the EER.

    Parameters
    ----------
    embeddings
        float64, shape (n, d).
    identities
        int64, shape (n,): mated where equal.
    cosine
        Compare by cosine; by minus the Euclidean distance otherwise.

    Returns
    -------
    float
        In [0, 1]; see `harness.metrics.verification.eer`. With more than `MOST` comparisons every
        n-th image is compared with all.

    Examples
    --------
    >>> rows = np.array([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]])
    >>> equal_error_rate(rows, np.array([1, 1, 2, 2]), cosine=True)
    0.0
    """
    rows = embeddings
    if cosine:
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        rows = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    count = len(rows)
    every = max(1, round(count * count / 2 / MOST))
    mated, nonmated = [], []
    for place in range(0, count, every):
        others = np.arange(place + 1, count) if every == 1 else np.delete(np.arange(count), place)
        if cosine:
            scores = rows[others] @ rows[place]
        else:
            scores = -np.linalg.norm(rows[others] - rows[place], axis=1)
        same = identities[others] == identities[place]
        mated.append(scores[same])
        nonmated.append(scores[~same])
    return float(verification.eer(np.concatenate(mated), np.concatenate(nonmated)))
