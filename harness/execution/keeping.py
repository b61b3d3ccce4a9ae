"""The steps of a unit from the harness's side: asked for, checked, put back in order, stored.

Each step is done in a process of its own that is given the inputs of that step and nothing else:
training images and their truth to fit; pictures to make templates of or to answer; templates to
compare. No process knows a name, and none but this one writes what is kept.
"""

from __future__ import annotations

import shutil
import socket
import stat
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from harness.api import Capture, Detector, FailureToEnroll, Template
from harness.data.words import is_description
from harness.execution import bounds, storage
from harness.execution.abilities import ABILITIES
from harness.execution.answers import (
    BadAnswer,
    checked_candidates,
    checked_masks,
    checked_remark,
    checked_scores,
    checked_templates,
)
from harness.execution.bounds import amount
from harness.execution.conversation import Conversation, size_of
from harness.execution.costs import ENROLLED, SIZE, levels_of
from harness.execution.doing import Doing
from harness.execution.executor import SUBPROCESS, Executor
from harness.execution.jobs import Lesson
from harness.execution.journal import Journal
from harness.execution.nursery import Nursery
from harness.execution.order import shuffled
from harness.execution.pictures import Lessons, as_seen, mask, pixels
from harness.execution.studio import Studio
from harness.execution.unit import DESCRIPTION, LOG_FILE, MODEL, SCORES, TEMPLATES, Unit
from harness.execution.wire import Array
from harness.plugins.programs.remarks import Remark

CHECKPOINTS = "checkpoints"
"""Folder of a unit in which a fit leaves what it needs to go on after a kill."""

BATCH = 32
"""Images given to a batch method at once; answers may not depend on it."""

REFERENCES = 256
"""References that `compare` is given at once, with one probe: a search, whatever the protocol."""

MOST_FILES = 10_000
"""Files that a model may have."""


@dataclass
class Workplace:
    """Where the units of a run are done, and what is known of how.

    Parameters
    ----------
    run
        The run folder; units lie in ``units/`` of it.
    hidden
        Data sets and runs, of which no worker may read anything.
    nurseries
        That fork the workers of an algorithm each, where there are any.
    executor
        Where the algorithm lives while it is asked.
    durable
        Whether a step counts as stored only when it has left this machine's memory.
    """

    run: Path
    hidden: tuple[Path, ...] = ()
    nurseries: tuple[Nursery, ...] = ()
    executor: Executor = SUBPROCESS
    durable: bool = False
    journal: Journal = field(init=False)

    def __post_init__(self) -> None:
        self.journal = Journal(self.run)

    def folder(self, unit: Unit) -> Path:
        """Return the folder of a unit."""
        return self.run / "units" / unit.name


def do(unit: Unit, place: Workplace, doing: Doing) -> None:
    """Do what is missing of a unit.

    Raises
    ------
    RunFailed
        If its algorithm fails.
    UnreadableImage, UsageError
        If its pictures cannot be used.
    """
    folder = place.folder(unit)
    folder.mkdir(parents=True, exist_ok=True)
    if unit.training is not None and not place.journal.has(unit.name, MODEL):
        _fit(unit, place, doing)
    if unit.extract and not place.journal.has(unit.name, TEMPLATES):
        _extract(unit, place, doing)
    if unit.score and not place.journal.has(unit.name, SCORES):
        _score(unit, place, doing)


def is_done(unit: Unit, place: Workplace) -> bool:
    """Return whether all that a unit is for is stored, as it was when it was stored."""
    steps = {MODEL: unit.training is not None, TEMPLATES: bool(unit.extract), SCORES: unit.score}
    return all(place.journal.has(unit.name, step) for step, asked in steps.items() if asked)


def model_of(unit: Unit, place: Workplace) -> Path | None:
    """Return the folder of the model that a unit's algorithm goes by, if it has learned one."""
    if unit.training is not None:
        return place.folder(unit) / MODEL
    return place.run / unit.model if unit.model else None


@contextmanager
def worker(
    unit: Unit, place: Workplace, doing: Doing, writable: Sequence[Path] = ()
) -> Iterator[Conversation]:
    """Start a worker for a step of a unit; what is wrong with its answers fails the run."""
    with place.executor.conversation(
        unit,
        log=place.folder(unit) / LOG_FILE,
        threads=doing.threads,
        limits=doing.limits,
        stop=doing.stop,
        hidden=(*place.hidden, place.run),
        writable=writable,
        nursery=next((n for n in place.nurseries if n.plugin == Path(unit.file)), None),
    ) as talk:
        try:
            yield talk
        except BadAnswer as reason:
            text = str(reason)
            talk.fail(text if text.startswith(talk.method) else f"{talk.method}: {text}")


@contextmanager
def _stored(unit: Unit, place: Workplace, step: str) -> Iterator[Path]:
    """Give a folder to store a step in; it is noted in the journal once it is whole."""
    target = place.folder(unit) / step
    # What is there is not what the journal knows of.
    shutil.rmtree(target, ignore_errors=True)
    with storage.whole(target, durable=place.durable) as part:
        yield part
        storage.record_step(part, host=socket.gethostname())
    place.journal.note(unit.name, step)


def store_scores(
    unit: Unit, place: Workplace, scores: npt.NDArray[np.float64], failures: Mapping[str, str]
) -> None:
    """Store scores that the harness made of those of other units.

    Parameters
    ----------
    scores
        float64, shape (probes, references): NaN where an image failed or is not compared.
    failures
        Reasons by the image's name.
    """
    with _stored(unit, place, SCORES) as part:
        storage.save_scores(part, scores, failures)
        storage.record_step(part, items=scores.size)


def _fit(unit: Unit, place: Workplace, doing: Doing) -> None:
    training = unit.training
    if training is None:
        return
    checkpoints = place.folder(unit) / CHECKPOINTS
    checkpoints.mkdir(exist_ok=True)
    drawing = training.drawn
    count = drawing.count if drawing else len(training.images)
    lesson = Lesson(
        count=count,
        identities=training.identities,
        mated=training.mated,
        probes=training.probes,
        references=training.references,
        tattoo=training.tattoo,
        tags=training.tags,
        vocabulary=training.vocabulary or unit.vocabulary,
        masks=training.masks is not None,
        clean=training.clean is not None,
        checkpoints=str(checkpoints),
        drawn=(drawing.identities, drawing.captures) if drawing else None,
    )
    images = [unit.pictures[name] for name in training.images]
    doing.report("fit", 0, 0, "")
    with ExitStack() as open_, _stored(unit, place, MODEL) as part:
        lessons = open_.enter_context(Lessons(training, images, unit.sees))
        studio = open_.enter_context(Studio(drawing, doing.threads)) if drawing else None
        with worker(unit, place, doing, [checkpoints]) as talk:

            def picture(kind: str, index: int) -> Array:
                try:
                    if studio is not None and kind == "image":
                        return studio.picture(index)
                    return lessons(kind, index)
                except LookupError:
                    talk.fail(f"its process asked for {kind} {index}, which there is not")

            def drawn(wanted: list[Capture], coming: list[Capture]) -> list[Array]:
                if studio is None:
                    talk.fail("its process asked for captures to be drawn, which there are not")
                try:
                    return studio(wanted, coming)
                except LookupError as reason:
                    talk.fail(f"its process asked for capture {reason}, which there is not")

            talk.picture, talk.drawn = picture, drawn
            talk.report = lambda done, total, note: doing.report("fit", done, total, note)
            talk.begin(lesson)
            saved = talk.save()
            facts = talk.finish()
            # Nothing that it started is there any more to change what is looked at here.
            _take_model(saved, part, talk)
        if studio is not None:
            facts["drawn"] = studio.counts
        storage.record_step(part, items=count, **facts)
    shutil.rmtree(checkpoints, ignore_errors=True)


def _take_model(saved: Path, part: Path, talk: Conversation) -> None:
    """Move the files that an algorithm saved to where they are kept: plain ones and no others."""
    if saved.is_symlink() or not saved.is_dir():
        talk.fail("save left no folder where it was given one; write files into it")
    found = sorted(saved.rglob("*"))
    if len(found) > MOST_FILES:
        talk.fail(f"save wrote {len(found):,} files; {MOST_FILES:,} are kept at most")
    size, left = sum(path.lstat().st_size for path in found), bounds.left_on(part)
    if size > left:
        talk.fail(
            f"save wrote a model of {amount(size)}, and {amount(left)} are left on the disk of "
            f"{part.parent}; make room, or save less"
        )
    for path in found:
        target = part / path.relative_to(saved)
        kind = path.lstat().st_mode
        if stat.S_ISDIR(kind):
            target.mkdir(parents=True)
        elif not stat.S_ISREG(kind):
            talk.fail(f"save left {path.name!r}, which is no plain file; write files and folders")
        elif path.name == storage.STEP_FILE and path.parent == saved:
            talk.fail(f"save wrote {path.name!r}, a name that the harness needs; take another")
        else:
            shutil.move(path, target)
            target.chmod(0o644)


def _extract(unit: Unit, place: Workplace, doing: Doing) -> None:
    with _stored(unit, place, TEMPLATES) as part:
        made: dict[str, Template | FailureToEnroll] = {}
        remarks, held = storage.Remarks(), 0
        with worker(unit, place, doing) as talk:
            _prepare(talk, unit, place)
            ask = batches_of_several if unit.together else batches
            for _, names, images, answers in ask(talk, unit, unit.extract):
                made.update(zip(names, checked_templates(answers, names), strict=True))
                # What is said of several together is no quality of the picture that names them.
                alone = () if unit.together else _remarks(talk, names, images, made)
                for name, remark in alone:
                    if remark.quality is not None:
                        remarks.quality[name] = remark.quality
                del images
                held += sum(size_of(made[name]) for name in names)
                talk.check_held(held)
                doing.report("extract", len(made), len(unit.extract), "templates")
            facts = talk.finish()
        enrolled = [one for one in made.values() if not isinstance(one, FailureToEnroll)]
        sizes = levels_of([float(size_of(one)) for one in enrolled])
        facts["costs"] |= {ENROLLED if unit.role else SIZE: msgspec.to_builtins(sizes)}
        remarks.save(part)
        storage.save_templates(part, unit.extract, [made[name] for name in unit.extract])
        storage.record_step(part, items=len(made), **facts)


def _remarks(
    talk: Conversation, names: Sequence[str], images: Sequence[Array], answers: Mapping[str, Any]
) -> Iterator[tuple[str, Remark]]:
    """Yield what was said beside the answers to images, but for those that have none."""
    for name, image, remark in zip(names, images, talk.remarks, strict=True):
        if not isinstance(answers[name], FailureToEnroll):
            yield name, checked_remark(remark, name, image)


def _prepare(talk: Conversation, unit: Unit, place: Workplace) -> None:
    talk.begin()
    model = model_of(unit, place)
    if model is not None:
        talk.load(model)


def batches(
    talk: Conversation, unit: Unit, names: Sequence[str], size: int = BATCH
) -> Iterator[tuple[list[int], list[str], list[Array], Any]]:
    """Have pictures answered in the unit's own order, batch by batch.

    Yields
    ------
    tuple
        Places in `names`, the names there, their pictures as the algorithm saw them, and the
        answers, yet to be checked.
    """
    for order in _apart(unit, names, shuffled(names, unit.order, "pictures")):
        for start in range(0, len(order), size):
            places = order[start : start + size]
            chosen = [names[place] for place in places]
            images = [as_seen(unit.pictures[name], unit.sees) for name in chosen]
            yield places, chosen, images, _asked(talk, unit, chosen, images)


def _apart(unit: Unit, names: Sequence[str], order: Sequence[int]) -> list[list[int]]:
    """Return places of pictures and places of descriptions, each in the order that they came in."""
    said = [is_description(unit.pictures[names[place]].path) for place in order]
    return [
        [p for p, words in zip(order, said, strict=True) if words is kind] for kind in (False, True)
    ]


def batches_of_several(
    talk: Conversation, unit: Unit, names: Sequence[str]
) -> Iterator[tuple[list[int], list[str], list[Array], Any]]:
    """Have templates made of all pictures of each reference, as `batches` does of one.

    As many references are asked for at once as have `BATCH` pictures, and one at least.
    """
    order = shuffled(names, unit.order, "pictures")
    largest = ABILITIES[unit.ability].largest
    while order:
        places: list[int] = []
        images: list[Array] = []
        counts: list[int] = []
        while order and (not images or len(images) + _count(unit, names[order[0]]) <= BATCH):
            place = order.pop(0)
            members = [names[place], *unit.together.get(names[place], ())]
            # Not in the order of their names, of which the first stands for all.
            shown = [members[i] for i in shuffled(members, unit.order, "pictures of one")]
            images += [as_seen(unit.pictures[name], unit.sees) for name in shown]
            places.append(place)
            counts.append(len(shown))
        chosen = [names[place] for place in places]
        most = [largest(images[0], unit)] * len(places)
        yield places, chosen, images, talk.batch(images, most, counts, unit.role)


def _count(unit: Unit, name: str) -> int:
    return 1 + len(unit.together.get(name, ()))


def answers_to(talk: Conversation, unit: Unit, names: Sequence[str]) -> list[Any]:
    """Have pictures answered together, in this order, and check the answers."""
    found: dict[int, Any] = {}
    for places in _apart(unit, names, range(len(names))):
        if places:
            chosen = [names[place] for place in places]
            images = [as_seen(unit.pictures[name], unit.sees) for name in chosen]
            answers = _asked(talk, unit, chosen, images)
            checked = ABILITIES[unit.ability].check(answers, chosen, images, unit)
            found |= dict(zip(places, checked, strict=True))
    return [found[place] for place in range(len(names))]


def _asked(talk: Conversation, unit: Unit, names: Sequence[str], images: Sequence[Array]) -> Any:
    """Have images, or descriptions, answered, each with as much as may be said of it."""
    largest = ABILITIES[unit.ability].largest
    role = DESCRIPTION if is_description(unit.pictures[names[0]].path) else unit.role
    return talk.batch(images, [largest(image, unit) for image in images], role=role)


def _score(unit: Unit, place: Workplace, doing: Doing) -> None:
    if unit.ability == "Matcher" and (unit.cosine or unit.matching is not None):
        # No code of the algorithm's is needed.
        with _stored(unit, place, SCORES) as part:
            place.executor.compare(unit, place.run, part, doing, place.folder(unit) / LOG_FILE)
        return
    with _stored(unit, place, SCORES) as part:
        with worker(unit, place, doing) as talk:
            _prepare(talk, unit, place)
            if unit.ability == "Control":
                items = _control(talk, unit, part, doing)
            elif unit.ability == "Matcher":
                items = _compare(talk, unit, place, part, doing)
            elif unit.ability == "Searcher":
                items = _search(talk, unit, place, part, doing)
            else:
                items = _answer(talk, unit, part, doing)
            facts = talk.finish()
        storage.record_step(part, items=items, **facts)


def _compare(talk: Conversation, unit: Unit, place: Workplace, part: Path, doing: Doing) -> int:
    """Compare one probe at a time with the references in blocks, as a search does."""
    templates, failures = storage.load_templates(template_places(unit, place))
    wanted = set(unit.probes) | set(unit.gallery)
    failures = {name: reason for name, reason in failures.items() if name in wanted}
    scores = np.full((len(unit.probes), len(unit.gallery)), np.nan)
    rows = [
        i for i in shuffled(unit.probes, unit.order, "probes") if unit.probes[i] not in failures
    ]
    columns = [
        j
        for j in shuffled(unit.gallery, unit.order, "references")
        if unit.gallery[j] not in failures
    ]
    if columns and rows:
        talk.references([templates[unit.gallery[j]] for j in columns])
    asked = asked_of(unit)
    for done, i in enumerate(rows if columns else (), start=1):
        listed = None if asked is None else [k for k, j in enumerate(columns) if asked[i, j]]
        met = columns if listed is None else [columns[k] for k in listed]
        answers = talk.compare(templates[unit.probes[i]], len(met), listed, REFERENCES)
        for number, answer in enumerate(answers):
            block = met[number * REFERENCES : (number + 1) * REFERENCES]
            scores[i, block] = checked_scores(answer, (1, len(block)), "compare")[0]
        doing.report("score", done, len(rows), "searches")
    storage.save_scores(part, scores, failures)
    return scores.size


def _search(talk: Conversation, unit: Unit, place: Workplace, part: Path, doing: Doing) -> int:
    """Search a gallery for each probe; what lies outside a list has the score minus infinity."""
    templates, failures = storage.load_templates(template_places(unit, place))
    enrolled, lost = storage.load_templates([place.run / shared for shared in unit.enrolled])
    wanted = set(unit.probes) | set(unit.gallery)
    failures = {name: why for name, why in (lost | failures).items() if name in wanted}
    scores = np.full((len(unit.probes), len(unit.gallery)), np.nan)
    search = Gallery(talk, unit, enrolled, failures)
    rows = [
        i for i in shuffled(unit.probes, unit.order, "probes") if unit.probes[i] not in failures
    ]
    for done, i in enumerate(rows if search.columns else (), start=1):
        found = search(i, templates[unit.probes[i]])
        if isinstance(found, FailureToEnroll):
            failures[unit.probes[i]] = str(found) or "no reason given"
        else:
            scores[i] = found
        doing.report("score", done, len(rows), "searches")
    storage.save_scores(part, scores, failures)
    return scores.size


class Gallery:
    """The references of a unit, ready to be searched.

    Parameters
    ----------
    talk
        With the searcher.
    unit
        Whose gallery it is.
    enrolled
        Templates of references, by name.
    failures
        Why images have none, by name.
    """

    def __init__(
        self,
        talk: Conversation,
        unit: Unit,
        enrolled: Mapping[str, Any],
        failures: Mapping[str, str],
    ) -> None:
        self._talk, self._unit = talk, unit
        self._asked = asked_of(unit)
        self.columns = [
            j
            for j in shuffled(unit.gallery, unit.order, "references")
            if unit.gallery[j] not in failures
        ]
        self._length = int(unit.parameters["candidates"])
        if self.columns:
            talk.references([enrolled[unit.gallery[j]] for j in self.columns])

    def __call__(self, row: int, template: Any) -> npt.NDArray[np.float64] | FailureToEnroll:
        """Search for a probe, and return its row of scores.

        Parameters
        ----------
        row
            Place of the probe in the unit's list.
        template
            Of the probe.

        Returns
        -------
        numpy.ndarray or FailureToEnroll
            float64, shape (references,): minus infinity outside the list, NaN where a reference has
            no template or is not compared with this probe.
        """
        columns = np.array(self.columns)
        met = np.ones(len(columns), bool) if self._asked is None else self._asked[row, columns]
        scores = np.full(len(self._unit.gallery), np.nan)
        scores[columns[met]] = -np.inf
        if not met.any():
            return scores
        # What the probe is not compared with may stand in the list: so many more are asked for.
        length = min(len(columns), self._length + int((~met).sum()))
        answer = self._talk.search(template, length)
        if isinstance(answer, FailureToEnroll):
            return answer
        name = self._unit.probes[row]
        found = checked_candidates(answer, length, len(columns), name)
        kept = np.flatnonzero(met[found.places])[: self._length]
        scores[columns[found.places[kept]]] = found.scores[kept]
        return scores


def template_places(unit: Unit, place: Workplace) -> list[Path]:
    """Return the folders that hold the templates which a unit compares."""
    own = [place.folder(unit) / TEMPLATES] if unit.extract else []
    return [*own, *(place.run / shared for shared in unit.templates)]


def asked_of(unit: Unit) -> Array | None:
    """Return which comparisons are asked for: bool, shape (probes, references); None for all."""
    if not unit.compared:
        return None
    asked = np.zeros((len(unit.probes), len(unit.gallery)), dtype=bool)
    for i, listed in enumerate(unit.compared):
        asked[i, listed] = True
    return asked


def _answer(talk: Conversation, unit: Unit, part: Path, doing: Doing) -> int:
    """Have the pictures of the probes answered, and store the answers by the ability."""
    failures: dict[str, str] = {}
    ability = ABILITIES[unit.ability]
    draws = ability.kept == "pictures"
    files: list[str | None] = [None] * len(unit.probes)
    shape = (len(unit.probes), len(unit.vocabulary)) if unit.vocabulary else (len(unit.probes),)
    scores = np.full(shape, np.nan)
    remarks, done = storage.Remarks(), 0
    for places, names, images, answers in batches(talk, unit, unit.probes):
        found = ability.check(answers, names, images, unit)
        for place, name, answer in zip(places, names, found, strict=True):
            if isinstance(answer, FailureToEnroll):
                failures[name] = str(answer) or "no reason given"
            elif draws:
                files[place] = storage.save_picture(part, place, answer)
            else:
                scores[place] = answer
        for name, remark in _remarks(talk, names, images, dict(zip(names, found, strict=True))):
            if remark.boxes and unit.ability == Detector.__name__:
                remarks.boxes[name] = remark.boxes
        done += len(names)
        doing.report("score", done, len(unit.probes), "images")
    if draws:
        storage.save_pictures(part, files, failures)
        return len(files)
    remarks.save(part)
    storage.save_scores(part, scores, failures)
    return scores.size


def _control(talk: Conversation, unit: Unit, part: Path, doing: Doing) -> int:
    """Have a control answer, which is shown the truth."""
    rng = _own_generator(int(unit.parameters.get("seed", 0)), unit)
    if not unit.masks:
        columns = unit.gallery or unit.vocabulary
        shape = (len(unit.probes), len(columns)) if columns else (len(unit.probes),)
        truth = np.zeros(int(np.prod(shape)), dtype=bool)
        truth[unit.truth] = True
        answer = talk.answer(truth.reshape(shape), rng)
        scores = checked_scores(answer, shape, "answer")
        storage.save_scores(part, scores, {})
        return scores.size
    files: list[str | None] = []
    for place, (name, known) in enumerate(zip(unit.probes, unit.masks, strict=True)):
        image = pixels(unit.pictures[name])
        answer = talk.answer(mask(known, image), [*rng, place])
        (drawn,) = checked_masks([answer], [name], [image])
        files.append(storage.save_picture(part, place, drawn))
        doing.report("score", place + 1, len(unit.probes), "images")
    storage.save_pictures(part, files, {})
    return len(files)


def _own_generator(seed: int, unit: Unit) -> list[int]:
    """Return what random numbers of this fold of this protocol alone follow from."""
    lists = "\n".join([unit.name, *unit.probes, "", *unit.gallery])
    return [seed, zlib.crc32(lists.encode())]
