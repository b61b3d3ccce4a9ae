"""The section on searches: the first results of queries before and after the penalty."""

from __future__ import annotations

from dataclasses import dataclass

from harness.reporting.drawing.thumbnails import Pictures
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.reporting.wording import percent
from harness.tasks.results import Judgement

QUERIES_SHOWN = 6
FIRST = 5

BEFORE = "rank-before"
"""Among the values of a result: its place before the penalty."""

RULES = (
    "The concentration is the share of pixels that the algorithm takes for tattoo; below the "
    "protocol's threshold a score is lowered in proportion to it.",
    "Equal scores are ordered against the algorithm: results without a tattoo first.",
    "Metrics are means over queries; intervals resample queries.",
)


@dataclass(frozen=True)
class Query:
    """A query's first results in both orders, and all of them as a table.

    Parameters
    ----------
    before, after
        Results with their place in that order.
    free_before, free_after
        How many of those show no tattoo.
    """

    text: str
    before: list[tuple[int, Judgement]]
    after: list[tuple[int, Judgement]]
    free_before: int
    free_after: int
    table: Table


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no results were put into another order."""
    by_query: dict[str, list[Judgement]] = {}
    for search in run.outcome.searches:
        if BEFORE in search.values:
            by_query.setdefault(search.identity, []).append(search)
    queries = [_query(text, results) for text, results in by_query.items()]
    if not queries:
        return None
    # What gets worse is shown first, then what changes most.
    order = sorted(queries, key=lambda q: (q.free_before - q.free_after, q.text))
    worse = [q for q in order if q.free_after > q.free_before]
    better = [q for q in order[::-1] if q.free_after <= q.free_before]
    shown = (worse + better)[:QUERIES_SHOWN]
    names = [s.probe for q in shown for _, s in (*q.before, *q.after)]
    content = filled_from(
        "reranking",
        queries=shown,
        total=len(queries),
        better=sum(q.free_after < q.free_before for q in queries),
        worse=len(worse),
        first=FIRST,
        image=Pictures(run.picture, names).address,
    )
    return Section("reranking", "Results before and after", content, RULES)


def _query(text: str, results: list[Judgement]) -> Query:
    after = sorted(results, key=lambda s: s.rank or 0)
    before = sorted(results, key=_rank_before)
    first_before = [(_rank_before(s), s) for s in before[:FIRST]]
    first_after = [(s.rank or 0, s) for s in after[:FIRST]]
    rows = tuple(
        (
            str(s.rank),
            str(_rank_before(s)),
            s.probe,
            s.truth,
            _number(s.values.get("text-score")),
            "failed" if s.failed else percent(s.values.get("concentration")),
            _number(s.score),
        )
        for s in after
    )
    columns = ("Rank", "Before", "Result", "Shows", "Text score", "Concentration", "New score")
    return Query(
        text,
        first_before,
        first_after,
        sum(s.truth == "non-tattoo" for _, s in first_before),
        sum(s.truth == "non-tattoo" for _, s in first_after),
        Table(f"All results of “{text}”", columns, rows),
    )


def _rank_before(search: Judgement) -> int:
    return int(search.values.get(BEFORE) or 0)


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:,.1f}"
