"""One folder per identity: images in a folder show the same thing.

The folder that directly holds an image names its identity, by its path from the root, so folders
may lie in folders: ``alphabet/character/drawing.png`` shows ``alphabet/character``. Folders that
say a role or a camera are not part of it, see `harness.data.levels`; those that devices and
programs leave behind are left out, see `harness.data.left_behind`.
"""

from __future__ import annotations

import os
import shlex
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from harness.data.findings import Findings
from harness.data.formats import header_fault, is_picture, suffixes
from harness.data.further_formats import SUFFIXES as FURTHER
from harness.data.further_formats import advice
from harness.data.left_behind import is_device_s, is_left_behind
from harness.data.levels import places
from harness.data.paths import BadNameError, Root, canonical
from harness.data.records import Dataset, Record
from harness.data.sheets import ENDINGS, OTHERS
from harness.errors import UsageError, some

__all__ = ["read_folders", "skipped_pictures"]

_APPLE_DOUBLE = "._"
"""Starts the names under which macOS keeps what other file systems cannot; they are no pictures."""

_SHOWN = 3
"""Names that a message quotes."""

PICTURES = frozenset(
    (
        *(".jp2", ".j2k", ".jpf", ".jpx", ".jxl", ".jxr", ".svg", ".psd", ".xcf", ".ico", ".tga"),
        *(".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw"),
        *(".raw", ".eps", ".pdf"),
    )
)
"""Endings of pictures that are read nowhere: leaving them out in silence would shrink a set."""


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
    endings = suffixes()
    loose: list[str] = []
    unopened: dict[str, str] = {}
    for written in _files(place, findings):
        suffix = PurePosixPath(written).suffix.lower()
        if suffix not in endings:
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
        unread = header_fault(path) if suffix in FURTHER else None
        if unread is not None:
            # Clouds leave a name and a few bytes where a picture was not fetched.
            skipped[suffix] += 1
            unopened.setdefault(suffix, f"{name!r} {unread}")
            continue
        identity = str(PurePosixPath(name).parent)
        if identity == ".":
            loose.append(name)
            continue
        spellings[name] = written
        records[name] = Record(name, path, tattoo=identity)
    tables = _tables(root)
    _say_loose(root, loose, tables, findings)
    if records and tables:
        findings.warning(
            "tables beside folders",
            f"{_quoted(tables)} in {root.name}/ was not read: the folders say which tattoo a "
            f"picture shows. If the list says it, name the list: "
            f"--data {shlex.quote(str(root / tables[0]))}",
        )
    _say_made_by_devices(
        root, tables, (str(record.tattoo) for record in records.values()), findings
    )
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
    for suffix in sorted((PICTURES | FURTHER.keys()) & skipped.keys()):
        what = skipped_pictures(suffix, skipped[suffix])
        if suffix in unopened:
            what = f"{what.partition(',')[0]}: they cannot be opened, e.g. {unopened[suffix]}"
        findings.warning("skipped pictures", what)
    ordered = dict(sorted(records.items()))
    return Dataset(root.name, root, "folders", ordered, (), findings.all)


def skipped_pictures(suffix: str, count: int) -> str:
    """Say how many pictures of a format that is not read here are left out, and what would help."""
    what = f"skipped {some(count, 'picture')} with the ending {suffix}, which is not read here: "
    return what + (advice(FURTHER[suffix]) if suffix in FURTHER else "save them as JPEG or PNG")


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
                hidden += is_picture(name)
    for name, count in sorted(left.items()):
        if count:
            findings.warning(
                "folders that devices leave behind",
                f"left out {some(count, 'picture')} in folders called {name!r}, which devices or "
                "programs make for themselves; rename the folder if they belong to the set",
            )
    if hidden:
        findings.warning(
            "hidden pictures",
            f"left out {some(hidden, 'hidden picture')}: a dot begins the name of each, or of a "
            "folder "
            "that it lies in",
        )


def _tables(root: Path) -> list[str]:
    """Return the names of the files beside the folders that may be manifests."""
    return sorted(
        file.name
        for file in root.iterdir()
        if file.suffix.lower() in (".csv", ".tsv", *ENDINGS, *OTHERS)
        and not file.name.startswith((".", "~$"))
        and file.is_file()
    )


def _ways(root: Path, tables: list[str]) -> list[str]:
    """Return what can be done where folders do not say which tattoo a picture shows."""
    annotate = shlex.join(["harness", "annotate", str(root)])
    return [
        "put the pictures of each tattoo into a folder of its own",
        f"show which belong together in the browser (`{annotate}`)",
        (
            f"name the list that says it: --data {shlex.quote(str(root / tables[0]))}"
            if tables
            else "write a manifest.csv with the columns image and tattoo beside them"
        ),
    ]


def _say_loose(root: Path, loose: list[str], tables: list[str], findings: Findings) -> None:
    """Refuse pictures that lie in no folder below the root, with all that can be done."""
    if not loose:
        return
    ways = _ways(root, tables)
    findings.problem(
        "images without an identity",
        f"{some(len(loose), 'picture')} {'lies' if len(loose) == 1 else 'lie'} directly in "
        f"{root.name}/ "
        f"({_quoted(loose)}), and nothing says which tattoo "
        f"{'it shows' if len(loose) == 1 else 'they show'}: {ways[0]}, {ways[1]}, or {ways[2]}",
    )


def _say_made_by_devices(
    root: Path, tables: list[str], folders: Iterable[str], findings: Findings
) -> None:
    """Say where the folder of an identity is called as cameras and programs call theirs."""
    counts = Counter(folders)
    named = sorted(folder for folder in counts if is_device_s(folder))
    if not named:
        return
    said = (
        f"{_quoted(named)} {'is a name' if len(named) == 1 else 'are names'} that cameras and "
        f"programs give to folders, and all pictures in one ({counts[named[0]]:,} in the first) "
        "are read as one tattoo"
    )
    ways = _ways(root, tables)
    if len(named) == len(counts):
        findings.problem(
            "folders of devices",
            f"{said}: {', '.join(ways[:-1])}, or {ways[-1]}",
        )
    else:
        findings.warning("folders of devices", f"{said}; move them if they are not")


def _quoted(names: list[str]) -> str:
    shown = ", ".join(map(repr, names[:_SHOWN]))
    return shown + (f" and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else "")


def _pictures_below(folder: Path) -> int:
    return sum(is_picture(name) for _, _, files in os.walk(folder) for name in files)
