"""The section on quality against error: what discarding the worst images would gain."""

from __future__ import annotations

from harness.reporting.drawing.told_apart import discard_figure, range_text
from harness.reporting.sections.look_alikes import at_threshold, remarks
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, count, number, percent
from harness.tasks.discarding import LIMIT, Discarding

HEADING = "Quality against error"


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no image has a quality."""
    apart = run.apart
    if apart is None or apart.pairs is None or not apart.qualities():
        return None
    if apart.without_threshold:
        content = filled(
            "<p>Images have a quality, and errors are not held against it: {{ why }}.</p>",
            why=apart.without_threshold,
        )
        return Section("discarding", HEADING, content)
    found = apart.discarding()
    if not found or apart.threshold is None:
        return None
    content = filled(
        """<p>A quality is worth something as far as images of low quality are those that fail. So \
the comparisons of the lowest quality are discarded, step by step, and the false non-match rate of \
the others is counted. {{ at }}</p>
{{ m.table(table, "wide") }}
{% for sentence in sentences %}<p>{{ sentence }}</p>{% endfor %}
{% for figure in figures %}{{ m.figure(figure) }}{% endfor %}""",
        at=at_threshold(apart.threshold),
        table=_table(found),
        sentences=[sentence for one in found for sentence in _sentences(one)],
        figures=[discard_figure(one, f"discard-{k}") for k, one in enumerate(found, start=1)],
    )
    return Section("discarding", HEADING, content)


def _table(found: list[Discarding]) -> Table:
    return Table(
        f"Mean FNMR over discarding up to {percent(LIMIT, 0)} of the comparisons (the partial area "
        "under the curve, over its width)",
        (
            "Quality",
            "Mean FNMR",
            "95 % interval",
            "No gain",
            "Ideal",
            "Gain",
            "95 % interval ",
            "Remarks",
        ),
        tuple(
            (
                one.source,
                percent(one.area.value),
                range_text(one.area),
                percent(one.none),
                percent(one.ideal),
                NO_VALUE if one.gain.value is None else percent(one.gain.value),
                range_text(one.gain),
                "; ".join(dict.fromkeys(filter(None, map(remarks, (one.area, one.gain))))),
            )
            for one in found
        ),
    )


def _sentences(found: Discarding) -> list[str]:
    said = [
        f"By {found.source}, {count(found.comparisons)} mated comparisons of "
        f"{count(found.identities)} identities have {count(found.values)} different qualities. The "
        "gain is the share of what discarding could gain at most: 0 where the quality says nothing "
        "of errors, below 0 where good images are discarded."
    ]
    if found.unknown:
        said.append(
            f"{count(found.unknown)} mated comparisons are left out, of which an image has no "
            f"quality; {number(found.refused)} of them are of an image that the algorithm gave up "
            "on."
        )
    return said
