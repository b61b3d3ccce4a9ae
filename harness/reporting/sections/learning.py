"""The appendix on how models were learned: loss, rate and validation over the iterations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.errors import Damaged
from harness.record.files import read_json
from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import Figure
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import capital, count, number
from harness.training import curves

POINTS = 250
"""Of a line that is drawn: the eye sees no more."""

SHOWN = 60
"""Points that can be pointed at."""

ROWS = 12
"""Of the table, beside the last one."""

PANES = 40
"""Of a noisy line, so many stretches are told apart: each point is a mean over one of them."""

_NOTES = {
    "loss": "Of the training images as they were changed at random, so it says nothing of others; "
    "of a long fit each point is a mean since the one before.",
    "rate": "Of the weights; biases may have a multiple of it.",
    "validation EER": "On identities of the training set that were not learned from. The weights "
    "with the lowest were kept.",
    curves.COMPUTING: "Of the time in which no batch of pictures was waited for.",
    curves.BUSY: "By its own events, from the first to the last of what each step gave it to do.",
    curves.PACE: "Images, pairs or triplets; the time of measuring weights counts, too.",
}


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no model has a learning curve."""
    figures = learning_figures(run.folder)
    if not figures:
        return None
    content = filled(
        """<p>What the fits of this run recorded of themselves, over their iterations. \
None of it is a result.</p>
<div class="small-figures">
{% for figure in figures %}
<div>
<h3>{{ figure.heading }}</h3>
{{ m.figure(figure) }}
</div>
{% endfor %}
</div>""",
        figures=figures,
    )
    return Section("learning", "Appendix: how it learned", content)


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
    found = {}
    for place in sorted(folder.glob(f"units/*/model/{curves.FILE}")):
        # What is no curve is left out: an algorithm writes what it likes into its model.
        with suppress(Damaged, TypeError):
            name = place.relative_to(folder).as_posix()
            found[place.parent.parent.name] = curves.checked(read_json(folder, name, object))
    names = dict.fromkeys(name for curve in found.values() for name in curve)
    wanted = [name for name in names if name != curves.ITERATION]
    figures = [_figure(f"learning-{i}", name, found) for i, name in enumerate(wanted, start=1)]
    return [figure for figure in figures if figure is not None]


def _figure(figure_name: str, name: str, found: Mapping[str, curves.Curve]) -> Figure | None:
    lines = {unit: _line(curve, name) for unit, curve in found.items()}
    lines = {unit: line for unit, line in lines.items() if line[0]}
    if not lines:
        return None
    last = max(x[-1] for x, _ in lines.values())
    ends = [y[-1] for _, y in lines.values()]
    fits = f"{count(len(lines))} fit{'s' * (len(lines) != 1)}"
    summary = (
        f"The {name} of {fits} ends at {number(min(ends))}"
        + (f" to {number(max(ends))}" if number(max(ends)) != number(min(ends)) else "")
        + f" after {count(int(last))} iterations."
    )
    common = min(x[-1] for x, _ in lines.values())
    steps = [x for x in _grid(lines.values()) if x <= common] or [common]
    width = max(_window(y) for _, y in lines.values())
    drawn = [np.interp(steps, x, _smooth(y, width)) for x, y in lines.values()]
    mean, low, high = (f(drawn, axis=0).tolist() for f in (np.mean, np.min, np.max))
    apart = any(b - a > 1e-9 * max(abs(a), abs(b)) for a, b in zip(low, high, strict=True))
    what = "the fit" if len(drawn) == 1 else f"{'mean of' if apart else 'the same in'} {fits}"
    legend = [("s0", "line", what)]
    if apart:
        legend.append(("s0-band", "band", "from the lowest to the highest"))
    svg = plots.line_plot(
        figure_name,
        f"Learning curve: {name}",
        summary,
        plots.number_axis("Iteration", 0, last),
        plots.number_axis(name, min(0.0, *low), max(high)),
        [plots.Series(what, "s0", steps, mean)],
        [plots.Band("s0-band", steps, low, high)] if apart else [],
        [
            plots.Point(
                steps[i],
                mean[i],
                f"Iteration {count(int(steps[i]))}: {number(mean[i])}"
                + (f" ({number(low[i])} to {number(high[i])})" if apart else ""),
            )
            for i in plots.evenly(len(steps), SHOWN)
        ],
    )
    notes = [_NOTES[name]] if name in _NOTES else []
    if width > 1:
        notes.append(f"Drawn smoothed, as means over {count(width)} recorded points.")
    if steps[-1] < last:
        notes.append(f"Drawn as far as every fit goes; the longest has {count(int(last))}.")
    heading = f"Learning: {name}"
    return Figure(
        figure_name,
        capital(name),
        summary,
        svg,
        tuple(legend),
        tuple(notes),
        _table(heading, lines),
        data=_columns(lines),
    )


def _grid(lines: Iterable[tuple[list[float], list[float]]]) -> list[float]:
    """Return the iterations of the longest line, as many of them as are drawn."""
    longest = max((x for x, _ in lines), key=len)
    return [longest[i] for i in plots.evenly(len(longest), POINTS)]


def _window(values: Sequence[float]) -> int:
    """Return over how many points a line is smoothed: 1 unless it often goes up and down."""
    turns = np.count_nonzero(np.diff(np.sign(np.diff(values))))
    return 1 if turns < len(values) / 4 else 2 * (len(values) // (2 * PANES)) + 1


def _smooth(values: Sequence[float], width: int) -> npt.NDArray[np.float64]:
    """Return means over windows around each point, shorter towards both ends."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    places = np.arange(len(values))
    half = np.minimum(np.minimum(places, len(values) - 1 - places), width // 2)
    smooth: npt.NDArray[np.float64] = (total[places + half + 1] - total[places - half]) / (
        2 * half + 1
    )
    return smooth


def _columns(lines: Mapping[str, tuple[list[float], list[float]]]) -> dict[str, list[float | None]]:
    """Return values as recorded, at `POINTS` iterations at most, a column per fit."""
    steps = sorted({step for x, _ in lines.values() for step in x})
    places = [steps[i] for i in plots.evenly(len(steps), POINTS)]
    columns: dict[str, list[float | None]] = {"iteration": list(places)}
    for unit, (x, y) in lines.items():
        known = dict(zip(x, y, strict=True))
        columns[unit] = [known.get(step) for step in places]
    return columns


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


def _table(caption: str, lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]) -> Table:
    """Return values by iteration, a column per fit, empty where a fit has none there."""
    longest = max((x for x, _ in lines.values()), key=len)
    steps = [longest[i] for i in plots.evenly(len(longest), ROWS)]
    known = [dict(zip(x, y, strict=True)) for x, y in lines.values()]
    rows = tuple(
        (count(int(step)), *(number(column[step]) if step in column else "" for column in known))
        for step in steps
    )
    return Table(caption, ("Iteration", *lines), rows)
