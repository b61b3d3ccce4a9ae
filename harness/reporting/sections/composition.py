"""The section on what the parts of a composite did, and what the first of them leaves."""

from __future__ import annotations

from harness.reporting.composition import ceiling_sentence, learned_table, stage_table
from harness.reporting.sections.section import Section, SectionInput, filled


def section(run: SectionInput) -> Section | None:
    """Return the section; None where the algorithm is no composite."""
    found = run.manifest.composition
    if found is None:
        return None
    sentences = [ceiling_sentence(found)]
    if found.mixed:
        sentences.append(f"What holds all scores against one threshold has no value: {found.mixed}")
    if any(one.refitted for one in found.weighing):
        sentences.append(
            "weights were learned from training identities that parts which learn were fitted "
            "without, a second time; the scores that are judged are those of the first fit"
        )
    tables = [stage_table(run.manifest), learned_table(found)]
    content = filled(
        """{% for text in sentences %}<p>{{ text }}.</p>
{% endfor %}{% for table in tables %}{{ m.table(table, "wide") }}{% endfor %}""",
        sentences=[text[0].upper() + text[1:] for text in sentences if text],
        tables=[table for table in tables if table is not None],
    )
    return Section("composition", "Parts of the composite", content)
