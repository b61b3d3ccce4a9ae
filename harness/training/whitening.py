"""PCA-whitening of embeddings: directions that vary most in training count no more than others."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.errors import UsageError

Floats = npt.NDArray[np.float64]


def learned(rows: Floats, dimension: int = 0, shrinkage: float = 0.0) -> tuple[Floats, Floats]:
    """Learn a centre and a projection: whitened rows are ``(rows - centre) @ projection``.

    The covariance of the whitened rows is the identity, but for what shrinkage leaves: its
    eigenvalues are drawn towards their mean before they are divided out, so that directions in
    which a small training set hardly varies are not blown up to noise.

    Parameters
    ----------
    rows
        Embeddings to learn from: shape (n, d).
    dimension
        Length of whitened rows: the directions that vary most; 0 for all that vary.
    shrinkage
        Share of the mean in every eigenvalue, in [0, 1]; with 1 rows are turned and not scaled.

    Returns
    -------
    centre, projection
        Shapes (d,) and (d, dimension).

    Raises
    ------
    UsageError
        If the rows do not vary in as many directions.

    Notes
    -----
    Jegou and Chum, Negative evidences and co-occurrences in image retrieval: the benefit of PCA
    and whitening, ECCV 2012. Shrinkage is Ledoit and Wolf's (2004), with a share that is given.
    """
    centre = rows.mean(axis=0) if len(rows) else np.zeros(rows.shape[1])
    around = rows - centre
    values, vectors = np.linalg.eigh(around.T @ around / max(1, len(rows) - 1))
    values, vectors = values[::-1], vectors[:, ::-1]
    varied = int((values > max(values[0], 0.0) * len(values) * np.finfo(np.float64).eps).sum())
    most = min(varied, len(rows) - 1)
    if most < max(1, dimension):
        raise UsageError(
            f"whitening to {dimension or 1} dimensions needs embeddings that vary in as many "
            f"directions; the {len(rows)} to learn from, of length {rows.shape[1]}, vary in "
            f"{max(0, most)}: lower dimension, or learn from more pictures"
        )
    kept = slice(dimension or most)
    scale = np.sqrt((1 - shrinkage) * values[kept] + shrinkage * values.mean())
    return centre, vectors[:, kept] / scale
