"""A validation on a terminal: a line for each row, and what it comes to."""

from __future__ import annotations

from harness.comparing.changes import DIGITS
from harness.comparing.tables import aligned
from harness.errors import visible
from harness.reporting.text import plain
from harness.reporting.wording import amount, interval
from harness.runs.validation.deciding import FAIL, PASS, UNSUPPORTED
from harness.runs.validation.matrix import Row, RunFacts, Validation


def listing(validation: Validation) -> str:
    """Return the matrix in lines of plain text, each decision with its reason.

    Parameters
    ----------
    validation
        The validation.
    """
    head = ("characteristic", "metric", "of", "value", "95 % interval", "criterion", "decision")
    lines = aligned(head, [_cells(row) for row in validation.rows], right=(3,))
    counts = ", ".join(f"{validation.number_of(one)} {one}" for one in (PASS, FAIL, UNSUPPORTED))
    undecided = [row for row in validation.rows if row.verdict == UNSUPPORTED]
    reasons = [f"  {visible(_named(row))}: {visible(plain(row.why))}" for row in undecided]
    if reasons:
        lines += ["", "not supported by this data:", *reasons]
    idle = [one for one in validation.runs if not one.rows]
    lines += [""] * bool(idle) + [f"  no row is of run {visible(_of_no_row(one))}" for one in idle]
    return "\n".join([*lines, "", f"{validation.verdict}: of {len(validation.rows)} rows {counts}"])


def _cells(row: Row) -> tuple[str, ...]:
    value = "" if row.value is None else amount(row.metric, row.value)
    within = interval(row.metric, row.low, row.high)
    cells = (row.characteristic, row.metric, row.group, value, within, row.limits, row.verdict)
    return tuple(visible(plain(cell)) for cell in cells)


def _named(row: Row) -> str:
    return " ".join(word for word in (row.characteristic, row.metric, row.group) if word)


def _of_no_row(run: RunFacts) -> str:
    seed = f", seed {run.parameters['seed']}" if "seed" in run.parameters else ""
    attack = f", probes retouched by {run.attack}" if run.attack else ""
    return (
        f"{run.identity[:DIGITS]} ({run.protocol} / {run.algorithm} on {run.data}{seed}{attack}): "
        "no criterion asks for it; to validate it, name it first, or alone"
    )
