"""Scores of several matchers as one, weighed by what training images say: `--param first=...`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness import parameter
from harness.api import Composite
from harness.tasks.composites import LEARNED, Fusion


@dataclass
class Fuse(Composite):
    """The score is a natural-log likelihood ratio: a weighted sum of the scores of all parts.

    Weights follow from logistic regression on comparisons of training images of the fold, mated
    and non-mated ones weighing alike; no weight is below 0. Where a part learns, a share of the
    training identities (`held_out`) is held out: all parts that learn are fitted a second time
    without them, and the scores of these strangers are what the weights are learned from. The
    scores that are fused are those of the parts fitted on the whole training set. Where no part
    learns, the whole training set is asked about. A comparison for which a part has no score is
    judged by the others, with weights of their own.

    Where nothing can be learned, `how=z-scores` (the mean of how far each part's score lies above
    those of the search, in standard deviations) and `how=ranks` (the mean share of candidates that
    a part ranks lower) fuse without calibration. Parts are named as in `rerank`.
    """

    first: str = parameter("arcface", "A matcher.")
    second: str = parameter("sift", "Another one.")
    third: str = parameter("", "A third one; none if empty.")
    how: str = parameter(LEARNED, "How scores become one.", choices=(LEARNED, "z-scores", "ranks"))
    held_out: float = parameter(
        0.25,
        "Share of the training identities that weights are learned from, where a part learns.",
        minimum=0.01,
        maximum=0.9,
    )
    comparisons: int = parameter(
        2000, "Mated comparisons, and non-mated ones, of a fold to learn from, at most.", minimum=10
    )

    parts: ClassVar[tuple[str, ...]] = ("first", "second", "third")
    rule: ClassVar[str] = Fusion.__name__
    citation: ClassVar[str] = (
        "Brummer et al., Fusion of heterogeneous speaker recognition systems, IEEE TASLP 15, 2007; "
        "Cermak et al. (WildFusion), ECCV Workshops 2024"
    )
