"""The layout of NIST's Tatt-C data set: lists per fold, ground truth, a shared background.

::

    <root>/<use case>/images/                     the images of a use case
    <root>/5-fold/<use case>/probes1.txt ...      image names, one per line
    <root>/5-fold/<use case>/gallery1.txt ...     likewise; none where nothing is searched
    <root>/5-fold/<use case>/ground_truth.txt     probe|gallery; for detection name|tattoo or
                                                  name|non-tattoo
    <root>/background/images/  bg.txt             a gallery of other images, for all folds
    <root>/manifest.csv                           optional: what else is known of the images

Each fold is judged on its own probes and gallery and learns from those of the other folds. There
are as many folds as lists. Names are relative to the folder `images` and may have folders in
them. In the manifest, described in `harness.data.manifest`, paths are relative to the root; the
lists alone say what is probe, gallery, mated and in which fold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from harness.data.findings import Findings
from harness.data.lists import read_lines, read_pairs
from harness.data.manifest import LABELS, Row, read_rows
from harness.data.paths import BadNameError, Root, canonical
from harness.data.records import Dataset, Fold, Record
from harness.errors import UsageError, nearest

__all__ = ["read_tatt_c", "use_cases"]

FOLDS = "5-fold"
DETECTION = "tattoo_detection"


@dataclass(slots=True)
class _Lists:
    """The lists of one fold as written: name to place."""

    probes: dict[str, str] = field(default_factory=dict)
    gallery: dict[str, str] = field(default_factory=dict)

    @property
    def names(self) -> dict[str, str]:
        return self.probes | self.gallery


def use_cases(root: Path) -> list[str]:
    """Return the use cases that a data set has lists for."""
    lists = root / FOLDS
    return sorted(p.name for p in lists.iterdir() if p.is_dir()) if lists.is_dir() else []


def read_tatt_c(root: Path, use_case: str, *, background: bool) -> Dataset:
    """Read one use case of a data set in the layout of Tatt-C.

    Parameters
    ----------
    root
        Folder that holds ``5-fold``.
    use_case
        Name of its folder, such as ``tattoo_identification``.
    background
        Whether the background is searched too: its images come after the gallery of every fold,
        and never into a training set.

    Returns
    -------
    Dataset
        With folds, named ``1``, ``2`` ...; what is wrong with the lists is in `problems`, and what
        is wrong with the files is for `harness.data.problems.check` to find.

    Raises
    ------
    UsageError
        If the data set has no such use case.
    """
    root = root.absolute()
    lists = root / FOLDS / use_case
    if "/" in use_case or use_case in ("", ".", "..") or not lists.is_dir():
        known = use_cases(root)
        there = f"{FOLDS}/ has: {', '.join(known)}." if known else f"there is no {FOLDS}/ in it."
        raise UsageError(
            f"No use case {use_case!r} in {root}: {there}{nearest(use_case, known)} "
            f"Expected lists at {FOLDS}/{use_case}/probes1.txt, gallery1.txt, ground_truth.txt."
        )
    if not (root / use_case / "images").is_dir():
        there_is = sorted(p.parent.name for p in root.glob("*/images"))
        raise UsageError(
            f"The lists of {use_case!r} have no images: there is no {root / use_case / 'images'}; "
            f"folders with images: {', '.join(there_is) or 'none'}.{nearest(use_case, there_is)}"
        )
    findings = Findings()
    folds, detection = _read_lists(lists, use_case, findings)
    place = Root(root)
    records = _records(place, use_case, folds, findings)
    labels: dict[str, str] = {}
    pairs: frozenset[tuple[str, str]] = frozenset()
    if detection:
        labels = _labels(lists, use_case, folds, findings)
    else:
        pairs = _mates(lists, use_case, folds, findings)
    behind: list[str] = []
    if background and not detection:
        behind = _background(place, records, findings)
    _enrich(place, records, labels, findings)
    laid_out = [_fold(name, folds, records, behind, pairs) for name in folds]
    if not detection:
        _say_pairs_across(pairs, laid_out, findings)
    return Dataset(
        f"{root.name}/{use_case}",
        root,
        "tatt-c",
        records,
        tuple(laid_out),
        findings.problems,
        findings.warnings,
    )


def _read_lists(lists: Path, use_case: str, findings: Findings) -> tuple[dict[str, _Lists], bool]:
    """Return the lists of every fold by its name, and whether the use case is a detection."""
    found: dict[str, set[int]] = {"probes": set(), "gallery": set()}
    for path in lists.iterdir():
        match = re.fullmatch(r"(probes|gallery)([1-9][0-9]*)\.txt", path.name)
        if match:
            found[match[1]].add(int(match[2]))
    called = f"{FOLDS}/{use_case}"
    numbers = found["probes"] | found["gallery"]
    if not numbers:
        findings.problem("missing lists", f"{called}: there is no probes1.txt")
    # A use case without any gallery searches nothing: it asks what an image shows.
    detection = use_case == DETECTION or (bool(numbers) and not found["gallery"])
    folds: dict[str, _Lists] = {}
    # A missing number is reported too: fewer folds would train on less and judge fewer probes.
    for number in range(1, max(numbers, default=0) + 1):
        fold = _Lists()
        fold.probes = _names(lists / f"probes{number}.txt", called, findings)
        if not detection:
            fold.gallery = _names(lists / f"gallery{number}.txt", called, findings)
        folds[str(number)] = fold
    return folds, detection


def _names(path: Path, folder: str, findings: Findings) -> dict[str, str]:
    called = f"{folder}/{path.name}"
    names: dict[str, str] = {}
    for text, place in read_lines(path, called, findings):
        name = canonical(text)
        if name in names:
            findings.problem("duplicate lines", f"{place}: {text!r} is already at {names[name]}")
        else:
            names[name] = place
    if path.is_file() and not names:
        findings.problem("empty lists", f"{called}: names no image")
    return names


def _records(
    root: Root, use_case: str, folds: Mapping[str, _Lists], findings: Findings
) -> dict[str, Record]:
    """Make a record of every name in the lists; its fold is the first that judges it."""
    records: dict[str, Record] = {}
    probes: dict[str, str] = {}
    listed: dict[str, str] = {}
    for number, fold in folds.items():
        for name, place in fold.probes.items():
            if name in probes:
                findings.problem(
                    "probes of several folds",
                    f"{place}: {name!r} is already a probe of another fold ({probes[name]})",
                )
            if name in fold.gallery:
                findings.problem(
                    "probes that are in their gallery",
                    f"{place}: {name!r} is in the gallery of its fold too ({fold.gallery[name]})",
                )
        for name, place in fold.names.items():
            if name in listed and not (name in probes and name in fold.probes):
                findings.warning(
                    "images of several folds",
                    f"{place}: {name!r} is in another fold too ({listed[name]}); no fold learns "
                    "from images it is judged on",
                )
        probes = fold.probes | probes
        listed = fold.names | listed
        _add(records, root, f"{use_case}/images", fold.probes, "probe", number, findings)
        _add(records, root, f"{use_case}/images", fold.gallery, "reference", number, findings)
    return records


def _add(
    records: dict[str, Record],
    root: Root,
    under: str,
    names: Mapping[str, str],
    role: str,
    fold: str | None,
    findings: Findings,
) -> None:
    for name, place in names.items():
        if name in records:
            continue
        try:
            path = root.file(name, under=under)
        except BadNameError as fault:
            findings.problem("paths that leave the root", f"{place}: {name!r} {fault}")
            continue
        records[name] = Record(name, path, role=role, fold=fold)


def _background(root: Root, records: dict[str, Record], findings: Findings) -> list[str]:
    """Add the background's records; return their names."""
    called = "background/bg.txt"
    names: dict[str, str] = {}
    for name, place in _names(root.folder / called, "background", findings).items():
        if name in records:
            findings.problem(
                "names that stand for two images",
                f"{place}: {name!r} is the name of an image of the use case too",
            )
        else:
            names[name] = place
    _add(records, root, "background/images", names, "background", None, findings)
    return [name for name in names if name in records]


def _labels(
    lists: Path, use_case: str, folds: Mapping[str, _Lists], findings: Findings
) -> dict[str, str]:
    called = f"{FOLDS}/{use_case}/ground_truth.txt"
    listed = {name: place for fold in folds.values() for name, place in fold.names.items()}
    labels: dict[str, str] = {}
    form = "name|tattoo or name|non-tattoo"
    for written, label, place in read_pairs(
        lists / "ground_truth.txt", called, findings, form=form
    ):
        name = canonical(written)
        if name not in listed:
            _say_unlisted(name, place, listed, findings)
        elif label not in LABELS:
            findings.problem(
                "unknown values",
                f"{place}: {label!r} is neither 'tattoo' nor 'non-tattoo'.{nearest(label, LABELS)}",
            )
        elif name in labels and labels[name] != label:
            findings.problem(
                "contradictions", f"{place}: {name!r} is {label!r} here and {labels[name]!r} before"
            )
        labels[name] = label
    for name, place in listed.items():
        if name not in labels:
            findings.problem("images without truth", f"{place}: {name!r} is not in {called}")
    return labels


def _mates(
    lists: Path, use_case: str, folds: Mapping[str, _Lists], findings: Findings
) -> frozenset[tuple[str, str]]:
    called = f"{FOLDS}/{use_case}/ground_truth.txt"
    probes = {name: None for fold in folds.values() for name in fold.probes}
    gallery = {name: None for fold in folds.values() for name in fold.gallery}
    pairs: set[tuple[str, str]] = set()
    for left, right, place in read_pairs(
        lists / "ground_truth.txt", called, findings, form="probe|gallery"
    ):
        probe, reference = canonical(left), canonical(right)
        for name, known, other in ((probe, probes, gallery), (reference, gallery, probes)):
            if name not in known and name in other:
                wanted = "a probe" if known is probes else "a gallery image"
                findings.problem(
                    "names on the wrong side", f"{place}: {name!r} is not {wanted} of any fold"
                )
            elif name not in known:
                _say_unlisted(name, place, known, findings)
        pairs.add((probe, reference))
    return frozenset(pairs)


def _say_unlisted(name: str, place: str, known: Iterable[str], findings: Findings) -> None:
    # Finding the nearest name is slow; one wrong folder name can make every line wrong.
    hint = nearest(name, known) if len(findings.problems) < 5 else ""
    findings.problem("names that are in no list", f"{place}: {name!r} is in no list.{hint}")


def _enrich(
    root: Root, records: dict[str, Record], labels: Mapping[str, str], findings: Findings
) -> None:
    """Add what ground truth and the optional manifest say of each record."""
    for name, label in labels.items():
        if name in records:
            records[name] = replace(records[name], label=label)
    path = root.folder / "manifest.csv"
    if not path.exists():
        return
    names = {record.path.relative_to(root.folder): name for name, record in records.items()}
    seen: dict[str, Row] = {}
    for row in read_rows(path, root, path.name, findings):
        known = names.get(row.record.path.relative_to(root.folder))
        if known is None:
            continue  # of another use case
        findings.take(row.findings)
        if known in seen:
            findings.problem(
                "duplicate lines", f"{row.place}: {known!r} is already at {seen[known].place}"
            )
            continue
        seen[known] = row
        told = row.record
        _say_contradictions(records[known], row, findings)
        records[known] = replace(
            records[known],
            tattoo=told.tattoo,
            subject=told.subject,
            group=told.group,
            source=told.source,
            style=told.style,
            media=told.media,
            box=told.box,
            tags=told.tags,
            mask=told.mask,
            clean=told.clean,
        )


def _say_contradictions(record: Record, row: Row, findings: Findings) -> None:
    for what in ("label", "role", "fold"):
        ours, theirs = getattr(record, what), getattr(row.record, what)
        if ours and theirs and ours != theirs:
            findings.warning(
                "contradictions",
                f"{row.place}: says {what} {theirs!r} of {record.name!r}, the lists say {ours!r}; "
                "the lists are followed",
            )


def _fold(
    number: str,
    folds: Mapping[str, _Lists],
    records: Mapping[str, Record],
    background: Sequence[str],
    pairs: frozenset[tuple[str, str]],
) -> Fold:
    own = folds[number]
    probes = tuple(name for name in own.probes if name in records)
    gallery = tuple(name for name in own.gallery if name in records)
    judged = {*probes, *gallery}
    train = dict.fromkeys(
        name
        for other, fold in folds.items()
        if other != number
        for name in fold.names
        if name in records and name not in judged
    )
    return Fold(
        number,
        tuple(train),
        probes,
        gallery + tuple(background),
        frozenset((p, g) for p, g in pairs if p in own.probes and g in own.gallery),
        frozenset((p, g) for p, g in pairs if p in train and g in train),
    )


def _say_pairs_across(
    pairs: Iterable[tuple[str, str]], folds: Sequence[Fold], findings: Findings
) -> None:
    within = {pair for fold in folds for pair in fold.mates}
    judged = {name for fold in folds for name in (*fold.probes, *fold.gallery)}
    across = sorted(pair for pair in set(pairs) - within if judged.issuperset(pair))
    if across:
        probe, reference = across[0]
        findings.warning(
            "pairs across folds",
            "ground_truth.txt: mated pairs whose images are in different folds are never compared: "
            f"{len(across):,}, such as {probe!r} and {reference!r}",
        )
