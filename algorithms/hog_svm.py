"""Tattoo or no tattoo from colours and gradients, with a linear SVM: detection without a network.

What the field used before networks, so the line that a trained detector has to be above.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import Detector, Image, TrainingSet, parameter

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

Array = npt.NDArray[Any]


@dataclass
class HogSvm(Detector):
    """Histograms of colour and of oriented gradients, a linear SVM and Platt's calibration."""

    size: int = parameter(64, "Side an image is scaled to, in pixels.", minimum=16)
    cells: int = parameter(8, "Gradient cells along each side.", minimum=2, maximum=64)
    orientations: int = parameter(9, "Gradient directions in a cell, over 180 degrees.", minimum=2)
    colours: int = parameter(6, "Steps along each axis of Lab in the colour histogram.", minimum=1)
    cost: float = parameter(1e-3, "C of the SVM: what an error costs over a margin.", minimum=1e-9)
    balanced: bool = parameter(default=True, meaning="Weigh both classes alike, however many.")
    flips: bool = parameter(default=True, meaning="Also train on both mirror images.")
    folds: int = parameter(
        5, "Parts of the training set, each scored by the others' SVM to calibrate.", minimum=2
    )
    iterations: int = parameter(10_000, "Iterations of the solver at most.", minimum=1)

    citation: ClassVar[str] = (
        "Dalal & Triggs, CVPR 2005; calibration after Platt, Advances in Large Margin Classifiers "
        "1999"
    )

    def fit(self, train: TrainingSet) -> None:
        """Train the SVM and calibrate it on scores of images that it was not trained on.

        Raises
        ------
        ValueError
            If the training set has fewer than two images of a class.
        """
        tattoo = np.asarray(train.tattoo, dtype=bool)
        rarer = min(int(tattoo.sum()), int((~tattoo).sum()))
        if rarer < 2:
            raise ValueError(
                "hog-svm needs at least two training images with a tattoo and two without; "
                f"got {int(tattoo.sum())} and {int((~tattoo).sum())}"
            )
        views = []
        for number, image in enumerate(train.images):
            views.append([self._features(view) for view in self._views(image)])
            train.progress(number + 1, len(train) + 2, "features")
        features = np.asarray(views, dtype=np.float32)
        self.weights_, self.bias_ = self._train(features, tattoo)
        train.progress(len(train) + 1, len(train) + 2, "support vector machine")
        self.slope_, self.offset_ = self._calibrate(features, tattoo, min(self.folds, rarer))
        train.progress(len(train) + 2, len(train) + 2, "calibration")

    def detect(self, image: Image) -> float:
        """Return the calibrated probability of a tattoo, between 0 and 1."""
        margin = float(self._features(image) @ self.weights_) + self.bias_
        return float(_logistic(self.slope_ * margin + self.offset_))

    def _views(self, image: Image) -> list[Image]:
        return [image, image[:, ::-1], image[::-1]] if self.flips else [image]

    def _train(self, features: Array, tattoo: Array) -> tuple[Array, float]:
        """Return weights and bias for raw features of shape (images, views, parts)."""
        from sklearn.svm import LinearSVC

        rows = features.reshape(-1, features.shape[-1]).astype(np.float64)
        mean, spread = rows.mean(axis=0), rows.std(axis=0)
        # Parts that never vary say nothing; divided by one they stay at zero.
        spread[spread < 1e-6] = 1.0
        machine = LinearSVC(
            C=self.cost,
            dual=True,
            loss="hinge",
            class_weight="balanced" if self.balanced else None,
            max_iter=self.iterations,
            random_state=self.seed,
        )
        machine.fit((rows - mean) / spread, np.repeat(tattoo, features.shape[1]))
        # Standardisation folded into the weights: one vector is all that detection needs.
        weights = machine.coef_[0] / spread
        return weights, float(machine.intercept_[0] - mean @ weights)

    def _calibrate(self, features: Array, tattoo: Array, folds: int) -> tuple[float, float]:
        """Fit Platt's sigmoid to scores of held-out images, and return its slope and offset."""
        from sklearn.linear_model import LogisticRegression
        from sklearn.model_selection import StratifiedKFold

        margins = np.empty(len(tattoo))
        # Mirror images stay with their original, or held-out images would have been seen.
        split = StratifiedKFold(folds, shuffle=True, random_state=self.seed)
        for rest, held in split.split(margins, tattoo):
            weights, bias = self._train(features[rest], tattoo[rest])
            margins[held] = features[held, 0].astype(np.float64) @ weights + bias
        sigmoid = LogisticRegression(class_weight="balanced" if self.balanced else None)
        sigmoid.fit(margins[:, None], tattoo)
        # A detector below chance on held-out images must not have its sign turned round.
        return max(float(sigmoid.coef_[0, 0]), 1e-6), float(sigmoid.intercept_[0])

    def _features(self, image: Image) -> Array:
        """Describe one image: shape (parts,), float64."""
        small = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        return np.concatenate([self._gradients(small), self._colour_histogram(small)])

    def _gradients(self, image: Image) -> Array:
        """Histogram oriented gradients in cells, normalised in blocks of two by two cells."""
        gray = np.sqrt(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float64))
        down, across = np.gradient(gray)
        strength = np.hypot(down, across)
        turn = (np.arctan2(down, across) / np.pi % 1.0) * self.orientations
        lower = np.floor(turn).astype(np.int64) % self.orientations
        share = turn - np.floor(turn)
        cell = np.arange(self.size) * self.cells // self.size
        place = (cell[:, None] * self.cells + cell) * self.orientations
        upper = (lower + 1) % self.orientations
        votes = np.bincount(
            np.concatenate([(place + lower).ravel(), (place + upper).ravel()]),
            np.concatenate([(strength * (1 - share)).ravel(), (strength * share).ravel()]),
            minlength=self.cells**2 * self.orientations,
        ).reshape(self.cells, self.cells, self.orientations)
        blocks = np.concatenate([votes[:-1, :-1], votes[:-1, 1:], votes[1:, :-1], votes[1:, 1:]], 2)
        for limit in (0.2, np.inf):
            blocks /= np.linalg.norm(blocks, axis=2, keepdims=True) + 1e-3
            blocks = np.minimum(blocks, limit)
        flat: Array = blocks.ravel()
        return flat

    def _colour_histogram(self, image: Image) -> Array:
        """Return square roots of the shares of colours, in steps of Lab."""
        lab = cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(np.int64) * self.colours // 256
        bins = (lab[..., 0] * self.colours + lab[..., 1]) * self.colours + lab[..., 2]
        counts = np.bincount(bins.ravel(), minlength=self.colours**3)
        shares: Array = np.sqrt(counts / bins.size)
        return shares


def _logistic(value: float) -> float:
    """Return 1 / (1 + exp(-value)) without overflow."""
    return float(0.5 * (1 + np.tanh(0.5 * value)))
