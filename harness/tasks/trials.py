"""What a metric is made of, trial by trial: all that pairing two runs needs."""

from __future__ import annotations

import typing
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.metrics.ids import Metric
from harness.tasks.answers import Answer
from harness.tasks.clusters import cluster_of, identities_of

MEASURES = ("eer", "eer-convex-hull", "fnmr", "tpdr", "auc", "d-prime")
"""Metrics that are read from the scores of all comparisons together."""


@dataclass(frozen=True, eq=False)
class Values:
    """Trials whose mean is the metric.

    Parameters
    ----------
    values
        float64, shape (n,); NaN where there was nothing to measure. Trials of two runs on the same
        folds stand in the same order.
    identities
        Labels, shape (n,): whom each trial belongs to.
    """

    values: npt.NDArray[np.float64]
    identities: npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class Scores:
    """Comparisons from which the metric is read at a threshold, or by their order.

    Parameters
    ----------
    mated, nonmated
        float64, shape (m,) and (n,), failures as in `harness.metrics.verification`.
    mated_identities, nonmated_probes, nonmated_references
        Labels, shape (m,), (n,) and (n,): the identities that each comparison joins. Where both are
        one, it counts once for it.
    measure
        One of `MEASURES`.
    rate
        FMR or FPDR at which ``fnmr`` or ``tpdr`` is read.
    """

    mated: npt.NDArray[np.float64]
    mated_identities: npt.NDArray[Any]
    nonmated: npt.NDArray[np.float64]
    nonmated_probes: npt.NDArray[Any]
    nonmated_references: npt.NDArray[Any]
    measure: str
    rate: float = float("nan")


@dataclass(frozen=True, eq=False)
class Statistic:
    """Images from which the metric is computed as a whole: it is no mean, and no error rate.

    Parameters
    ----------
    measure
        Returns the metric of images given by their places, int64, shape (drawn,), an image as often
        as it was drawn; NaN where it has no answer.
    identities
        Labels, shape (n,): whose each image is. Images of two runs on the same folds stand in the
        same order.
    answers
        What the images were answered with, shape (n, ...): equal answers give equal metrics.
    """

    measure: Callable[[npt.NDArray[np.int64]], float]
    identities: npt.NDArray[Any]
    answers: npt.NDArray[Any]

    @property
    def value(self) -> float:
        """The metric of all images."""
        return self.measure(np.arange(len(self.identities)))


Trials: TypeAlias = Values | Scores | Statistic
TrialsOf: TypeAlias = Callable[[Metric], Trials | None]
"""Gives the trials of a metric, or None where the run does not keep what it would take."""


class Compared(typing.Protocol):
    """Scores of comparisons, with labels of the identities that each joins, as in `Scores`."""

    @property
    def mated(self) -> npt.NDArray[np.float64]:
        """Scores, float64, shape (mated,)."""

    @property
    def mated_clusters(self) -> npt.NDArray[Any]:
        """Label of each mated comparison's identity, shape (mated,)."""

    @property
    def nonmated(self) -> npt.NDArray[np.float64]:
        """Scores, float64, shape (nonmated,)."""

    @property
    def probe_clusters(self) -> npt.NDArray[Any]:
        """Label of each non-mated comparison's probe, shape (nonmated,)."""

    @property
    def reference_clusters(self) -> npt.NDArray[Any]:
        """Label of each non-mated comparison's reference, shape (nonmated,)."""


def trials_of(compared: Compared, metric: Metric) -> Scores | None:
    """Return the trials of a metric of `MEASURES`; None of any other."""
    if metric.name not in MEASURES:
        return None
    return Scores(
        compared.mated,
        compared.mated_clusters,
        compared.nonmated,
        compared.probe_clusters,
        compared.reference_clusters,
        metric.name,
        float(dict(metric.options).get("fmr", "nan")),
    )


def failures_of(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
) -> Values:
    """Return, for each image of each fold, 1 where the algorithm gave up on it and 0 elsewhere."""
    mated = identities_of(folds)
    failed: list[bool] = []
    whose: list[str] = []
    for fold, answer in zip(folds, answers, strict=True):
        for name in dict.fromkeys((*fold.probes, *fold.gallery)):
            record = records[name]
            failed.append(name in answer.failures)
            whose.append(mated.get(name) or cluster_of(record))
    return Values(np.array(failed, dtype=np.float64), np.array(whose))


def values_of(values: Sequence[float | None], identities: npt.NDArray[Any]) -> Values | None:
    """Return one value for each image as trials; None where no image has any.

    Parameters
    ----------
    values
        One for each of n images, None where it has none.
    identities
        Labels, shape (n,): whose each image is.
    """
    found = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
    return None if np.isnan(found).all() else Values(found, identities)
