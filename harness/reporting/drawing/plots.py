"""Plots as inline SVG text: sharp in print, readable in gray, usable with a keyboard, no scripts.

Colours, line widths and dash patterns come from `reports/style.css` by class name, so that a plot
follows the page into dark mode and onto paper. Every plot is one ``svg`` element with a title and
a description; the curves themselves are hidden from screen readers, the marked points are not.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import NormalDist
from typing import Literal

from harness.reporting.wording import known, minus, number
from harness.statistics.estimate import Estimate

# The drawing board in SVG units; style.css enlarges the letters where the board is shown small,
# and the margins leave room for that.
WIDTH, HEIGHT = 680.0, 420.0
LEFT, RIGHT, TOP, BOTTOM = 78.0, 18.0, 38.0, 62.0

_NORMAL = NormalDist()

# On which side of its position a name stands: the free side depends on how the line bends.
Side = Literal["upper left", "upper right", "lower right"]


@dataclass(frozen=True)
class Axis:
    """One axis: where a value lies on it and which values are written beside it.

    Parameters
    ----------
    label
        What is measured, with its unit.
    low, high
        Ends of the axis in the values' own unit.
    ticks
        Value and text of every tick; a text may be empty.
    warp
        Monotone function under which the axis is even (identity, logarithm, probit).
    """

    label: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    warp: Callable[[float], float] = float

    def place(self, value: float) -> float:
        """Return where a value lies, 0 at the low end and 1 at the high end.

        Values beyond an end lie on it.

        >>> Axis("rank", 0, 50, ()).place(10)
        0.2
        """
        inside = min(max(value, self.low), self.high)
        start, end = self.warp(self.low), self.warp(self.high)
        return (self.warp(inside) - start) / (end - start)


def rate_axis(label: str, high: float = 1.0) -> Axis:
    """Return an even axis from 0 to `high`, ticks in percent; none is above 100 %."""
    if high > 1:  # room above a bar that holds everything
        ticks = tuple((i / 5, f"{i * 20}\u202f%") for i in range(6))
        return Axis(label, 0.0, 1.1, ticks)
    step = _even_step(high * 100) / 100
    count = max(1, math.ceil(high / step - 1e-9))
    ticks = tuple((i * step, f"{i * step * 100:g}\u202f%") for i in range(count + 1))
    return Axis(label, 0.0, count * step, ticks)


def number_axis(label: str, low: float, high: float) -> Axis:
    """Return an even axis between two values with about six round ticks."""
    if not low < high:  # all values equal: give them some room
        low, high = low - 0.5, high + 0.5
    step = _even_step(high - low)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    ticks = tuple((i * step, minus(f"{i * step:.6g}")) for i in range(first, last + 1))
    return Axis(label, low, high, ticks)


def quantile_axis(label: str, edges: Sequence[float], texts: Sequence[str]) -> Axis:
    """Return an axis on which every bin is equally wide, ticks at edges as far as there is room.

    Parameters
    ----------
    label
        What is measured.
    edges
        Rising, from 2; between two of them the axis is even.
    texts
        Of the edges.
    """
    letters = max(map(len, texts))
    room = max(1, int((WIDTH - LEFT - RIGHT) / (9 * letters + 26)))
    step = math.ceil((len(edges) - 1) / room)
    ticks = tuple(
        (edges[i], texts[i]) for i in range(0, len(edges), step) if i + step / 2 < len(edges)
    )

    def warp(value: float) -> float:
        i = min(max(bisect.bisect_right(edges, value) - 1, 0), len(edges) - 2)
        return i + (value - edges[i]) / (edges[i + 1] - edges[i])

    return Axis(f"{label}, by quantiles", edges[0], edges[-1], ticks, warp)


def rank_axis(label: str, last: int) -> Axis:
    """Return an axis of ranks from 1 to `last`; logarithmic beyond rank 100."""
    last = max(last, 2)
    if last > 100:
        ranks = [m * 10**e for e in range(9) for m in (1, 2, 5) if m * 10**e <= last]
        ticks = tuple((float(r), f"{r:,}" if str(r)[0] != "2" else "") for r in ranks)
        return Axis(f"{label} (logarithmic)", 1.0, float(last), ticks, math.log)
    step = max(1, int(_even_step(last)))
    ranks = [1, *range(step if step > 1 else 2, last + 1, step)]
    return Axis(label, 1.0, float(last), tuple((float(r), str(r)) for r in ranks))


def probit_axis(label: str, low: float, high: float = 0.99) -> Axis:
    """Return an axis of rates on the normal-deviate scale.

    Parameters
    ----------
    label
        What is measured.
    low, high
        Ends as rates, 0 < low < high < 1.
    """
    written = (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.05, 0.2, 0.4, 0.6, 0.8, 0.95, 0.99, 0.999, 0.9999)
    silent = (0.02, 0.1, 0.3, 0.5, 0.7, 0.9)
    ticks = [(v, f"{v * 100:.4f}".rstrip("0").rstrip(".") + "\u202f%") for v in written]
    ticks += [(v, "") for v in silent]
    inside = tuple(sorted(t for t in ticks if low <= t[0] <= high))
    return Axis(label, low, high, inside, _NORMAL.inv_cdf)


def _even_step(span: float) -> float:
    """Return 1, 2 or 5 times a power of ten that divides a span into about five parts.

    >>> _even_step(50)
    10.0
    """
    power = 10.0 ** math.floor(math.log10(span / 5))
    return min((m * power for m in (1.0, 2.0, 5.0, 10.0)), key=lambda s: abs(span / s - 5))


@dataclass(frozen=True)
class Series:
    """A line through points.

    Parameters
    ----------
    name
        Written beside the line.
    style
        Class name in style.css: colour, width and dash pattern.
    x, y
        Values of equal length.
    label_at
        Position (index) at which the name is written, or None to leave it to the legend.
    label_side
        On which side of that position.
    """

    name: str
    style: str
    x: Sequence[float]
    y: Sequence[float]
    label_at: int | None = None
    label_side: Side = "upper left"


@dataclass(frozen=True)
class Band:
    """An area between two lines over the same x values."""

    style: str
    x: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class Point:
    """A value that can be pointed at: `text` shows on hover and, if `marked`, on keyboard focus.

    What is `written` stands beside it, where there is room.
    """

    x: float
    y: float
    text: str
    marked: bool = False
    written: str = ""


class Board:
    """The drawing board: turns values into coordinates and collects elements."""

    def __init__(self, x: Axis, y: Axis) -> None:
        self.x, self.y = x, y
        self.parts: list[str] = []
        self.named: list[tuple[float, float, float]] = []

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return where a point lies on the board."""
        across = LEFT + self.x.place(x) * (WIDTH - LEFT - RIGHT)
        return across, HEIGHT - BOTTOM - self.y.place(y) * (HEIGHT - TOP - BOTTOM)

    def path(self, points: Iterable[tuple[float, float]], style: str, closed: bool = False) -> None:
        """Draw a line through points, or an area."""
        steps = " ".join(f"{x:.1f},{y:.1f}" for x, y in (self.at(*p) for p in points))
        if steps:
            self.parts.append(
                f'<path class="{escape(style)}" d="M{steps}{"Z" if closed else ""}"/>'
            )

    def axes(self) -> None:
        """Draw both axes with their grid, ticks and names."""
        right, bottom = WIDTH - RIGHT, HEIGHT - BOTTOM
        # Of ticks that lie close together, style.css drops every other text where letters are
        # large, as on a phone; one that would touch the text before it has none anywhere.
        last = written = math.inf
        for value, text in self.y.ticks:
            _, y = self.at(self.x.low, value)
            self.parts.append(f'<path class="grid" d="M{LEFT:.0f},{y:.1f}H{right:.0f}"/>')
            if text and written - y > 17:
                # Large letters of a long text reach beyond the drawing.
                style = "tick" if last - y > 34 and len(text) < 7 else "tick spare"
                last = y if style == "tick" else last
                written = y
                self.parts.append(
                    f'<text class="{style} end" x="{LEFT - 8:.0f}" y="{y:.1f}" dy=".35em">'
                    f"{escape(text)}</text>"
                )
        last, end = -math.inf, -math.inf
        for value, text in self.x.ticks:
            x, _ = self.at(value, self.y.low)
            self.parts.append(f'<path class="grid" d="M{x:.1f},{bottom:.0f}V{TOP:.0f}"/>')
            half = 4.2 * len(text)
            if text and x - half > end + 4:
                room = x - last > 62 + 8 * max(0, len(text) - 4)
                inside = len(text) < 6 or (x - half > LEFT and x + half < right)
                style = "tick" if room and inside else "tick spare"
                last = x if style == "tick" else last
                end = x + half
                self.parts.append(
                    f'<text class="{style} middle" x="{x:.1f}" y="{bottom + 6:.0f}" dy=".95em">'
                    f"{escape(text)}</text>"
                )
        self.parts.append(
            f'<path class="axis" d="M{LEFT:.0f},{TOP:.0f}V{bottom:.0f}H{right:.0f}"/>'
        )
        middle = LEFT + (right - LEFT) / 2
        self.parts.append(
            f'<text class="name middle" x="{middle:.0f}" y="{HEIGHT - 12:.0f}">'
            f"{escape(self.x.label)}</text>"
        )
        self.parts.append(
            # Above the axis and level: nobody has to tilt their head.
            f'<text class="name" x="2" y="18">{escape(self.y.label)}</text>'
        )

    def label(self, x: float, y: float, text: str, side: Side, style: str) -> None:
        """Write a name beside a point, inside the board."""
        across, down = self.at(x, y)
        short = text if len(text) <= 20 else text[:19] + "…"
        down += 20 if side == "lower right" else -8
        down = min(max(down, TOP + 18), HEIGHT - BOTTOM - 8)
        # The name must stay on the board where letters are largest: about 13 units each. Where
        # it cannot stand on its side of the point, it stands at the edge and runs inwards.
        room = 13.0 * len(short)
        if side == "upper left":
            fits = across - 8 - room > LEFT
            across, anchor = (across - 8, " end") if fits else (LEFT + 8, "")
        else:
            fits = across + 8 + room < WIDTH - RIGHT
            across, anchor = (across + 8, "") if fits else (WIDTH - RIGHT - 4, " end")
        # A name that would stand on another gives way downwards.
        start = across - room if anchor else across
        while any(
            start < end and begin < start + room and abs(down - line) < 20
            for begin, end, line in self.named
        ):
            down += 20
        self.named.append((start, start + room, down))
        self.parts.append(
            f'<text class="label{anchor} {escape(style)}" x="{across:.1f}" y="{down:.1f}">'
            f"{escape(short)}</text>"
        )

    def beside(self, point: Point) -> None:
        """Write what belongs to a point below a falling line, or above it where there is no room.

        It is left out where it would stand on another name, on a phone, too.
        """
        across, down = self.at(point.x, point.y)
        wide = 12.5 * len(point.written)
        for left, line, end in (
            (across - 10 - wide, down + 24, True),
            (across + 11, down - 11, False),
        ):
            inside = left > LEFT and left + wide < WIDTH - RIGHT
            if not inside or not TOP + 18 < line < HEIGHT - BOTTOM - 6:
                continue
            if any(
                left < stop and start < left + wide and abs(line - other) < 25
                for start, stop, other in self.named
            ):
                continue
            self.named.append((left, left + wide, line))
            x = left + wide if end else left
            self.parts.append(
                f'<text class="label score{" end" if end else ""}" x="{x:.1f}" y="{line:.1f}">'
                f"{escape(point.written)}</text>"
            )
            return

    def point(self, point: Point) -> str:
        """Return a value that can be pointed at."""
        x, y = self.at(point.x, point.y)
        text = escape(point.text)
        if not point.marked:
            place = f'cx="{x:.1f}" cy="{y:.1f}"'
            return f'<circle class="hit" {place} r="6"><title>{text}</title></circle>'
        # The text in view stands above the point, or below it where the upper edge is near.
        rise = 30 if y < TOP + 40 else -16
        anchor = "start" if x < WIDTH * 0.35 else "end" if x > WIDTH * 0.65 else "middle"
        return (
            f'<g class="point" tabindex="0" role="img" aria-label="{text}"><title>{text}</title>'
            f'<circle class="hit" cx="{x:.1f}" cy="{y:.1f}" r="12"/>'
            f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4.5"/>'
            f'<text class="tip {anchor}" x="{x:.1f}" y="{y + rise:.1f}">{text}</text></g>'
        )


def line_plot(
    name: str,
    title: str,
    description: str,
    x: Axis,
    y: Axis,
    series: Sequence[Series],
    bands: Sequence[Band] = (),
    points: Sequence[Point] = (),
) -> str:
    """Return a plot of lines over bands, with points that carry their values.

    Parameters
    ----------
    name
        Unique in the page; ids begin with it. Letters, digits and hyphens.
    title, description
        For screen readers: what the plot is, and what it shows.
    x, y
        The axes.
    series, bands
        Lines, and areas behind them.
    points
        Values on hover; the marked ones are drawn and reached with the tabulator key.
    """
    board = Board(x, y)
    for band in bands:
        ahead = list(zip(band.x, band.high, strict=True))
        back = list(zip(band.x, band.low, strict=True))[::-1]
        board.path([*ahead, *back], band.style, closed=True)
    board.axes()
    for line in series:
        board.path(zip(line.x, line.y, strict=True), line.style)
    for line in series:
        if line.label_at is not None and len(line.x):
            at = line.label_at
            board.label(line.x[at], line.y[at], line.name, line.label_side, line.style)
    for point in points:
        if point.written:
            board.beside(point)
    return _svg(name, title, description, board, points)


def histogram_plot(
    name: str,
    title: str,
    description: str,
    x: Axis,
    y_label: str,
    edges: tuple[Sequence[float], Sequence[float]],
    groups: Sequence[tuple[str, str, Sequence[float]]],
) -> str:
    """Return outlines of histograms over common bins, each group named at its highest bin.

    Parameters
    ----------
    name, title, description
        As for `line_plot`.
    x, y_label
        Axis of the binned quantity, and name of the other one.
    edges
        Lower and upper edge of every bin.
    groups
        Name, class name in style.css and share per bin (0 to 1) of every group.
    """
    low, high = edges
    top = max((max(share, default=0.0) for _, _, share in groups), default=0.0)
    y = rate_axis(y_label, max(top, 0.01) * 1.12)
    board = Board(x, y)
    outlines = []
    for _, style, share in groups:
        outline = [(low[0], 0.0)]
        for left, right, value in zip(low, high, share, strict=True):
            outline += [(left, value), (right, value)]
        outlines.append((style, [*outline, (high[-1], 0.0)]))
    for style, outline in outlines:
        board.path(outline, f"{style} area", closed=True)
    board.axes()
    points = []
    peaks = [max(range(len(share)), key=lambda i: share[i]) for _, _, share in groups]
    for (label, style, share), (_, outline) in zip(groups, outlines, strict=True):
        board.path(outline, style)
        for left, right, value in zip(low, high, share, strict=True):
            if value > 0:
                text = f"{label}, {number(left, 4)} to {number(right, 4)}: {value * 100:.1f}\u202f%"
                points.append(Point((left + right) / 2, value, text))
    # Names come last, so that no line runs over them, and point away from each other.
    rightmost = max(range(len(groups)), key=lambda i: (peaks[i], i))
    for i, ((label, style, share), peak) in enumerate(zip(groups, peaks, strict=True)):
        side: Side = "upper right" if i == rightmost else "upper left"
        board.label((low[peak] + high[peak]) / 2, share[peak], label, side, style)
    return _svg(name, title, description, board, points)


def estimate_strip(estimate: Estimate, width: int = 200) -> str:
    """Return a small strip from 0 to 1: chance as a block, interval as a bar, value as a dot.

    The numbers must stand beside it: the strip is hidden from screen readers.
    """

    def across(*shares: float | None) -> list[float]:
        """Return the places of shares; none where one of them is not known."""
        inside = [min(max(v, 0.0), 1.0) for v in shares if v is not None and known(v)]
        return [4 + (width - 8) * v for v in inside] if len(inside) == len(shares) else []

    parts = [f'<path class="rail" d="M4,12H{width - 4}"/>']
    chance = across(estimate.chance_low, estimate.chance_high) or across(*[estimate.chance] * 2)
    if chance:
        left, right = chance
        parts.append(
            f'<rect class="chance" x="{left - 0.75:.1f}" y="3" '
            f'width="{right - left + 1.5:.1f}" height="18"/>'
        )
    interval = across(estimate.low, estimate.high)
    if interval:
        left, right = interval
        parts.append(
            '<path class="interval" '
            f'd="M{left:.1f},7V17M{left:.1f},12H{right:.1f}M{right:.1f},7V17"/>'
        )
    dots = across(estimate.value)
    parts += [f'<circle class="value" cx="{at:.1f}" cy="12" r="4"/>' for at in dots]
    return f'<svg class="strip" viewBox="0 0 {width} 24" aria-hidden="true">{"".join(parts)}</svg>'


def evenly(length: int, limit: int) -> list[int]:
    """Return at most `limit` positions, evenly spread, first and last included."""
    if length <= limit:
        return list(range(length))
    return sorted({round(i * (length - 1) / (limit - 1)) for i in range(limit)})


def _svg(name: str, title: str, description: str, board: Board, points: Sequence[Point]) -> str:
    hover = "".join(board.point(p) for p in points if not p.marked)
    marks = "".join(board.point(p) for p in points if p.marked)
    return (
        f'<svg class="plot" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="group" '
        f'aria-labelledby="{name}-title" aria-describedby="{name}-desc">'
        f'<title id="{name}-title">{escape(title)}</title>'
        f'<desc id="{name}-desc">{escape(description)}</desc>'
        f'<g aria-hidden="true">{"".join(board.parts)}{hover}</g>{marks}</svg>'
    )
