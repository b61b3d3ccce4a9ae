"""BIVTatt: photographs of tattoos, twenty transforms of each, and a box for every image.

::

    images/<tattoo>_<photograph>.jpg                    a photograph
    images/<tattoo>_<photograph>_<transform>.jpg        made from it
    bounding_boxes/<the same name>.txt                  lines `x1 y1 x2 y2`, the main tattoo first

A transform shows the photograph it was made from: both have it as their source. Photographs are
references and transforms are probes, as in the set's own protocol.
"""

from __future__ import annotations

import re
from pathlib import Path

from harness.data.findings import Findings
from harness.data.formats import Box, suffixes
from harness.data.paths import BadNameError, Root, canonical
from harness.data.records import Dataset, Record
from harness.errors import UsageError, some

__all__ = ["BOXES", "IMAGES", "TRANSFORMS", "read_bivtatt"]

IMAGES, BOXES = "images", "bounding_boxes"
TRANSFORMS = tuple(
    f"{kind}{number}"
    for kind, count in (("a", 4), ("ar", 4), ("b", 2), ("c", 4), ("i", 2), ("r", 4))
    for number in range(1, count + 1)
)
"""The twenty that every photograph has."""

_NAME = re.compile(r"(?P<tattoo>[^_]+)_(?P<photograph>[^_]+)(?:_(?P<transform>[^_]+))?")


def read_bivtatt(root: Path) -> Dataset:
    """Read a data set in the layout of BIVTatt.

    Parameters
    ----------
    root
        Folder that holds ``images`` and ``bounding_boxes``.

    Returns
    -------
    Dataset
        Records by file name, with `tattoo`, `group`, `source`, `role` and, where there is a file
        for it, `box`; without folds. A box may reach over the edge of its image, as some of
        transforms do.

    Raises
    ------
    UsageError
        If there is no folder ``images``.
    """
    root = root.absolute()
    if not (root / IMAGES).is_dir():
        raise UsageError(f"{root} has no folder {IMAGES!r}, in which BIVTatt keeps its images.")
    place, findings = Root(root), Findings()
    records: dict[str, Record] = {}
    without: list[str] = []
    for file in sorted((root / IMAGES).iterdir()):
        if file.name.startswith(".") or file.suffix.lower() not in suffixes():
            continue
        named = _NAME.fullmatch(file.stem)
        transform = named["transform"] if named else None
        if named is None or transform not in (None, *TRANSFORMS):
            findings.problem(
                "file names of another form",
                f"{file.name!r} is not <tattoo>_<photograph>[_<transform>], with a transform of "
                f"{', '.join(TRANSFORMS)}",
            )
            continue
        try:
            path = place.file(f"{IMAGES}/{file.name}")
        except BadNameError as fault:
            findings.problem("file names that cannot be used", f"{file.name!r} {fault}")
            continue
        name = canonical(file.name)
        box = _first_box(root / BOXES / f"{file.stem}.txt", findings)
        if box is None:
            without.append(file.name)
        records[name] = Record(
            name,
            path,
            tattoo=named["tattoo"],
            group=named["tattoo"],
            source=f"{named['tattoo']}_{named['photograph']}",
            role="reference" if transform is None else "probe",
            box=box,
        )
    if not records and not findings.problems:
        findings.problem("empty folders", f"{root / IMAGES}: no image in it")
    if without:
        findings.warning(
            "images without a box",
            some(
                len(without),
                "image has no box and is shown whole",
                "images have no box and are shown whole",
            )
            + f", e.g. {without[0]!r}",
        )
    return Dataset(root.name, root, "bivtatt", records, (), findings.all)


def _first_box(path: Path, findings: Findings) -> Box | None:
    """Return the box of the main tattoo, or None where there is no file."""
    if not path.is_file():
        return None
    with path.open(encoding="utf-8", errors="replace") as file:
        first = file.readline(200).strip()
    if re.fullmatch(r"(-?\d{1,9}\s+){3}-?\d{1,9}", first):
        x1, y1, x2, y2 = map(int, first.split())
        if x1 < x2 and y1 < y2:
            return x1, y1, x2, y2
    findings.problem(
        "malformed boxes",
        f"{BOXES}/{path.name}:1: {first!r} is not 'x1 y1 x2 y2' in whole pixels with x1 < x2 and "
        "y1 < y2",
    )
    return None
