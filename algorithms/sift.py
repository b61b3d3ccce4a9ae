"""RootSIFT keypoints, Lowe's ratio test and a similarity transform that they agree on.

The classical anchor of the field: nothing is learned, and where two pictures show the same tattoo
it is hard to beat. Every sum that decides a score is a sum of whole numbers, so a score does not
depend on which other images were compared in the same call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import FailureToEnroll, Image, Matcher, Scores, Template, parameter
from harness.training.geometry import MODELS, one_match_agreement, sampled_agreement
from harness.training.nearest import Stack, stacks

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

LENGTH = 512
"""Euclidean length of a stored descriptor; leaves its parts below 256, as in Lowe's SIFT."""

Array = npt.NDArray[Any]


@dataclass
class Sift(Matcher):
    """Number of keypoints that agree on one similarity transform between two images.

    A score is `inliers + t / (1 + t)`. Keypoints match when the nearest descriptor of the
    reference is clearly nearer than the second nearest. Each match alone proposes a transform
    (shift, rotation, scale); `inliers` is the largest number of matches that agree with one
    proposal, so no random sampling is needed. The fraction only orders equal counts: `t` is the
    sum of `1 - ratio` over all matches, geometric or not.
    """

    size: int = parameter(192, "Longer side an image is scaled to, in pixels.", minimum=32)
    keypoints: int = parameter(200, "Keypoints kept per image, the strongest ones.", minimum=2)
    minimum_keypoints: int = parameter(
        4, "An image with fewer keypoints is a failure to enrol.", minimum=2
    )
    contrast: float = parameter(0.02, "Weakest keypoint kept (OpenCV's threshold).", minimum=0)
    ratio: float = parameter(
        0.9, "A match is nearer than this share of the second distance.", minimum=0, maximum=1
    )
    mutual: bool = parameter(
        default=False, meaning="Whether matches have to be nearest in both directions."
    )
    model: str = parameter(
        "one-match",
        "Map that matches have to agree on: each proposes one, or samples of them do.",
        choices=("one-match", *MODELS),
    )
    equalise: float = parameter(
        0.0,
        "Limit of contrast of an equalisation in 8 x 8 parts of the image (CLAHE); 0: none.",
        minimum=0,
    )
    tolerance: float = parameter(
        16.0, "Distance at which a match still agrees, in pixels of the scaled image.", minimum=0
    )
    angle: float = parameter(
        30.0, "Difference of rotation at which matches agree, in degrees.", minimum=0, maximum=180
    )
    stretch: float = parameter(2.0, "Factor between scales at which matches agree.", minimum=1)
    zoom: float = parameter(5.0, "Largest change of scale between two images.", minimum=1)

    citation: ClassVar[str] = (
        "Lowe, IJCV 2004; Arandjelovic & Zisserman (RootSIFT), CVPR 2012; one-match transforms "
        "as in Philbin et al., CVPR 2007"
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {"photographs": {"equalise": 2.0}}
    """Faint ink on uneven skin; flat drawings are found less often with it."""

    def __post_init__(self) -> None:
        self._last: tuple[Image, tuple[Sequence[cv2.KeyPoint], Array]] | None = None

    def extract(self, image: Image) -> Template:
        """Find keypoints; raise `FailureToEnroll` where there are too few.

        Returns
        -------
        dict
            ``place`` float64, shape (keypoints, 4): x, y in pixels of the scaled image, and the
            keypoint's diameter along x and y of its orientation; ``descriptors`` uint8
            (keypoints, 128).
        """
        found, sift = self._described(image)
        if len(found) < self.minimum_keypoints:
            raise FailureToEnroll(f"{len(found)} keypoints; needs {self.minimum_keypoints}")
        points = np.array([point.pt for point in found], dtype=np.float64)
        turns = np.deg2rad([point.angle for point in found])
        sizes = np.array([point.size for point in found])[:, None]
        arrows = sizes * np.stack([np.cos(turns), np.sin(turns)], axis=1)
        root = np.sqrt(sift / np.maximum(sift.sum(axis=1, keepdims=True), 1))
        whole = np.minimum(np.rint(LENGTH * root), 255).astype(np.uint8)
        return {"place": np.concatenate([points, arrows], axis=1), "descriptors": whole}

    def quality(self, image: Image) -> float:
        """Return the share of the keypoints that an image may have which it does have."""
        return min(1.0, len(self._described(image)[0]) / self.keypoints)

    def _described(self, image: Image) -> tuple[Sequence[cv2.KeyPoint], Array]:
        """Return keypoints and descriptors; those of the last image are at hand."""
        if self._last is None or self._last[0] is not image:
            self._last = image, self._detected(image)
        return self._last[1]

    def _detected(self, image: Image) -> tuple[Sequence[cv2.KeyPoint], Array]:
        gray = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        scale = self.size / max(gray.shape)
        width, height = (max(1, round(side * scale)) for side in (gray.shape[1], gray.shape[0]))
        smooth = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
        gray = cv2.resize(gray, (width, height), interpolation=smooth)
        if self.equalise:
            gray = cv2.createCLAHE(self.equalise, (8, 8)).apply(gray)
        finder = cv2.SIFT.create(nfeatures=self.keypoints, contrastThreshold=self.contrast)
        found, sift = finder.detectAndCompute(gray, None)
        return found, sift

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score every probe against every reference; see the class for what a score is."""
        scores = np.zeros((len(probes), len(references)))
        for stack, numbers in stacks([np.asarray(one["descriptors"]) for one in references]):
            places = [np.asarray(references[number]["place"]) for number in numbers]
            starts = np.cumsum([0, *map(len, places)])[:-1]
            there = np.concatenate(places)
            for row, probe in enumerate(probes):
                near, agreement = self._search(probe, stack, starts, there)
                scores[row, numbers] = near + agreement
        return scores

    def _search(
        self, probe: Template, stack: Stack, starts: Array, there: Array
    ) -> tuple[Array, Array]:
        """Return inliers and tie-breaking fractions of one probe against a stack of references."""
        found = stack.matches(np.asarray(probe["descriptors"]), self.ratio, mutual=self.mutual)
        inliers, evidence = np.zeros(len(starts)), np.zeros(len(starts))
        if len(found.probe) == 0:
            return inliers, evidence
        matched, groups, sizes = np.unique(found.reference, return_index=True, return_counts=True)
        # Thousandths, so that the order of summation cannot show.
        thousandths = np.rint(1000 * (1 - found.ratios)).astype(np.int64)
        surplus = np.add.reduceat(thousandths, groups)
        evidence[matched] = surplus / (surplus + 1000)
        here = np.asarray(probe["place"])[found.probe]
        ends = there[starts[found.reference] + found.near]
        if self.model == "one-match":
            inliers[matched] = one_match_agreement(
                here,
                ends,
                sizes,
                tolerance=self.tolerance,
                angle=self.angle,
                stretch=self.stretch,
                zoom=self.zoom,
            )
        else:
            inliers[matched] = sampled_agreement(
                here[:, :2],
                ends[:, :2],
                sizes,
                np.arange(len(sizes)),
                model=self.model,
                tolerance=self.tolerance,
                zoom=self.zoom,
            )
        return inliers, evidence
