"""What is asked of all non-mated scores, and the passes that it takes to answer exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.sampling import WIDTH, Place, Sample
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
    low: float = float(LOWEST)
    """What is known: the answer lies between `low` and `high`."""
    high: float = float("inf")

    def place(self, sample: Sample, attempt: int) -> Place:
        """Return where to look: wider with every attempt, and within what is known."""
        if attempt > 1:
            low, high, centre = self.low, self.high, self.low
        elif self.errors is None:
            low, high, centre = sample.window_at_crossing(self.mated, WIDTH * 8**attempt)
        else:
            rate = (self.errors + 1) / self.comparisons
            low, high, centre = sample.window_at_rate(rate, WIDTH * 8**attempt)
        low, high = max(low, self.low), min(high, self.high)
        if low > high:
            low, high = self.low, self.high
        return low, high, min(max(centre, low), high)

    def ask(self, window: Window) -> None:
        """Take the answer from a window, or learn on which side of it the answer lies."""
        if self.errors is None:
            found = window.equal_error_rate(self.mated, self.comparisons)
        else:
            found = window.bar(self.errors)
        if found is Side.BELOW:
            self.high = min(self.high, float(np.nextafter(window.low, LOWEST)))
        elif found is Side.ABOVE:
            self.low = max(self.low, float(np.nextafter(window.high, np.float32(np.inf))))
        elif isinstance(found, float):
            self.answer = found


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


def _places(
    waiting: Sequence[Question], sample: Sample, capacity: int, attempt: int
) -> list[Place]:
    """Return where to look: one place for all questions about the few highest scores."""
    few = [q for q in waiting if q.errors is not None and 8 * q.errors < capacity]
    places = [q.place(sample, attempt) for q in waiting if q not in few]
    if few:
        lowest = min(q.place(sample, attempt)[0] for q in few)
        places.append((lowest, float("inf"), float("inf")))
    return places
