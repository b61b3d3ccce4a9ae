"""Which comparisons and searches belong together: by a column of the data set, or in bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from harness.data.records import Record
from harness.errors import nearest
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.tasks.binned import bins_by
from harness.tasks.pairs import Comparisons, Pairs
from harness.tasks.results import Judgement

MOST_GROUPS = 20
"""More values than this are no groups that a table of people would be read of."""

_NO_GROUPS = {"name", "path", "fold", "mask", "clean", "query", "role"}
"""Fields of a record that say nothing of what is shown."""

Numbers = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Grouping:
    """Groups of images, and how comparisons of two images fall into them.

    Parameters
    ----------
    names
        Of the groups, in the order in which they are shown.
    images
        Number of the group of each image, by its name; images without one are left out.
    by_probe
        Whether the probe alone says where a comparison belongs, as in searches of a gallery and
        for bins; else both images have to be of one group.
    """

    names: tuple[str, ...]
    images: Mapping[str, int]
    by_probe: bool

    @property
    def rule(self) -> str:
        """How a comparison falls into a group, in words."""
        if self.by_probe:
            return "the probe says to which group a comparison belongs"
        return "both images of a comparison are of the group"

    def of_comparisons(self, pairs: Pairs, comparisons: Comparisons) -> Numbers:
        """Return the group of each comparison, -1 for none: int64, shape (comparisons,)."""
        known = np.array([self.images.get(name, -1) for name in pairs.names], np.int64)
        probe, reference = known[comparisons.probes], known[comparisons.references]
        if self.by_probe:
            return probe
        return np.where(probe == reference, probe, -1)

    def of_searches(self, searches: Sequence[Judgement]) -> Numbers:
        """Return the group of each search, by its probe: int64, shape (searches,)."""
        return np.array([self.images.get(search.probe, -1) for search in searches], np.int64)


def by_column(judged: JudgedRun, column: str) -> Grouping:
    """Return a group for each value of a column of the data set.

    Raises
    ------
    NotInData
        If the data set has no such column, or too many values.
    """
    known = [one.name for one in fields(Record) if one.name not in _NO_GROUPS]
    if column not in known:
        raise NotInData(f"no data set has a column {column!r}.{nearest(column, known)}")
    records = judged.run.records
    values = {name: getattr(record, column) for name, record in records.items()}
    values = {name: value for name, value in values.items() if isinstance(value, str) and value}
    judged_names = {name for fold in judged.run.folds for name in (*fold.probes, *fold.gallery)}
    names = tuple(sorted({value for name, value in values.items() if name in judged_names}))
    if not names:
        raise NotInData(f"data set {judged.data_name!r} does not state {column!r} of any image")
    if len(names) > MOST_GROUPS:
        raise NotInData(
            f"column {column!r} has {len(names):,} values; more than {MOST_GROUPS} are no groups"
        )
    number = {name: i for i, name in enumerate(names)}
    images = {name: number[value] for name, value in values.items() if value in number}
    return Grouping(names, images, by_probe=not judged.task.square)


def in_bins(judged: JudgedRun, quantity: str) -> Grouping:
    """Return the bins of a quantity, as reports have them; a trial is in the bin of its probe.

    Parameters
    ----------
    judged
        The run.
    quantity
        As for `harness.tasks.binned.bins_by`.

    Raises
    ------
    NotInData
        If it is known of no image.
    """
    bins = bins_by(quantity, judged.run.records)
    if not bins.of:
        raise NotInData(f"data set {judged.data_name!r} does not state the {quantity} of any image")
    number = {name: i for i, name in enumerate(bins.names)}
    images = {name: number[label] for name, label in bins.of.items()}
    return Grouping(bins.names, images, by_probe=True)
