"""The section on tags: a table of all of them, and images with their tags drawn on."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.api import Image
from harness.data.images import decode, encode_thumbnail
from harness.data.records import Record
from harness.errors import Damaged, HarnessError
from harness.record.files import read_json
from harness.reporting import wording
from harness.reporting.drawing import plots
from harness.reporting.drawing.tags import Label, draw_tags
from harness.reporting.drawing.thumbnails import data_address
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.statistics.estimate import Estimate
from harness.tasks.results import Judgement, TagFigures

EXAMPLES = 4
SHOWN = 6
"""Tags drawn on an image, as in the slides."""

WIDTH = 240
TAGS_LISTED = 200

NOTES = "notes.json"
"""In the folder of a model, by an algorithm that has something to say of its training: numbers by
what they are, shares where they lie between 0 and 1."""


@dataclass(frozen=True)
class Line:
    """One tag in the table, in finished texts."""

    tag: str
    images: str
    precision: str
    interval: str
    strip: str
    chance: str
    at_threshold: tuple[str, str, str]


@dataclass(frozen=True)
class Example:
    """One image with the tags that it was given.

    Parameters
    ----------
    address
        ``data:`` address of the drawing, or None where the image is not at hand.
    best_tags
        The drawn tags in words; `carried` those that the image carries.
    """

    name: str
    address: str | None
    best_tags: str
    carried: str


def section(run: SectionInput) -> Section | None:
    """Return the section; None where answers are no tags."""
    if not run.metrics.tags:
        return None
    ordered = sorted(
        run.metrics.tags, key=lambda f: (-_number(f.average_precision), -f.images, f.tag)
    )
    best, worst = _examples(run.outcome.searches)
    content = filled_from(
        "tags",
        lines=[_line(figures) for figures in ordered[:TAGS_LISTED]],
        hidden=len(ordered[TAGS_LISTED:]),
        threshold=f"{run.protocol.threshold:g}",
        best=[_example(search, run.records) for search in best],
        worst=[_example(search, run.records) for search in worst],
        notes=_notes(run.folder),
    )
    return Section("tags", "Tags", content)


def hits(search: Judgement) -> float:
    """Return the share of an image's tags found among as many of its best tags.

    NaN where it carries none, or more than are kept.
    """
    carried = len(search.truth.split())
    if not carried or search.failed or carried > len(search.candidates):
        return math.nan
    return sum(c.mated for c in search.candidates[:carried]) / carried


def _examples(searches: Sequence[Judgement]) -> tuple[list[Judgement], list[Judgement]]:
    """Return the images that were tagged best and worst, of different identities."""
    judged = [search for search in searches if not math.isnan(hits(search))]
    judged.sort(key=lambda s: (-hits(s), -len(s.truth.split()), s.fold, s.probe))
    best = _different(judged)
    shown = {search.identity for search in best}
    worst = _different([s for s in reversed(judged) if s.identity not in shown])
    return best, worst


def _different(ordered: Sequence[Judgement]) -> list[Judgement]:
    chosen: dict[str, Judgement] = {}
    for search in ordered:
        chosen.setdefault(search.identity, search)
        if len(chosen) == EXAMPLES:
            break
    return list(chosen.values())


def _example(search: Judgement, records: Mapping[str, Record]) -> Example:
    labels = [
        Label(c.reference, c.score, c.mated)
        for c in search.candidates[:SHOWN]
        if c.score is not None
    ]
    pixels = _pixels(records.get(search.probe))
    drawn = None
    if pixels is not None:
        drawn = encode_thumbnail(draw_tags(pixels, labels, shortest=WIDTH), 2 * WIDTH)
    return Example(
        search.probe,
        data_address(drawn),
        "; ".join(label.text for label in labels),
        ", ".join(search.truth.split()),
    )


def _pixels(record: Record | None) -> Image | None:
    if record is None:
        return None
    try:
        return decode(record.path)
    except (HarnessError, OSError):
        return None


def _line(figures: TagFigures) -> Line:
    low, high, chance = figures.low, figures.high, figures.chance
    return Line(
        figures.tag,
        wording.count(figures.images),
        wording.amount("tag-map", figures.average_precision),
        wording.interval("tag-map", low, high),
        plots.estimate_strip(Estimate(figures.average_precision, low, high, chance=chance), 120),
        wording.amount("tag-map", chance) if chance is not None else "",
        (
            wording.amount("tag-map", figures.precision),
            wording.amount("tag-map", figures.recall),
            wording.amount("tag-map", figures.f1),
        ),
    )


def _notes(folder: Path) -> Table | None:
    """Return what models say of their training, one column a fold; None where they say nothing."""
    found: dict[str, dict[str, float]] = {}
    for file in sorted(folder.glob(f"units/fold-*/model/{NOTES}")):
        try:
            notes = read_json(folder, file.relative_to(folder).as_posix(), object)
        except Damaged:
            continue
        if isinstance(notes, dict):
            fold = file.parent.parent.name.removeprefix("fold-")
            found[fold] = {
                str(name): float(value)
                for name, value in notes.items()
                if isinstance(value, (int, float)) and math.isfinite(value)
            }
    names = list(dict.fromkeys(name for notes in found.values() for name in notes))
    if not names:
        return None
    rows = tuple((name, *(_noted(notes.get(name)) for notes in found.values())) for name in names)
    return Table(
        "What the algorithm noted of its training",
        ("What", *(wording.fold(fold) for fold in found)),
        rows,
    )


def _noted(value: float | None) -> str:
    if value is None:
        return ""
    return wording.count(int(value)) if value > 1 and value == int(value) else f"{value:.3f}"


def _number(value: float | None) -> float:
    return -1.0 if value is None else value
