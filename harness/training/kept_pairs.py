"""Training pairs of probes with references, the same ones throughout, as in Di & Patel (2016)."""

from __future__ import annotations

from functools import cached_property

import numpy as np
import numpy.typing as npt

from harness.api import TrainingSet
from harness.training.sampling import Indices, Stream, Truth

# What a generator is for, so that no two draws of one seed share their numbers.
_NONMATED, _NEGATIVE, _MATED_ORDER, _NONMATED_ORDER = range(100, 104)


class KeptPairs:
    """Mated and non-mated pairs of a probe and a reference, the same ones for a whole training.

    Parameters
    ----------
    mated
        int64, shape (n, 2): probes and their references.
    identities
        int64, one per image.
    probes, references
        bool, one per image: which images may stand on either side of a non-mated pair.
    seed
        Of what is drawn.

    Attributes
    ----------
    mated_pairs : numpy.ndarray
        int64, shape (n, 2).
    nonmated_pairs : numpy.ndarray
        int64, shape (min(n, all that there are), 2): drawn without replacement, each such pair
        equally likely.

    Raises
    ------
    ValueError
        If there is no mated or no non-mated pair of a probe and a reference.
    """

    def __init__(
        self,
        mated: Indices,
        identities: Indices,
        probes: npt.NDArray[np.bool_],
        references: npt.NDArray[np.bool_],
        seed: int,
    ) -> None:
        nonmates = _Nonmates(identities, probes, references)
        if not len(mated) or not nonmates.total:
            raise ValueError(
                "nothing to learn from: no training image that is a probe is "
                f"{'the mate' if not len(mated) else 'another identity than one'} of a training "
                "image that is a reference; --param negatives=random pairs any two images"
            )
        self.mated_pairs = mated
        self._nonmates, self._seed = nonmates, seed
        rng = np.random.default_rng([seed, _NONMATED])
        count = min(len(mated), nonmates.total)
        # Sorted and shuffled: numpy says nothing about the order of a choice without replacement.
        chosen = np.sort(rng.choice(nonmates.total, count, replace=False))
        self.nonmated_pairs = nonmates.pairs(rng.permutation(chosen))
        self._mated = Stream(len(mated), seed + _MATED_ORDER)
        self._nonmated = Stream(count, seed + _NONMATED_ORDER)

    @classmethod
    def of(cls, train: TrainingSet, seed: int) -> KeptPairs:
        """Pair the images of a training set.

        Where the protocol does not say which of them are probes and which references, any two are
        paired.
        """
        truth = Truth.of(train)
        everything = np.ones(len(truth.identities), dtype=bool)
        known = train.gives("probes") and train.gives("references")
        probes = np.asarray(train.probes, bool) if known else everything
        references = np.asarray(train.references, bool) if known else everything
        # A protocol that calls all images of an identity mated lists each pair in one direction.
        left, right = truth.mated[:, 0], truth.mated[:, 1]
        forward = probes[left] & references[right]
        backward = probes[right] & references[left] & ~forward
        pairs = np.concatenate([truth.mated[forward], truth.mated[backward][:, ::-1]])
        return cls(pairs, truth.identities, probes, references, seed)

    @cached_property
    def negatives(self) -> Indices:
        """A reference for each mated pair, of another identity than its probe: int64, shape (n,).

        Raises
        ------
        ValueError
            If a probe has no such reference.
        """
        rng = np.random.default_rng([self._seed, _NEGATIVE])
        return self._nonmates.references_for(self.mated_pairs[:, 0], rng)

    def mated(self, step: int, count: int) -> Indices:
        """Draw mated pairs, every one once before any comes again: int64, shape (count, 2)."""
        return self.mated_pairs[self._mated.batch(step, count)]

    def pairs(self, step: int, count: int) -> Indices:
        """Draw as many mated as non-mated pairs (one more mated if `count` is odd).

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 2); mated pairs first.
        """
        kept = self.nonmated_pairs[self._nonmated.batch(step, count // 2)]
        return np.concatenate([self.mated(step, count - count // 2), kept])

    def triplets(self, step: int, count: int) -> Indices:
        """Draw a probe, its mate and the negative kept for that pair: int64, shape (count, 3)."""
        places = self._mated.batch(step, count)
        return np.column_stack([self.mated_pairs[places], self.negatives[places]])


class _Nonmates:
    """All pairs of a probe and a reference of another identity, counted without being listed."""

    def __init__(
        self,
        identities: Indices,
        probes: npt.NDArray[np.bool_],
        references: npt.NDArray[np.bool_],
    ) -> None:
        self._identities = identities
        self._probes = np.flatnonzero(probes)
        gallery = np.flatnonzero(references)
        # Sorted by identity, the references of one identity are one block.
        self._gallery = gallery[np.argsort(identities[gallery], kind="stable")]
        first, after = self._blocks(self._probes)
        self._ends = np.cumsum(len(self._gallery) - (after - first))
        self.total = int(self._ends[-1]) if len(self._ends) else 0

    def pairs(self, numbers: Indices) -> Indices:
        """Return the pairs of some numbers from 0 to `total` - 1: shape (n, 2)."""
        rows = np.searchsorted(self._ends, numbers, side="right")
        probes = self._probes[rows]
        first, after = self._blocks(probes)
        place = numbers - self._ends[rows] + len(self._gallery) - (after - first)
        return np.column_stack([probes, self._skipping(place, first, after)])

    def references_for(self, probes: Indices, rng: np.random.Generator) -> Indices:
        """Draw a reference of another identity for each probe."""
        first, after = self._blocks(probes)
        free = len(self._gallery) - (after - first)
        if (free < 1).any():
            raise ValueError(
                "nothing to tell apart: for some training image that is a probe, all references "
                "are of its own identity; --param negatives=random takes any image"
            )
        return self._skipping(rng.integers(0, free), first, after)

    def _skipping(self, place: Indices, first: Indices, after: Indices) -> Indices:
        return self._gallery[np.where(place < first, place, place + after - first)]

    def _blocks(self, images: Indices) -> tuple[Indices, Indices]:
        names, own = self._identities[self._gallery], self._identities[images]
        return np.searchsorted(names, own, "left"), np.searchsorted(names, own, "right")
