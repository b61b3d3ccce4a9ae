"""Which training images make a step's batch, drawn from the truth the protocol gives.

Every draw is a function of the seed and the step alone: a fit that goes on from a checkpoint draws
what an unbroken one would have drawn, and nothing has to be remembered.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from harness.api import TrainingSet

Indices = npt.NDArray[np.int64]

# What a generator is for, so that no two draws of one step and seed share their numbers.
_ORDER, _TURN, _NONMATE, _LEFT, _IDENTITY, _MEMBER, _SPLIT = range(7)


@dataclass(frozen=True)
class Truth:
    """What a pair loss needs to know about a training set.

    Parameters
    ----------
    mated
        int64, shape (pairs, 2): indices of images that the protocol calls mated.
    identities
        int64, shape (n,). Two images count as non-mated only if their identities differ: not
        every two images of one identity need be listed as a pair, and such a pair is neither.
    """

    mated: Indices
    identities: Indices

    @classmethod
    def of(cls, train: TrainingSet) -> Truth:
        """Read the truth of a training set.

        Raises
        ------
        ValueError
            If there is no mated pair, or no non-mated one, to learn from.
        LookupError
            If the protocol gives neither mated pairs nor identities.
        """
        identities = np.asarray(train.identities, np.int64)
        mated = np.asarray(train.mated, np.int64).reshape(-1, 2)
        mated = mated[mated[:, 0] != mated[:, 1]]
        if not len(mated):
            raise ValueError(
                f"nothing to learn from: the {len(train)} training images hold no mated pair "
                "(two images of the same identity); use a protocol with mates in training, or "
                "more images per identity"
            )
        if len(np.unique(identities)) < 2:
            raise ValueError(
                f"nothing to tell apart: all {len(train)} training images have one identity, and "
                "non-mated pairs need a second one"
            )
        return cls(mated, identities)


class Stream:
    """The numbers 0 to n - 1 in random order, then again in another order, and so on for ever.

    Parameters
    ----------
    length
        n, from 1.
    seed
        Of the orders.
    """

    def __init__(self, length: int, seed: int) -> None:
        if length < 1:
            raise ValueError("there is nothing to draw from")
        self.length = length

        @lru_cache(maxsize=2)
        def order(epoch: int) -> Indices:
            return np.random.default_rng([seed, _ORDER, epoch]).permutation(length)

        self._order = order

    def batch(self, step: int, count: int) -> Indices:
        """Return what comes at places ``step * count`` to ``(step + 1) * count - 1``.

        Returns
        -------
        numpy.ndarray
            int64, shape (count,).

        Examples
        --------
        >>> stream = Stream(3, seed=0)
        >>> sorted(stream.batch(0, 3).tolist()), sorted(stream.batch(1, 3).tolist())
        ([0, 1, 2], [0, 1, 2])
        """
        epoch, place = divmod(step * count, self.length)
        parts = []
        while count > 0:
            part = self._order(epoch)[place : place + count]
            parts.append(part)
            count, epoch, place = count - len(part), epoch + 1, 0
        return np.concatenate(parts)


class Sampler:
    """Draws training examples, the same ones for the same seed and step.

    Parameters
    ----------
    truth
        Mated pairs and identities.
    seed
        Every draw follows from it.
    """

    def __init__(self, truth: Truth, seed: int) -> None:
        self._truth = truth
        self._seed = seed
        self._pairs = Stream(len(truth.mated), seed)
        self._groups = Groups(truth.identities)

    def mated(self, step: int, count: int) -> Indices:
        """Draw mated pairs: every pair once before any comes again, in random direction.

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 2).
        """
        drawn = self._truth.mated[self._pairs.batch(step, count)]
        turned = self._rng(_TURN, step).random(count) < 0.5
        return np.where(turned[:, None], drawn[:, ::-1], drawn)

    def pairs(self, step: int, count: int) -> Indices:
        """Draw as many mated as random non-mated pairs (one more mated if `count` is odd).

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 2); the mated pairs, whose identities are equal, come first.
        """
        mated = self.mated(step, count - count // 2)
        left = self._rng(_LEFT, step).integers(0, len(self._truth.identities), count // 2)
        right = self._groups.nonmates(left, self._rng(_NONMATE, step))
        return np.concatenate([mated, np.stack([left, right], axis=1)])

    def triplets(self, step: int, count: int) -> Indices:
        """Draw anchor, positive (a mate of the anchor) and a random negative.

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 3).
        """
        mated = self.mated(step, count)
        negatives = self._groups.nonmates(mated[:, 0], self._rng(_NONMATE, step))
        return np.column_stack([mated, negatives])

    def _rng(self, purpose: int, step: int) -> np.random.Generator:
        return np.random.default_rng([self._seed, purpose, step])


class Groups:
    """The images of every identity, for draws that are exact however identities are sized.

    Parameters
    ----------
    identities
        int64, shape (n,).
    """

    def __init__(self, identities: Indices) -> None:
        # Sorted by identity, the images of one identity are one block.
        self._order = np.argsort(identities, kind="stable")
        ordered = identities[self._order]
        self._first = np.searchsorted(ordered, identities, side="left")
        self._after = np.searchsorted(ordered, identities, side="right")
        self._starts = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
        self._sizes = np.diff(np.r_[self._starts, len(ordered)])

    def nonmates(self, images: Indices, rng: np.random.Generator) -> Indices:
        """Draw, for each image, one of another identity; each such image is equally likely.

        Parameters
        ----------
        images
            int64, shape (count,).

        Returns
        -------
        numpy.ndarray
            int64, shape (count,).
        """
        first, after = self._first[images], self._after[images]
        place = rng.integers(0, len(self._order) - (after - first))
        return self._order[np.where(place < first, place, place + after - first)]

    def members(self, numbers: Indices, each: int, rng: np.random.Generator) -> Indices:
        """Draw images of identities, without repeating one while there are others.

        Parameters
        ----------
        numbers
            int64, shape (count,): identities by their place in sorted order.
        each
            Images of every identity; one that has fewer gives some more than once.

        Returns
        -------
        numpy.ndarray
            int64, shape (count, each).
        """
        rows = []
        for number in numbers:
            start, size = self._starts[number], self._sizes[number]
            places = np.concatenate([rng.permutation(size) for _ in range(-(-each // size))])
            rows.append(self._order[start + places[:each]])
        return np.array(rows, np.int64).reshape(len(numbers), each)

    def __len__(self) -> int:
        return len(self._starts)


class Balanced:
    """Batches of a few images of each of some identities, whatever an identity has of them.

    Parameters
    ----------
    identities
        int64, shape (n,).
    each
        Images drawn of an identity.
    seed
        Every draw follows from it.
    """

    def __init__(self, identities: Indices, each: int, seed: int) -> None:
        self._groups = Groups(identities)
        self._stream = Stream(len(self._groups), seed)
        self._each, self._seed = each, seed

    def batch(self, step: int, count: int) -> Indices:
        """Draw ``count // each`` identities, every one once before any comes again.

        Returns
        -------
        numpy.ndarray
            int64, shape (count // each * each,): indices of images, identity by identity.

        Raises
        ------
        ValueError
            If not even one identity fits.
        """
        if count < self._each:
            raise ValueError(f"a batch of {count} cannot hold {self._each} images of an identity")
        rng = np.random.default_rng([self._seed, _MEMBER, step])
        numbers = self._stream.batch(step, count // self._each)
        return self._groups.members(numbers, self._each, rng).ravel()


def split_identities(identities: Indices, share: float, seed: int) -> tuple[Indices, Indices]:
    """Set identities aside for validation, so that none is in both parts.

    Parameters
    ----------
    identities
        int64, shape (n,).
    share
        Of the identities that are set aside, rounded; in [0, 1).
    seed
        Of the choice.

    Returns
    -------
    learned, validated
        int64: indices of images, in order. Nothing is validated where the part set aside would
        hold no mated or no non-mated pair, or would leave fewer than two identities to learn.

    Examples
    --------
    >>> learned, validated = split_identities(np.repeat([3, 5, 8, 9, 11], 2), 0.4, seed=0)
    >>> len(learned), len(validated)
    (6, 4)
    """
    names, counts = np.unique(identities, return_counts=True)
    everything = np.arange(len(identities), dtype=np.int64)
    order = np.random.default_rng([seed, _SPLIT]).permutation(len(names))
    aside = order[: round(share * len(names))]
    if len(aside) < 2 or len(names) - len(aside) < 2 or counts[aside].max() < 2:
        return everything, everything[:0]
    held = np.isin(identities, names[aside])
    return everything[~held], everything[held]
