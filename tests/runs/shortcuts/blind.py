"""Runs of controls done in this process, on features that are looked at once for all protocols."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image

from harness.api import TrainingSet
from harness.data.images import decode, file_bytes
from harness.data.records import Fold, Record
from harness.execution.order import shuffled
from harness.execution.plan import compared_in
from harness.plugins.registry import find_algorithm, load
from harness.runs.preparing import Request, judged_by
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answer, PictureAnswer
from harness.tasks.kinds import task_of
from harness.tasks.on_data import ProtocolOnData


@dataclass
class Looked:
    """Features and sizes of files, read once, in the place of the pictures themselves."""

    name: str
    kind: Any = None
    seen: dict[Path, np.ndarray] = field(default_factory=dict)
    shapes: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.kind = load(find_algorithm(self.name))
        original, looked = self.kind(), self

        class Known(self.kind):  # type: ignore[name-defined,misc]
            """The control, shown a path in the place of a picture."""

            def features(self, image: Any) -> np.ndarray:
                if image not in looked.seen:
                    shown = file_bytes(image) if original.sees == "file" else decode(image)
                    looked.seen[image] = original.features(shown)
                return looked.seen[image]

            def shape(self, image: Any) -> tuple[int, int]:
                with PIL.Image.open(image) as opened:
                    return opened.height, opened.width

        self.known = dataclass(Known)


@cache
def _judged(protocol: str, data: Path | None = None) -> ProtocolOnData:
    """Return a protocol on its data, which controls only read; of its metrics the headline."""
    judged = judged_by(protocol, Request((), (protocol,), data=data))
    headline = {"metrics": (judged.protocol.headline,)}
    return replace(judged, protocol=judged.protocol.model_copy(update=headline))


def headline(control: Looked, protocol: str, folder: Path, data: Path | None = None) -> Estimate:
    """Return the headline estimate that a control reaches on a protocol."""
    judged = _judged(protocol, data)
    task, records = task_of(judged.protocol), judged.dataset.records
    used = {n for fold in judged.folds for n in (*fold.train, *fold.probes, *fold.gallery)}
    records = {name: record for name, record in records.items() if name in used}
    words = task.vocabulary(records, judged.protocol) if task.has_vocabulary else ()
    answers = []
    for fold in judged.folds:
        algorithm = control.known()
        algorithm.fit(_training(task, fold, records, judged.protocol, words))
        answers.append(_answer(algorithm, fold, records, words, folder))
    outcome = task.judge(judged.folds, answers, records, judged.protocol)
    found: Estimate = outcome.metrics.pooled[outcome.metrics.headline]
    return found


def headline_by_place(protocol: str) -> Estimate:
    """Return the headline estimate of scores that say where a picture stood among those given."""
    judged = _judged(protocol)
    task, records = task_of(judged.protocol), judged.dataset.records
    used = {n for fold in judged.folds for n in (*fold.train, *fold.probes, *fold.gallery)}
    records = {name: record for name, record in records.items() if name in used}
    words = task.vocabulary(records, judged.protocol) if task.has_vocabulary else ()
    answers = []
    for fold in judged.folds:
        order = f"{judged.protocol.folds.seed} {fold.name}"
        if fold.gallery:
            rows, columns = (
                np.argsort(shuffled(names, order, what))
                for names, what in ((fold.probes, "probes"), (fold.gallery, "references"))
            )
            # A little later from probe to probe, or all would be ties, which count against.
            scores = -(columns[None] + rows[:, None] * 1e-6)
            _forget(scores, fold)
        else:
            places = np.argsort(shuffled(fold.probes, order, "pictures"))
            scores = 1 - places / len(places)
            if words:
                # Early pictures are given the first words, late ones the last.
                scores = 1 - np.abs(scores[:, None] - np.linspace(0, 1, len(words)))
        answers.append(Answer(scores))
    outcome = task.judge(judged.folds, answers, records, judged.protocol)
    found: Estimate = outcome.metrics.pooled[outcome.metrics.headline]
    return found


def _forget(scores: np.ndarray, fold: Fold) -> None:
    """Leave out the scores of comparisons that are not made."""
    for row, columns in zip(scores, compared_in(fold), strict=False):
        row[sorted(set(range(len(row))) - set(columns))] = np.nan


_SHARES: dict[Path, np.ndarray] = {}


def _share(mask: Any) -> np.ndarray:
    """Return an array with the mean of a mask: all that is learned of it."""
    if mask is None:
        return np.zeros(1)
    path = Path(mask.path)
    if path not in _SHARES:
        _SHARES[path] = np.array([(decode(path)[..., 0] >= 128).mean()])
    return _SHARES[path]


def _training(
    task: Any, fold: Fold, records: Mapping[str, Record], protocol: Any, words: Sequence[str]
) -> TrainingSet:
    told = task.training_truth(fold, records, protocol)
    truth: dict[str, Any] = {}
    if "identities" in told:
        numbers = np.array(told["identities"])
        pairs = np.argwhere(np.triu(numbers[:, None] == numbers, 1))
        truth["mated"] = np.array(told.get("mated", pairs)).reshape(-1, 2)
    if "tattoo" in told:
        truth["tattoo"] = np.array(told["tattoo"])
    if "tags" in told:
        truth["tags"] = np.zeros((len(fold.train), len(words)), bool)
        for row, places in zip(truth["tags"], told["tags"], strict=True):
            row[places] = True
    if "masks" in told:
        truth["masks"] = [_share(mask) for mask in told["masks"]]
    paths: Any = [records[name].path for name in fold.train]
    return TrainingSet(paths, **truth)


def _answer(
    algorithm: Any, fold: Fold, records: Mapping[str, Record], words: Sequence[str], folder: Path
) -> Answer:
    probes = [records[name].path for name in fold.probes]
    if fold.gallery:
        gallery = [algorithm.extract(records[name].path) for name in fold.gallery]
        scores = algorithm.compare([algorithm.extract(path) for path in probes], gallery)
        _forget(scores, fold)
        return Answer(scores)
    if words:
        return Answer(np.array([algorithm.tag(path) for path in probes]))
    if hasattr(algorithm, "tattoo_") and algorithm.tattoo_.size:
        return Answer(np.array([algorithm.detect(path) for path in probes]))
    files = []
    for k, path in enumerate(probes):
        files.append(folder / f"{fold.name}-{k}.png")
        mask = np.rint(algorithm.segment(path) * 255).astype(np.uint8)
        PIL.Image.fromarray(mask).save(files[-1])
    return PictureAnswer(np.empty(0), files=tuple(files))
