"""What the groups of people in a run come to, by a column of its data."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError
from harness.record.own_columns import labels_in
from harness.record.record import Run
from harness.tasks.ageing import Ageing, ageing_of
from harness.tasks.answers import ListsOfDraws
from harness.tasks.differentials import Differentials, differentials_of
from harness.tasks.groups import COLUMNS
from harness.tasks.kinds import task_of
from harness.tasks.pairs import Pairs

__all__ = ["ageing_in", "columns_in", "differentials_in", "pairs_in"]


def pairs_in(run: Run) -> Pairs:
    """Return the comparisons of a run with the images that each joins.

    Raises
    ------
    UsageError
        If it compares no images, they have no names, or its scores end with candidate lists.
    """
    depth = run.manifest.list_length
    if depth is not None:
        raise UsageError(
            f"comparisons of groups are not available from lists of {depth}: they need every score"
        )
    if run.manifest.mixed:
        raise UsageError(f"comparisons of groups are not available: {run.manifest.mixed}")
    if any(isinstance(answer, ListsOfDraws) for answer in run.answers):
        raise UsageError(
            f"protocol {run.manifest.origin.protocol!r} was answered by a list of each search in "
            "each draw, so that no comparison has one score; comparisons of groups need that"
        )
    task = task_of(run.protocol)
    pairs = task.pairs(run.answered) if task.compares and task.names_images else None
    if pairs is None or not len(pairs.names):
        raise UsageError(
            f"protocol {run.manifest.origin.protocol!r} compares no images with one another, so "
            "that there are no comparisons of groups; identification, similarity and verification "
            "do"
        )
    return pairs


def columns_in(run: Run, columns: Sequence[str] = tuple(COLUMNS)) -> list[str]:
    """Return the columns that say anything of the images of a run."""
    return [
        column
        for column in columns
        if any(getattr(record, column) for record in run.records.values())
    ]


def differentials_in(
    run: Run,
    column: str,
    pairs: Pairs | None = None,
    *,
    table: Path | None = None,
    seed: int = 0,
) -> Differentials:
    """Return the errors of the groups of a column, at one threshold for all.

    Parameters
    ----------
    run
        Whose comparisons they are.
    column
        One of `harness.tasks.groups.COLUMNS`, or of the table.
    pairs
        Of `pairs_in`, where they are at hand.
    table
        That says whose group each image, tattoo or subject is, instead of the run's own data.
    seed
        Of draws and shuffles.

    Raises
    ------
    UsageError
        If there is no such column, the table cannot be read, or the run compares no images.
    """
    labels = None if table is None else labels_in(table, column, run.records)
    found = pairs_in(run) if pairs is None else pairs
    return differentials_of(run.answered, found, column, labels, seed=seed)


def ageing_in(run: Run, pairs: Pairs | None = None, *, seed: int = 0) -> Ageing:
    """Return what the time between captures does to a run's mated comparisons.

    Parameters and errors are those of `differentials_in`.
    """
    return ageing_of(pairs_in(run) if pairs is None else pairs, run.records, seed=seed)
