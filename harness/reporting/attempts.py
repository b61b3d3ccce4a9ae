"""What failed, of how many attempts: templates in each role, and searches, apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from harness.record.record import Run
from harness.reporting.tables import Table
from harness.reporting.wording import count, percent
from harness.tasks.kinds import task_of
from harness.tasks.results import Outcome

__all__ = ["Attempts", "attempt_table", "attempts_by_role", "searches_tried"]

Attempts = tuple[int, int]
"""How many failed, and how many there were."""


def attempts_by_role(run: Run | None, counts: Mapping[str, int]) -> dict[str, Attempts]:
    """Return how many images the algorithm gave up on, by their role.

    An image is one attempt in each fold that it is in. What is a probe and a reference in a fold is
    a probe; where folds are searched in draws, or images compared with each other, it has no role.

    Parameters
    ----------
    run
        With its answers; None where they are not at hand, and the counts have to say it.
    counts
        Of a run's metrics.

    Returns
    -------
    dict
        By ``probe``, ``reference`` or ``image``; empty where it is not known.
    """
    if run is None:
        return _counted(counts)
    task = task_of(run.protocol)
    failed: Counter[str] = Counter()
    tried: Counter[str] = Counter()
    for fold, answer in zip(run.folds, run.answers, strict=True):
        if fold.numbered:
            return _counted(counts)  # of references without names there is a number alone
        apart = bool(fold.gallery) and not task.square and not task.drawn
        roles = dict.fromkeys(fold.gallery, "reference" if apart else "image")
        roles |= dict.fromkeys(fold.probes, "probe" if apart else "image")
        tried.update(roles.values())
        failed.update(role for name, role in roles.items() if name in answer.failures)
    known = ("probe", "reference", "image")
    return {role: (failed[role], tried[role]) for role in known if tried[role]}


def _counted(counts: Mapping[str, int]) -> dict[str, Attempts]:
    kinds = {"probe": "searches", "reference": "references"}
    return {
        role: (counts[f"failed_{role}s"], counts[name])
        for role, name in kinds.items()
        if name in counts and f"failed_{role}s" in counts and "draws" not in counts
    }


def searches_tried(outcome: Outcome) -> Attempts:
    """Return how many searches gave no candidate with a score, and how many were made."""
    made = [search for search in outcome.searches if search.gallery]
    empty = (all(one.score is None for one in search.candidates) for search in made)
    return sum(search.failed or none for search, none in zip(made, empty, strict=True)), len(made)


def attempt_table(run: Run | None, outcome: Outcome, *, templates: bool) -> Table | None:
    """Return what failed; None where nothing is known of it.

    Parameters
    ----------
    run
        With its answers, where they are at hand.
    outcome
        That follows from them.
    templates
        Whether the algorithm was asked for templates of images, and not for their scores.
    """
    counts = outcome.metrics.counts
    made = "Templates of {}" if templates else "Answers to {}"
    rows = [
        (made.format(f"{role}s"), *_cells(*found))
        for role, found in attempts_by_role(run, counts).items()
    ]
    failed, searched = searches_tried(outcome)
    if searched:
        rows.append(("Lists of candidates", *_cells(failed, searched)))
    elif "failed_comparisons" in counts:
        compared = sum(counts.get(f"{kind}_comparisons", 0) for kind in ("mated", "nonmated"))
        rows.append(("Scores of comparisons", *_cells(counts["failed_comparisons"], compared)))
    if not rows:
        return None
    columns = ("What was asked for", "Failed", "Of", "Rate")
    return Table("What the algorithm failed to give", columns, tuple(rows))


def _cells(failed: int, tried: int) -> tuple[str, str, str]:
    return (count(failed), count(tried), percent(failed / tried if tried else None))
