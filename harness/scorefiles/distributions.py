"""Mated and non-mated scores without names, as PyEER reads them: one score per line in two files.

Without names there are no searches and no identities: only error rates of comparisons follow, and
no interval, since how far the comparisons depend on each other is not known.
"""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold
from harness.errors import UsageError
from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.metrics.open_set import Searches
from harness.results import Curves, Estimate, FoldMetrics, Metrics, Outcome
from harness.scorefiles.faults import Faults, TooManyFaults
from harness.scorefiles.lines import finite_number, read_lines
from harness.scorefiles.sources import hash_files
from harness.tasks.answers import Answer, finite, histogram, thin_curve
from harness.tasks.counted import counted
from harness.tasks.drawing import draws_of

__all__ = [
    "DEFAULT_METRICS",
    "ScoreLists",
    "judge_score_lists",
    "read_score_lists",
    "split_scores",
]

DEFAULT_METRICS = ("eer", "eer-convex-hull", "fnmr@fmr=0.1", "fnmr@fmr=0.01", "fnmr@fmr=0.001")
NO_INTERVAL = "no interval: the files do not say which comparisons share an identity"


@dataclass(frozen=True, eq=False)
class ScoreLists:
    """The scores of two files.

    Parameters
    ----------
    mated, nonmated
        float64, shape (comparisons,); higher is more alike.
    sha256
        Of what was read; empty where nothing was.
    """

    mated: npt.NDArray[np.float64]
    nonmated: npt.NDArray[np.float64]
    sha256: str = ""

    def finite(self) -> ScoreLists:
        """Return the lists with infinities replaced by the next numbers beyond all other scores.

        For programs that take only finite scores; every error rate stays what it was.

        Examples
        --------
        >>> ScoreLists(np.array([-np.inf, 3.0]), np.array([1.0])).finite().mated < 1.0
        array([ True, False])
        """
        scores = np.concatenate([self.mated, self.nonmated])
        known, limits = scores[np.isfinite(scores)], np.finfo(np.float64)
        floor = np.nextafter(known.min(initial=0.0), limits.min)
        ceiling = np.nextafter(known.max(initial=0.0), limits.max)
        replaced = [
            np.nan_to_num(s, nan=np.nan, neginf=floor, posinf=ceiling)
            for s in (self.mated, self.nonmated)
        ]
        return ScoreLists(replaced[0], replaced[1], self.sha256)

    @property
    def step(self) -> float:
        """Height of the DET's step at which the two error rates cross: FMR's fall plus FNMR's rise.

        Without ties it is at most 1 / mated + 1 / non-mated. Let the rates be (a, b) before the
        step and (a - x, b + y) after it, with a >= b and a - x <= b + y. Every reading of the EER
        (the middle of the interval of FVC2000, an interpolation, either end) lies between b and a
        and between a - x and b + y, so two readings of the same scores differ by x + y at most.
        NaN where a list is empty.
        """
        mated, nonmated = np.sort(self.mated), np.sort(self.nonmated)
        if not len(mated) or not len(nonmated):
            return math.nan
        thresholds = np.unique(np.concatenate([mated, nonmated]))
        refused = np.searchsorted(mated, thresholds, side="right") * len(nonmated)
        passed = len(nonmated) - np.searchsorted(nonmated, thresholds, side="right")
        at = thresholds[int(np.argmax(passed * len(mated) <= refused))]  # nothing passes the last
        tied = np.mean(mated == at) + np.mean(nonmated == at)
        return float(max(tied, 1 / len(mated) + 1 / len(nonmated)))


def read_score_lists(mated: Path, nonmated: Path) -> ScoreLists:
    """Read the scores of mated (genuine) and of non-mated (impostor) comparisons.

    As in PyEER, the score is the last word of a line; names may stand before it.

    Parameters
    ----------
    mated, nonmated
        Files.

    Raises
    ------
    DataError
        With every line that is no finite number.
    """
    faults = Faults()
    scores = []
    with suppress(TooManyFaults):
        scores = [_read(path, faults) for path in (mated, nonmated)]
    faults.stop_if_any("The score files cannot be evaluated.")
    return ScoreLists(scores[0], scores[1], hash_files([mated, nonmated]))


def split_scores(
    folds: Sequence[Fold], answers: Sequence[Answer], *, rank: int | None = None
) -> ScoreLists:
    """Return the mated and the non-mated scores of a run as its error rates count them.

    A mated comparison that failed has the score ``-inf``: a non-match at every threshold. A
    non-mated one that failed is left out, as it cannot be a false match. What the protocol does not
    compare (`harness.tasks.counted`) is in neither list; what several draws compare is there once
    for each.

    Parameters
    ----------
    folds, answers
        In the same order.
    rank
        Where the run's errors are those of open-set searches: the rank within which a mate has to
        be. The mated scores are then those of the searches' mates, ``-inf`` beyond the rank, and
        the non-mated ones the top scores of searches without a mate, ``+inf`` where one failed.
    """
    mated, nonmated = [np.empty(0)], [np.empty(0)]
    for fold, answer in _searched(folds, answers):
        failed = [
            np.array([name in answer.failures for name in names], dtype=bool)
            for names in (fold.probes, fold.gallery)
        ]
        where = counted(fold)
        usable = where.compared & ~(failed[0][:, np.newaxis] | failed[1])
        scores = np.where(usable, answer.scores, -np.inf).astype(np.float64)
        if rank is None:
            mated.append(scores[where.mated])
            nonmated.append(scores[where.nonmated & usable])
        else:
            searches = Searches.of(scores, where.mated).refusals_accused()
            mated.append(searches.found_within(rank))
            nonmated.append(searches.nonmated_tops)
    return ScoreLists(np.concatenate(mated), np.concatenate(nonmated))


def _searched(folds: Sequence[Fold], answers: Sequence[Answer]) -> Iterator[tuple[Fold, Answer]]:
    """Yield what is searched: each fold, or each of its draws."""
    for fold, answer in zip(folds, answers, strict=True):
        if fold.draws:
            yield from ((part, scores) for _, part, scores in draws_of([fold], [answer]))
        else:
            yield fold, answer


def judge_score_lists(lists: ScoreLists, metrics: Sequence[str] = DEFAULT_METRICS) -> Outcome:
    """Compute what follows from scores without names.

    Parameters
    ----------
    lists
        Read before.
    metrics
        Ids of ``eer``, ``eer-convex-hull`` and ``fnmr@fmr=...``; the first is the headline.

    Returns
    -------
    Outcome
        Without searches; its counts have no identities. Every estimate is flagged, as it has no
        interval.

    Raises
    ------
    UsageError
        If a metric needs more than two lists of scores.

    Examples
    --------
    >>> lists = ScoreLists(np.array([2.0, 3.0]), np.array([0.0, 1.0]))
    >>> judge_score_lists(lists, ["eer"]).metrics.pooled["eer"].value
    0.0
    """
    ids = [Metric.parse(text) for text in metrics]
    estimates = {str(metric): _estimate(metric, lists) for metric in ids}
    counts = {
        "mated_comparisons": len(lists.mated),
        "nonmated_comparisons": len(lists.nonmated),
    }
    values = {name: estimate.value for name, estimate in estimates.items()}
    return Outcome(
        metrics=Metrics(
            task="verification",
            headline=str(ids[0]) if ids else "",
            counts={"folds": 1, **counts},
            pooled=estimates,
            folds=[FoldMetrics("all", counts, values)],
        ),
        curves=Curves(
            det=thin_curve(verification.error_curve(lists.mated, lists.nonmated)),
            distribution=histogram(lists.mated, lists.nonmated),
        ),
        searches=[],
        failures=[],
    )


def _read(path: Path, faults: Faults) -> npt.NDArray[np.float64]:
    scores = array("d")
    for number, text in read_lines(path, path.name, faults):
        try:
            scores.append(finite_number(text.split()[-1]))
        except ValueError as reason:
            faults.add("scores that are no numbers", f"{path.name}:{number}", str(reason))
    if not len(scores) and not faults.count:
        faults.add("unreadable files", path.name, "has no score")
    return np.array(scores, dtype=np.float64)


def _estimate(metric: Metric, lists: ScoreLists) -> Estimate:
    options = dict(metric.options)
    flags = [NO_INTERVAL]
    mated, nonmated = lists.mated, lists.nonmated
    if metric.name == "eer":
        value, chance = verification.eer(mated, nonmated), 0.5
    elif metric.name == "eer-convex-hull":
        value, chance = verification.eer_convex_hull(mated, nonmated), 0.5
    elif metric.name == "fnmr" and set(options) == {"fmr"}:
        fmr = float(options["fmr"])
        value, chance = verification.fnmr_at_fmr(mated, nonmated, fmr), 1.0 - fmr
        if not verification.fmr_supported(len(nonmated), fmr):
            flags.append("not supported by this data: too few non-mated comparisons")
    else:
        raise UsageError(
            f"{metric} cannot be computed from mated and non-mated scores without names; known: "
            "eer, eer-convex-hull, fnmr@fmr=..."
        )
    return Estimate(finite(value), n=len(mated), chance=chance, flags=flags)
