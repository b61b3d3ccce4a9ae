"""Baseline that has never seen the image: it says how common each tag was in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from harness import Image, Scores, Tagger, TrainingSet


@dataclass
class Majority(Tagger):
    """The same answer for every image: the share of training images that have each tag.

    Where every image has one tag, such as its style, this always names the most common one: the
    accuracy that a classifier has to beat. Its shares are well calibrated and say nothing.
    """

    citation: ClassVar[str] = "naive baseline"

    def fit(self, train: TrainingSet) -> None:
        """Count the tags of the training images.

        Raises
        ------
        ValueError
            If there is no training image.
        """
        if not len(train):
            raise ValueError("majority needs training images to count the tags of")
        self.shares_ = np.asarray(train.tags, dtype=np.float64).mean(axis=0)
        best = np.flatnonzero(self.shares_ == self.shares_.max(initial=0.0))
        if len(best) > 1:
            # A tie would name none of them; the first of the vocabulary gets it, by a hair.
            self.shares_[best[1:]] = np.nextafter(self.shares_[best[1:]], 0.0)

    def tag(self, image: Image) -> Scores:
        """Return the shares, whatever the image."""
        shares: Scores = self.shares_.copy()
        return shares
