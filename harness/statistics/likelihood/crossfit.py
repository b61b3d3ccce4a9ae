"""Calibration on some folds, judgement on another: no calibrator sees what it is judged on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.statistics.likelihood.calibration import CALIBRATORS, Calibrator
from harness.statistics.likelihood.scores import Floats, Scores

Identities: TypeAlias = npt.NDArray[Any]


@dataclass(frozen=True, eq=False)
class FoldScores:
    """The comparisons of one fold, with the identities that they join.

    Parameters
    ----------
    name
        Of the fold.
    mated
        Scores, shape (m,); ``-inf`` for a failed comparison.
    mated_identity
        Integers or strings, shape (m,): identity of probe and reference.
    nonmated
        Scores, shape (n,); ``-inf`` for a failed comparison, where failures are kept at all.
    nonmated_probe, nonmated_reference
        Integers or strings, shape (n,): identities of both, named as in `mated_identity` in all
        folds.

    Raises
    ------
    ValueError
        If shapes differ.
    """

    name: str
    mated: Scores
    mated_identity: Identities
    nonmated: Scores
    nonmated_probe: Identities
    nonmated_reference: Identities

    def __post_init__(self) -> None:
        shapes = {np.shape(self.nonmated_probe), np.shape(self.nonmated_reference)}
        if np.shape(self.mated) != np.shape(self.mated_identity) or shapes != {
            np.shape(self.nonmated)
        }:
            raise ValueError(f"fold {self.name}: every comparison needs the identities it joins")


@dataclass(frozen=True, eq=False)
class JudgedFold:
    """One fold's LLRs, and where the calibrator that gave them comes from.

    Parameters
    ----------
    name
        Of the fold.
    mated, nonmated
        float64, shapes (m,) and (n,): natural-log LLRs in the order of the fold's scores.
    calibrator
        Fitted on `calibrated_on` only.
    calibrated_on
        Names of the other folds.
    calibration_mated, calibration_nonmated
        Comparisons that it was fitted on.
    left_out
        Comparisons of the other folds that share an identity with this one and so were not used.
    """

    name: str
    mated: Floats
    nonmated: Floats
    calibrator: Calibrator
    calibrated_on: tuple[str, ...]
    calibration_mated: int
    calibration_nonmated: int
    left_out: int


def cross_fit(folds: Sequence[FoldScores], method: str = "logistic") -> list[JudgedFold]:
    """Turn every fold's scores into LLRs with a calibrator fitted on all the other folds.

    Folds with disjoint images may still share identities. A fold's own identities are those of its
    probes and of its mated comparisons; a comparison of another fold that involves one of them is
    left out of the calibration data. Identities that a fold has only among its non-mated references
    (a background gallery that all folds search) do not count as its own.

    Parameters
    ----------
    folds
        Two or more, with different names.
    method
        A name in `harness.statistics.likelihood.calibration.CALIBRATORS`.

    Returns
    -------
    list of JudgedFold
        In the order of `folds`.

    Raises
    ------
    ValueError
        If there are fewer than two folds, two have one name, the method is unknown, a score is NaN
        or ``+inf``, or the folds that a calibrator may see lack mated or non-mated comparisons.

    Examples
    --------
    >>> one, two = (
    ...     FoldScores(
    ...         name,
    ...         np.array([5.0, 6.0]),
    ...         np.array([name + "a", name + "b"]),
    ...         np.array([1.0, 2.0]),
    ...         np.array([name + "a", name + "b"]),
    ...         np.array([name + "b", name + "a"]),
    ...     )
    ...     for name in "12"
    ... )
    >>> judged = cross_fit([one, two], "pav")
    >>> judged[0].calibrated_on, np.exp(judged[0].mated).round(9).tolist()  # (2/3) / (1/3)
    (('2',), [2.0, 2.0])
    """
    names = [fold.name for fold in folds]
    if len(folds) < 2:
        raise ValueError(
            f"likelihood ratios need two folds or more, one to calibrate and one to judge: "
            f"{len(folds)} given"
        )
    if len(set(names)) != len(names):
        raise ValueError(f"two folds have one name: {', '.join(names)}")
    if method not in CALIBRATORS:
        raise ValueError(f"no calibrator {method!r}: expected one of {', '.join(CALIBRATORS)}")
    return [_judge(fold, [f for f in folds if f is not fold], method) for fold in folds]


def _judge(fold: FoldScores, others: Sequence[FoldScores], method: str) -> JudgedFold:
    own = np.unique(np.concatenate([fold.mated_identity, fold.nonmated_probe]))
    mated_free = [~np.isin(f.mated_identity, own) for f in others]
    nonmated_free = [
        ~np.isin(f.nonmated_probe, own) & ~np.isin(f.nonmated_reference, own) for f in others
    ]
    mated = np.concatenate([f.mated[free] for f, free in zip(others, mated_free, strict=True)])
    nonmated = np.concatenate(
        [f.nonmated[free] for f, free in zip(others, nonmated_free, strict=True)]
    )
    if not mated.size or not nonmated.size:
        raise ValueError(
            f"fold {fold.name} cannot be calibrated: the other folds hold {mated.size} mated and "
            f"{nonmated.size} non-mated comparisons without an identity of its own"
        )
    calibrator = CALIBRATORS[method](mated, nonmated)
    return JudgedFold(
        fold.name,
        calibrator.apply(fold.mated),
        calibrator.apply(fold.nonmated),
        calibrator,
        tuple(f.name for f in others),
        mated.size,
        nonmated.size,
        sum(int(np.count_nonzero(~free)) for free in [*mated_free, *nonmated_free]),
    )
