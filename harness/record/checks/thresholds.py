"""The check on thresholds: do scores of one search mean the same as those of another?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.record.checks.check import Check, Verdict, issue, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun, Searched

__all__ = ["NotThresholdable", "missed_at"]

Floats: TypeAlias = npt.NDArray[np.float64]

FPIR = 0.1
"""Share of searches that the threshold may answer without a mate."""

SEARCHES, NONMATES = 20, 5
"""Searches, and non-mates in each, from which something can be said."""

GAIN = 0.25
"""Share of the searches that has to be gained for the check to fire."""

SURE = 0.001
"""Probability of so many gains over losses, were both as likely, below which it fires."""

THRESHOLDED = ("fnir", "fnmr", "eer", "open-set-eer", "auc")
"""Metrics that go by one threshold for all searches."""


class NotThresholdable(Check):
    """A search may rank its mate first and still have no score that means a match.

    Where scores of one search lie higher as a whole than those of another, no threshold serves
    both: lists for an examiner are good, and every decision by a score is not. (NIST prints FNIR
    beside hits within ranks for that reason.) The check takes from each search the mean and the
    spread of its non-mated scores. It fires where, at a threshold that answers one of ten searches
    wrongly, that finds the mates of a quarter of the searches more than the scores as they are, and
    no luck explains it. Scores that are made comparable within the algorithm help.
    """

    code = "not-thresholdable"
    title = "Does one threshold serve all searches?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where none does and the protocol goes by one, a tip elsewhere."""
        if not run.searched:
            return not_applicable(run.no_scores or "no probe has a mate")
        as_they_are, alike = _both(run.searched)
        if len(as_they_are[0]) < SEARCHES:
            return not_applicable(
                f"it takes {SEARCHES} searches with {NONMATES} non-mates each, and there are "
                f"{len(as_they_are[0])}"
            )
        missed, adjusted = missed_at(*as_they_are), missed_at(*alike)
        gained = int((missed & ~adjusted).sum())
        lost = int((adjusted & ~missed).sum())
        first = float((as_they_are[0] > as_they_are[1]).mean())
        evidence: dict[str, float | int | str | None] = {
            "FPIR": FPIR,
            "FNIR of the scores as they are": float(missed.mean()),
            "FNIR with searches made alike": float(adjusted.mean()),
            "searches whose mate is first": first,
            "searches": len(missed),
        }
        if (gained - lost) / len(missed) < GAIN or _luck(gained, lost) >= SURE:
            return passed(
                "one threshold serves all searches about as well as one for each", evidence
            )
        sentence = (
            f"scores of different searches cannot be held against one threshold: it misses "
            f"{missed.mean():.0%} of the mates, and {adjusted.mean():.0%} where each search's own "
            "level and spread are taken off"
        )
        asked = any(name.partition("@")[0] in THRESHOLDED for name in run.metrics.pooled)
        return issue(sentence, evidence) if asked else tip(sentence, evidence)


def missed_at(mates: Floats, nonmates: Floats, fpir: float = FPIR) -> npt.NDArray[np.bool_]:
    """Return which searches miss their mate at the threshold of a false positive rate.

    The lowest threshold at which at most that share of the searches has a non-mate at or above it;
    a mate at or below the highest non-mate that is let through by no more is missed.

    Parameters
    ----------
    mates, nonmates
        Best score of each kind, shape (searches,), ``-inf`` where there is none.
    fpir
        In [0, 1).

    Examples
    --------
    >>> mates, others = np.array([0.9, 0.4, 0.8]), np.array([0.1, 0.5, 0.2])
    >>> missed_at(mates, others, 0.0).tolist(), missed_at(mates, others, 0.4).tolist()
    ([False, True, False], [False, False, False])
    """
    allowed = int(np.floor(fpir * len(nonmates) + 1e-9))
    bar = np.sort(nonmates)[::-1][allowed]
    return np.asarray(~(mates > bar))


def _both(folds: Sequence[Searched]) -> tuple[tuple[Floats, Floats], tuple[Floats, Floats]]:
    """Return best mates and best non-mates as they are, and with searches made alike."""
    parts: list[tuple[Floats, Floats, Floats, Floats]] = []
    for fold in folds:
        others = np.where(fold.nonmated, fold.scores, np.nan)
        rows = np.isfinite(others).sum(axis=1) >= NONMATES
        if not rows.any():
            continue
        others, mates = others[rows], fold.best_mates[rows]
        level = np.nanmean(others, axis=1)
        spread = np.nanstd(others, axis=1)
        spread = np.where(spread > 0, spread, 1.0)
        best = fold.best_nonmates[rows]
        parts.append((mates, best, (mates - level) / spread, (best - level) / spread))
    if not parts:
        nothing: Floats = np.empty(0)
        return (nothing, nothing), (nothing, nothing)
    one, two, three, four = (np.concatenate(column) for column in zip(*parts, strict=True))
    return (one, two), (three, four)


def _luck(gained: int, lost: int) -> float:
    """Return how likely so many gains are where gains and losses are as likely (sign test)."""
    from scipy.stats import binom

    return float(binom.sf(gained - 1, gained + lost, 0.5)) if gained else 1.0
