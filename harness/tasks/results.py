"""The numbers of a run, as they are kept in `metrics.json` and `curves.json`."""

from __future__ import annotations

import msgspec

from harness.statistics.estimate import Estimate

SAME_PHOTOGRAPH = "with a mate of the same photograph"
OTHER_PHOTOGRAPH = "with mates of other photographs alone"
"""Parts of the trials of a run: those in which a copy can be found, and the others."""


class FoldMetrics(msgspec.Struct):
    """One fold's counts and the values of every metric in it."""

    name: str
    counts: dict[str, int]
    values: dict[str, float | None]


class TagFigures(msgspec.Struct):
    """What a run makes of one tag, over the images of all folds.

    Parameters
    ----------
    images
        That carry it.
    average_precision, low, high, chance
        Of the images ranked by its score, with its 95 % interval, and that of a random order.
    precision, recall, f1
        At the protocol's threshold.
    """

    tag: str
    images: int
    average_precision: float | None
    low: float | None
    high: float | None
    chance: float | None
    precision: float | None
    recall: float | None
    f1: float | None


class Metrics(msgspec.Struct, omit_defaults=True):
    """All numbers of a run; equal inputs give equal bytes.

    Parameters
    ----------
    task
        Kind of question, e.g. ``identification``.
    headline
        Id of the protocol's one headline metric.
    counts
        Over all folds: identities, searches or images, comparisons, failures; fewest and most
        references that a probe is searched among.
    pooled
        By metric id, over the probes of all folds together.
    folds
        The same per fold.
    tags
        Tagging: every tag for itself.
    subsets
        The same over a part of the trials: `SAME_PHOTOGRAPH` and `OTHER_PHOTOGRAPH`.
    """

    task: str
    headline: str
    counts: dict[str, int]
    pooled: dict[str, Estimate]
    folds: list[FoldMetrics]
    tags: list[TagFigures] = []
    subsets: dict[str, dict[str, Estimate]] = {}


class Curves(msgspec.Struct, omit_defaults=True):
    """What the plots draw: each a table of columns of equal length (empty where it does not apply).

    Parameters
    ----------
    cmc
        ``rank, hit_rate, low, high, chance, chance_low, chance_high``.
    det
        ``fmr, fnmr`` (detection: false and missed detection rate; open set: FPIR and FNIR),
        thinned. Open set: ``chance``, the FNIR of scores that say nothing, in the same draws.
    distribution
        ``low, high`` edges of each bin; ``mated, nonmated`` share of the comparisons in it
        (detection: tattoo and non-tattoo images).
    open_set
        ``fpir, fnir, chance`` at rank 1, thinned: of searches among references with numbers.
    confusion
        By answer, the number of images of each class, classes in the order of the answers; the last
        column, without a name, counts failures.
    reliability
        ``low, high`` edges of each bin of the highest probability; ``images`` in it, their mean
        ``confidence`` and ``accuracy``. Empty bins are left out.
    """

    cmc: dict[str, list[float]] = {}
    det: dict[str, list[float]] = {}
    distribution: dict[str, list[float]] = {}
    open_set: dict[str, list[float]] = {}
    confusion: dict[str, list[float]] = {}
    reliability: dict[str, list[float]] = {}


class Candidate(msgspec.Struct, gc=False):
    """One line of a candidate list, with the truth beside it."""

    reference: str
    score: float | None
    mated: bool


class Judgement(msgspec.Struct):
    """One search (or, for detection, one image), as the report and `compare` need it.

    Parameters
    ----------
    rank
        Of the best mate, ties against the algorithm; None if it was missed or has no mate.
    mates, gallery
        Number of mates and of references searched.
    score
        Of the best mate; for detection, of the image.
    best_nonmate
        Highest score of a non-mate.
    truth, correct
        Detection: the label, and whether the decision agrees with it.
    values
        Measurements of this one image, by metric id, where metrics are means over images.
    candidates
        The head of the candidate list.
    """

    fold: str
    probe: str
    identity: str
    rank: int | None = None
    mates: int = 0
    gallery: int = 0
    average_precision: float | None = None
    score: float | None = None
    best_nonmate: float | None = None
    failed: bool = False
    same_source: bool = False
    truth: str = ""
    correct: bool | None = None
    values: dict[str, float | None] = {}
    candidates: list[Candidate] = []


class Failure(msgspec.Struct):
    """An image that the algorithm gave up on, and what it said."""

    fold: str
    name: str
    role: str
    reason: str


class Outcome(msgspec.Struct):
    """Everything that follows from the raw scores of a run."""

    metrics: Metrics
    curves: Curves
    searches: list[Judgement]
    failures: list[Failure]
