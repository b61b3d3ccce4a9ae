"""What is asked of all non-mated scores, and the passes that it takes to answer exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.sampling import Place, Sample
from harness.matching.tiles import LOWEST
from harness.matching.windows import Side, Window

Floats: TypeAlias = npt.NDArray[np.float32]
Run: TypeAlias = Callable[[Sequence[Window], int], list[Window]]
"""Makes a pass, the number of which counts from 0, with windows at the places of those given."""


@dataclass(eq=False)
class Question:
    """A threshold with a number of false matches, or the EER.

    Parameters
    ----------
    errors
        How many non-mated scores may lie above the score sought; None asks for the EER.
    mated
        Mated scores, rising, ``-inf`` for failures.
    comparisons
        Number of non-mated scores.
    """

    errors: int | None
    mated: Floats
    comparisons: int
    answer: float | None = None

    def __post_init__(self) -> None:
        # What is known: the answer lies from `low` to `high`, and these counts.
        self._low, self._high = LOWEST, np.float32(np.inf)
        self._reaching_low, self._above_high = self.comparisons, 0

    def place(self, sample: Sample, attempt: int) -> Place:
        """Return where to look: first where the sample points, then wherever it may still be.

        A later window holds all that is left, and narrows around the best guess as it fills.
        """
        centre = min(max(self._guess(sample), float(self._low)), float(self._high))
        if attempt:
            return float(self._low), float(self._high), centre
        if self.errors is None:
            low, high = sample.window_at_crossing(self.mated)
        else:
            low, high = sample.window_at_rate((self.errors + 1) / self.comparisons)
        return min(low, centre), max(high, centre), centre

    def ask(self, window: Window) -> None:
        """Take the answer from a window, or learn on which side of it the answer lies."""
        if self.errors is None:
            found = window.equal_error_rate(self.mated, self.comparisons)
        else:
            found = window.bar(self.errors)
        if found is Side.BELOW and window.low <= self._high:
            self._high = np.nextafter(window.low, LOWEST)
            self._above_high = window.above + int(window.kept()[1].sum())
        elif found is Side.ABOVE and window.high >= self._low:
            self._low = np.nextafter(window.high, np.float32(np.inf))
            self._reaching_low = window.above
        elif isinstance(found, float):
            self.answer = found
        if self._low > self._high:
            raise RuntimeError(
                f"two passes over the same scores disagree: the answer is not below {self._low} "
                f"and not above {self._high}"
            )

    def _guess(self, sample: Sample) -> float:
        """Return about where the answer is: the sample, drawn to the counts that are known."""
        scores = sample.between(self._low, self._high)
        if not len(scores):
            return float(np.clip([self._low, self._high], -1.0, 1.0).mean())
        between = max(1, self._reaching_low - self._above_high)
        if self.errors is None:
            share = np.arange(1, len(scores) + 1) / (len(scores) + 1)
            missed = np.searchsorted(self.mated, scores, side="left") / len(self.mated)
            fmr = (self._above_high + share * between) / self.comparisons
            place = int(np.searchsorted(fmr - missed, 0.0))
        else:
            place = (self.errors - self._above_high) * len(scores) // between
        return float(scores[min(place, len(scores) - 1)])


def answer_all(
    questions: Sequence[Question], sample: Sample | None, capacity: int, run: Run
) -> tuple[int, Window | None]:
    """Make passes until every question has its answer.

    Every pass settles where the scores that its windows kept stand, and the next looks at the
    others only, so there is an end; one pass is the rule.

    Parameters
    ----------
    sample
        Where to look first; None to keep all scores, which must then fit.
    capacity
        Of a window.

    Returns
    -------
    passes
        From 1: the first is made even without a question, for what else it gathers.
    top
        The first window that reaches to the highest score, if any.
    """
    passes = 0
    top: Window | None = None
    while not passes or any(question.answer is None for question in questions):
        waiting = [question for question in questions if question.answer is None]
        if not waiting:
            places = []
        elif sample is None:
            places = [(float(LOWEST), float("inf"), 0.0)]
        else:
            places = _places(waiting, sample, capacity, passes)
        windows = run([Window(*place, capacity) for place in places], passes)
        for question in waiting:
            for window in windows:
                if question.answer is None:
                    question.ask(window)
        reaching = [window for window in windows if window.high == np.inf]
        top = top or (reaching[0] if reaching else None)
        passes += 1
    return passes, top


def answer_of(question: Question) -> float:
    """Return the answer of a question that `answer_all` saw to."""
    if question.answer is None:
        raise RuntimeError("a question was left without an answer")
    return question.answer


def _places(
    waiting: Sequence[Question], sample: Sample, capacity: int, attempt: int
) -> list[Place]:
    """Return where to look: one place for all questions about the few highest scores."""
    few = [q for q in waiting if q.errors is not None and 3 * q.errors < capacity]
    places = [q.place(sample, attempt) for q in waiting if q not in few]
    if few:
        lowest = min(q.place(sample, attempt)[0] for q in few)
        places.append((lowest, float("inf"), float("inf")))
    return places
