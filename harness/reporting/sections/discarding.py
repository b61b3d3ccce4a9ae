"""The section on quality against error: what discarding the worst images would gain."""

from __future__ import annotations

from harness.reporting.drawing.told_apart import discard_figure
from harness.reporting.sections.look_alikes import at_threshold
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import count, percent, with_interval
from harness.statistics.estimate import Estimate
from harness.tasks.discarding import LIMIT, Discarding

HEADING = "Quality against error"


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no image has a quality."""
    apart = run.apart
    if apart is None or not apart.qualities() or apart.pairs is None:
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
        figures=[
            discard_figure(one, f"discard-{k}")
            for k, one in enumerate(found, start=1)
            if one.none > 0  # without an error there is nothing to foresee
        ],
    )
    return Section("discarding", HEADING, content)


def _table(found: list[Discarding]) -> Table:
    return Table(
        f"Mean FNMR over discarding up to {percent(LIMIT, 0)} of the comparisons (partial area "
        "under the curve, over its width), with 95\u00a0% intervals",
        ("Quality", "Mean FNMR", "No gain", "Ideal", "Gain"),
        tuple(
            (
                one.source,
                _with_range(one.area),
                percent(one.none),
                percent(one.ideal),
                _with_range(one.gain),
            )
            for one in found
        ),
    )


def _with_range(found: Estimate) -> str:
    return with_interval("hit-rate", found.value, found.low, found.high)


def _sentences(found: Discarding) -> list[str]:
    said = [
        f"By {found.source}, {count(found.comparisons)} mated comparisons of "
        f"{count(found.identities)} identities have {count(found.values)} different qualities. The "
        "gain is the share of what discarding could gain at most: 0 where the quality says nothing "
        "of errors, below 0 where good images are discarded."
    ]
    flags = dict.fromkeys((*found.area.flags, *found.gain.flags))
    if flags:
        said.append(f"What the data cannot support: {'; '.join(flags)}.")
    if found.unknown:
        said.append(
            f"{count(found.unknown)} mated comparisons are left out, of which an image has no "
            f"quality; {count(found.refused)} of them are of an image that the algorithm gave up "
            "on."
        )
    return said
