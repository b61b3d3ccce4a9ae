"""Scores that may not mean what they are taken for: distances, logits, percentages.

Higher scores mean more alike, or more surely a tattoo, everywhere; a detector's are compared with
the protocol's threshold. Nothing stops where that does not look so: it is said.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.api import Detector
from harness.data.findings import Finding
from harness.data.records import Fold
from harness.tasks.answers import Answer, ListsOfDraws
from harness.tasks.counted import counted
from harness.tasks.drawing import draws_of
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol

__all__ = ["backwards", "look_at_scores"]

Scores = npt.NDArray[np.float64]

_MOST = 4_000_000
"""Elements of a score matrix that is looked at; larger ones are not worth the time."""


def look_at_scores(
    folds: Sequence[Fold], answers: Sequence[Answer], protocol: Protocol
) -> list[Finding]:
    """Return what is odd about the scores of a run, or of somebody else's files.

    Parameters
    ----------
    folds, answers
        In the same order.
    protocol
        Whose question they answer.
    """
    if task_of(protocol).ability is Detector:
        return _outside(answers, protocol.threshold)
    pairs = [
        part
        for fold, answer in zip(folds, answers, strict=True)
        for part in (
            draws_of([(fold, answer)]) if isinstance(answer, ListsOfDraws) else [(fold, answer)]
        )
    ]
    if not all(
        fold.gallery and answer.scores.shape == (len(fold.probes), len(fold.gallery))
        for fold, answer in pairs
    ):
        return []
    if sum(answer.scores.size for answer in answers) > _MOST:
        return []
    mated, nonmated = [], []
    for fold, answer in pairs:
        count = counted(fold)
        mated.append(answer.scores[count.mated])
        nonmated.append(answer.scores[count.nonmated])
    said = backwards(np.concatenate(mated), np.concatenate(nonmated))
    return [Finding("scores-that-rank-backwards", "warning", said)] if said else []


def backwards(mated: Scores, nonmated: Scores) -> str | None:
    """Return that mated scores are lower than non-mated ones, where that is beyond chance.

    Parameters
    ----------
    mated, nonmated
        float64, shape (comparisons,), any number; what is not finite is left out.

    Examples
    --------
    >>> backwards(np.linspace(0, 1, 50), np.linspace(2, 3, 50))[:50]
    'mated scores are lower than non-mated ones in 100%'
    >>> backwards(np.linspace(0, 1, 50), np.linspace(0, 1, 50)) is None
    True
    """
    one, other = (np.sort(scores[np.isfinite(scores)]) for scores in (mated, nonmated))
    if not len(one) or not len(other):
        return None
    below = np.searchsorted(other, one, side="left").sum()
    equal = np.searchsorted(other, one, side="right").sum() - below
    pairs = len(one) * len(other)
    higher = float(below + equal / 2) / pairs
    # The standard deviation of the share, were all scores alike (Mann and Whitney 1947).
    chance = np.sqrt((len(one) + len(other) + 1) / (12 * pairs))
    if higher >= 0.5 - 4 * chance:
        return None
    return (
        f"mated scores are lower than non-mated ones in {1 - higher:.0%} of all pairs of the two: "
        "higher is taken for more alike. If they are distances, change their sign; if the two "
        "lists are exchanged, exchange them"
    )


def _outside(answers: Sequence[Answer], threshold: float) -> list[Finding]:
    scores = np.concatenate([np.ravel(answer.scores) for answer in answers]).astype(np.float64)
    scores = scores[np.isfinite(scores)]
    outside = scores[(scores < 0) | (scores > 1)]
    if not len(outside):
        return []
    text = (
        f"{len(outside):,} of {len(scores):,} scores lie outside of 0 to 1 ({scores.min():.4g} to "
        f"{scores.max():.4g}), and from {threshold:g} on an image counts as one with a tattoo. If "
        "they are percentages, logits or distances to a plane, turn them into shares, or read no "
        "accuracy from them"
    )
    return [Finding("scores-outside-0-to-1", "warning", text, len(outside))]
