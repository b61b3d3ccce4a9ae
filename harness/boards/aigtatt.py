"""The result table of AIGTatt and TattTRN: one row of 14 columns for each entry, in percent."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.metrics import aigtatt
from harness.metrics.open_set import Searches
from harness.record.record import Run
from harness.tasks import verification
from harness.tasks.answers import Answer, Answered
from harness.tasks.kinds import task_of

__all__ = ["COLUMNS", "aigtatt_table"]

ENTRY = ("Backbone", "Emb_size", "Margin")
COLUMNS = (*ENTRY, *aigtatt.COLUMNS)

_TASKS = ("verification", "open-set", "closed-set")


def aigtatt_table(runs: Sequence[Run]) -> str:
    """Return the table of some runs as CSV text.

    Runs of one algorithm with the same parameters on the same data set make one row; what a row has
    no run for stays empty. Backbone is the parameter of that name, or else the algorithm's;
    Emb_size is the length of its templates and Margin its parameter, empty where it has none.

    Parameters
    ----------
    runs
        Of protocols with the task ``verification``, ``open-set`` or ``closed-set``.

    Returns
    -------
    str
        `COLUMNS`, then a row for each entry in the order of the runs; rates in percent.

    Raises
    ------
    UsageError
        If a run asks another question, or two of them answer the same one.
    """
    rows: dict[str, dict[str, Any]] = {}
    asked: dict[tuple[str, str], Path] = {}
    for run in runs:
        task = run.protocol.task
        if task not in _TASKS:
            raise UsageError(
                f"{run.folder}: protocol {run.manifest.origin.protocol!r} asks for {task}; this "
                f"table is made of runs that ask for {', '.join(_TASKS)}"
            )
        origin = run.manifest.origin
        entry = repr((origin.algorithm, sorted(origin.parameters.items()), _data(run)))
        if (entry, task) in asked:
            raise UsageError(
                f"{run.folder} and {asked[entry, task]} are both the {task} of one entry; leave "
                "one of them out"
            )
        asked[entry, task] = run.folder
        row = rows.setdefault(entry, dict.fromkeys(COLUMNS, ""))
        row |= {"Backbone": origin.parameters.get("backbone", origin.algorithm)}
        row |= {"Margin": origin.parameters.get("margin", ""), "Emb_size": _width(run)}
        row |= {name: _percent(rate) for name, rate in _columns(run).items()}
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows.values())
    return text.getvalue()


def _columns(run: Run) -> dict[str, float]:
    folds, answers, records = run.folds, list(run.answers), run.records
    if any(type(answer) is not Answer for answer in answers):
        raise UsageError(f"{run.folder}: this table needs every score, and they are not kept")
    if run.protocol.task == "verification":
        mated, nonmated = verification.scores_of(folds, answers, records)
        return aigtatt.verification_columns(mated, nonmated)
    parts = task_of(run.protocol).parts(Answered(folds, answers, records, run.protocol))
    if run.protocol.task == "open-set":
        searches = Searches.joined(Searches.of(part.scores, part.truth) for part in parts)
        return aigtatt.open_set_columns(searches.refusals_accused())
    return aigtatt.closed_set_columns([part.ranks for part in parts])


def _data(run: Run) -> str:
    return str(run.manifest.dataset.get("path", ""))


def _width(run: Run) -> int | str:
    """Return the length of the entry's templates, where they are vectors that are still there."""
    from safetensors import SafetensorError, safe_open

    for file in sorted(run.folder.glob("units/*/templates/templates.safetensors")):
        try:
            with safe_open(file, "numpy") as tensors:
                if list(tensors.keys()) == ["vectors"]:
                    return int(math.prod(tensors.get_slice("vectors").get_shape()[1:]))
        except (OSError, SafetensorError):
            continue
    return ""


def _percent(rate: float) -> float | str:
    return "" if rate != rate else round(100 * rate, 10)
