"""RootSIFT keypoints, Lowe's ratio test and a similarity transform that they agree on.

The classical anchor of the field: nothing is learned, and where two pictures show the same tattoo
it is hard to beat. Every sum that decides a score is a sum of whole numbers (descriptors are
whole numbers whose products stay below 2**24, which float32 holds exactly), so a score does not
depend on which other images were compared in the same call.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from harness import FailureToEnroll, Image, Matcher, Scores, Template, parameter

# The harness gives cores to processes; threads inside one would only compete for them.
cv2.setNumThreads(1)

LENGTH = 512
"""Euclidean length of a stored descriptor; leaves its parts below 256, as in Lowe's SIFT."""

COLUMNS = 4096
"""Reference keypoints compared at once: as many as keep the distances in a core's cache."""

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
        finder = cv2.SIFT.create(nfeatures=self.keypoints, contrastThreshold=self.contrast)
        found, sift = finder.detectAndCompute(gray, None)
        return found, sift

    def compare(self, probes: Sequence[Template], references: Sequence[Template]) -> Scores:
        """Score every probe against every reference; see the class for what a score is."""
        scores = np.zeros((len(probes), len(references)))
        for block, numbers in _blocks(references):
            for row, probe in enumerate(probes):
                near, agreement = self._search(probe, block)
                scores[row, numbers] = near + agreement
        return scores

    def _search(self, probe: Template, block: _Block) -> tuple[Array, Array]:
        """Return inliers and tie-breaking fractions of one probe against a block of references."""
        left, where, nearest, ratios = self._matches(np.asarray(probe["descriptors"]), block)
        count = len(block.places)
        inliers, evidence = np.zeros(count), np.zeros(count)
        if len(left) == 0:
            return inliers, evidence
        matched, groups = np.unique(where, return_index=True)
        # Thousandths, so that the order of summation cannot show.
        surplus = np.add.reduceat(np.rint(1000 * (1 - ratios)).astype(np.int64), groups)
        evidence[matched] = surplus / (surplus + 1000)
        sizes = np.diff(np.append(groups, len(left)))
        agreeing = self._agreeing(
            np.asarray(probe["place"])[left], block.places[where, nearest], groups, sizes
        )
        inliers[matched] = np.maximum.reduceat(agreeing, groups)
        return inliers, evidence

    def _matches(self, descriptors: Array, block: _Block) -> tuple[Array, Array, Array, Array]:
        """Return probe keypoint, reference, its keypoint and the ratio of every match.

        Sorted by reference; a keypoint of a reference is in one match only, its nearest.
        """
        probe = descriptors.astype(np.float32)
        squares = np.einsum("kd,kd->k", probe, probe)
        product = (probe @ block.descriptors.T).reshape(len(probe), *block.squares.shape)
        distances = (squares[:, None, None] + block.squares) - 2 * product
        nearest = distances.argmin(axis=2)[..., None]
        first = np.take_along_axis(distances, nearest, axis=2)[..., 0]
        np.put_along_axis(distances, nearest, np.inf, axis=2)
        second = distances.min(axis=2)
        left, where = np.nonzero(first < self.ratio**2 * second)
        near, best = nearest[left, where, 0], first[left, where]
        ratios = np.sqrt(best / second[left, where])
        order = np.lexsort((left, best, near, where))
        ends = np.stack([where, near])[:, order]
        fresh = np.append(True, (np.diff(ends) != 0).any(axis=0))[: len(order)]
        kept = order[fresh]
        return left[kept], where[kept], near[kept], ratios[kept]

    def _agreeing(self, here: Array, there: Array, groups: Array, sizes: Array) -> Array:
        """Count, for the transform of each match, the matches of its group that agree with it.

        Parameters
        ----------
        here, there
            ``place`` rows of the matched keypoints, shape (matches, 4).
        groups, sizes
            First match and number of matches of every group (one group per reference).
        """
        (x, y, c, s), (u, v, e, f) = here.T, there.T
        # As complex numbers: transform = (e + if) / (c + is), and it maps x + iy to u + iv.
        square = c * c + s * s
        a, b = (e * c + f * s) / square, (f * c - e * s) / square
        zoom = np.hypot(a, b)
        shift_u, shift_v = u - (a * x - b * y), v - (b * x + a * y)
        # Every ordered pair (proposal, witness) of matches within one group.
        partners = np.repeat(sizes, sizes)
        proposal = np.repeat(np.arange(len(x)), partners)
        starts = np.cumsum(partners) - partners
        witness = np.arange(len(proposal)) - np.repeat(starts - np.repeat(groups, sizes), partners)
        ap, bp, zp = a[proposal], b[proposal], zoom[proposal]
        aw, bw, zw = a[witness], b[witness], zoom[witness]
        off_u = ap * x[witness] - bp * y[witness] + shift_u[proposal] - u[witness]
        off_v = bp * x[witness] + ap * y[witness] + shift_v[proposal] - v[witness]
        # Measured in the picture that shows more detail, or shrinking would fit everything.
        reach = self.tolerance * np.minimum(1, zp)
        agrees = off_u * off_u + off_v * off_v <= reach * reach
        agrees &= ap * aw + bp * bw >= np.cos(np.deg2rad(self.angle)) * zp * zw
        agrees &= (zw <= self.stretch * zp) & (zp <= self.stretch * zw)
        agrees &= (zp <= self.zoom) & (zp * self.zoom >= 1)
        counted: Array = np.add.reduceat(agrees.astype(np.int64), starts)
        return counted


@dataclass
class _Block:
    """References of one comparison, filled up to the same number of keypoints."""

    descriptors: Array
    squares: Array
    places: Array


def _blocks(references: Sequence[Template]) -> Iterator[tuple[_Block, Array]]:
    """Cut references, ordered by their number of keypoints, into blocks; with their indices."""
    counts = np.array([len(reference["descriptors"]) for reference in references], dtype=np.int64)
    order = np.argsort(counts, kind="stable")
    while len(order):
        # The largest of a block decides its width, and is the last of those taken.
        width = counts[order]
        taken = max(1, int((width * np.arange(1, len(order) + 1) <= COLUMNS).sum()))
        numbers, order = order[:taken], order[taken:]
        columns = int(counts[numbers[-1]])
        descriptors = np.zeros((taken, columns, 128), dtype=np.float32)
        squares = np.full((taken, columns), np.inf, dtype=np.float32)
        places = np.zeros((taken, columns, 4))
        for row, number in enumerate(numbers):
            filled = np.asarray(references[number]["descriptors"], dtype=np.float32)
            descriptors[row, : len(filled)] = filled
            squares[row, : len(filled)] = np.einsum("kd,kd->k", filled, filled)
            places[row, : len(filled)] = references[number]["place"]
        yield _Block(descriptors.reshape(-1, 128), squares, places), numbers
