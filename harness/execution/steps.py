"""The steps of a unit, each checked: the harness never trusts what an algorithm returns."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.answers import BadAnswer, checked_detections, checked_scores, checked_templates
from harness.api import (
    Algorithm,
    Control,
    Detector,
    FailureToEnroll,
    Image,
    Matcher,
    Progress,
    Template,
    TrainingSet,
)
from harness.data.images import decode
from harness.errors import UsageError
from harness.execution import storage
from harness.execution.unit import MODEL, SCORES, TEMPLATES, Picture, Unit

BATCH = 32
"""Images given to a batch method at once; answers may not depend on it."""

COMPARISONS = 100_000
"""Comparisons asked for at once, so that progress is seen and templates stay in cache."""


HISTOGRAM_BINS = 4096
"""Behind the plots of a fold whose scores are not kept."""


class Pictures(Sequence[Image]):
    """Images of a unit, decoded when they are asked for."""

    def __init__(self, pictures: Sequence[Picture]) -> None:
        self._pictures = pictures

    def __len__(self) -> int:
        return len(self._pictures)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return Pictures(self._pictures[index])
        picture = self._pictures[index]
        return decode(Path(picture.path), box=picture.box)


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
    if unit.training is None:
        return
    if not target.exists():
        seed_everything(algorithm.seed)
        with storage.whole(target) as part:
            algorithm.fit(training_set(unit, progress))
            algorithm.save(part)
            storage.record_step(part, items=len(unit.training.images))
    algorithm.load(target)


def training_set(unit: Unit, progress: Progress) -> TrainingSet:
    """Make the training set of a unit; mated pairs not listed are all pairs of one identity."""
    training = unit.training
    if training is None:
        raise ValueError(f"unit {unit.name} has nothing to learn from")
    identities = mated = tattoo = None
    if training.identities is not None:
        identities = np.array(training.identities, dtype=np.int64)
        mated = (
            np.array(training.mated, dtype=np.int64).reshape(-1, 2)
            if training.mated is not None
            else _all_pairs(identities)
        )
    if training.tattoo is not None:
        tattoo = np.array(training.tattoo, dtype=bool)
    return TrainingSet(
        Pictures([unit.pictures[name] for name in training.images]),
        identities=identities,
        mated=mated,
        tattoo=tattoo,
        progress=progress,
    )


def extract(matcher: Matcher, unit: Unit, folder: Path, progress: Progress) -> None:
    """Make and store the templates that the unit asks for."""
    target = folder / TEMPLATES
    if target.exists() or not unit.extract:
        return
    seed_everything(matcher.seed)
    with storage.whole(target) as part:
        templates: list[Template | FailureToEnroll] = []
        for names, images in _batches(unit, unit.extract):
            templates += checked_templates(matcher.extract_batch(images), names)
            progress(len(templates), len(unit.extract), "templates")
        storage.save_templates(part, unit.extract, templates)
        storage.record_step(part, items=len(templates))


def score(algorithm: Algorithm, unit: Unit, folder: Path, progress: Progress) -> None:
    """Store the scores that the unit asks for, by the ability that its task needs."""
    target = folder / SCORES
    if target.exists() or not unit.score:
        return
    seed_everything(algorithm.seed)
    with storage.whole(target) as part:
        if isinstance(algorithm, Control):
            scores, failures = _answer(algorithm, unit), dict[str, str]()
        elif unit.ability == Detector.__name__ and isinstance(algorithm, Detector):
            scores, failures = _detect(algorithm, unit, progress)
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
    rows = [i for i, name in enumerate(unit.probes) if name not in failures]
    columns = [j for j, name in enumerate(unit.gallery) if name not in failures]
    references = [templates[unit.gallery[j]] for j in columns]
    scores = np.full((len(unit.probes), len(unit.gallery)), np.nan)
    height = max(1, COMPARISONS // max(1, len(references)))
    for start in range(0, len(rows) if references else 0, height):
        block = rows[start : start + height]
        answer = matcher.compare([templates[unit.probes[i]] for i in block], references)
        answer = checked_scores(answer, (len(block), len(references)), "compare")
        scores[np.ix_(block, columns)] = answer
        progress(min(start + height, len(rows)), len(rows), "searches")
    return scores, failures


def _detect(
    detector: Detector, unit: Unit, progress: Progress
) -> tuple[npt.NDArray[np.floating[Any]], dict[str, str]]:
    found: list[float] = []
    failures: dict[str, str] = {}
    for names, images in _batches(unit, unit.probes):
        answers = checked_detections(detector.detect_batch(images), names)
        for name, answer in zip(names, answers, strict=True):
            if isinstance(answer, FailureToEnroll):
                failures[name] = str(answer) or "no reason given"
                found.append(np.nan)
            else:
                found.append(float(answer))
        progress(len(found), len(unit.probes), "images")
    return np.array(found, dtype=np.float64), failures


def _answer(control: Control, unit: Unit) -> npt.NDArray[np.floating[Any]]:
    shape = (len(unit.probes), len(unit.gallery)) if unit.gallery else (len(unit.probes),)
    truth = np.zeros(int(np.prod(shape)), dtype=bool)
    truth[unit.truth] = True
    # Every fold of every protocol draws numbers of its own, the same whenever it is run.
    lists = "\n".join([unit.name, *unit.probes, "", *unit.gallery])
    rng = np.random.default_rng([control.seed, zlib.crc32(lists.encode())])
    return checked_scores(control.answer(truth.reshape(shape), rng), shape, "answer")


def _batches(unit: Unit, names: Sequence[str]) -> Any:
    pictures = Pictures([unit.pictures[name] for name in names])
    for start in range(0, len(names), BATCH):
        yield names[start : start + BATCH], list(pictures[start : start + BATCH])


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
