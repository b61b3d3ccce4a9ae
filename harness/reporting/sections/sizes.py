"""The section on the size of tattoos: errors where little of an image shows one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from harness.reporting.drawing.told_apart import range_text
from harness.reporting.sections.look_alikes import at_threshold
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, count, percent
from harness.statistics.estimate import Estimate
from harness.tasks.binned import AREA, FEW_WRONG, MASK, BinRates

HEADING = "Size of the tattoo"

FEW = "\u202f†"
"""Mark of a rate with few errors behind it."""

WORDS = {
    AREA: ("the share of the image that the tattoo's box takes", "Box takes"),
    MASK: ("the share of the image's pixels that the tattoo's mask marks", "Mask marks"),
}


def section(run: SectionInput) -> Section | None:
    """Return the section; None where sizes are not known, or all are in one bin."""
    apart = run.apart
    if apart is None:
        return None
    found = {what: rates for what, rates in apart.sizes().items() if len(rates) > 1}
    if not found:
        return None
    sentences = []
    if apart.threshold is not None:
        sentences.append(at_threshold(apart.threshold))
    elif apart.without_threshold:
        sentences.append(f"There is no FNMR by size: {apart.without_threshold}.")
    if any(FEW_WRONG in flags for flags in _flags(found)):
        sentences.append(f"A rate with{FEW} has fewer than 30 errors behind it.")
    content = filled(
        """<p>A tattoo that takes little of its image has few pixels to be recognised by. Every \
trial is in the line of its probe. {{ sentences | join(" ") }}</p>
{% for table in tables %}{{ m.table(table, "wide") }}{% endfor %}""",
        sentences=sentences,
        tables=[table_of(what, rates, apart.rank) for what, rates in found.items()],
    )
    return Section("sizes", HEADING, content)


def _flags(found: dict[str, list[BinRates]]) -> Iterator[list[str]]:
    for one in (rate for rates in found.values() for rate in rates):
        yield from (estimate.flags for estimate in (one.hits, one.fnmr) if estimate is not None)


def table_of(what: str, rates: Sequence[BinRates], rank: int) -> Table:
    """Return error rates by bin: columns for what there is; few errors have a mark."""
    kinds: list[tuple[str, str, str]] = []
    if any(one.hits is not None for one in rates):
        kinds.append(("hits", "Searches", f"Hit rate within rank {rank}"))
    if any(one.fnmr is not None for one in rates):
        kinds.append(("fnmr", "Mated comparisons", "FNMR"))
    columns = [WORDS[what][1], "Identities"]
    for _, trials, name in kinds:
        columns += [trials, name]
    rows = [
        (
            one.name,
            count(one.identities),
            *(cell for kind, _, _ in kinds for cell in _cells(getattr(one, kind))),
        )
        for one in rates
    ]
    return Table(
        f"Errors by {WORDS[what][0]}, with 95\u00a0% intervals", tuple(columns), tuple(rows)
    )


def _cells(estimate: Estimate | None) -> tuple[str, str]:
    if estimate is None or estimate.value is None:
        return "0", NO_VALUE
    few = FEW if FEW_WRONG in estimate.flags else ""
    return count(estimate.n), f"{percent(estimate.value)} ({range_text(estimate)}){few}"
