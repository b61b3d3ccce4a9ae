"""PyEER's own EER of the same scores: a check by a program that shares no code with this one.

PyEER takes the middle of the interval of FVC2000 (Maio et al. 2002), ours is an interpolation of
the DET, so on the same scores the two differ by no more than the step of the curve at which the
error rates cross (`ScoreLists.step`). A larger difference says that the scores are not the same.
"""

from __future__ import annotations

import importlib
import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata

import numpy as np

from harness.data.records import Fold
from harness.errors.absent import known_absence
from harness.metrics.ids import Metric
from harness.scorefiles.distributions import ScoreLists, comparisons_in, split_scores
from harness.tasks import score_lists
from harness.tasks.answers import Answer
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol

__all__ = [
    "MOST_COMPARISONS",
    "IndependentEer",
    "metric_of",
    "opinion_on",
    "pyeer_eer",
    "rank_of",
    "scores_behind",
]

MOST_COMPARISONS = 2_000_000
"""Above this PyEER is not run: it takes about 3 s for a million and 160 bytes for each."""


@dataclass(frozen=True)
class IndependentEer:
    """What another program says, or why it says nothing.

    Parameters
    ----------
    program
        Name and version.
    value
        Its EER in [0, 1]; None where it could not be computed.
    reason
        Why not; empty where there is a value.
    tolerance
        By how much ours of the same scores may differ.
    """

    program: str
    value: float | None
    reason: str = ""
    tolerance: float | None = None


def metric_of(protocol: Protocol) -> Metric | None:
    """Return the equal error rate among a protocol's metrics, of comparisons or of searches.

    None where it has none, or where it is not of comparisons.
    """
    if not task_of(protocol).compares:
        return None
    return next((m for m in protocol.metric_ids if m.name in ("eer", "open-set-eer")), None)


def scores_behind(
    protocol: Protocol, folds: Sequence[Fold], answers: Sequence[Answer]
) -> ScoreLists:
    """Return the scores that the equal error rate of a run is made of, and so its other rates."""
    if not task_of(protocol).names_images:
        return ScoreLists(*score_lists.scores_of(folds, answers))
    return split_scores(folds, answers, rank=rank_of(protocol))


def opinion_on(
    protocol: Protocol, folds: Sequence[Fold], answers: Sequence[Answer]
) -> IndependentEer:
    """Let PyEER compute the EER of a run, whose scores are only listed if they are few enough."""
    if task_of(protocol).names_images and rank_of(protocol) is None:
        comparisons = comparisons_in(folds, answers)
        if comparisons > MOST_COMPARISONS:
            return _too_many(comparisons, MOST_COMPARISONS)
    return pyeer_eer(scores_behind(protocol, folds, answers))


def _too_many(comparisons: int, most: int) -> IndependentEer:
    reason = f"not run on more than {most:,} comparisons, these are {comparisons:,}"
    return IndependentEer("PyEER", None, reason)


def rank_of(protocol: Protocol) -> int | None:
    """Return the rank at which a protocol's open-set errors are read; None for comparisons'."""
    searched = [m for m in protocol.metric_ids if m.name in ("open-set-eer", "fnir")]
    ranked = sorted(searched, key=lambda metric: metric.name != "open-set-eer")
    return int(dict(ranked[0].options)["rank"]) if ranked else None


def pyeer_eer(lists: ScoreLists, *, most: int = MOST_COMPARISONS) -> IndependentEer:
    """Let PyEER compute the EER; what is missing or broken of it becomes a reason, not an error.

    Parameters
    ----------
    lists
        Of a run, from `split_scores`, or read from files.
    most
        Comparisons above which it is not run.

    Examples
    --------
    >>> few = ScoreLists(np.array([2.0]), np.array([]))
    >>> pyeer_eer(few).reason
    'there are no non-mated scores'
    """
    program = "PyEER"
    comparisons = len(lists.mated) + len(lists.nonmated)
    for what, scores in (("mated", lists.mated), ("non-mated", lists.nonmated)):
        if not len(scores):
            return IndependentEer(program, None, f"there are no {what} scores")
    if comparisons > most:
        return _too_many(comparisons, most)
    floored = lists.finite()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # curves may not cross
            program = f"PyEER {metadata.version('pyeer')}"
            # As its `eer_info` does, which loads Matplotlib and pkg_resources for its own reports.
            stats = importlib.import_module("pyeer.eer_stats")
            mated, nonmated = np.asarray(floored.mated), np.asarray(floored.nonmated)
            _, matches, misses = stats.calculate_roc(mated, nonmated, rates=False)
            fmr, fnmr = matches / len(nonmated), misses / len(mated)
            value = float(stats.get_eer_values(fmr, fnmr)[-1])
    except ImportError as reason:
        absent = known_absence(reason)
        why = f"it needs {absent}" if absent else f"it cannot be imported: {reason}"
        return IndependentEer(program, None, why)
    except Exception as reason:
        # Whatever fails inside another program is not our failure.
        return IndependentEer(program, None, f"it failed: {type(reason).__name__}: {reason}")
    if not math.isfinite(value):
        return IndependentEer(program, None, f"it returned {value}")
    if fmr[-1] > fnmr[-1]:
        # Its highest threshold lets the highest score pass, and then it answers 1.
        why = "above its highest threshold, where the two error rates cross, it does not look"
        return IndependentEer(program, None, why)
    return IndependentEer(program, value, tolerance=lists.step)
