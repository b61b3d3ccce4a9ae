"""What is true of the images of a run, as ``truth.json`` keeps it: who is searched among whom."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from harness.data.paths import unwritable
from harness.data.records import Draw, Fold, Record, number_of
from harness.data.tattoo_size import marked_share
from harness.data.whole_files import write_whole
from harness.errors import BadFile
from harness.record.files import open_file

TRUTH = "truth.json"
TRUTH_PICTURES = "truth"
"""Folder of masks and clean captures."""


class KeptRecord(msgspec.Struct, omit_defaults=True):
    """What `truth.json` keeps of a record: all that metrics and reports need."""

    path: str
    tattoo: str | None = None
    subject: str | None = None
    group: str | None = None
    source: str | None = None
    style: str | None = None
    media: str | None = None
    label: str | None = None
    box: tuple[int, int, int, int] | None = None
    size: tuple[int, int] | None = None
    skin: str | None = None
    taken: str | None = None
    site: str | None = None
    quality: float | None = None
    marked: float | None = None
    tags: list[str] = []
    mask: str | None = None
    clean: str | None = None
    kept: str | None = None
    query: str | None = None
    text_score: float | None = None


_FILES = ("path", "mask", "clean", "kept")
_FACTS = tuple(field for field in KeptRecord.__struct_fields__ if field not in _FILES)
"""Columns of a `Record` that are kept as they are."""


class FoldTruth(msgspec.Struct, omit_defaults=True):
    """A fold as `truth.json` keeps it."""

    name: str
    train: list[str]
    probes: list[str]
    gallery: list[str]
    mates: list[tuple[str, str]]
    nonmates: list[tuple[str, str]] = []
    excluded: list[tuple[str, str]] = []
    draws: list[tuple[list[str], list[str]]] = []
    unmated: list[str] = []
    numbered: int = 0
    consolidated: list[list[str]] = []


class Truth(msgspec.Struct):
    """Everything that metrics need beside the scores."""

    folds: list[FoldTruth]
    records: dict[str, KeptRecord]


def write_truth(
    folder: Path,
    folds: Sequence[Fold],
    records: dict[str, Record],
    root: Path,
    truth_files: Sequence[str] = (),
    *,
    measured: bool = False,
) -> None:
    """Keep the truth of the folds, and the facts of the records that they name.

    Parameters
    ----------
    truth_files
        ``mask``, ``clean``, and ``path`` for the picture itself: kept of every probe, since numbers
        follow from them.
    measured
        Whether the masks of probes are measured: errors are told apart by the size of tattoos.
    """
    used = dict.fromkeys(
        name for fold in folds for name in (*fold.train, *fold.probes, *fold.pictures_of_references)
    )
    # Lines of score files are no images, and mostly nothing is known of them.
    facts = {name: _facts(records[name], root) for name in sorted(used) if name in records}
    probes = sorted({name for fold in folds for name in fold.probes})
    for name in probes if measured else ():
        if name in facts:
            facts[name].marked = marked_share(records[name])
    for i, name in enumerate(probes):
        for kind in truth_files:
            source: Path | None = getattr(records[name], kind)
            if source is None:
                continue
            kept = f"{TRUTH_PICTURES}/{i:06d}-{kind}{source.suffix.lower()}"
            (folder / TRUTH_PICTURES).mkdir(exist_ok=True)
            write_whole(folder / kept, source.read_bytes())
            setattr(facts[name], "kept" if kind == "path" else kind, kept)
    truth = Truth(
        folds=[
            FoldTruth(
                name=f.name,
                train=list(f.train),
                probes=list(f.probes),
                gallery=list(f.gallery),
                mates=sorted(f.mates),
                nonmates=sorted(f.nonmates),
                excluded=sorted(f.excluded),
                draws=[(list(draw.probes), list(draw.gallery)) for draw in f.draws],
                unmated=list(f.unmated),
                numbered=f.numbered,
                consolidated=[list(members) for members in f.consolidated],
            )
            for f in folds
        ],
        records=facts,
    )
    text = msgspec.json.format(msgspec.json.encode(truth), indent=1)
    write_whole(folder / TRUTH, text + b"\n")


def folds_in(folder: Path, truth: Truth, *, need_records: bool = True) -> list[Fold]:
    """Return the folds of a run, whose names and pairs are checked against each other.

    Parameters
    ----------
    need_records
        Whether whatever a fold names has to be an image with a record.

    Raises
    ------
    BadFile
        If a fold could not be one: a name that leads out of the run folder, an image without a
        record, one that stands in a list twice, or a pair of images that are not in it.
    """
    if not truth.folds:
        raise BadFile(folder / TRUTH, "has no fold; expected one or more", "$.folds")
    for i, fold in enumerate(truth.folds):
        for fault, place in _faults_of(fold, truth.records if need_records else None):
            raise BadFile(folder / TRUTH, fault, f"$.folds[{i}]{place}")
        if fold.name in [other.name for other in truth.folds[:i]]:
            fault = f"{fold.name!r} is the name of two folds"
            raise BadFile(folder / TRUTH, fault, f"$.folds[{i}].name")
    return [
        Fold(
            name=fold.name,
            train=tuple(fold.train),
            probes=tuple(fold.probes),
            gallery=tuple(fold.gallery),
            mates=frozenset(fold.mates),
            nonmates=frozenset(fold.nonmates),
            excluded=frozenset(fold.excluded),
            draws=tuple(Draw(tuple(probes), tuple(gallery)) for probes, gallery in fold.draws),
            unmated=tuple(fold.unmated),
            numbered=fold.numbered,
            consolidated=tuple(tuple(members) for members in fold.consolidated),
        )
        for fold in truth.folds
    ]


def records_in(folder: Path, truth: Truth, root: Path) -> dict[str, Record]:
    """Return the records of a run by name.

    Parameters
    ----------
    root
        Of the data set, in which the pictures lie that the run folder does not keep.

    Raises
    ------
    BadFile
        If a path leads out of its folder or to what is no file, or a picture has no size.
    """
    return {name: _record(name, facts, root, folder) for name, facts in truth.records.items()}


def _faults_of(fold: FoldTruth, records: dict[str, KeptRecord] | None) -> Iterator[tuple[str, str]]:
    """Yield what is wrong with a fold, and where in it."""
    name = fold.name
    if not name or PurePosixPath(name).name != name or name in (".", ".."):
        yield f"{name!r} is not the name of a fold", ".name"
    if fault := unwritable(name):
        yield f"{name!r} is not the name of a fold: it {fault}", ".name"
    lists = {"train": fold.train, "probes": fold.probes, "gallery": fold.gallery}
    for place, names in lists.items():
        if records is not None:
            lost = next((one for one in names if one not in records), None)
            if lost is not None:
                yield f"{lost!r} has no record; expected one under $.records", f".{place}"
        known = set(names)
        if len(known) < len(names) and place != "train":
            yield f"{_twice(names)!r} stands in the list twice", f".{place}"
    probes, gallery = set(fold.probes), set(fold.gallery)
    if fold.numbered and (fold.gallery or fold.numbered < 0):
        yield "has references with names and others with numbers; expected one kind", ".numbered"
    pairs = {"mates": fold.mates, "nonmates": fold.nonmates, "excluded": fold.excluded}
    for place, listed in pairs.items():
        for pair in listed:
            found = pair[1] in gallery or number_of(pair[1], fold.numbered) is not None
            if pair[0] not in probes or not found:
                yield f"{pair!r} is no pair of a probe and a reference of the fold", f".{place}"
                break
    together = [one for members in fold.consolidated for one in members[1:]]
    if records is not None and (lost := next((n for n in together if n not in records), None)):
        yield f"{lost!r} has no record; expected one under $.records", ".consolidated"
    if len({*together, *fold.gallery}) < len(together) + len(fold.gallery):
        yield "has a reference in two templates", ".consolidated"
    if any(len(one) < 2 or one[0] not in gallery for one in fold.consolidated):
        yield "makes a template of references that the gallery does not have", ".consolidated"
    for i, (some, others) in enumerate(fold.draws):
        if not probes.issuperset(some) or not gallery.issuperset(others):
            yield "draws images that are not in the fold", f".draws[{i}]"


def _twice(names: Iterable[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    raise AssertionError("none of them stands twice")


def _facts(record: Record, root: Path) -> KeptRecord:
    from harness.data.images import size_of

    known = {field: getattr(record, field) for field in _FACTS}
    known["path"] = record.path.relative_to(root).as_posix()
    known["tags"] = list(record.tags)
    # Grouping results by the size of the tattoo takes that of the image.
    known["size"] = record.size or (size_of(record.path) if record.box is not None else None)
    return KeptRecord(**known)


def _record(name: str, facts: KeptRecord, root: Path, folder: Path) -> Record:
    place = f"$.records[{name!r}]"
    for path in (facts.path, facts.mask, facts.clean, facts.kept):
        if path and (".." in PurePosixPath(path).parts or path.startswith("/") or "\0" in path):
            raise BadFile(folder / TRUTH, f"{path!r} leads out of its folder", place)
    for path in (facts.mask, facts.clean, facts.kept):
        if path and os.path.lexists(folder / path):
            open_file(folder, path).close()
    if facts.size is not None and min(facts.size) < 1:
        raise BadFile(folder / TRUTH, "is less than one pixel wide or high", f"{place}.size")
    for column in ("quality", "marked"):
        share = getattr(facts, column)
        if share is not None and not 0 <= share <= 1:
            raise BadFile(folder / TRUTH, f"is {share}; expected 0 to 1", f"{place}.{column}")
    known: dict[str, Any] = {field: getattr(facts, field) for field in _FACTS}
    known["tags"] = tuple(facts.tags)
    known["mask"], known["clean"] = (
        None if path is None else folder / path for path in (facts.mask, facts.clean)
    )
    picture = root / facts.path if facts.kept is None else folder / facts.kept
    return Record(name=name, path=picture, **known)
