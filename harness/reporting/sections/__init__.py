"""The sections of a report: one module for each, with ``section(run) -> Section | None``.

A section shows what a run has (a curve, tags, pictures, an assessment) or what its kind of question
says of itself, and is left out where there is nothing to show. A new one is its module and its
place below.
"""

from collections.abc import Callable

from harness.reporting.sections import (
    ageing,
    card,
    checks,
    composition,
    counting,
    decisions,
    differentials,
    discarding,
    errors,
    facts,
    failures,
    folds,
    growth,
    learning,
    likelihood,
    look_alikes,
    masks,
    open_searches,
    protection,
    published,
    qualities,
    reproduction,
    reranking,
    result,
    retouched,
    scores,
    searches,
    sizes,
    styles,
    subsets,
    tags,
    workload,
)
from harness.reporting.sections.section import Section, SectionInput

SECTIONS: tuple[Callable[[SectionInput], Section | None], ...] = (
    result.section,
    checks.section,
    card.section,
    composition.section,
    failures.section,
    searches.section,
    decisions.section,
    retouched.section,
    tags.section,
    styles.section,
    masks.section,
    reranking.section,
    growth.section,
    workload.section,
    errors.section,
    open_searches.section,
    scores.section,
    likelihood.section,
    subsets.section,
    differentials.section,
    ageing.section,
    look_alikes.section,
    sizes.section,
    qualities.section,
    discarding.section,
    published.section,
    folds.section,
    facts.section,
    reproduction.section,
    protection.section,
    counting.section,
    learning.section,
)
"""In the order of the page."""
