"""The section on what kept the algorithm from the truth."""

from __future__ import annotations

from harness.reporting import wording
from harness.reporting.sections.section import Section, SectionInput, filled


def section(run: SectionInput) -> Section | None:
    """Return the section; None where nothing is known of it."""
    sentences = [
        *wording.protection(run.manifest.protection),
        *wording.examination(run.manifest.examination),
    ]
    if not sentences:
        return None
    content = filled(
        """<ul>
{% for sentence in sentences %}<li>{{ sentence }}</li>
{% endfor %}
</ul>""",
        sentences=sentences,
    )
    return Section("protection", "How this run was protected", content)
