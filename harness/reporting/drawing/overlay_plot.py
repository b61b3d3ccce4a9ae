"""A plot of the curves of many entries, of which a reader selects some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from harness.reporting.drawing.plots import HEIGHT, WIDTH, Axis, Board, Series

# Shapes that tell lines apart without colour, around the origin in SVG units.
MARKS = (
    "M-4,0A4,4 0 1 0 4,0A4,4 0 1 0 -4,0Z",
    "M-3.5,-3.5H3.5V3.5H-3.5Z",
    "M0,-5L4.5,3.5H-4.5Z",
    "M0,-5L5,0L0,5L-5,0Z",
    "M-4,-4L4,4M-4,4L4,-4",
    "M0,5L4.5,-3.5H-4.5Z",
    "M0,-5V5M-5,0H5",
    "M-4.5,-2.6L0,-5.2L4.5,-2.6V2.6L0,5.2L-4.5,2.6Z",
)


@dataclass(frozen=True)
class Overlaid:
    """The lines of one of many entries in a plot in which some of them are shown.

    Parameters
    ----------
    entry
        Its id: letters, digits and hyphens.
    name
        For people.
    lines
        Points of each of its lines.
    marks
        Points that carry a mark, with the text that shows on hover.
    style
        Number of its colour, dash pattern and mark, or None where it is not shown at first.
    """

    entry: str
    name: str
    lines: Sequence[Sequence[tuple[float, float]]]
    marks: Sequence[tuple[float, float, str]]
    style: int | None


def overlay_plot(
    name: str,
    title: str,
    description: str,
    x: Axis,
    y: Axis,
    curves: Sequence[Overlaid],
    series: Sequence[Series] = (),
) -> str:
    """Return a plot of the curves of many entries; those without a style wait to be selected.

    Parameters
    ----------
    name, title, description, x, y
        As for `line_plot`.
    curves
        Of the entries. `reports/board.js` shows and hides them.
    series
        Lines that are always there, such as chance.
    """
    board = Board(x, y)
    board.axes()
    for line in series:
        board.path(zip(line.x, line.y, strict=True), line.style)
    lines = len(board.parts)
    for line in series:
        if line.label_at is not None and len(line.x):
            at = line.label_at
            board.label(line.x[at], line.y[at], line.name, line.label_side, line.style)
    marks = "".join(
        f'<marker id="{name}-mark-{i}" class="mark k{i}" viewBox="-7 -7 14 14" markerWidth="14" '
        f'markerHeight="14" markerUnits="userSpaceOnUse"><path d="{shape}"/></marker>'
        for i, shape in enumerate(MARKS)
    )
    drawn = "".join(_overlaid(name, board, curve) for curve in curves)
    return (
        f'<svg class="plot overlay" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'data-overlay="{name}" aria-labelledby="{name}-title" aria-describedby="{name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
        f"<defs>{marks}</defs><g>{''.join(board.parts[:lines])}</g><g>{drawn}</g>"
        # Names stand over the curves, and let the pointer through to them.
        f'<g class="names">{"".join(board.parts[lines:])}</g></svg>'
    )


def _overlaid(name: str, board: Board, curve: Overlaid) -> str:
    def steps(points: Iterable[tuple[float, float]]) -> str:
        return "M" + " ".join(f"{a:.1f},{b:.1f}" for a, b in (board.at(*p) for p in points))

    parts = [f"<title>{escape(curve.name)}</title>"]
    parts += [f'<path class="line" d="{steps(points)}"/>' for points in curve.lines if points]
    shown = curve.style is not None
    if curve.marks:
        mark = f"url(#{name}-mark-{curve.style})"
        at = f' marker-start="{mark}" marker-mid="{mark}" marker-end="{mark}"' if shown else ""
        parts.append(f'<path class="marks" d="{steps((a, b) for a, b, _ in curve.marks)}"{at}/>')
    for a, b, text in curve.marks if shown else ():
        # Of the others the script makes them when they are selected: a thousand entries have many.
        x, y = board.at(a, b)
        parts.append(
            f'<circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="9">'
            f"<title>{escape(text)}</title></circle>"
        )
    tips = escape("|".join(text.replace("|", "/") for _, _, text in curve.marks))
    look = f'class="curve k{curve.style}"' if shown else 'class="curve" hidden=""'
    return f'<g {look} data-entry="{escape(curve.entry)}" data-tips="{tips}">{"".join(parts)}</g>'
