"""Is a question sound? Answers whose worth is known are judged: `harness check PROTOCOL.toml`.

The truth, equal answers, random answers and no answer at all are given to every fold. A question
that calls one of them better or worse than it is would do so with an algorithm's as well.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import PIL.Image

from harness.api import Remover
from harness.comparing.differences import difference
from harness.comparing.gate import value_of
from harness.conformance import Finding
from harness.data.images import size_of
from harness.data.masks import read_mask
from harness.data.records import Fold, Record
from harness.errors import some
from harness.metrics.ids import Metric
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answer, PictureAnswer
from harness.tasks.catalogue import CATALOGUE
from harness.tasks.kinds import task_of
from harness.tasks.on_data import ProtocolOnData
from harness.tasks.protocol import Protocol
from harness.tasks.results import Metrics

__all__ = ["examine_question"]

RANDOM_ANSWERS = 5
FEWEST_INSIDE = 3
"""Of the random answers, that must lie in the band in which 95 of 100 do."""

SLACK = 1e-9


def examine_question(judged: ProtocolOnData) -> Iterator[Finding]:
    """Judge answers whose worth is known, on the data of a protocol.

    Parameters
    ----------
    judged
        The protocol, asked on a data set: of pictures the first fold is looked at, of scores all.

    Yields
    ------
    Finding
        One for each check that applies; what is true of no data here is left out.
    """
    with tempfile.TemporaryDirectory() as place:
        asked = _Asked(judged, Path(place))
        for name, check in _CHECKS.items():
            try:
                message = check(asked)
            except _Unsound as fault:
                yield Finding(name, False, str(fault))
            except Exception as reason:  # whatever the code of a new question raises is a finding
                yield Finding(name, False, f"raised {type(reason).__name__}: {reason}")
            else:
                if message:
                    yield Finding(name, True, message)


class _Unsound(Exception):
    """A check that found a fault."""


@dataclass
class _Asked:
    """A protocol on its data, and what answers get that are known in advance."""

    judged: ProtocolOnData
    place: Path
    _known: dict[int, Estimate] = field(default_factory=dict)
    _drawn: dict[int, list[Answer] | None] = field(default_factory=dict)

    @cached_property
    def folds(self) -> Sequence[Fold]:
        task = task_of(self.judged.protocol)
        pictures = task.truth_shown == "masks" or task.ability is Remover
        return self.judged.folds[:1] if pictures else self.judged.folds

    @property
    def records(self) -> Mapping[str, Record]:
        return self.judged.dataset.records

    @cached_property
    def vocabulary(self) -> Sequence[str]:
        task, protocol = task_of(self.judged.protocol), self.judged.protocol
        if not task.has_vocabulary:
            return ()
        used = {name for fold in self.folds for name in (*fold.train, *fold.probes, *fold.gallery)}
        return task.vocabulary({name: self.records[name] for name in used}, protocol)

    def judge(self, answers: Sequence[Answer], protocol: Protocol | None = None) -> Metrics:
        """Return what answers come to, by all metrics of a protocol: the one asked about."""
        asked = protocol or self.judged.protocol
        return task_of(asked).judge(self.folds, answers, self.records, asked).metrics

    def headline(self, answers: Sequence[Answer]) -> Estimate:
        """Return the headline of answers, each judged once, and by nothing else."""
        if id(answers) not in self._known:
            protocol = self.judged.protocol
            alone = protocol.model_copy(update={"metrics": (protocol.headline,)})
            metrics = self.judge(answers, alone)
            self._known[id(answers)] = metrics.pooled[metrics.headline]
        return self._known[id(answers)]

    @cached_property
    def metric(self) -> Metric:
        return Metric.parse(self.judged.protocol.headline)

    def better(self, one: float, other: float) -> bool:
        """Whether one value of the headline is better than another, by more than rounding."""
        gain = other - one if CATALOGUE[self.metric.name].better == "lower" else one - other
        return gain > SLACK

    @cached_property
    def truth(self) -> list[Answer] | None:
        """The right answers; None where nobody can know them."""
        return self.answers("truth", lambda truth: truth.astype(np.float64))

    @cached_property
    def equal(self) -> list[Answer] | None:
        """The same for everything; a picture stays as it is."""
        return self.answers("equal", lambda truth: np.full(truth.shape, 0.5))

    def random(self, seed: int) -> list[Answer] | None:
        """Scores by lot."""
        if seed not in self._drawn:
            rng = np.random.default_rng(seed)
            made = self.answers(f"random-{seed}", lambda truth: rng.random(truth.shape))
            self._drawn[seed] = made
        return self._drawn[seed]

    def answers(
        self, name: str, made: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]]
    ) -> list[Answer] | None:
        """Return what is made of the truth of every fold."""
        task = task_of(self.judged.protocol)
        if task.ability is Remover:
            return [self._pictures(fold, clean=name == "truth") for fold in self.folds]
        if task.truth_shown == "masks":
            return [self._masks(fold, name, made) for fold in self.folds]
        if task.truth_shown == "elements":
            return [
                Answer(made(task.truth_matrix(fold, self.records, self.vocabulary)))
                for fold in self.folds
            ]
        return None

    @cached_property
    def refused(self) -> list[Answer] | None:
        """No answer, for any image."""
        given = self.truth
        if given is None:
            return None
        return [
            _failed(answer, dict.fromkeys((*fold.probes, *fold.gallery), "refused"))
            for fold, answer in zip(self.folds, given, strict=True)
        ]

    def _pictures(self, fold: Fold, *, clean: bool) -> Answer:
        shown = [self.records[name] for name in fold.probes]
        files = [record.clean if clean and record.clean else record.path for record in shown]
        return PictureAnswer(np.empty(0), files=tuple(files))

    def _masks(
        self,
        fold: Fold,
        name: str,
        made: Callable[[np.ndarray[Any, Any]], np.ndarray[Any, Any]],
    ) -> Answer:
        folder = self.place / name / fold.name
        folder.mkdir(parents=True)
        files = []
        for i, probe in enumerate(fold.probes):
            record = self.records[probe]
            if record.mask is not None:
                truth = read_mask(record.mask)
            else:
                width, height = size_of(record.path) or (1, 1)
                truth = np.zeros((height, width), dtype=bool)
            drawn = np.round(255 * made(truth)).astype(np.uint8)
            files.append(folder / f"{i}.png")
            PIL.Image.fromarray(drawn).save(files[-1])
        return PictureAnswer(np.empty(0), files=tuple(files))


def _failed(answer: Answer, failures: Mapping[str, str]) -> Answer:
    """Return an answer in which every image failed."""
    if isinstance(answer, PictureAnswer):
        return PictureAnswer(np.empty(0), failures, files=(None,) * len(answer.files))
    return Answer(np.full(answer.scores.shape, np.nan), failures)


def _apart(asked: _Asked) -> str:
    for fold in asked.judged.folds:
        both = set(fold.train) & {*fold.probes, *fold.gallery}
        if both:
            raise _Unsound(f"fold {fold.name} learns from what it judges, e.g. {min(both)!r}")
        if not fold.probes:
            raise _Unsound(f"fold {fold.name} judges nothing")
    return (
        some(len(asked.judged.folds), "fold judges", "folds judge") + " no image learned from there"
    )


def _truth_is_best(asked: _Asked) -> str:
    if asked.truth is None or asked.equal is None:
        return ""
    best = asked.headline(asked.truth).value
    if best is None:
        raise _Unsound(f"the truth has no {asked.metric}: this data cannot answer the question")
    others = {"equal answers": asked.equal, "no answers": asked.refused}
    others |= {f"random answers ({seed})": asked.random(seed) for seed in range(2)}
    for name, answers in others.items():
        value = asked.headline(answers).value if answers is not None else None
        if value is not None and asked.better(value, best):
            raise _Unsound(
                f"{name} get {value:.4f} by {asked.metric}, and the truth gets {best:.4f}"
            )
    return f"{asked.metric} of the truth is {best:.4f}, and nothing known is better"


def _equal_gain_nothing(asked: _Asked) -> str:
    if asked.equal is None:
        return ""
    found = asked.headline(asked.equal)
    limit = found.chance if found.chance_high is None else found.chance_high
    if CATALOGUE[asked.metric.name].better == "lower" and found.chance_low is not None:
        limit = found.chance_low
    if found.value is None or limit is None:
        return ""
    if asked.better(found.value, limit):
        raise _Unsound(
            f"the same answer for everything gets {found.value:.4f} by {asked.metric}, more than "
            f"chance ({limit:.4f}): ties must count against an algorithm"
        )
    return f"the same answer for everything gets {found.value:.4f}, chance {found.chance:.4f}"


def _chance_is_chance(asked: _Asked) -> str:
    found = [
        asked.headline(answers)
        for seed in range(RANDOM_ANSWERS)
        if (answers := asked.random(seed)) is not None
    ]
    inside = [
        one.chance_low - SLACK <= one.value <= one.chance_high + SLACK
        for one in found
        if one.value is not None and one.chance_low is not None and one.chance_high is not None
    ]
    if not inside:
        return ""
    low, high = found[0].chance_low, found[0].chance_high
    if sum(inside) < FEWEST_INSIDE:
        got = ", ".join(f"{one.value:.4f}" for one in found)
        raise _Unsound(f"random answers get {got}; the band of chance is [{low:.4f}, {high:.4f}]")
    return f"{sum(inside)} of {len(inside)} random answers lie in [{low:.4f}, {high:.4f}]"


def _refusing_never_pays(asked: _Asked) -> str:
    answers, equal = asked.refused, asked.equal
    if answers is None or equal is None:
        return ""
    value, least = asked.headline(answers).value, asked.headline(equal).value
    if value is None or least is None:
        return ""
    chance = asked.headline(equal).chance
    worst = least if chance is None or asked.better(least, chance) else chance
    if asked.better(value, worst):
        raise _Unsound(
            f"an algorithm that gives up on every image gets {value:.4f} by {asked.metric}, more "
            f"than one that always answers alike ({least:.4f})"
        )
    return f"giving up on every image gets {value:.4f}"


def _repeatable(asked: _Asked) -> str:
    answers = asked.random(0) or asked.truth
    if answers is None:
        return ""
    encoded = [msgspec.json.encode(asked.judge(answers)) for _ in range(2)]
    if encoded[0] != encoded[1]:
        raise _Unsound("judging the same answers twice gives different numbers")
    if msgspec.json.encode(msgspec.json.decode(encoded[0], type=Metrics)) != encoded[0]:
        raise _Unsound("the numbers are not what they were when they are read again")
    return f"{len(encoded[0]):,} bytes of numbers, the same again"


def _comparable(asked: _Asked) -> str:
    answers = asked.random(0) or asked.truth
    if answers is None:
        return ""
    protocol = asked.judged.protocol
    given = task_of(protocol).trials(asked.folds, answers, asked.records, protocol)
    trials, value = given(asked.metric), asked.headline(answers).value
    if trials is None:
        raise _Unsound(f"{asked.metric} keeps no trials, so runs cannot be compared or gated by it")
    if value is None:
        return ""
    found = value_of(trials)
    if not math.isclose(found, value, rel_tol=0, abs_tol=SLACK):
        raise _Unsound(f"the trials of {asked.metric} come to {found:.6f}, and it is {value:.6f}")
    change = difference(trials, trials).change
    if change != 0:
        raise _Unsound(f"a run differs from itself by {change:g}")
    return f"{asked.metric} follows from its trials, and a run does not differ from itself"


_CHECKS: Mapping[str, Callable[[_Asked], str]] = {
    "learning and judging are kept apart": _apart,
    "nothing is better than the truth": _truth_is_best,
    "equal answers gain nothing": _equal_gain_nothing,
    "chance is what random answers get": _chance_is_chance,
    "refusing never pays": _refusing_never_pays,
    "equal answers have equal numbers": _repeatable,
    "runs can be compared": _comparable,
}
