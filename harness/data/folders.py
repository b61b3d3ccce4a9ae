"""One folder per identity: images in a folder show the same thing.

The folder that directly holds an image names its identity, by its path from the root, so folders
may lie in folders: ``alphabet/character/drawing.png`` shows ``alphabet/character``. Folders that
say a role or a camera are not part of it, see `harness.data.levels`; those that devices and
programs leave behind are left out, see `harness.data.left_behind`.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from harness.data.findings import Findings
from harness.data.formats import SUFFIXES
from harness.data.left_behind import is_left_behind
from harness.data.levels import places
from harness.data.paths import BadNameError, Root, canonical
from harness.data.records import Dataset, Record
from harness.errors import UsageError

__all__ = ["read_folders"]

_APPLE_DOUBLE = "._"
"""Starts the names under which macOS keeps what other file systems cannot; they are no pictures."""

PICTURES = frozenset(
    (".avif", ".heic", ".heif", ".jp2", ".j2k", ".jxl", ".svg", ".psd", ".dng", ".cr2", ".nef")
)
"""Endings of pictures that are not read here: leaving them out in silence would shrink a set."""


def read_folders(root: Path) -> Dataset:
    """Read a data set that has one folder per identity.

    Hidden files, what devices and programs leave behind, and files whose ending is not an image's
    are skipped; where pictures are among them, that is said. Records are in the order of
    their names by code point, whatever the machine's language.

    Parameters
    ----------
    root
        Folder that holds the folders.

    Returns
    -------
    Dataset
        Its records have `tattoo` and `group` set to their folder; without folds, which a protocol
        lays out.

    Raises
    ------
    UsageError
        If `root` is not a folder.
    """
    root = root.absolute()
    if not root.is_dir():
        raise UsageError(f"{root} is not a folder.")
    findings = Findings()
    place = Root(root)
    records: dict[str, Record] = {}
    spellings: dict[str, str] = {}
    skipped: Counter[str] = Counter()
    for written in _files(place, findings):
        suffix = PurePosixPath(written).suffix.lower()
        if suffix not in SUFFIXES:
            skipped[suffix or "no ending"] += 1
            continue
        name = canonical(written)
        if name in records:
            findings.problem(
                "names that stand for two images",
                f"{written!r} and {spellings[name]!r} differ only in how their accents are written",
            )
            continue
        try:
            path = place.file(written)
        except BadNameError as fault:
            findings.problem("file names that cannot be used", f"{written!r} {fault}")
            continue
        identity = str(PurePosixPath(name).parent)
        if identity == ".":
            findings.problem(
                "images without an identity",
                f"{name!r} lies directly in {root.name}/: put it into the folder of its identity",
            )
            continue
        spellings[name] = written
        records[name] = Record(name, path, tattoo=identity)
    found = places((str(record.tattoo) for record in records.values()), findings)
    for name, record in records.items():
        place_of = found[str(record.tattoo)]
        records[name] = replace(
            record, tattoo=place_of.identity, group=place_of.identity, role=place_of.role
        )
    kinds = ", ".join(f"{n} of {s}" for s, n in skipped.most_common(8))
    if not records and not findings.problems:
        what = f"; skipped {skipped.total():,} other files: {kinds}" if skipped else ""
        findings.problem("empty folders", f"{root}: no image in its folders{what}")
    for suffix in sorted(PICTURES & skipped.keys()):
        findings.warning(
            "skipped pictures", f"skipped {skipped[suffix]:,} files with the ending {suffix}"
        )
    ordered = dict(sorted(records.items()))
    return Dataset(root.name, root, "folders", ordered, (), findings.all)


def _files(root: Root, findings: Findings) -> Iterator[str]:
    """Yield the files below the root that are not left out, by their path from it."""

    def unreadable(fault: OSError) -> None:
        findings.problem("unreadable folders", f"{fault.filename}: {fault.strerror}")

    hidden = 0
    left: Counter[str] = Counter()
    for folder, inner, files in os.walk(root.folder, onerror=unreadable):
        here = Path(folder).relative_to(root.folder)
        for name in sorted(inner):
            link = Path(folder, name)
            if is_left_behind(name):
                left[name] += _pictures_below(link)
            elif name.startswith("."):
                hidden += _pictures_below(link)
            elif link.is_symlink():
                # Followed, a link could leave the root or show the same images twice.
                findings.problem(
                    "linked folders", f"{(here / name).as_posix()!r} is a link to a folder"
                )
        inner[:] = sorted(n for n in inner if not (n.startswith(".") or is_left_behind(n)))
        for name in sorted(files):
            if not name.startswith("."):
                yield (here / name).as_posix()
            elif not name.startswith(_APPLE_DOUBLE):
                hidden += _is_picture(name)
    for name, count in sorted(left.items()):
        if count:
            findings.warning(
                "folders that devices leave behind",
                f"left out {count:,} pictures in folders called {name!r}, which devices or "
                "programs make for themselves; rename the folder if they belong to the set",
            )
    if hidden:
        findings.warning(
            "hidden pictures",
            f"left out {hidden:,} pictures that are hidden, or in hidden folders: their names "
            "start with a dot",
        )


def _pictures_below(folder: Path) -> int:
    return sum(_is_picture(name) for _, _, files in os.walk(folder) for name in files)


def _is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower() in SUFFIXES
