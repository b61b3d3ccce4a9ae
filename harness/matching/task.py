"""What is to be matched: checked arguments, failures left out, references in the order of ties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.stream import Templates

Vectors: TypeAlias = npt.NDArray[np.floating[Any]]
Ints: TypeAlias = npt.NDArray[np.int64]
Bools: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Task:
    """A matching to be done.

    Parameters
    ----------
    probes, references
        What can be compared; references in the order of ties.
    mated
        int64, shape (pairs, 2), as given.
    compared
        bool, shape (pairs,): whether both sides of a pair can be compared.
    search, place
        int64, shape (compared pairs,): the pairs in the numbers of `probes` and `references`.
    failed
        int64, shape (failed references,): in the order of ties.
    order
        int64, shape (references,): all of them in the order of ties.
    """

    probes: Templates
    references: Templates
    mated: Ints
    compared: Bools
    search: Ints
    place: Ints
    failed: Ints
    order: Ints

    @property
    def nonmated(self) -> int:
        """Number of non-mated comparisons that can take place."""
        return len(self.probes) * len(self.references) - len(self.search)

    @classmethod
    def checked(
        cls,
        probes: Vectors,
        references: Vectors,
        mated: Ints,
        failed_probes: Bools | None,
        failed_references: Bools | None,
        order: Ints | None,
    ) -> Task:
        """Check the arguments of `search.match`, which documents them.

        Raises
        ------
        ValueError
            If a shape, a dtype or a number is not as documented there.
        """
        for name, vectors in (("probes", probes), ("references", references)):
            if vectors.ndim != 2 or vectors.dtype.kind != "f":
                raise ValueError(
                    f"{name} must be floating point of shape ({name}, dimension), "
                    f"not {vectors.dtype} of shape {vectors.shape}"
                )
        if probes.shape[1] != references.shape[1] or not probes.shape[1]:
            raise ValueError(
                f"probes have {probes.shape[1]} dimensions and references {references.shape[1]}"
            )
        sizes = len(probes), len(references)
        unusable = [
            _flags(flags, size, name)
            for flags, size, name in zip(
                (failed_probes, failed_references),
                sizes,
                ("failed_probes", "failed_references"),
                strict=True,
            )
        ]
        pairs = _pairs(mated, sizes)
        listed = np.arange(sizes[1]) if order is None else np.asarray(order)
        if not np.array_equal(np.sort(listed), np.arange(sizes[1])):
            raise ValueError("order must name every reference once")
        searched = np.flatnonzero(~unusable[0])
        used = listed[~unusable[1][listed]]
        compared = ~(unusable[0][pairs[:, 0]] | unusable[1][pairs[:, 1]])
        return cls(
            Templates(probes, searched),
            Templates(references, used),
            pairs,
            compared,
            _numbers(searched, sizes[0])[pairs[compared, 0]],
            _numbers(used, sizes[1])[pairs[compared, 1]],
            listed[unusable[1][listed]],
            listed,
        )


def _flags(flags: Bools | None, size: int, name: str) -> Bools:
    if flags is None:
        return np.zeros(size, np.bool_)
    found = np.asarray(flags)
    if found.shape != (size,) or found.dtype != np.bool_:
        raise ValueError(f"{name} must be bool of shape ({size},)")
    return found


def _pairs(mated: Ints, sizes: tuple[int, int]) -> Ints:
    pairs = np.asarray(mated)
    if pairs.size == 0:
        return np.empty((0, 2), np.int64)
    if pairs.ndim != 2 or pairs.shape[1] != 2 or pairs.dtype.kind not in "iu":
        raise ValueError("mated must be whole numbers of shape (pairs, 2)")
    pairs = pairs.astype(np.int64)
    if pairs.min() < 0 or np.any(pairs >= sizes):
        raise ValueError("a mated pair names a probe or a reference that does not exist")
    if len(np.unique(pairs[:, 0] * sizes[1] + pairs[:, 1])) < len(pairs):
        raise ValueError("a mated pair is named twice")
    return pairs


def _numbers(chosen: Ints, size: int) -> Ints:
    """Return the place of each row among those chosen, -1 for one that is not."""
    numbers = np.full(size, -1, np.int64)
    numbers[chosen] = np.arange(len(chosen))
    return numbers
