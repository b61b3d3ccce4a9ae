"""The figure of a run's rates by the size of the gallery, and what its rates are called."""

from __future__ import annotations

from collections.abc import Sequence

from harness.errors import some
from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import HOVER_POINTS, Figure
from harness.reporting.headline import JOINER
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, abbreviation, count, interval, percent, score
from harness.tasks.growth import CERTAIN, Growth, GrowthCurve, GrowthPoint

__all__ = ["growth_figure", "label", "searches_in", "share_text", "shares_range", "size_text"]

_NAMES = {
    "hit-rate": "Hit rate",
    "fnir": "False negative identification rate (FNIR)",
    "fpir": "False positive identification rate (FPIR)",
}

LEAST = 0.00001
"""Rates below it are written as such: fewer figures are known of them than would be shown."""

STYLES = ("s0", "s1", "s2", "s3")
"""Of the lines, one each: what a person tells apart."""


def label(curve: GrowthCurve, *, short: bool = False) -> str:
    """Return what a curve shows, such as ``Hit rate within rank 10``.

    Parameters
    ----------
    curve
        Rate, rank and threshold.
    short
        Whether to leave out in full what an abbreviation says.
    """
    point = curve.point
    name = _name(curve, short=short)
    text = name if curve.rate == "fpir" else f"{name} within rank {point.rank}"
    if point.threshold is not None:
        text += f", at {_threshold(point.threshold)}"
        if point.fpir is not None:
            text += f" (FPIR {percent(point.fpir)} as searched)"
    return text


def _name(curve: GrowthCurve, *, short: bool = True) -> str:
    name = _NAMES[curve.rate]
    return abbreviation(name) if short else name


def _point_cells(curve: GrowthCurve) -> tuple[str, str, str]:
    """Return rate, rank and threshold in a cell each, so that a row of numbers stays one line."""
    point = curve.point
    rank = "" if curve.rate == "fpir" else count(point.rank)
    at = "" if point.threshold is None else _threshold(point.threshold).removeprefix("threshold ")
    return _name(curve), rank, at


def _lower(text: str) -> str:
    """Return a text as it stands within a sentence; abbreviations stay."""
    return text if text[:2].isupper() else text[:1].lower() + text[1:]


def _threshold(value: float) -> str:
    if value < -1e300:
        return "the lowest threshold"
    return f"threshold {score(value)}" if value < float("inf") else "a threshold above all scores"


def searches_in(growth: Growth) -> str:
    """Return which searches stand behind the rates, in words."""
    text = some(growth.mated, "search with a mate", "searches with a mate")
    if growth.nonmated:
        text += f" and {count(growth.nonmated)} without"
    sizes = count(growth.smallest)
    if growth.largest > growth.smallest:
        sizes += f" to {count(growth.largest)}"
    return f"{text}, in galleries of {sizes} references"


def size_text(point: GrowthPoint, growth: Growth) -> str:
    """Return the size of a gallery; the whole ones where these differ."""
    if point.size is None:
        return f"{count(growth.smallest)}–{JOINER}{count(growth.largest)}, as searched"
    whole = point.size == growth.largest
    return f"{count(point.size)}{', as searched' if whole else ''}"


def growth_figure(growth: Growth, algorithm: str) -> Figure | None:
    """Return the figure of rates by the size of the gallery; None without a size to compare.

    Parameters
    ----------
    growth
        Of a run.
    algorithm
        Its name.
    """
    curves = _told_apart(growth.curves)
    if not curves or len(curves[0].points) < 2:
        return None
    series, bands, points, legend = [], [], [], []
    for curve, style in zip(curves, STYLES, strict=False):
        sized = [(one.size, one.estimate) for one in curve.points if one.size is not None]
        x = [float(size) for size, _ in sized]
        y = [value for _, estimate in sized if (value := estimate.value) is not None]
        series.append(plots.Series(label(curve, short=True), style, x, y))
        # Where a hit is certain its value is all there is.
        sure = [CERTAIN in estimate.flags for _, estimate in sized]
        ends_of = zip(sized, sure, strict=True)
        pairs = [(e.value, e.value) if one else (e.low, e.high) for (_, e), one in ends_of]
        low, high = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
        if style == "s0" and None not in low and None not in high:
            ends = ([v for v in low if v is not None], [v for v in high if v is not None])
            bands.append(plots.Band("s0-band", x, *ends))
        points += [
            plots.Point(
                size, value, f"{some(int(size), 'reference')}: {percent(value)}", style == "s0"
            )
            for size, value in zip(x, y, strict=True)
        ]
        legend.append((style, "line", label(curve, short=True)))
    if bands:
        legend.append(("s0-band", "band", f"95 % interval of the {_lower(legend[0][2])}"))
    first = curves[0]
    chances = [one.estimate.chance for one in first.points if one.size is not None]
    if None not in chances:
        sizes = [float(one.size) for one in first.points if one.size is not None]
        known = [value for value in chances if value is not None]
        series.insert(0, plots.Series("chance", "chance", sizes, known))
        legend.append(("chance", "line", f"chance of the {_lower(legend[0][2])}"))
    least, most = first.points[0], first.points[-1]
    name = _name(first)
    rest = label(first, short=True).removeprefix(name)
    summary = (
        f"{name} of {algorithm}{rest} goes from {percent(least.estimate.value)} "
        f"among {some(least.size or growth.smallest, 'reference')} to "
        f"{percent(most.estimate.value)} among {size_text(most, growth)}."
    )
    axis = plots.rank_axis("References in the gallery", growth.smallest)
    return Figure(
        "growth",
        "Size of the gallery",
        summary,
        plots.line_plot(
            "growth",
            "Rates by the size of the gallery",
            summary,
            axis,
            plots.rate_axis("Share of searches"),
            series,
            bands,
            points[:HOVER_POINTS],
        ),
        tuple(legend),
        (
            "Exact for galleries drawn at random from those that were searched, a search's mates "
            "always among them; thresholds stay as they are. Nothing is said of larger ones.",
        ),
        _table(growth),
        data=_data(growth),
    )


def _told_apart(curves: Sequence[GrowthCurve]) -> list[GrowthCurve]:
    """Return as many curves as there are styles: the first two and last two of many.

    Of open sets these are both rates at the first threshold, and both at the last.
    """
    half = len(STYLES) // 2
    return list(curves) if len(curves) <= len(STYLES) else [*curves[:half], *curves[-half:]]


def _table(growth: Growth) -> Table:
    """Return the rates one below the other, at round sizes: side by side they leave no paper."""
    chance = any(one.estimate.chance is not None for c in growth.curves for one in c.points)
    # Of hit rates alone the rank says all.
    ranked = all(one.rate == "hit-rate" and one.point.threshold is None for one in growth.curves)
    rows = []
    for curve in growth.curves:
        for point in curve.points:
            if (
                point.size is not None
                and point.size < growth.smallest
                and not _is_round(point.size)
            ):
                continue
            estimate = point.estimate
            row = (
                *((count(curve.point.rank),) if ranked else _point_cells(curve)),
                size_text(point, growth),
                share_text(estimate.value),
                CERTAIN if CERTAIN in estimate.flags else shares_range(estimate.low, estimate.high),
            )
            told = "" if estimate.chance is None else percent(estimate.chance)
            rows.append((*row, *[told] * chance))
    return Table(
        f"{'Hit rates within a rank' if ranked else 'Rates'} by the size of the gallery: "
        f"{searches_in(growth)}",
        (
            *(("Rank",) if ranked else ("Rate", "Rank", "Threshold")),
            "References",
            "Value",
            "95 % interval",
            *["Chance"] * chance,
        ),
        tuple(rows),
    )


def share_text(value: float | None) -> str:
    """Return a rate in percent: that of few of all galleries that may be drawn is nearly none."""
    if value is not None and 0 < value < LEAST:
        return f"<{percent(LEAST)}"
    return percent(value)


def shares_range(low: float | None, high: float | None) -> str:
    """Return an interval in percent, its ends as `share_text` writes them.

    >>> [shares_range(*ends).replace("\u202f", " ") for ends in ((2e-7, 0.05), (0.0, 3e-9))]
    ['<0.001–5.0 %', '<0.001 %']
    """
    text = interval("hit-rate", low, high)
    if low is None or high is None or not text:
        return NO_VALUE
    if 0 < high < LEAST:
        return share_text(high)
    return f"<{LEAST * 100:g}–{text.partition('–')[2]}" if 0 < low < LEAST else text


def _is_round(size: int) -> bool:
    """Whether a number is 1, 2 or 5 with zeros."""
    return str(size).rstrip("0") in ("1", "2", "5")


def _data(growth: Growth) -> dict[str, list[object]]:
    """Return every point for other programs."""
    found: dict[str, list[object]] = {}
    for curve in growth.curves:
        for point in curve.points:
            estimate = point.estimate
            row = {
                "rate": curve.rate,
                "rank": curve.point.rank,
                "threshold": curve.point.threshold,
                "references": point.size,
                "value": estimate.value,
                "low": estimate.low,
                "high": estimate.high,
                "chance": estimate.chance,
            }
            for name, value in row.items():
                found.setdefault(name, []).append(value)
    return found
