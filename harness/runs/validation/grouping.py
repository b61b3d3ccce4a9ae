"""Which comparisons and searches belong together: by a column of the data set, or in bins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from harness.data.records import Record
from harness.errors import nearest, some
from harness.record.told_apart import COLUMN, OWN
from harness.runs.validation.judged import JudgedRun, NotInData
from harness.tasks.binned import AREA, MASK, QUALITY, Bins, bins_by
from harness.tasks.pairs import Comparisons, Pairs
from harness.tasks.results import Judgement

MOST_GROUPS = 20
"""More values than this are no groups that a table of people would be read of."""

_NO_GROUPS = {"name", "path", "fold", "mask", "clean", "query", "role"}
"""Fields of a record that say nothing of what is shown."""

_SHARES = {
    AREA: "by the share of the image that the tattoo's box takes",
    MASK: "by the share of the image that the tattoo's mask marks",
}
_SAID_BY = {COLUMN: "by the column", OWN: "by the algorithm"}
"""What stands beside a bin of a quality, by its source: bins of two may have the same ends."""

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
    source
        What the groups go by, where that is not clear from their names.
    """

    names: tuple[str, ...]
    images: Mapping[str, int]
    by_probe: bool
    source: str = ""

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


def in_bins(judged: JudgedRun, quantity: str) -> list[Grouping]:
    """Return the bins of a quantity; a trial is in the bin of its probe.

    Parameters
    ----------
    judged
        The run.
    quantity
        As for `harness.tasks.binned.bins_by`.

    Returns
    -------
    list of Grouping
        One; of qualities, one for each source that a report has.

    Raises
    ------
    NotInData
        If it is known of no image.
    """
    if quantity == QUALITY:
        return _by_quality(judged)
    bins = bins_by(quantity, judged.run.records)
    if not bins.of:
        raise NotInData(f"data set {judged.data_name!r} does not state the {quantity} of any image")
    return [_binned(bins, bins.names, _SHARES[quantity])]


def _by_quality(judged: JudgedRun) -> list[Grouping]:
    """Return the quarters of the probes by their quality, for each source of one."""
    found = []
    for source, (known, _) in sorted(judged.told_apart.qualities().items()):
        values: dict[str, set[float]] = {}
        for fold, one in zip(judged.run.folds, known, strict=True):
            for name in fold.probes:
                if name in one:
                    values.setdefault(name, set()).add(one[name])
        sure = {name: min(said) for name, said in values.items() if len(said) == 1}
        # What learns is fitted for each fold, and may say another quality in each.
        several = len(values) - len(sure)
        left_out = f", {some(several, 'image')} with several left out" if several else ""
        if values:
            bins = bins_by(QUALITY, {}, sure)
            names = [f"quality {ends}, {_SAID_BY[source]}" for ends in bins.names]
            found.append(_binned(bins, names, source + left_out))
    if not found:
        raise NotInData(
            f"data set {judged.data_name!r} states the quality of no probe, and algorithm "
            f"{judged.manifest.origin.algorithm!r} gives none"
        )
    return found


def _binned(bins: Bins, names: Sequence[str], source: str) -> Grouping:
    number = {name: i for i, name in enumerate(bins.names)}
    images = {name: number[label] for name, label in bins.of.items()}
    return Grouping(tuple(names), images, by_probe=True, source=source)
