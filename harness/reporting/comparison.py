"""The page of a comparison: a single file that opens offline, like the report of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import msgspec

from harness.comparing.comparison import Comparison, Pair, Row, Shown
from harness.comparing.outcomes import Shift
from harness.comparing.pairing import Side
from harness.comparing.subgroups import Group
from harness.data.whole_files import write_whole
from harness.record import provenance
from harness.reporting import wording
from harness.reporting.drawing.overlay_plot import MARKS
from harness.reporting.drawing.overlays import Overlay, Subject, overlays
from harness.reporting.drawing.thumbnails import Pictures, thumbnails, words_in
from harness.reporting.pages import environment, surroundings
from harness.reporting.sections.searches import Row as SearchRow
from harness.reporting.sections.searches import row_of
from harness.tasks.kinds import KINDS
from harness.tasks.look_alikes import MATES
from harness.tasks.results import Judgement
from harness.tasks.standing import direction

STYLES = 8
"""Curves that can be told apart in one plot."""

GAIN, LOSS = "gain", "loss"


@dataclass(frozen=True)
class _Line:
    """One line of a table of changes, in finished texts.

    Parameters
    ----------
    way
        ``gain`` or ``loss``, by which way is better; empty for no change.
    sure
        Whether the interval leaves out 0.
    below
        Which way is better, where that is lower.
    """

    label: str
    below: str
    way: str
    sure: bool
    group: str
    first: str
    second: str
    change: str
    interval: str
    strip: str
    better: str
    counts: str
    probability: str
    note: str


@dataclass(frozen=True)
class _Answer:
    """What one run answered to a search, in words and by its first candidates."""

    words: str
    row: SearchRow


def write_page(
    comparison: Comparison, sides: Sequence[Side], shown: Sequence[Shown], out: Path
) -> None:
    """Write the page of a comparison, with pictures where the images are at hand.

    Parameters
    ----------
    comparison, sides, shown
        As `harness.comparing.comparison.compare` returns them.
    out
        File to write; its folder is made.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    # A baseline does not say where its images lie; the run beside it does.
    absolute = [s for s in sides if Path(s.run.manifest.dataset.get("path", "")).is_absolute()]
    records = (absolute or sides)[0].run.records
    words = partial(words_in, records)
    write_whole(out, render(comparison, shown, thumbnails(records), words))


def render(
    comparison: Comparison,
    shown: Sequence[Shown],
    picture: Callable[[str], bytes | None],
    words: Callable[[str], str] = lambda name: "",
) -> str:
    """Return the page as the complete text of an HTML file; equal input gives equal text.

    Parameters
    ----------
    comparison
        The numbers.
    shown
        For each pair, the searches to show.
    picture
        Returns a JPEG thumbnail of a record by its name, or None where the image is not at hand.
    words
        Returns the words of a description by its name, and nothing for an image.
    """
    names = _names(comparison)
    engine = environment()
    engine.globals["marks"] = MARKS
    return engine.get_template("compare.html.j2").render(
        page=surroundings(
            comparison.first.identity,
            styles=("style.css", "boards.css"),
            beside=[pair.second.identity for pair in comparison.pairs],
        ),
        figures=_curves(comparison, names, shown),
        changes=_all_changes(comparison, names),
        comparison=comparison,
        badge=provenance.BADGES[comparison.synthetic],
        provenance=provenance.SENTENCES[comparison.synthetic],
        mates=MATES.get(comparison.mated_by, ""),
        retouched=comparison.protocol.partition("+")[2],
        first=names[0],
        pairs=[
            _pair(comparison, pair, name, more)
            for pair, name, more in zip(comparison.pairs, names[1:], shown, strict=True)
        ],
        image=Pictures(picture, _pictured(shown)).address,
        words=words,
    )


def _pictured(shown: Sequence[Shown]) -> list[str]:
    """Return the name of every picture of the page, as often as it is shown."""
    return [
        name
        for one in shown
        for shift in (*one.gained, *one.lost)
        for name in (
            shift.first.probe,
            *(
                placed.candidate.reference
                for search in (shift.first, shift.second)
                for placed in row_of(search).shown
            ),
        )
    ]


def _curves(comparison: Comparison, names: Sequence[str], shown: Sequence[Shown]) -> list[Overlay]:
    """Return the curves of all runs in one plot each, the first run's among them once."""
    curves = [shown[0].curves[0], *(one.curves[1] for one in shown)][:STYLES]
    subjects = [
        Subject(f"run-{i}", name, own)
        for i, (name, own) in enumerate(zip(names, curves, strict=False))
    ]
    metrics = [row.metric for row in comparison.pairs[0].rows]
    errors = KINDS[comparison.task].trade_off
    return overlays(subjects, [one.id for one in subjects], metrics, errors)


def _all_changes(
    comparison: Comparison, names: Sequence[str]
) -> list[tuple[str, list[tuple[str, str, str]]]]:
    """Return what every run does not share with the first, by its name."""
    return [
        (name, [(wording.plain(one.what), one.first, one.second) for one in pair.changes])
        for name, pair in zip(names[1:], comparison.pairs, strict=True)
    ]


def _names(comparison: Comparison) -> list[str]:
    """Name the runs by their algorithms, and by their identities too where that is not enough."""
    parties = [comparison.first, *(pair.second for pair in comparison.pairs)]
    names = [party.algorithm for party in parties]
    return [
        name if names.count(name) == 1 else f"{name} ({party.identity[:10]})"
        for name, party in zip(names, parties, strict=True)
    ]


def _pair(comparison: Comparison, pair: Pair, name: str, shown: Shown) -> dict[str, object]:
    metric = comparison.metric
    reach = _reach([(row.low, row.high) for row in pair.rows if wording.is_share(row.metric)])
    group_reach = _reach([(group.low, group.high) for group in pair.groups])
    lines = [_metric_line(row, reach, _names(comparison)[0], name) for row in pair.rows]
    notes = [line.note for line in lines if line.note]
    # What is to be said of several lines is said once.
    note = notes[0] if len(notes) > 1 and len(set(notes)) == 1 else ""
    return {
        "name": name,
        "pair": pair,
        "verdict": _verdict(comparison, pair, name),
        "rows": [replace(line, note="") for line in lines] if note else lines,
        "note": note if len(notes) == len(lines) else note.removeprefix("no interval: "),
        "noted": "Of all metrics" if len(notes) == len(lines) else "Where no interval stands",
        "measured": _measured(pair.measured),
        "searched": pair.wins + pair.losses + pair.draws,
        # Where something else may have made the difference, no group is called different.
        "groups": [
            _group_line(
                msgspec.structs.replace(group, differs=group.differs and not pair.remark),
                metric,
                group_reach,
                pair.measured,
            )
            for group in pair.groups
        ],
        "notable": [g for g in pair.groups if g.differs and not pair.remark],
        "gained": [_shift(shift, metric) for shift in shown.gained],
        "lost": [_shift(shift, metric) for shift in shown.lost],
    }


def _measured(words: str) -> str:
    """Return what is compared of single searches, with the name of its metric for its id."""
    kind, _, metric = words.rpartition("mean of ")
    return words if kind or metric == words else f"mean of “{wording.metric_label(metric)}”"


def _verdict(comparison: Comparison, pair: Pair, name: str) -> str:
    row = pair.rows[0]
    first = _names(comparison)[0]
    lower = ", lower is better" if direction(row.metric) == "lower" else ""
    label = f"{wording.metric_label(row.metric)}{lower}"
    if row.change is None or row.first is None or row.second is None:
        return f"{label}: there is nothing to compare, since a run has no value."
    values = (
        f"{name} gets {wording.amount(row.metric, row.second)} where {first} gets "
        f"{wording.amount(row.metric, row.first)}"
    )
    if max(pair.fits) > 1:
        values += f", means over {pair.fits[1]} and {pair.fits[0]} fits"
    bounds = _interval(row.metric, row.low, row.high)
    points = " points" if wording.is_rate(row.metric) else ""
    within = f" (95 % interval of the change {bounds}{points})" if bounds else ""
    if row.better:
        winner = name if row.better == "second" else first
        return f"{label}: {values}{within}. {winner} is better on this data."
    if pair.remark:
        return f"{label}: {values}{within}. {pair.remark[0].upper()}{pair.remark[1:]}."
    return f"{label}: {values}{within}. The data do not tell the two apart."


def _metric_line(row: Row, reach: float, first: str, second: str) -> _Line:
    bounded = wording.is_share(row.metric)
    better = direction(row.metric)
    return _Line(
        wording.metric_label(row.metric),
        "lower is better" if better == "lower" else "",
        _way(_seen(row.change), better),
        bool(row.better),
        row.metric,
        wording.amount(row.metric, row.first),
        wording.amount(row.metric, row.second),
        _change(row.metric, row.change),
        _interval(row.metric, row.low, row.high),
        _strip(row.change, row.low, row.high, reach) if bounded else "",
        {"first": first, "second": second}.get(row.better, "undecided"),
        f"{row.identities:,}" if row.identities else "",
        "",
        row.method if row.low is None else "",
    )


def _group_line(group: Group, metric: str, reach: float, measured: str) -> _Line:
    """Return a line of groups: shares of searches in percent, means of a metric in its own unit."""
    unit = "accuracy" if measured.startswith("share") else metric
    # Where lower is better, groups hold the negative of the metric, so that more is better in all.
    lower = unit == metric and direction(metric) == "lower"
    sign = -1.0 if lower else 1.0
    first, second, change, low, high = (
        None if value is None else sign * value
        for value in (group.first, group.second, group.change, group.low, group.high)
    )
    if lower:
        low, high = high, low
    return _Line(
        group.value,
        "",
        _way(group.change, "higher"),
        group.differs,
        group.attribute,
        wording.amount(unit, first),
        wording.amount(unit, second),
        _change(unit, change),
        _interval(unit, low, high),
        _strip(change, low, high, reach),
        "differs" if group.differs else "",
        f"{group.searches:,} of {group.identities:,}",
        "" if group.p_holm is None else _probability(group.p_holm),
        "",
    )


def _shift(shift: Shift, metric: str) -> dict[str, object]:
    return {
        "fold": shift.first.fold,
        "probe": shift.first.probe,
        "truth": shift.first.truth,
        "first": _answer(shift.first, metric),
        "second": _answer(shift.second, metric),
    }


def _seen(change: float | None) -> float | None:
    """Return a change as far as its figures show it: what reads as 0 is neither way."""
    return None if change is None else round(change, 3)


def _way(change: float | None, better: str) -> str:
    """Return whether a change is one for the better."""
    if not change or not better:
        return ""
    return GAIN if (change > 0) == (better == "higher") else LOSS


def _answer(search: Judgement, metric: str) -> _Answer:
    listed = row_of(search)
    if search.failed:
        return _Answer("no template", listed)
    if search.correct is not None:
        score = "" if search.score is None else f", score {wording.score(search.score)}"
        return _Answer(f"decided {'rightly' if search.correct else 'wrongly'}{score}", listed)
    if search.mates:
        place = "mate not found" if search.rank is None else f"best mate at rank {search.rank:,}"
        return _Answer(f"{place} of {search.gallery:,}", listed)
    values = (
        f"{wording.metric_label(key)} {value:.3f}".replace(" -", " −")
        for key, value in search.values.items()
        if value is not None and (key == metric or metric not in search.values)
    )
    return _Answer(", ".join(values), listed)


def _change(metric: str, change: float | None) -> str:
    if change is None:
        return wording.NO_VALUE
    if wording.is_rate(metric):
        return f"{round(change * 100, 1) + 0.0:+.1f} points".replace("-", "−")
    return f"{round(change, 3) + 0.0:+.3f}".replace("-", "−")


def _interval(metric: str, low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return ""
    if wording.is_rate(metric):
        return f"{low * 100:+.1f} to {high * 100:+.1f}".replace("-", "−")
    return f"{low:+.3f} to {high:+.3f}".replace("-", "−")


def _probability(p: float) -> str:
    return "below 0.001" if p < 0.001 else f"{p:.3f}"


def _reach(intervals: Sequence[tuple[float | None, float | None]]) -> float:
    ends = [abs(end) for pair in intervals for end in pair if end is not None]
    return max(ends, default=0.0) or 1.0


def _strip(
    change: float | None, low: float | None, high: float | None, reach: float, width: int = 200
) -> str:
    """Return a small strip around 0: no change as a line, interval as a bar, change as a dot.

    The numbers must stand beside it: the strip is hidden from screen readers.
    """

    def across(value: float) -> float:
        return 4 + (width - 8) * (min(max(value / reach, -1.0), 1.0) + 1) / 2

    parts = [f'<path class="rail" d="M4,12H{width - 4}M{width / 2:.1f},3V21"/>']
    if low is not None and high is not None:
        left, right = across(low), across(high)
        parts.append(
            '<path class="interval" '
            f'd="M{left:.1f},7V17M{left:.1f},12H{right:.1f}M{right:.1f},7V17"/>'
        )
    if change is not None:
        parts.append(f'<circle class="value" cx="{across(change):.1f}" cy="12" r="4"/>')
    return f'<svg class="strip" viewBox="0 0 {width} 24" aria-hidden="true">{"".join(parts)}</svg>'
