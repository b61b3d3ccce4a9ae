"""The control that looks at nothing but a few features which tell nothing of a tattoo.

It learns as an algorithm does, and what it reaches above chance any algorithm could reach without
looking at a tattoo.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from harness.api import (
    Detector,
    Image,
    Mask,
    Matcher,
    Scores,
    Segmenter,
    Tagger,
    Template,
    TrainingSet,
)

__all__ = ["Shortcut"]

Vector = npt.NDArray[np.float64]

PENALTY = 30.0
"""Of the square of each weight, halved: what is learned has to be worth it."""


@dataclass
class Shortcut(Matcher, Detector, Tagger, Segmenter):
    """A control that is fitted to features of pictures; derive from it and define `features`.

    Two pictures are the more alike the nearer their features are, in units of what mates of the
    training set differ by. Whether there is a tattoo, which tags apply and how much of a picture is
    tattoo come from regressions on the features and their products: logistic for the first two,
    linear for the last, whose mask is spread evenly over the picture.
    """

    control: ClassVar[bool] = True
    citation: ClassVar[str] = "control"

    @abstractmethod
    def features(self, image: Image) -> Vector:
        """Return what is looked at: float64, shape (features,)."""

    def shape(self, image: Image) -> tuple[int, int]:
        """Return height and width in pixels of the picture that a mask is asked for."""
        return image.shape[0], image.shape[1]

    def fit(self, train: TrainingSet) -> None:
        """Learn what features differ by, and whatever else the training set tells."""
        seen = np.array([self.features(image) for image in train.images], dtype=np.float64)
        self.middle_ = seen.mean(axis=0)
        self.spread_ = _or_one(seen.std(axis=0))
        self.steps_ = self.spread_.copy()
        if train.gives("mated") and len(train.mated):
            apart = seen[train.mated[:, 0]] - seen[train.mated[:, 1]]
            # A feature that mates share nearly exactly tells them from all others.
            within = np.sqrt((apart**2).mean(axis=0) / 2)
            self.steps_ = np.maximum(within, 0.02 * self.spread_)
        inputs = self._inputs(seen)
        self.tattoo_ = np.empty((0, 0))
        self.tags_ = np.empty((0, 0))
        self.share_ = np.empty((0, 0))
        if train.gives("tattoo"):
            self.tattoo_ = _logistic(inputs, train.tattoo[:, None])
        if train.gives("tags"):
            self.tags_ = _logistic(inputs, train.tags)
            if (train.tags.sum(axis=1) != 1).any():
                # Where tags do not exclude one another a tag is scored against itself alone. How
                # frequent it was would rank folds, and the wrong way: what is frequent in the
                # other folds is rare in this one.
                shares = (train.tags.sum(axis=0) + 0.5) / (len(train) + 1)
                self.tags_[-1] -= np.log(shares / (1 - shares))
        if train.gives("masks"):
            shares = np.array([mask.mean() for mask in train.masks])
            ridge = 1e-3 * len(inputs) * np.eye(inputs.shape[1])
            ridge[-1, -1] = 0.0  # the constant is free
            self.share_ = np.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ shares)[:, None]

    def extract(self, image: Image) -> Template:
        """Return the features in units of what mates differ by."""
        vector: Vector = self.features(image) / getattr(self, "steps_", 1.0)
        return vector

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Return distances with their sign changed."""
        left, right = np.array(probes), np.array(references)
        distances: Vector = np.linalg.norm(left[:, None] - right[None], axis=2)
        return -distances

    def detect(self, image: Image) -> float:
        """Return the share of training images like this that show a tattoo."""
        return float(_probability(self._inputs(self.features(image)[None]), self.tattoo_)[0, 0])

    def tag(self, image: Image) -> Scores:
        """Return how surely each tag applies: above .5 where more than usual do."""
        scores: Vector = _probability(self._inputs(self.features(image)[None]), self.tags_)[0]
        return scores

    def segment(self, image: Image) -> Mask:
        """Mark the predicted share of the pixels, spread evenly."""
        share = float((self._inputs(self.features(image)[None]) @ self.share_)[0, 0])
        height, width = self.shape(image)
        y, x = np.mgrid[0:height, 0:width]
        # Weyl's sequence in two directions: any share of it is spread evenly.
        rank = (x * 0.7548776662466927 + y * 0.5698402909980532) % 1.0
        marked: Mask = (rank < share).astype(np.float64)
        return marked

    def _inputs(self, seen: Vector) -> Vector:
        """Return standard features, their products of two, and a constant: (images, inputs)."""
        scaled = np.clip((seen - self.middle_) / self.spread_, -4, 4)
        first, second = np.triu_indices(scaled.shape[1])
        products = scaled[:, first] * scaled[:, second]
        return np.hstack([scaled, products, np.ones((len(scaled), 1))])


def _or_one(spread: Vector) -> Vector:
    return np.where(spread > 1e-9, spread, 1.0)


def _logistic(inputs: Vector, truth: npt.NDArray[np.bool_]) -> Vector:
    """Return one logistic regression per column of the truth: float64, shape (inputs, columns).

    Its minimum is found by Newton's method; the last input is the constant, which is free.
    """
    penalty = np.full(inputs.shape[1], PENALTY)
    penalty[-1] = 1e-6
    columns = np.zeros((inputs.shape[1], truth.shape[1]))
    # A share between 0 and 1 even where all answers are the same.
    shares = (truth.sum(axis=0) + 0.5) / (len(truth) + 1)
    columns[-1] = np.log(shares / (1 - shares))
    for weights, answer in zip(columns.T, truth.T, strict=True):
        if answer.all() or not answer.any():
            continue
        for _ in range(50):
            chance = _probability(inputs, weights)
            slope = inputs.T @ (chance - answer) + penalty * weights
            curvature = (inputs.T * (chance * (1 - chance))) @ inputs + np.diag(penalty)
            step = np.linalg.solve(curvature, slope)
            # A cautious first few steps keep Newton's method from leaping over the minimum.
            weights -= step / max(1.0, float(np.abs(step).max()))
            if np.abs(step).max() < 1e-9:
                break
    return columns


def _probability(inputs: Vector, weights: Vector) -> Vector:
    chances: Vector = 1 / (1 + np.exp(-np.clip(inputs @ weights, -30, 30)))
    return chances
