"""The section on single decisions, as grids of pictures: the surest, wrong and right."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.api import Detector
from harness.reporting.drawing.thumbnails import Pictures
from harness.reporting.sections.section import Section, SectionInput, filled_from
from harness.reporting.tables import Table
from harness.reporting.thresholds import missing
from harness.reporting.wording import count, interval, percent
from harness.statistics.estimate import Estimate
from harness.tasks.results import Judgement, Outcome
from harness.tasks.task import Task

SHOWN = 12
"""Images of each kind."""

RULES = (
    "An image is decided to show a tattoo when its score is at or above the threshold.",
    "Guessing is the chance level: a result means something only by how far it lies above that.",
)


def section(run: SectionInput) -> Section | None:
    """Return the section; None where images were not decided about."""
    if run.task.ability is not Detector:
        return None
    found = decisions(run.outcome.searches, SHOWN)
    if not found:
        return Section("decisions", "Surest decisions", rules=RULES)
    pictures = Pictures(run.picture, decided(found), run.kept_for_attack)
    content = filled_from("decisions", decisions=found, image=pictures.address)
    return Section("decisions", "Surest decisions", content, RULES)


@dataclass(frozen=True)
class Decisions:
    """Images of one true label: those decided wrongly and those decided rightly, surest first."""

    truth: str
    images: int
    wrong: int
    failed: int
    surest_wrong: tuple[Judgement, ...]
    surest_right: tuple[Judgement, ...]


def decisions(searches: Sequence[Judgement], number: int) -> list[Decisions]:
    """Return the surest wrong and right decisions per true label, positive label first.

    A label that begins with ``non`` is the negative one: its surest right decisions have the
    lowest scores.
    """
    labels = sorted({s.truth for s in searches if s.truth}, key=lambda t: (t.startswith("non"), t))
    found = []
    for truth in labels:
        of_label = [s for s in searches if s.truth == truth]
        sure = _surest(truth)
        scored = [s for s in of_label if not s.failed and s.score is not None]
        right = sorted((s for s in scored if s.correct), key=sure)
        wrong = sorted((s for s in scored if s.correct is False), key=sure, reverse=True)
        found.append(
            Decisions(
                truth,
                len(of_label),
                sum(s.correct is False for s in of_label),
                sum(s.failed for s in of_label),
                tuple(wrong[:number]),
                tuple(right[:number]),
            )
        )
    return found


def _surest(truth: str) -> Callable[[Judgement], Any]:
    sign = 1.0 if truth.startswith("non") else -1.0
    return lambda s: (sign * (s.score or 0.0), s.fold, s.probe)


def decided(decisions: Iterable[Decisions]) -> list[str]:
    """Return the name of every picture among decisions."""
    return [s.probe for one in decisions for s in (*one.surest_wrong, *one.surest_right)]


def decision_table(task: Task[Any, Any], outcome: Outcome, threshold: float) -> Table | None:
    """Return how many images of either kind were decided wrongly; None where none were decided.

    Parameters
    ----------
    task
        That asks.
    outcome
        Of the run.
    threshold
        From which on an image is decided to show a tattoo.
    """
    if task.ability is not Detector:
        return None
    rows = []
    for one in decisions(outcome.searches, 0):
        right = outcome.metrics.pooled.get(f"{one.truth}-accuracy")
        found = Estimate(None) if right is None else missing(right)
        rows.append(
            (
                "False positives" if one.truth.startswith("non") else "False negatives",
                f"{percent(one.wrong / one.images)} ({count(one.wrong)})",
                count(one.images),
                interval("accuracy", found.low, found.high) or "none",
            )
        )
    if not rows:
        return None
    columns = ("Decision", "Wrong", "Of", "95 % interval")
    return Table(f"Decisions at the score {threshold:g}", columns, tuple(rows))
