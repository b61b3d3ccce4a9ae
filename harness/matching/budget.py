"""How a budget of bytes is shared out between templates, tiles and windows."""

from __future__ import annotations

from dataclasses import dataclass

from harness.matching.product import COLUMN_STEP, COLUMNS, ROW_STEP, ROWS, padded

_WINDOW_COST = 80  # bytes for each score of a window's capacity while it is sorted and merged

KEPT = 10 * ROWS
"""Probes up to which their padded templates are kept, and not made again for each part of the
references."""

_SMALLEST_WINDOW = 1 << 12
_LARGEST_WINDOW = 1 << 22
_LARGEST_SAMPLE = 1 << 21


@dataclass(frozen=True)
class Shares:
    """What fits.

    Parameters
    ----------
    columns
        References whose templates are held at once.
    capacity
        Distinct scores that each window of each thread keeps.
    sample
        Scores that may be drawn to place the windows.
    """

    columns: int
    capacity: int
    sample: int


def share_out(
    memory: int,
    *,
    searches: int,
    references: int,
    dimension: int,
    pairs: int,
    threads: int,
    windows: int,
    candidates: int,
    tail: int,
    bins: int,
    margins: int = 0,
    rows: int = ROWS,
    least: int = COLUMN_STEP,
) -> Shares:
    """Divide a budget.

    Templates that the caller holds are the caller's; everything else that matching allocates,
    results included, is in the budget. A tile has `rows` rows, and at least `least` references are
    held.

    Raises
    ------
    ValueError
        If the budget is too small; the message names the least that would do.
    """
    results = searches * (64 + 80 * candidates) + pairs * 120 + references * 16
    tile = rows * COLUMNS * (4 + 1 + 1 + (16 if bins else 0) + (8 if candidates else 0))
    block = rows * dimension * 8 + rows * candidates * 120
    least_packed = 4 * dimension * least
    packing = 8 * dimension * COLUMNS
    fixed = results + threads * (tile + block) + packing + tail * 100
    fixed += bins * 8 * threads
    fixed += 4 * dimension * padded(searches, ROW_STEP) if searches <= KEPT else 0
    fixed += margins * 8 * (searches + references) * (threads + 3)
    smallest = (threads + 1) * windows * _SMALLEST_WINDOW * _WINDOW_COST
    spare = memory - fixed
    if spare < least_packed + smallest:
        needed = -(-(fixed + least_packed + smallest) // 10**6)
        raise ValueError(
            f"{memory // 10**6} MB of memory are too little for {searches} searches of "
            f"{references} references with {threads} threads: at least {needed} MB are needed"
        )
    # Templates that do not fit are gathered again for every block of probes' worth of tiles; a
    # window too small costs a pass. So windows may have what the templates leave.
    largest = windows * _LARGEST_WINDOW * _WINDOW_COST * (threads + 1)
    left = spare - 4 * dimension * padded(references, COLUMN_STEP) - spare // 8
    of_windows = max(smallest, min(largest, max(spare // 4, left)))
    capacity = of_windows // (_WINDOW_COST * (threads + 1) * max(1, windows))
    sample = min(_LARGEST_SAMPLE, spare // 64)
    of_references = max(least_packed, spare - of_windows - 24 * sample)
    columns = min(padded(references, COLUMN_STEP), of_references // (4 * dimension))
    columns = max(COLUMN_STEP, columns // COLUMN_STEP * COLUMN_STEP)
    if columns > COLUMNS and columns < references:
        columns = columns // COLUMNS * COLUMNS
    return Shares(columns, min(capacity, _LARGEST_WINDOW), sample)
