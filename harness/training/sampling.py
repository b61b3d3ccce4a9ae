"""Which training images make a pair or a triplet, drawn from the truth the protocol gives."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.api import TrainingSet

Indices = npt.NDArray[np.int64]


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


class Sampler:
    """Draws training examples, the same ones for the same generator.

    Parameters
    ----------
    truth
        Mated pairs and identities.
    rng
        Every draw comes from it.
    """

    def __init__(self, truth: Truth, rng: np.random.Generator) -> None:
        self._truth = truth
        self._rng = rng
        # Sorted by identity, the images of one identity are one block, so that "any image but
        # these" is a single exact draw however the identities are sized.
        self._order = np.argsort(truth.identities, kind="stable")
        ordered = truth.identities[self._order]
        self._first = np.searchsorted(ordered, truth.identities, side="left")
        self._after = np.searchsorted(ordered, truth.identities, side="right")
        self._waiting = np.empty((0, 2), np.int64)

    def mated(self, count: int) -> Indices:
        """Draw mated pairs: every pair once before any comes again, in random direction.

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 2).
        """
        while len(self._waiting) < count:
            again = self._rng.permutation(self._truth.mated, axis=0)
            self._waiting = np.concatenate([self._waiting, again])
        drawn, self._waiting = self._waiting[:count], self._waiting[count:]
        turned = self._rng.random(count) < 0.5
        return np.where(turned[:, None], drawn[:, ::-1], drawn)

    def strangers(self, images: Indices) -> Indices:
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
        place = self._rng.integers(0, len(self._order) - (after - first))
        return self._order[np.where(place < first, place, place + after - first)]

    def pairs(self, count: int) -> Indices:
        """Draw as many mated as random non-mated pairs (one more mated if `count` is odd).

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 2); the mated pairs, whose identities are equal, come first.
        """
        mated = self.mated(count - count // 2)
        left = self._rng.integers(0, len(self._order), count // 2)
        return np.concatenate([mated, np.stack([left, self.strangers(left)], axis=1)])

    def triplets(self, count: int) -> Indices:
        """Draw anchor, positive (a mate of the anchor) and a random negative.

        Returns
        -------
        numpy.ndarray
            int64, shape (count, 3).
        """
        mated = self.mated(count)
        return np.column_stack([mated, self.strangers(mated[:, 0])])
