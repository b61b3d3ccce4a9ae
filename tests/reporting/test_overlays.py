"""Curves of many in one plot: a mark lies on the line that it marks."""

from __future__ import annotations

import itertools
import re

from harness.reporting.drawing.overlays import Subject, overlays
from harness.tasks.results import Curves
from harness.tasks.trade_off import COMPARISONS


def points_of(svg: str) -> tuple[list[list[tuple[float, float]]], list[tuple[float, float]]]:
    """Return the points of the lines of the first curve, and those of its marks."""
    paths = re.findall(r'<path class="(line|marks)"[^>]* d="([^"]*)"', svg)
    found: dict[str, list[list[tuple[float, float]]]] = {"line": [], "marks": []}
    for kind, path in paths:
        numbers = [float(n) for n in re.findall(r"-?\d+\.?\d*", path)]
        found[kind].append(list(zip(numbers[::2], numbers[1::2], strict=True)))
    return found["line"], [point for path in found["marks"] for point in path]


def test_a_line_goes_through_the_rates_that_are_marked_on_it() -> None:
    # Nothing is matched until one comparison in a hundred is let through, of many thresholds.
    fmr = [i / 20_000 for i in range(20_001)]
    fnmr = [1.0 if x < 0.01 else 0.5 for x in fmr]
    (det,) = overlays(
        [Subject("a", "a", Curves(det={"fmr": fmr, "fnmr": fnmr}))], ["a"], [], COMPARISONS
    )
    (line, *_), marks = points_of(det.svg)
    assert marks
    for x, y in marks:
        around = [
            (before[1], after[1])
            for before, after in itertools.pairwise(line)
            if before[0] - 1 <= x <= after[0] + 1
        ]
        assert any(min(ends) - 3 <= y <= max(ends) + 3 for ends in around), (x, y)
    # In the line's first half nothing is matched, and so it is drawn.
    assert sum(a[1] == line[0][1] for a in line) > 1
