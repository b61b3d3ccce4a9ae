"""From what passes over all comparisons gathered to the result, in the order that was given."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.margins import ScoreMargins
from harness.matching.product import ROWS
from harness.matching.results import Histogram, MatchResult, Tail
from harness.matching.sampling import Sample
from harness.matching.stream import Watch
from harness.matching.task import Task
from harness.matching.windows import Window
from harness.metrics.identification import MISS, NO_MATE

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int64]


def top_of(window: Window | None) -> tuple[Floats, Ints]:
    """Return what a window that reaches to the highest score knows of a DET's end.

    float32 and int64, of one shape (scores,): distinct scores, falling, and how many are at least
    as high.
    """
    if window is None:
        return np.empty(0, np.float32), np.empty(0, np.int64)
    scores, counts = window.kept()
    return scores[::-1], np.cumsum(counts[::-1])


def assembled(
    task: Task,
    watch: Watch,
    mated_scores: Floats,
    bars: dict[float, float],
    eer: float | None,
    top: tuple[Floats, Ints],
    *,
    passes: int,
    place_free: bool,
) -> MatchResult:
    """Put what was gathered into the order in which probes and pairs were given.

    Parameters
    ----------
    watch
        With what was gathered of all comparisons.
    mated_scores
        float32, shape (pairs,): of the pairs as given.
    bars, eer, top, passes, place_free
        As in `MatchResult`.
    """
    mates, searched, used = watch.mates, task.probes.chosen, task.references.chosen
    everyone = len(task.probes.rows)
    sizes = np.bincount(task.mated[:, 0], minlength=everyone)
    ranks = np.where(sizes > 0, MISS, NO_MATE)
    best_mate = np.full(everyone, -np.inf, np.float32)
    best_nonmate = best_mate.copy()
    reference = _first_mates(task, everyone)
    found, best = mates.ranks(NO_MATE)
    has = best >= 0
    ranks[searched[has]] = found[has]
    best_mate[searched[has]] = mates.scores[best[has]]
    reference[searched[has]] = used[mates.place[best[has]]]
    best_nonmate[searched] = watch.best_nonmate
    precision = np.where(sizes > 0, 0.0, np.nan)
    precision[searched] = mates.precision(sizes[searched])
    tail = None
    if watch.tail is not None:
        scores, search, place = watch.tail.sorted()
        tail = Tail(float(watch.tail.floor), scores, searched[search], used[place])
    histogram = None
    if watch.bins is not None:
        histogram = Histogram(_thresholds(*watch.bins), watch.counts)
    return MatchResult(
        ranks=ranks.astype(np.int64),
        mates=sizes,
        precision=precision,
        best_mate=best_mate,
        best_nonmate=best_nonmate,
        best_mate_reference=reference,
        **_lists(task, watch),
        mated_scores=mated_scores,
        nonmated_count=task.nonmated,
        score_to_exceed=bars,
        eer=eer,
        tail=tail,
        histogram=histogram,
        top=top,
        passes=passes,
        place_free=place_free,
        margins=_margins(task, watch),
    )


def _margins(task: Task, watch: Watch) -> ScoreMargins | None:
    """Put counts into the order in which probes and references were given."""
    if watch.margins is None:
        return None
    found = watch.margins
    sides = []
    for side, counts, column in (
        (task.probes, found.probes, 0),
        (task.references, found.references, 1),
    ):
        others = len(task.references if side is task.probes else task.probes)
        whole = np.zeros((len(side.rows), counts.shape[1]), np.int64)
        compared = np.zeros(len(side.rows), np.int64)
        whole[side.chosen] = counts
        compared[side.chosen] = others
        mates = task.mated[task.compared][:, column]
        compared -= np.bincount(mates, minlength=len(compared))
        sides.append((whole, compared))
    (probes, of_probes), (references, of_references) = sides
    return ScoreMargins(found.marks, probes, references, of_probes, of_references)


def _first_mates(task: Task, probes: int) -> Ints:
    """Return the mate of each probe that is first in the order of ties, -1 without one."""
    place = np.empty(len(task.order), np.int64)
    place[task.order] = np.arange(len(task.order))
    first = np.full(probes, len(task.order), np.int64)
    np.minimum.at(first, task.mated[:, 0], place[task.mated[:, 1]])
    return np.append(task.order, -1)[first]


def _lists(task: Task, watch: Watch) -> dict[str, Any]:
    """Put the mates into the candidate lists, and what could not be compared at their ends."""
    lists, mates = watch.candidates, watch.mates
    for first in range(0, len(task.probes), ROWS):
        searches = slice(first, min(first + ROWS, len(task.probes)))
        pairs = slice(mates.first[searches.start], mates.first[searches.stop])
        lists.gathering(first, searches.stop - first).insert(
            mates.search[pairs] - first, mates.place[pairs], mates.scores[pairs]
        )
    length = lists.length
    scores = np.full((len(task.probes.rows), length), -np.inf, np.float32)
    names = np.full(scores.shape, -1, np.int64)
    # A failed probe lists all references in the order of ties.
    names[:, : len(task.order)] = task.order[:length]
    scores[task.probes.chosen] = lists.scores
    found = np.append(task.references.chosen, -1)[lists.places]
    end = len(task.references)
    found[:, end : end + len(task.failed)] = task.failed[: max(0, length - end)]
    names[task.probes.chosen] = found
    return {"candidate_scores": scores, "candidate_references": names}


def bins_over(sample: Sample, bins: int) -> tuple[np.float32, np.float32, int]:
    """Return origin, scale and number of bins that cover a sample, one beyond at each end."""
    low, high = sample.span()
    width = np.float32(max(high - low, 1e-4) / (bins - 2))
    return np.float32(low) - width, 1 / width, bins


def _thresholds(origin: np.float32, scale: np.float32, bins: int) -> Floats:
    """Return the lowest float32 of every bin, by bisection: counts above it are then exact."""
    # Floats in the order of these integers are in order of size, so a middle is a middle.
    low = np.full(bins, _ordinal(np.float32(-4.0)), np.int64)
    high = np.full(bins, _ordinal(np.float32(4.0)), np.int64)
    wanted = np.arange(bins)
    while np.any(high - low > 1):
        middle = (low + high) // 2
        reached = (_float(middle) - origin) * scale >= wanted
        low, high = np.where(reached, low, middle), np.where(reached, middle, high)
    found = _float(high)
    found[0] = -np.inf
    return found


def _ordinal(score: np.float32) -> int:
    bits = int(score.view(np.int32))
    return bits if bits >= 0 else -(bits & 0x7FFFFFFF)


def _float(ordinal: Ints) -> Floats:
    size = np.abs(ordinal).astype(np.int32).view(np.float32)
    return np.where(ordinal < 0, -size, size)
