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
them. In the manifest, described in `harness.data.readers.manifest`, paths are relative to the root;
the lists alone say what is probe, gallery, mated and in which fold.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from harness.data.findings import Findings
from harness.data.paths import BadNameError, Root
from harness.data.readers.manifest import Row, read_rows
from harness.data.readers.tatt_c_lists import (
    FOLDS,
    Lists,
    read_labels,
    read_lists,
    read_mates,
    read_names,
    use_cases,
)
from harness.data.records import Dataset, Fold, Record
from harness.errors import UsageError, nearest

__all__ = ["read_tatt_c"]


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
    folds, detection = read_lists(lists, use_case, findings)
    place = Root(root)
    records = _records(place, use_case, folds, findings)
    labels: dict[str, str] = {}
    pairs: frozenset[tuple[str, str]] = frozenset()
    if detection:
        labels = read_labels(lists, use_case, folds, findings)
    else:
        pairs = read_mates(lists, use_case, folds, findings)
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
        findings.all,
    )


def _records(
    root: Root, use_case: str, folds: Mapping[str, Lists], findings: Findings
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
    file_name = "background/bg.txt"
    names: dict[str, str] = {}
    for name, place in read_names(root.folder / file_name, "background", findings).items():
        if name in records:
            findings.problem(
                "names that stand for two images",
                f"{place}: {name!r} is the name of an image of the use case too",
            )
        else:
            names[name] = place
    _add(records, root, "background/images", names, "background", None, findings)
    return [name for name in names if name in records]


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
        described = row.record
        _say_contradictions(records[known], row, findings)
        records[known] = replace(
            records[known],
            tattoo=described.tattoo,
            subject=described.subject,
            group=described.group,
            source=described.source,
            style=described.style,
            media=described.media,
            box=described.box,
            skin=described.skin,
            taken=described.taken,
            site=described.site,
            quality=described.quality,
            tags=described.tags,
            mask=described.mask,
            clean=described.clean,
            query=described.query,
            text_score=described.text_score,
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
    folds: Mapping[str, Lists],
    records: Mapping[str, Record],
    background: Sequence[str],
    pairs: frozenset[tuple[str, str]],
) -> Fold:
    own = folds[number]
    probes = tuple(name for name in own.probes if name in records)
    gallery = tuple(name for name in own.gallery if name in records)
    judged = {*probes, *gallery}
    others = [fold for other, fold in folds.items() if other != number]
    train = dict.fromkeys(
        name for fold in others for name in fold.names if name in records and name not in judged
    )
    return Fold(
        number,
        tuple(train),
        probes,
        gallery + tuple(background),
        frozenset((p, g) for p, g in pairs if p in own.probes and g in own.gallery),
        frozenset((p, g) for p, g in pairs if p in train and g in train),
        frozenset(name for fold in others for name in fold.probes if name in train),
        frozenset(name for fold in others for name in fold.gallery if name in train),
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
