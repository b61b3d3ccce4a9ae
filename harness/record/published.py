"""What others published on a use case: `reports/published.csv`, never ranked with a run's own."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.errors import DataError
from harness.plugins.places import bundled

__all__ = ["COLUMNS", "Published", "published_beside", "read_published"]

COLUMNS = (
    "use_case",
    "system",
    "metric",
    "value",
    "data_set",
    "trials",
    "gallery",
    "averaging",
    "source",
    "note",
)


@dataclass(frozen=True)
class Published:
    """One published figure.

    Parameters
    ----------
    use_case
        As protocols write it (``use-case``), or the name of a protocol; ``_`` for ``-``.
    system, data_set, source, note
        In the words of whoever published it, or about it.
    metric
        A metric id, or words where the figure is none of ours.
    value
        As published.
    trials, gallery
        Searches or images behind it, and references searched; empty where not known.
    averaging
        ``pooled`` over all trials, ``fold means``, ``mean of random repeats`` or ``not stated``.
    """

    use_case: str
    system: str
    metric: str
    value: float
    data_set: str
    trials: str
    gallery: str
    averaging: str
    source: str
    note: str


def read_published(path: Path | None = None) -> tuple[Published, ...]:
    """Read `reports/published.csv`, or another file of the same columns.

    Raises
    ------
    DataError
        If the columns are others, or a value is not a number.
    """
    return _read(path or bundled("reports") / "published.csv")


@cache
def _read(path: Path) -> tuple[Published, ...]:
    rows = []
    with path.open(encoding="utf-8", newline="") as file:
        table = csv.DictReader(file)
        if tuple(table.fieldnames or ()) != COLUMNS:
            raise DataError(f"{path}: its first line should read {','.join(COLUMNS)}")
        for row in table:
            try:
                value = float(row["value"])
            except (TypeError, ValueError):
                raise DataError(
                    f"{path}, line {table.line_num}: {row['value']!r} is not a number"
                ) from None
            rows.append(
                Published(value=value, **{k: v or "" for k, v in row.items() if k != "value"})
            )
    return tuple(rows)


def published_beside(
    protocol: str, use_case: str, metrics: Iterable[str], *, attacked: bool
) -> list[Published]:
    """Return the figures that may stand beside a run's; none where its probes were attacked.

    Several questions are asked of the data of one use case: its figures are those of another one
    where none of them is of a metric of the run. What goes by the protocol's own name is of it.
    """
    if attacked:
        return []
    use, own = use_case.replace("-", "_"), protocol.replace("-", "_")
    rows = [row for row in read_published() if row.use_case in (use, own)]
    asked = {_name(metric) for metric in metrics}
    answered = any(row.use_case == use and _name(row.metric) in asked for row in rows)
    return [row for row in rows if answered or row.use_case == own]


def _name(metric: str) -> str:
    return metric.partition("@")[0]
