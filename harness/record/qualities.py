"""The quality that an algorithm gave to its templates, image by image.

It is what a library for NIST's Tatt-E, or a program, says of a picture when it makes a template: a
number in [0, 1], higher is better. What it means is its vendor's; nothing of a run follows from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from harness.data.records import Fold
from harness.execution.storage import REMARKS_FILE
from harness.execution.unit import REFERENCE, TEMPLATES, UNIT_FILE, Unit
from harness.record.files import LARGEST_LIST, is_regular, read_json
from harness.record.remarks import read_index, read_remarks
from harness.tasks.drawing import each_draw

__all__ = ["FoldQualities", "TemplateQuality", "fold_qualities", "template_qualities"]


class TemplateQuality(NamedTuple):
    """One picture of which a template was asked for.

    Parameters
    ----------
    image
        Its name.
    is_reference
        Whether the template is that of a reference, where these are made apart from those of
        probes.
    value
        Its quality in [0, 1]; None where there is no template, or nothing was said of it.
    failure
        Why there is no template; empty where there is one.
    """

    image: str
    is_reference: bool
    value: float | None
    failure: str


class FoldQualities(NamedTuple):
    """The qualities of the templates that a fold was judged by, by the names of images.

    Images without a template, or without a quality, are in neither.
    """

    probes: Mapping[str, float]
    references: Mapping[str, float]


def template_qualities(folder: Path, algorithm: str) -> list[TemplateQuality]:
    """Return every picture that a template was asked for, in the order of units and their lists.

    Parameters
    ----------
    folder
        Of a run.
    algorithm
        Whose templates, as the run names it.

    Returns
    -------
    list of TemplateQuality
        Empty where nothing was said of any template.

    Raises
    ------
    BadFile
        If a file of the folder is not what a run writes.
    """
    found = []
    if not any(folder.glob(f"units/*/{TEMPLATES}/{REMARKS_FILE}")):
        return []
    for file in sorted(folder.glob(f"units/*/{UNIT_FILE}")):
        called = file.parent.relative_to(folder).as_posix()
        unit = read_json(folder, f"{called}/{UNIT_FILE}", Unit, LARGEST_LIST)
        if unit.algorithm == algorithm and unit.extract:
            place = f"{called}/{TEMPLATES}"
            index = read_index(folder, place)
            quality = read_remarks(folder, place, set(index.names), boxes=False).quality
            found += [
                TemplateQuality(
                    name, unit.role == REFERENCE, quality.get(name), index.failures.get(name, "")
                )
                for name in unit.extract
            ]
    return found


def fold_qualities(folder: Path, fold: Fold) -> FoldQualities:
    """Return the qualities of the templates that a fold was judged by.

    Parameters
    ----------
    folder
        Of a run.
    fold
        One of its folds; of one whose draws were searched one by one, the qualities of all draws.

    Raises
    ------
    BadFile
        As `template_qualities`.
    """
    name = f"units/fold-{fold.name}/{UNIT_FILE}"
    if fold.draws and not is_regular(folder, name):
        probes: dict[str, float] = {}
        references: dict[str, float] = {}
        for one in each_draw(fold):
            found = fold_qualities(folder, one)
            probes |= found.probes
            references |= found.references
        return FoldQualities(probes, references)
    unit = read_json(folder, name, Unit, LARGEST_LIST)
    own = [f"units/{unit.name}/{TEMPLATES}"] if unit.extract else []
    shared = _qualities(folder, [*own, *unit.templates])
    enrolled = _qualities(folder, unit.enrolled) if unit.enrolled else shared
    return FoldQualities(
        {name: shared[name] for name in unit.probes if name in shared},
        {name: enrolled[name] for name in unit.gallery if name in enrolled},
    )


def _qualities(folder: Path, places: Iterable[str]) -> dict[str, float]:
    """Return the quality of every template in some folders below that of a run, by image."""
    found: dict[str, float] = {}
    for place in places:
        index = read_index(folder, place)
        found |= read_remarks(folder, place, set(index.names), boxes=False).quality
    return found
