"""The section on single searches, as rows of pictures: the worst and the best."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain

from harness.reporting.drawing.thumbnails import Pictures, words_in
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.tasks.results import Candidate, Judgement

SHOWN = 6
"""Searches of each group."""

CANDIDATES = 8


RULES = (
    "The rank of a search is one plus the number of non-mates that score at least as high as its "
    "best mate: ties count against the algorithm.",
    "A search with several mates counts once, by the mate that ranks best.",
    "A comparison is a match when its score is at or above the threshold; a higher score means "
    "more alike.",
    "Each probe is searched in its own fold's gallery only. Chance is what a random ranking of the "
    "same galleries gets.",
)


def section(run: SectionInput) -> Section | None:
    """Return the section; None where nothing was searched."""
    if not run.searching:
        return None
    worst = worst_searches(run.outcome.searches, SHOWN)
    best = best_searches(run.outcome.searches, SHOWN)
    heading = "Worst and best searches"
    if not worst and not best:
        return Section("searches", heading, rules=RULES)
    names = named(worst, best)
    pictures = Pictures(run.picture, names, run.kept_for_attack)
    content = filled_from(
        "searches",
        worst=worst,
        best=best,
        image=pictures.address,
        words=partial(words_in, run.records),
        # Vectors and files of scores have none: a page of empty frames would say nothing.
        pictured=any(run.picture(name) is not None for name in dict.fromkeys(names)),
        several=len({search.fold for search in run.outcome.searches}) > 1,
    )
    return Section("searches", heading, content, RULES)


@dataclass(frozen=True)
class Placed:
    """A candidate and its place in the list, counted from 1."""

    place: int
    candidate: Candidate


@dataclass(frozen=True)
class Row:
    """One search as a row of pictures.

    Parameters
    ----------
    search
        The search itself.
    shown
        The first candidates; if the best mate stands further down the recorded list, it comes last.
    skipped
        Candidates left out before that last one.
    """

    search: Judgement
    shown: tuple[Placed, ...]
    skipped: int


def margin(search: Judgement) -> float:
    """Return the best mate's score less the best non-mate's; minus infinity if unknown."""
    if search.score is None or search.best_nonmate is None:
        return -math.inf
    difference = search.score - search.best_nonmate
    return difference if math.isfinite(difference) else -math.inf


def best_searches(searches: Sequence[Judgement], number: int) -> list[Row]:
    """Return searches whose mate came first, by largest margin, over different identities."""
    first = [s for s in searches if s.rank == 1 and not s.failed]
    first.sort(key=lambda s: (-margin(s), s.fold, s.probe))
    return [row_of(s) for s in _varied(first, number)]


def worst_searches(searches: Sequence[Judgement], number: int) -> list[Row]:
    """Return searches with a mate that did not come first, the furthest behind first.

    Probes without a template are left out: the table of failures names them.
    """
    behind = [s for s in searches if s.mates > 0 and s.rank != 1 and not s.failed]
    behind.sort(key=lambda s: (-(s.rank or math.inf), margin(s), s.fold, s.probe))
    return [row_of(s) for s in _varied(behind, number)]


def row_of(search: Judgement) -> Row:
    """Return a search as a row of pictures, its best mate among them if it was recorded."""
    placed = [Placed(i, c) for i, c in enumerate(search.candidates, start=1)]
    head = placed[:CANDIDATES]
    if not any(p.candidate.mated for p in head):
        later = next((p for p in placed[CANDIDATES:] if p.candidate.mated), None)
        if later is not None:
            # One place for the gap, one for the mate.
            head = [*head[: CANDIDATES - 2], later]
            return Row(search, tuple(head), later.place - len(head))
    return Row(search, tuple(head), 0)


def _varied(ordered: Iterable[Judgement], number: int) -> list[Judgement]:
    """Take the first search of every identity before the second of any, in the given order."""
    turn: dict[str, int] = {}
    turns: list[tuple[int, int, Judgement]] = []
    for place, search in enumerate(ordered):
        # Where identities are unknown, every probe is its own.
        key = search.identity or f"\0{search.probe}"
        turn[key] = turn.get(key, 0) + 1
        turns.append((turn[key], place, search))
    chosen = sorted(turns, key=lambda t: t[:2])[:number]
    return [search for _, place, search in sorted(chosen, key=lambda t: t[1])]


def named(*rows: Iterable[Row]) -> list[str]:
    """Return the name of every picture in rows of searches, as often as it is shown."""
    return [
        name
        for row in chain(*rows)
        for name in (row.search.probe, *(placed.candidate.reference for placed in row.shown))
    ]
