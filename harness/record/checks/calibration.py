"""The check on calibration: is the population that calibrates like the one that is judged?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.data.records import Record
from harness.errors import HarnessError
from harness.record.checks.check import Check, Verdict, issue, not_applicable, passed
from harness.record.checks.examined import ExaminedRun
from harness.statistics.likelihood.crossfit import FoldScores

__all__ = ["OtherCalibration", "apart"]

Floats: TypeAlias = npt.NDArray[np.float64]

DEALS = 999
"""Random deals of identities into folds that a difference of shares is held against."""

BY_LUCK = 0.001
"""Probability of a difference of means, over all folds, below which it is none of luck."""

SCORES, SHARES = 0.5, 0.2
"""Differences that matter: of mean scores in standard deviations of scores, of shares."""

COLUMNS = ("media", "skin", "style")


class OtherCalibration(Check):
    """Likelihood ratios hold for the population that they were calibrated on.

    Each fold is judged by a calibrator of the other folds. It fires where the mean of a fold's
    mated or non-mated scores differs from that of the other folds by more than half a standard
    deviation of scores, beyond what one of a thousand sets would show whose identities, as probes
    and as references, are of one kind; and where a medium, a skin tone or a style is more frequent
    by 20 in 100, and in no more than one of a thousand random deals of the identities. Calibrate on
    data of the same kind as those that are judged.
    """

    code = "other-calibration"
    title = "Is the calibration population like the judged one?"

    def look(self, run: ExaminedRun) -> Verdict:
        """Return an issue where folds differ in scores or in what is known of their images."""
        if run.assessment is None:
            return not_applicable("no likelihood ratios were asked for")
        if run.kept is None:
            return not_applicable("the raw scores are not at hand, or too many to be read again")
        try:
            folds = run.task.comparisons(run.kept.folds, run.kept.answers, run.kept.records)
        except (NotImplementedError, ValueError, HarnessError) as reason:
            return not_applicable(str(reason))
        names = [fold.name for fold in folds]
        evidence: dict[str, float | int | str | None] = {}
        found: list[str] = []
        for kind in ("mated", "non-mated"):
            moved = shifted([_labelled(fold, kind) for fold in folds])
            if moved is None:
                continue
            evidence[f"largest difference of {kind} scores, in sd"] = moved.largest
            if moved.largest > SCORES and moved.beyond:
                found.append(f"{kind} scores of fold {names[moved.fold]} ({moved.largest:.2f} sd)")
        for column in COLUMNS:
            tables = list(_shares(run, column))
            if not tables:
                continue
            shares, whose = np.array([row for row, _ in tables]), np.array([f for _, f in tables])
            seen = apart(shares, whose, len(names))
            evidence[f"largest difference of a {column}"] = seen.largest
            if seen.largest > SHARES and seen.beyond:
                found.append(f"{column} of fold {names[seen.fold]} ({seen.largest:.0%})")
        if not evidence:
            return not_applicable("nothing is known that folds could differ in")
        if found:
            return issue(
                f"what calibrates differs from what is judged: {', '.join(found)}; the likelihood "
                "ratios hold for another population",
                evidence,
            )
        return passed("folds that calibrate are like those that are judged", evidence)


@dataclass(frozen=True)
class Apart:
    """How far a fold lies from the others.

    Parameters
    ----------
    largest
        Largest difference over folds, absolute.
    fold
        Place of that fold.
    beyond
        Whether luck does not explain it.
    """

    largest: float
    fold: int
    beyond: bool


Labelled: TypeAlias = tuple[Floats, Sequence[npt.NDArray[Any]]]
"""Scores of a fold, and what they are clustered by: labels, each of the same shape."""


def shifted(folds: Sequence[Labelled]) -> Apart | None:
    """Return how far the mean score of a fold lies from that of all others, in sd of scores.

    The standard error of a fold's mean is that of the means of its clusters, added up over the ways
    in which scores are clustered: probes of a fold meet the same references, so that its scores are
    no independent draws. A difference is beyond luck by Welch's t with the degrees of freedom of
    the fold's smallest number of clusters, for as many folds as there are.

    Parameters
    ----------
    folds
        Scores of each fold, float64, shape (n,), with labels of their clusters, each of shape (n,).

    Returns
    -------
    Apart
        None where two folds with two clusters are lacking, or all scores are the same.
    """
    from scipy.stats import t

    means, errors, freedom, places = [], [], [], []
    for i, (scores, ways) in enumerate(folds):
        by_way = [_cluster_means(scores, labels) for labels in ways]
        if min(map(len, by_way), default=0) < 2:
            continue
        means.append(float(scores.mean()))
        errors.append(sum(float(own.var(ddof=1)) / len(own) for own in by_way))
        freedom.append(min(map(len, by_way)) - 1)
        places.append(i)
    spread = float(np.concatenate([folds[i][0] for i in places]).std()) if places else 0.0
    if len(places) < 2 or not spread:
        return None
    mean, error = np.array(means), np.array(errors)
    others = (mean.sum() - mean) / (len(mean) - 1)
    gaps = np.abs(mean - others)
    both = np.sqrt(error + (error.sum() - error) / (len(mean) - 1) ** 2)
    bars = t.isf(BY_LUCK / 2 / len(mean), np.array(freedom)) * both
    worst = int(np.argmax(gaps))
    return Apart(float(gaps[worst] / spread), places[worst], bool(gaps[worst] > bars[worst]))


def _cluster_means(scores: Floats, labels: npt.NDArray[Any]) -> Floats:
    _, whose = np.unique(labels, return_inverse=True)
    return np.asarray(np.bincount(whose, scores) / np.bincount(whose))


def _labelled(fold: FoldScores, kind: str) -> Labelled:
    """Return the scores of a kind with the identities that they join; failures left out."""
    scores, *labels = (
        (fold.mated, fold.mated_identity)
        if kind == "mated"
        else (fold.nonmated, fold.nonmated_probe, fold.nonmated_reference)
    )
    known = np.isfinite(scores)
    return np.asarray(scores, np.float64)[known], [np.asarray(one)[known] for one in labels]


def apart(values: Floats, whose: npt.NDArray[np.int64], folds: int) -> Apart:
    """Return the largest difference between the mean of a fold and that of all others.

    Parameters
    ----------
    values
        Of each identity, float64, shape (identities, columns).
    whose
        Fold of each identity, int64, shape (identities,), from 0 to `folds`.
    folds
        How many there are.

    Returns
    -------
    Apart
        Over folds and columns; beyond luck where no more than one of `DEALS` + 1 deals of the
        identities reaches it, this one among them.
    """

    def differences(parts: npt.NDArray[np.int64]) -> Floats:
        sums = np.zeros((folds, values.shape[1]))
        np.add.at(sums, parts, values)
        counts = np.bincount(parts, minlength=folds)[:, None].astype(np.float64)
        rest = len(values) - counts
        with np.errstate(invalid="ignore", divide="ignore"):
            gaps = np.abs(sums / counts - (sums.sum(axis=0) - sums) / rest)
        return np.asarray(np.nan_to_num(gaps, nan=0.0).max(axis=1))

    seen = differences(whose)
    rng = np.random.default_rng(0)
    dealt = [float(differences(rng.permutation(whose)).max()) for _ in range(DEALS)]
    largest = float(seen.max())
    return Apart(largest, int(seen.argmax()), sum(one >= largest - 1e-12 for one in dealt) == 0)


def _shares(run: ExaminedRun, column: str) -> Iterator[tuple[Floats, int]]:
    """Yield, for each identity of each fold, the share of its probes with each value of a column.

    Nothing where a probe has no value: what is not known is not held against what is.
    """
    records: Mapping[str, Record] = run.records
    mated_by = run.protocol.data.mated_by
    probes = [[name for name in fold.probes if name in records] for fold in run.folds]
    words = sorted({getattr(records[n], column) or "" for own in probes for n in own})
    if len(words) < 2 or "" in words:
        return
    for i, own in enumerate(probes):
        by_identity: dict[str, list[int]] = {}
        for name in own:
            identity = getattr(records[name], mated_by) or name
            by_identity.setdefault(identity, []).append(words.index(getattr(records[name], column)))
        for places in by_identity.values():
            yield np.bincount(places, minlength=len(words)) / len(places), i
