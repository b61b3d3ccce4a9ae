"""Pictures and masks that cannot be used, found by decoding all of them before anything slow."""

from __future__ import annotations

import filecmp
import os
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from harness.data.findings import Findings
from harness.data.formats import UnreadableImage
from harness.data.images import decode, orientation_is_lost, size_of
from harness.data.masks import read_mask_as
from harness.data.records import Record
from harness.data.words import is_description, words_fault
from harness.errors import some

__all__ = ["look_at_masks", "say_masks", "say_orientations", "say_same_files", "undecodable"]

TATTOO, OTHER = "tattoo", "non-tattoo"
TURNED, WHOLE = "turned", "whole"
"""Among what masks were taken for: those whose skin seems to be marked, and those that mark all."""

T = TypeVar("T")


def undecodable(
    records: Mapping[str, Record], names: Iterable[str], *, crop: bool, clean: bool = False
) -> list[str]:
    """Return one sentence for every picture that cannot be decoded.

    Parameters
    ----------
    records, names
        Of a data set, and those that are used.
    crop
        Whether only what lies in a record's box is shown.
    clean
        Whether clean captures are used, too.
    """

    def fault(name: str) -> str | None:
        record = records[name]
        if is_description(record.path):
            said = words_fault(record.path)
            return said and f"{name!r} {said}"
        try:
            image = decode(record.path, box=record.box if crop else None)
            if clean and record.clean is not None:
                bare = decode(record.clean)
                if bare.shape != image.shape:
                    return _sizes("clean capture", name, bare.shape, image.shape)
        except UnreadableImage as reason:
            which = repr(name) if reason.path == record.path else f"the clean capture of {name!r}"
            return f"{which} {reason.reason}"
        return None

    return _each(fault, names)


def say_orientations(
    records: Mapping[str, Record], names: Iterable[str], findings: Findings
) -> None:
    """Say which pictures are shown as they are stored, since their EXIF data are damaged."""

    def lost(name: str) -> str | None:
        try:
            return name if orientation_is_lost(records[name].path) else None
        except UnreadableImage:  # said where it is decoded
            return None

    found = _each(lost, names)
    if found:
        many = f"{len(found):,} pictures, e.g. " if found[1:] else ""
        findings.warning(
            "pictures whose orientation is lost",
            f"{many}{found[0]!r}: the EXIF data do not say how the picture lies; it is shown as it "
            "is stored",
        )


def look_at_masks(
    records: Mapping[str, Record], names: Iterable[str]
) -> tuple[list[str], Counter[str]]:
    """Look at all masks.

    Returns
    -------
    faults : list of str
        One sentence for every mask that is not one, or contradicts its picture or label.
    taken : Counter
        How many were taken for something else than black and white, by what it is.
    """
    taken: Counter[str] = Counter()

    def fault(name: str) -> str | None:
        record = records[name]
        if record.mask is None:
            return None
        try:
            marked, kind = read_mask_as(record.mask)
        except UnreadableImage as reason:
            return f"the mask of {name!r} {reason.reason}"
        if kind:
            taken[kind] += 1
        if _seems_turned(marked):
            taken[TURNED] += 1
        if marked.all():
            taken[WHOLE] += 1
        size = size_of(record.path)
        if size is not None and marked.shape != size[::-1]:
            return _sizes("mask", name, marked.shape, size[::-1])
        if record.label == TATTOO and not marked.any():
            return f"the mask of {name!r} marks nothing, yet the label says {TATTOO!r}"
        if record.label == OTHER and marked.any():
            share = f"{marked.mean():.1%}"
            return f"the mask of {name!r} marks {share} of it, yet the label says {OTHER!r}"
        return None

    return _each(fault, names), taken


def say_masks(kinds: Counter[str], findings: Findings) -> None:
    """Say which masks were taken for something else than black and white."""
    turned = kinds.get(TURNED, 0)
    if turned:
        findings.warning(
            "masks that may be the wrong way round",
            some(
                turned,
                "mask marks most of its picture and its whole border",
                "masks mark most of their picture and its whole border",
            )
            + ": if that is the "
            "skin and not the tattoo, exchange black and white",
        )
    whole = kinds.get(WHOLE, 0)
    if whole:
        findings.warning(
            "masks that mark everything",
            some(whole, "mask marks its whole picture", "masks mark their whole picture")
            + "; take out those of pictures in which nobody has marked the tattoo",
        )
    for kind, count in sorted(kinds.items()):
        if kind in (TURNED, WHOLE):
            continue
        findings.warning(
            "masks that are not black and white",
            f"{some(count, 'mask has', 'masks have')} {kind}; read is what they mark "
            "(docs/segmentation.md)",
        )


def say_same_files(records: Mapping[str, Record], names: Iterable[str], findings: Findings) -> None:
    """Say where one file is given for several things, as spreadsheets fill columns down.

    Parameters
    ----------
    records, names
        Of a data set, and those that are used.
    findings
        Where it is said: a mask or a clean capture that is the picture itself is a problem, one
        mask of several pictures that may show a tattoo a warning.
    """
    masked: defaultdict[Path, dict[Path, str]] = defaultdict(dict)
    for name in dict.fromkeys(names):
        record = records[name]
        if record.label == OTHER:
            continue
        for what, file in (("mask", record.mask), ("clean capture", record.clean)):
            if file == record.path or (file is not None and _same_bytes(file, record.path)):
                findings.problem(
                    "pictures given for their own truth",
                    f"the {what} of {name!r} is the picture itself; name the file that shows "
                    f"{'where the tattoo is' if what == 'mask' else 'the skin without it'}",
                )
        if record.mask is not None:
            masked[record.mask].setdefault(record.path, name)
    shared = {mask: list(of.values()) for mask, of in masked.items() if len(of) > 1}
    for mask, of in shared.items():
        findings.warning(
            "one mask for several pictures",
            f"{mask.name} is the mask of {len(of):,} pictures, e.g. {of[0]!r} and {of[1]!r}",
        )


def _same_bytes(one: Path, other: Path) -> bool:
    try:
        return one.stat().st_size == other.stat().st_size and filecmp.cmp(one, other, shallow=False)
    except OSError:  # said where it is decoded
        return False


def _seems_turned(marked: npt.NDArray[np.bool_]) -> bool:
    """Say whether a mask marks more than half and the whole border, and yet not everything."""
    border = (marked[0], marked[-1], marked[:, 0], marked[:, -1])
    return marked.mean() > 0.5 and not marked.all() and all(side.all() for side in border)


def _sizes(what: str, name: str, found: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    return (
        f"the {what} of {name!r} has {found[1]} x {found[0]} pixels, its image {wanted[1]} x "
        f"{wanted[0]}; give it the size of the image"
    )


def _each(fault: Callable[[str], str | None], names: Iterable[str]) -> list[str]:
    # Decoding lets other threads run.
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        return [said for said in pool.map(fault, dict.fromkeys(names)) if said is not None]
