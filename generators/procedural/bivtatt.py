"""A synthetic set in the layout of BIVTatt: photographs, twenty transforms of each, and boxes.

It is for showing what BIVTatt shows: that finding a transform of the very photograph is another
question than finding the tattoo. File names and box files are the set's own. What its letters stand
for is not published with it; here they are affine (a), affine and turned (ar), blurred (b),
contrast (c), illumination (i) and turned (r).
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from harness.data.readers.bivtatt import BOXES, IMAGES, TRANSFORMS
from harness.synthesis.encoding import encoded
from harness.synthesis.generator import Report
from harness.synthesis.streams import stream
from harness.synthesis.whole_sets import write_checksums

from .capture import render_capture, tattoo_of
from .dataset import made_by, write_marker
from .framing import Pixels, frame_of, framed
from .resuming import begin, drawn

UNREST = 2.5
"""How far photographs of one tattoo differ: enough that finding one by another is work."""

Box = tuple[int, int, int, int]
Matrix = npt.NDArray[np.float64]


_Job = tuple[str, int, int, int, int]
"""Folder, seed, longer side, tattoo, photograph of it."""


def write_bivtatt(
    folder: Path,
    *,
    tattoos: int = 159,
    photographs: int = 210,
    seed: int = 0,
    long_side: int = 160,
    workers: int = 1,
    report: Report | None = None,
) -> None:
    """Draw a data set in the layout of BIVTatt, or what is missing of it.

    Parameters
    ----------
    folder
        To be made, or one that the same call began.
    tattoos, photographs
        How many; every tattoo has one photograph, and lots decide who has more. The defaults are
        the set's own counts.
    seed
        Of the world; the same arguments give the same bytes.
    long_side
        Longer side of a photograph in pixels.
    workers
        Processes to draw with; the result does not depend on it.
    report
        Called with the pictures made and all of them: photographs, and transforms of each.

    Raises
    ------
    ValueError
        If there are fewer photographs than tattoos, or no tattoo.
    FileExistsError, UsageError
        If the folder holds something else.
    """
    if tattoos < 1 or photographs < tattoos:
        raise ValueError("there must be a tattoo, and a photograph of each")
    made_with = made_by("bivtatt", seed)
    begin(folder, made_with, tattoos=tattoos, photographs=photographs, long_side=long_side)
    for part in (IMAGES, BOXES):
        (folder / part).mkdir(parents=True, exist_ok=True)
    rng = stream(seed, "bivtatt", "photographs")
    extra = rng.integers(tattoos, size=photographs - tattoos)
    counts = 1 + np.bincount(extra, minlength=tattoos)
    jobs: list[_Job] = [
        (str(folder), seed, long_side, i, k)
        for i, count in enumerate(counts.tolist(), start=1)
        for k in range(1, count + 1)
    ]
    names = [f"{i}_{k}" for *_, i, k in jobs]
    drawn(folder, jobs, names, _draw, workers, _counting(report), bunch=1)
    write_marker(folder, made_with)
    write_checksums(folder)


def _counting(report: Report | None) -> Report | None:
    """Turn a report on pictures into one on photographs, each of which has several pictures."""
    each = 1 + len(TRANSFORMS)
    return report and (lambda done, total: report(done * each, total * each))


def _draw(job: _Job) -> dict[str, str]:
    """Draw one photograph and its transforms."""
    out, seed, long_side, i, k = job
    folder = Path(out)
    tattoo = tattoo_of(seed, f"b{i:03d}", group=f"b{i:03d}", subject=f"s-b{i:03d}")
    years = float(stream(seed, "later", tattoo.name, str(k)).gamma(2.0, 3.0))
    view = frame_of(seed, "view", tattoo.name, k, long_side=long_side, mounted=False)
    shot = render_capture(seed, tattoo, str(k), later=years * (k > 1), unrest=UNREST, frame=view)
    stem = f"{i}_{k}"
    _write(folder, stem, shot.image, shot.box, seed, long_side)
    for name in TRANSFORMS:
        image, box = transformed(shot.image, shot.box, name, seed=seed, source=shot.source)
        _write(folder, f"{stem}_{name}", image, box, seed, long_side)
    return {}


def transformed(
    image: Pixels, box: Box, name: str, *, seed: int = 0, source: str = ""
) -> tuple[Pixels, Box]:
    """Return one of `TRANSFORMS` of a photograph, and its box, which may reach over the edge.

    Parameters
    ----------
    image
        uint8, shape (height, width, 3).
    box
        x1, y1, x2, y2 in pixels, upper ones exclusive.
    name
        A name in `TRANSFORMS`.
    seed, source
        Key of the random part: how strong it is.

    Returns
    -------
    tuple
        An image of the same shape, and a box.
    """
    rng = stream(seed, "transform", source, name)
    kind, number = name.rstrip("0123456789"), int(name.lstrip("abcir"))
    sign = 1 if number % 2 else -1
    strength = 1 + number // 2
    if kind == "b":
        return cv2.GaussianBlur(image, (0, 0), 0.7 * number + rng.uniform(0, 0.3)), box
    if kind == "c":
        gain = (1 + 0.2 * strength) ** sign * rng.uniform(0.95, 1.05)
        return _levels((image.astype(np.float64) - 128) * gain + 128), box
    if kind == "i":
        shift = sign * (30 + rng.uniform(0, 15))
        return _levels(image.astype(np.float64) + shift), box
    height, width = image.shape[:2]
    matrix: Matrix = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
    if "a" in kind:
        matrix[0, 1] = sign * (0.06 * strength + rng.uniform(0, 0.04))
        matrix[1, 1] = 1 - sign * rng.uniform(0.05, 0.15)
    if "r" in kind:
        angle = sign * (8 * strength + rng.uniform(0, 6))
        turn = cv2.getRotationMatrix2D((0.0, 0.0), angle, 1.0)[:, :2]
        matrix[:, :2] = turn @ matrix[:, :2]
    middle = np.array([width / 2, height / 2])
    matrix[:, 2] = middle - matrix[:, :2] @ middle
    warped = cv2.warpAffine(
        image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
    )
    return warped.astype(np.uint8), _around(box, matrix)


def _around(box: Box, matrix: Matrix) -> Box:
    """Return the bounds of a box's corners after an affine map."""
    x1, y1, x2, y2 = box
    corners = np.array([[x1, y1, 1], [x2, y1, 1], [x1, y2, 1], [x2, y2, 1]], dtype=np.float64)
    moved = corners @ matrix.T
    low, high = np.floor(moved.min(axis=0)), np.ceil(moved.max(axis=0))
    return int(low[0]), int(low[1]), int(high[0]), int(high[1])


def _levels(values: npt.NDArray[np.float64]) -> Pixels:
    levels: Pixels = np.clip(np.rint(values), 0, 255).astype(np.uint8)
    return levels


def _write(folder: Path, stem: str, image: Pixels, box: Box, seed: int, long_side: int) -> None:
    """Write a picture on a mount and in a size of its own, so that neither tells its original."""
    height, width = image.shape[:2]
    frame = frame_of(seed, "bivtatt", stem, long_side=long_side).fitted(width / height)
    frame = replace(frame, cast=None)
    across, down = frame.inner
    (pixels,) = framed([np.asarray(image, np.float32) / np.float32(255)], frame)
    (folder / IMAGES / f"{stem}.jpg").write_bytes(encoded(pixels, frame.encoding))
    low = np.array(box[:2]) * (across / width, down / height)
    high = np.array(box[2:]) * (across / width, down / height)
    seen = (*np.floor(low).astype(int).tolist(), *np.ceil(high).astype(int).tolist())
    line = " ".join(map(str, frame.moved(seen)))
    (folder / BOXES / f"{stem}.txt").write_text(f"{line}\n", encoding="utf-8")
