"""The pictures that a run was about: their hashes, held against the one in the run's identity."""

from __future__ import annotations

from pathlib import Path

from harness.data.fingerprints import content_hashes, fingerprint
from harness.data.readers.layouts import open_dataset
from harness.data.records import Dataset
from harness.errors import HarnessError, visible
from harness.plugins.places import bundled
from harness.record.record import Run
from harness.tasks.kinds import task_of

__all__ = ["Pictures", "pictures_of"]

SHIPPED = "fixtures/"
"""How a manifest calls data sets that come with the harness."""


class Pictures:
    """Where the probes and references of a run lie, and what they are, or why nobody knows.

    Parameters
    ----------
    files
        By the name of the record.
    digests
        SHA-256 of each file, in hexadecimal.
    why_none
        Continues a sentence; empty where they are at hand.
    """

    def __init__(self, files: dict[str, Path], digests: dict[str, str], why_none: str = "") -> None:
        self.files, self.digests, self.why_none = files, digests, why_none


def pictures_of(run: Run, data: Path | None = None) -> Pictures:
    """Return the pictures of a run, if they are those that it was made of.

    Parameters
    ----------
    run
        Read before.
    data
        Where the data set lies now, if not where it lay.

    Returns
    -------
    Pictures
        Of all probes and references. None where images and truth together do not have the hash that
        is part of the run's identity, since then nothing says that they are what was judged.
    """
    if run.manifest.imported is not None:
        return Pictures({}, {}, "the scores were imported, so that no picture is part of the run")
    place = data or _place(run)
    try:
        dataset = _opened(run, place)
        known = dataset.records.keys()
        # What is learned from elsewhere has a hash of its own.
        elsewhere = bool(run.manifest.origin.training_hash)
        every = {n for f in run.folds for n in (*f.train, *f.probes, *f.gallery)}
        used = sorted(every & known if elsewhere else every)
        digests = content_hashes(dataset, used)
        kinds = task_of(run.protocol).truth_files
        found = fingerprint(dataset, used, hashes=digests, truth_files=kinds)
    except (HarnessError, OSError, KeyError, ValueError) as reason:
        said = str(reason).partition("\n")[0] if not isinstance(reason, KeyError) else "images lack"
        return Pictures({}, {}, f"{visible(str(place))} cannot be read as it was: {said}")
    if found != run.manifest.origin.data_hash:
        why = f"{visible(str(place))} is not the data of the run: images or truth are others"
        return Pictures({}, {}, why)
    shown = sorted({name for fold in run.folds for name in (*fold.probes, *fold.gallery)})
    return Pictures(
        {name: dataset.records[name].path for name in shown},
        {name: digests[name] for name in shown},
    )


def _opened(run: Run, place: Path) -> Dataset:
    rules = run.protocol.data
    return open_dataset(
        place,
        use_case=rules.use_case,
        background=rules.background,
        layout=run.manifest.dataset["layout"],
    )


def _place(run: Run) -> Path:
    """Return what the user named as data set, as far as the manifest says it."""
    given, root = run.manifest.dataset.get("given", ""), Path(run.manifest.dataset["path"])
    shipped = bundled("fixtures") / given.removeprefix(SHIPPED)
    if given.startswith(SHIPPED) and shipped.resolve() == root:
        return shipped
    named = Path(given)
    # A manifest is a file in the folder that the record names.
    return named if given and named.is_file() else root
