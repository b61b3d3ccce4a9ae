"""The section on the time between captures."""

from __future__ import annotations

from harness.reporting.differing import age_notes, age_sentences, age_table
from harness.reporting.sections.section import Section, SectionInput, filled
from harness.tasks.ageing import ageing_of

RULES = (
    "Spans of time hold as many mated comparisons each as can be, and at least ten identities. "
    "Slopes are of a straight line through all of them; their intervals draw identities.",
)

_TEXT = """{% for sentence in said %}<p>{{ sentence }}</p>{% endfor %}
{% if table %}{{ m.table(table) }}{% endif %}
{% for note in notes %}<p class="note">{{ note }}</p>{% endfor %}
{% if table %}<p class="note">What else went with the years, such as cameras and who comes back, \
is not told apart from them.</p>{% endif %}"""


def section(run: SectionInput) -> Section | None:
    """Return the section; None where no capture has a date, or nothing is compared."""
    if run.kept is None or not any(record.taken for record in run.kept.records.values()):
        return None
    if run.pairs is None:
        return None
    found = ageing_of(run.pairs, run.kept.records)
    content = filled(
        _TEXT, said=age_sentences(found), table=age_table(found), notes=age_notes(found)
    )
    return Section("ageing", "Time between captures", content, RULES if found.bins else ())
