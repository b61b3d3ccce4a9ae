"""The section on non-mates that look alike: other tattoos of one design, or of one style."""

from __future__ import annotations

from collections.abc import Sequence

from harness.record.told_apart import ToldApart
from harness.reporting.drawing.figures import Figure
from harness.reporting.drawing.growth import share_text, shares_range
from harness.reporting.drawing.told_apart import kinds_figure, range_text
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import count, percent
from harness.statistics.estimate import Estimate
from harness.tasks.pairs import Threshold
from harness.tasks.same_design import SameDesign, Without, kinds_of

MADE_UP = {"group": "group of look-alikes", "style": "style"}
"""What two tattoos have in common, by column."""

RULES = (
    "Non-mates that look alike, those of other kinds, sizes and qualities are judged at one "
    "threshold for all comparisons: the lowest of FMR 0.1, 1 and 10 % that allows 30 false "
    "matches, or the last.",
)


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no column tells non-mates apart."""
    apart = run.apart
    if apart is None or not apart.design_columns or apart.pairs is None:
        return None
    if apart.without_threshold:
        content = filled(
            "<p>Whether non-mates that look alike are told apart from others is not known of this "
            "run: {{ why }}.</p>",
            why=apart.without_threshold,
        )
        return Section("look-alikes", "Look-alikes", content)
    found, threshold = apart.same_design(), apart.threshold
    if not found or threshold is None:
        return None
    content = filled(
        """<p>Many people carry one design, or one style. A matcher that takes a look-alike for \
the same tattoo errs in another way than one that takes anything for it, so non-mates that look \
alike are counted apart. {{ at }}</p>
{{ m.table(rates, "wide") }}
{% if hits %}<p>A hit rate without look-alikes in the galleries says how far they stand before \
mates. A smaller gallery is an easier one by itself: what counts is by how much taking them out \
gains more than taking out as many others.</p>
{{ m.table(hits, "wide") }}{% endif %}
{% for sentence in sentences %}<p>{{ sentence }}</p>{% endfor %}
{% if figure %}{{ m.figure(figure) }}{% endif %}""",
        at=at_threshold(threshold),
        rates=_rates(found),
        hits=_hits([(one.column, one.without) for one in found if one.without is not None]),
        sentences=[sentence for one in found for sentence in _sentences(one)],
        figure=_figure(apart, found[0]),
    )
    return Section("look-alikes", "Look-alikes", content, RULES)


def at_threshold(threshold: Threshold) -> str:
    """Return a sentence on the one threshold at which comparisons are judged."""
    attained, allowed = percent(threshold.attained), percent(threshold.fmr)
    text = (
        f"The threshold is that of all comparisons: at {attained} false matches "
        f"({count(threshold.false_matches)} of {count(threshold.nonmated)}"
        f"{'' if attained == allowed else f'; {allowed} are allowed'})."
    )
    if not threshold.is_sure:
        text += " Fewer than 30 false matches stand behind it: it is only an order of magnitude."
    return text


def _rates(found: Sequence[SameDesign]) -> Table:
    rows = []
    for one in found:
        words = MADE_UP[one.column]
        for name, kind in ((f"of the same {words}", one.same), (f"of another {words}", one.other)):
            rows.append(
                (
                    name,
                    count(kind.comparisons),
                    count(kind.identities),
                    percent(kind.fmr.value),
                    range_text(kind.fmr),
                    "; ".join(kind.fmr.flags),
                )
            )
    return Table(
        "False match rate (FMR) of non-mated comparisons, at one threshold for all",
        ("Non-mates", "Comparisons", "Identities", "FMR", "95 % interval", "Remarks"),
        tuple(rows),
    )


def _hits(found: Sequence[tuple[str, Without]]) -> Table | None:
    rows = []
    for column, one in found:
        rows.append(
            (
                f"same {MADE_UP[column]}",
                count(one.whole.n),
                f"{one.taken_out:.1f}",
                *(_hit(estimate) for estimate in (one.whole, one.without, one.as_many)),
            )
        )
    if not rows:
        return None
    return Table(
        f"Hit rate within rank {found[0][1].rank} with references taken out, with 95\u00a0% "
        "intervals",
        (
            "Taken out: non-mates of the",
            "Searches",
            "Of each, on average",
            "None taken out",
            "Those taken out",
            "As many others",
        ),
        tuple(rows),
    )


def _hit(found: Estimate) -> str:
    return f"{share_text(found.value)} ({shares_range(found.low, found.high)})"


def _sentences(found: SameDesign) -> list[str]:
    if not found.unknown:
        return []
    return [
        f"{count(found.unknown)} non-mated comparisons are of an image whose "
        f"{MADE_UP[found.column]} is not known, and in neither line."
    ]


def _figure(apart: ToldApart, found: SameDesign) -> Figure | None:
    pairs = apart.pairs
    if pairs is None:
        return None
    same, other = kinds_of(found.column, pairs, apart.run.records)
    scores = pairs.nonmated.scores
    return kinds_figure(found.column, pairs.mated.scores, scores[same], scores[other])
