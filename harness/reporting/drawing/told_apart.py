"""The figures of stored scores told apart: look-alikes, quality against error, workload."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from harness.errors import some
from harness.reporting.drawing import plots
from harness.reporting.drawing.figures import HOVER_POINTS, TABLE_ROWS, Figure
from harness.reporting.operating import BINS, Doubles, quantile_bins
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, count, interval, number, percent
from harness.statistics.estimate import Estimate
from harness.tasks.discarding import LIMIT, Discarding
from harness.tasks.workload import Workload

__all__ = ["discard_figure", "kinds_figure", "range_text", "workload_figure"]


def range_text(estimate: Estimate, *, rate: bool = True) -> str:
    """Return the interval of an estimate, in percent unless it is no rate."""
    if rate:
        return interval("hit-rate", estimate.low, estimate.high) or NO_VALUE
    if estimate.low is None or estimate.high is None:
        return NO_VALUE
    return f"{number(estimate.low)} to {number(estimate.high)}"


def kinds_figure(column: str, mated: Doubles, same: Doubles, other: Doubles) -> Figure | None:
    """Return the figure of scores of mates, look-alikes and others; None without two scores.

    Parameters
    ----------
    column
        What look-alikes have in common.
    mated, same, other
        Scores, float64, shape (comparisons,); what is not finite is left out.
    """
    kinds = [part[np.isfinite(part)] for part in (mated, same, other)]
    fewest = min(map(len, kinds))
    # Of few scores many bins would show nothing but their number.
    bins = quantile_bins(kinds[0], np.concatenate(kinds[1:]), min(BINS, max(5, fewest // 8)))
    if not bins or not fewest:
        return None
    low, high = bins["low"], bins["high"]
    edges = np.array([*low, high[-1]])
    shares = [(np.histogram(part, edges)[0] / len(part)).tolist() for part in kinds]
    names = ("mated", f"same {column}", f"other {column}")
    medians = [float(np.median(part)) for part in kinds]
    summary = (
        f"Half of the mated comparisons score at least {number(medians[0])}, half of the non-mated "
        f"ones of the same {column} at least {number(medians[1])}, of another {column} at least "
        f"{number(medians[2])}."
    )
    texts = [number(edge) for edge in edges]
    svg = plots.histogram_plot(
        f"alike-{column}",
        f"Scores of look-alikes by {column}",
        summary,
        plots.quantile_axis("Score (higher is more alike)", edges.tolist(), texts),
        "Share of comparisons",
        (low, high),
        ((names[2], "s1", shares[2]), (names[1], "s2", shares[1]), (names[0], "s0", shares[0])),
    )
    rows = tuple(
        (texts[i], texts[i + 1], *(percent(share[i]) for share in shares)) for i in range(len(low))
    )
    return Figure(
        f"alike-{column}",
        f"Scores by {column}",
        summary,
        svg,
        (
            ("s0 area", "both", "mated comparisons"),
            ("s2", "line", f"non-mated, same {column}"),
            ("s1", "line", f"non-mated, other {column}"),
        ),
        (
            "Each outline adds up to 100 %. The bins are quantiles, equal scores together; the "
            "axis is stretched where scores are dense.",
        ),
        Table(
            f"Score distributions: {some(len(kinds[0]), 'mated comparison')}, "
            f"{count(len(kinds[1]))} non-mated of the same {column}, {count(len(kinds[2]))} of "
            "another",
            ("Score from", "to", *names),
            rows,
        ),
        data={"low": low, "high": high, **dict(zip(names, shares, strict=True))},
    )


def discard_figure(curve: Discarding, name: str) -> Figure:
    """Return the figure of FNMR against what is discarded.

    Parameters
    ----------
    curve
        Of a run.
    name
        Of the figure, unique in the page.
    """
    last = curve.shares[-1]
    x, y = _stairs(curve.discarded, curve.fnmr, last)
    known = [
        (share, low, high)
        for share, low, high in zip(curve.shares, curve.low, curve.high, strict=True)
        if low is not None and high is not None
    ]
    top = max([*y, curve.none, *(high for _, _, high in known)])
    bands = []
    if len(known) == len(curve.shares):
        shares, low, high = zip(*known, strict=True)
        bands.append(plots.Band("s0-band", list(shares), list(low), list(high)))
    ideal = [0.0, min(curve.none, last), last]
    series = [
        plots.Series("no gain", "chance", [0.0, last], [curve.none] * 2),
        plots.Series("ideal", "s2", ideal, [max(0.0, curve.none - share) for share in ideal]),
        plots.Series("FNMR", "s0", x, y),
    ]
    steps = [i for i, share in enumerate(curve.discarded) if share <= last]
    points = [
        plots.Point(
            curve.discarded[i],
            curve.fnmr[i],
            f"{percent(curve.discarded[i])} discarded: FNMR {percent(curve.fnmr[i])}",
        )
        for i in (steps[k] for k in plots.evenly(len(steps), HOVER_POINTS))
    ]
    at = curve.at(LIMIT)
    summary = (
        f"FNMR goes from {percent(curve.none)} with nothing discarded to {percent(at)} with the "
        f"worst {percent(LIMIT, 0)} of the comparisons discarded."
    )
    legend = [("s0", "line", "FNMR of the comparisons that stay")]
    legend += [("s0-band", "band", "95 % interval")] * bool(bands)
    legend += [
        ("chance", "line", "no gain: the quality says nothing of errors"),
        ("s2", "line", "ideal: no quality gets below this line"),
    ]
    rows = []
    for share, low_end, high_end in zip(curve.shares, curve.low, curve.high, strict=True):
        ends = interval("hit-rate", low_end, high_end) or NO_VALUE
        rows.append((percent(share), percent(curve.at(share)), ends))
    return Figure(
        name,
        "Error against discard",
        summary,
        plots.line_plot(
            name,
            "Error-versus-discard characteristic",
            summary,
            plots.rate_axis("Comparisons discarded, the lowest quality first", last),
            plots.rate_axis("False non-match rate (FNMR)", max(top, 0.01)),
            series,
            bands,
            points,
        ),
        tuple(legend),
        (
            "Error-versus-discard characteristic (EDC): a comparison has the lower quality of its "
            "two images, equal ones are discarded together, and the threshold stays. The faster "
            "the line falls, the better the quality foresees errors.",
        ),
        Table(
            f"FNMR by what is discarded: {some(curve.comparisons, 'mated comparison')} of "
            f"{some(curve.identities, 'identity', 'identities')}",
            ("Discarded at most", "FNMR", "95 % interval"),
            tuple(rows[:TABLE_ROWS]),
        ),
        data={"discarded": curve.discarded, "fnmr": curve.fnmr},
    )


def _stairs(
    discarded: Sequence[float], fnmr: Sequence[float], last: float
) -> tuple[list[float], list[float]]:
    """Return the corners of a staircase up to a share."""
    x, y = [0.0], [fnmr[0]]
    for share, rate in zip(discarded[1:], fnmr[1:], strict=True):
        if share > last:
            break
        x += [share, share]
        y += [y[-1], rate]
    return [*x, last], [*y, y[-1]]


def workload_figure(costs: Workload, algorithm: str) -> Figure | None:
    """Return the figure of candidates viewed by the length of lists; None with one length alone.

    Parameters
    ----------
    costs
        Of a run.
    algorithm
        Its name.
    """
    every = costs.lengths
    if len(every) < 2:
        return None
    lengths = [float(one.length) for one in every]
    values = [one.viewed.value or 0.0 for one in every]
    chances = [one.viewed.chance or 0.0 for one in every]
    hits = [(one.length, one.per_hit.value) for one in every if one.per_hit.value is not None]
    ends = [(one.viewed.low, one.viewed.high) for one in every]
    # Of lists of one candidate nothing varies: the value is all there is.
    known = [
        (value, value) if None in pair else pair for value, pair in zip(values, ends, strict=True)
    ]
    bands = [
        plots.Band(
            "s0-band",
            lengths,
            [low for low, _ in known if low is not None],
            [high for _, high in known if high is not None],
        )
    ]
    series = [
        plots.Series("chance", "chance", lengths, chances),
        plots.Series("for each search", "s0", lengths, values),
    ]
    # A mate found once in a thousand lists would flatten all the rest.
    top = max(*chances, *values)
    near = [(length, value) for length, value in hits if value <= 1.5 * top]
    if near:
        x, y = zip(*near, strict=True)
        series.append(plots.Series("for each mate found", "s1", list(x), list(y)))
        top = max(top, *y)
    points = [
        plots.Point(
            length,
            value,
            f"Lists of {count(int(length))}: viewed in a search {number(value)}",
        )
        for length, value in zip(lengths, values, strict=True)
    ]
    last = every[-1]
    summary = (
        f"In lists of {count(last.length)} by {algorithm}, the candidates that are viewed in a "
        f"search with a mate number {number(values[-1])} on average; in a random order "
        f"{number(chances[-1])}."
    )
    return Figure(
        "workload",
        "Candidates viewed by length of list",
        summary,
        plots.line_plot(
            "workload",
            "Candidates viewed by length of list",
            summary,
            plots.rank_axis("Length of the candidate list", last.length),
            plots.number_axis("Candidates viewed, on average", 0.0, max(top, 1.0) * 1.05),
            series,
            bands,
            points,
        ),
        (
            ("s0", "line", "in a search with a mate"),
            ("s0-band", "band", "95 % interval"),
            *[("s1", "line", "for each mate that is found")] * bool(near),
            ("chance", "line", "chance: a random order of the same galleries"),
        ),
        ("Exact, from the ranks of the run.",),
        Table(
            f"Candidates viewed by length of list: {some(costs.searches, 'search', 'searches')} "
            "with a mate",
            ("Length", "Viewed", "95 % interval", "Chance", "Per mate found", "95 % interval "),
            tuple(
                (
                    count(one.length),
                    _number(one.viewed.value),
                    range_text(one.viewed, rate=False),
                    _number(one.viewed.chance),
                    _number(one.per_hit.value),
                    range_text(one.per_hit, rate=False),
                )
                for one in every
            ),
        ),
        data={
            "length": [one.length for one in every],
            "viewed": values,
            "chance": chances,
            "per_mate_found": [one.per_hit.value for one in every],
            "found": [one.found.value for one in every],
        },
    )


def _number(value: float | None) -> str:
    return NO_VALUE if value is None or not math.isfinite(value) else number(value)
