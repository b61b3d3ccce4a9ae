"""The section on workload: what an examiner has to view, and what lists save."""

from __future__ import annotations

from harness.errors import some
from harness.reporting.drawing.told_apart import range_text, workload_figure
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import NO_VALUE, capital, count, number, percent, score
from harness.statistics.estimate import Estimate
from harness.tasks.workload import Reach, Workload


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no search has a mate, or its ranks are not at hand."""
    apart = run.apart
    found = None if apart is None else apart.workload()
    if found is None:
        return None
    content = filled(
        """{{ m.table(reaches, "wide") }}
{% for sentence in sentences %}<p>{{ sentence }}</p>{% endfor %}
{% if above %}{{ m.table(above, "wide") }}{% endif %}
{% if figure %}{{ m.figure(figure) }}{% endif %}""",
        reaches=_reaches(found),
        sentences=_sentences(found),
        above=_above(found),
        figure=workload_figure(found, run.algorithm),
    )
    return Section("workload", "Workload", content)


def _reaches(found: Workload) -> Table:
    return Table(
        f"How long candidate lists must be: {some(found.searches, 'search', 'searches')} with a "
        f"mate, of {some(found.identities, 'identity', 'identities')}",
        ("Mates in the list", "Length", "95 % interval", "Comparisons saved", "Remarks"),
        tuple(
            (
                _share_name(one),
                NO_VALUE if one.length.value is None else count(int(one.length.value)),
                _lengths(one.length),
                percent(one.saved),
                _remark(one, found),
            )
            for one in found.reaches
        ),
    )


def _share_name(reach: Reach) -> str:
    return "all that are found at all" if reach.share is None else percent(reach.share, 0)


def _lengths(found: Estimate) -> str:
    if found.low is None or found.high is None:
        return NO_VALUE
    return f"{count(int(found.low))} to {count(int(found.high))}"


def _remark(reach: Reach, found: Workload) -> str:
    if reach.length.value is None:
        return f"not reached: {some(found.unfound, 'mate is', 'mates are')} in no list"
    if reach.beyond is not None:
        return f"up to {percent(reach.beyond)} of further mates may stand beyond it"
    return "; ".join(reach.length.flags)


def _sentences(found: Workload) -> list[str]:
    said = [
        "An examiner views the candidates of a list until the mate is met, or to the end of the "
        f"list. Galleries have {number(found.gallery)} references, on average; comparisons saved "
        "are those below the end of the list."
    ]
    if found.depth is not None:
        said.append(
            f"The lists of this run end at rank {count(found.depth)}; a mate beyond that counts as "
            "not found."
        )
    if found.unfound:
        said.append(
            f"{some(found.unfound, 'mate is', 'mates are')} not found at all: the whole list is "
            "viewed for nothing."
        )
    said += [f"{capital(note)}." for note in found.notes]
    return said


def _above(found: Workload) -> Table | None:
    if not found.thresholds:
        return None
    rows = []
    for one in found.thresholds:
        point = one.point
        at = "none" if point.threshold is None else score(point.threshold)
        rows.append((at, percent(point.fpir), *_mean(one.mated), *_mean(one.nonmated)))
    return Table(
        "Candidates at or above a threshold in each search; a search that failed counts with all",
        (
            "Score from",
            "FPIR",
            "With a mate",
            "95 % interval",
            "Without a mate",
            "95 % interval ",
        ),
        tuple(rows),
    )


def _mean(found: Estimate | None) -> tuple[str, str]:
    if found is None or found.value is None:
        return NO_VALUE, NO_VALUE
    return number(found.value), range_text(found, rate=False)
