"""Demographic differentials: the errors of groups of people at one threshold (ISO/IEC 19795-10).

One threshold holds for all groups, since one is set where a system works; thresholds of each
group's own would make groups alike that are not. A mated comparison belongs to the group of its
identity. A non-mated comparison belongs to a group if both its identities do, as the standard has
it; those across groups are in none, and are fewer false matches than those within.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.statistics.bootstrap import choose_intervals
from harness.statistics.differentials import (
    Apart,
    Counts,
    between_and_within,
    group_intervals,
    rates_apart,
    within,
)
from harness.tasks.answers import Answered, finite
from harness.tasks.groups import FEWEST, Groups, groups_of, labels_of, word_of
from harness.tasks.pairs import Pairs, Threshold

__all__ = ["ALL", "Differentials", "GroupRow", "Spread", "differentials_of"]

ALL = "all"
"""What the row of all comparisons is called."""

EXPECTED = 5.0
"""Errors that a group would have to make at the rate of all: with fewer its rate says nothing."""

REPLICATES, SHUFFLES, FEWER = 500, 999, 199
LARGE = 2_000_000
"""Pairs of identities beyond which groups are shuffled, and identities drawn, `FEWER` times."""

MEASURES = {"fmr": "FMR", "fnmr": "FNMR", "fte": "FTE"}

Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.integer]


class GroupRow(msgspec.Struct):
    """One group at the threshold of all.

    Parameters
    ----------
    column, group
        What is grouped by, and the group; `ALL` and ``others`` are none of people.
    identities, with_mates, images
        In it; of the identities, those with mated comparisons.
    mated, false_nonmatches, fnmr, fnmr_low, fnmr_high
        Mated comparisons, those below the threshold, their share with its 95 % interval.
    nonmated, false_matches, fmr, fmr_low, fmr_high
        Non-mated comparisons within the group, those above the threshold, and their share.
    templates, failures, fte, fte_low, fte_high
        Images that a template was asked of, those that gave none, and their share. An image counts
        in every fold that it is judged in.
    median_mated, median_nonmated
        Of the scores of comparisons that took place.
    shift_mated, shift_mated_low, shift_mated_high
        By what the median lies above that of all, which is taken as known.
    shift_nonmated, shift_nonmated_low, shift_nonmated_high
        The same of the non-mated comparisons within the group.
    remark
        Why a figure is missing.
    """

    column: str
    group: str
    identities: int
    with_mates: int
    images: int
    mated: int
    false_nonmatches: int | None = None
    fnmr: float | None = None
    fnmr_low: float | None = None
    fnmr_high: float | None = None
    nonmated: int | None = None
    false_matches: int | None = None
    fmr: float | None = None
    fmr_low: float | None = None
    fmr_high: float | None = None
    templates: int = 0
    failures: int = 0
    fte: float | None = None
    fte_low: float | None = None
    fte_high: float | None = None
    median_mated: float | None = None
    median_nonmated: float | None = None
    shift_mated: float | None = None
    shift_mated_low: float | None = None
    shift_mated_high: float | None = None
    shift_nonmated: float | None = None
    shift_nonmated_low: float | None = None
    shift_nonmated_high: float | None = None
    remark: str = ""


class Spread(msgspec.Struct):
    """How far a rate of the groups lies apart, beside the same of shuffled groups.

    Parameters
    ----------
    column, measure
        What is grouped by; ``fmr``, ``fnmr`` or ``fte``.
    groups
        That are compared.
    lowest, highest
        The groups with the lowest and the highest rate.
    gini, gini_low, gini_high
        Gini coefficient with its 95 % interval.
    gini_shuffled, gini_shuffled_high, gini_p
        Median of shuffled groups, what one in twenty of them reaches, and the share of them that
        reach the observed.
    ratio, ratio_low, ratio_high, ratio_shuffled, ratio_shuffled_high, ratio_p
        The same of the highest rate over the geometric mean.
    reason
        Why there is none of it.
    """

    column: str
    measure: str
    groups: int = 0
    lowest: str = ""
    highest: str = ""
    gini: float | None = None
    gini_low: float | None = None
    gini_high: float | None = None
    gini_shuffled: float | None = None
    gini_shuffled_high: float | None = None
    gini_p: float | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    ratio_shuffled: float | None = None
    ratio_shuffled_high: float | None = None
    ratio_p: float | None = None
    reason: str = ""


class Differentials(msgspec.Struct):
    """What the groups of one column come to.

    Parameters
    ----------
    column
        What is grouped by.
    threshold, fmr, attained, false_matches
        Score above which a comparison is a match; the false match rate that was allowed, that which
        all comparisons attain there, and the number of their false matches. None where scores were
        not kept.
    rows
        The groups in the order of their names, ``others`` where there are any, and `ALL`.
    spreads
        Of each rate.
    pooled
        Groups that stand in ``others``.
    unknown, several
        Identities in no group: nothing is known of them, or their images say different things.
    shuffles
        How often groups were dealt anew.
    reason
        Why there is nothing to compare.
    """

    column: str
    rows: list[GroupRow]
    spreads: list[Spread]
    threshold: float | None = None
    fmr: float | None = None
    attained: float | None = None
    false_matches: int | None = None
    pooled: list[str] = []
    unknown: int = 0
    several: int = 0
    shuffles: int = 0
    reason: str = ""


def differentials_of(
    run: Answered,
    pairs: Pairs,
    column: str,
    labels: Mapping[str, str] | None = None,
    *,
    seed: int = 0,
) -> Differentials:
    """Return the errors of the groups of a column.

    Parameters
    ----------
    run
        Whose folds and answers they are.
    pairs
        All comparisons of the run.
    column
        One of `harness.tasks.groups.COLUMNS`, or what the labels are called.
    labels
        Group of an image by its name, where the data do not say it.
    seed
        Of draws and shuffles.

    Raises
    ------
    UsageError
        If there is no such column.
    """
    known = labels_of(column, run.records) if labels is None else labels
    groups = groups_of(column, pairs.names, pairs.identities, known)
    found = Differentials(
        column, [], [], pooled=list(groups.pooled), unknown=groups.unknown, several=groups.several
    )
    if not groups.alone:
        found.reason = _nobody(groups)
        return found
    judged = _Judged(run, pairs, groups)
    if judged.threshold is not None:
        found.threshold, found.fmr = finite(judged.threshold.bar), judged.threshold.fmr
        found.attained = judged.threshold.attained
        found.false_matches = judged.threshold.false_matches
    found.rows = judged.rows(seed)
    if groups.alone < 2:
        found.reason = f"only {groups.names[0]!r} has {FEWEST} identities or more"
        return found
    found.shuffles = FEWER if judged.is_large else SHUFFLES
    alone = found.rows[: groups.alone]
    found.spreads = [judged.spread(measure, alone, found.shuffles, seed) for measure in MEASURES]
    return found


def _nobody(groups: Groups) -> str:
    what = word_of(groups.column)
    if groups.several > int(np.count_nonzero(groups.labels >= 0)):
        return f"mates differ in {what}, as look-alikes do, so that it is no group of identities"
    if groups.pooled:
        return f"no {what} has {FEWEST} identities, and with fewer its rates say nothing"
    return f"nothing is known of any identity's {what}: the data have no column {groups.column!r}"


class _Judged:
    """Comparisons and templates with the groups of their identities."""

    def __init__(self, run: Answered, pairs: Pairs, groups: Groups) -> None:
        self.pairs, self.groups = pairs, groups
        self.threshold: Threshold | None = pairs.threshold() if pairs.kept else None
        whose = pairs.identities
        self.identities = len(groups.labels)
        self.owner = whose[pairs.mated.probes]
        self.sides = whose[pairs.nonmated.probes], whose[pairs.nonmated.references]
        self.templates, self.failed = _templates(run, pairs)
        self.missed = self.false = np.empty(0, np.bool_)
        self.counts: dict[str, Counts] = {}
        if self.threshold is not None:
            self.missed = pairs.mated.scores <= self.threshold.bar
            self.false = pairs.nonmated.scores > self.threshold.bar
            self.counts["fmr"] = between_and_within(self.false, *self.sides, self.identities)
            self.counts["fnmr"] = within(self.missed, self.owner, self.identities)
        self.counts["fte"] = within(self.failed, self.templates, self.identities)
        everybody = np.ones(self.identities, np.bool_)
        self.every = {measure: self._count(measure, everybody) for measure in self.counts}
        self.is_large = "fmr" in self.counts and self.counts["fmr"].table.size > LARGE
        self.replicates = FEWER if self.is_large else REPLICATES
        self.has_mates = np.zeros(self.identities, np.bool_)
        self.has_mates[self.owner] = True

    def rows(self, seed: int) -> list[GroupRow]:
        labels = [self.groups.labels == place for place in range(len(self.groups.names))]
        all_of_them = self._row(ALL, np.ones(self.identities, np.bool_), None, seed)
        rows = [
            self._row(name, members, all_of_them, seed)
            for name, members in zip(self.groups.names, labels, strict=True)
        ]
        return [*rows, all_of_them]

    def _row(
        self, name: str, members: npt.NDArray[np.bool_], whole: GroupRow | None, seed: int
    ) -> GroupRow:
        mated = members[self.owner]
        own = members[self.sides[0]] & members[self.sides[1]]
        here = members[self.templates]
        row = GroupRow(
            self.groups.column,
            name,
            int(members.sum()),
            int((members & self.has_mates).sum()),
            int(members[self.pairs.identities].sum()),
            int(mated.sum()),
            templates=int(here.sum()),
            failures=int(self.failed[here].sum()),
        )
        if self.threshold is not None:
            row.false_nonmatches = int(self.missed[mated].sum())
            row.nonmated, row.false_matches = int(own.sum()), int(self.false[own].sum())
        remarks = []
        for measure in MEASURES:
            reason = self.unsupported(measure, members)
            if reason:
                remarks.append(f"{MEASURES[measure]}: {reason}")
            else:
                self._rate(row, measure, members, seed)
        self._medians(row, members, whole, seed)
        row.remark = "; ".join(remarks)
        return row

    def _count(self, measure: str, members: npt.NDArray[np.bool_]) -> tuple[float, float]:
        """Return errors and trials of some identities."""
        errors, trials = self.counts[measure].of(members[np.newaxis])
        return float(errors[0]), float(trials[0])

    def _expected(self, measure: str, trials: float) -> float:
        """Return the errors of so many trials at the rate of all."""
        return trials * self.every[measure][0] / self.every[measure][1]

    def unsupported(self, measure: str, members: npt.NDArray[np.bool_]) -> str:
        """Say why a rate of some identities says nothing; empty where it says something."""
        if measure not in self.counts:
            return "scores of the non-mated comparisons were summed up, not kept"
        counts = self.counts[measure]
        _, trials = self._count(measure, members)
        if not trials:
            return "no comparisons" if measure != "fte" else "no images"
        sides = (
            [np.isin(np.flatnonzero(members), side) for side in (counts.probes, counts.references)]
            if measure == "fmr"
            else [counts.trials[members] > 0]
        )
        fewest = min(int(side.sum()) for side in sides)
        if fewest < FEWEST:
            return f"from {fewest} identities"
        if measure != "fte":
            expected = self._expected(measure, trials)
            if expected < EXPECTED:
                return f"{trials:,.0f} comparisons, in which {expected:.1f} errors are expected"
        return ""

    def _rate(self, row: GroupRow, measure: str, members: npt.NDArray[np.bool_], seed: int) -> None:
        errors, trials = self._count(measure, members)
        if measure == "fmr":
            counts, labels = self.counts[measure], np.where(members, 0, -1)
            (interval,) = group_intervals(counts, labels, 1, replicates=self.replicates, seed=seed)
        else:
            wrong, whose = {
                "fnmr": (self.missed, self.owner),
                "fte": (self.failed, self.templates),
            }[measure]
            inside = members[whose]
            values = wrong[inside].astype(np.float64)[:, np.newaxis]
            (interval,) = choose_intervals(values, whose[inside], seed=seed)
        setattr(row, measure, errors / trials)
        setattr(row, f"{measure}_low", finite(interval.low))
        setattr(row, f"{measure}_high", finite(interval.high))

    def _medians(
        self, row: GroupRow, members: npt.NDArray[np.bool_], whole: GroupRow | None, seed: int
    ) -> None:
        mated, nonmated = self.pairs.mated, self.pairs.nonmated
        kinds = (
            ("mated", mated.scores, (self.owner, self.owner)),
            ("nonmated", nonmated.scores, self.sides),
        )
        for kind, scores, (one, other) in kinds:
            inside = members[one] & members[other] & np.isfinite(scores)
            chosen = scores[inside]
            if not len(chosen):
                continue
            middle = float(np.median(chosen))
            setattr(row, f"median_{kind}", middle)
            if whole is None:
                continue
            zero = float(getattr(whole, f"median_{kind}"))
            setattr(row, f"shift_{kind}", middle - zero)
            if len(np.unique(one[inside])) < FEWEST:
                continue
            low, high = median_ends(
                chosen, one[inside], other[inside], self.identities, seed, self.replicates
            )
            setattr(row, f"shift_{kind}_low", finite(low - zero))
            setattr(row, f"shift_{kind}_high", finite(high - zero))

    def spread(self, measure: str, rows: Sequence[GroupRow], shuffles: int, seed: int) -> Spread:
        """Return how far the groups that stand alone, a row each, lie apart."""
        found = Spread(self.groups.column, measure)
        if measure not in self.counts:
            found.reason = self.unsupported(measure, np.ones(self.identities, np.bool_))
            return found
        if not self.every[measure][0]:
            found.reason = "no image failed" if measure == "fte" else "there is no error"
            return found
        rates = {
            place: float(getattr(row, measure))
            for place, row in enumerate(rows)
            if getattr(row, measure) is not None
            and (measure != "fte" or self._expected(measure, row.templates) >= EXPECTED)
        }
        able = list(rates)
        if len(able) < 2:
            found.reason = (
                f"{len(able) or 'none'} of {self.groups.alone} groups has enough identities and "
                "errors"
            )
            return found
        labels = np.full(self.identities, -1, np.int64)
        for number, place in enumerate(able):
            labels[self.groups.labels == place] = number
        options = {"replicates": self.replicates, "shuffles": shuffles, "seed": seed}
        strata = self.has_mates.astype(np.int64)
        both = rates_apart(self.counts[measure], labels, len(able), strata, **options)
        found.groups = len(able)
        found.lowest = self.groups.names[min(able, key=rates.__getitem__)]
        found.highest = self.groups.names[max(able, key=rates.__getitem__)]
        _take(found, "gini", both[0])
        _take(found, "ratio", both[1])
        return found


def _take(found: Spread, name: str, apart: Apart) -> None:
    values = {
        "": apart.value,
        "_low": apart.interval.low,
        "_high": apart.interval.high,
        "_shuffled": apart.shuffled,
        "_shuffled_high": apart.shuffled_high,
        "_p": apart.p,
    }
    for ending, value in values.items():
        setattr(found, name + ending, finite(value))


def median_ends(
    scores: Doubles,
    one: Ints,
    other: Ints,
    identities: int,
    seed: int = 0,
    replicates: int = REPLICATES,
) -> tuple[float, float]:
    """Return the ends of the 95 % interval of a median, by drawing identities.

    The scores below which as many lie as the ends of the interval say for the share at or below the
    median (Woodruff, Journal of the American Statistical Association 47, 1952).

    Parameters
    ----------
    scores
        Finite, float64, shape (comparisons,).
    one, other
        Numbers of the identities of each, from 0: shape (comparisons,).
    identities
        How many there are.
    seed, replicates
        Of the draws.
    """
    below = scores <= np.median(scores)
    if np.array_equal(one, other):
        counts = within(below, one, identities)
    else:
        counts = between_and_within(below, one, other, identities)
    labels = np.full(identities, -1, np.int64)
    labels[one] = labels[other] = 0
    (interval,) = group_intervals(counts, labels, 1, replicates=replicates, seed=seed)
    if math.isnan(interval.low):
        return math.nan, math.nan
    low, high = np.quantile(scores, [interval.low, interval.high], method="inverted_cdf")
    return float(low), float(high)


def _templates(run: Answered, pairs: Pairs) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Return whose each template of each fold is, and whether there is none; as ``fte`` counts."""
    place = {name: i for i, name in enumerate(pairs.names)}
    named: list[int] = []
    failed: list[bool] = []
    for fold, answer in run.by_fold:
        for name in dict.fromkeys((*fold.probes, *fold.gallery)):
            named.append(place[name])
            failed.append(name in answer.failures)
    return pairs.identities[np.array(named, np.int64)], np.array(failed, np.bool_)
