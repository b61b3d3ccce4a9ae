"""The model that a fold of a run learned, as a file for other programs."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from harness.data.fingerprints import content_hashes
from harness.data.learned_from import LearnedFrom, learned_from, stamp
from harness.data.records import Dataset, Fold
from harness.errors import UsageError, nearest
from harness.execution.asking import request_export
from harness.plugins.registry import Plugin, find_algorithm, source_hash
from harness.plugins.requirements import check_installed
from harness.record import record
from harness.record.manifest import Manifest
from harness.record.models import model_of_fold
from harness.tasks.folds import fold_named


def export_onnx(
    folder: Path, file: Path, *, fold: str | None = None, plugins: Iterable[Path] = ()
) -> Path:
    """Write the model of one fold as an ONNX file; the algorithm does it, in a process of its own.

    Parameters
    ----------
    folder
        Of a finished run.
    file
        To write, or to overwrite.
    fold
        Name of the fold whose model it is; may be left out where there is one model.
    plugins
        Further folders in which the run's algorithm is looked for.

    Returns
    -------
    pathlib.Path
        `file`.

    Raises
    ------
    UsageError
        If the run has no model, or several and none is named; if the algorithm cannot be found, has
        changed since the run, or has no ``export_onnx``.
    Damaged
        If the run folder changed since it was written.
    """
    record.check_sources(folder)
    run = record.read_run(folder)
    manifest = run.manifest
    chosen = _fold(manifest, fold, folder)
    model = model_of_fold(folder, chosen)
    if model is None:
        raise UsageError(
            f"{folder}: {manifest.origin.algorithm!r} learned nothing in this run, so there is no "
            "model to export"
        )
    plugin = _plugin(manifest, plugins)
    if file.is_dir() or not file.resolve().parent.is_dir():
        raise UsageError(f"{file} is not a file in a folder that exists; name one with --out")
    request_export(plugin, manifest.origin.parameters, model, file)
    fold_run = next(one for one in run.folds if one.name == chosen)
    stamp(file, _learned(run, fold_run))
    return file


def _learned(run: record.Run, fold: Fold) -> LearnedFrom:
    """Look at the pictures that a fold learned from, which have to be where they were.

    Raises
    ------
    UsageError
        If they are not: a model that does not know them could not be refused on them.
    """
    files = {name: run.records[name].path for name in fold.train}
    lost = [name for name, path in files.items() if not path.is_file()]
    if lost:
        raise UsageError(
            f"{len(lost):,} of the {len(files):,} pictures that fold {fold.name} learned from are "
            f"not where they were, e.g. {files[lost[0]]}; a model is exported with their hashes, "
            "so that it is never judged on them. Put the data set back there."
        )
    dataset = Dataset(run.manifest.dataset["name"], Path(), "", run.records)
    return learned_from(files, content_hashes(dataset, files))


def _fold(manifest: Manifest, named: str | None, folder: Path) -> str:
    folds = manifest.origin.folds
    if named is None:
        if len({model_of_fold(folder, one) for one in folds}) > 1:
            raise UsageError(
                f"{folder} has a model for each of its folds; choose one with --fold: "
                f"{', '.join(folds)}"
            )
        return folds[0]
    named = fold_named(named, folds)
    if named not in folds:
        raise UsageError(
            f"{folder} has no fold {named!r}.{nearest(named, folds)} Known: {', '.join(folds)}"
        )
    return named


def _plugin(manifest: Manifest, plugins: Iterable[Path]) -> Plugin:
    """Find the algorithm of a run by its name, never by a path that the run folder names."""
    name = manifest.origin.algorithm
    plugin = find_algorithm(name, plugins)
    check_installed(plugin)
    if source_hash(plugin, manifest.loaded) != manifest.origin.source_hash:
        raise UsageError(
            f"the source of {name!r} ({plugin.file}), or of the toolkit it is built on, changed "
            "since the run, so its model might mean something else now. Do the run again: "
            f"{manifest.command}"
        )
    return plugin
