"""Spot checks of every run: some answers are asked for again, apart from the others.

About one in a hundred pictures and comparisons, chosen by what was stored, so that no algorithm can
know which, is answered once more by another process: pictures in another batch, and one of them
alone; comparisons one at a time, in another order, and some of them with templates made anew. An
answer that depends on its batch, on its place, on the other probes, on chance or on what was asked
before comes out differently, and the run fails.

What a difference may be is measured by the others: a score may move by a hundredth of the distance
within which the nearest tenth of all scores of its fold lie, so it can pass about one in a thousand
of them. Floating-point noise is far below that (sums in another order in float32: about 1e-6 of a
score), and an offset or a factor gains nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.api import FailureToEnroll, unit_rows
from harness.data.records import Picture
from harness.execution import storage
from harness.execution.abilities import is_pictured
from harness.execution.answers import checked_scores
from harness.execution.conversation import Conversation
from harness.execution.doing import Doing
from harness.execution.keeping import (
    Gallery,
    Workplace,
    answers_to,
    model_of,
    template_places,
    worker,
)
from harness.execution.unit import (
    SCORES,
    Unit,
)
from harness.tasks.answers import Answer, PictureAnswer

SHARE = 0.01
"""Of pictures and of comparisons."""

PICTURES, SHARED_PICTURES = (4, 32), (2, 32)
"""The fewest and the most pictures of a unit: of its own templates, of those made for all folds."""

PAIRS = (8, 200)
"""The fewest and the most comparisons of a unit."""

NEAREST, MOVED = 0.05, 0.01
"""A score may move by the share `MOVED` of where the share `NEAREST` on either side lies."""

LEVELS, STRAY = 1, 0.001
"""Levels of 256 that a pixel may differ by, and the share of pixels that may differ by more."""

_ROUNDING = 16
"""Units in the last place that a score may differ by, whatever the others are."""

_SAMPLE = 20_000
"""Scores by which a difference is measured."""

CAUSES = (
    "The answer depends on the other images of its batch, on the other probes or references, or on "
    "its place among them; or it is random beyond the seed; or `compare` changes its templates. "
    "`harness check` shows which. Each answer must follow from its own images alone"
)


@dataclass
class Checked:
    """What was answered again.

    Parameters
    ----------
    pictures, pairs
        How many.
    largest
        The largest difference, as a share of what is allowed.
    """

    pictures: int = 0
    pairs: int = 0
    largest: float = 0.0


@dataclass
class _Check:
    """A unit under check."""

    unit: Unit
    place: Workplace
    talk: Conversation
    rng: np.random.Generator
    found: Checked
    pictures: Mapping[str, Picture] = field(default_factory=dict)
    first: bool = True
    """Whether it is the first that its model is asked about."""

    def apart(self, names: Sequence[str]) -> dict[str, Any]:
        """Have pictures answered in another batch, and one of them alone."""
        order = [names[i] for i in self.rng.permutation(len(names))]
        self.found.pictures += len(order)
        answers = dict(zip(order, self._batch(order), strict=True))
        if len(order) > 1 and self.first:
            # Which of them is alone is no more known before than which are asked for.
            answers |= dict(zip(order[:1], self._batch(order[:1]), strict=True))
        return answers

    def _batch(self, names: Sequence[str]) -> list[Any]:
        unit = msgspec.structs.replace(self.unit, pictures={n: self.pictures[n] for n in names})
        return answers_to(self.talk, unit, names)

    def differs(self, what: str, before: str, now: str) -> None:
        """Fail the run: an answer came out differently."""
        self.talk.fail(
            f"{what} was {before}, and {now} when it was asked for again apart from the others in "
            f"another process. {CAUSES}"
        )

    def score(self, what: str, before: float, now: float, allowed: float) -> None:
        """Compare a number with what it was."""
        off = abs(before - now)
        self.found.largest = max(self.found.largest, off / allowed if allowed > 0 else float(off))
        if off > allowed:
            self.differs(what, f"{before!r}", f"{now!r}")


def check_answers(
    units: Sequence[Unit], place: Workplace, doing_of: Callable[[Unit], Doing]
) -> Checked:
    """Have some answers of finished units given again, and compare them.

    Parameters
    ----------
    units
        All of the run.
    doing_of
        Returns how a unit is done.

    Raises
    ------
    RunFailed
        If one differs by more than it may.
    """
    found = Checked()
    # Where scores are not kept, it is the templates that are checked.
    streamed = {Path(at).parent.name for u in units if u.matching is not None for at in u.templates}
    judged = [unit for unit in units if _is_checked(unit, unit.name in streamed)]
    groups: dict[bytes, list[Unit]] = {}
    for unit in judged:
        key = msgspec.json.encode(
            [unit.file, unit.attribute, unit.command, unit.parameters, unit.ability]
        )
        groups.setdefault(key, []).append(unit)
    by_name = {unit.name: unit for unit in units}
    for group in groups.values():
        doing = doing_of(group[0])
        with worker(group[0], place, doing) as talk:
            talk.begin()
            models: list[Path | None] = [None]
            for number, unit in enumerate(group):
                talk.unit = unit
                pictures = _pictures_of(unit, by_name)
                check = _Check(unit, place, talk, _generator(unit, place), found, pictures)
                model = model_of(unit, place)
                check.first = number == 0 or model != models[-1]
                if model != models[-1]:
                    talk.load(model)
                models.append(model)
                _check(check)
                doing.report("check", number + 1, len(group), "answers again")
            talk.finish()
    return found


def _is_checked(unit: Unit, streamed: bool) -> bool:
    """Whether a unit's answers are an algorithm's own: controls that see the truth are exempt."""
    return unit.ability != "Control" and (streamed or (unit.score and unit.matching is None))


def _generator(unit: Unit, place: Workplace) -> np.random.Generator:
    """Return what chooses: it follows from what the unit and those before it stored."""
    text = msgspec.json.encode([unit.name, place.journal.hashes()])
    return np.random.default_rng(np.frombuffer(hashlib.sha256(text).digest(), np.uint32))


def _pictures_of(unit: Unit, by_name: Mapping[str, Unit]) -> dict[str, Picture]:
    """Return the pictures that a unit's answers are about, also where others made its templates."""
    found: dict[str, Picture] = {}
    for shared in unit.templates:
        found |= by_name[Path(shared).parent.name].pictures
    return found | unit.pictures


def _check(check: _Check) -> None:
    unit = check.unit
    if is_pictured(unit.ability):
        _check_drawn(check)
    elif unit.ability not in ("Matcher", "Searcher"):
        _check_numbers(check)
    elif unit.ability == "Searcher":
        _check_lists(check)
    elif not unit.score:
        _check_templates(check)
    else:
        _check_scores(check)


def _count(total: int, bounds: tuple[int, int]) -> int:
    return min(total, max(bounds[0], min(bounds[1], round(SHARE * total))))


def _chosen(check: _Check, names: Sequence[str], bounds: tuple[int, int]) -> list[str]:
    places = check.rng.permutation(len(names))[: _count(len(names), bounds)]
    return [names[i] for i in places]


class Yardstick:
    """How far a score may move: measured by how far the others lie from it.

    Parameters
    ----------
    scores
        All of a fold, of any shape; NaN is left out.
    """

    def __init__(self, scores: npt.NDArray[np.float64], rng: np.random.Generator) -> None:
        known = scores[np.isfinite(scores)]
        if len(known) > _SAMPLE:
            known = rng.choice(known, _SAMPLE, replace=False)
        self._distinct = np.unique(known)
        self._reach = max(1, round(NEAREST * len(self._distinct)))

    def allowed(self, score: float, epsilon: float) -> float:
        """Return how far a score may move.

        Parameters
        ----------
        epsilon
            Of the type of number that it was computed in.
        """
        rounding = _ROUNDING * epsilon * abs(score)
        if len(self._distinct) < 2:
            return rounding
        last = len(self._distinct) - 1
        at = int(np.searchsorted(self._distinct, score).clip(0, last))
        low, high = max(0, at - self._reach), min(last, at + self._reach)
        return float(MOVED * (self._distinct[high] - self._distinct[low])) + rounding


def _check_scores(check: _Check) -> None:
    """Check comparisons, the first of them from the pictures on."""
    unit, rng = check.unit, check.rng
    answer = storage.load_answer(check.place.folder(unit) / SCORES)
    scores = np.asarray(answer.scores, dtype=np.float64)
    compared = np.argwhere(np.isfinite(scores))
    pairs = compared[rng.permutation(len(compared))[: _count(len(compared), PAIRS)]]
    images = len({*unit.probes, *unit.gallery})
    fresh = max(1, _count(images, SHARED_PICTURES if unit.templates else PICTURES) // 2)
    yardstick = Yardstick(scores, rng)
    refused = [name for name in sorted(answer.failures) if name in check.pictures]
    names = dict.fromkeys(
        name for i, j in pairs[:fresh] for name in (unit.probes[i], unit.gallery[j])
    )
    again = check.apart([*names, *_chosen(check, refused, (1, 4))])
    for name in again:
        failed = isinstance(again[name], FailureToEnroll)
        if failed != (name in answer.failures):
            was = "refused" if name in answer.failures else "enrolled"
            check.differs(f"image {name}", was, "refused" if failed else "enrolled")
    kept = {} if unit.cosine else _stored_templates(check)
    for number, (i, j) in enumerate(pairs if kept else pairs[:fresh]):
        probe, reference = unit.probes[i], unit.gallery[j]
        made = again if number < fresh else kept
        now, epsilon = _compared(check, made[probe], made[reference])
        what = f"the score of {probe} against {reference}"
        before = float(scores[i, j])
        check.score(what, before, now, yardstick.allowed(before, epsilon))
        check.found.pairs += 1


def _check_lists(check: _Check) -> None:
    """Search again for some probes, in another order and half of them from the pictures on."""
    unit = check.unit
    answer = storage.load_answer(check.place.folder(unit) / SCORES)
    scores = np.asarray(answer.scores, dtype=np.float64)
    yardstick = Yardstick(scores, check.rng)
    kept = _stored_templates(check)
    enrolled, _ = storage.load_templates([check.place.run / at for at in unit.enrolled])
    gallery = Gallery(check.talk, unit, enrolled, answer.failures)
    searched = [n for n in unit.probes if n not in answer.failures and gallery.columns]
    chosen = _chosen(check, searched, PICTURES)
    again = check.apart(chosen[: (len(chosen) + 1) // 2])
    for name in chosen:
        row = unit.probes.index(name)
        template = again.get(name, kept[name])
        now = template if isinstance(template, FailureToEnroll) else gallery(row, template)
        if isinstance(now, FailureToEnroll):
            check.differs(f"image {name}", "searched for", "refused")
            continue
        before = scores[row]
        last = min(float(one[np.isfinite(one)].min(initial=np.inf)) for one in (before, now))
        for j in np.flatnonzero(np.isfinite(before) | np.isfinite(now)).tolist():
            what = f"the score of {name} against {unit.gallery[j]}"
            # Which of equal candidates ends a list is nobody's business.
            pair = [float(one[j]) if np.isfinite(one[j]) else last for one in (before, now)]
            check.score(what, pair[0], pair[1], yardstick.allowed(pair[0], 2.0**-52))
            check.found.pairs += 1


def _compared(check: _Check, probe: Any, reference: Any) -> tuple[float, float]:
    """Return the score of one pair, compared alone, and the precision it has."""
    if check.unit.cosine:
        one, other = unit_rows([probe]), unit_rows([reference])
        return float(np.clip(one @ other.T, -1.0, 1.0)[0, 0]), 2.0**-52
    check.talk.references([reference])
    (answer,) = check.talk.compare(probe, 1, None, 1)
    found = checked_scores(answer, (1, 1), "compare")
    return float(found[0, 0]), float(np.finfo(found.dtype).eps)


def _stored_templates(check: _Check) -> dict[str, Any]:
    return storage.load_templates(template_places(check.unit, check.place))[0]


def _check_templates(check: _Check) -> None:
    """Check vector templates, by the cosines of pairs, where scores are not kept."""
    unit = check.unit
    places = template_places(unit, check.place)
    sample = _chosen(check, unit.extract, (200, 400))
    stored = dict(storage.some_templates(places, sample))
    refused = set(sample) - stored.keys()
    enrolled = [name for name in sample if name in stored]
    rows = unit_rows([stored[name] for name in enrolled]) if enrolled else np.empty((0, 1))
    cosines = np.clip(rows @ rows.T, -1.0, 1.0)
    yardstick = Yardstick(cosines[np.triu_indices(len(rows), 1)], check.rng)
    count = _count(len(unit.extract), PICTURES if unit.training or unit.model else SHARED_PICTURES)
    chosen = sample[:count]
    again = check.apart(chosen)
    for name in chosen:
        failed = isinstance(again[name], FailureToEnroll)
        if failed != (name in refused):
            was = "refused" if name in refused else "enrolled"
            check.differs(f"image {name}", was, "refused" if failed else "enrolled")
    made = [name for name in chosen if name in stored]
    for one, other in pairwise(made):
        before = float(cosines[enrolled.index(one), enrolled.index(other)])
        now, epsilon = _compared(check, again[one], again[other])
        check.score(
            f"the cosine of {one} and {other}", before, now, yardstick.allowed(before, epsilon)
        )
        check.found.pairs += 1


def _answered_again(check: _Check, answer: Answer) -> Iterator[tuple[str, Any]]:
    """Yield chosen images with their new answers; check which of them are refused."""
    for name, now in check.apart(_chosen(check, check.unit.probes, PICTURES)).items():
        failed = isinstance(now, FailureToEnroll)
        if failed != (name in answer.failures):
            was = "refused" if name in answer.failures else "answered"
            check.differs(f"image {name}", was, "refused" if failed else "answered")
        if not failed:
            yield name, now


def _check_numbers(check: _Check) -> None:
    """Check the scores that a detector or a tagger gave to images."""
    unit = check.unit
    answer = storage.load_answer(check.place.folder(unit) / SCORES)
    scores = np.asarray(answer.scores, dtype=np.float64)
    columns = scores.reshape(len(unit.probes), -1)
    yardstick = Yardstick(scores, check.rng)
    row = {name: i for i, name in enumerate(unit.probes)}
    for name, now in _answered_again(check, answer):
        words = unit.vocabulary or [""]
        given = np.atleast_1d(np.asarray(now))
        epsilon = float(np.finfo(given.dtype).eps)
        for word, before, value in zip(words, columns[row[name]], given, strict=True):
            what = f"the score of {name}" + (f" for {word!r}" if word else "")
            known = float(before)
            check.score(what, known, float(value), yardstick.allowed(known, epsilon))


def _check_drawn(check: _Check) -> None:
    """Check masks and retouched pictures, pixel by pixel."""
    unit = check.unit
    answer = storage.load_answer(check.place.folder(unit) / SCORES)
    row = {name: i for i, name in enumerate(unit.probes)}
    for name, now in _answered_again(check, answer):
        before = answer.image(row[name]) if isinstance(answer, PictureAnswer) else None
        if before is None:
            continue
        levels = storage.levels_of(now)
        known = before if levels.ndim == 3 else before[:, :, 0]
        off = np.abs(known.astype(np.int64) - levels)
        stray = float((off > LEVELS).mean())
        check.found.largest = max(check.found.largest, stray / STRAY)
        if stray > STRAY:
            check.differs(
                f"the picture answered for {name}",
                "one",
                f"another in {100 * stray:.3g} % of its pixels (by up to {int(off.max())} levels)",
            )
