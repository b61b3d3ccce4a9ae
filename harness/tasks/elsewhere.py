"""Train on one data set, test on another: every fold learns from all of a second data set."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.data.drawing import Drawing
from harness.data.findings import Finding, Findings
from harness.data.fingerprints import content_hashes, fingerprint
from harness.data.likeness import alike, looks_of
from harness.data.records import Dataset, Fold
from harness.errors import DataError

__all__ = ["ExternalTrainingData", "train_on", "train_on_drawn"]

PREFIX = "training-data/"
"""Put before names of the second data set, which may have names of the first."""


@dataclass(frozen=True)
class ExternalTrainingData:
    """A data set that is learned from, and not judged.

    Parameters
    ----------
    path
        As the user named it.
    name
        For people.
    images
        Names of its records, as the folds have them.
    hash
        SHA-256 of those images and all that is said to be true of them.
    drawing
        What is learned from where nothing is read, but drawn; then `images` is empty, and `hash`
        of all that captures depend on.
    """

    path: str
    name: str
    images: frozenset[str]
    hash: str
    drawing: Drawing | None = None


def train_on_drawn(
    folds: Sequence[Fold], drawing: Drawing, *, path: str
) -> tuple[tuple[Fold, ...], ExternalTrainingData]:
    """Put captures that are drawn in the place of every fold's training images.

    Parameters
    ----------
    folds
        What is judged stays as it is.
    drawing
        What draws; no written set holds any of it.
    path
        How the user named it.
    """
    none: frozenset[Any] = frozenset()
    nothing: dict[str, Any] = {
        "train": (),
        "train_mates": none,
        "train_probes": none,
        "train_references": none,
    }
    new = tuple(replace(fold, **nothing) for fold in folds)
    return new, ExternalTrainingData(path, path, none, drawing.digest, drawing)


def train_on(
    judged: Dataset, folds: Sequence[Fold], source: Dataset, *, mated_by: str, path: str
) -> tuple[Dataset, tuple[Fold, ...], ExternalTrainingData]:
    """Put all of a second data set in the place of every fold's training images.

    Parameters
    ----------
    judged, folds
        What is judged; probes, galleries and mates stay as they are.
    source
        What is learned from. Where it has lists of its own, their mates are the training's mated
        pairs; otherwise images of one `mated_by` are of one identity. Its background is left out.
    mated_by
        Field of a record by which the protocol calls images mated.
    path
        How the user named `source`.

    Returns
    -------
    dataset : Dataset
        With the records of both.
    folds : tuple of Fold
    training_data : ExternalTrainingData

    Raises
    ------
    DataError
        If an image, or a copy of it, would be learned from and judged, or no two training images
        are mated.
    """
    listed = [(*f.train, *f.probes, *f.gallery) for f in source.folds]
    backed = {name for name, record in source.records.items() if record.role == "background"}
    chosen = (
        [n for n in _once(listed) if n not in backed]
        if listed
        else [name for name in source.records if name not in backed]
    )
    mates = frozenset(
        pair
        for fold in source.folds
        for pair in (*fold.mates, *fold.train_mates)
        if backed.isdisjoint(pair)
    )
    identities = Counter(getattr(source.records[name], mated_by) for name in chosen)
    del identities[None]
    if not mates and max(identities.values(), default=0) < 2:
        raise DataError(
            f"{path} has no two images of one {mated_by!r}, so nothing can be learned from it for "
            f"this protocol; give its manifest a column {mated_by!r}, or one folder per identity"
        )
    hashes = content_hashes(source, chosen)
    near = _refuse_leakage(judged, folds, source, hashes, path)
    prefix = PREFIX
    while any(name.startswith(prefix) for name in judged.records):
        prefix = f"other-{prefix}"
    added = {prefix + name: replace(source.records[name], name=prefix + name) for name in chosen}
    pairs = frozenset((prefix + left, prefix + right) for left, right in mates)
    train = tuple(added)
    both = replace(
        judged,
        # Paths in a run folder are relative to one root, which has to hold both.
        root=Path(os.path.commonpath([judged.root, source.root])),
        records={**judged.records, **added},
        findings=(*judged.findings, *source.findings, *near),
    )
    probes = {prefix + name for fold in source.folds for name in fold.probes}
    references = {prefix + name for fold in source.folds for name in fold.gallery}
    new = tuple(
        replace(
            fold,
            train=train,
            train_mates=pairs,
            train_probes=frozenset(probes & added.keys()),
            train_references=frozenset(references & added.keys()),
        )
        for fold in folds
    )
    training_data = ExternalTrainingData(
        path, source.name, frozenset(added), fingerprint(source, chosen, hashes=hashes)
    )
    return both, new, training_data


def _refuse_leakage(
    judged: Dataset,
    folds: Sequence[Fold],
    other: Dataset,
    hashes: Mapping[str, str],
    path: str,
) -> tuple[Finding, ...]:
    """Refuse pictures that are judged and learned from, re-encoded or resized ones, too.

    Returns
    -------
    tuple of Finding
        Warnings of pictures that look much alike.
    """
    names = _once((*fold.probes, *fold.gallery) for fold in folds)
    theirs = {digest: name for name, digest in hashes.items()}
    findings = Findings()
    own = content_hashes(judged, names)
    same = {name: theirs[digest] for name, digest in own.items() if digest in theirs}
    looks = looks_of({name: judged.records[name].path for name in names if name not in same})
    learned = looks_of({name: other.records[name].path for name in hashes})
    copies: dict[str, str] = {}
    near: dict[str, str] = {}
    for pair in alike(looks, learned):
        kind = copies if pair.kind == "copy" else near
        kind.setdefault(looks.names[pair.one], learned.names[pair.other])
    for found, how in ((same, "byte for byte"), (copies, "re-encoded or resized")):
        for name, source in found.items():
            findings.problem(
                "images learned from and judged",
                f"{name!r} is {source!r} of the training data, {how}",
            )
    if findings.problems:
        raise DataError(
            f"{path} shares images with {judged.name}, which is judged: what was learned by heart "
            "would count as recognised. Train on data that does not hold them.",
            findings.all,
        )
    for name, source in near.items():
        findings.warning(
            "pictures like those learned from",
            f"{name!r} looks much like {source!r} of the training data: is it the same picture?",
        )
    return findings.all


def _once(groups: Iterable[Iterable[str]]) -> list[str]:
    return list(dict.fromkeys(name for group in groups for name in group))
