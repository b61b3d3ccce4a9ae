"""Rows of a board's table in finished texts, each cell with the value that it sorts by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.boards.boards import Board, Place
from harness.boards.reading import Entry
from harness.data.findings import Finding
from harness.record.manifest import value_text
from harness.reporting import wording
from harness.reporting.drawing import plots
from harness.runs.executing import ONE_FIT
from harness.statistics.estimate import Estimate
from harness.tasks.results import OTHER_PHOTOGRAPH
from harness.tasks.standing import direction

_TIMES = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"))
_UNITS = ((1 << 30, "GB"), (1 << 20, "MB"), (1 << 10, "kB"))


@dataclass(frozen=True)
class Cell:
    """A text, a smaller one below it, and what the column is sorted by (empty: always last)."""

    text: str
    below: str = ""
    value: str = ""
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Column:
    """The head of a column.

    Parameters
    ----------
    key
        For addresses: unique in the table.
    label, below
        What the column tells, and of what or in which direction.
    first
        In which order it is sorted first: ``asc`` or ``desc``.
    group
        Under which it can be chosen; columns without one are always shown.
    """

    key: str
    label: str
    below: str = ""
    first: str = "asc"
    group: str = ""


METRICS, COST, ORIGIN = "Metrics", "Time and size", "Origin"
"""Groups of columns that can be chosen."""


@dataclass(frozen=True)
class Row:
    """One entry.

    Parameters
    ----------
    id
        Short identity.
    folder
        Of the run, or of the first of several fits.
    fits
        How many runs stand for the entry.
    style
        Number of its curve's style, or None where it is not shown at first.
    strip
        The headline from 0 to 1 as a picture; empty where it is not a share.
    headline, metrics, steps
        Cells.
    apart
        The headline of the trials in which no copy of the probe's photograph can be found.
    words
        What a filter looks through.
    """

    id: str
    algorithm: str
    differs: tuple[tuple[str, str], ...]
    marks: tuple[str, ...]
    folder: str
    fits: int
    rank: Cell
    group: Cell
    style: int | None
    headline: Cell
    apart: str
    strip: str
    cells: tuple[Cell, ...]
    words: str


def columns(board: Board) -> list[Column]:
    """Return the columns right of the headline, in the order of `Row.cells`."""
    found = [Column("failures", "Failures", "images")]
    for metric in board.metrics[1:]:
        lower = direction(metric) == "lower"
        below = "lower is better" if lower else ""
        found.append(
            Column(metric, wording.metric_label(metric), below, "asc" if lower else "desc", METRICS)
        )
    found += [Column(f"step-{step}", *step_words(board, step), group=COST) for step in board.steps]
    found += [
        Column("template", "Size of a template", group=COST),
        Column("date", "Date", "", "desc", ORIGIN),
        Column("commit", "Commit", group=ORIGIN),
        Column("seed", "Seed", group=ORIGIN),
    ]
    return found


def step_words(board: Board, step: str) -> tuple[str, str]:
    """Return what a step does and what its time is counted by."""
    compares = "mated_comparisons" in board.first.metrics.counts
    known = {
        "model": ("Learning", "per image"),
        "templates": ("Making a template", "per image"),
        "scores": ("Scores", "per comparison" if compares else "per image"),
    }
    return known.get(step, (wording.plain(step), "per item"))


def rows(board: Board, places: Sequence[Place], styles: dict[str, int]) -> list[Row]:
    """Return the rows of some places of a board."""
    return [_row(board, place, styles.get(place.entry.id)) for place in places]


def chance_cells(board: Board) -> tuple[Cell, str, list[Cell]] | None:
    """Return headline, strip and further metrics of the chance row, where chance is known."""
    estimates = {metric: board.chance(metric) for metric in board.metrics}
    if not any(estimates.values()):
        return None
    cells = [_chance(metric, estimate) for metric, estimate in estimates.items()]
    headline = estimates[board.headline]
    strip = ""
    if headline is not None and wording.is_share(board.headline):
        alone = Estimate(None, chance=headline.chance)
        alone.chance_low, alone.chance_high = headline.chance_low, headline.chance_high
        strip = plots.estimate_strip(alone)
    return cells[0], strip, cells[1:]


def _row(board: Board, place: Place, style: int | None) -> Row:
    entry, manifest = place.entry, place.entry.manifest
    pooled = entry.metrics.pooled
    cells = [failures_cell(entry)]
    cells += [estimate_cell(metric, pooled.get(metric)) for metric in board.metrics[1:]]
    cells += [_step_cell(place, step) for step in board.steps]
    commit = str(manifest.git.get("commit", ""))[:10]
    dirty = bool(manifest.git.get("dirty"))
    seeds = seeds_of(entry)
    cells += [
        size_cell(entry.template_bytes),
        Cell(manifest.finished[:10], "", manifest.finished),
        Cell(commit, "with changes" if commit and dirty else "", commit),
        Cell(", ".join(map(value_text, seeds)), "", str(seeds[0]) if seeds else ""),
    ]
    marks = [
        *(["control"] if manifest.control else []),
        *(["imported scores"] if manifest.imported is not None else []),
        *_marks_of_fits(entry),
        *([f"{wording.remarks(said)} about the data"] if (said := remarks_of(entry)) else []),
    ]
    parameters = (f"{k}={value_text(v)}" for k, v in manifest.origin.parameters.items())
    words = [entry.algorithm, *parameters, manifest.about, commit]
    return Row(
        entry.id,
        entry.algorithm,
        place.differs,
        tuple(marks),
        entry.folder,
        max(1, len(entry.fits)),
        Cell("", "") if place.rank is None else Cell(str(place.rank), "", str(place.rank)),
        Cell("", "") if place.group is None else Cell(str(place.group), "", str(place.group)),
        style,
        estimate_cell(board.headline, place.headline),
        _apart(board, place),
        strip(board.headline, place.headline),
        tuple(cells),
        " ".join([*words, *marks, entry.id]).lower(),
    )


def failures_cell(entry: Entry) -> Cell:
    """Return how many images an algorithm gave up on, and how often, where folds share images."""
    fits = entry.fits or (entry,)
    images = len(frozenset[str]().union(*(fit.failed for fit in fits)))
    times = entry.manifest.failures
    below = f"{times:,} times, over folds" if 0 < images < times else ""
    return Cell(wording.count(images or times), below, str(times))


def remarks_of(entry: Entry) -> list[Finding]:
    """Return what is odd about an entry's data; that it is one fit is marked by itself."""
    return [one for one in entry.manifest.findings if one.code != ONE_FIT]


def _apart(board: Board, place: Place) -> str:
    other = place.entry.metrics.subsets.get(OTHER_PHOTOGRAPH, {}).get(board.headline)
    if other is None:
        return ""
    return f"other photographs: {wording.amount(board.headline, other.value)}"


def seeds_of(entry: Entry) -> list[Any]:
    """Return the seeds of an entry's fits, each once."""
    fits = entry.fits or (entry,)
    found = [fit.manifest.origin.parameters.get("seed") for fit in fits]
    return list(dict.fromkeys(seed for seed in found if seed is not None))


def _marks_of_fits(entry: Entry) -> list[str]:
    """Say how many results an entry is the mean of, and that one fit hides what others do."""
    if entry.one_fit:
        return ["one fit"]
    if not entry.fits:
        return []
    results = len(entry.results)
    environments = len({fit.manifest.environment_hash for fit in entry.fits})
    what = "fits" if entry.manifest.learns else "runs"
    marks = [f"{results} {what}"] if results > 1 else [f"{len(entry.fits)} equal runs"]
    return [*marks, f"{environments} environments"] if environments > 1 else marks


def _flag(flag: str, estimate: Estimate) -> str:
    """Return a flag as it reads beside a value: searches without an answer hit at no rank."""
    full = estimate.value is None or estimate.value >= 1
    return flag if full else flag.replace("every search hits", "every search with an answer hits")


def estimate_cell(metric: str, estimate: Estimate | None) -> Cell:
    """Return a metric's value with its interval below; an entry may lack a metric altogether."""
    if estimate is None:
        return Cell("")
    known = wording.known(estimate.value)
    return Cell(
        wording.amount(metric, estimate.value),
        wording.interval(metric, estimate.low, estimate.high),
        repr(estimate.value) if known else "",
        tuple(_flag(flag, estimate) for flag in estimate.flags),
    )


def strip(metric: str, estimate: Estimate) -> str:
    """Return value, interval and chance as a small picture, for metrics that are shares."""
    if not wording.is_share(metric):
        return ""
    return plots.estimate_strip(estimate)


def _chance(metric: str, estimate: Estimate | None) -> Cell:
    if estimate is None:
        return Cell("")
    return Cell(
        wording.amount(metric, estimate.chance),
        wording.interval(metric, estimate.chance_low, estimate.chance_high),
    )


def _step_cell(place: Place, step: str) -> Cell:
    own = [s for s in place.entry.manifest.steps if s.step == step]
    items = sum(s.items for s in own)
    if items <= 0:
        return Cell("")
    each = sum(s.seconds for s in own) / items
    return Cell(_time(each), "", repr(each))


def _time(seconds: float) -> str:
    """Return a time for people, with its unit beside it.

    >>> _time(2.5), _time(0.0312), _time(0.0000041)
    ('2.5 s', '31 ms', '4.1 µs')
    """
    unit, name = next((u for u in _TIMES if seconds >= u[0]), _TIMES[-1])
    amount = seconds / unit
    return f"{amount:,.0f} {name}" if amount >= 10 else f"{amount:.2g} {name}"


def size_cell(size: float | None) -> Cell:
    """Return a number of bytes for people.

    >>> size_cell(29_700).text
    '29.0 kB'
    """
    if size is None:
        return Cell("")
    for unit, name in _UNITS:
        if size >= unit:
            return Cell(f"{size / unit:.1f} {name}", "", repr(size))
    return Cell(f"{size:.0f} B", "", repr(size))
