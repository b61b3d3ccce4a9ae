"""Folds of data sets that bring no lists: identities are kept apart, roles are dealt out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from itertools import chain

import numpy as np

from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError, some
from harness.tasks.protocol import FoldRules

ONE_FOLD = "test"
"""Name of the fold where the records themselves say what trains and what is judged."""

_SHOWN = 5
"""Names that a message quotes."""


def deal(
    dataset: Dataset,
    rules: FoldRules,
    identity: Callable[[Record], str],
    roles: Callable[[Sequence[Record], np.random.Generator], tuple[list[Record], list[Record]]],
) -> list[tuple[str, list[Record], list[Record], list[Record]]]:
    """Deal the records of a data set into folds that share no identity.

    A record's own ``fold`` and ``role`` win over the rules. Records with role ``background`` are
    left out; those with role ``train``, or matched by ``rules.train``, are in every training set.

    Parameters
    ----------
    identity
        What must not be in the training and the judged part of a fold at once.
    roles
        Splits the records of one identity into probes and references.

    Returns
    -------
    list of tuple
        Name, training records, probes and references of each fold.

    Raises
    ------
    DataError
        If there are fewer identities than folds, or only some records name their fold.
    """
    # By name, so that the folds do not depend on the order of a manifest's lines.
    usable = _in_order([r for r in dataset.records.values() if r.role != "background"])
    always = [record for record in usable if _only_trains(record, rules)]
    judged = [record for record in usable if not _only_trains(record, rules)]
    if not judged:
        raise DataError(
            f"{dataset.name} has no image left to judge: every record has role 'train' or matches "
            f"the protocol's train patterns {', '.join(rules.train)}"
        )
    named = sorted({record.fold for record in judged if record.fold is not None})
    unnamed = [record.name for record in judged if record.fold is None]
    if named and unnamed:
        raise DataError(
            f"{dataset.name}: some records name their fold and {len(unnamed)} do not, "
            f"e.g. {unnamed[0]}; give all of them a fold, or none"
        )

    by_identity: dict[str, list[Record]] = {}
    for record in judged:
        by_identity.setdefault(identity(record), []).append(record)
    rng = np.random.default_rng(rules.seed)
    fold_of: dict[str, str] = {}
    if not named:
        if len(by_identity) < rules.count:
            raise DataError(
                f"{dataset.name} has {some(len(by_identity), 'identity', 'identities')}, "
                f"too few for {rules.count} folds"
            )
        names = [str(k + 1) for k in range(rules.count)] if rules.count > 1 else [ONE_FOLD]
        order = rng.permutation(len(by_identity))
        for place, key in zip(order, sorted(by_identity), strict=True):
            fold_of[key] = names[place % len(names)]
    else:
        names = named

    dealt: dict[str, tuple[list[Record], list[Record]]] = {name: ([], []) for name in names}
    for key in sorted(by_identity):
        members: dict[str, list[Record]] = {}
        for record in by_identity[key]:
            members.setdefault(record.fold or fold_of[key], []).append(record)
        for name, records in members.items():
            probes, references = roles(records, rng)
            dealt[name][0].extend(probes)
            dealt[name][1].extend(references)

    folds = []
    for name in names:
        inside = {identity(record) for record in chain(*dealt[name])}
        others = chain.from_iterable(chain(*dealt[other]) for other in names if other != name)
        train = [*always, *(r for r in others if identity(r) not in inside)]
        probes, references = dealt[name]
        folds.append((name, train, _in_order(probes), _in_order(references)))
    return folds


def check_named(dataset: Dataset, key: str) -> None:
    """Refuse a data set in which a record does not say whose it is.

    Parameters
    ----------
    key
        ``tattoo`` or ``group``: what makes two images mated.

    Raises
    ------
    DataError
        If a record that is no background has no value of it.
    """
    used = [record for record in dataset.records.values() if record.role != "background"]
    without = [record for record in used if not getattr(record, key)]
    if not without:
        return
    whole = f"{dataset.name}: {len(without):,} of {len(used):,} pictures have no {key!r}"
    by = "by which this protocol calls pictures mated"
    if len(without) < len(used):
        raise DataError(
            f"{whole}, {by}: {_listed(dataset, without)}. Fill the cell in the column {key!r}, or "
            "take the line out."
        )
    other = "group" if key == "tattoo" else "tattoo"
    known = all(getattr(record, other) for record in used)
    what = {
        "group": 'look-alikes, about which `similarity` and protocols with mated-by = "group" ask',
        "tattoo": 'one tattoo, about which protocols with mated-by = "tattoo" ask',
    }[other]
    has = f" It has {other!r}: pictures of {what}." if known else ""
    raise DataError(f"{whole}, {by}. Add the column {key!r} to the manifest.{has}")


def _listed(dataset: Dataset, records: Sequence[Record]) -> str:
    shown = ", ".join(dataset.quoted(record.name) for record in records[:_SHOWN])
    return shown + (f" and {len(records) - _SHOWN:,} more" if len(records) > _SHOWN else "")


def restrict(folds: Sequence[Fold], fold_names: Sequence[str]) -> list[Fold]:
    """Keep the folds named with ``--fold``, in their own order; all of them if none is named.

    Fold ``1`` may be called ``fold-1``, as progress and run folders call it.

    Raises
    ------
    DataError
        If a name is not a fold.
    """
    names = [fold.name for fold in folds]
    meant = [fold_named(name, names) for name in fold_names]
    unknown = [name for name in meant if name not in names]
    if unknown:
        raise DataError(f"there is no fold {', '.join(unknown)}; there are: {', '.join(names)}")
    return [fold for fold in folds if not fold_names or fold.name in meant]


def fold_named(text: str, names: Sequence[str]) -> str:
    """Return the fold that a user means: ``fold-1`` is ``1`` where no fold is called ``fold-1``.

    >>> fold_named("fold-1", ["1", "2"]), fold_named("fold-1", ["fold-1", "1"])
    ('1', 'fold-1')
    """
    short = text.removeprefix("fold-")
    return short if text not in names and short in names else text


def _only_trains(record: Record, rules: FoldRules) -> bool:
    return record.role == "train" or any(fnmatchcase(record.name, p) for p in rules.train)


def _in_order(records: list[Record]) -> list[Record]:
    return sorted(records, key=lambda record: record.name)
