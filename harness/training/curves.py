"""What a fit was like: loss, learning rate and validation over its iterations, in a small file.

Any algorithm has its curve shown in the report: it sets ``self.learning_curve_`` in `fit`, a dict
of columns of one length (a Python list of numbers each, None where there is none), the first of
which is ``iteration``.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

Curve = dict[str, list[float | None]]

FILE = "learning.json"
"""In the folder of a model."""

ATTRIBUTE = "learning_curve_"
ITERATION = "iteration"
COMPUTING, BUSY, PACE = "share computing", "share of device busy", "examples per second"
TIMES = (COMPUTING, BUSY, PACE)
"""Columns that are of a machine, and differ from one fit to its repetition."""

LONGEST = 2000
"""Rows that a stored curve has at most."""


def add(curve: Curve, iteration: int, **values: float) -> None:
    """Append a row, or add to the last one where that is of the same iteration.

    Columns that are not named get None, and so do earlier rows of new columns.

    >>> curve: Curve = {}
    >>> add(curve, 1, loss=2.0)
    >>> add(curve, 2, loss=1.0)
    >>> add(curve, 2, eer=0.25)
    >>> curve
    {'iteration': [1, 2], 'loss': [2.0, 1.0], 'eer': [None, 0.25]}
    """
    numbers = curve.setdefault(ITERATION, [])
    if not numbers or numbers[-1] != iteration:
        for column in curve.values():
            column.append(None)
        numbers[-1] = iteration
    for name, value in values.items():
        column = curve.setdefault(name, [None] * len(numbers))
        column[-1] = value if math.isfinite(value) else None


def write(folder: Path, curve: object) -> None:
    """Write a curve into the folder of a model.

    Raises
    ------
    TypeError
        If it is not a dict of equally long lists of numbers and None with a column ``iteration``.
    """
    (folder / FILE).write_text(json.dumps(thinned(checked(curve))), encoding="utf-8")


def checked(curve: object) -> Curve:
    """Return a curve as it is, or raise `TypeError` with what is wrong with it."""
    if not isinstance(curve, dict) or ITERATION not in curve:
        raise TypeError(f"a learning curve is a dict with a column {ITERATION!r}")
    columns: Curve = {}
    for name, column in curve.items():
        if not isinstance(name, str) or not isinstance(column, list):
            raise TypeError("a learning curve has names of columns and a list for each")
        if any(not (v is None or isinstance(v, (int, float))) for v in column):
            raise TypeError(f"column {name!r} of the learning curve holds more than numbers")
        columns[name] = column
    if len({len(column) for column in columns.values()}) != 1:
        raise TypeError("the columns of the learning curve differ in length")
    return columns


def thinned(curve: Curve, longest: int = LONGEST) -> Curve:
    """Keep every n-th row, the last one, and rows with something rare in them."""
    rows = len(curve[ITERATION])
    every = -(-rows // longest)
    rare = [name for name, column in curve.items() if column.count(None) * 2 > rows]
    kept = [
        row
        for row in range(rows)
        if row % every == 0 or row == rows - 1 or any(curve[n][row] is not None for n in rare)
    ]
    return {name: [column[row] for row in kept] for name, column in curve.items()}
