"""Vectors with known mates, and the matrix of scores that streaming never holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.matching.product import (
    COLUMN_STEP,
    COLUMNS,
    ROW_STEP,
    ROWS,
    padded,
    product_for,
    single_threaded,
)

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass
class World:
    """Templates and truth."""

    probes: Floats
    references: Floats
    mated: Ints

    @property
    def truth(self) -> Bools:
        truth = np.zeros((len(self.probes), len(self.references)), np.bool_)
        truth[self.mated[:, 0], self.mated[:, 1]] = True
        return truth


def identities(
    seed: int, probes: int, references: int, *, dimension: int, count: int, noise: float
) -> World:
    """Draw templates around the centres of identities; some probes have no mate, some many."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((count, dimension))
    of_probe, of_reference = rng.integers(0, count, probes), rng.integers(0, count, references)
    search, reference = np.nonzero(of_probe[:, np.newaxis] == of_reference)
    return World(
        unit(centres[of_probe] + noise * rng.standard_normal((probes, dimension))),
        unit(centres[of_reference] + noise * rng.standard_normal((references, dimension))),
        np.stack([search, reference], axis=1),
    )


def corners(seed: int, probes: int, references: int, *, dimension: int) -> World:
    """Draw vectors with entries -1, 0 and 1 and few different scores, so that ties abound."""
    rng = np.random.default_rng(seed)
    left = rng.integers(-1, 2, (probes, dimension)) / 4
    right = rng.integers(-1, 2, (references, dimension)) / 4
    search, reference = np.nonzero(rng.random((probes, references)) < 2 / references)
    pairs = np.stack([search, reference], axis=1)
    return World(left.astype(np.float32), right.astype(np.float32), pairs)


def unit(rows: npt.NDArray[np.float64]) -> Floats:
    """Scale rows to length 1."""
    scaled: Floats = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return scaled


def scores_of(probes: Floats, references: Floats) -> Floats:
    """Compute the matrix of scores, tile by tile as `match` does."""
    product, _ = product_for(probes.shape[1])
    scores = np.empty((len(probes), len(references)), np.float32)
    with single_threaded():
        for top in range(0, len(probes), ROWS):
            for start in range(0, len(references), COLUMNS):
                rows, columns = probes[top : top + ROWS], references[start : start + COLUMNS]
                left = np.zeros((padded(len(rows), ROW_STEP), rows.shape[1]), np.float32)
                right = np.zeros((rows.shape[1], padded(len(columns), COLUMN_STEP)), np.float32)
                left[: len(rows)], right[:, : len(columns)] = rows, columns.T
                tile = np.empty((left.shape[0], right.shape[1]), np.float32)
                product(left, right, tile)
                cells = np.clip(tile[: len(rows), : len(columns)], -1, 1)
                scores[top : top + ROWS, start : start + COLUMNS] = cells
    return scores
