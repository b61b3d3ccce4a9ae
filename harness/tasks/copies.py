"""One picture twice in a fold: learned from and judged, or compared with itself.

Looked for after a protocol has laid out its folds, byte for byte.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from harness.data.findings import Findings
from harness.data.fingerprints import content_hashes
from harness.data.records import Dataset, Fold, Record
from harness.data.words import is_description

__all__ = ["VOID", "check_compared", "learned_and_judged"]

VOID = 0.01
"""Share of a fold's probes above which copies make its question void. A few may be chance: of the
32,460 drawings of Omniglot twelve are equal in pairs."""

SAME = "the same picture under two names"


def copies_of(dataset: Dataset, names: Iterable[str]) -> dict[str, str]:
    """Return by name what is the same for byte-identical files; only of names that have a copy.

    Records of one file (several tattoos in one photograph) are no copies of one another.
    """
    sizes: defaultdict[int, list[str]] = defaultdict(list)
    for name in dict.fromkeys(names):
        if is_description(dataset.records[name].path):
            continue  # two witnesses may use the same words
        try:
            sizes[dataset.records[name].path.stat().st_size].append(name)
        except OSError:
            continue  # a missing file is a problem of its own
    hashes = content_hashes(dataset, [n for group in sizes.values() if group[1:] for n in group])
    files: defaultdict[str, set[str]] = defaultdict(set)
    for name, digest in hashes.items():
        files[digest].add(str(dataset.records[name].path))
    return {name: digest for name, digest in hashes.items() if len(files[digest]) > 1}


def check_compared(
    dataset: Dataset, folds: Sequence[Fold], copies: dict[str, str], findings: Findings
) -> None:
    """Add what is compared with a copy of itself: a problem above `VOID`, a warning below.

    Two records of one declared `source` are known to be one photograph, and only warned of.

    Parameters
    ----------
    copies
        From `copies_of`, of all that is judged.
    """
    for fold in folds:
        pairs = sorted(_compared_copies(fold, copies, dataset))
        unknown = {
            p for p in pairs if not _one_source(dataset.records[p[0]], dataset.records[p[1]])
        }
        void = len({probe for probe, _ in unknown}) > VOID * len(fold.probes)
        for probe, reference in pairs:
            known = (probe, reference) not in unknown
            text = (
                f"{probe!r} and {reference!r} are the same picture, byte for byte; probe and "
                f"gallery of fold {fold.name}"
            )
            if void and not known:
                findings.problem(SAME, text)
            else:
                findings.warning(SAME, text)


def _compared_copies(fold: Fold, copies: dict[str, str], dataset: Dataset) -> set[tuple[str, str]]:
    def met(probes: Iterable[str], gallery: Iterable[str]) -> set[tuple[str, str]]:
        by_content: defaultdict[str, list[str]] = defaultdict(list)
        for name in gallery:
            if name in copies:
                by_content[copies[name]].append(name)
        return {
            (probe, reference)
            for probe in probes
            if probe in copies
            for reference in by_content[copies[probe]]
            if dataset.records[probe].path != dataset.records[reference].path
        }

    if fold.nonmates:
        found = met(fold.probes, fold.gallery) & (fold.mates | fold.nonmates)
    elif fold.draws:
        found = {pair for draw in fold.draws for pair in met(draw.probes, draw.gallery)}
    else:
        found = met(fold.probes, fold.gallery)
    return found - fold.excluded


def _one_source(one: Record, other: Record) -> bool:
    return one.source is not None and one.source == other.source


def learned_and_judged(folds: Sequence[Fold], copies: dict[str, str]) -> list[str]:
    """Return a sentence for each picture that a fold learns from and judges under another name.

    Only those folds are listed in which more than `VOID` of what is judged was learned from.
    """
    said = []
    for fold in folds:
        trained: dict[str, str] = {}
        for name in fold.train:
            if name in copies:
                trained.setdefault(copies[name], name)
        judged, train = dict.fromkeys((*fold.probes, *fold.gallery)), set(fold.train)
        found = [n for n in judged if copies.get(n) in trained and n not in train]
        if len(found) > VOID * len(judged):
            said += [
                f"fold {fold.name}: {name!r} is judged and is the same picture, byte for byte, as "
                f"{trained[copies[name]]!r}, which is learned from"
                for name in found
            ]
    return said
