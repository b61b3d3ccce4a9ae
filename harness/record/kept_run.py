"""A finished run with its raw scores, where they are at hand and not too many to read again."""

from __future__ import annotations

from pathlib import Path

from harness.errors import HarnessError
from harness.record.kept_answers import NUMBERS
from harness.record.record import Run, read_run
from harness.tasks.results import Metrics

__all__ = ["has_too_many", "kept_run"]

MOST = 20_000_000
"""Comparisons beyond which scores are not read a second time for the report."""


def has_too_many(metrics: Metrics) -> bool:
    """Whether more than `MOST` comparisons stand behind a run's metrics."""
    kinds = ("mated", "nonmated")
    return sum(metrics.counts.get(f"{kind}_comparisons", 0) for kind in kinds) > MOST


def kept_run(folder: Path, metrics: Metrics) -> Run | None:
    """Return a run with its answers; None where more than `MOST` scores are kept, or the folder is
    damaged.

    Parameters
    ----------
    folder
        Of the run, with its truth and its raw scores.
    metrics
        That follow from them.
    """
    if has_too_many(metrics) and any(folder.glob(f"units/*/*/{NUMBERS}")):
        return None
    try:
        return read_run(folder)
    except HarnessError:
        return None  # `verify` says what is wrong with a folder; a report shows what it has
