"""Scores as counts: how often each score occurs, one line for each.

PyEER (``-ht``) writes the scores of very many non-mated comparisons so: line *i* of a file, counted
from 0, says how many of them have the score *i*. Others write two columns, score and count. By
their words alone such files are lists of scores, too, so what they are is told from their order:
the counts of neighbouring scores are like one another, and scores of neighbouring lines are not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np
import numpy.typing as npt

__all__ = ["FEWEST", "has_counts", "kind_of"]

FEWEST = 10
"""Lines below which order says nothing: they are taken for scores."""

SURE = 20
"""Lines from which order says enough to take a file for a histogram unasked."""

SMOOTH, ROUGH = 0.4, 0.7
"""Mean difference of neighbouring lines over that of any two: below the first a histogram, above
the second a list of scores. Of shuffled scores it is 1, with a standard deviation of about .13 for
20 lines; of a bell in 20 bins about .3, and less in more bins."""

Kind = Literal["scores", "histogram", "unknown"]


def kind_of(values: Sequence[float] | npt.NDArray[np.float64]) -> Kind:
    """Tell what one column of whole numbers from 0 is: scores, or how often scores occur.

    Numbers that only rise are sorted scores. Numbers that only fall are sorted scores or a
    histogram, and so are many falling runs one after another: nobody can tell, and it is unknown.

    Parameters
    ----------
    values
        Shape (lines,), one per line, in their order.

    Examples
    --------
    >>> bell = np.round(1000 * np.exp(-(((np.arange(40) - 12) / 6) ** 2)))
    >>> kind_of(bell), kind_of(np.sort(bell)), kind_of(-np.sort(-bell)), kind_of([3, 1, 2])
    ('histogram', 'scores', 'unknown', 'scores')
    """
    found = np.asarray(values, dtype=np.float64)
    if len(found) < FEWEST or np.any(found < 0) or np.any(found != np.floor(found)):
        return "scores"
    steps = np.diff(found)
    if np.all(steps >= 0):
        return "scores"
    if np.all(steps <= 0):
        return "unknown"
    # The mean of |a - b| over all pairs, by ranks.
    n, ranks = len(found), np.arange(len(found))
    any_two = 2 * float(np.sort(found) @ (2 * ranks - n + 1)) / (n * (n - 1))
    smoothness = float(np.abs(steps).mean()) / any_two
    if smoothness > ROUGH:
        return "scores"
    # Runs, each of which begins anew, are searches listed one after another.
    jumps = int(np.sum(np.abs(steps) > (found.max() - found.min()) / 2))
    return "histogram" if smoothness < SMOOTH and jumps <= 1 and n >= SURE else "unknown"


def has_counts(first: Sequence[float], last: Sequence[float]) -> bool:
    """Whether two columns of numbers are scores and their counts.

    The scores rise from line to line, and the counts are whole numbers from 0 which are not all
    equal and not all 0 or 1 (those are labels). Where the first column only counts lines (0, 1, 2,
    ... or 1, 2, 3, ...), the second decides as `kind_of` says.

    Examples
    --------
    >>> has_counts([0.0, 0.5, 1.0], [3, 9, 2]), has_counts([0.1, 0.2, 0.3], [1, 0, 1])
    (True, False)
    """
    scores, counts = np.asarray(first, np.float64), np.asarray(last, np.float64)
    whole = np.all(counts >= 0) and np.all(counts == np.floor(counts))
    if len(scores) < 3 or not whole or counts.max() <= 1 or counts.min() == counts.max():
        return False
    if np.any(np.diff(scores) <= 0):
        return False
    counting = scores[0] in (0, 1) and np.all(np.diff(scores) == 1)
    return not counting or kind_of(counts) != "scores"
