"""The section on published results: other people's, on other data, never ranked with ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.record.published import Published, published_beside
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.reporting.tables import Table
from harness.reporting.wording import amount, capital, count, metric_label, split_id

# Tables with more rows than this are folded up.
LONG = 6

_RAISED = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def section(run: SectionInput) -> Section | None:
    """Return the section; None where nothing is known that may stand beside the run."""
    metrics = list(run.metrics.pooled)
    origin, use_case = run.manifest.origin, run.protocol.data.use_case
    attacked = origin.attack is not None
    found = published_beside(origin.protocol, use_case, metrics, attacked=attacked)
    if not found:
        return None
    content = filled(
        """<p>What others published on the same use case, as they published it. The data is not \
this run’s, so these figures show what has been reached elsewhere and are not ranked with it.</p>
{% for found in tables %}{{ m.published(found) }}{% endfor %}""",
        tables=published_tables(found, metrics),
    )
    return Section("published", "Published results", content)


@dataclass(frozen=True)
class PublishedTable:
    """All published figures of one use case on one data set."""

    data_set: str
    table: Table
    notes: tuple[str, ...]
    long: bool


def published_tables(rows: Sequence[Published], metrics: Sequence[str]) -> list[PublishedTable]:
    """Return one table for each data set: systems by name, metrics as columns.

    Parameters
    ----------
    metrics
        Of the run or board that they stand beside: their columns come first, in this order.
    """
    by_data: dict[str, list[Published]] = {}
    for row in rows:
        by_data.setdefault(row.data_set, []).append(row)
    return [_table(data_set, found, metrics) for data_set, found in by_data.items()]


def _table(data_set: str, rows: Sequence[Published], metrics: Sequence[str]) -> PublishedTable:
    present = dict.fromkeys(row.metric for row in rows)
    order = [m for m in metrics if m in present] + [m for m in present if m not in metrics]
    # Ranks of one metric stand side by side, the first before the tenth.
    names = list(dict.fromkeys(split_id(m)[0] for m in order))
    order.sort(key=lambda m: (names.index(split_id(m)[0]), float(split_id(m)[1].get("rank", 0))))
    systems = sorted(dict.fromkeys(row.system for row in rows), key=str.casefold)
    sources = list(
        dict.fromkeys(
            row.source for system in systems for row in rows if row.system == system and row.source
        )
    )
    several = len(sources) > 1
    lines = []
    for system in systems:
        own = [row for row in rows if row.system == system]
        values = {row.metric: row.value for row in own}
        lines.append(
            (
                system + (_mark(own, sources) if several else ""),
                *(amount(m, values[m]) if m in values else "" for m in order),
                _words(row.trials for row in own),
                _words(row.gallery for row in own),
                _averaging(own),
            )
        )
    columns = (
        "System",
        *(capital(metric_label(m)) for m in order),
        "Trials",
        "Gallery",
        "Averaging",
    )
    empty = {i for i in range(len(columns)) if not any(line[i] for line in lines)}
    kept = [i for i in range(len(columns)) if i not in empty]
    said: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.note:
            said.setdefault(row.note, {})[row.system] = None
    notes = [_footnotes(sources)] if sources else []
    notes += [
        f"{'All systems' if len(own) == len(systems) else ', '.join(own)}: {note}"
        for note, own in said.items()
    ]
    return PublishedTable(
        data_set,
        Table(
            f"Published, on {data_set}",
            tuple(columns[i] for i in kept),
            tuple(tuple(line[i] for i in kept) for line in lines),
        ),
        tuple(notes),
        len(lines) > LONG,
    )


def _mark(rows: Iterable[Published], sources: Sequence[str]) -> str:
    """Return the footnotes of a system's sources, as raised numbers."""
    numbers = sorted({sources.index(row.source) + 1 for row in rows if row.source})
    return "".join(f"\u202f{str(number).translate(_RAISED)}" for number in numbers)


def _footnotes(sources: Sequence[str]) -> str:
    if len(sources) == 1:
        return f"Source: {sources[0]}"
    numbered = (
        f"{str(i).translate(_RAISED)} {source}" for i, source in enumerate(sources, start=1)
    )
    return f"Sources: {'; '.join(numbered)}"


def _words(values: Iterable[str]) -> str:
    found = dict.fromkeys(value for value in values if value)
    return "; ".join(count(int(one)) if one.isdecimal() else one for one in found)


def _averaging(rows: Sequence[Published]) -> str:
    """Return how a system's figures were averaged: the usual way, and which are made otherwise."""
    usual = Counter(row.averaging for row in rows).most_common(1)[0][0]
    others = [f"{metric_label(r.metric)}: {r.averaging}" for r in rows if r.averaging != usual]
    return "; ".join([usual, *others])
