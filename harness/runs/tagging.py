"""Asking the fitted model of a run folder for the tags of further images."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.api import Tagger
from harness.data.images import decode
from harness.data.records import Picture
from harness.errors import DataError, HarnessError, UsageError
from harness.execution.doing import Event
from harness.execution.keeping import Workplace
from harness.execution.pool import Limits, do_all
from harness.execution.storage import load_answer
from harness.execution.unit import (
    MODEL,
    SCORES,
    Unit,
)
from harness.plugins.registry import Plugin, find_algorithm, source_hash
from harness.plugins.requirements import check_installed
from harness.record import record
from harness.record.manifest import Manifest
from harness.record.models import model_of_fold
from harness.tasks.kinds import KINDS, task_of


@dataclass(frozen=True)
class Tagging:
    """What a model says of an image.

    Parameters
    ----------
    image
        Of the file.
    scores
        In [0, 1], by tag, in alphabetical order; empty where it gave up.
    failure
        Why it gave up, or empty.
    """

    image: Path
    scores: dict[str, float]
    failure: str = ""


def _tags(manifest: Manifest) -> bool:
    """Whether a run asked a model for tags: its kind of question needs a tagger of a vocabulary."""
    task = KINDS.get(manifest.task)
    return task is not None and task.ability is Tagger and task.has_vocabulary


def newest_run(runs: Path, algorithm: str) -> Path:
    """Return the run folder of an algorithm's latest finished run of a tagging protocol.

    Raises
    ------
    UsageError
        If there is none; it names the command that makes one.
    """
    found: list[tuple[str, Path]] = []
    for file in runs.glob(f"*/*/{record.MANIFEST}") if runs.is_dir() else ():
        try:
            manifest = record.read_manifest(file.parent)
        except HarnessError:
            continue
        whole = (file.parent / record.CHECKSUMS).is_file()
        if whole and _tags(manifest) and manifest.origin.algorithm == algorithm:
            found.append((manifest.finished, file.parent))
    if not found:
        raise UsageError(
            f"{runs} has no finished run of {algorithm!r} on a tagging protocol. First: "
            f"harness run --protocol tagging --algo {algorithm} --out {runs}"
        )
    return max(found)[1]


def tag_images(
    folder: Path,
    images: Sequence[Path],
    *,
    fold: str = "",
    algorithm: str = "",
    plugins: Sequence[Path] = (),
    warn: Callable[[str], None] = lambda sentence: None,
    listen: Callable[[Event], None] = lambda event: None,
) -> list[Tagging]:
    """Tag images with a model that a run has fitted, in a process of its own.

    Parameters
    ----------
    folder
        Of a finished run of a tagging protocol.
    images
        Files.
    fold
        Whose model is asked; the first unless given.
    algorithm
        Name or file; that which the run names unless given. What a run folder says of files is
        never executed.
    warn
        Called with a sentence if the algorithm is not the one that the run was made with.

    Raises
    ------
    UsageError
        If the run has no such model.
    Damaged
        If the run folder is not as it was written.
    DataError
        With every image that cannot be read.
    """
    record.check_sources(folder)
    run = record.read_run(folder)
    origin = run.manifest.origin
    if not _tags(run.manifest) or run.manifest.control or run.manifest.imported is not None:
        raise UsageError(
            f"{folder} is a run of {origin.algorithm!r} on {origin.protocol!r}: there is no model "
            "in it that tags. `harness run --protocol tagging --algo anime-tags` makes one"
        )
    names = [known.name for known in run.folds]
    if fold and fold not in names:
        raise UsageError(f"{folder} has no fold {fold!r}; it has: {', '.join(names)}")
    plugin = _plugin(algorithm or origin.algorithm, bool(algorithm), plugins)
    if source_hash(plugin, run.manifest.loaded) != origin.source_hash:
        warn(f"{plugin.file} has changed since the run; its answers may differ from the run's")
    _check_readable(images)
    tags = list(task_of(run.protocol).vocabulary(run.records, run.protocol))
    model = model_of_fold(folder, fold or names[0])
    pictures = {f"image {i}": Picture(str(p.absolute())) for i, p in enumerate(images, start=1)}
    with tempfile.TemporaryDirectory() as place:
        work = Workplace(Path(place).resolve(), (folder,))
        if model is not None:
            shutil.copytree(model, work.run / MODEL)
        unit = Unit(
            name="tag",
            ability=Tagger.__name__,
            algorithm=plugin.name,
            **plugin.address,
            parameters=origin.parameters,
            pictures=pictures,
            model=MODEL if model is not None else "",
            probes=list(pictures),
            vocabulary=tags,
        )
        do_all([unit], work, Limits(workers=1), listen)
        answer = load_answer(work.folder(unit) / SCORES)
    found = []
    for name, path, scores in zip(pictures, images, answer.scores.tolist(), strict=True):
        failure = answer.failures.get(name, "")
        known = {} if failure else dict(zip(tags, scores, strict=True))
        found.append(Tagging(path, known, failure))
    return found


def _plugin(name: str, trusted: bool, plugins: Sequence[Path]) -> Plugin:
    if not trusted and not re.fullmatch(r"\w[\w-]*", name):
        raise UsageError(f"the run names an algorithm {name!r}; say with --algo which is meant")
    try:
        plugin = find_algorithm(name, plugins)
    except UsageError as reason:
        raise UsageError(f"{reason} A file of your own is named with --algo FILE.") from None
    check_installed(plugin)
    return plugin


def _check_readable(images: Sequence[Path]) -> None:
    problems = []
    for path in images:
        try:
            decode(path)
        except HarnessError as reason:
            problems.append(str(reason))
    if problems:
        raise DataError("images cannot be read:", problems)
