"""Figures that were measured (`docs/figures.json`) and published (`reports/published.csv`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from writing import literal, plain, table

from harness.record.published import published_beside as figures_beside
from harness.reporting.sections.published import published_tables
from harness.reporting.wording import amount, metric_label
from harness.tasks.protocol import Protocol

BOOK = Path(__file__).parents[1] / "figures.json"


@cache
def _commands() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(BOOK.read_text(encoding="utf-8"))["commands"])


def measured_table(
    wanted: Callable[[dict[str, Any]], bool], headlines: dict[str, str], beside: str
) -> str:
    """Return the headline of every measured run that is wanted, as a table.

    Parameters
    ----------
    wanted
        Asked with what was measured.
    beside
        What the rows are of, since the page says the other: `algorithm` or `protocol`.
    headlines
        Id of the headline metric by protocol.
    """
    rows = []
    for item in _commands():
        found = item.get("measured") or {}
        headline = headlines.get(found.get("protocol", ""), "")
        one = found.get("metrics", {}).get(headline)
        if one is None or not wanted(found):
            continue
        low, high = (amount(headline, one[end]) if end in one else "" for end in ("low", "high"))
        rows.append(
            (
                f":doc:`/reference/{beside}s/{found[beside]}`",
                plain(metric_label(headline)),
                _together(amount(headline, one["value"])),
                _together(f"{low} to {high}") if low else "",
                _together(amount(headline, one["chance"])) if "chance" in one else "",
                str(found.get("repeats", 1)),
                _together(found.get("date", "")),
                literal(item["command"].rpartition(" && ")[2]),
            )
        )
    columns = (beside.capitalize(), "Headline", "Value", "95 % interval", "Chance", "Fits")
    return table((*columns, "Measured", "Command"), rows)


def _together(text: str) -> str:
    """Return a figure or date as text that no line ends in."""
    return plain(text).replace(" %", "\u00a0%").replace("-", "\u2011")


def measured_by(protocol: str) -> list[str]:
    """Return the algorithms that were measured on a protocol, the most important first."""
    return [algorithm for asked, algorithm in _pairs() if asked == protocol]


def measured_on(name: str) -> list[str]:
    """Return the protocols that an algorithm was measured on, the most important first."""
    return [asked for asked, algorithm in _pairs() if algorithm == name and "+" not in asked]


def _pairs() -> list[tuple[str, str]]:
    found = [item.get("measured") or {} for item in _commands()]
    return [(one["protocol"], one["algorithm"]) for one in found if "algorithm" in one]


def published_beside(name: str, protocol: Protocol) -> str:
    """Return what others published on the use case of a protocol, as they published it."""
    rows = figures_beside(name, protocol.data.use_case, protocol.metrics, attacked=False)
    parts = []
    for found in published_tables(rows, protocol.metrics):
        head, body = found.table.columns, found.table.rows
        parts.append(
            table(
                [plain(cell) for cell in head],
                [[plain(cell) for cell in row] for row in body],
                plain(found.table.caption),
            )
        )
        parts += [f"* {plain(note)}\n" for note in found.notes]
        parts.append("\n")
    return "".join(parts)
