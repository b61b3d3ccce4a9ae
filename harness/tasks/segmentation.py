"""Segmentation: which pixels of an image show a tattoo?

Asked of images with a mask, and of those without a tattoo, whose mask is empty. IoU, Dice and
localisation accuracy are means over the images that show a tattoo, false marking over those that
show none, the others over all; every image weighs the same. What the mask of a data set marks is
its own affair: ink alone, or all that the tattoo covers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Segmenter
from harness.data.masks import read_mask
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.execution.unit import Picture
from harness.metrics import localisation, segmentation
from harness.metrics.regions import boxes_of
from harness.protocol import Protocol
from harness.results import Curves, FoldMetrics, Metrics, Outcome, Search
from harness.tasks.answers import Answer, PictureAnswer, fold_spread, listed_failures
from harness.tasks.images import dealt_folds, identity_of, listed_folds, mask_of
from harness.tasks.means import mean_estimate, mean_of
from harness.tasks.trials import of_images

ABILITY = Segmenter
trials = of_images
METRICS: dict[str, tuple[str, ...]] = {
    "iou": (),
    "dice": (),
    "pixel-accuracy": (),
    "concentration-error": (),
    "localisation-accuracy": (),
    "false-marking": (),
}
TRUTH_FILES = ("mask",)
FAILURE_POLICY = "An image without a mask gets the worst value of every metric."
TATTOO, OTHER = "tattoo", "non-tattoo"

MarkedPixels = npt.NDArray[np.bool_]


def lay_out(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Return the folds of a data set: its own lists, or folds that keep a tattoo's images together.

    Images without a mask take part only where their label says that they show no tattoo.

    Raises
    ------
    UsageError
        If the protocol asks for images to be cropped.
    DataError
        If there is no mask.
    """
    if protocol.data.crop:
        raise UsageError("a segmentation protocol cannot crop its images: masks are of the whole")
    usable = {n: r for n, r in dataset.records.items() if r.mask or r.label == OTHER}
    if not any(record.mask for record in usable.values()):
        raise DataError(
            f"{dataset.name} has no masks; the column 'mask' of a manifest names the image of each "
            "tattoo's pixels"
        )
    if dataset.folds:
        return listed_folds(dataset, usable)
    kept = Dataset(dataset.name, dataset.root, dataset.layout, usable)
    return dealt_folds(kept, protocol.folds)


def training_truth(fold: Fold, records: Mapping[str, Record], protocol: Protocol) -> dict[str, Any]:
    """Return what a training set says: the mask of every image."""
    return {"masks": [mask_of(records[name]) for name in fold.train]}


def truth_masks(fold: Fold, records: Mapping[str, Record]) -> list[Picture | None]:
    """Return the masks of the images that are judged; None where there is no tattoo."""
    return [mask_of(records[name]) for name in fold.probes]


def judge(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> Outcome:
    """Compute every number of a run from its masks.

    Parameters
    ----------
    folds, answers
        In the same order; the answers are `PictureAnswer`.
    """
    ids = protocol.metric_ids
    searches: list[Search] = []
    per_fold = []
    constants: dict[str, list[float | None]] = {str(metric): [] for metric in ids}
    for fold, answer in zip(folds, answers, strict=True):
        judged = []
        for i, name in enumerate(fold.probes):
            mask = answer.mask(i) if isinstance(answer, PictureAnswer) else None
            truth = truth_of(records[name], None if mask is None else mask.shape)
            boxes = _true_boxes(records[name], truth)
            marked = None if mask is None else segmentation.as_mask(mask, protocol.threshold)
            judged.append(_search(fold.name, records[name], marked, measured(marked, truth, boxes)))
            for name_of, value in _unseeing(truth, boxes).items():
                constants.setdefault(name_of, []).append(value)
        searches += judged
        values = {str(m): mean_of([s.values[m.name] for s in judged]) for m in ids}
        per_fold.append(FoldMetrics(fold.name, _counts(judged), values))
    clusters = np.array([search.identity for search in searches])
    estimates = {}
    for metric in ids:
        estimate = mean_estimate([s.values[metric.name] for s in searches], clusters, share=True)
        estimate.chance = _chance(metric.name, constants)
        spread = fold_spread([fold.values[str(metric)] for fold in per_fold])
        estimate.fold_mean, estimate.fold_sd = spread
        estimates[str(metric)] = estimate
    counts = {"folds": len(folds), **_counts(searches)}
    counts["training_images"] = len({name for fold in folds for name in fold.train})
    return Outcome(
        metrics=Metrics("segmentation", protocol.headline_id, counts, estimates, per_fold),
        curves=Curves(),
        searches=searches,
        failures=listed_failures(folds, answers),
    )


def truth_of(record: Record, shape: tuple[int, ...] | None = None) -> MarkedPixels | None:
    """Return the mask of a record: bool; None where nothing says how large an empty one is.

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
        The answer; None is a failure.
    truth
        None, with a failure alone, for an empty mask of unknown size.
    true_boxes
        Of the tattoos, shape (boxes, 4).

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


def _chance(metric: str, constants: Mapping[str, Sequence[float | None]]) -> float | None:
    """Return what the best answer gets that does not look at the images.

    That is every pixel for IoU, Dice and the box; for the share of right pixels all or none of
    them; and for the concentration always the median.
    """
    shares = np.array(constants.get("share", []), dtype=np.float64)
    if metric == "false-marking" or not len(shares):
        return None
    if metric == "pixel-accuracy":
        return float(max(shares.mean(), 1 - shares.mean()))
    if metric == "concentration-error":
        return float(np.abs(shares - np.median(shares)).mean())
    return mean_of(constants[metric])


def _search(
    fold: str, record: Record, marked: MarkedPixels | None, values: dict[str, float | None]
) -> Search:
    return Search(
        fold=fold,
        probe=record.name,
        identity=identity_of(record),
        score=values["iou"],
        failed=marked is None,
        truth=OTHER if values["iou"] is None else TATTOO,
        values=values,
    )


def _counts(searches: Sequence[Search]) -> dict[str, int]:
    tattoo = sum(search.truth == TATTOO for search in searches)
    return {
        "images": len(searches),
        "tattoo": tattoo,
        "non_tattoo": len(searches) - tattoo,
        "identities": len({search.identity for search in searches}),
        "failed_probes": sum(search.failed for search in searches),
    }


def _true_boxes(record: Record, truth: MarkedPixels | None) -> npt.NDArray[np.int64]:
    """Return the box that the data set gives, or those around the pieces of its mask."""
    if truth is None or not truth.any():
        return np.empty((0, 4), np.int64)
    return boxes_of(truth) if record.box is None else np.array([record.box], dtype=np.int64)
