"""Figures that were measured (`docs/figures.json`) and published (`reports/published.csv`)."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from writing import literal, plain, table

from harness.reporting.sections.published import published_tables, read_published
from harness.reporting.wording import amount, metric_label
from harness.tasks.protocol import Protocol

BOOK = Path(__file__).parents[1] / "figures.json"


@cache
def _commands() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(BOOK.read_text(encoding="utf-8"))["commands"])


def measured_table(wanted: Callable[[dict[str, Any]], bool], headlines: dict[str, str]) -> str:
    """Return the headline of every measured run that is wanted, as a table.

    Parameters
    ----------
    wanted
        Asked with what was measured.
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
                f":doc:`/reference/algorithms/{found['algorithm']}`",
                f":doc:`/reference/protocols/{found['protocol']}`",
                plain(metric_label(headline)),
                plain(amount(headline, one["value"])),
                plain(f"{low} to {high}") if low else "",
                plain(amount(headline, one["chance"])) if "chance" in one else "",
                str(found.get("repeats", 1)),
                found.get("date", ""),
                literal(item["command"]),
            )
        )
    columns = ("Algorithm", "Protocol", "Headline", "Value", "95 % interval", "Chance", "Fits")
    return table((*columns, "Measured", "Command"), rows)


def published_beside(name: str, protocol: Protocol) -> str:
    """Return what others published on the use case of a protocol, as they published it."""
    uses = {protocol.data.use_case.replace("-", "_"), name.replace("-", "_")}
    rows = [row for row in read_published() if row.use_case in uses]
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
