"""Removal: the image without its tattoo.

Images with a mask and a clean capture are judged by what is left of the tattoo and by what was
changed beside it; images labelled as showing no tattoo by what was changed at all. The headline
weighs all three against each other (`harness.metrics.removal.net_removal`): neither doing nothing
nor painting over everything is good by it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import Remover
from harness.data.images import decode
from harness.data.masks import read_mask
from harness.data.records import Dataset, Fold, Picture, Record
from harness.errors import DataError, UsageError
from harness.metrics import removal as measuring
from harness.metrics.ids import Metric
from harness.metrics.removal import Removal
from harness.statistics.bootstrap import cluster_bootstrap
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import Interval, no_interval
from harness.tasks.answers import Answer, Answered, PictureAnswer, finite
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.clusters import cluster_of
from harness.tasks.images import OTHER, TATTOO, JudgedImages, mask_of, usable_folds
from harness.tasks.intervals import set_interval
from harness.tasks.means import mean_estimate, mean_of
from harness.tasks.protocol import Protocol, Table
from harness.tasks.results import (
    FoldMetrics,
    Judgement,
)
from harness.tasks.task import Task
from harness.tasks.trials import Statistic, Trials, values_of

METRICS = (
    "net-removal",
    "residual",
    "error-inside",
    "rmse-inside",
    "psnr-inside",
    "ssim-inside",
    "change-outside",
    "changed-outside",
    "change-untattooed",
    "changed-untattooed",
)
Column = npt.NDArray[np.float64]

_POOLED: dict[str, tuple[tuple[str, ...], Callable[..., float]]] = {
    "net-removal": (("error", "error_unchanged"), measuring.net_removal),
    "residual": (("error_inside", "error_inside_unchanged"), measuring.residual),
    "rmse-inside": (("squared_inside",), measuring.root_mean_square),
    "psnr-inside": (("squared_inside",), measuring.pooled_psnr),
}
"""Metrics that are no means over images: the measurements behind them, and the function."""


class RemovalRules(Table):
    """What the question ``removal`` lends to others.

    Parameters
    ----------
    attacker
        Algorithm whose retouched pictures another protocol sees when ``--attack`` names this one.
    """

    attacker: str = ""


class RemovalTask(Task["_Retouched", "_Retouched"]):
    """What is left of the tattoo? Answers are pictures: a `PictureAnswer` for each fold."""

    ability = Remover
    metrics = METRICS
    truth_files = ("path", "mask", "clean")
    rules = RemovalRules
    failure_policy = (
        "An image that the algorithm gives up on stays as it is: nothing is removed from it. "
        "Returning it unchanged is open to every algorithm, so nothing is gained by giving up."
    )

    def attacker(self, protocol: Protocol) -> str:
        """Return the algorithm that the protocol's rules name."""
        return RemovalRules.of(protocol).attacker

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return the data set's own lists, or folds that keep a tattoo's images together.

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
                f"{dataset.name} has no image with both a mask and a clean capture; the columns "
                "'mask' and 'clean' of a manifest name them"
            )
        return usable_folds(dataset, usable, protocol.folds)

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return masks and clean captures."""
        shown = [records[name] for name in fold.train]
        return {
            "masks": [mask_of(record) for record in shown],
            "clean": [None if r.clean is None else Picture(str(r.clean)) for r in shown],
        }

    def parts(self, run: Answered) -> list[_Retouched]:
        """Return every image of each fold with its measurements."""
        records = run.records
        found = [
            [_of_image(records[name], answer, i) for i, name in enumerate(fold.probes)]
            for fold, answer in run.by_fold
        ]
        pooled = [one for part in found for one in part]
        unit = float(np.mean([one.error_unchanged for one in pooled])) if pooled else 0.0
        return [
            _Retouched(
                fold.name,
                [
                    _search(fold.name, records[name], name in answer.failures, _values(one, unit))
                    for name, one in zip(fold.probes, part, strict=True)
                ],
                part,
            )
            for (fold, answer), part in zip(run.by_fold, found, strict=True)
        ]

    def whole(self, parts: Sequence[_Retouched], run: Answered) -> _Retouched:
        """Return the images of all folds."""
        return _Retouched(
            "", [s for part in parts for s in part.searches], [m for p in parts for m in p.measured]
        )

    def of_part(self, part: _Retouched, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(m): _value(m.name, part) for m in protocol.metric_ids}
        return FoldMetrics(part.fold, part.counts(), values)

    def estimates(self, whole: _Retouched, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        ids = [metric.name for metric in protocol.metric_ids]
        intervals = _resampled([name for name in ids if name in _POOLED], whole)
        found = {}
        for name in ids:
            if name in _POOLED:
                estimate = Estimate(_value(name, whole), n=_trials(name, whole.searches))
                set_interval(estimate, intervals[name], 0, share=False)
            else:
                values = [search.values[name] for search in whole.searches]
                share = CATALOGUE[name].span == 1.0
                estimate = mean_estimate(values, whole.clusters, share=share)
            found[name] = estimate
        return found

    def searches(self, part: _Retouched, protocol: Protocol) -> list[Judgement]:
        """Return every image with its measurements."""
        return part.searches

    def trials_in(self, whole: _Retouched, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return the measurement of every image, or all images where the metric is no mean."""
        if metric.name not in _POOLED:
            values = [search.values[metric.name] for search in whole.searches]
            return values_of(values, whole.clusters)
        columns, function = _POOLED[metric.name]
        table = [np.array([getattr(row, column) for row in whole.measured]) for column in columns]

        def measure(places: npt.NDArray[np.int64]) -> float:
            drawn = (column[places] for column in table)
            found = float(function(*(column[~np.isnan(column)] for column in drawn)))
            # The ratio of a perfect draw is infinite: it has no place among the others.
            return found if math.isfinite(found) else math.nan

        return Statistic(measure, whole.clusters, np.stack(table, axis=1))


@dataclass
class _Retouched(JudgedImages):
    """Images with what was measured of each, and what it adds to every metric."""

    measured: Sequence[Removal] = ()


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


def _value(name: str, part: _Retouched) -> float | None:
    if name not in _POOLED:
        return mean_of([search.values[name] for search in part.searches])
    columns, function = _POOLED[name]
    return finite(function(*_present(part.measured, columns)))


def _present(part: Sequence[Removal], columns: Sequence[str]) -> list[Column]:
    """Return measurements of the images that have them: each float64, shape (images,)."""
    found = np.array([[getattr(row, name) for name in columns] for row in part], dtype=np.float64)
    found = found.reshape(len(part), len(columns))
    return list(found[~np.isnan(found).any(axis=1)].T)


def _resampled(names: Sequence[str], whole: _Retouched) -> dict[str, Interval]:
    """Return intervals of the pooled metrics by resampling identities."""
    pooled = whole.measured
    known, numbers = np.unique(whole.clusters, return_inverse=True)
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


def _trials(name: str, searches: Sequence[Judgement]) -> int:
    return sum(search.values[name] is not None or name == "psnr-inside" for search in searches)


def _search(fold: str, record: Record, failed: bool, values: dict[str, float | None]) -> Judgement:
    return Judgement(
        fold=fold,
        probe=record.name,
        identity=cluster_of(record),
        failed=failed,
        truth=OTHER if record.mask is None else TATTOO,
        values=values,
    )


TASK = RemovalTask()
