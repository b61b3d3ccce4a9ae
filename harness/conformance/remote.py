"""An algorithm in a process of its own, asked as if it were an object in this one.

So the checks that need nothing but answers can be run where the algorithm cannot reach them: what
its process says about itself does not count.
"""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from harness.api import Algorithm, FailureToEnroll, Image, Matcher, TrainingSet
from harness.conformance.agreement import Fault
from harness.errors import RunFailed
from harness.execution.answers import checked_scores
from harness.execution.bounds import Bounds, Started
from harness.execution.conversation import (
    Conversation,
    conversation,
)
from harness.execution.doing import Stopped
from harness.execution.jobs import Lesson
from harness.execution.unit import DESCRIPTION, REFERENCE, Unit

LARGEST_ANSWER = 1 << 27
"""Bytes that the answer to one small picture may have."""

T = TypeVar("T")


class RemoteKind:
    """What stands for the class of an algorithm; calling it gives what stands for an instance.

    Parameters
    ----------
    unit
        Which algorithm, with which parameters and ability.
    learns, cosine, control, sees
        From its description.
    folder
        For logs.
    hidden
        Of which its processes may read nothing.
    threads, bounds
        Of its processes.
    until
        Time (monotonic) at which all of them are given up.
    """

    def __init__(
        self,
        unit: Unit,
        *,
        learns: bool,
        cosine: bool,
        control: bool,
        sees: str,
        folder: Path,
        hidden: Iterable[Path],
        threads: int,
        bounds: Bounds,
        until: float,
    ) -> None:
        self.fit: Any = self if learns else Algorithm.fit
        self.sees, self.cosine, self.learns, self.control = sees, cosine, learns, control
        self._unit, self._folder, self._hidden = unit, folder, tuple(hidden)
        self._threads, self._bounds = threads, bounds
        self.owner: RemoteAlgorithm | None = None
        self._stop = threading.Event()
        self._clock = threading.Timer(max(0.0, until - time.monotonic()), self._stop.set)
        self._clock.daemon = True
        self._clock.start()

    @property
    def is_overdue(self) -> bool:
        """Whether it has taken longer than it may."""
        return self._stop.is_set()

    def __call__(self, **parameters: Any) -> RemoteAlgorithm:
        """Return a new algorithm; its parameters are those of the unit."""
        return RemoteAlgorithm(self, int(self._unit.parameters.get("seed", 0)))

    def open(self, stack: ExitStack) -> Conversation:
        """Start a process."""
        return stack.enter_context(
            conversation(
                self._unit,
                log=self._folder / "examination.log",
                threads=self._threads,
                limits=Started.now(self._bounds),
                stop=self._stop,
                hidden=self._hidden,
            )
        )

    def close(self) -> None:
        """End the process that is still there."""
        self._clock.cancel()
        if self.owner is not None:
            self.owner.close()


class RemoteAlgorithm:
    """What stands for an algorithm: fit or load it first, then ask it."""

    def __init__(self, kind: RemoteKind, seed: int) -> None:
        self.seed = seed
        self._kind = kind
        self._stack = ExitStack()
        self._talk: Conversation | None = None
        self._train: TrainingSet | None = None
        self._model: Path | None = None
        for method in ("extract", "detect", "tag", "segment", "remove"):
            setattr(self, f"{method}_batch", self._batch)
            setattr(self, method, lambda image: self._batch([image])[0])

    def fit(self, train: TrainingSet) -> None:
        """Learn, if it learns, in a new process."""
        self._train = train
        if not self._kind.learns and self._take_over():
            self._ask(lambda talk: talk.load(None))
            return
        self._ask(lambda talk: None)

    def load(self, place: Path) -> None:
        """Become what was saved in a folder, in the process that there is."""
        self._model = place
        self._take_over()
        self._ask(lambda talk: talk.load(place))

    def save(self, place: Path) -> None:
        """Save what was learned into a folder."""

        def act(talk: Conversation) -> None:
            shutil.copytree(talk.save(), place, symlinks=True, dirs_exist_ok=True)

        self._ask(act)
        self._model = place

    def compare(self, probes: Sequence[Any], references: Sequence[Any]) -> npt.NDArray[Any]:
        """Score every probe against every reference as the harness does: probe by probe.

        See `Matcher.compare`: floating point, shape (probes, references).
        """
        if self._kind.cosine:
            return Matcher.compare(self, probes, references)  # type: ignore[arg-type]
        count = len(references)

        def act(talk: Conversation) -> npt.NDArray[Any]:
            talk.references(references)
            rows = [talk.compare(probe, count, None, max(1, count)) for probe in probes]
            return np.concatenate([checked_scores(r, (1, count), "compare") for (r,) in rows])

        return self._ask(act)

    def enrol(self, image: Image) -> Any:
        """Make the template of a reference, as the harness has it made.

        Raises
        ------
        FailureToEnroll
            If the algorithm gives up on the picture.
        """

        def act(talk: Conversation) -> Any:
            return talk.batch([image], [LARGEST_ANSWER], role=REFERENCE)

        (made,) = self._ask(act)
        if isinstance(made, FailureToEnroll):
            raise made
        return made

    def describe_text(self, query: str) -> Any:
        """Make the template of a description, or return a `FailureToEnroll`."""
        text = np.frombuffer(query.encode(), np.uint8)
        return self._ask(lambda talk: talk.batch([text], [LARGEST_ANSWER], role=DESCRIPTION))[0]

    def finalise(self, references: Sequence[Any]) -> None:
        """Give a searcher its gallery."""
        self._ask(lambda talk: talk.references(references))

    def search(self, probe: Any, length: int) -> Any:
        """Have a searcher answer, whatever that is."""
        return self._ask(lambda talk: talk.search(probe, length))

    def answer(self, truth: npt.NDArray[np.bool_], rng: np.random.Generator) -> Any:
        """Answer as a control, in the shape of `truth`; its process makes the generator anew."""
        return self._ask(lambda talk: talk.answer(truth, [int(rng.integers(1 << 31))]))

    def close(self) -> None:
        """End the process."""
        self._talk = None
        self._stack.close()

    def _batch(self, images: Sequence[Image]) -> Any:
        pictures = list(images)
        return self._ask(lambda talk: talk.batch(pictures, [LARGEST_ANSWER] * len(pictures)))

    def _ask(self, act: Callable[[Conversation], T]) -> T:
        """Do something with the process; one that failed is replaced the next time.

        Raises
        ------
        Fault
            With what the process, or the harness, says about the failure.
        """
        try:
            return act(self._talk or self._begin())
        except RunFailed as reason:
            self.close()
            unit = self._kind._unit
            text = str(reason).partition("\n  log: ")[0]
            raise Fault(text.removeprefix(f"{unit.algorithm}, {unit.name}: ")) from None
        except Stopped:
            self.close()
            raise Fault(
                "the checks were not done in time; give the class a preset 'check' with which it "
                "trains in seconds"
            ) from None
        except BaseException:
            self.close()
            raise

    def _begin(self) -> Conversation:
        owner = self._kind.owner
        if owner is not None and owner is not self:
            owner.close()
        self._kind.owner = self
        talk = self._talk = self._kind.open(self._stack)
        if self._model is None and self._train is not None and self._kind.learns:
            talk.picture = self._picture
            talk.begin(self._lesson(self._train))
        else:
            talk.begin()
            if self._model is not None:
                talk.load(self._model)
        return talk

    def _take_over(self) -> bool:
        """Take the process of the algorithm before, so that nothing is imported twice."""
        owner = self._kind.owner
        if owner is None or owner._talk is None:
            return False
        self._talk, owner._talk = owner._talk, None
        self._stack = owner._stack.pop_all()
        self._kind.owner = self
        return True

    def _lesson(self, train: TrainingSet) -> Lesson:
        vocabulary = list(train.vocabulary)
        return Lesson(
            count=len(train),
            identities=train.identities.tolist(),
            mated=[(i, j) for i, j in train.mated.tolist()],
            tattoo=train.tattoo.tolist(),
            tags=[np.flatnonzero(row).tolist() for row in train.tags],
            vocabulary=vocabulary,
            masks=True,
            clean=True,
        )

    def _picture(self, kind: str, index: int) -> npt.NDArray[Any]:
        train = self._train
        if train is None or not 0 <= index < len(train):
            raise Fault(f"its process asked for {kind} {index}, which there is not")
        sources = {"image": train.images, "mask": train.masks, "clean": train.clean}
        return np.asarray(sources[kind][index])
