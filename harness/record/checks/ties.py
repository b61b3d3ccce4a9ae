"""The check on ties: does the order of equal scores decide what counts?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from harness.metrics.ids import Metric
from harness.record.checks.check import Check, Verdict, issue, named, not_applicable, passed, tip
from harness.record.checks.examined import ExaminedRun, Searched

__all__ = ["TiesDecide", "hits_between", "tied_pairs"]

SOME, MUCH = 0.01, 0.1
"""Shares of mated and non-mated pairs that are tied from which a tip, and an issue, is made."""


class TiesDecide(Check):
    """Equal scores have no order: whoever breaks ties another way reports other figures.

    The harness counts every tie against the algorithm. It fires where a hit rate would rise if ties
    counted for it: as an issue where it would leave its interval, as a tip from one search in a
    hundred on. For error rates it fires where of all pairs of a mated and a non-mated score 10 in
    100 (1 in 100 for a tip) are equal. Scores with more decimals, or more than a few levels, help.
    """

    code = "ties-decide"
    title = "Do ties decide?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue or a tip where ties decide."""
        if not run.searched:
            return not_applicable(run.no_scores or "no probe has a mate")
        metric = Metric.parse(run.metrics.headline)
        found = run.headline
        if metric.name == "hit-rate" and found is not None and found.value is not None:
            against, whole = hits_between(run.searched, int(metric["rank"]))
            evidence: dict[str, float | int | str | None] = {
                "hit rate with ties against the algorithm": against,
                "hit rate with ties for it": whole,
            }
            if whole - against < SOME:
                return passed("no order of equal scores would change the hit rate", evidence)
            what = (
                f"the {named(run.metrics.headline)} would be {whole - against:.3f} higher if equal "
                "scores counted for the algorithm"
            )
            high = found.high
            if high is not None and found.value + whole - against > high + 1e-12:
                return issue(f"{what}: outside of its interval", evidence)
            return tip(what, evidence)
        share = tied_pairs(run.searched)
        if share is None:
            return not_applicable("there are no mated and non-mated scores to be tied")
        evidence = {"pairs of a mated and a non-mated score that are equal": share}
        if share < SOME:
            return passed("next to no mated score equals a non-mated one", evidence)
        what = f"{share:.1%} of all pairs of a mated and a non-mated score are equal"
        return issue(what, evidence) if share >= MUCH else tip(what, evidence)


def hits_between(folds: Sequence[Searched], rank: int) -> tuple[float, float]:
    """Return the hit rates with ties against the algorithm, and for it.

    Parameters
    ----------
    folds
        Whose searches are judged together, at least one; one without a score for a mate is a miss.
    rank
        Within which the best mate has to lie.

    Returns
    -------
    tuple of float
        Both in [0, 1].
    """
    against, whole = [], []
    for fold in folds:
        best = fold.best_mates
        there = np.isfinite(best)
        with np.errstate(invalid="ignore"):
            above = ((fold.scores > best[:, None]) & fold.nonmated).sum(axis=1)
            equal = ((fold.scores == best[:, None]) & fold.nonmated).sum(axis=1)
        against.append(there & (above + equal < rank))
        whole.append(there & (above < rank))
    return float(np.concatenate(against).mean()), float(np.concatenate(whole).mean())


def tied_pairs(folds: Sequence[Searched]) -> float | None:
    """Return the share of pairs of a mated and a non-mated score that are equal; None without any.

    Parameters
    ----------
    folds
        Whose comparisons are judged by one threshold; failed ones are left out.
    """
    mated = np.concatenate([fold.scores[fold.mated] for fold in folds])
    nonmated = np.concatenate([fold.scores[fold.nonmated] for fold in folds])
    mated, nonmated = (part[np.isfinite(part)] for part in (mated, nonmated))
    if not len(mated) or not len(nonmated):
        return None
    nonmated.sort()
    equal = np.searchsorted(nonmated, mated, "right") - np.searchsorted(nonmated, mated, "left")
    return float(equal.mean() / len(nonmated))
