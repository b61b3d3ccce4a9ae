"""The figures of a report: from curves to a plot, what it shows in words, and its table."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from harness.reporting import plots
from harness.reporting.trade_off import ends, trade_off_of
from harness.reporting.wording import NO_VALUE, amount, count, interval, percent, split_id
from harness.results import Curves, Metrics

# More rows than this make a table that nobody reads; the full curves are in curves.json.
TABLE_ROWS = 60
HOVER_POINTS = 120


@dataclass(frozen=True)
class Table:
    """A table of finished texts: the first cell of a row is its header."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Figure:
    """One figure of a page.

    Parameters
    ----------
    name
        Id of the figure, unique in the page.
    heading, summary
        What it is, and what it shows, in words.
    svg
        The plot, finished and escaped.
    legend
        Class name in style.css, ``line`` or ``band``, and text.
    notes
        How to read it.
    table
        The same in numbers.
    """

    name: str
    heading: str
    summary: str
    svg: str
    legend: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    table: Table


def figures(metrics: Metrics, curves: Curves, algorithm: str) -> list[Figure]:
    """Return the figures that the curves allow, in reading order; an empty curve gives none."""
    found = [
        _cmc(curves.cmc, metrics, algorithm),
        _distribution(curves.distribution, metrics.task),
        _det(curves.det, metrics, algorithm),
    ]
    return [figure for figure in found if figure is not None]


def _rows(curve: Mapping[str, Sequence[float]], *needed: str) -> dict[str, list[float]]:
    """Return a curve without the rows in which a needed column has no number.

    Columns that are absent or of another length are left out; without a needed one nothing stays.
    """
    length = len(curve.get(needed[0], ()))
    columns = {key: list(values) for key, values in curve.items() if len(values) == length}
    if any(key not in columns for key in needed):
        return {}
    keep = [i for i in range(length) if all(_finite(columns[key][i]) for key in needed)]
    return {key: [values[i] for i in keep] for key, values in columns.items()} if keep else {}


def _finite(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


def _chosen(length: int, limit: int) -> list[int]:
    """Return at most `limit` positions, evenly spread, first and last included."""
    if length <= limit:
        return list(range(length))
    return sorted({round(i * (length - 1) / (limit - 1)) for i in range(limit)})


def _band(style: str, x: list[float], low: list[float], high: list[float]) -> list[plots.Band]:
    if not low or not high or not all(map(_finite, [*low, *high])):
        return []
    return [plots.Band(style, x, low, high)]


def _cmc(curve: Mapping[str, Sequence[float]], metrics: Metrics, algorithm: str) -> Figure | None:
    data = _rows(curve, "rank", "hit_rate")
    if not data:
        return None
    empty = [math.nan] * len(data["rank"])
    rank, hit = data["rank"], data["hit_rate"]
    low, high = data.get("low", empty), data.get("high", empty)
    chance = data.get("chance", empty)
    chance_low, chance_high = data.get("chance_low", empty), data.get("chance_high", empty)
    has_chance = all(map(_finite, chance))

    bands = _band("chance-band", rank, chance_low, chance_high)
    bands += _band("s0-band", rank, low, high)
    # Names stand where the two lines are furthest apart, and there is most room.
    widest = max(range(len(rank)), key=lambda i: abs(hit[i] - chance[i]) if has_chance else i / 2)
    sides: tuple[plots.Side, plots.Side] = ("upper left", "lower right")
    if has_chance and hit[widest] < chance[widest]:
        sides = ("lower right", "upper left")
    series = []
    if has_chance:
        series.append(plots.Series("chance", "chance", rank, chance, widest, sides[1]))
    series.append(plots.Series(algorithm, "s0", rank, hit, widest, sides[0]))

    named = {split_id(metric)[1].get("rank") for metric in metrics.pooled}
    points = []
    for i in _chosen(len(rank), HOVER_POINTS):
        text = f"Rank {rank[i]:.0f}: {percent(hit[i])}"
        within = interval("hit-rate", low[i], high[i])
        text += f" ({within})" if within else ""
        text += f", chance {percent(chance[i])}" if has_chance else ""
        points.append(plots.Point(rank[i], hit[i], text, round(rank[i]) in named))

    summary = (
        f"The hit rate of {algorithm} goes from {percent(hit[0])} at rank {rank[0]:.0f} "
        f"to {percent(hit[-1])} at rank {rank[-1]:.0f}"
    )
    summary += (
        f"; a random ranking goes from {percent(chance[0])} to {percent(chance[-1])}."
        if has_chance
        else "."
    )
    legend = [("s0", "line", algorithm)]
    if len(bands) and bands[-1].style == "s0-band":
        legend.append(("s0-band", "band", "95 % interval"))
    if has_chance:
        legend.append(("chance", "line", "chance: expected for a random ranking"))
    if len(bands) and bands[0].style == "chance-band":
        legend.append(("chance-band", "band", "95 % of random rankings"))
    x = plots.rank_axis("Rank", round(rank[-1]))
    y = plots.rate_axis("Searches with a mate within the rank")
    return Figure(
        "cmc",
        "Finding mates by rank",
        summary,
        plots.line_plot(
            "cmc", "Cumulative match characteristic", summary, x, y, series, bands, points
        ),
        tuple(legend),
        (
            "The curve (cumulative match characteristic, CMC) tells how often at least one mate "
            "stands among the first candidates that an examiner looks at.",
        ),
        Table(
            "Hit rate by rank",
            ("Rank", "Hit rate", "95 % interval", "Chance", "95 % of random rankings"),
            tuple(
                (
                    f"{rank[i]:.0f}",
                    percent(hit[i]),
                    interval("hit-rate", low[i], high[i]) or NO_VALUE,
                    percent(chance[i]),
                    interval("hit-rate", chance_low[i], chance_high[i]) or NO_VALUE,
                )
                for i in _chosen(len(rank), TABLE_ROWS)
            ),
        ),
    )


def _distribution(curve: Mapping[str, Sequence[float]], task: str) -> Figure | None:
    data = _rows(curve, "low", "high", "mated", "nonmated")
    if not data:
        return None
    low, high, mated, nonmated = (data[key] for key in ("low", "high", "mated", "nonmated"))
    detection = task == "detection"
    names = ("tattoo", "non-tattoo") if detection else ("mated", "non-mated")
    things = "images" if detection else "comparisons"
    # The share of two normalised histograms that lies under both: 1 = cannot be told apart.
    overlap = sum(min(a, b) for a, b in zip(mated, nonmated, strict=True))
    summary = (
        f"Scores of {names[0]} {things} centre on {_centre(low, high, mated):.3g}, "
        f"those of {names[1]} {things} on {_centre(low, high, nonmated):.3g}; "
        f"{percent(overlap, 0)} of the two distributions overlap."
    )
    edges = _edges(low, high)
    x = plots.number_axis("Score (higher is more alike)", min(low), max(high))
    if detection:
        x = plots.number_axis("Score (higher is more like a tattoo)", min(low), max(high))
    svg = plots.histogram_plot(
        "scores",
        "Score distributions",
        summary,
        x,
        f"Share of {things}",
        (low, high),
        ((names[1], "s1", nonmated), (names[0], "s0", mated)),
    )
    return Figure(
        "scores",
        "Scores",
        summary,
        svg,
        (("s0 area", "both", f"{names[0]} {things}"), ("s1", "line", f"{names[1]} {things}")),
        (
            "Each outline adds up to 100 %, however many comparisons stand behind it."
            if not detection
            else "Each outline adds up to 100 %, however many images stand behind it.",
        ),
        Table(
            "Score distributions",
            ("Score from", "to", f"{names[0]} {things}", f"{names[1]} {things}"),
            tuple(
                (*edges[i], percent(mated[i]), percent(nonmated[i]))
                for i in range(len(low))
                if mated[i] or nonmated[i]
            ),
        ),
    )


def _edges(low: list[float], high: list[float]) -> list[tuple[str, str]]:
    """Return bin edges as texts with as many decimals as tell the bins apart."""
    width = max(high) - min(low)
    decimals = max(0, 3 - math.ceil(math.log10(width))) if width > 0 else 3
    write = [(f"{a:.{decimals}f}", f"{b:.{decimals}f}") for a, b in zip(low, high, strict=True)]
    return [(a.replace("-", "−"), b.replace("-", "−")) for a, b in write]


def _centre(low: list[float], high: list[float], share: list[float]) -> float:
    """Return the mean of a histogram, every bin at its middle."""
    total = sum(share) or 1.0
    return sum(w * (a + b) / 2 for a, b, w in zip(low, high, share, strict=True)) / total


def _det(curve: Mapping[str, Sequence[float]], metrics: Metrics, algorithm: str) -> Figure | None:
    data = _rows(curve, "fmr", "fnmr")
    if not data:
        return None
    kind = trade_off_of(metrics.task)
    fmr, fnmr = data["fmr"], data["fnmr"]
    random = data.get("chance", [])
    low, high = ends([*fmr, *fnmr, *random])
    x, y = kind.axes(low, high)

    bands, sure_from = [], []
    for name, axis in (("nonmated", x), ("mated", y)):
        trials = _trials(metrics.counts, name)
        edge = 30 / trials if trials else 0.0
        sure_from.append(edge)
        if edge > axis.low:
            edge = min(edge, axis.high)
            far = ([axis.low, edge], [low] * 2, [high] * 2)
            tall = ([axis.low, axis.high], [low] * 2, [edge] * 2)
            bands.append(plots.Band("unsure", *(far if axis is x else tall)))

    chance_x, chance_y = kind.chance_line(low, high)
    if random:
        pairs = sorted(set(zip(fmr, random, strict=True)))
        chance_x, chance_y = [a for a, _ in pairs], [b for _, b in pairs]
    chance = plots.Series("chance", "chance", chance_x, chance_y)
    order = sorted(range(len(fmr)), key=lambda i: (fmr[i], -fnmr[i]))
    fmr, fnmr = [fmr[i] for i in order], [fnmr[i] for i in order]
    crossing = min(range(len(fmr)), key=lambda i: abs(fmr[i] - fnmr[i]))
    line = plots.Series(algorithm, "s0", fmr, fnmr, crossing, "upper right")

    marked = {crossing}
    for level in (0.0001, 0.001, 0.01, 0.1):
        below = [i for i in range(len(fmr)) if low <= fmr[i] <= level * 1.0000001]
        if below and fmr[below[-1]] > level / 4:
            marked.add(below[-1])
    points = [
        plots.Point(
            fmr[i],
            fnmr[i],
            f"{kind.x_short} {percent(fmr[i])}, {kind.y_short} {percent(fnmr[i])}",
            i in marked,
        )
        for i in sorted({*_chosen(len(fmr), HOVER_POINTS), *marked})
    ]
    equal = metrics.pooled.get(kind.equal)
    summary = (
        f"The two error rates of {algorithm} come closest at "
        f"{percent(fmr[crossing])} and {percent(fnmr[crossing])}"
    )
    summary += f"; the equal error rate is {amount('eer', equal.value)}." if equal else "."
    notes = [
        "Detection error trade-off (DET): every point is one threshold; lower and further left is "
        "better. Both axes are normal-deviate (probit) scales; rates of 0 % lie on the edge.",
        "Rule of 30: with fewer than 30 errors behind it, a rate is only an order of magnitude.",
    ]
    if any(sure_from):
        parts = []
        if sure_from[0]:
            parts.append(f"below {percent(min(sure_from[0], 1))} on the horizontal axis")
        if sure_from[1]:
            parts.append(f"below {percent(min(sure_from[1], 1))} on the vertical axis")
        notes[1] += f" Here that is so {' and '.join(parts)}."
    legend = [
        ("s0", "line", algorithm),
        ("chance", "line", kind.chance),
    ]
    if bands:
        legend.append(("unsure", "band", "fewer than 30 errors"))
    rows = tuple((percent(fmr[i]), percent(fnmr[i])) for i in _chosen(len(fmr), TABLE_ROWS))
    caption = "Detection error trade-off"
    if len(rows) < len(fmr):
        caption += f", {count(len(rows))} of {count(len(fmr))} points"
    return Figure(
        "det",
        "Errors by threshold",
        summary,
        plots.line_plot("det", caption, summary, x, y, [chance, line], bands, points),
        tuple(legend),
        tuple(notes),
        Table(caption, (kind.x_name, kind.y_name), rows),
    )


def _trials(counts: Mapping[str, int], name: str) -> int:
    """Return the number of mated or non-mated trials, whichever name it stands under."""
    kinds = ("", "comparisons", "searches")
    images = {"mated": "tattoo", "nonmated": "nontattoo"}[name]
    wanted = {*(name + kind for kind in kinds), images, f"{images}images"}
    found = [v for k, v in counts.items() if "".join(c for c in k.lower() if c.isalpha()) in wanted]
    return found[0] if found else 0
