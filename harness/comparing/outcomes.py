"""Search by search: which came out better, which worse, and how much they moved."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.metrics.ids import Metric
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.results import Judgement


@dataclass(frozen=True)
class Shift:
    """One search in both runs.

    Parameters
    ----------
    first, second
        The search as either run answered it.
    amount
        How far it moved: positive where the second run is better. Places in a candidate list count
        by the logarithm of the rank, since from rank 2 to 1 is more than from 102 to 101.
    """

    first: Judgement
    second: Judgement
    amount: float


def shifts(first: Sequence[Judgement], second: Sequence[Judgement], metric: Metric) -> list[Shift]:
    """Return every search that both runs answered, in their order.

    Parameters
    ----------
    first, second
        Searches of runs on the same folds.
    metric
        Decides what counts where a search has no rank.

    Raises
    ------
    ValueError
        If the runs do not have the same searches.
    """
    if [(s.fold, s.probe) for s in first] != [(s.fold, s.probe) for s in second]:
        raise ValueError("the runs do not have the same searches")
    pairs = zip(first, second, strict=True)
    return [Shift(a, b, _standing(b, metric) - _standing(a, metric)) for a, b in pairs]


def most_changed(shifts: Sequence[Shift], number: int, *, better: bool) -> list[Shift]:
    """Return the searches that gained (or lost) most, over different identities first."""
    sign = 1.0 if better else -1.0
    moved = sorted(
        (s for s in shifts if s.amount * sign > 0),
        key=lambda s: (-s.amount * sign, s.first.fold, s.first.probe),
    )
    turn: dict[str, int] = {}
    turns = []
    for place, shift in enumerate(moved):
        whose = shift.first.identity or f"\0{shift.first.probe}"
        turn[whose] = turn.get(whose, 0) + 1
        turns.append((turn[whose], place, shift))
    chosen = sorted(turns, key=lambda t: t[:2])[:number]
    return [shift for _, place, shift in sorted(chosen, key=lambda t: t[1])]


def outcomes(searches: Sequence[Judgement], metric: Metric) -> npt.NDArray[np.float64]:
    """Return how each search came out: float64, shape (searches,), higher is better, NaN unknown.

    A hit within the metric's rank, the average precision, whether the decision was right, or what
    the task measured; otherwise, where there are ranks, a hit at rank 1. See `outcome_name`.
    """
    return np.array([_outcome(search, metric) for search in searches], dtype=np.float64)


def outcome_name(searches: Sequence[Judgement], metric: Metric) -> str:
    """Return what `outcomes` gives, in words."""
    if metric.name == "hit-rate":
        return f"share of searches with a mate within rank {metric['rank']}"
    if metric.name == "map":
        return "mean average precision"
    if any(str(metric) in s.values for s in searches):
        return f"mean of {metric}"
    if any(s.correct is not None for s in searches):
        return "share decided rightly"
    return "share of searches with a mate at rank 1"


def _outcome(search: Judgement, metric: Metric) -> float:
    if search.mates and metric.name == "map":
        return search.average_precision if search.average_precision is not None else math.nan
    if str(metric) in search.values:
        value = search.values[str(metric)]
        lower = metric.name in CATALOGUE and CATALOGUE[metric.name].better == "lower"
        return math.nan if value is None else -value if lower else value
    if search.correct is not None:
        return float(search.correct)
    if not search.mates:
        return math.nan
    wanted = int(metric["rank"]) if metric.name == "hit-rate" else 1
    return float(search.rank is not None and search.rank <= wanted)


def _standing(search: Judgement, metric: Metric) -> float:
    if search.mates and (search.rank is not None or search.gallery):
        rank = search.gallery + 1 if search.rank is None else search.rank
        return -math.log2(rank)
    found = _outcome(search, metric)
    return 0.0 if math.isnan(found) else found
