"""How the models of a run were learned: loss, rate and validation over the iterations of a fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from harness.reporting import plots
from harness.reporting.figures import Figure, Table
from harness.reporting.wording import count
from harness.training import curves

POINTS = 250
"""Of a line that is drawn: the eye sees no more."""

ROWS = 12
"""Of the table, beside the last one."""

STYLES = ("s0", "s1", "s2", "s3")

_NOTES = {
    "loss": "Of the training images as they were changed at random, so it says nothing of others; "
    "of a long fit each point is a mean since the one before.",
    "rate": "Of the weights; biases may have a multiple of it.",
    "validation EER": "On identities of the training set that were not learned from. The weights "
    "with the lowest were kept.",
}


def learning_figures(folder: Path) -> list[Figure]:
    """Return a figure for every quantity that the fits of a run recorded.

    Parameters
    ----------
    folder
        Of the run.

    Returns
    -------
    list of Figure
        Empty where no model has a learning curve.
    """
    found = {
        place.parent.parent.name: curve
        for place in sorted(folder.glob(f"units/*/model/{curves.FILE}"))
        if (curve := curves.read(place.parent)) is not None
    }
    names = dict.fromkeys(name for curve in found.values() for name in curve)
    wanted = [name for name in names if name != curves.ITERATION]
    figures = [_figure(f"learning-{i}", name, found) for i, name in enumerate(wanted, start=1)]
    return [figure for figure in figures if figure is not None]


def _figure(called: str, name: str, found: Mapping[str, curves.Curve]) -> Figure | None:
    lines = {unit: _line(curve, name) for unit, curve in found.items()}
    lines = {unit: line for unit, line in lines.items() if line[0]}
    if not lines:
        return None
    values = [value for _, y in lines.values() for value in y]
    last = max(x[-1] for x, _ in lines.values())
    ends = [y[-1] for _, y in lines.values()]
    fits = f"{count(len(lines))} fit{'s' * (len(lines) != 1)}"
    summary = (
        f"The {name} of {fits} ends at {_text(min(ends))}"
        + (f" to {_text(max(ends))}" if _text(max(ends)) != _text(min(ends)) else "")
        + f" after {count(int(last))} iterations."
    )
    drawn = {unit: _thinned(line) for unit, line in lines.items()}
    svg = plots.line_plot(
        called,
        f"Learning curve: {name}",
        summary,
        plots.number_axis("Iteration", 0, last),
        plots.number_axis(name, min(0.0, *values), max(values)),
        [
            plots.Series(unit, STYLES[i % len(STYLES)], *line)
            for i, (unit, line) in enumerate(drawn.items())
        ],
        points=[
            plots.Point(x[-1], y[-1], f"{unit}: {_text(y[-1])} at iteration {count(int(x[-1]))}")
            for unit, (x, y) in lines.items()
        ],
    )
    legend = tuple((STYLES[i % len(STYLES)], "line", unit) for i, unit in enumerate(drawn))
    notes = (_NOTES[name],) if name in _NOTES else ()
    heading = f"Learning: {name}"
    return Figure(called, heading, summary, svg, legend, notes, _table(heading, lines))


def _line(curve: curves.Curve, name: str) -> tuple[list[float], list[float]]:
    """Return iterations and values where both are known."""
    steps = curve[curves.ITERATION]
    column = curve.get(name, [None] * len(steps))
    known = [
        (float(x), float(y))
        for x, y in zip(steps, column, strict=True)
        if x is not None and y is not None
    ]
    return [x for x, _ in known], [y for _, y in known]


def _thinned(line: tuple[list[float], list[float]]) -> tuple[list[float], list[float]]:
    places = _chosen(len(line[0]), POINTS)
    return [line[0][i] for i in places], [line[1][i] for i in places]


def _chosen(length: int, limit: int) -> list[int]:
    """Return at most `limit` positions, evenly spread, first and last included."""
    if length <= limit:
        return list(range(length))
    return sorted({round(i * (length - 1) / (limit - 1)) for i in range(limit)})


def _table(caption: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Table:
    """Return values by iteration, a column per fit, empty where a fit has none there."""
    longest = max((x for x, _ in lines.values()), key=len)
    steps = [longest[i] for i in _chosen(len(longest), ROWS)]
    known = [dict(zip(x, y, strict=True)) for x, y in lines.values()]
    rows = tuple(
        (count(int(step)), *(_text(column[step]) if step in column else "" for column in known))
        for step in steps
    )
    return Table(caption, ("Iteration", *lines), rows)


def _text(value: float) -> str:
    return f"{value:.3g}".replace("-", "−")
