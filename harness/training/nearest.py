"""Keypoints of many references that are nearest to a probe's: one product for all of them.

Descriptors are whole numbers and short enough for single precision to hold every sum of a product
exactly, so no match depends on which other references were compared in the same call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

LONGEST = 2000
"""Euclidean length that no descriptor may have: (2000 + 2000)**2 stays below 2**24."""

_TILE = 2048
"""Reference keypoints of one product: as many as keep the distances in a core's cache."""

_STACK = 1 << 16
"""Reference keypoints whose matches with a probe are told apart at once."""

_FAR = np.float32(2**30)
"""Squared distance of a keypoint that only fills a tile up."""


class Matches(NamedTuple):
    """Pairs of keypoints, sorted by reference; a keypoint of a reference is in one pair at most.

    Parameters
    ----------
    probe, reference, near
        int64, shape (matches,): keypoint of the probe, place of the reference in its `Stack`, and
        keypoint of that reference.
    ratios
        float32, shape (matches,), in [0, 1]: distance over that of the second nearest; 0 where the
        reference has no other keypoint.
    """

    probe: Array
    reference: Array
    near: Array
    ratios: Array


class Stack:
    """Descriptors of references, in tiles of about as many keypoints each.

    Parameters
    ----------
    descriptors
        Whole numbers of any dtype, each shape (keypoints, length), with at least one keypoint.
    """

    def __init__(self, descriptors: Sequence[Array]) -> None:
        counts = np.array([len(one) for one in descriptors])
        self.width = int(counts.max())
        self._tiles: list[tuple[int, int, Array]] = []
        self._room = np.empty(0, dtype=np.float32)
        start = 0
        while start < len(counts):
            # The largest reference of a tile decides its width.
            widths = np.maximum.accumulate(counts[start:])
            taken = max(1, int((widths * np.arange(1, len(widths) + 1) <= _TILE).sum()))
            columns = int(widths[taken - 1])
            tile = np.zeros((taken, columns, descriptors[0].shape[1] + 2), dtype=np.float32)
            tile[..., -2], tile[..., -1] = _FAR, 1
            for row, one in enumerate(descriptors[start : start + taken]):
                _fold(tile[row, : len(one)], one)
            # Keypoints along the last axis: BLAS reads it faster than the transpose of the other.
            folded = np.ascontiguousarray(tile.reshape(taken * columns, -1).T)
            self._tiles.append((start, taken, folded))
            start += taken

    def matches(self, probe: Array, ratio: float, *, mutual: bool = False) -> Matches:
        """Match each keypoint of a probe with its nearest one of every reference.

        Parameters
        ----------
        probe
            Whole numbers of any dtype, shape (keypoints, length).
        ratio
            A match is nearer than this share of the distance of the second nearest (Lowe's test).
        mutual
            Whether the probe's keypoint has to be the nearest one of the reference's, too.

        Notes
        -----
        Of equally near keypoints the first counts. Of several that share a keypoint of the
        reference the nearest is kept, of those the first.
        """
        folded = np.empty((len(probe), probe.shape[1] + 2), dtype=np.float32)
        _fold(folded, probe)
        # |p|^2 - 2 p.b + |b|^2 as one product.
        folded[:, :-2] *= -2
        folded[:, -2], folded[:, -1] = 1, folded[:, -2].copy()
        # One room for the distances of all tiles: new pages cost a tenth of the product.
        needed = len(probe) * max(tile.shape[1] for _, _, tile in self._tiles)
        if len(self._room) < needed:
            self._room = np.empty(needed, dtype=np.float32)
        found = []
        for start, taken, tile in self._tiles:
            distances = self._room[: len(probe) * tile.shape[1]].reshape(len(probe), -1)
            np.matmul(folded, tile, out=distances)
            left, where, *rest = _passing(distances.reshape(len(probe), taken, -1), ratio, mutual)
            found.append((left, where + start, *rest))
        left, where, near, best, second = (
            np.concatenate(parts) for parts in zip(*found, strict=True)
        )
        ends = where * self.width + near
        # Stable, and what is equally near comes in the order of the probe's keypoints.
        order = np.lexsort((best, ends))
        kept = order[np.diff(ends[order], prepend=-1) != 0]
        ratios = np.sqrt(best[kept] / second[kept])
        return Matches(left[kept], where[kept], near[kept], ratios)


def stacks(descriptors: Sequence[Array]) -> Iterator[tuple[Stack, Array]]:
    """Cut references into stacks of bounded size, those of like numbers of keypoints together.

    Parameters
    ----------
    descriptors
        As `Stack` takes them.

    Yields
    ------
    Stack, numpy.ndarray
        A stack, and int64 of shape (references of it,): their places in `descriptors`.
    """
    counts = np.array([len(one) for one in descriptors], dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    cuts = np.flatnonzero(np.diff(np.cumsum(counts[order]) // _STACK)) + 1
    for numbers in np.split(order, cuts):
        if len(numbers):
            yield Stack([descriptors[number] for number in numbers]), numbers


def _fold(into: Array, descriptors: Array) -> None:
    """Write descriptors and their squared lengths."""
    into[:, :-2] = descriptors
    into[:, -2] = np.einsum("kd,kd->k", into[:, :-2], into[:, :-2])


def _passing(distances: Array, ratio: float, mutual: bool) -> tuple[Array, ...]:
    """Return ends and distances of matches, the probe's keypoints in order; spoils `distances`."""
    back = distances.min(axis=0) if mutual else None
    nearest = distances.argmin(axis=2)
    places = np.arange(nearest.size).reshape(nearest.shape) * distances.shape[2] + nearest
    flat = distances.reshape(-1)
    first = flat[places]
    flat[places] = _FAR
    second = distances.min(axis=2)
    second[second >= _FAR] = np.inf
    passed = first < ratio**2 * second
    if back is not None:
        passed &= first <= np.take_along_axis(back, nearest.T, axis=1).T
    left, where = np.nonzero(passed)
    return left, where, nearest[left, where], first[left, where], second[left, where]
