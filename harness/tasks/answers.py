"""What a fold's workers return, and the summaries that every task draws from scores."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from harness.api import Image
from harness.data.images import decode
from harness.data.records import Fold, Record
from harness.metrics.verification import ErrorCurve
from harness.tasks import protocol as protocols

if TYPE_CHECKING:
    from harness.matching import MatchResult

BINS = 40
CURVE_POINTS = 400


@dataclass(frozen=True)
class Answer:
    """The raw result of one fold.

    Parameters
    ----------
    scores
        Floating point, of the shape that the task asks for; NaN where an image failed.
    failures
        Reason by name, for images that the algorithm gave up on.
    boxes
        Left, top, width and height in pixels of every tattoo that was detected, by the name of an
        image in which there is one; empty where the algorithm does not say.
    """

    scores: npt.NDArray[np.floating[Any]]
    failures: Mapping[str, str] = field(default_factory=dict)
    boxes: Mapping[str, Sequence[tuple[int, int, int, int]]] = field(default_factory=dict)

    def failed(self, names: Iterable[str]) -> npt.NDArray[np.bool_]:
        """Return which images the algorithm gave up on: bool, shape (names,)."""
        return np.array([name in self.failures for name in names], dtype=bool)


class DrawnAnswer(Answer):
    """Some rows and columns of an answer's scores, which are copied when they are looked at.

    Draws overlap, and all of them together hold several times the scores of their fold.

    Parameters
    ----------
    whole
        The answer that they are drawn from.
    places
        Rows and columns, as `numpy.ix_` returns them.
    failures
        Reason by name, for images of the draw that the algorithm gave up on.
    """

    def __init__(
        self, whole: Answer, places: tuple[npt.NDArray[Any], ...], failures: Mapping[str, str]
    ) -> None:
        facts = {"_whole": whole, "_places": places, "failures": failures, "boxes": whole.boxes}
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    @property
    def scores(self) -> npt.NDArray[np.floating[Any]]:
        """A copy of them, shape (rows, columns)."""
        found: npt.NDArray[np.floating[Any]] = self._whole.scores[self._places]  # type: ignore[attr-defined]
        return found


class ListsOfDraws(Answer):
    """The lists of a fold whose draws were searched one by one, each in a gallery of its own.

    One pair may stand in the list of one draw and outside that of another, so there are no scores
    of the fold as a whole: `scores` are those of all draws, one after another, in one dimension.

    Parameters
    ----------
    draws
        In the order of those of the fold; scores of each have shape (probes, references) of the
        draw, minus infinity outside the list.
    """

    def __init__(self, draws: Sequence[Answer]) -> None:
        failures = {name: why for one in draws for name, why in one.failures.items()}
        facts = {"draws": tuple(draws), "failures": failures, "boxes": {}}
        for name, value in facts.items():
            object.__setattr__(self, name, value)

    draws: tuple[Answer, ...]

    @property
    def scores(self) -> npt.NDArray[np.floating[Any]]:
        """A copy of them, shape (comparisons of all draws,)."""
        return np.concatenate([np.empty(0), *(np.ravel(one.scores) for one in self.draws)])


@dataclass(frozen=True, kw_only=True)
class StreamedAnswer(Answer):
    """The result of a fold with too many comparisons to keep: numbers that follow from all scores.

    Parameters
    ----------
    matching
        What streaming made of the scores; `scores` is empty.
    """

    matching: MatchResult


@dataclass(frozen=True, kw_only=True)
class PictureAnswer(Answer):
    """The result of a fold whose question is a picture: masks, or retouched images.

    Parameters
    ----------
    files
        One PNG per probe, None where it failed; `scores` is empty.
    """

    files: tuple[Path | None, ...]

    def image(self, index: int) -> Image | None:
        """Return the picture of a probe: uint8 RGB; None where it failed."""
        file = self.files[index]
        return None if file is None else decode(file)

    def mask(self, index: int) -> npt.NDArray[np.float32] | None:
        """Return the mask of a probe: shape (height, width), in [0, 1]; None where it failed."""
        image = self.image(index)
        return None if image is None else image[:, :, 0].astype(np.float32) / np.float32(255)


@dataclass(frozen=True)
class Answered:
    """A protocol's folds with their answers: what every number of a run follows from.

    Parameters
    ----------
    folds, answers
        In the same order.
    records
        Those that the folds name.
    protocol
        Whose question is answered.
    """

    folds: Sequence[Fold]
    answers: Sequence[Answer]
    records: Mapping[str, Record]
    protocol: protocols.Protocol

    @property
    def by_fold(self) -> Iterator[tuple[Fold, Answer]]:
        """Each fold with its answer."""
        return zip(self.folds, self.answers, strict=True)


class Counting(Protocol):
    """Answers with the truth about them, which know how many of what they are."""

    def counts(self) -> dict[str, int]:
        """Return what is counted in them."""


def summed(counts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    """Return the sums of what is counted in several parts, by name."""
    total: Counter[str] = Counter()
    for part in counts:
        total.update(part)
    return dict(total)


def finite(value: Any) -> float | None:
    """Return a plain float, or None where there is no finite answer."""
    number = float(value)
    return number if math.isfinite(number) else None


def fold_spread(values: Sequence[float | None]) -> tuple[float | None, float | None]:
    """Return mean and standard deviation (n - 1) over the folds that have a value.

    >>> fold_spread([0.0, 1.0, None])
    (0.5, 0.7071067811865476)
    """
    known = np.array([value for value in values if value is not None], dtype=np.float64)
    if len(known) == 0:
        return None, None
    return float(known.mean()), float(known.std(ddof=1)) if len(known) > 1 else None


def histogram(
    mated: npt.NDArray[np.floating[Any]],
    nonmated: npt.NDArray[np.floating[Any]] | Callable[[], Iterable[npt.NDArray[Any]]],
) -> dict[str, list[float]]:
    """Return the share of finite mated and non-mated scores in `BINS` equal bins.

    The range is that of all finite scores, so that an outlier is seen; empty without scores.

    Parameters
    ----------
    mated, nonmated
        Floating point, shape (comparisons,); what is not finite is left out. Non-mated scores may
        be handed out in blocks, twice.

    Returns
    -------
    dict
        Columns ``low``, ``high``, ``mated``, ``nonmated``, each `BINS` long; shares in [0, 1].
    """

    def of_nonmated() -> Iterator[npt.NDArray[Any]]:
        for block in nonmated() if callable(nonmated) else [nonmated]:
            yield block[np.isfinite(block)]

    mated = mated[np.isfinite(mated)]
    ends = [(part.min(), part.max()) for part in (mated, *of_nonmated()) if len(part)]
    if not ends:
        return {}
    low, high = min(low for low, _ in ends), max(high for _, high in ends)
    if low == high:
        low, high = low - 0.5, high + 0.5
    edges = np.linspace(low, high, BINS + 1)
    shares = []
    for parts in ([mated], of_nonmated()):
        counts, number = np.zeros(BINS, np.int64), 0
        for part in parts:
            counts += np.histogram(part, edges)[0]
            number += len(part)
        shares.append(counts / max(number, 1))
    columns = (edges[:-1], edges[1:], *shares)
    names = ("low", "high", "mated", "nonmated")
    return {name: column.tolist() for name, column in zip(names, columns, strict=True)}


def thin_curve(curve: ErrorCurve) -> dict[str, list[float]]:
    """Return a DET for drawing: at most about `CURVE_POINTS` points of the exact staircase."""
    points = curve.thinned(CURVE_POINTS)
    if len(points.fmr) == 0 or math.isnan(float(points.fmr[0] + points.fnmr[0])):
        return {}
    return {"fmr": points.fmr.tolist(), "fnmr": points.fnmr.tolist()}
