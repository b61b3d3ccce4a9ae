"""Two or more runs side by side: every shared metric, every search, every group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np

from harness.comparing.changes import Change, changes
from harness.comparing.differences import difference_of_fits
from harness.comparing.fits import fits_of_sides, one_fit, only_the_seed_differs
from harness.comparing.gate import Party, party_of
from harness.comparing.outcomes import Shift, most_changed, outcome_name, outcomes, shifts
from harness.comparing.pairing import Side, metric_of, read_sides
from harness.comparing.subgroups import LEVEL, Group, attributes_of, groups
from harness.data.marker import Synthetic, stated_in
from harness.errors import NotComparable, UsageError
from harness.metrics.ids import Metric
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.results import Curves, Outcome

SHOWN = 6
"""Searches that gained, and that lost most, shown as pictures."""


class Row(msgspec.Struct):
    """What became of one metric.

    Parameters
    ----------
    metric
        Id.
    first, second, change
        Of the runs, and the second's less the first's; None without data.
    low, high
        Interval of the change at 95 %; None where there is none.
    better
        ``first`` or ``second`` where the interval leaves out 0 and the metric has a better end;
        otherwise empty: the data do not tell them apart, or one fit of a side that learns does not.
    trials, identities, changed
        Behind it, and identities whose own trials came out differently.
    method
        How the interval was made, or why there is none.
    """

    metric: str
    first: float | None
    second: float | None
    change: float | None
    low: float | None
    high: float | None
    better: str
    trials: int
    identities: int
    changed: int
    method: str


class Pair(msgspec.Struct):
    """One run beside the first.

    Parameters
    ----------
    second
        The other run.
    rows
        One for each metric, the headline first.
    wins, losses, draws
        Searches in which the second run is better, worse, and as good.
    gained, lost
        Fold and probe of the searches that changed most.
    measured
        What the groups show, in words.
    groups
        Of searches, by what is known of their probes; of several fits, by the first of either side.
    fits
        Numbers of fits of the first and of this run.
    remark
        Where the fits leave open what the identities seem to decide; otherwise empty.
    changes
        In what this run is another than the first, as their records say.
    """

    second: Party
    rows: list[Row]
    wins: int
    losses: int
    draws: int
    gained: list[tuple[str, str]]
    lost: list[tuple[str, str]]
    measured: str
    groups: list[Group]
    fits: tuple[int, int]
    remark: str
    changes: list[Change]


class Comparison(msgspec.Struct):
    """All pairs with the first run: what ``--json`` prints.

    Parameters
    ----------
    synthetic
        Whether the images are synthetic, as the data set states it.
    mated_by
        What mates have in common; with ``group`` they are look-alikes.
    """

    format: int
    protocol: str
    task: str
    title: str
    metric: str
    level: float
    seed: int
    synthetic: Synthetic
    mated_by: str
    first: Party
    pairs: list[Pair]


@dataclass(frozen=True)
class Shown:
    """What a page shows beside the numbers of a pair: searches, and the curves of both runs.

    Parameters
    ----------
    gained, lost
        Searches that changed most.
    curves
        Of the first and of this run; of several fits those of the first.
    """

    gained: list[Shift]
    lost: list[Shift]
    curves: tuple[Curves, Curves]


def compare(
    folders: Sequence[Path], *, metric: str | None = None, seed: int = 0
) -> tuple[Comparison, list[Side], list[Shown]]:
    """Put runs beside the first of them.

    Parameters
    ----------
    folders
        Two or more run folders.
    metric
        That searches and groups are judged by; the headline unless given.
    seed
        Of the draws of identities.

    Returns
    -------
    tuple
        The numbers, the runs, and the searches to show for each pair.

    Raises
    ------
    UsageError
        For fewer than two folders, a folder that is no run, or an unknown metric.
    Damaged
        If a run is not whole.
    NotComparable
        If the runs answer different questions, or have nothing in common.
    """
    if len(folders) < 2:
        raise UsageError("name two run folders or more: the others are put beside the first")
    first, *others = sides = read_sides(folders)
    chosen = metric_of(first, metric)
    judged = [side.run.judge() for side in sides]
    pairs, shown = [], []
    for side, outcome in zip(others, judged[1:], strict=True):
        pair, more = _pair(first, judged[0], side, outcome, chosen, seed)
        pairs.append(pair)
        shown.append(more)
    found = Comparison(
        format=1,
        protocol=first.run.manifest.origin.protocol,
        task=first.run.manifest.task,
        title=first.run.manifest.title,
        metric=str(chosen),
        level=LEVEL,
        seed=seed,
        synthetic=stated_in(first.run.manifest.dataset),
        mated_by=first.run.manifest.mated_by,
        first=party_of(first),
        pairs=pairs,
    )
    return found, sides, shown


def _pair(
    first: Side, one: Outcome, second: Side, other: Outcome, metric: Metric, seed: int
) -> tuple[Pair, Shown]:
    ids = sorted(first.run.protocol.metric_ids, key=lambda m: m != metric)
    rows = [_row(first, one, second, other, each, seed) for each in ids]
    if all(row.change is None for row in rows):
        raise NotComparable(
            f"{first.run.folder} and {second.run.folder} share no metric that has a value"
        )
    came_out = [outcomes(side.searches, metric) for side in (one, other)]
    # Where nothing is known of single searches, as in tagging, none is as good as before either.
    told = all(np.isfinite(values).any() for values in came_out)
    moved = shifts(one.searches, other.searches, metric) if told else []
    gained = most_changed(moved, SHOWN, better=True)
    lost = most_changed(moved, SHOWN, better=False)
    pair = Pair(
        second=party_of(second),
        rows=rows,
        wins=sum(s.amount > 0 for s in moved),
        losses=sum(s.amount < 0 for s in moved),
        draws=sum(s.amount == 0 for s in moved),
        gained=[(s.first.fold, s.first.probe) for s in gained],
        lost=[(s.first.fold, s.first.probe) for s in lost],
        measured=outcome_name(one.searches, metric),
        groups=groups(
            _labels(first, one),
            [search.identity for search in one.searches],
            came_out[0],
            came_out[1],
            seed,
            span=_span(metric),
        ),
        fits=(len(first.fits), len(second.fits)),
        remark=_remark(first, second),
        changes=changes(first, second),
    )
    return pair, Shown(gained, lost, (one.curves, other.curves))


def _remark(first: Side, second: Side) -> str:
    if first.answers == second.answers:
        return ""
    known = one_fit(first, second, ("first", "second"))
    if known and only_the_seed_differs(first, second):
        return f"only the seed differs; {known}"
    one, other = first.run.manifest, second.run.manifest
    if first.more or second.more or one.identity != other.identity:
        return known
    if one.environment_hash == other.environment_hash:
        more = "the same recipe in the same environment gave another result"
    else:
        more = "only the environment differs"
    return f"{known}; {more}" if known else more


def _labels(side: Side, outcome: Outcome) -> list[dict[str, str]]:
    """Return the groups of every search, by the truth alone: they are the same for both runs."""
    folds = {fold.name for fold in side.run.folds}
    mates: dict[tuple[str, str], list[str]] = {}
    for fold in side.run.folds:
        for probe, mate in sorted(fold.mates):
            mates.setdefault((fold.name, probe), []).append(mate)
    return [
        attributes_of(
            search.probe,
            side.run.records,
            mates.get((search.fold, search.probe), []),
        )
        if search.fold in folds and search.probe in side.run.records
        else {}
        for search in outcome.searches
    ]


def _span(metric: Metric) -> float:
    return CATALOGUE[metric.name].span if metric.name in CATALOGUE else math.inf


def _row(first: Side, one: Outcome, second: Side, other: Outcome, metric: Metric, seed: int) -> Row:
    name = str(metric)
    estimates = [
        (side.metrics if side.more else outcome.metrics).pooled.get(name)
        for side, outcome in ((first, one), (second, other))
    ]
    values = [None if estimate is None else estimate.value for estimate in estimates]
    row = Row(name, values[0], values[1], None, None, None, "", 0, 0, 0, "")
    if values[0] is None or values[1] is None:
        row.method = "a run has no value"
        return row
    row.change = values[1] - values[0]
    one_by_seed, other_by_seed, paired = fits_of_sides(first, second)
    before = [fit.trials(metric) for fit in one_by_seed]
    after = [fit.trials(metric) for fit in other_by_seed]
    known = [[one for one in side if one is not None] for side in (before, after)]
    if len(known[0]) < len(before) or len(known[1]) < len(after):
        row.method = "no interval: what the metric is made of was not kept, trial by trial"
        return row
    found = difference_of_fits(known[0], known[1], paired=paired, level=LEVEL, seed=seed)
    if len(before) > 1 or len(after) > 1:
        row.first, row.second, row.change = found.first, found.second, found.change
    row.trials, row.identities, row.changed = found.trials, found.identities, found.changed
    row.method = found.method
    if not math.isfinite(found.low + found.high) and max(len(before), len(after)) > 1:
        row.method = f"no interval: too few fits ({len(before)} and {len(after)})"
    if math.isfinite(found.low) and math.isfinite(found.high):
        row.low, row.high = found.ends(_span(metric))
        higher = CATALOGUE[metric.name].better if metric.name in CATALOGUE else ""
        unsure = first.answers != second.answers and (first.one_fit or second.one_fit)
        if higher and not unsure and not found.low <= 0 <= found.high:
            row.better = "second" if (found.low > 0) == (higher == "higher") else "first"
    return row
