"""Tags from gradients and colours by ridge regression: a witness's words against a gallery.

What the field used before networks, so the line that a text tower has to be above.
"""

from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import Image, Matcher, Template, TrainingSet, parameter
from harness.training.words import named_in

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

CELLS, TURNS = 8, 9
"""Cells along each side, and directions of gradients in a cell over 180 degrees."""


@dataclass
class HogWords(Matcher):
    """How much a picture shows of each tag, against the tags that a description names.

    Where a protocol gives no tags, the gradients and colours themselves are compared.
    """

    size: int = parameter(64, "Side an image is scaled to, in pixels.", minimum=16)
    colours: int = parameter(6, "Steps along each axis of Lab.", minimum=1, maximum=16)
    ridge: float = parameter(10.0, "Penalty of weights, over the number of features.", minimum=1e-6)

    citation: ClassVar[str] = "Dalal & Triggs, CVPR 2005; Hoerl & Kennard, Technometrics 1970"

    def fit(self, train: TrainingSet) -> None:
        """Learn how each tag follows from the features, all of them by one system of equations."""
        rows = np.array([self._features(image) for image in train.images])
        self.mean_, spread = rows.mean(axis=0), rows.std(axis=0)
        # Parts that never vary say nothing; divided by one they stay at zero.
        self.spread_ = np.where(spread < 1e-6, 1.0, spread)
        self.vocabulary_: list[str] = []
        self.weights_ = np.empty((rows.shape[1], 0))
        if not train.gives("tags"):
            return
        # A tag of every image tells none from another.
        told = np.flatnonzero(train.tags.any(axis=0) & ~train.tags.all(axis=0))
        shown = train.tags[:, told].astype(np.float64)
        self.vocabulary_ = [train.vocabulary[place] for place in told]
        scaled = (rows - self.mean_) / self.spread_
        wanted = (shown - shown.mean(axis=0)) / shown.std(axis=0)
        # The equations of images, which are fewer than features, as a rule.
        inner = scaled @ scaled.T + self.ridge * rows.shape[1] * np.eye(len(rows))
        weights = scaled.T @ np.linalg.solve(inner, wanted)
        # The penalty shrinks what is harder to see: all tags are given the same spread again.
        self.weights_ = weights / (scaled @ weights).std(axis=0)

    def extract(self, image: Image) -> Template:
        """Return how far above its mean each tag is: float64, shape (tags,); or the features."""
        scaled = (self._features(image) - self.mean_) / self.spread_
        shown: npt.NDArray[np.float64] = scaled @ self.weights_ if self.vocabulary_ else scaled
        return shown

    def describe_text(self, query: str) -> Template:
        """Return which tags are named: float64, shape (tags,)."""
        return named_in(query, self.vocabulary_)

    def _features(self, image: Image) -> npt.NDArray[np.float64]:
        """Return histograms of oriented gradients in cells, and shares of colours of Lab."""
        small = cv2.resize(image, (self.size, self.size), interpolation=cv2.INTER_AREA)
        gray = np.sqrt(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float64))
        down, across = np.gradient(gray)
        turn = (np.arctan2(down, across) / np.pi % 1 * TURNS).astype(np.int64) % TURNS
        cell = np.arange(self.size) * CELLS // self.size
        bins = (cell[:, None] * CELLS + cell) * TURNS + turn
        votes = np.bincount(bins.ravel(), np.hypot(down, across).ravel(), CELLS**2 * TURNS)
        votes = votes.reshape(CELLS, CELLS, TURNS)
        # Against light and contrast: each cell by the strength around it.
        around = cv2.blur((votes**2).sum(axis=2), (3, 3), borderType=cv2.BORDER_REFLECT)
        gradients = votes / (np.sqrt(around)[..., None] + 1e-3)
        lab = cv2.cvtColor(small, cv2.COLOR_RGB2LAB).astype(np.int64) * self.colours // 256
        shades = (lab[..., 0] * self.colours + lab[..., 1]) * self.colours + lab[..., 2]
        shares = np.bincount(shades.ravel(), minlength=self.colours**3) / shades.size
        return np.concatenate([gradients.ravel(), np.sqrt(shares)])
