"""The leaderboard for machines and for other documents: JSON, CSV and Markdown.

Words of runs are words here too: a spreadsheet does not take them for formulas, and Markdown not
for markup.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from harness.boards.boards import Board, Leaderboard, Place
from harness.data.marker import stated_in
from harness.record import provenance
from harness.reporting import wording

JSON, CSV, MARKDOWN = "leaderboard.json", "leaderboard.csv", "leaderboard.md"
FORMAT = 1

CSV_COLUMNS = {
    "protocol": str,
    "protocol_version": int,
    "protocol_hash": str,
    "data_set": str,
    "data_hash": str,
    "synthetic": str,
    "rank": int,
    "group": int,
    "algorithm": str,
    "parameters": str,
    "control": bool,
    "metric": str,
    "headline": bool,
    "value": float,
    "low": float,
    "high": float,
    "n": int,
    "chance": float,
    "failures": int,
    "finished": str,
    "commit": str,
    "identity": str,
    "folder": str,
    "fits": int,
    "one_fit": bool,
}
"""Columns of the table, and what stands in them, if anything does."""


def to_json(leaderboard: Leaderboard) -> bytes:
    """Return everything as JSON, with a final newline."""
    content = {
        "format": FORMAT,
        "boards": [_board(board) for board in leaderboard.boards],
        "overall": [
            {
                "label": standing.label,
                "algorithm": standing.algorithm,
                "control": standing.control,
                "mean_rank": standing.mean_rank,
                "identities": [None if p is None else p.entry.identity for p in standing.places],
            }
            for standing in leaderboard.standings
        ],
        "mean_rank_over": [board.id for board in leaderboard.averaged],
        "left_out": [{"folder": o.folder, "reason": o.reason} for o in leaderboard.left_out],
    }
    return msgspec.json.format(msgspec.json.encode(content), indent=1) + b"\n"


def _board(board: Board) -> dict[str, Any]:
    origin = board.first.manifest.origin
    return {
        "id": board.id,
        "protocol": board.protocol,
        "title": board.title,
        "version": board.version,
        "variant": board.variant,
        "protocol_hash": origin.protocol_hash,
        "data_set": board.data_set,
        "data_hash": origin.data_hash,
        "synthetic": stated_in(board.first.manifest.dataset),
        "folds": origin.folds,
        "headline": board.headline,
        "answerable": not board.unanswerable,
        "unanswerable": board.unanswerable.replace("\u202f", " "),
        "entries": [_place(place) for place in board.all_places],
    }


def _place(place: Place) -> dict[str, Any]:
    entry = place.entry
    origin = entry.manifest.origin
    return {
        "rank": place.rank,
        "group": place.group,
        "label": place.label,
        "algorithm": origin.algorithm,
        "parameters": origin.parameters,
        "control": entry.manifest.control,
        "metrics": msgspec.to_builtins(entry.metrics.pooled),
        "counts": entry.metrics.counts,
        "failures": entry.manifest.failures,
        "template_bytes": entry.template_bytes,
        "steps": [msgspec.to_builtins(step) for step in entry.manifest.steps],
        "finished": entry.manifest.finished,
        "git": entry.manifest.git,
        "source_hash": origin.source_hash,
        "identity": entry.identity,
        "environment_hash": entry.manifest.environment_hash,
        "result_hash": entry.manifest.result_hash,
        "folder": entry.folder,
        "learns": entry.manifest.learns,
        "one_fit": entry.one_fit,
        "fits": [
            {
                "seed": fit.manifest.origin.parameters.get("seed"),
                "value": fit.metrics.pooled[fit.metrics.headline].value,
                "identity": fit.identity,
                "environment_hash": fit.manifest.environment_hash,
                "result_hash": fit.manifest.result_hash,
                "folder": fit.folder,
            }
            for fit in entry.fits
        ],
    }


def to_csv(leaderboard: Leaderboard) -> str:
    """Return one line for each metric of each entry."""
    file = io.StringIO()
    table = csv.writer(file, lineterminator="\n")
    table.writerow(CSV_COLUMNS)
    table.writerows([[_written(cell) for cell in line] for line in lines_of(leaderboard)])
    return file.getvalue()


def lines_of(leaderboard: Leaderboard) -> Iterator[tuple[Any, ...]]:
    """Yield the values of `CSV_COLUMNS` for each metric of each entry."""
    for board in leaderboard.boards:
        for place in board.all_places:
            entry, origin = place.entry, place.entry.manifest.origin
            before = (
                board.protocol,
                board.version,
                origin.protocol_hash,
                board.data_set,
                origin.data_hash,
                stated_in(entry.manifest.dataset),
                place.rank,
                place.group,
                origin.algorithm,
                msgspec.json.encode(origin.parameters, order="deterministic").decode(),
                entry.manifest.control,
            )
            after = (
                entry.manifest.failures,
                entry.manifest.finished,
                str(entry.manifest.git.get("commit", "")),
                entry.identity,
                entry.folder,
                max(1, len(entry.fits)),
                entry.one_fit,
            )
            for metric, e in entry.metrics.pooled.items():
                own = (metric, metric == board.headline, e.value, e.low, e.high, e.n, e.chance)
                yield (*before, *own, *after)


def _written(cell: Any) -> Any:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    return plain_cell(cell) if isinstance(cell, str) else cell


def plain_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula: an apostrophe goes before such.

    >>> plain_cell("=1+1"), plain_cell("sift")
    ("'=1+1", 'sift')
    """
    return f"'{text}" if text.lstrip(" ")[:1] in tuple("=+-@\t\r\n|%") and text.strip() else text


def to_markdown(leaderboard: Leaderboard) -> str:
    """Return a table for each board and one over all of them."""
    lines = ["# Leaderboard", ""]
    averaged = leaderboard.averaged
    if leaderboard.standings:
        heads = [f"{text(b.title)}<br>{text(b.data_set)}" for b in leaderboard.boards]
        lines += _table(
            ["Entry", *(["Mean rank"] if averaged else []), *heads],
            [
                [
                    text(s.label) + (" (control)" if s.control else ""),
                    *(["" if s.mean_rank is None else f"{s.mean_rank:.2f}"] if averaged else []),
                    *(_headline(p) for p in s.places),
                ]
                for s in leaderboard.standings
            ],
        )
        lines += [
            "",
            "Mean rank over the boards "
            + ", ".join(f"{text(b.title)} on {text(b.data_set)}" for b in averaged)
            + ", which all entries share; ties share their mean."
            if averaged
            else "By name: a mean rank is taken only over the boards of a single kind of question "
            "that all entries share.",
        ]
    for board in leaderboard.boards:
        lines += ["", f"## {text(board.title)}, on {text(board.data_set)}", ""]
        variant = f" ({text(board.variant)})" if board.variant else ""
        lines += [f"Protocol {text(board.protocol)}, version {board.version}{variant}.", ""]
        lines += [provenance.sentence(board.first.manifest.dataset), ""]
        heads = [text(wording.metric_label(metric)) for metric in board.metrics]
        lines += _table(
            ["Rank", "Group", "Entry", *heads, "Failures", "Date"],
            [
                [
                    "" if p.rank is None else str(p.rank),
                    "" if p.group is None else str(p.group),
                    text(p.label) + _remark(p),
                    *(_amount(p, metric) for metric in board.metrics),
                    str(p.entry.manifest.failures),
                    text(p.entry.manifest.finished[:10]),
                ]
                for p in board.all_places
            ],
        )
    if leaderboard.left_out:
        lines += ["", "## Left out", ""]
        lines += _table(
            ["Run", "Reason"], [[text(o.folder), text(o.reason)] for o in leaderboard.left_out]
        )
    return "\n".join(lines) + "\n"


def _remark(place: Place) -> str:
    if place.entry.manifest.control:
        return " (control)"
    if place.entry.one_fit:
        return " (one fit)"
    return f" ({len(place.entry.fits)} runs)" if place.entry.fits else ""


def _headline(place: Place | None) -> str:
    return "" if place is None else _amount(place, place.entry.metrics.headline)


def _amount(place: Place, metric: str) -> str:
    estimate = place.entry.metrics.pooled.get(metric)
    if estimate is None:
        return ""
    within = wording.interval(metric, estimate.low, estimate.high)
    value = wording.amount(metric, estimate.value)
    return text(f"{value} ({within})" if within else value)


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    return [
        f"| {' | '.join(heads)} |",
        f"|{'---|' * len(heads)}",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


# Not every reader of tables knows that a bar behind a backslash is none of the table's.
_ENTITIES = {"<": "&lt;", ">": "&gt;", "|": "&#124;", "@": "&#64;", "://": "&#58;//"}


def text(words: str) -> str:
    """Return words that stay words in Markdown: no markup, no link, no new line, no mention.

    >>> print(text("a|b <i>"))
    a&#124;b &lt;i&gt;
    """
    flat = " ".join(words.split()).replace("&", "&amp;")
    flat = re.sub(r"([\\`*_\[\]~])", r"\\\1", flat)
    for mark, entity in _ENTITIES.items():
        flat = flat.replace(mark, entity)
    return re.sub(r"(?i)\bwww\.", "www&#46;", flat)
