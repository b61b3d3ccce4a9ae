"""Segmentation: which pixels of an image show a tattoo?

Asked of images with a mask, and of those without a tattoo, whose mask is empty. IoU, Dice and
localisation accuracy are means over the images that show a tattoo, false marking over those that
show none, the others over all; every image weighs the same. What the mask of a data set marks is
its own affair: ink alone, or all that the tattoo covers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Segmenter
from harness.data.masks import read_mask
from harness.data.records import Dataset, Fold, Picture, Record
from harness.errors import DataError, UsageError
from harness.metrics import localisation, segmentation
from harness.metrics.ids import Metric
from harness.metrics.regions import boxes_of
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answered, PictureAnswer
from harness.tasks.clusters import cluster_of
from harness.tasks.images import OTHER, TATTOO, JudgedImages, mask_of, usable_folds
from harness.tasks.means import mean_estimate, mean_of
from harness.tasks.protocol import Protocol
from harness.tasks.results import (
    FoldMetrics,
    Judgement,
)
from harness.tasks.task import Part, Task, Whole
from harness.tasks.trials import Trials, values_of

MarkedPixels = npt.NDArray[np.bool_]


class Masking(Task[Part, Whole]):
    """Answers are masks: a `PictureAnswer` for each fold."""

    ability = Segmenter
    truth_files = ("mask",)
    truth_shown = "masks"

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return the mask of every image."""
        return {"masks": [mask_of(records[name]) for name in fold.train]}

    def truth_masks(self, fold: Fold, records: Mapping[str, Record]) -> list[Picture | None]:
        """Return the masks of the images that are judged; None where there is no tattoo."""
        return [mask_of(records[name]) for name in fold.probes]


class Segmentation(Masking["_Measured", "_Measured"]):
    """Which pixels show a tattoo?"""

    metrics = (
        "iou",
        "dice",
        "pixel-accuracy",
        "concentration-error",
        "localisation-accuracy",
        "false-marking",
    )
    failure_policy = "An image without a mask gets the worst value of every metric."

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return the data set's own lists, or folds that keep a tattoo's images together.

        Images without a mask take part only where their label says that they show no tattoo.

        Raises
        ------
        UsageError
            If the protocol asks for images to be cropped.
        DataError
            If there is no mask.
        """
        if protocol.data.crop:
            raise UsageError(
                "a segmentation protocol cannot crop its images: masks are of the whole"
            )
        usable = {n: r for n, r in dataset.records.items() if r.mask or r.label == OTHER}
        if not any(record.mask for record in usable.values()):
            raise DataError(
                f"{dataset.name} has no masks; the column 'mask' of a manifest names the image of "
                "each tattoo's pixels"
            )
        return usable_folds(dataset, usable, protocol.folds)

    def parts(self, run: Answered) -> list[_Measured]:
        """Return every image of each fold with its measurements, and those of blind answers."""
        found, threshold = [], run.protocol.threshold
        for fold, answer in run.by_fold:
            part = _Measured(fold.name)
            for i, name in enumerate(fold.probes):
                mask = answer.mask(i) if isinstance(answer, PictureAnswer) else None
                truth = truth_of(run.records[name], None if mask is None else mask.shape)
                boxes = _true_boxes(run.records[name], truth)
                marked = None if mask is None else segmentation.as_mask(mask, threshold)
                values = measured(marked, truth, boxes)
                part.searches.append(_search(fold.name, run.records[name], marked, values))
                part.blind.append(_unseeing(truth, boxes))
            found.append(part)
        return found

    def whole(self, parts: Sequence[_Measured], run: Answered) -> _Measured:
        """Return the images of all folds."""
        return _Measured(
            "", [s for part in parts for s in part.searches], [b for p in parts for b in p.blind]
        )

    def of_part(self, part: _Measured, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(m): mean_of(part.values(m)) for m in protocol.metric_ids}
        return FoldMetrics(part.fold, part.counts(), values)

    def estimates(self, whole: _Measured, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        found = {}
        for metric in protocol.metric_ids:
            estimate = mean_estimate(whole.values(metric), whole.clusters, share=True)
            estimate.chance = _chance(metric.name, whole.blind)
            found[str(metric)] = estimate
        return found

    def searches(self, part: _Measured, protocol: Protocol) -> list[Judgement]:
        """Return every image with its measurements."""
        return part.searches

    def trials_in(self, whole: _Measured, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return the measurement of every image."""
        return values_of(whole.values(metric), whole.clusters)


@dataclass
class _Measured(JudgedImages):
    """Images with their measurements, and what answers get on them that do not look."""

    blind: list[dict[str, float | None]] = field(default_factory=list)

    def values(self, metric: Metric) -> list[float | None]:
        return [search.values[metric.name] for search in self.searches]


def truth_of(record: Record, shape: tuple[int, ...] | None = None) -> MarkedPixels | None:
    """Return the mask of a record: bool, shape (height, width).

    None where the record has no mask and nothing says how large an empty one is.

    Parameters
    ----------
    shape
        Of the answer, which is that of the image: an empty mask takes it.

    Raises
    ------
    DataError
        If the mask has another shape.
    """
    if record.mask is None:
        return None if shape is None else np.zeros(shape, dtype=bool)
    truth: MarkedPixels = read_mask(record.mask)
    if shape is not None and truth.shape != shape:
        raise DataError(
            f"the mask of {record.name} has {truth.shape[1]} x {truth.shape[0]} pixels, its image "
            f"{shape[1]} x {shape[0]}; give masks the size of their images"
        )
    return truth


def measured(
    marked: MarkedPixels | None, truth: MarkedPixels | None, true_boxes: npt.NDArray[np.int64]
) -> dict[str, float | None]:
    """Measure one image.

    Parameters
    ----------
    marked
        The answer: bool, shape (height, width); None is a failure.
    truth
        In the same shape; None, with a failure alone, for an empty mask of unknown size.
    true_boxes
        Of the tattoos: int64, shape (boxes, 4), x1, y1, x2, y2 in pixels.

    Returns
    -------
    dict
        By metric; None where the image has no say in it.
    """
    tattooed = truth is not None and bool(truth.any())
    share = 0.0 if truth is None else segmentation.concentration(truth)
    if marked is None:
        found: dict[str, float | None] = {
            "iou": 0.0,
            "dice": 0.0,
            "pixel-accuracy": 0.0,
            "concentration-error": max(share, 1 - share),
            "false-marking": 1.0,
        }
        boxes = np.empty((0, 4), np.int64)
    else:
        if truth is None:
            raise ValueError("an answer needs a truth of its size")
        seen = segmentation.agreement(marked, truth)
        found = {
            "iou": seen.iou,
            "dice": seen.dice,
            "pixel-accuracy": (seen.both + seen.neither) / truth.size,
            "concentration-error": abs(seen.concentration_error),
            "false-marking": segmentation.concentration(marked),
        }
        boxes = boxes_of(marked)
    found["localisation-accuracy"] = (
        localisation.localise(true_boxes, boxes).accuracy if len(true_boxes) else None
    )
    for metric in ("iou", "dice", "localisation-accuracy") if not tattooed else ("false-marking",):
        found[metric] = None
    return found


def _unseeing(truth: MarkedPixels | None, boxes: npt.NDArray[np.int64]) -> dict[str, float | None]:
    """Return what an answer gets on an image that is the same for all: everything is tattoo."""
    if truth is None or not truth.any():
        return {"share": 0.0, "iou": None, "dice": None, "localisation-accuracy": None}
    share = segmentation.concentration(truth)
    whole = np.array([[0, 0, truth.shape[1], truth.shape[0]]])
    place = localisation.localise(boxes, whole).accuracy if len(boxes) else None
    dice = 2 * share / (1 + share)
    return {"share": share, "iou": share, "dice": dice, "localisation-accuracy": place}


def _chance(metric: str, blind: Sequence[Mapping[str, float | None]]) -> float | None:
    """Return what the best answer gets that does not look at the images.

    That is every pixel for IoU, Dice and the box; for the share of right pixels all or none of
    them; and for the concentration always the median.
    """
    shares = np.array([found["share"] for found in blind], dtype=np.float64)
    if metric == "false-marking" or not len(shares):
        return None
    if metric == "pixel-accuracy":
        return float(max(shares.mean(), 1 - shares.mean()))
    if metric == "concentration-error":
        return float(np.abs(shares - np.median(shares)).mean())
    return mean_of([found[metric] for found in blind])


def _search(
    fold: str, record: Record, marked: MarkedPixels | None, values: dict[str, float | None]
) -> Judgement:
    return Judgement(
        fold=fold,
        probe=record.name,
        identity=cluster_of(record),
        score=values["iou"],
        failed=marked is None,
        truth=OTHER if values["iou"] is None else TATTOO,
        values=values,
    )


def _true_boxes(record: Record, truth: MarkedPixels | None) -> npt.NDArray[np.int64]:
    """Return the box that the data set gives, or those around the pieces of its mask."""
    if truth is None or not truth.any():
        return np.empty((0, 4), np.int64)
    return boxes_of(truth) if record.box is None else np.array([record.box], dtype=np.int64)


TASK = Segmentation()
