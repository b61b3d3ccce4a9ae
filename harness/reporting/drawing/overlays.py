"""The curves of many entries in one plot: CMC, DET and Tippett, a few of them shown at first."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.reporting.drawing import plots
from harness.reporting.drawing.overlay_plot import Overlaid, overlay_plot
from harness.reporting.drawing.trade_off import chance_line, ends, window
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, known, percent, split_id
from harness.tasks.results import Curves
from harness.tasks.trade_off import TradeOff

if TYPE_CHECKING:
    from harness.statistics.likelihood.assessment import Assessment

SHOWN = 4
"""Entries whose curves are shown before anybody selects; the plots have styles for eight."""
LINE_POINTS = 70

_Columns = Mapping[str, Sequence[float | None]]


@dataclass(frozen=True)
class Subject:
    """One whose curves are drawn: an entry of a board, or a run that is compared.

    Parameters
    ----------
    id
        Letters, digits and hyphens; unique among those drawn together.
    label
        For people.
    """

    id: str
    label: str
    curves: Curves
    assessment: Assessment | None = None


@dataclass(frozen=True)
class Overlay:
    """One plot of a board.

    Parameters
    ----------
    name
        Id, unique in the page.
    heading, about
        What it is, and how to read it.
    svg
        The plot, finished and escaped.
    table
        The same in numbers, for the entries shown at first; the script keeps it in step.
    shown
        Id, style number and name of the entries shown at first.
    chance
        What the line of chance is; empty without one.
    """

    name: str
    heading: str
    about: str
    svg: str
    table: Table
    shown: tuple[tuple[str, int, str], ...]
    chance: str


@dataclass(frozen=True)
class _Drawn:
    """The lines of one entry: points, and text and place of the value in every column."""

    subject: Subject
    lines: list[list[tuple[float, float]]]
    values: list[tuple[tuple[float, float] | None, str]]


def overlays(
    subjects: Sequence[Subject], shown_first: Sequence[str], metrics: Sequence[str], names: TradeOff
) -> list[Overlay]:
    """Return the plots that there are curves for.

    Parameters
    ----------
    subjects
        Those that may be shown.
    shown_first
        Ids of those that are shown at first.
    metrics
        Ids of the metrics, whose ranks get a mark.
    names
        Of the two errors at a threshold.
    """
    found = [
        _cmc(subjects, shown_first, metrics),
        _det(subjects, shown_first, names),
        _tippett(subjects, shown_first),
    ]
    return [one for one in found if one is not None]


def _columns(curve: _Columns, *names: str) -> list[tuple[float, ...]]:
    """Return the rows of a curve that have a number in each of the named columns."""
    if any(name not in curve for name in names):
        return []
    rows = zip(*(curve[name] for name in names), strict=False)
    return [tuple(map(float, row)) for row in rows if all(known(v) for v in row)]


def _thin(rows: Sequence[tuple[float, ...]], marked: Iterable[int] = ()) -> list[tuple[float, ...]]:
    """Return some rows, those among them where the line has to pass through a mark."""
    return [rows[i] for i in sorted({*plots.evenly(len(rows), LINE_POINTS), *marked})]


def _cmc(
    subjects: Sequence[Subject], shown: Sequence[str], metrics: Sequence[str]
) -> Overlay | None:
    rows = {p.id: _columns(p.curves.cmc, "rank", "hit_rate") for p in subjects}
    last = max((row[0] for each in rows.values() for row in each), default=0.0)
    if last < 2:  # a single rank is no curve
        return None
    named = {split_id(m)[1].get("rank") for m in metrics}
    ranks = sorted({1, 5, 10, 20, 50, 100, 1000} | {r for r in named if isinstance(r, int)})
    ranks = [r for r in ranks if r <= last][:9]
    drawn = []
    for subject in subjects:
        own = sorted(rows[subject.id])
        if not own:
            continue
        at = [row[0] for row in own]
        values: list[tuple[tuple[float, float] | None, str]] = []
        for rank in ranks:
            i = bisect_right(at, rank) - 1
            inside = i >= 0 and at[-1] >= rank
            values.append(((rank, own[i][1]), percent(own[i][1])) if inside else (None, NO_VALUE))
        drawn.append(_Drawn(subject, [[(a, b) for a, b in _thin(own)]], values))
    series = []
    for subject in subjects:
        chance = _columns(subject.curves.cmc, "rank", "chance")
        if chance:
            x, y = [row[0] for row in chance], [row[1] for row in chance]
            series = [plots.Series("chance", "chance", x, y, len(x) // 2, "lower right")]
            break
    return _overlay(
        "cmc",
        "Finding mates by rank",
        "The share of searches with a mate among the first candidates (cumulative match "
        "characteristic, CMC): higher is better.",
        plots.rank_axis("Rank", round(last)),
        plots.rate_axis("Searches with a mate within the rank"),
        drawn,
        series,
        [f"Rank {rank:,}" for rank in ranks],
        shown,
        "chance: expected for a random ranking" if series else "",
    )


def _det(subjects: Sequence[Subject], shown: Sequence[str], names: TradeOff) -> Overlay | None:
    rows = {
        p.id: sorted(_columns(p.curves.det, "fmr", "fnmr"), key=lambda r: (r[0], -r[1]))
        for p in subjects
    }
    if not any(rows.values()):
        return None
    random = next((r for p in subjects if (r := _columns(p.curves.det, "fmr", "chance"))), [])
    low, high = ends(v for each in [*rows.values(), random] for row in each for v in row)
    levels = [v for v in (1e-6, 1e-5, 1e-4, 1e-3, 0.01, 0.1, 0.3) if v >= low]
    drawn = []
    for subject in subjects:
        own = rows[subject.id]
        if not own:
            continue
        at = [row[0] for row in own]
        values: list[tuple[tuple[float, float] | None, str]] = []
        marked: set[int] = set()
        for level in levels:
            i = bisect_right(at, level * (1 + 1e-9)) - 1
            if i < 0:
                values.append((None, NO_VALUE))
            else:
                best = min(row[1] for row in own[: i + 1])
                marked |= {i, min(i + 1, len(own) - 1)}
                values.append(((level, best), percent(best)))
        drawn.append(_Drawn(subject, [[(a, b) for a, b in _thin(own, marked)]], values))
    chance_x, chance_y = chance_line(low, high)
    if random:
        chance_x, chance_y = map(list, zip(*sorted(set(random)), strict=True))
    x, y = window(names, (low, high), (low, high))
    return _overlay(
        "det",
        "Errors by threshold",
        "Detection error trade-off (DET): every point is one threshold; lower and further left is "
        "better. Both axes are normal-deviate (probit) scales; rates of 0 % lie on the edge.",
        x,
        y,
        drawn,
        [plots.Series("chance", "chance", chance_x, chance_y)],
        [f"{names.x_short} {percent(level)}" for level in levels],
        shown,
        names.chance,
    )


def _tippett(subjects: Sequence[Subject], shown: Sequence[str]) -> Overlay | None:
    drawn, ends = [], [0.0]
    for subject in subjects:
        assessment = subject.assessment
        rows = _columns(assessment.tippett, "log10_lr", "mated", "nonmated") if assessment else []
        if not rows:
            continue
        rows.sort()
        ends += [rows[0][0], rows[-1][0]]
        at = [row[0] for row in rows]
        values: list[tuple[tuple[float, float] | None, str]] = []
        for level in (-2, -1, 0, 1, 2):
            # Shares with at least this ratio: those of the first ratio listed that is not lower.
            i = bisect_left(at, level)
            mated, nonmated = rows[i][1:] if i < len(rows) else (0.0, 0.0)
            values.append(
                ((level, mated), f"mated {percent(mated)}, non-mated {percent(nonmated)}")
            )
        thin = _thin(rows)
        lines = [[(row[0], row[column]) for row in thin] for column in (1, 2)]
        drawn.append(_Drawn(subject, lines, values))
    if not drawn:
        return None
    low, high = min(ends) - 0.15, max(ends) + 0.15
    for one in drawn:
        for line in one.lines:
            # Below the least ratio of all are as many, and above the greatest one is none.
            line[:] = [(low, line[0][1]), *line, (line[-1][0], 0.0), (high, 0.0)]
    return _overlay(
        "tippett",
        "Likelihood ratios",
        "Tippett curves: the share of comparisons with at least the likelihood ratio on the "
        "horizontal axis. Of each entry the upper curve, with marks, is of mated comparisons and "
        "the lower one of non-mated ones. Entries without likelihood ratios have no curve.",
        plots.number_axis("log10 of the likelihood ratio", low, high),
        plots.rate_axis("Comparisons with at least this ratio"),
        drawn,
        [plots.Series("LR = 1", "s2", [0.0, 0.0], [0.0, 1.0])],
        [f"log10 LR {level}".replace("-", "−") for level in (-2, -1, 0, 1, 2)],
        shown,
        "",
    )


def _overlay(
    name: str,
    heading: str,
    about: str,
    x: plots.Axis,
    y: plots.Axis,
    drawn: Sequence[_Drawn],
    series: Sequence[plots.Series],
    columns: Sequence[str],
    shown: Sequence[str],
    chance: str,
) -> Overlay:
    first = [d for d in drawn if d.subject.id in shown] or list(drawn[:SHOWN])
    styles = {d.subject.id: i for i, d in enumerate(first)}
    curves = [
        Overlaid(
            d.subject.id,
            d.subject.label,
            d.lines,
            [
                (*at, f"{column}: {text}")
                for (at, text), column in zip(d.values, columns, strict=True)
                if at is not None and _inside(x, at[0])
            ],
            styles.get(d.subject.id),
        )
        for d in drawn
    ]
    labels = ", ".join(d.subject.label for d in first)
    table = Table(
        heading,
        ("Entry", *columns),
        tuple((d.subject.label, *(text for _, text in d.values)) for d in first),
    )
    svg = overlay_plot(name, heading, f"{about} Shown: {labels}.", x, y, curves, series)
    named = tuple((d.subject.id, styles[d.subject.id], d.subject.label) for d in first)
    return Overlay(name, heading, about, svg, table, named, chance)


def _inside(axis: plots.Axis, value: float) -> bool:
    return axis.low <= value <= axis.high
