"""Which layout a path holds, and the data set in it: read, and checked."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from harness.data.findings import Finding, Findings
from harness.data.marker import read_marker
from harness.data.namings import look_at_namings
from harness.data.problems import check
from harness.data.readers.bivtatt import BOXES, IMAGES, read_bivtatt
from harness.data.readers.folders import read_folders
from harness.data.readers.manifest import read_manifest
from harness.data.readers.omniglot import holds_runs, read_omniglot
from harness.data.readers.safebooru import read_safebooru
from harness.data.readers.tatt_c import read_tatt_c
from harness.data.readers.tatt_c_lists import FOLDS, use_cases
from harness.data.records import Dataset
from harness.data.sheets import ENDINGS, OTHERS
from harness.data.tags import SPLIT
from harness.errors import UsageError, nearest

__all__ = ["LAYOUTS", "Layout", "detect", "open_dataset"]

TABLE = "table"
"""What messages call a manifest that is no file."""


def _tatt_c(path: Path, use_case: str | None, background: bool) -> Dataset:
    if use_case is None:
        known = ", ".join(use_cases(path)) or "none"
        raise UsageError(f"{path} needs the name of a use case; it has: {known}.")
    return read_tatt_c(path, use_case, background=background)


TABLES = (".csv", ".tsv", *ENDINGS)
"""Endings of files that may be manifests."""


def described_by(folder: Path) -> Path | None:
    """Return the manifest of a folder, which is called so; None where there is none."""
    files = (folder / f"manifest{ending}" for ending in TABLES)
    return next((file for file in files if file.is_file()), None)


def _csv(path: Path, use_case: str | None, background: bool) -> Dataset:
    file = described_by(path) or path / "manifest.csv" if path.is_dir() else path
    return read_manifest(file, use_case=use_case, background=background)


def _folders(path: Path, use_case: str | None, background: bool) -> Dataset:
    return read_folders(path)  # which has neither use cases nor a background


def _bivtatt(path: Path, use_case: str | None, background: bool) -> Dataset:
    return read_bivtatt(path)  # nor has this


def _omniglot(path: Path, use_case: str | None, background: bool) -> Dataset:
    return read_omniglot(path)


def _safebooru(path: Path, use_case: str | None, background: bool) -> Dataset:
    return read_safebooru(path)


@dataclass(frozen=True)
class Layout:
    """A way in which data sets lie on disk.

    Parameters
    ----------
    read
        Called with path, use case, background.
    about
        What lies where, for lists.
    """

    read: Callable[[Path, str | None, bool], Dataset]
    about: str


LAYOUTS: dict[str, Layout] = {
    "tatt-c": Layout(_tatt_c, "NIST Tatt-C: lists in 5-fold/ beside a folder of images each"),
    "csv": Layout(_csv, "manifest.csv, or any CSV file: a line for each image"),
    "bivtatt": Layout(_bivtatt, "BIVTatt: images/ with transforms, and bounding_boxes/"),
    "omniglot": Layout(_omniglot, "Omniglot: alphabet/character/drawing, and run01 to run20"),
    "safebooru": Layout(_safebooru, "Safebooru's metadata, a CSV, beside images/ named by id"),
    "folders": Layout(_folders, "a folder for each tattoo, such as t1/photo.jpg"),
}
"""Layouts by name."""


def open_dataset(
    path: Path,
    *,
    use_case: str | None = None,
    background: bool = False,
    layout: str | None = None,
    table: str = "",
) -> Dataset:
    """Read the data set at a path and look for all that is wrong with it.

    Parameters
    ----------
    path
        A folder, or a CSV manifest.
    use_case
        Part of the data set; needed for Tatt-C, used for a manifest with that column, and without
        meaning for folders.
    background
        Whether a background belongs to the gallery, where the layout has one.
    layout
        A name in `LAYOUTS`; detected unless given.
    table
        Text of a manifest whose paths are relative to the folder at `path`, where no file holds it.

    Returns
    -------
    Dataset
        A run does not start while its `problems` are not empty.

    Raises
    ------
    UsageError
        If there is nothing at the path, or not the layout or use case asked for.
    """
    if not path.exists():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        where = "" if path.parent.is_dir() else f" Nor is there a folder {path.parent}."
        raise UsageError(f"There is no {path}.{where}{nearest(path.name, siblings)}")
    if layout is not None and layout not in LAYOUTS:
        raise UsageError(
            f"Unknown layout {layout!r}; known: {', '.join(LAYOUTS)}.{nearest(layout, LAYOUTS)}"
        )
    if table:
        dataset = read_manifest(path / TABLE, use_case=use_case, background=background, text=table)
    else:
        dataset = LAYOUTS[layout or detect(path)].read(path, use_case, background)
    synthetic, fault = read_marker(dataset.root)
    faults = (Finding("faulty-marker", "problem", fault),) if fault else ()
    namings = Findings()
    look_at_namings(dataset.records.values(), namings)
    read = [one for one in dataset.findings if synthetic != "yes" or one.code != SPLIT]
    findings = (*read, *faults, *namings.all)
    return check(replace(dataset, synthetic=synthetic, findings=findings))


def detect(path: Path) -> str:
    """Return the name of the layout of an existing path.

    A file must be a manifest: CSV, or a spreadsheet. A folder with ``5-fold`` is Tatt-C, also where
    that is missing but lists lie beside a folder ``images``; one with ``manifest.csv``,
    ``manifest.tsv`` or ``manifest.xlsx`` is described by it; one
    with ``images`` and ``bounding_boxes`` is BIVTatt; any other has one folder per identity.

    Raises
    ------
    UsageError
        If the path is a file of another kind.
    """
    if not path.is_dir():
        if path.suffix.lower() in (*TABLES, *OTHERS, ".txt"):
            return "csv"
        unpack = (
            " Unpack it first." if path.suffix.lower() in (".zip", ".tar", ".gz", ".7z") else ""
        )
        raise UsageError(f"{path} is neither a folder nor a manifest (.csv, .tsv, .xlsx).{unpack}")
    if (path / FOLDS).is_dir():
        return "tatt-c"
    if described_by(path) is not None:
        return "csv"
    if (path / IMAGES).is_dir() and (path / BOXES).is_dir():
        return "bivtatt"
    if holds_runs(path):
        return "omniglot"
    # Without its 5-fold lists Tatt-C would pass for folders of identities named "images".
    if any((p / "ground_truth.txt").is_file() and (p / "images").is_dir() for p in path.iterdir()):
        return "tatt-c"
    return "folders"
