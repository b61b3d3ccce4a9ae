"""Consolidated galleries: one template is made of all references of an identity.

NIST's Tatt-E knows two kinds of gallery: `unconsolidated`, where every picture has a template of
its own, and `consolidated`, where every identity has one. In such a fold the alphabetically first
reference of an identity stands for all of them in the gallery; ranks count identities, and a hit is
one on the identity.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from harness.data.findings import Finding
from harness.data.records import Draw, Fold, Record
from harness.errors import DataError, some
from harness.tasks.clusters import cluster_of, identities_of

__all__ = ["CONSOLIDATED", "PARAMETER", "consolidated", "noted"]

PARAMETER = "gallery"
"""Of a searcher: what its galleries are."""

CONSOLIDATED = "consolidated"
"""Value of it where an identity has one template; everything else is a template a picture."""


def consolidated(
    folds: Sequence[Fold], records: Mapping[str, Record], mated_by: str
) -> tuple[Fold, ...]:
    """Return folds in whose galleries every identity stands once.

    Parameters
    ----------
    folds
        As a question lays them out. Draws that have one reference of each identity stay as they
        are, and so do folds that are consolidated already.
    records
        Those that the folds name.
    mated_by
        The column that says what is mated, for references that no probe is mated with.

    Raises
    ------
    DataError
        If references of a probe's own photograph are left out: they cannot be taken out of a
        template again.
    """
    if any(fold.consolidated for fold in folds):
        return tuple(folds)
    mates = identities_of(folds)
    return tuple(_one(fold, mates, records, mated_by) for fold in folds)


def _one(
    fold: Fold, mates: Mapping[str, str], records: Mapping[str, Record], mated_by: str
) -> Fold:
    groups: dict[tuple[bool, str], list[str]] = {}
    for name in sorted(fold.gallery):
        known = name in mates
        identity = mates[name] if known else cluster_of(records[name], (mated_by,))
        groups.setdefault((known, identity), []).append(name)
    stands = {name: members[0] for members in groups.values() for name in members}
    if any(len({stands[n] for n in draw.gallery}) == len(draw.gallery) for draw in fold.draws):
        return fold
    if fold.excluded:
        raise DataError(
            f"fold {fold.name}: references of a probe's own photograph are left out, and cannot be "
            "taken out of a template of several pictures; leave --param "
            f"{PARAMETER}={CONSOLIDATED} out, or set the protocol's same-source to 'compared'"
        )

    def once(names: Sequence[str]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(stands[name] for name in names))

    return replace(
        fold,
        gallery=once(fold.gallery),
        mates=frozenset((probe, stands[name]) for probe, name in fold.mates),
        nonmates=frozenset((probe, stands[name]) for probe, name in fold.nonmates),
        draws=tuple(Draw(draw.probes, once(draw.gallery)) for draw in fold.draws),
        consolidated=tuple(tuple(members) for members in groups.values() if len(members) > 1),
    )


def noted(folds: Sequence[Fold]) -> Finding:
    """Return what a reader of the numbers has to know about consolidated galleries."""
    templates = sum(len(fold.gallery) for fold in folds)
    pictures = sum(len(fold.pictures_of_references) for fold in folds)
    of_several = sum(len(fold.consolidated) for fold in folds)
    where = " in all folds together" if len(folds) > 1 else ""
    return Finding(
        "consolidated-gallery",
        "warning",
        f"galleries are consolidated (--param {PARAMETER}={CONSOLIDATED}): an identity has one "
        f"template, made of all its references ({some(templates, 'template')} of "
        f"{some(pictures, 'picture')}{where}, {of_several:,} of them of several); a hit is one on "
        "the identity, and ranks count identities. Figures of galleries of pictures are not to be "
        "compared with these",
    )
