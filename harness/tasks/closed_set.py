"""Closed set by AIGTatt's procedure: one reference and one probe of every identity, drawn anew.

Every draw is a search of its own; searches of all draws are pooled, which is the mean over draws
where all of them have the same size. An identity comes back in every draw, so intervals resample
identities.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from harness.api import Matcher
from harness.data.records import Fold, Record
from harness.protocol import Protocol
from harness.results import Outcome
from harness.tasks import identification
from harness.tasks.answers import Answer
from harness.tasks.drawing import closed_set_folds as lay_out
from harness.tasks.drawing import draws_of
from harness.tasks.searches import FoldSearches, identities_of, searches_of, truth_matrix
from harness.tasks.trials import TrialsOf, of_parts

__all__ = [
    "ABILITY",
    "FAILURE_POLICY",
    "METRICS",
    "comparisons",
    "judge",
    "lay_out",
    "training_truth",
    "trials",
    "truth_matrix",
]

ABILITY = Matcher
METRICS = identification.METRICS
NEEDS = ("two-pictures",)
FAILURE_POLICY = identification.FAILURE_POLICY
training_truth = identification.training_truth
comparisons = identification.comparisons


def judge(
    folds: Sequence[Fold],
    answers: Sequence[Answer],
    records: Mapping[str, Record],
    protocol: Protocol,
) -> Outcome:
    """Compute every number of a run from its raw scores.

    Parameters
    ----------
    folds, answers
        In the same order; an answer's scores have shape (probes, references) of all draws.
    """
    outcome = identification.measured(searches_in(folds, answers, records), protocol)
    counts = outcome.metrics.counts
    counts["draws"] = counts["folds"]
    counts["folds"] = len(folds)
    counts["training_images"] = len({name for fold in folds for name in fold.train})
    return outcome


def trials(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record], _: object
) -> TrialsOf:
    """Return what gives the trials of a metric, draw by draw."""
    return of_parts(searches_in(folds, answers, records), folds, answers, records)


def searches_in(
    folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
) -> list[FoldSearches]:
    """Return the searches of every draw, with identities as they are over all draws."""
    parts = list(draws_of(folds, answers))
    return searches_of(
        [part for _, part, _ in parts], [a for _, _, a in parts], records, identities_of(folds)
    )
