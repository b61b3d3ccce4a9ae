"""What a run says of smaller galleries than its own."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import UsageError
from harness.record.record import Run
from harness.tasks.growth import Growth, growth_of
from harness.tasks.kinds import task_of
from harness.tasks.task import OperatingPoint

__all__ = ["growth_in"]


def growth_in(
    run: Run,
    *,
    sizes: Sequence[int] = (),
    ranks: Sequence[int] = (),
    thresholds: Sequence[float] = (),
    dense: bool = False,
) -> Growth:
    """Return the rates of a run by the size of the gallery.

    Parameters
    ----------
    run
        Whose searches they are.
    sizes
        References; round numbers unless given.
    ranks, thresholds
        At which the rates are read; those of the protocol's metrics unless given.
    dense
        As of `harness.tasks.growth.growth_of`.

    Raises
    ------
    UsageError
        If the run made no searches in galleries, or does not hold their ranks, or a size, rank or
        threshold cannot be asked of it.
    """
    task = task_of(run.protocol)
    answered = run.answered
    points = task.operating_points(answered)
    if not points:
        raise UsageError(
            f"protocol {run.manifest.origin.protocol!r} searches no gallery, so that there is none "
            "to be smaller; identification, closed-set and open-set do"
        )
    depth = run.manifest.list_length
    if depth is not None:
        raise UsageError(
            f"candidate lists that end at rank {depth} do not say where the other mates "
            "rank; smaller galleries need all scores"
        )
    if run.manifest.mixed:
        raise UsageError(f"smaller galleries are not available: {run.manifest.mixed}")
    if ranks or thresholds:
        places = ranks or sorted({point.rank for point in points})
        read_at = [OperatingPoint(1, threshold) for threshold in thresholds] or points
        every = [OperatingPoint(rank, at.threshold, at.fpir) for rank in places for at in read_at]
        points = list(dict.fromkeys(every))
    return growth_of(task.parts(answered), points, sizes, dense=dense)
