"""How many matches of keypoints agree on one map between two pictures."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

_PAIRS = 1 << 14
"""Pairs of matches weighed at once: as many as keep their numbers in a core's cache."""


def one_match_agreement(
    here: Array,
    there: Array,
    sizes: Array,
    *,
    tolerance: float,
    angle: float,
    stretch: float,
    zoom: float,
) -> Array:
    """Count, in each group of matches, those that agree with the best proposal of one of them.

    A match of two keypoints that have a direction and a size proposes a transform by itself: shift,
    rotation, scale. No sampling is needed.

    Parameters
    ----------
    here, there
        float64, shape (matches, 4), of both ends of every match, group after group: x, y in
        pixels, and the keypoint's size along x and y of its direction.
    sizes
        int64, shape (groups,): number of matches of each, from 1.
    tolerance
        Distance at which a match still agrees, in pixels of the picture that shows more detail.
    angle
        Difference of rotation at which matches agree, in degrees.
    stretch
        Factor between scales at which matches agree.
    zoom
        Largest change of scale that is believed.

    Returns
    -------
    numpy.ndarray
        int64, shape (groups,), 0 where no proposal is believed.
    """
    (x, y, c, s), (u, v, e, f) = here.T, there.T
    # As complex numbers: transform = (e + if) / (c + is), and it maps x + iy to u + iv.
    square = c * c + s * s
    a, b = (e * c + f * s) / square, (f * c - e * s) / square
    zooms = np.hypot(a, b)
    reach = tolerance * np.minimum(1, zooms)
    proposals = np.stack(
        [
            a,
            b,
            u - (a * x - b * y),
            v - (b * x + a * y),
            reach * reach,
            np.cos(np.deg2rad(angle)) * zooms,
            stretch * zooms,
            zooms,
            (zooms <= zoom) & (zooms * zoom >= 1),
        ]
    )
    witnesses = np.stack([x, y, u, v, a, b, zooms, stretch * zooms])
    found = np.zeros(len(sizes), dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    widths = _rounded(sizes)
    for width in np.unique(widths):
        chosen = np.flatnonzero(widths == width)
        for part in np.array_split(chosen, -(-len(chosen) * width * width // _PAIRS)):
            place = np.arange(width)
            past = place >= sizes[part, None]
            # What fills a group up proposes what its last match does, and agrees with nothing.
            taken = starts[part, None] + np.minimum(place, sizes[part, None] - 1)
            asked = witnesses[:, taken]
            asked[0][past] = np.nan
            found[part] = _most(proposals[:, taken], asked)
    return found


def _most(proposals: Array, witnesses: Array) -> Array:
    """Return the largest number of witnesses of a proposal: a row of groups, all of one width."""
    ap, bp, shift_u, shift_v, reach, turn, most, zp, believed = proposals[..., :, None]
    x, y, u, v, aw, bw, zw, most_w = witnesses[..., None, :]
    off_u = ap * x
    other = bp * y
    off_u -= other
    off_u += shift_u
    off_u -= u
    off_v = bp * x
    off_v += np.multiply(ap, y, out=other)
    off_v += shift_v
    off_v -= v
    off_u *= off_u
    off_v *= off_v
    off_u += off_v
    agrees = off_u <= reach
    along = np.multiply(ap, aw, out=off_u)
    along += np.multiply(bp, bw, out=off_v)
    agrees &= along >= np.multiply(turn, zw, out=other)
    agrees &= zw <= most
    agrees &= zp <= most_w
    counts = np.count_nonzero(agrees, axis=2) * (believed[..., 0] > 0)
    most_of: Array = counts.max(axis=1)
    return most_of


def _rounded(sizes: Array) -> Array:
    """Round sizes up to 1, 2, 3, 4, 6, 8, 12, 16 ...: few widths, little filling."""
    power = 1 << np.ceil(np.log2(np.maximum(sizes, 1))).astype(np.int64)
    between = power * 3 // 4
    rounded: Array = np.where((power >= 4) & (sizes <= between), between, power)
    return rounded


MODELS = {"similarity": 2, "affine": 3, "homography": 4}
"""Maps of the plane that are looked for by samples, and matches that determine one."""


def sampled_agreement(
    here: Array,
    there: Array,
    sizes: Array,
    owners: Array,
    *,
    model: str,
    tolerance: float,
    zoom: float,
) -> Array:
    """Count, for each owner of groups of matches, those that agree on one map in its best group.

    For keypoints without a direction: OpenCV looks for the map of each group by random samples,
    always the same ones (RANSAC; MAGSAC++ for a homography). A group that could not do better than
    another of its owner is not looked at, and the counts do not depend on that.

    Parameters
    ----------
    here, there
        float, shape (matches, 2), of both ends of every match, group after group: x, y in pixels.
    sizes
        int64, shape (groups,): number of matches of each, from 1.
    owners
        int64, shape (groups,), from 0.
    model
        Of `MODELS`. What is mirrored is not believed.
    tolerance
        Distance at which a match agrees, in pixels of the picture that shows more detail.
    zoom
        Largest change of scale in any direction that is believed.

    Returns
    -------
    numpy.ndarray
        int64, shape (largest owner + 1,): 0 unless more matches agree than determine the map.
    """
    here, there = np.ascontiguousarray(here), np.ascontiguousarray(there)
    best = np.zeros(int(owners.max(initial=-1)) + 1, dtype=np.int64)
    starts = np.cumsum(sizes) - sizes
    for group in np.argsort(-sizes, kind="stable"):
        owner, start, size = owners[group], starts[group], sizes[group]
        if size <= MODELS[model]:
            break
        if size > best[owner]:
            ends = here[start : start + size], there[start : start + size]
            best[owner] = max(best[owner], _agreeing(*ends, model, tolerance, zoom))
    return best


def _agreeing(here: Array, there: Array, model: str, tolerance: float, zoom: float) -> int:
    """Return how many matches agree on the map that OpenCV finds; 0 where it is not believed."""
    import cv2

    if model == "homography":
        found, _ = cv2.findHomography(here, there, cv2.USAC_MAGSAC, tolerance)
    else:
        similar = model == "similarity"
        estimate = cv2.estimateAffinePartial2D if similar else cv2.estimateAffine2D
        found, _ = estimate(here, there, ransacReprojThreshold=tolerance)
        found = None if found is None else np.vstack([found, [0.0, 0.0, 1.0]])
    if found is None or not np.isfinite(found).all():
        return 0
    x, y, depth = found @ np.vstack([here.T, np.ones(len(here))])
    with np.errstate(divide="ignore", invalid="ignore"):
        x, y = x / depth, y / depth
        off = np.hypot(x - there[:, 0], y - there[:, 1])
    agree = (off <= tolerance) & (depth > 0)
    if not agree.any():
        return 0
    # How the map stretches the surroundings of where it holds.
    u, v, w = x[agree].mean(), y[agree].mean(), depth[agree].mean()
    stretches = (found[:2, :2] - np.outer([u, v], found[2, :2])) / w
    most, least = np.linalg.svd(stretches, compute_uv=False)
    if np.linalg.det(stretches) <= 0 or most > zoom or least * zoom < 1:
        return 0
    # Measured in the picture that shows more detail, or shrinking would fit everything.
    count = int((off[agree] <= tolerance * min(1.0, np.sqrt(most * least))).sum())
    return count if count > MODELS[model] else 0
