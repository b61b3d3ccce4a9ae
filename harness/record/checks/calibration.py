"""The check on calibration: is the population that calibrates like the one that is judged?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

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
"""Random deals of identities into folds that a difference is held against."""

SCORES, SHARES = 0.5, 0.2
"""Differences that matter: of mean scores in standard deviations, of shares of a column."""

COLUMNS = ("media", "skin", "style")


class OtherCalibration(Check):
    """Likelihood ratios hold for the population that they were calibrated on.

    Each fold is judged by a calibrator of the other folds. It fires where mean scores of a fold's
    identities, mated or non-mated, differ from those of the other folds by more than half a
    standard deviation between identities, or where a medium, a skin tone or a style is more
    frequent by 20 in 100, and in no more than one of a thousand random deals of the identities by
    so much. Calibrate on data of the same kind as those that are judged.
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
            values, whose = _identity_means(folds, kind)
            if not len(values):
                continue
            spread = float(values.std())
            if not spread:
                continue
            seen = apart((values / spread)[:, None], whose, len(names))
            evidence[f"largest difference of {kind} scores, in sd"] = seen.largest
            if seen.largest > SCORES and seen.beyond:
                found.append(f"{kind} scores of fold {names[seen.fold]} ({seen.largest:.2f} sd)")
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


class _Apart:
    """How far one fold lies from the others at most, and whether that is beyond chance."""

    def __init__(self, largest: float, fold: int, beyond: bool) -> None:
        self.largest, self.fold, self.beyond = largest, fold, beyond


def apart(values: Floats, whose: npt.NDArray[np.int64], folds: int) -> _Apart:
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
    object
        ``largest`` (over folds and columns, absolute), ``fold`` of it, and ``beyond``: whether no
        more than one of `DEALS` + 1 deals of the identities reaches it, this one among them.
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
    return _Apart(largest, int(seen.argmax()), sum(one >= largest - 1e-12 for one in dealt) == 0)


def _identity_means(folds: Sequence[FoldScores], kind: str) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Return the mean score of each identity in each fold, and its fold; failures left out."""
    values, whose = [], []
    for i, fold in enumerate(folds):
        scores, names = (
            (fold.mated, fold.mated_identity)
            if kind == "mated"
            else (fold.nonmated, fold.nonmated_probe)
        )
        known = np.isfinite(scores)
        labels, places = np.unique(np.asarray(names)[known], return_inverse=True)
        sums = np.bincount(places, np.asarray(scores, np.float64)[known], len(labels))
        values.append(sums / np.bincount(places, minlength=len(labels)))
        whose.append(np.full(len(labels), i))
    return np.concatenate(values), np.concatenate(whose)


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
