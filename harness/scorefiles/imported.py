"""What a score file came to: answers in the place of an algorithm's, and what they cannot say."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from harness.metrics.ids import Metric
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answer
from harness.tasks.comparisons import METRICS as COMPARED
from harness.tasks.kinds import KINDS
from harness.tasks.results import (
    Curves,
    Outcome,
)

__all__ = ["Imported", "withhold", "withhold_mixed"]

ON_HEADS = ("hit-rate", "fnir", "open-set-eer")
"""Metrics that the head of a candidate list answers, up to the rank where it ends."""


@dataclass(frozen=True)
class Imported:
    """Scores that somebody else produced, as answers to a protocol's folds.

    Parameters
    ----------
    answers
        One per fold, in the order of the folds. A probe or reference that the files do not score
        is a failure; a reference beyond the end of a candidate list has the score ``-inf``.
    forms
        Formats read, such as ``("csv",)``.
    sha256
        Of the bytes read: what was judged.
    missing
        Fold and name of every probe without a score; each is a miss.
    notes
        Sentences about what a reader of the numbers should know.
    depth
        Candidates that each search was asked for, where the lists end before the gallery does;
        None where every comparison has its score.
    """

    answers: tuple[Answer, ...]
    forms: tuple[str, ...]
    sha256: str
    missing: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()
    depth: int | None = None


def withhold(outcome: Outcome, depth: int | None) -> Outcome:
    """Take the numbers out of an outcome that candidate lists cannot support.

    Their values become None with a flag that says why, curves over all scores are left out, and
    the CMC ends where the candidate lists do. An outcome of complete scores is returned as it is.

    Parameters
    ----------
    outcome
        As a task's `judge` returned it for the answers.
    depth
        Candidates that each search was asked for, where lists end before the gallery does; None
        where every comparison has its score.
    """
    if depth is None:
        return outcome
    metrics = outcome.metrics
    reasons = _beyond(depth, metrics.pooled)
    pooled = {
        name: Estimate(None, n=estimate.n, flags=[reasons[name]]) if name in reasons else estimate
        for name, estimate in metrics.pooled.items()
    }
    folds = [
        msgspec.structs.replace(fold, values=_without(fold.values, reasons))
        for fold in metrics.folds
    ]
    return msgspec.structs.replace(
        outcome,
        metrics=msgspec.structs.replace(metrics, pooled=pooled, folds=folds),
        curves=Curves(
            cmc=_cut(outcome.curves.cmc, depth),
            det=outcome.curves.det if KINDS[metrics.task].of_heads else {},
        ),
        searches=[
            msgspec.structs.replace(search, average_precision=None) for search in outcome.searches
        ],
    )


def withhold_mixed(outcome: Outcome, why: str) -> Outcome:
    """Take the numbers out of an outcome that hold all scores against one threshold.

    Parameters
    ----------
    outcome
        As a task's `judge` returned it.
    why
        Why no threshold means the same for all scores; empty where one does, and then the outcome
        is returned as it is.
    """
    if not why:
        return outcome
    metrics, curves = outcome.metrics, outcome.curves
    reasons = {name: why for name in metrics.pooled if Metric.parse(name).name in COMPARED}
    pooled = {
        name: Estimate(None, n=estimate.n, flags=[why]) if name in reasons else estimate
        for name, estimate in metrics.pooled.items()
    }
    folds = [
        msgspec.structs.replace(fold, values=_without(fold.values, reasons))
        for fold in metrics.folds
    ]
    subsets = {
        name: {metric: one for metric, one in part.items() if metric not in reasons}
        for name, part in metrics.subsets.items()
    }
    return msgspec.structs.replace(
        outcome,
        metrics=msgspec.structs.replace(metrics, pooled=pooled, folds=folds, subsets=subsets),
        curves=msgspec.structs.replace(
            curves, det=curves.det if KINDS[metrics.task].of_heads else {}, distribution={}
        ),
    )


def _beyond(depth: int, metrics: Iterable[str]) -> dict[str, str]:
    """Return which metrics lists of such a length cannot answer, and why.

    >>> list(_beyond(20, ["hit-rate@rank=20", "hit-rate@rank=30", "eer"]))
    ['hit-rate@rank=30', 'eer']
    """
    reasons = {}
    for text in metrics:
        metric = Metric.parse(text)
        rank = dict(metric.options).get("rank", 1)
        if metric.name not in ON_HEADS:
            reasons[text] = f"not available from lists of {depth}: it needs every score"
        elif not isinstance(rank, str) and rank > depth:
            reasons[text] = f"not available from lists of {depth}: they end before that rank"
    return reasons


def _without(
    values: Mapping[str, float | None], reasons: Mapping[str, str]
) -> dict[str, float | None]:
    return {name: None if name in reasons else value for name, value in values.items()}


def _cut(table: Mapping[str, list[Any]], rows: int) -> dict[str, list[Any]]:
    return {name: column[:rows] for name, column in table.items()}
