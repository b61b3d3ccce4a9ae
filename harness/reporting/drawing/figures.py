"""The figures of a report: from curves to a plot, what it shows in words, and its table."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from urllib.parse import quote

import numpy as np

from harness.reporting.drawing import plots
from harness.reporting.drawing.trade_off import chance_line, clipped, supported, window
from harness.reporting.operating import (
    Doubles,
    Operating,
    bins_that_show,
    with_thresholds,
)
from harness.reporting.tables import Table
from harness.reporting.thresholds import Reading
from harness.reporting.wording import (
    NO_VALUE,
    abbreviation,
    amount,
    count,
    interval,
    known,
    minus,
    number,
    percent,
    score,
    split_id,
)
from harness.tasks.results import Curves, Metrics
from harness.tasks.trade_off import SURE, TradeOff

# More rows than this make a table that nobody reads; the full curves are in curves.json.
TABLE_ROWS = 60
HOVER_POINTS = 120

DECADES = (0.1, 0.01, 0.001, 0.0001, 0.00001, 0.000001)
"""Of the horizontal axis, at which points of a curve are marked."""


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
    data
        What is drawn, for other programs: columns by name. The table's texts, where there is none.
    """

    name: str
    heading: str
    summary: str
    svg: str
    legend: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    table: Table
    data: Mapping[str, Sequence[object]] = field(default_factory=dict)

    @property
    def csv(self) -> str:
        """What is drawn as CSV (RFC 4180, with line feeds); empty where there is no number."""
        names: Iterable[str] = self.data or self.table.columns
        rows: Iterable[Sequence[object]] = self.table.rows
        if self.data:
            rows = zip(*self.data.values(), strict=True)
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(names)
        writer.writerows(["" if _missing(v) else v for v in row] for row in rows)
        return text.getvalue()

    @property
    def csv_address(self) -> str:
        """The CSV as a ``data:`` address: it is there without a network and without a script."""
        return f"data:text/csv;charset=utf-8,{quote(self.csv)}"


def _missing(value: object) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _rows(curve: Mapping[str, Sequence[float]], *needed: str) -> dict[str, list[float]]:
    """Return a curve without the rows in which a needed column has no number.

    Columns that are absent or of another length are left out; without a needed one nothing stays.
    """
    length = len(curve.get(needed[0], ()))
    columns = {key: list(values) for key, values in curve.items() if len(values) == length}
    if any(key not in columns for key in needed):
        return {}
    keep = [i for i in range(length) if all(known(columns[key][i]) for key in needed)]
    return {key: [values[i] for i in keep] for key, values in columns.items()} if keep else {}


def _band(style: str, x: list[float], low: list[float], high: list[float]) -> list[plots.Band]:
    if not low or not high or not all(map(known, [*low, *high])):
        return []
    return [plots.Band(style, x, low, high)]


def finding_mates(curves: Curves, metrics: Metrics, algorithm: str) -> Figure | None:
    """Return the figure of hit rates by rank; None without a curve of two ranks at least."""
    data = _rows(curves.cmc, "rank", "hit_rate")
    if not data or len(data["rank"]) < 2:
        return None
    empty = [math.nan] * len(data["rank"])
    rank, hit = data["rank"], data["hit_rate"]
    low, high = data.get("low", empty), data.get("high", empty)
    chance = data.get("chance", empty)
    chance_low, chance_high = data.get("chance_low", empty), data.get("chance_high", empty)
    has_chance = all(map(known, chance))

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
    for i in plots.evenly(len(rank), HOVER_POINTS):
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
                for i in plots.evenly(len(rank), TABLE_ROWS)
            ),
        ),
        data=data,
    )


def score_distributions(
    curves: Curves, metrics: Metrics, names: TradeOff, scores: Operating | None = None
) -> Figure | None:
    """Return the figure of how scores of both kinds are distributed; None without bins.

    Parameters
    ----------
    scores
        Themselves, where they were kept: they give bins that show more.
    """
    curve: Mapping[str, Sequence[float]] = curves.distribution
    quantiles = False
    if scores is not None:
        curve, quantiles = bins_that_show(curves.distribution, scores)
    data = _rows(curve, "low", "high", "mated", "nonmated")
    if not data:
        return None
    low, high, mated, nonmated = (data[key] for key in ("low", "high", "mated", "nonmated"))
    kinds, things = names.kinds, names.scored
    # The share of two normalised histograms that lies under both: 1 = cannot be told apart.
    overlap = sum(min(a, b) for a, b in zip(mated, nonmated, strict=True))
    one, other = (
        [
            _about(_median(low, high, share), high[0] - low[0]) if any(share) else ""
            for share in (mated, nonmated)
        ]
        if scores is None
        else [_upper_half(own) for own in (scores.mated, scores.nonmated)]
    )
    first = f"Half of the {kinds[0]} {things} score at least {one}"
    second = f"half of the {kinds[1]} ones at least {other}"
    summary = (
        f"{first if one else f'None of the {kinds[0]} {things} has a score'}, "
        f"{second if other else f'none of the {kinds[1]} ones has a score'}; "
        f"{percent(overlap, 0)} of the two distributions overlap."
    )
    edges = _edges(low, high)
    label = f"Score (higher is more {names.higher})"
    x = plots.number_axis(label, min(low), max(high))
    bins = f"The {len(low)} bins are equally wide."
    if quantiles:
        x = plots.quantile_axis(label, [*low, high[-1]], [*(a for a, _ in edges), edges[-1][1]])
        bins = (
            f"The {len(low)} bins are quantiles: they hold about equally many scores, both kinds "
            "weighing the same and equal scores staying together, since nearly all scores would "
            "fall into three bins of equal width. The axis is stretched where scores are dense."
        )
    svg = plots.histogram_plot(
        "scores",
        "Score distributions",
        summary,
        x,
        f"Share of {things}",
        (low, high),
        ((kinds[1], "s1", nonmated), (kinds[0], "s0", mated)),
    )
    return Figure(
        "scores",
        "Scores",
        summary,
        svg,
        (("s0 area", "both", f"{kinds[0]} {things}"), ("s1", "line", f"{kinds[1]} {things}")),
        (f"Each outline adds up to 100 %, however many {things} stand behind it. {bins}",),
        Table(
            "Score distributions",
            ("Score from", "to", f"{kinds[0]} {things}", f"{kinds[1]} {things}"),
            tuple(
                (*edges[i], percent(mated[i]), percent(nonmated[i]))
                for i in range(len(low))
                if mated[i] or nonmated[i]
            ),
        ),
        data={"low": low, "high": high, kinds[0]: mated, kinds[1]: nonmated},
    )


def _edges(low: list[float], high: list[float]) -> list[tuple[str, str]]:
    """Return bin edges as texts with as many figures as tell the bins apart."""
    values = sorted({*low, *high})
    gap = min((b - a for a, b in pairwise(values)), default=0.0)
    largest = max(abs(values[0]), abs(values[-1]))
    if gap <= 0 or largest == 0:
        figures = 3
    else:
        figures = min(max(2, math.ceil(math.log10(largest / gap)) + 1), 12)
    decimals = max(0, figures - 1 - math.floor(math.log10(largest))) if largest else 3

    def write(value: float) -> str:
        text = f"{value:.{decimals}f}"
        return minus(text if float(text) else text.lstrip("-"))

    return [(write(a), write(b)) for a, b in zip(low, high, strict=True)]


def _upper_half(scores: Doubles) -> str:
    """Return the score that half of all finite ones reach; empty without any."""
    finite = scores[np.isfinite(scores)]
    return number(float(finite[len(finite) // 2])) if len(finite) else ""


def _about(value: float, width: float) -> str:
    """Return a score that is known to a bin of such a width."""
    places = max(0, -math.floor(math.log10(width))) if 0 < width < math.inf else 3
    return f"about {number(round(value, places) + 0.0)}"


def _median(low: list[float], high: list[float], share: list[float]) -> float:
    """Return the median of a histogram, scores evenly spread within every bin."""
    half, reached = sum(share) / 2, 0.0
    for a, b, weight in zip(low, high, share, strict=True):
        if weight and reached + weight >= half:
            return a + (b - a) * (half - reached) / weight
        reached += weight
    return high[-1]


def error_trade_off(
    curves: Curves,
    metrics: Metrics,
    algorithm: str,
    names: TradeOff,
    scores: Operating | None = None,
    *,
    read: Mapping[float, Reading] | None = None,
    name: str = "det",
    heading: str = "Errors by threshold",
) -> Figure | None:
    """Return the figure of both errors over all thresholds; None without a curve.

    Parameters
    ----------
    names
        Of the two errors.
    scores
        Behind them, where they were kept: they give thresholds.
    read
        What is attained at decades of the first error: their scores stand beside the curve.
    name, heading
        Of the figure, unique in its page.
    """
    curve: Mapping[str, Sequence[float]] = curves.det
    if scores is not None:
        curve = with_thresholds(curves.det, scores)
    data = _rows(curve, "fmr", "fnmr")
    if not data:
        return None
    order = sorted(range(len(data["fmr"])), key=lambda i: (data["fmr"][i], -data["fnmr"][i]))
    data = {key: [column[i] for i in order] for key, column in data.items()}
    fmr, fnmr, random = data["fmr"], data["fnmr"], data.get("chance", [])
    threshold = data.get("threshold", [])
    trials = (_trials(metrics.counts, "nonmated"), _trials(metrics.counts, "mated"))
    spans = supported(fmr, fnmr, trials, random)
    x, y = window(names, *spans)

    bands, sure_from = [], []
    for count_of, axis in zip(trials, (x, y), strict=True):
        edge = SURE / count_of if count_of else 0.0
        sure_from.append(edge)
        if edge > axis.low:
            edge = min(edge, axis.high)
            far = ([x.low, edge], [y.low] * 2, [y.high] * 2)
            tall = ([x.low, x.high], [y.low] * 2, [edge] * 2)
            bands.append(plots.Band("unsure", *(far if axis is x else tall)))

    if random:
        pairs = sorted(set(zip(fmr, random, strict=True)))
    else:
        pairs = list(zip(*chance_line(1e-6, 1 - 1e-6), strict=True))
    chance_x, chance_y, _ = clipped([a for a, _ in pairs], [b for _, b in pairs], (x, y))
    chance = plots.Series("chance", "chance", chance_x, chance_y)
    line_x, line_y, whole = clipped(fmr, fnmr, (x, y))
    crossing = min(range(len(fmr)), key=lambda i: abs(fmr[i] - fnmr[i]))
    at = min(range(len(line_x)), key=lambda i: abs(line_x[i] - line_y[i]), default=None)
    line = plots.Series(algorithm, "s0", line_x, line_y, at, "upper right")

    def described(a: float, b: float, at: str) -> str:
        text = f"{names.x_short} {percent(a)}, {names.y_short} {percent(b)}"
        return text + (f", score from {at}" if at else "")

    def inside(a: float, b: float) -> bool:
        return x.low <= a <= x.high and y.low <= b <= y.high

    marked = {crossing}
    for level in () if read else DECADES:
        below = [i for i in range(len(fmr)) if 0 < fmr[i] <= level * 1.0000001]
        if below and fmr[below[-1]] > level / 4:
            marked.add(below[-1])
    drawn = [i for i in range(len(fmr)) if inside(fmr[i], fnmr[i])]
    near = {drawn[i] for i in plots.evenly(len(drawn), HOVER_POINTS)} | (marked & set(drawn))
    points = []
    for i in sorted(near):
        at_it = score(threshold[i]) if threshold and math.isfinite(threshold[i]) else ""
        points.append(plots.Point(fmr[i], fnmr[i], described(fmr[i], fnmr[i], at_it), i in marked))
    scored = [
        plots.Point(*one.attained, described(*one.attained, one.threshold), True, one.threshold)
        for one in _at_decades(read or {})
        if inside(*one.attained)
    ]
    points += scored
    equal = metrics.pooled.get(names.equal)
    nearest = dict.fromkeys((percent(fmr[crossing]), percent(fnmr[crossing])))
    summary = f"The two error rates of {algorithm} come closest at {' and '.join(nearest)}"
    summary += f"; the equal error rate is {amount('eer', equal.value)}." if equal else "."
    notes = [
        "Detection error trade-off (DET): every point is one threshold; lower and further left is "
        "better. Both axes are normal-deviate (probit) scales.",
        "Rule of 30: with fewer than 30 errors behind it, a rate is only an order of magnitude.",
    ]
    if any(sure_from):
        parts = []
        if sure_from[0]:
            parts.append(f"below {percent(min(sure_from[0], 1))} on the horizontal axis")
        if sure_from[1]:
            parts.append(f"below {percent(min(sure_from[1], 1))} on the vertical axis")
        notes[1] += f" Here that is so {' and '.join(parts)}."
    if not whole:
        notes.append(
            "The axes end where the data ends to support a rate; what lies beyond is not drawn and "
            "stands in the numbers."
        )
    if scored:
        notes.append(
            "Numbers beside the curve are scores: thresholds that keep the horizontal rate to a "
            "decade (10\u202f%, 1\u202f% and so on)."
        )
    if scores is None and not scored:
        notes.append(
            "Thresholds are not shown: the scores were not kept, or there are too many of them."
            if equal
            else "Thresholds are not shown: this protocol asks for no error rate at a threshold."
        )
    legend = [
        ("s0", "line", algorithm),
        ("chance", "line", names.chance),
    ]
    if bands:
        legend.append(("unsure", "band", "fewer than 30 errors"))
    places = plots.evenly(len(fmr), TABLE_ROWS)
    rows = tuple(
        (
            percent(fmr[i]),
            percent(fnmr[i]),
            *[score(t) if math.isfinite(t) else "above all" for t in threshold[i : i + 1]],
        )
        for i in places
    )
    caption = "Detection error trade-off"
    if len(rows) < len(fmr):
        caption += f", {count(len(rows))} of {count(len(fmr))} points"
    columns = {names.x_short: fmr, names.y_short: fnmr}
    columns |= {"chance": random} if random else {}
    columns |= {"threshold": threshold} if threshold else {}
    return Figure(
        name,
        heading,
        summary,
        plots.line_plot(name, caption, summary, x, y, [chance, line], bands, points),
        tuple(legend),
        tuple(notes),
        Table(
            caption,
            # The axes say what they stand for; a head of three lines is not repeated on paper.
            (
                abbreviation(names.x_name),
                abbreviation(names.y_name),
                *["Score at or above"] * bool(threshold),
            ),
            rows,
        ),
        data=columns,
    )


def _at_decades(read: Mapping[float, Reading]) -> list[Reading]:
    """Return what is attained at decades of the first error, once where some fall together.

    Where equal scores keep the attained rate far from a decade, it is not that decade's.
    """
    found = {
        one.threshold: one
        for level, one in read.items()
        if level in DECADES and one.threshold and one.attained[0] > level / 4
    }
    return list(found.values())


def _trials(counts: Mapping[str, int], name: str) -> int:
    """Return the number of mated or non-mated trials, whichever name it stands under."""
    kinds = ("", "comparisons", "searches")
    images = {"mated": "tattoo", "nonmated": "nontattoo"}[name]
    wanted = {*(name + kind for kind in kinds), images, f"{images}images"}
    found = [v for k, v in counts.items() if "".join(c for c in k.lower() if c.isalpha()) in wanted]
    return found[0] if found else 0
