"""What a report shows of one kind of question alone: a section with words, tables and pictures."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.data.records import Record
from harness.tasks.results import Outcome

if TYPE_CHECKING:
    from markupsafe import Markup

MODULES = {
    "style": "harness.reporting.sections.style",
    "segmentation": "harness.reporting.sections.segmentation",
    "search": "harness.reporting.sections.search",
}
"""By task: a module with ``section(told: Told) -> Section | None``."""


@dataclass(frozen=True)
class SectionInput:
    """What a section is made from.

    Parameters
    ----------
    folder
        Of the run, with its answers.
    outcome
        What came out.
    records
        By name; their files may be gone.
    """

    folder: Path
    outcome: Outcome
    records: Mapping[str, Record]


@dataclass(frozen=True)
class Section:
    """A section of a report.

    Parameters
    ----------
    name
        Id of the section, unique in the page.
    heading
        Its title.
    content
        Finished and escaped HTML, with headings from level 3 down.
    rules
        Sentences for "How it was counted".
    """

    name: str
    heading: str
    content: Markup
    rules: tuple[str, ...] = ()


def sections_of(told: SectionInput) -> list[Section]:
    """Return the sections of a run's own kind of question; none where there is nothing to show."""
    place = MODULES.get(told.outcome.metrics.task)
    if place is None:
        return []
    found: Section | None = importlib.import_module(place).section(told)
    return [] if found is None else [found]
