"""Removal: the image without its tattoo.

Images with a mask and a clean capture are judged by what is left of the tattoo and by what was
changed beside it; images labelled as showing no tattoo by what was changed at all. The headline
weighs all three against each other (`harness.metrics.removal.net_removal`): neither doing nothing
nor painting over everything is good by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Remover
from harness.data.images import decode
from harness.data.masks import read_mask
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, UsageError
from harness.execution.unit import Picture
from harness.metrics import removal as measuring
from harness.metrics.removal import Removal
from harness.protocol import Protocol
from harness.resampling import cluster_bootstrap
from harness.results import Curves, Estimate, FoldMetrics, Metrics, Outcome, Search
from harness.statistics import Interval, no_interval
from harness.tasks.answers import Answer, PictureAnswer, finite, fold_spread, listed_failures
from harness.tasks.images import dealt_folds, identity_of, listed_folds, mask_of
from harness.tasks.intervals import set_interval
from harness.tasks.means import mean_estimate, mean_of

ABILITY = Remover
METRICS: dict[str, tuple[str, ...]] = {
    "net-removal": (),
    "residual": (),
    "error-inside": (),
    "rmse-inside": (),
    "psnr-inside": (),
    "ssim-inside": (),
    "change-outside": (),
    "changed-outside": (),
    "change-untattooed": (),
    "changed-untattooed": (),
}
TRUTH_FILES = ("path", "mask", "clean")
FAILURE_POLICY = (
    "An image that the algorithm gives up on stays as it is: nothing is removed from it. Returning "
    "it unchanged is open to every algorithm, so nothing is gained by giving up."
)
TATTOO, OTHER = "tattoo", "non-tattoo"
Column = npt.NDArray[np.float64]

_POOLED: dict[str, tuple[tuple[str, ...], Callable[..., float]]] = {
    "net-removal": (("error", "error_unchanged"), measuring.net_removal),
    "residual": (("error_inside", "error_inside_unchanged"), measuring.residual),
    "rmse-inside": (("squared_inside",), measuring.root_mean_square),
    "psnr-inside": (("squared_inside",), measuring.pooled_psnr),
}
"""Metrics that are no means over images: the measurements behind them, and the function."""

_SHARES = (
    *("error-inside", "change-outside", "changed-outside"),
    *("change-untattooed", "changed-untattooed"),
)
"""Metrics that lie in [0, 1], with nothing beyond."""


def lay_out(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Return the folds of a data set: its own lists, or folds that keep a tattoo's images together.

    Left out are images that show a tattoo, or may show one, without both a mask and a clean
    capture.

    Raises
    ------
    UsageError
        If the protocol asks for images to be cropped.
    DataError
        If no image has a mask and a clean capture.
    """
    if protocol.data.crop:
        raise UsageError("a removal protocol cannot crop its images: masks are of the whole")
    usable = {
        name: record
        for name, record in dataset.records.items()
        if (record.mask and record.clean) or record.label == OTHER
    }
    if not any(record.mask for record in usable.values()):
        raise DataError(
            f"{dataset.name} has no image with both a mask and a clean capture; the columns 'mask' "
            "and 'clean' of a manifest name them"
        )
    if dataset.folds:
        return listed_folds(dataset, usable)
    kept = Dataset(dataset.name, dataset.root, dataset.layout, usable)
    return dealt_folds(kept, protocol.folds)


def training_truth(fold: Fold, records: Mapping[str, Record], protocol: Protocol) -> dict[str, Any]:
    """Return what a training set says: masks and clean captures."""
    shown = [records[name] for name in fold.train]
    return {
        "masks": [mask_of(record) for record in shown],
        "clean": [None if r.clean is None else Picture(str(r.clean)) for r in shown],
    }


def judge(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> Outcome:
    """Compute every number of a run from its retouched pictures.

    Parameters
    ----------
    folds, answers
        In the same order; the answers are `PictureAnswer`.
    """
    ids = [metric.name for metric in protocol.metric_ids]
    parts = [
        [_of_image(records[name], answer, i) for i, name in enumerate(fold.probes)]
        for fold, answer in zip(folds, answers, strict=True)
    ]
    pooled = [found for part in parts for found in part]
    unit = float(np.mean([found.error_unchanged for found in pooled])) if pooled else 0.0
    searches = [
        _search(fold.name, records[name], name in answer.failures, _values(found, unit))
        for fold, answer, part in zip(folds, answers, parts, strict=True)
        for name, found in zip(fold.probes, part, strict=True)
    ]
    clusters = np.array([search.identity for search in searches])
    per_fold = []
    for fold, part in zip(folds, parts, strict=True):
        judged = [search for search in searches if search.fold == fold.name]
        values = {name: _value(name, part, judged) for name in ids}
        per_fold.append(FoldMetrics(fold.name, _counts(judged), values))
    intervals = _resampled([name for name in ids if name in _POOLED], pooled, clusters)
    estimates = {}
    for name in ids:
        if name in _POOLED:
            estimate = Estimate(_value(name, pooled, searches), n=_trials(name, searches))
            set_interval(estimate, intervals[name], 0, share=False)
        else:
            estimate = mean_estimate(
                [search.values[name] for search in searches], clusters, share=name in _SHARES
            )
        spread = fold_spread([fold.values[name] for fold in per_fold])
        estimate.fold_mean, estimate.fold_sd = spread
        estimates[name] = estimate
    counts = {"folds": len(folds), **_counts(searches)}
    counts["training_images"] = len({name for fold in folds for name in fold.train})
    return Outcome(
        metrics=Metrics("removal", protocol.headline_id, counts, estimates, per_fold),
        curves=Curves(),
        searches=searches,
        failures=listed_failures(folds, answers),
    )


def _of_image(record: Record, answer: Answer, place: int) -> Removal:
    """Measure one probe; what the algorithm gave up on stays as it is."""
    given = decode(record.path)
    retouched = answer.image(place) if isinstance(answer, PictureAnswer) else None
    clean, mask = given, np.zeros(given.shape[:2], dtype=bool)
    if record.mask is not None and record.clean is not None:
        clean, mask = decode(record.clean), read_mask(record.mask)
    for what, shape in (("mask", mask.shape), ("clean capture", clean.shape[:2])):
        if shape != given.shape[:2]:
            raise DataError(
                f"the {what} of {record.name} has {shape[1]} x {shape[0]} pixels, its image "
                f"{given.shape[1]} x {given.shape[0]}; give both the size of the image"
            )
    return measuring.removal(given if retouched is None else retouched, given, clean, mask)


def _values(found: Removal, unit: float) -> dict[str, float | None]:
    """Return the measurements of one image by metric id; None where the image has no say.

    That of the headline is what the image adds to it: the error taken away, in units of the mean
    error before; the mean over images is the headline.
    """
    tattooed = not math.isnan(found.error_inside)
    gain = (found.error_unchanged - found.error) / unit if unit > 0 else None
    values: dict[str, float | None] = dict.fromkeys(METRICS)
    values["net-removal"] = gain
    if tattooed:
        before = found.error_inside_unchanged
        squared = found.squared_inside
        values |= {
            "residual": found.error_inside / before if before > 0 else None,
            "error-inside": found.error_inside,
            "rmse-inside": math.sqrt(squared),
            "psnr-inside": finite(measuring.pooled_psnr([squared])),
            "ssim-inside": finite(found.ssim_inside),
            "change-outside": finite(found.change_outside),
            "changed-outside": finite(found.changed_outside),
        }
    else:
        values |= {
            "change-untattooed": found.change_outside,
            "changed-untattooed": found.changed_outside,
        }
    return values


def _value(name: str, part: Sequence[Removal], searches: Sequence[Search]) -> float | None:
    if name not in _POOLED:
        return mean_of([search.values[name] for search in searches])
    columns, function = _POOLED[name]
    return finite(function(*_present(part, columns)))


def _present(part: Sequence[Removal], columns: Sequence[str]) -> list[Column]:
    """Return measurements of the images that have them: each float64, shape (images,)."""
    found = np.array([[getattr(row, name) for name in columns] for row in part], dtype=np.float64)
    found = found.reshape(len(part), len(columns))
    return list(found[~np.isnan(found).any(axis=1)].T)


def _resampled(
    names: Sequence[str], pooled: Sequence[Removal], clusters: npt.NDArray[Any]
) -> dict[str, Interval]:
    """Return intervals of the pooled metrics by resampling identities."""
    known, numbers = np.unique(clusters, return_inverse=True)
    if not names or len(known) < 2:
        return dict.fromkeys(names, no_interval("bootstrap: needs two identities"))

    def values(drawn: npt.NDArray[np.int64]) -> list[float]:
        picked = np.repeat(np.arange(len(pooled)), drawn[numbers])
        found = [
            float(function(*(column[picked][~np.isnan(column[picked])] for column in columns)))
            for columns, function in tables
        ]
        # The ratio of a perfect draw is infinite: it has no place among the others.
        return [value if math.isfinite(value) else math.nan for value in found]

    tables = [
        (
            [np.array([getattr(row, column) for row in pooled]) for column in _POOLED[name][0]],
            _POOLED[name][1],
        )
        for name in names
    ]
    return dict(zip(names, cluster_bootstrap(values, len(known)), strict=True))


def _trials(name: str, searches: Sequence[Search]) -> int:
    return sum(search.values[name] is not None or name == "psnr-inside" for search in searches)


def _search(fold: str, record: Record, failed: bool, values: dict[str, float | None]) -> Search:
    return Search(
        fold=fold,
        probe=record.name,
        identity=identity_of(record),
        failed=failed,
        truth=OTHER if record.mask is None else TATTOO,
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
