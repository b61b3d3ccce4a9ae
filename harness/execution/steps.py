"""What a worker does with its algorithm: learn, load, answer pictures, compare templates.

Everything here runs beside code that nobody has read. What comes of it is checked, named and stored
by the harness on the other end of the line; see `harness.execution.keeping`.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.api import (
    ABILITIES,
    METHODS,
    Algorithm,
    Control,
    FailureToEnroll,
    Matcher,
    Searcher,
    Tagger,
    TrainingSet,
    rates,
)
from harness.execution.answers import BadAnswer, checked_quality
from harness.execution.jobs import Ask, Job, Lesson, Said
from harness.execution.line import Drawn, Line, Pictures
from harness.execution.unit import DESCRIPTION
from harness.execution.wire import Array
from harness.plugins.programs.remarks import Remark, taken_from
from harness.training import curves


def seed_everything(seed: int) -> None:
    """Seed the global generators that an algorithm may use without knowing it.

    Done before `fit` and before every single thing that an algorithm is asked, so that what it
    draws from them follows from its seed and not from what it was asked before.
    """
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the legacy generator is the global one
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


class Asked:
    """An algorithm under way, and the templates that it compares.

    Parameters
    ----------
    make
        Builds the algorithm, with its parameters.
    job
        What it is for.
    line
        To whoever asks.
    """

    def __init__(self, make: Callable[[], Algorithm], job: Job, line: Line) -> None:
        self._make, self._job, self._line = make, job, line
        self._references: list[Any] = []
        self.step = "construct"
        self.algorithm = self._made()
        self._rates = self._ability() in (Matcher, Searcher) and rates(type(self.algorithm))
        if not issubclass(type(self.algorithm), (self._ability(), Control)):
            raise BadAnswer(f"{job.algorithm} has no ability {job.ability}")

    def _ability(self) -> type[Algorithm]:
        named: dict[str, type[Algorithm]] = {ability.__name__: ability for ability in ABILITIES}
        return named[self._job.ability]

    def _made(self) -> Algorithm:
        made = self._make()
        if isinstance(made, Tagger) and self._job.vocabulary:
            made.name_tags(list(self._job.vocabulary))
        return made

    def learn(self, lesson: Lesson) -> None:
        """Fit."""
        self.step = "fit"
        seed_everything(self.algorithm.seed)
        self.algorithm.fit(training_set(lesson, self._line))

    def do(self, ask: Ask, arrays: list[Array]) -> None:
        """Do one thing that is asked, and say what came of it."""
        if ask.what == "batch":
            self._batch(arrays, ask)
        elif ask.what == "references":
            self._references = templates_of(ask.templates, arrays)
            remark = self._finalise() if self._job.ability == "Searcher" else None
            self._line.say(Said("done", remark=remark))
        elif ask.what == "search":
            self._search(ask, templates_of(ask.templates, arrays)[0])
        elif ask.what == "compare":
            self._compare(ask, templates_of(ask.templates, arrays))
        elif ask.what == "answer":
            self.step = "answer"
            seed_everything(self.algorithm.seed)
            rng = np.random.default_rng(ask.generator)
            self._line.answer(self.algorithm.answer(arrays[0] != 0, rng))  # type: ignore[attr-defined]
        elif ask.what == "save":
            self.step = "save"
            folder = Path(ask.folder)
            folder.mkdir()
            self.algorithm.save(folder)
            curve = vars(self.algorithm).get(curves.ATTRIBUTE)
            if curve is not None:
                curves.write(folder, curve)
            self._line.say(Said("done"))
        elif ask.what == "load":
            self.step = "load"
            self.algorithm = self._made()
            if ask.folder:
                self.algorithm.load(Path(ask.folder))
            self._line.say(Said("done"))

    def _searcher(self) -> Searcher:
        if not isinstance(self.algorithm, Searcher):
            raise BadAnswer(f"{self._job.algorithm} has no ability Searcher")
        return self.algorithm

    def _matcher(self) -> Matcher:
        if not isinstance(self.algorithm, Matcher):
            raise BadAnswer(f"{self._job.algorithm} has no ability Matcher")
        return self.algorithm

    def _finalise(self) -> Remark | None:
        self.step = "finalise"
        searcher = self._searcher()
        seed_everything(searcher.seed)
        searcher.finalise(list(self._references))
        return taken_from(searcher)

    def _search(self, ask: Ask, probe: Any) -> None:
        """Answer with the list as named arrays, so that it goes through the line as any answer."""
        self.step = "search"
        searcher = self._searcher()
        seed_everything(searcher.seed)
        try:
            found: Any = searcher.search(probe, ask.length)
        except FailureToEnroll as failure:
            found = failure
        if isinstance(found, tuple) and len(found) in (2, 3):
            places, scores, empty = (*found, 0)[:3]
            found = {
                "places": np.asarray(places),
                "scores": np.asarray(scores),
                "empty": np.asarray(empty),
            }
        self._line.answer(found)

    def _batch(self, pictures: list[Array], ask: Ask) -> None:
        """Answer pictures; where the algorithm takes one at a time, nothing joins them at all."""
        self.step = method = METHODS[self._job.ability].name
        if ask.role == DESCRIPTION:
            self._describe(pictures)
            return
        if ask.role:
            self._enrol(pictures, ask.counts)
            return
        several = f"{method}_batch"
        if getattr(type(self.algorithm), several) is getattr(self._ability(), several):
            self._line.say(Said("answers", count=len(pictures)))
            for picture in pictures:
                self._line.answer(*self._one(getattr(self.algorithm, method), picture))
            return
        seed_everything(self.algorithm.seed)
        answers = getattr(self.algorithm, several)(pictures)
        if answers is None:
            self._line.say(Said("answers", together=True))
            return
        found = list(answers)
        fits = len(found) == len(pictures)
        # Before the first word of answers, which ends the time of the batch.
        rated = [self._rated(*one) for one in zip(pictures, found, strict=True)] if fits else []
        self._line.say(Said("answers", count=len(found), together=True))
        for answer, remark in zip(found if fits else [], rated, strict=True):
            self._line.answer(answer, remark)

    def _enrol(self, pictures: list[Array], counts: Sequence[int]) -> None:
        """Answer with templates of references: of each picture, or of so many together."""
        self.step = "enrol"
        searcher = self._searcher()
        self._line.say(Said("answers", count=len(counts or pictures)))
        if not counts:
            for picture in pictures:
                self._line.answer(*self._one(searcher.enrol, picture))
        left = iter(pictures)
        for count in counts:
            self._line.answer(*self._one(searcher.enrol_together, list(islice(left, count))))

    def _describe(self, texts: Sequence[Array]) -> None:
        """Answer with templates of descriptions."""
        self.step = "describe_text"
        matcher = self._matcher()
        self._line.say(Said("answers", count=len(texts)))
        for text in texts:
            self._line.answer(*self._one(matcher.describe_text, text.tobytes().decode()))

    def _one(self, method: Callable[[Any], Any], picture: Any) -> tuple[Any, Remark | None]:
        """Return an answer and the remark on it; there is none on a failure."""
        seed_everything(self.algorithm.seed)
        taken_from(self.algorithm)  # of what was asked before
        try:
            answer = method(picture)
        except FailureToEnroll as failure:
            return failure, None
        return answer, taken_from(self.algorithm) or self._rated(picture, answer)

    def _rated(self, picture: Any, answer: Any) -> Remark | None:
        """Return what the algorithm says of an image that it made a template of, if it does."""
        if not self._rates or isinstance(answer, FailureToEnroll):
            return None
        if not isinstance(picture, np.ndarray):
            return None  # of words, and of several pictures that make one template
        said_at, self.step = self.step, "quality"
        seed_everything(self.algorithm.seed)
        found = checked_quality(self.algorithm.quality(picture))  # type: ignore[attr-defined]
        self.step = said_at
        return Remark(quality=found)

    def _compare(self, ask: Ask, probes: list[Any]) -> None:
        self.step = "compare"
        matcher = self._matcher()
        met = range(len(self._references)) if ask.listed is None else ask.listed
        for start in range(0, len(met), ask.block):
            seed_everything(matcher.seed)
            block = [self._references[place] for place in met[start : start + ask.block]]
            self._line.answer(matcher.compare(list(probes), block))


def templates_of(names: Sequence[Sequence[str]], arrays: list[Array]) -> list[Any]:
    """Put templates together from their arrays: those of one after those of the other."""
    left = iter(arrays)
    return [{name: next(left) for name in one} if one else next(left) for one in names]


def training_set(lesson: Lesson, line: Line) -> TrainingSet:
    """Make the training set; mated pairs not listed are all pairs of one identity."""
    identities = mated = tags = None
    if lesson.drawn is not None:
        identities = np.repeat(np.arange(lesson.drawn[0], dtype=np.int64), lesson.drawn[1])
        mated = _all_pairs(identities)
    if lesson.identities is not None:
        identities = np.array(lesson.identities, dtype=np.int64)
        mated = (
            np.array(lesson.mated, dtype=np.int64).reshape(-1, 2)
            if lesson.mated is not None
            else _all_pairs(identities)
        )
    probes, references, tattoo = (
        None if flags is None else np.array(flags, dtype=bool)
        for flags in (lesson.probes, lesson.references, lesson.tattoo)
    )
    if lesson.tags is not None:
        tags = np.zeros((lesson.count, len(lesson.vocabulary or ())), dtype=bool)
        for row, places in zip(tags, lesson.tags, strict=True):
            row[places] = True
    numbers = range(lesson.count)
    return TrainingSet(
        Pictures(line, "image", numbers),
        identities=identities,
        mated=mated,
        probes=probes,
        references=references,
        tattoo=tattoo,
        tags=tags,
        vocabulary=lesson.vocabulary if tags is not None else None,
        masks=Pictures(line, "mask", numbers) if lesson.masks else None,
        clean=Pictures(line, "clean", numbers) if lesson.clean else None,
        progress=line.report,
        checkpoints=Path(lesson.checkpoints) if lesson.checkpoints else None,
        drawn=Drawn(line, *lesson.drawn) if lesson.drawn else None,
    )


def _all_pairs(identities: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """List the index pairs of equal identity, in order."""
    order = np.argsort(identities, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(identities[order])) + 1)
    pairs = [np.stack(np.triu_indices(len(run), 1), axis=1) for run in runs]
    listed = [run[pair] for run, pair in zip(runs, pairs, strict=True)]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *listed])
