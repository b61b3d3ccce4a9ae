"""What the tasks share that ask about one image at a time: folds without a gallery, intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from harness.data.records import Dataset, Fold, Picture, Record
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import cluster_bootstrap
from harness.statistics.intervals import Interval
from harness.tasks.clusters import cluster_of
from harness.tasks.folds import deal
from harness.tasks.protocol import FoldRules
from harness.tasks.results import Judgement

TATTOO, OTHER = "tattoo", "non-tattoo"
"""Labels: what an image shows."""


class PerImage:
    """Arrays with an element for each image, of one fold or of all.

    Attributes
    ----------
    arrays
        Names of the attributes that are such arrays.
    fold, names
        Of the images; empty for images that were drawn.
    """

    arrays: ClassVar[tuple[str, ...]]
    fold: str
    names: Sequence[str]

    @classmethod
    def pool(cls, parts: Sequence[Self]) -> Self:
        """Return the images of all parts."""
        whole = copy(parts[0])
        whole.fold, whole.names = "", [name for part in parts for name in part.names]
        for array in cls.arrays:
            setattr(whole, array, np.concatenate([getattr(part, array) for part in parts]))
        return whole

    def take(self, places: npt.NDArray[np.int64]) -> Self:
        """Return images by their places, each as often as its place is there: shape (images,)."""
        found = copy(self)
        found.fold, found.names = "", ()
        for array in self.arrays:
            setattr(found, array, getattr(self, array)[places])
        return found


@dataclass
class JudgedImages:
    """Images of one fold, or of all, each with its measurements."""

    fold: str
    searches: list[Judgement] = field(default_factory=list)

    @property
    def clusters(self) -> npt.NDArray[Any]:
        """Identity of each image: shape (images,)."""
        return np.array([search.identity for search in self.searches])

    def counts(self) -> dict[str, int]:
        """Return how many there are of each kind."""
        tattoo = sum(search.truth == TATTOO for search in self.searches)
        return {
            "images": len(self.searches),
            "tattoo": tattoo,
            "non_tattoo": len(self.searches) - tattoo,
            "identities": len({search.identity for search in self.searches}),
            "failed_probes": sum(search.failed for search in self.searches),
        }


def mask_of(record: Record) -> Picture | None:
    """Return the mask of an image, None where it has none."""
    return None if record.mask is None else Picture(str(record.mask))


def usable_folds(dataset: Dataset, usable: Mapping[str, Record], rules: FoldRules) -> list[Fold]:
    """Return folds of usable images alone: the data set's own that keep any, or dealt ones."""
    if not dataset.folds:
        return dealt_folds(Dataset(dataset.name, dataset.root, dataset.layout, usable), rules)
    folds = [
        Fold(
            fold.name,
            tuple(name for name in fold.train if name in usable),
            tuple(name for name in fold.probes if name in usable),
        )
        for fold in dataset.folds
    ]
    return [fold for fold in folds if fold.probes]


def dealt_folds(
    dataset: Dataset, rules: FoldRules, identity: Callable[[Record], str] = cluster_of
) -> list[Fold]:
    """Return folds that share no identity, in which all images that do not train are judged."""
    return [
        Fold(name, tuple(r.name for r in train), tuple(r.name for r in judged))
        for name, train, judged, _ in deal(
            dataset, rules, identity, lambda records, rng: (list(records), [])
        )
    ]


def resampled(
    metrics: Sequence[Metric],
    clusters: npt.NDArray[Any],
    value: Callable[[Metric, npt.NDArray[np.int64]], float | None],
) -> dict[Metric, Interval]:
    """Return the interval of every metric by resampling identities; none with a single identity.

    Parameters
    ----------
    clusters
        Identity of each image: shape (images,).
    value
        Returns a metric over images, by their places: int64, shape (drawn images,), an image as
        often as it was drawn.
    """
    known, numbers = np.unique(clusters, return_inverse=True)

    def values(drawn: npt.NDArray[np.int64]) -> list[float]:
        places = np.repeat(np.arange(len(numbers)), drawn[numbers])
        found = [value(metric, places) for metric in metrics]
        return [np.nan if one is None else one for one in found]

    if not metrics or len(known) < 2:
        return {}
    found = cluster_bootstrap(values, len(known), corrected=True)
    return dict(zip(metrics, found, strict=True))
