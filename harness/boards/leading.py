"""Who is ahead on a board, in a sentence that follows from ranks, groups and chance."""

from __future__ import annotations

from collections.abc import Sequence

from harness.boards.boards import Board, Place
from harness.tasks.standing import direction, standing

__all__ = ["leading"]


def leading(board: Board) -> str:
    """Return who is ahead on a board.

    Nobody leads a board whose data cannot answer its question, nor by a value that is not better
    than chance, nor alone.
    """
    if board.unanswerable:
        return board.unanswerable
    best = [p for p in board.places if p.rank == 1]
    if not best:
        return "No entry but controls has a value for the headline."
    beside = standing(board.headline, best[0].headline)
    if len(board.places) == 1:
        return f"{best[0].label} is the only entry{_ALONE[beside]}."
    if beside == "level":
        return f"{best[0].label} has the best value, and cannot be told from chance: nobody leads."
    if beside == "worse":
        return f"{best[0].label} has the best value, and is worse than chance: nobody leads."
    lower = " (lower is better)" if direction(board.headline) == "lower" else ""
    number = best[0].group
    ahead = [p for p in board.places if p.group == number] if number is not None else best
    names = [p.label for p in ahead[:3]]
    more = f" and {len(ahead) - 3} more" if len(ahead) > 3 else ""
    if number is None:
        have = "has" if len(ahead) == 1 else "have"
        return f"{_and(names)}{more} {have} the best value{lower}."
    if len(ahead) == 1:
        return f"{names[0]} is ahead{lower}{_next(board, ahead[0])}."
    return (
        f"{best[0].label} has the best value{lower}; the data cannot tell it from {_others(ahead)}."
    )


_ALONE: dict[str, str] = {
    "better": "; it is better than chance",
    "worse": "; it is worse than chance",
    "level": "; it cannot be told from chance",
    "": "",
}


def _next(board: Board, first: Place) -> str:
    """Name the entry behind, of which the data tell the first apart."""
    behind = [p for p in board.places if p.group is not None and p is not first]
    return f"; the next, {behind[0].label}, is clearly behind" if behind else ""


def _others(ahead: Sequence[Place]) -> str:
    names = [p.label for p in ahead[1:4]]
    more = len(ahead) - 1 - len(names)
    return f"{', '.join(names)} and {more} more" if more > 0 else _and(names)


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))
