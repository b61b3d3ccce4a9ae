"""The static site: one file per page, opened from disk, readable without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.leaderboard.boards import Board, Leaderboard, Place, Standing, digest, slug
from harness.leaderboard.overlays import overlays
from harness.leaderboard.reading import Entry
from harness.leaderboard.rows import Cell, chance_cells, columns, estimate_cell, rows, strip
from harness.reporting import wording
from harness.reporting.headline import galleries, headline_of
from harness.reporting.headline import standing as standing_of
from harness.reporting.overlay_plot import MARKS
from harness.reporting.pages import environment, surroundings
from harness.reporting.published import of_use_case, published_tables, read_published
from harness.tasks.look_alikes import MATES

OVERVIEW = "index.html"
SUMMARY_PLACES = 5
_SCRIPTS = ("page.js", "board.js")


def render_site(
    leaderboard: Leaderboard, *, reports: bool = False, live: bool = False
) -> dict[str, str]:
    """Return the text of every page by its file name.

    Equal runs give equal pages. All links lead to other pages of the site.

    Parameters
    ----------
    reports
        Whether the reports of the runs lie below ``runs/``, as they do with `harness serve`.
    live
        Whether pages reload when the server that they came from says so.
    """
    engine = environment()
    engine.globals["marks"] = MARKS
    engine.filters.update(board_page=board_page, algorithm_page=algorithm_page)
    scripts = (*_SCRIPTS, "live.js") if live else _SCRIPTS
    shared: dict[str, Any] = {
        "page": surroundings(scripts=scripts, live=live),
        "reports": reports,
        "overview": OVERVIEW,
    }
    pages = {
        OVERVIEW: engine.get_template("leaderboard.html.j2").render(
            **shared, **_overview(leaderboard)
        )
    }
    template = engine.get_template("board.html.j2")
    for board in leaderboard.boards:
        pages[board_page(board)] = template.render(**shared, **_board(board))
    template = engine.get_template("algorithm.html.j2")
    for name, standings in _by_algorithm(leaderboard.standings):
        pages[algorithm_page(name)] = template.render(
            **shared, **_algorithm(name, standings, leaderboard.boards)
        )
    return pages


def board_page(board: Board) -> str:
    """Return the file name of a board's page."""
    return f"board-{board.id}.html"


def algorithm_page(name: str) -> str:
    """Return the file name of an algorithm's page; nothing of the name but letters and digits."""
    return f"algorithm-{slug(name)}-{digest(name)}.html"


def page_names(leaderboard: Leaderboard) -> list[str]:
    """Return the names of all pages."""
    names = [OVERVIEW, *map(board_page, leaderboard.boards)]
    return names + [algorithm_page(name) for name, _ in _by_algorithm(leaderboard.standings)]


@dataclass(frozen=True)
class _Standing:
    """One row of the overview."""

    standing: Standing
    differs: tuple[tuple[str, str], ...]
    rank: Cell
    cells: tuple[tuple[Cell, Place, Board] | None, ...]
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


def _overview(leaderboard: Leaderboard) -> dict[str, Any]:
    standings = [_standing_row(s, leaderboard.boards) for s in leaderboard.standings]
    return {
        "leaderboard": leaderboard,
        "averaged": leaderboard.averaged,
        "standings": [s for s in standings if not s.standing.control],
        "controls": [s for s in standings if s.standing.control],
        "chances": [_chance_of(board) for board in leaderboard.boards],
        "summaries": [_summary(board) for board in leaderboard.boards],
        "algorithms": [
            (name, next(p for s in own for p in s.places if p is not None).entry.manifest, len(own))
            for name, own in _by_algorithm(leaderboard.standings)
        ],
    }


def _chance_of(board: Board) -> Cell | None:
    found = chance_cells(board)
    return found[0] if found else None


def _standing_row(standing: Standing, boards: Sequence[Board]) -> _Standing:
    cells = tuple(
        None if place is None else (estimate_cell(board.headline, place.headline), place, board)
        for place, board in zip(standing.places, boards, strict=True)
    )
    mean = standing.mean_rank
    return _Standing(
        standing,
        standing.differs,
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
    label = wording.metric_label(board.headline)
    lower = wording.direction(board.headline) == "lower"
    return _Summary(
        board,
        label,
        lower,
        leading(board),
        galleries(board.first.metrics.counts),
        top,
        (found[0], found[1]) if found else None,
    )


def leading(board: Board) -> str:
    """Return who leads a board, as a sentence that follows from ranks, groups and chance.

    Nobody leads a board whose data cannot answer its question, nor by a value that is not better
    than chance, nor alone.
    """
    if board.unanswerable:
        return board.unanswerable
    best = [p for p in board.places if p.rank == 1]
    if not best:
        return "No entry but controls has a value for the headline."
    beside = standing_of(board.headline, best[0].headline)
    if len(board.places) == 1:
        return f"{best[0].label} is the only entry{_ALONE[beside]}."
    if beside == "level":
        return f"{best[0].label} has the best value, and cannot be told from chance: nobody leads."
    if beside == "worse":
        return f"{best[0].label} has the best value, and is worse than chance: nobody leads."
    lower = " (lower is better)" if wording.direction(board.headline) == "lower" else ""
    number = best[0].group
    ahead = [p for p in board.places if p.group == number] if number is not None else best
    names = [p.label for p in ahead[:3]]
    more = f" and {len(ahead) - 3} more" if len(ahead) > 3 else ""
    if number is None:
        have = "has" if len(ahead) == 1 else "have"
        return f"{_and(names)}{more} {have} the best value{lower}."
    if len(ahead) == 1:
        return f"{names[0]} leads{lower}; the data tells it from the next."
    return (
        f"{best[0].label} has the best value{lower}; the data cannot tell it from {_others(ahead)}."
    )


_ALONE: dict[str, str] = {
    "better": "; it is better than chance",
    "worse": "; it is worse than chance",
    "level": "; it cannot be told from chance",
    "": "",
}


def _copies(board: Board) -> str:
    """Return how many mates are the same photograph: the same for all entries, without values."""
    entry = board.first
    said = headline_of(entry.metrics, entry.algorithm, entry.manifest.mated_by).photographs
    return f"{said.partition(';')[0].rstrip('.')}." if said else ""


def _others(ahead: Sequence[Place]) -> str:
    names = [p.label for p in ahead[1:4]]
    more = len(ahead) - 1 - len(names)
    return f"{', '.join(names)} and {more} more" if more > 0 else _and(names)


def _and(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else list(names))


def _board(board: Board) -> dict[str, Any]:
    figures = overlays(board)
    styles = {entry: style for figure in figures for entry, style, _ in figure.shown}
    published = of_use_case(read_published(), board.use_case, board.protocol)
    return {
        "board": board,
        "manifest": board.first.manifest,
        "leading": leading(board),
        "mates": MATES.get(board.first.manifest.mated_by, ""),
        "galleries": galleries(board.first.metrics.counts),
        "copies": _copies(board),
        "columns": columns(board),
        "headline_label": wording.metric_label(board.headline),
        "headline_lower": wording.direction(board.headline) == "lower",
        "rows": rows(board, board.places, styles),
        "grouped": any(place.group is not None for place in board.places),
        "controls": rows(board, board.controls, styles),
        "chance": chance_cells(board),
        "figures": figures,
        "published": published_tables(published, list(board.first.metrics.pooled)),
        "paths": {p.entry.id: p.entry.folder for p in board.all_places},
    }


@dataclass(frozen=True)
class _Result:
    """One run on an algorithm's page."""

    board: Board
    place: Place
    label: str
    cell: Cell
    of: int

    def amount(self, fit: Entry) -> str:
        """Return the headline of one of its fits."""
        headline = self.board.headline
        return wording.amount(headline, fit.metrics.pooled[headline].value)


def _algorithm(name: str, standings: Sequence[Standing], boards: Sequence[Board]) -> dict[str, Any]:
    results = [
        _Result(
            board,
            place,
            wording.metric_label(board.headline),
            estimate_cell(board.headline, place.headline),
            len(board.places),
        )
        for board in boards
        for place in board.all_places
        if place.entry.algorithm == name
    ]
    common, varying, table = _parameters(results)
    latest = max((r.place.entry for r in results), key=lambda e: e.manifest.finished)
    return {
        "name": name,
        "manifest": latest.manifest,
        "results": results,
        "common": common,
        "varying": varying,
        "settings": table,
        "standings": standings,
    }


def _parameters(
    results: Iterable[_Result],
) -> tuple[list[tuple[str, str]], list[str], list[tuple[str, list[str]]]]:
    """Return parameters that all runs share, names of the others, and those of every setting."""
    by_settings = {r.place.entry.settings: r.place.entry.manifest.origin for r in results}
    facts = [
        {
            **{k: wording.shown(v) for k, v in origin.parameters.items()},
            **{f"SHA-256 of {k}": v for k, v in origin.weight_hashes.items()},
        }
        for origin in by_settings.values()
    ]
    names = list(dict.fromkeys(n for each in facts for n in each))
    varying = [n for n in names if len({each.get(n) for each in facts}) > 1]
    common = [(n, facts[0][n]) for n in names if n not in varying]
    table = [(str(i), [each.get(n, "") for n in varying]) for i, each in enumerate(facts, start=1)]
    return common, varying, table if varying else []


def _by_algorithm(standings: Sequence[Standing]) -> list[tuple[str, list[Standing]]]:
    found: dict[str, list[Standing]] = {}
    for standing in standings:
        found.setdefault(standing.algorithm, []).append(standing)
    return sorted(found.items(), key=lambda pair: (pair[1][0].control, pair[0]))


def write_pages(pages: dict[str, str], out: Path) -> None:
    """Write pages into a folder, each whole or not at all."""
    from harness.execution.storage import write_whole

    for name, text in pages.items():
        write_whole(out / name, text)
