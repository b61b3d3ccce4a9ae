"""The section on groups of people: their errors at one threshold."""

from __future__ import annotations

from collections import Counter
from typing import Any

from harness.record.differing import columns_in, differentials_in
from harness.reporting.differing import (
    group_notes,
    group_sentences,
    group_table,
    shift_table,
    spread_table,
    strips,
    threshold_sentence,
)
from harness.reporting.sections.section import Section, SectionInput, filled, filled_from
from harness.tasks.groups import SHOWN, word_of

RULES = (
    "Groups of people are judged at one threshold for all, never at one of their own. A mated "
    "comparison is of its identity's group; a non-mated one counts in a group if both its "
    "identities are of it (ISO/IEC 19795-10).",
    "The Gini coefficient of rates is 0 where all groups have the same, and 1 where one has all "
    "errors. A group without an error counts as one with half an error in the geometric mean.",
)


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no comparison has a group of people."""
    if run.has_too_many and any(record.skin or record.site for record in run.records.values()):
        text = """<p>The run holds too many scores to read them a second time for this page: \
<code>harness differentials RUN</code> does.</p>"""
        return Section("differentials", "Groups of people", filled(text))
    columns = [] if run.kept is None else columns_in(run.kept, SHOWN)
    if run.kept is None or not columns or run.pairs is None:
        return None
    found = [differentials_in(run.kept, column, run.pairs) for column in columns]
    parts: list[dict[str, Any]] = [
        {
            "what": word_of(one.column),
            "said": group_sentences(one),
            "rows": group_table(one) if one.rows else None,
            "strips": strips(one) if one.rows else [],
            "shifts": shift_table(one) if one.rows else None,
            "spread": spread_table(one),
            "notes": group_notes(one),
        }
        for one in found
    ]
    # What holds for several columns is said once, below all of them.
    notes = Counter(note for part in parts for note in part["notes"])
    shared = [note for note, times in notes.items() if times > 1]
    for part in parts:
        part["notes"] = [note for note in part["notes"] if note not in shared]
    drawn = run.manifest.dataset.get("synthetic") == "yes"
    threshold = next(filter(None, map(threshold_sentence, found)), "")
    content = filled_from(
        "differentials", parts=parts, drawn=drawn, threshold=threshold, notes=shared
    )
    return Section("differentials", "Groups of people", content, RULES)
