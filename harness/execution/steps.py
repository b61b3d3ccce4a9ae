"""The steps of a unit, each checked: the harness never trusts what an algorithm returns."""

from __future__ import annotations

import random
import shutil
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.answers import (
    BadAnswer,
    checked_detections,
    checked_masks,
    checked_pictures,
    checked_scores,
    checked_tags,
    checked_templates,
)
from harness.api import (
    Algorithm,
    Control,
    Detector,
    FailureToEnroll,
    Image,
    Matcher,
    Progress,
    Remover,
    Segmenter,
    Tagger,
    Template,
    TrainingSet,
    unit_rows,
)
from harness.data.images import decode, file_bytes
from harness.data.masks import read_mask
from harness.errors import UsageError
from harness.execution import storage
from harness.execution.order import shuffled
from harness.execution.unit import MODEL, SCORES, TEMPLATES, Picture, Unit
from harness.training import curves

CHECKPOINTS = "checkpoints"
"""Folder of a unit in which a fit leaves what it needs to go on after a kill."""

BATCH = 32
"""Images given to a batch method at once; answers may not depend on it."""

REFERENCES = 256
"""References that `compare` is given at once, with one probe: a search, whatever the protocol."""

COSINES = 100_000
"""Cosines computed at once, so that progress is seen."""


HISTOGRAM_BINS = 4096
"""Behind the plots of a fold whose scores are not kept."""


class Pictures(Sequence[Image]):
    """Images of a unit as its algorithm sees them, read when they are asked for."""

    def __init__(self, pictures: Sequence[Picture], sees: str = "pixels") -> None:
        self._pictures, self._sees = pictures, sees

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Pictures(self._pictures[index], self._sees)
        picture = self._pictures[index]
        if self._sees == "file":
            return file_bytes(Path(picture.path))
        return decode(Path(picture.path), box=picture.box)


class Masks(Sequence[npt.NDArray[np.bool_]]):
    """Masks of training images, decoded when they are asked for."""

    def __init__(self, masks: Sequence[Picture | None], images: Sequence[Image]) -> None:
        self._masks, self._images = masks, images

    def __len__(self) -> int:
        return len(self._masks)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Masks(self._masks[index], self._images[index])
        return _mask(self._masks[index], self._images[index])


class Cleaned(Sequence[Image]):
    """Training images without their tattoos; one that shows none is clean as it is."""

    def __init__(self, clean: Sequence[Picture | None], images: Sequence[Image]) -> None:
        self._clean, self._images = clean, images

    def __len__(self) -> int:
        return len(self._clean)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Cleaned(self._clean[index], self._images[index])
        picture = self._clean[index]
        return self._images[index] if picture is None else decode(Path(picture.path))


def _mask(picture: Picture | None, image: Image) -> npt.NDArray[np.bool_]:
    if picture is None:
        return np.zeros(image.shape[:2], dtype=bool)
    marked = read_mask(Path(picture.path))
    if marked.shape != image.shape[:2]:
        raise UsageError(
            f"mask {picture.path} has {marked.shape[1]} x {marked.shape[0]} pixels, its image "
            f"{image.shape[1]} x {image.shape[0]}; give masks the size of their images"
        )
    return marked


def seed_everything(seed: int) -> None:
    """Seed the global generators that an algorithm may use without knowing it."""
    import sys

    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the legacy generator is the global one
    torch = sys.modules.get("torch")
    if torch is not None:
        torch.manual_seed(seed)


def fit(algorithm: Algorithm, unit: Unit, folder: Path, progress: Progress) -> None:
    """Fit and store the model, or restore the one that is stored.

    Either way the algorithm that goes on has been through `load`, so that a resumed run and an
    unbroken one answer alike.
    """
    target = folder / MODEL
    if unit.model:
        algorithm.load(folder.parent.parent / unit.model)
    if unit.training is None:
        return
    if not target.exists():
        seed_everything(algorithm.seed)
        checkpoints = folder / CHECKPOINTS
        with storage.whole(target) as part:
            algorithm.fit(training_set(unit, progress, checkpoints))
            algorithm.save(part)
            curve = vars(algorithm).get(curves.ATTRIBUTE)
            if curve is not None:
                curves.write(part, curve)
            storage.record_step(part, items=len(unit.training.images))
    shutil.rmtree(folder / CHECKPOINTS, ignore_errors=True)
    algorithm.load(target)


def training_set(unit: Unit, progress: Progress, checkpoints: Path | None = None) -> TrainingSet:
    """Make the training set of a unit; mated pairs not listed are all pairs of one identity."""
    training = unit.training
    if training is None:
        raise ValueError(f"unit {unit.name} has nothing to learn from")
    identities = mated = tattoo = tags = masks = clean = None
    probes, references = (
        None if flags is None else np.array(flags, dtype=bool)
        for flags in (training.probes, training.references)
    )
    pictures = [unit.pictures[name] for name in training.images]
    images, shown = Pictures(pictures, unit.sees), Pictures(pictures)
    if training.identities is not None:
        identities = np.array(training.identities, dtype=np.int64)
        mated = (
            np.array(training.mated, dtype=np.int64).reshape(-1, 2)
            if training.mated is not None
            else _all_pairs(identities)
        )
    if training.tattoo is not None:
        tattoo = np.array(training.tattoo, dtype=bool)
    if training.tags is not None:
        tags = np.zeros((len(images), len(unit.vocabulary)), dtype=bool)
        for row, places in zip(tags, training.tags, strict=True):
            row[places] = True
    if training.masks is not None:
        masks = Masks(training.masks, shown)
    if training.clean is not None:
        clean = Cleaned(training.clean, shown)
    return TrainingSet(
        images,
        identities=identities,
        mated=mated,
        probes=probes,
        references=references,
        tattoo=tattoo,
        tags=tags,
        vocabulary=unit.vocabulary if tags is not None else None,
        masks=masks,
        clean=clean,
        progress=progress,
        checkpoints=checkpoints,
    )


def extract(matcher: Matcher, unit: Unit, folder: Path, progress: Progress) -> None:
    """Make and store the templates that the unit asks for."""
    target = folder / TEMPLATES
    if target.exists() or not unit.extract:
        return
    seed_everything(matcher.seed)
    with storage.whole(target) as part:
        made: dict[str, Template | FailureToEnroll] = {}
        for _, names, images in _batches(unit, unit.extract):
            answers = checked_templates(matcher.extract_batch(images), names)
            made.update(zip(names, answers, strict=True))
            progress(len(made), len(unit.extract), "templates")
        storage.save_templates(part, unit.extract, [made[name] for name in unit.extract])
        storage.record_step(part, items=len(made))


def score(algorithm: Algorithm, unit: Unit, folder: Path, progress: Progress) -> None:
    """Store the scores that the unit asks for, by the ability that its task needs."""
    target = folder / SCORES
    if target.exists() or not unit.score:
        return
    seed_everything(algorithm.seed)
    with storage.whole(target) as part:
        draws = isinstance(algorithm, Control) and unit.masks
        if draws or unit.ability in (Segmenter.__name__, Remover.__name__):
            _draw(algorithm, unit, part, progress)
            return
        if isinstance(algorithm, Control):
            scores, failures = _answer(algorithm, unit), dict[str, str]()
        elif unit.ability == Detector.__name__ and isinstance(algorithm, Detector):
            scores, failures = _detect(algorithm, unit, progress)
        elif unit.ability == Tagger.__name__ and isinstance(algorithm, Tagger):
            scores, failures = _tag(algorithm, unit, progress)
        elif isinstance(algorithm, Matcher):
            places = [folder / TEMPLATES] if unit.extract else []
            places += [folder.parent.parent / place for place in unit.templates]
            scores, failures = _compare(algorithm, unit, places, progress)
        else:
            raise BadAnswer(f"{unit.algorithm} has no ability {unit.ability}")
        storage.save_scores(part, scores, failures)
        storage.record_step(part, items=scores.size)


def match(unit: Unit, folder: Path, progress: Progress) -> None:
    """Compare vector templates and store what follows from their scores, without the plugin."""
    target, work = folder / SCORES, unit.matching
    if target.exists() or work is None:
        return
    from harness.matching import match as stream

    places = [folder.parent.parent / place for place in unit.templates]
    reasons = storage.load_failures(places)
    wanted = set(unit.probes) | set(unit.gallery)
    scratch = [folder / "probes.part-vectors.npy", folder / "references.part-vectors.npy"]
    with storage.whole(target) as part:
        try:
            probes, lost_probes = storage.gather_vectors(places, unit.probes, scratch[0])
            references, lost = storage.gather_vectors(places, unit.gallery, scratch[1])
        except TypeError as reason:
            raise BadAnswer(str(reason)) from None
        width = max(probes.shape[1], references.shape[1])
        try:
            found = stream(
                np.broadcast_to(probes, (len(probes), width)) if lost_probes.all() else probes,
                np.broadcast_to(references, (len(references), width)) if lost.all() else references,
                np.array(work.pairs, dtype=np.int64).reshape(-1, 2),
                failed_probes=lost_probes,
                failed_references=lost,
                # Ties are listed by name, so that the list does not depend on the gallery's order.
                order=np.argsort(np.array(unit.gallery), kind="stable").astype(np.int64),
                fmrs=work.fmrs,
                eer=work.eer,
                candidates=work.candidates,
                bins=HISTOGRAM_BINS,
                memory=work.memory,
                threads=work.threads,
                device=work.device,
                progress=lambda done, total: progress(done, total, "comparisons"),
            )
        except (ValueError, RuntimeError, AssertionError) as reason:
            # torch says what it cannot do with a device by the last two
            raise UsageError(f"{reason} (see --memory and --device)") from None
        failures = {name: reason for name, reason in reasons.items() if name in wanted}
        storage.save_matching(part, found, failures)
        storage.record_step(
            part, items=len(unit.probes) * len(unit.gallery), versions={"device": work.device}
        )
    for file in scratch:
        file.unlink(missing_ok=True)


def _compare(
    matcher: Matcher, unit: Unit, places: Sequence[Path], progress: Progress
) -> tuple[npt.NDArray[np.floating[Any]], dict[str, str]]:
    templates, failures = storage.load_templates(places)
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
    if not columns:
        return scores, failures
    asked = np.ones(scores.shape, dtype=bool)
    if unit.compared:
        asked[:] = False
        for i, listed in enumerate(unit.compared):
            asked[i, listed] = True
    if type(matcher).compare is Matcher.compare:
        _cosines(scores, rows, columns, unit, templates, progress)
        scores[~asked] = np.nan
        return scores, failures
    for done, i in enumerate(rows, start=1):
        met = [j for j in columns if asked[i, j]]
        for start in range(0, len(met), REFERENCES):
            block = met[start : start + REFERENCES]
            answer = matcher.compare(
                [templates[unit.probes[i]]], [templates[unit.gallery[j]] for j in block]
            )
            scores[i, block] = checked_scores(answer, (1, len(block)), "compare")[0]
        progress(done, len(rows), "searches")
    return scores, failures


def _cosines(
    scores: npt.NDArray[np.float64],
    rows: Sequence[int],
    columns: Sequence[int],
    unit: Unit,
    templates: Mapping[str, Template],
    progress: Progress,
) -> None:
    """Compare by cosine similarity, which takes no code of the algorithm's, in bulk."""
    references = unit_rows([templates[unit.gallery[j]] for j in columns])
    height = max(1, COSINES // len(columns))
    for start in range(0, len(rows), height):
        block = rows[start : start + height]
        probes = unit_rows([templates[unit.probes[i]] for i in block])
        # In float64, so that another size of block shows in the 16th digit only.
        scores[np.ix_(block, columns)] = np.clip(probes @ references.T, -1.0, 1.0)
        progress(min(start + height, len(rows)), len(rows), "searches")


def _detect(
    detector: Detector, unit: Unit, progress: Progress
) -> tuple[npt.NDArray[np.floating[Any]], dict[str, str]]:
    scores = np.full(len(unit.probes), np.nan)
    failures: dict[str, str] = {}
    done = 0
    for places, names, images in _batches(unit, unit.probes):
        answers = checked_detections(detector.detect_batch(images), names)
        for place, name, answer in zip(places, names, answers, strict=True):
            if isinstance(answer, FailureToEnroll):
                failures[name] = str(answer) or "no reason given"
            else:
                scores[place] = float(answer)
        done += len(names)
        progress(done, len(unit.probes), "images")
    return scores, failures


def _tag(
    tagger: Tagger, unit: Unit, progress: Progress
) -> tuple[npt.NDArray[np.floating[Any]], dict[str, str]]:
    scores = np.full((len(unit.probes), len(unit.vocabulary)), np.nan)
    failures: dict[str, str] = {}
    done = 0
    for places, names, images in _batches(unit, unit.probes):
        answers = checked_tags(tagger.tag_batch(images), names, len(unit.vocabulary))
        for place, name, answer in zip(places, names, answers, strict=True):
            if isinstance(answer, FailureToEnroll):
                failures[name] = str(answer) or "no reason given"
            else:
                scores[place] = answer
        done += len(names)
        progress(done, len(unit.probes), "images")
    return scores, failures


def _draw(algorithm: Algorithm, unit: Unit, part: Path, progress: Progress) -> None:
    """Store the picture with which a segmenter, a remover or a control answers for each probe."""
    files: list[str | None] = [None] * len(unit.probes)
    failures: dict[str, str] = {}
    rng = _own_generator(algorithm.seed, unit)
    done = 0
    for places, names, images in _batches(unit, unit.probes):
        answers: list[Any]
        if isinstance(algorithm, Control):
            masks = [unit.masks[place] for place in places]
            answers = checked_masks(
                [algorithm.answer(_mask(m, i), rng) for m, i in zip(masks, images, strict=True)],
                names,
                images,
            )
        elif unit.ability == Segmenter.__name__ and isinstance(algorithm, Segmenter):
            shown = Pictures([unit.pictures[name] for name in names])
            sized = images if unit.sees == "pixels" else list(shown)
            answers = checked_masks(algorithm.segment_batch(images), names, sized)
        elif isinstance(algorithm, Remover):
            answers = checked_pictures(algorithm.remove_batch(images), names, images)
        else:
            raise BadAnswer(f"{unit.algorithm} has no ability {unit.ability}")
        for place, name, answer in zip(places, names, answers, strict=True):
            if isinstance(answer, FailureToEnroll):
                failures[name] = str(answer) or "no reason given"
            else:
                files[place] = storage.save_picture(part, place, answer)
        done += len(names)
        progress(done, len(unit.probes), "images")
    storage.save_pictures(part, files, failures)
    storage.record_step(part, items=len(files))


def _answer(control: Control, unit: Unit) -> npt.NDArray[np.floating[Any]]:
    columns = unit.gallery or unit.vocabulary
    shape = (len(unit.probes), len(columns)) if columns else (len(unit.probes),)
    truth = np.zeros(int(np.prod(shape)), dtype=bool)
    truth[unit.truth] = True
    answer = control.answer(truth.reshape(shape), _own_generator(control.seed, unit))
    return checked_scores(answer, shape, "answer")


def _own_generator(seed: int, unit: Unit) -> np.random.Generator:
    """Return numbers of this fold of this protocol alone, the same whenever it is run."""
    lists = "\n".join([unit.name, *unit.probes, "", *unit.gallery])
    return np.random.default_rng([seed, zlib.crc32(lists.encode())])


def _batches(unit: Unit, names: Sequence[str]) -> Any:
    """Yield places in `names`, the names there and their pictures, in the unit's own order."""
    order = shuffled(names, unit.order, "pictures")
    for start in range(0, len(names), BATCH):
        places = order[start : start + BATCH]
        chosen = [names[place] for place in places]
        pictures = Pictures([unit.pictures[name] for name in chosen], unit.sees)
        yield places, chosen, list(pictures)


def _all_pairs(identities: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """List the index pairs of equal identity, in order."""
    order = np.argsort(identities, kind="stable")
    runs = np.split(order, np.flatnonzero(np.diff(identities[order])) + 1)
    pairs = [np.stack(np.triu_indices(len(run), 1), axis=1) for run in runs]
    listed = [run[pair] for run, pair in zip(runs, pairs, strict=True)]
    return np.concatenate([np.empty((0, 2), dtype=np.int64), *listed])


STEPS: tuple[tuple[str, Callable[[Any, Unit, Path, Progress], None]], ...] = (
    ("fit", fit),
    ("extract", extract),
    ("score", score),
)
