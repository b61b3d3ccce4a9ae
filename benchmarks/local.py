"""Local matching: `sift` beside its bare products and its bare agreement of matches."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.peers import peer
from benchmarks.timing import Contender, Timing, absent, race

Array = npt.NDArray[Any]
LIMIT = "bare products and agreement"
PAIRS = "cv2: knnMatch, RANSAC, by pairs"


def comparisons(quick: bool, turns: int) -> tuple[str, list[Timing]]:
    """Race scores of `sift` against what they cannot do without, and OpenCV's usual way."""
    from harness import FailureToEnroll
    from harness.data.images import decode
    from harness.plugins import registry
    from harness.plugins.places import bundled
    from harness.training.geometry import one_match_agreement
    from harness.training.nearest import stacks

    folder = bundled("fixtures") / "mini" / "tattoo_identification" / "images"
    files = sorted(folder.iterdir())[: 40 if quick else None]
    matcher: Any = registry.load(registry.find_algorithm("sift"))()
    made = matcher.extract_batch([decode(file) for file in files])
    references = [one for one in made if not isinstance(one, FailureToEnroll)]
    probes = references[:: 8 if quick else 1]
    sides = [(one["descriptors"].astype(np.float32), one["place"]) for one in references]
    ((stack, order),) = stacks([one["descriptors"] for one in references])
    # The same blocks as `sift` multiplies, and the very matches that it weighs.
    tiles = [
        np.ascontiguousarray(np.concatenate([sides[number][0] for number in part]).T)
        for part in np.array_split(order, max(1, sum(len(d) for d, _ in sides) // 2048))
    ]
    room = np.empty(max(len(d) for d, _ in sides) * max(t.shape[1] for t in tiles), np.float32)
    asked = [np.asarray(one["descriptors"], dtype=np.float32) for one in probes]
    weighed = []
    for probe in probes:
        found = stack.matches(probe["descriptors"], matcher.ratio)
        ends = [
            sides[order[where]][1][near]
            for where, near in zip(found.reference, found.near, strict=True)
        ]
        sizes = np.unique(found.reference, return_counts=True)[1]
        weighed.append((probe["place"][found.probe], np.array(ends).reshape(-1, 4), sizes))
    limits = {name: getattr(matcher, name) for name in ("tolerance", "angle", "stretch", "zoom")}

    def products() -> None:
        for probe in asked:
            for tile in tiles:
                out = room[: len(probe) * tile.shape[1]].reshape(len(probe), -1)
                np.matmul(probe, tile, out=out)

    def both() -> None:
        products()
        for here, there, sizes in weighed:
            one_match_agreement(here, there, sizes, **limits)

    expected = matcher.compare(probes, references)
    contenders = {
        LIMIT: Contender(both),
        "bare products": Contender(products),
        "sift": Contender(
            lambda: matcher.compare(probes, references),
            lambda scores: "" if np.array_equal(scores, expected) else "other scores",
        ),
    }
    cv2 = peer("cv2")
    left_out = []
    if isinstance(cv2, str):
        left_out.append(absent(PAIRS, cv2))
    else:
        contenders[PAIRS] = Contender(lambda: _by_pairs(cv2, probes, references))
    title = f"local matching ({len(probes)} x {len(references)} images, one thread)"
    return title, [*race(contenders, LIMIT, turns), *left_out]


def _by_pairs(cv2: Any, probes: Any, references: Any) -> list[int]:
    """Count inliers of one pair after another, as tutorials do."""
    matcher = cv2.BFMatcher.create(cv2.NORM_L2)
    counts = []
    for probe in probes:
        here = probe["descriptors"].astype(np.float32)
        for reference in references:
            pairs = matcher.knnMatch(here, reference["descriptors"].astype(np.float32), k=2)
            kept = [a for a, b in pairs if a.distance < 0.9 * b.distance]
            inliers = None
            if len(kept) > 1:
                left = probe["place"][[match.queryIdx for match in kept], :2]
                right = reference["place"][[match.trainIdx for match in kept], :2]
                _, inliers = cv2.estimateAffinePartial2D(left, right, ransacReprojThreshold=16)
            counts.append(0 if inliers is None else int(inliers.sum()))
    return counts
