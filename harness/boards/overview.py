"""The overview: a table for each kind of question, every board in a few lines, what is left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from harness.boards.boards import Board, Leaderboard, Place, Standing
from harness.boards.leading import leading
from harness.boards.rows import Cell, chance_cells, estimate_cell, failures_cell, strip
from harness.record import provenance
from harness.reporting import wording
from harness.reporting.headline import galleries
from harness.tasks.standing import direction

__all__ = ["by_algorithm", "overview"]

SUMMARY_PLACES = 5


@dataclass(frozen=True)
class _Standing:
    """One row of a table: an entry on every board of one kind."""

    standing: Standing
    rank: Cell
    cells: tuple[tuple[Cell, Place, Board, Cell] | None, ...]
    words: str


@dataclass(frozen=True)
class _Summary:
    """A board in a few lines."""

    board: Board
    label: str
    lower: bool
    leading: str
    galleries: str
    top: tuple[tuple[Place, Cell, str], ...]
    chance: tuple[Cell, str] | None


@dataclass(frozen=True)
class _Kind:
    """The boards of one kind of question, and the entries that stand on any of them.

    Parameters
    ----------
    averaged
        Whether mean ranks are taken over boards of this kind.
    badge
        What all its data sets state about synthetic pictures; empty where they differ.
    """

    name: str
    id: str
    boards: tuple[_Summary, ...]
    standings: tuple[_Standing, ...]
    controls: tuple[_Standing, ...]
    chances: tuple[Cell | None, ...]
    averaged: bool
    badge: str


def overview(leaderboard: Leaderboard) -> dict[str, Any]:
    """Return what the template of the overview needs."""
    kinds = []
    places = list(enumerate(leaderboard.boards))
    for number, (name, own) in enumerate(groupby(places, lambda pair: pair[1].kind), start=1):
        kinds.append(_kind(name, number, list(own), leaderboard))
    entries = [s for s in leaderboard.standings if not s.control]
    return {
        "leaderboard": leaderboard,
        "averaged": leaderboard.averaged,
        "kinds": kinds,
        "entries": len(entries),
        "algorithms": [
            (name, next(p for s in own for p in s.places if p is not None).entry.manifest, len(own))
            for name, own in by_algorithm(leaderboard.standings)
        ],
    }


def by_algorithm(standings: Sequence[Standing]) -> list[tuple[str, list[Standing]]]:
    """Return the standings of every algorithm, by name, controls last."""
    found: dict[str, list[Standing]] = {}
    for standing in standings:
        found.setdefault(standing.algorithm, []).append(standing)
    return sorted(found.items(), key=lambda pair: (pair[1][0].control, pair[0]))


def _kind(
    name: str, number: int, own: Sequence[tuple[int, Board]], leaderboard: Leaderboard
) -> _Kind:
    boards = [board for _, board in own]
    at = [place for place, _ in own]
    rows = [
        _standing(standing, [standing.places[i] for i in at], boards)
        for standing in leaderboard.standings
        if any(standing.places[i] is not None for i in at)
    ]
    badges = {provenance.badge(board.first.manifest.dataset) for board in boards}
    return _Kind(
        name,
        f"kind-{number}",
        tuple(map(_summary, boards)),
        tuple(row for row in rows if not row.standing.control),
        tuple(row for row in rows if row.standing.control),
        tuple(_chance_of(board) for board in boards),
        any(board in leaderboard.averaged for board in boards),
        badges.pop() if len(badges) == 1 else "",
    )


def _chance_of(board: Board) -> Cell | None:
    found = chance_cells(board)
    return found[0] if found else None


def _standing(
    standing: Standing, places: Sequence[Place | None], boards: Sequence[Board]
) -> _Standing:
    cells = tuple(
        None
        if place is None
        else (
            estimate_cell(board.headline, place.headline),
            place,
            board,
            failures_cell(place.entry),
        )
        for place, board in zip(places, boards, strict=True)
    )
    mean = standing.mean_rank
    return _Standing(
        standing,
        Cell("") if mean is None else Cell(f"{mean:.2f}".rstrip("0").rstrip("."), "", repr(mean)),
        cells,
        standing.label.lower(),
    )


def _summary(board: Board) -> _Summary:
    top = tuple(
        (
            place,
            estimate_cell(board.headline, place.headline),
            strip(board.headline, place.headline),
        )
        for place in board.places[:SUMMARY_PLACES]
    )
    found = chance_cells(board)
    return _Summary(
        board,
        wording.metric_label(board.headline),
        direction(board.headline) == "lower",
        leading(board),
        galleries(board.first.metrics.counts),
        top,
        (found[0], found[1]) if found else None,
    )
