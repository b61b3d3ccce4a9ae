"""The static site: one file per page, opened from disk, readable without scripts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.boards.boards import Board, Leaderboard, Place, Standing, digest, slug
from harness.boards.leading import leading
from harness.boards.overview import by_algorithm, overview
from harness.boards.reading import Entry
from harness.boards.rows import (
    Cell,
    Column,
    chance_cells,
    columns,
    estimate_cell,
    failures_cell,
    remarks_of,
    rows,
)
from harness.record.manifest import value_text
from harness.record.published import published_beside
from harness.reporting import wording
from harness.reporting.drawing.overlay_plot import MARKS
from harness.reporting.drawing.overlays import SHOWN, Overlay, Subject, overlays
from harness.reporting.headline import galleries, headline_of
from harness.reporting.pages import environment, surroundings
from harness.reporting.sections.published import published_tables
from harness.tasks.kinds import KINDS
from harness.tasks.look_alikes import MATES
from harness.tasks.standing import direction
from harness.tasks.trade_off import COMPARISONS

OVERVIEW = "index.html"
_SCRIPTS = ("page.js", "board.js")


def render_site(
    leaderboard: Leaderboard, *, reports: Mapping[str, str] | None = None, live: bool = False
) -> dict[str, str]:
    """Return the text of every page by its file name.

    Equal runs give equal pages. All links lead to other pages of the site.

    Parameters
    ----------
    reports
        Where in the site the report of a run lies, by the run's folder; none unless given.
    live
        Whether pages reload when the server that they came from says so.
    """
    engine = environment()
    engine.globals["marks"] = MARKS
    lying = reports or {}
    engine.filters.update(
        board_page=board_page,
        algorithm_page=algorithm_page,
        report=lambda folder: lying.get(folder, ""),
    )
    scripts = (*_SCRIPTS, "live.js") if live else _SCRIPTS
    shared: dict[str, Any] = {
        "page": surroundings(scripts=scripts, live=live, styles=("style.css", "boards.css")),
        "reports": bool(lying),
        "start": OVERVIEW,
    }
    pages = {
        OVERVIEW: engine.get_template("leaderboard.html.j2").render(
            **shared, **overview(leaderboard)
        )
    }
    template = engine.get_template("board.html.j2")
    for board in leaderboard.boards:
        pages[board_page(board)] = template.render(**shared, **_board(board))
    template = engine.get_template("algorithm.html.j2")
    for name, standings in by_algorithm(leaderboard.standings):
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


def _copies(board: Board) -> str:
    """Return how many mates are the same photograph: the same for all entries, without values."""
    entry = board.first
    said = headline_of(entry.metrics, entry.algorithm, entry.manifest.mated_by).photographs
    return f"{said.partition(';')[0].rstrip('.')}." if said else ""


def _board(board: Board) -> dict[str, Any]:
    figures = _curves(board)
    styles = {entry: style for figure in figures for entry, style, _ in figure.shown}
    metrics = list(board.first.metrics.pooled)
    origin = board.first.manifest.origin
    attacked = origin.attack is not None
    published = published_beside(origin.protocol, board.use_case, metrics, attacked=attacked)
    return {
        "board": board,
        "manifest": board.first.manifest,
        "leading": leading(board),
        "mates": MATES.get(board.first.manifest.mated_by, ""),
        "galleries": galleries(board.first.metrics.counts),
        "copies": _copies(board),
        "remarks": _remarks(board),
        "columns": columns(board),
        "chosen": _chosen(columns(board)),
        "strip_ends": wording.strip_ends(board.headline),
        "headline_label": wording.metric_label(board.headline),
        "headline_lower": direction(board.headline) == "lower",
        "rows": rows(board, board.places, styles),
        "grouped": any(place.group is not None for place in board.places),
        "controls": rows(board, board.controls, styles),
        "chance": chance_cells(board),
        "figures": figures,
        "published": published_tables(published, metrics),
        "paths": {p.entry.id: p.entry.folder for p in board.all_places},
    }


def _curves(board: Board) -> list[Overlay]:
    subjects = [
        Subject(p.entry.id, p.label, p.entry.curves, p.entry.assessment) for p in board.all_places
    ]
    at_first = [p.entry.id for p in (board.places or board.controls)[:SHOWN]]
    task = KINDS.get(board.first.metrics.task)
    errors = COMPARISONS if task is None else task.trade_off
    return overlays(subjects, at_first, board.metrics, errors)


def _remarks(board: Board) -> list[tuple[str, str]]:
    """Return what is odd about the data, each once, and in which entries it was said."""
    said: dict[str, list[str]] = {}
    for place in board.all_places:
        for one in remarks_of(place.entry):
            said.setdefault(one.text, []).append(place.label)
    every = len(board.all_places)
    return [
        (text, "" if len(labels) == every else ", ".join(dict.fromkeys(labels)))
        for text, labels in said.items()
    ]


def _chosen(found: Sequence[Column]) -> list[tuple[str, list[tuple[int, Column]]]]:
    """Return the columns that can be chosen, with their numbers, by group."""
    groups: dict[str, list[tuple[int, Column]]] = {}
    for number, column in enumerate(found):
        if column.group:
            groups.setdefault(column.group, []).append((number, column))
    return list(groups.items())


@dataclass(frozen=True)
class _Result:
    """One run on an algorithm's page."""

    board: Board
    place: Place
    label: str
    cell: Cell
    failures: Cell
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
            wording.metric_label(board.headline)
            + (", lower is better" if direction(board.headline) == "lower" else ""),
            estimate_cell(board.headline, place.headline),
            failures_cell(place.entry),
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
        "ranked": any(r.place.rank for r in results),
        "committed": any(r.place.entry.manifest.git.get("commit") for r in results),
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
            **{k: value_text(v) for k, v in origin.parameters.items()},
            **{f"SHA-256 of {k}": v for k, v in origin.weight_hashes.items()},
        }
        for origin in by_settings.values()
    ]
    names = list(dict.fromkeys(n for each in facts for n in each))
    varying = [n for n in names if len({each.get(n) for each in facts}) > 1]
    common = [(n, facts[0][n]) for n in names if n not in varying]
    table = [(str(i), [each.get(n, "") for n in varying]) for i, each in enumerate(facts, start=1)]
    return common, varying, table if varying else []


def write_pages(pages: dict[str, str], out: Path) -> None:
    """Write pages into a folder, each whole or not at all."""
    from harness.data.whole_files import write_whole

    for name, text in pages.items():
        write_whole(out / name, text)
