"""Control that has never seen an image: it says how common each answer was in training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness import Control, Scores, TrainingSet


@dataclass
class Majority(Control):
    """The same answer for every image: the share of training images that have each tag.

    Where every image has one tag, such as its style, this always names the most common one: the
    accuracy that a classifier has to beat. Its shares are well calibrated and say nothing. Where
    the question is whether there is a tattoo, it answers with the share of images with one; any
    other question, as `constant` does, with .5.
    """

    citation: ClassVar[str] = "control"

    def fit(self, train: TrainingSet) -> None:
        """Count the answers in the training set."""
        told = np.empty((0, 0), dtype=bool)
        if train.gives("tags"):
            told = train.tags
        elif train.gives("tattoo"):
            told = train.tattoo[:, None]
        self.shares_ = told.mean(axis=0, dtype=np.float64) if len(told) else np.empty(0)
        best = np.flatnonzero(self.shares_ == self.shares_.max(initial=0.0))
        # A tie would name none of them; the first of the vocabulary gets it, by a hair.
        self.shares_[best[1:]] = np.nextafter(self.shares_[best[1:]], 0.0)

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Scores:
        """Return the shares for every image, whatever the truth."""
        answers = np.full(truth.shape, 0.5, dtype=np.float64)
        if truth.ndim == 2 and truth.shape[1] == len(self.shares_):
            answers[:] = self.shares_
        elif truth.ndim == 1 and len(self.shares_) == 1:
            answers[:] = self.shares_[0]
        return answers
