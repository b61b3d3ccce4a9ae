"""Closed set by AIGTatt's procedure: one reference and one probe of every identity, drawn anew.

Every draw is a search of its own; searches of all draws are pooled, which is the mean over draws
where all of them have the same size. An identity comes back in every draw, so intervals resample
identities; and so do comparisons, so the band of chance is simulated, each comparison with one
random score in all draws.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from harness.api import Matcher
from harness.chance import random_hits, widened_band
from harness.data.records import Fold, Record
from harness.protocol import Protocol
from harness.results import Outcome
from harness.tasks import identification
from harness.tasks.answers import Answer
from harness.tasks.drawing import closed_set_folds as lay_out
from harness.tasks.drawing import draws_of, places_of
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
    parts = searches_in(folds, answers, records)
    asked = [int(metric["rank"]) for metric in protocol.metric_ids if metric.name == "hit-rate"]
    largest = max((int(part.gallery.max(initial=1)) for part in parts), default=1)
    # Beyond the end of the gallery every search hits, and nothing varies.
    hits = random_hits(places_of(folds), min(largest, max([protocol.ranks, *asked])))

    def band(rank: int, chances: npt.NDArray[np.float64]) -> tuple[float, float]:
        return widened_band(chances, hits[:, min(rank, hits.shape[1]) - 1])

    outcome = identification.measured(parts, protocol, band)
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
