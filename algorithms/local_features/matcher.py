"""What matchers by learned keypoints share: turns, templates, comparison, verification."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import FailureToEnroll, Image, Matcher, Scores, Template, parameter
from harness.training.geometry import MODELS, sampled_agreement
from harness.training.nearest import LONGEST, Stack, stacks

from .weights import weights_file

if TYPE_CHECKING:
    from .networks import Extractor, Glue

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

LENGTH = LONGEST - 20
"""Length of a stored descriptor; rounding its parts adds less than twenty."""

Array = npt.NDArray[Any]


@dataclass
class LocalMatcher(Matcher):
    """A score is `inliers + t / (1 + t)`, of the probe's turn with most inliers.

    `inliers` is the number of matches that agree on one map. The fraction only orders equal counts:
    `t` is the sum of what all matches are worth, geometric or not: `1 - ratio` of the distances of
    nearest and second, or the confidence of the transformer.
    """

    matcher: str = parameter("mutual", "What finds matches.", choices=("mutual",))
    size: int = parameter(320, "Longer side an image is scaled to, in pixels.", minimum=64)
    keypoints: int = parameter(256, "Keypoints kept per image and turn, the best.", minimum=4)
    minimum_keypoints: int = parameter(
        4, "An image with fewer keypoints is a failure to enrol.", minimum=2
    )
    turns: int = parameter(4, "Turns of a probe that are compared.", choices=(1, 2, 4, 8))
    ratio: float = parameter(
        0.97,
        "A mutual match is nearer than this share of the second distance.",
        minimum=0,
        maximum=1,
    )
    certainty: float = parameter(
        0.1, "How sure the transformer is of a match, at least.", minimum=0, maximum=1
    )
    model: str = parameter(
        "similarity", "Map that matches have to agree on.", choices=tuple(MODELS)
    )
    tolerance: float = parameter(
        20.0, "Distance at which a match still agrees, in pixels of the scaled image.", minimum=0
    )
    zoom: float = parameter(5.0, "Largest change of scale between two images.", minimum=1)
    weights: str = parameter(
        "", "File with the weights of the keypoints, instead of the package's."
    )
    glue_weights: str = parameter("", "File with the weights of the transformer, likewise.")
    device: str = parameter("cpu", "Where the networks run.", choices=("cpu", "cuda", "mps"))

    glue: ClassVar[str]

    @abstractmethod
    def network(self) -> str:
        """Return which published weights describe keypoints."""

    def assets(self) -> Mapping[str, Path | str]:
        """Return the files of the weights that no parameter names."""
        files: dict[str, Path | str] = {}
        if not self.weights:
            files[self.network()] = weights_file(self.network(), "", "weights")
        if self.matcher != "mutual" and not self.glue_weights:
            files[self.glue] = weights_file(self.glue, "", "glue_weights")
        return files

    def extract(self, image: Image) -> Template:
        """Find keypoints in every turn; raise `FailureToEnroll` where the upright has too few.

        Returns
        -------
        dict
            Of the keypoints of all turns, the upright ones first: ``points`` float32, shape (n, 2),
            x and y in pixels of the scaled image as it is; ``descriptors`` int16 (n, length), unit
            vectors times 1980; ``confidences`` float16 (n,); ``counts`` int64 (turns,), how many
            are of each turn; ``extent`` int64 (2,), width and height of the scaled image.
        """
        scaled, upright = self._upright(image)
        others = range(1, self.turns)
        found = [upright, *(self._extractor().of(scaled, turn / self.turns) for turn in others)]
        counts = np.array([len(points) for points, _, _ in found])
        if counts[0] < self.minimum_keypoints:
            raise FailureToEnroll(f"{counts[0]} keypoints; needs {self.minimum_keypoints}")
        points, descriptors, confidences = (
            np.concatenate(parts) for parts in zip(*found, strict=True)
        )
        return {
            "points": points.astype(np.float32),
            "descriptors": np.rint(LENGTH * descriptors).astype(np.int16),
            "confidences": confidences.astype(np.float16),
            "counts": counts,
            "extent": np.array(scaled.shape[1::-1]),
        }

    def quality(self, image: Image) -> float:
        """Return the share of the keypoints that an image may have which it does have."""
        _, (points, _, _) = self._upright(image)
        return len(points) / self.keypoints

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score every turn of each probe against every reference as it is; the best turn counts."""
        scores = np.zeros((len(probes), len(references)))
        upright = [one["descriptors"][: one["counts"][0]] for one in references]
        for stack, numbers in stacks(upright):
            within = [references[number] for number in numbers]
            for row, probe in enumerate(probes):
                scores[row, numbers] = self._search(probe, stack, within)
        return scores

    def _search(self, probe: Template, stack: Stack, references: Sequence[Template]) -> Array:
        """Return the scores of one probe against a stack of references."""
        ends = np.cumsum(probe["counts"])
        # Matches of every turn: keypoint of the probe, reference, its keypoint, what it is worth.
        found = []
        for turn, end in enumerate(ends[: self.turns]):
            start = end - probe["counts"][turn]
            left, where, near, worth = (
                self._nearest(probe["descriptors"][start:end], stack)
                if self.matcher == "mutual"
                else self._glued(probe, turn, start, end, references)
            )
            found.append((left + start, where, near, worth, np.full(len(left), turn)))
        left, where, near, worth, turns = (np.concatenate(p) for p in zip(*found, strict=True))
        scores = np.zeros(len(references))
        if len(left) == 0:
            return scores
        groups = turns * len(references) + where
        # Sorted already: by turn, then by reference.
        kinds, firsts, sizes = np.unique(groups, return_index=True, return_counts=True)
        owners = kinds % len(references)
        starts = np.cumsum([0, *(one["counts"][0] for one in references)])
        there = np.concatenate([one["points"][: one["counts"][0]] for one in references])
        # Thousandths, so that the order of summation cannot show.
        surplus = np.add.reduceat(np.rint(1000 * worth).astype(np.int64), firsts)
        np.maximum.at(scores, owners, surplus / (surplus + 1000))
        inliers = sampled_agreement(
            probe["points"][left],
            there[starts[where] + near],
            sizes,
            owners,
            model=self.model,
            tolerance=self.tolerance,
            zoom=self.zoom,
        )
        scores[: len(inliers)] += inliers
        return scores

    def _nearest(self, descriptors: Array, stack: Stack) -> tuple[Array, Array, Array, Array]:
        """Match keypoints of one turn that are the nearest of each other."""
        found = stack.matches(descriptors, self.ratio, mutual=True)
        return found.probe, found.reference, found.near, 1 - found.ratios

    def _glued(
        self, probe: Template, turn: int, start: int, end: int, references: Sequence[Template]
    ) -> tuple[Array, Array, Array, Array]:
        """Match keypoints of one turn with each reference by the transformer."""
        here = (
            probe["points"][start:end],
            probe["descriptors"][start:end] / LENGTH,
            probe["extent"],
        )
        parts = []
        for number, one in enumerate(references):
            upright = slice(0, one["counts"][0])
            there = one["points"][upright], one["descriptors"][upright] / LENGTH, one["extent"]
            left, near, worth = self._transformer().match(here, turn / self.turns, there)
            parts.append((left, np.full(len(left), number), near, worth))
        left, where, near, worth = (np.concatenate(part) for part in zip(*parts, strict=True))
        return left, where, near, worth

    def _upright(self, image: Image) -> tuple[Array, tuple[Array, Array, Array]]:
        """Return the scaled image and its keypoints; those of the last image are at hand."""
        last = vars(self).get("_last")
        if last is None or last[0] is not image:
            scaled = self._scaled(image)
            last = self._last = image, (scaled, self._extractor().of(scaled, 0))
        found: tuple[Array, tuple[Array, Array, Array]] = last[1]
        return found

    def _scaled(self, image: Image) -> Array:
        scale = self.size / max(image.shape[:2])
        width, height = (max(1, round(side * scale)) for side in (image.shape[1], image.shape[0]))
        smooth = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        scaled: Array = cv2.resize(np.asarray(image), (width, height), interpolation=smooth)
        return scaled

    def _extractor(self) -> Extractor:
        """Return the network that finds keypoints; it is loaded once."""
        if "_loaded" not in vars(self):
            from .networks import Extractor

            file = weights_file(self.network(), self.weights, "weights")
            self._loaded = Extractor(self.network(), file, self.keypoints, self.device)
        loaded: Extractor = self._loaded
        return loaded

    def _transformer(self) -> Glue:
        """Return the network that matches them; it is loaded once."""
        if "_glue" not in vars(self):
            from .networks import Glue

            file = weights_file(self.glue, self.glue_weights, "glue_weights")
            self._glue = Glue(self.glue, file, self.certainty, self.device)
        loaded: Glue = self._glue
        return loaded
