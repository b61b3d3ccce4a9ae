"""Everything that is wrong with a data set, in one list, before anything runs.

Readers report what they see in lists and manifests, with file and line. `check` adds what the
files themselves and the folds show.
"""

from __future__ import annotations

import stat
from collections import defaultdict
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import combinations
from pathlib import Path, PurePosixPath

from harness.data.findings import Findings, once
from harness.data.fingerprints import content_hashes
from harness.data.formats import header_fault
from harness.data.paths import Root
from harness.data.records import Dataset, Fold, Record
from harness.data.words import is_description, words_fault

__all__ = ["check"]

_LOOKED_INTO = 50
"""Folders in which a missing file is looked for."""


def check(
    dataset: Dataset,
    *,
    names: Iterable[str] | None = None,
    hashes: Mapping[str, str] | None = None,
) -> Dataset:
    """Return a data set with all that its files and folds show to be wrong added to it.

    Found are: missing files, files outside the root, files that by their header are not images or
    are too large, one picture under two names, and per fold: probes without a mate, probes that
    are in the gallery, and images that are both learned from and judged. Damage behind a header
    only shows in decoding, which is not done here.

    One picture under two names is a problem where a fold compares the two, and a warning
    elsewhere.

    Parameters
    ----------
    dataset
        As a reader returned it, or with folds that a protocol laid out.
    names
        Of the records that are used; all unless given.
    hashes
        What `content_hashes` returned, where it was called before; otherwise only files of equal
        size are hashed.
    """
    findings = Findings()
    used = list(dataset.records if names is None else dict.fromkeys(names))
    sound = _check_files(dataset, used, findings)
    for fold in dataset.folds:
        _check_fold(fold, findings)
    _check_copies(dataset, sound, hashes, findings)
    return replace(dataset, findings=tuple(once((*dataset.findings, *findings.all))))


def _check_files(dataset: Dataset, used: Iterable[str], findings: Findings) -> dict[str, int]:
    """Return the size of every image file that may be one."""
    root = Root(dataset.root)

    def look(name: str) -> tuple[str, str, str] | int:
        return _look(root, dataset.records[name])

    sizes: dict[str, int] = {}
    names = list(used)
    with ThreadPoolExecutor(2) as pool:
        for name, answer in zip(names, pool.map(look, names), strict=True):
            if isinstance(answer, int):
                sizes[name] = answer
            else:
                kind, what, why = answer
                findings.problem(kind, f"{what} {why}")
    return sizes


def _look(root: Root, record: Record) -> tuple[str, str, str] | int:
    """Return the size of a record's image, or the kind of problem, what has it, and why."""
    sides = [("image", record.path), ("mask", record.mask), ("clean image", record.clean)]
    size = 0
    for side, path in sides:
        if path is None:
            continue
        what = repr(record.name) if side == "image" else f"the {side} of {record.name!r}"
        if not root.holds(path):
            return "paths that leave the root", what, f"leads out of {root.folder}"
        try:
            status = path.stat()
        except OSError:
            return "missing files", what, f"is missing: there is no file {path}{_like(root, path)}"
        if not stat.S_ISREG(status.st_mode):
            return "missing files", what, f"is not a file: {path}"
        fault = (words_fault if is_description(path) else header_fault)(path)
        if fault:
            return "files that are not images", what, fault
        size = size or status.st_size
    return size


def _like(root: Root, path: Path) -> str:
    """Return which file was perhaps meant: of the same name elsewhere, or of another ending."""
    name = path.relative_to(root.folder).as_posix()
    parts = name.split("/")
    stem = PurePosixPath(name).stem.casefold()
    beside = [one for one in root.names(path.parent) if PurePosixPath(one).stem.casefold() == stem]
    if len(beside) == 1:
        return f"; there is {beside[0]!r} in its folder"
    below = [f"{folder}/{name}" for folder in root.names(root.folder)[:_LOOKED_INTO]]
    above = ["/".join(parts[start:]) for start in range(1, len(parts))]
    for other in (*above, *below):
        here = root.in_other_case(other)
        if here is not None:
            return f"; there is {here!r}"
    return ""


def _check_fold(fold: Fold, findings: Findings) -> None:
    gallery, train = set(fold.gallery), set(fold.train)
    mated = {probe for probe, _ in fold.mates}
    for name in fold.probes:
        if gallery and name not in mated:
            findings.problem(
                "probes without a mate", f"fold {fold.name}: probe {name!r} has no mate in it"
            )
        if name in train:
            findings.problem(
                "images learned from and judged",
                f"fold {fold.name}: {name!r} is a probe and in the training set",
            )


def _check_copies(
    dataset: Dataset,
    sizes: Mapping[str, int],
    hashes: Mapping[str, str] | None,
    findings: Findings,
) -> None:
    if hashes is None:
        alike: defaultdict[int, list[str]] = defaultdict(list)
        for name, size in sizes.items():
            alike[size].append(name)
        hashes = content_hashes(
            dataset, [n for group in alike.values() if group[1:] for n in group]
        )
    copies: defaultdict[str, list[str]] = defaultdict(list)
    for name in sizes:
        # Two witnesses may use the same words.
        if name in hashes and not is_description(dataset.records[name].path):
            copies[hashes[name]].append(name)
    roles = _compared(dataset.folds, {n for group in copies.values() if group[1:] for n in group})
    for group in copies.values():
        # A picture under very many names is one finding, not its square.
        for left, right in combinations(group[:20], 2):
            where = sorted(_folds_of(left, right, roles))
            same = f"{left!r} and {right!r} are the same picture, byte for byte"
            tattoos = {dataset.records[n].tattoo for n in (left, right)} - {None}
            if len(tattoos) > 1:
                same += (
                    f", yet of tattoos {' and '.join(repr(t) for t in sorted(map(str, tattoos)))}"
                )
            if where:
                findings.problem(
                    "the same picture under two names",
                    f"{same}; probe and gallery of fold {', '.join(where)}",
                )
            elif dataset.records[left].path != dataset.records[right].path:
                # Lines of one file are several tattoos in it, as the manifest says itself.
                findings.warning("the same picture under two names", same)


def _compared(folds: Iterable[Fold], names: set[str]) -> dict[str, tuple[set[str], set[str]]]:
    """Return by name the folds in which it is a probe, and in which it is in the gallery."""
    roles: dict[str, tuple[set[str], set[str]]] = {name: (set(), set()) for name in names}
    for fold in folds:
        for name in names.intersection(fold.probes):
            roles[name][0].add(fold.name)
        for name in names.intersection(fold.gallery):
            roles[name][1].add(fold.name)
    return roles


def _folds_of(left: str, right: str, roles: Mapping[str, tuple[set[str], set[str]]]) -> set[str]:
    return (roles[left][0] & roles[right][1]) | (roles[right][0] & roles[left][1])
