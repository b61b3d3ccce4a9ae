"""Folds by the procedure of AIGTatt and TattTRN: images are drawn from identities, by seeded lot.

Both evaluate a folder of images per tattoo (TattTRN, CVPR Workshops 2024; AIGTatt descends from
it). Their draws are unseeded and stop at an identity with one image; here a draw follows from the
protocol's seed and the names alone, and an identity with one image is never mated.

Open-set data can also bring its own lists: roles by which some identity is searched and not
enrolled. Then nothing is drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from harness.data.records import Dataset, Draw, Fold, Record
from harness.errors import DataError, some
from harness.statistics import chance
from harness.tasks.answers import Answer, DrawnAnswer, ListsOfDraws
from harness.tasks.clusters import cluster_of
from harness.tasks.folds import check_named, deal
from harness.tasks.protocol import Protocol

LARGEST = 20_000
"""Images of a fold: the scores of all its comparisons are kept, 3.2 GB of them at this size."""

FOLDS = "--folds N or 'count' of the protocol's [folds]"
"""Where the number of folds is said."""

Members = Mapping[str, Sequence[Record]]


def verification_folds(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Compare all pairs within an identity, and one random pair for each ordered two of them."""

    def compared(members: Members, rng: np.random.Generator, fold: Fold) -> Fold:
        left_out = protocol.data.same_source == "left-out"
        mates = frozenset(
            (first.name, second.name)
            for records in members.values()
            for first, second in combinations(records, 2)
            if not (left_out and _same_photograph(first, second))
        )
        nonmates = frozenset(
            (_one(members[probe], rng).name, _one(members[reference], rng).name)
            for probe in members
            for reference in members
            if probe != reference
        )
        # Images are compared with images of the same list: only the pairs named above count.
        images = tuple(sorted(r.name for records in members.values() for r in records))
        return replace(fold, probes=images, gallery=images, mates=mates, nonmates=nonmates)

    return _folds(dataset, protocol, compared)


def closed_set_folds(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Draw, several times, one reference and one probe of every identity with two images."""

    def drawn(members: Members, rng: np.random.Generator, fold: Fold) -> Fold:
        draws = []
        for _ in range(protocol.folds.draws):
            pairs = [_pair(records, rng, protocol) for records in members.values()]
            known = [pair for pair in pairs if pair is not None]
            draws.append(
                Draw(tuple(probe.name for probe, _ in known), tuple(r.name for _, r in known))
            )
        return _united(fold, draws, members)

    return _folds(dataset, protocol, drawn)


def open_set_folds(dataset: Dataset, protocol: Protocol) -> list[Fold]:
    """Rotate who is unknown; enrol and search one image of the others, search all of the unknown.

    The identities are shuffled once; the share that is unknown moves on through them with every
    draw, so that ten draws with a tenth unknown make everybody unknown once. Whoever has one image
    is searched when unknown and left out otherwise.

    Where roles leave an identity without a reference, the data itself says who is not enrolled:
    every reference is enrolled and every probe is searched, once.

    Raises
    ------
    DataError
        If there is too little to draw, or roles that say who is enrolled are not those of all.
    """
    if _roles_say_who_is_unknown(dataset, protocol):
        return _folds(dataset, protocol, _by_roles, drawn=False)

    def drawn(members: Members, rng: np.random.Generator, fold: Fold) -> Fold:
        keys = sorted(members)
        order = [keys[i] for i in rng.permutation(len(keys))]
        rules = protocol.folds
        draws = []
        for k in range(rules.draws):
            start = k * len(keys) / rules.draws
            stop = max(round(start) + 1, round(start + rules.unknown * len(keys)))
            unknown = {order[i % len(keys)] for i in range(round(start), stop)}
            pairs = [_pair(members[key], rng, protocol) for key in keys if key not in unknown]
            known = [pair for pair in pairs if pair is not None]
            unmated = [record.name for key in sorted(unknown) for record in members[key]]
            draws.append(
                Draw(
                    (*(probe.name for probe, _ in known), *unmated),
                    tuple(reference.name for _, reference in known),
                )
            )
        return _united(fold, draws, members)

    return _folds(dataset, protocol, drawn)


def draws_of(
    answered: Iterable[tuple[Fold, Answer]],
) -> Iterator[tuple[Fold, Answer]]:
    """Yield each draw of each fold: as a fold of its own, with its part of the scores."""
    for fold, answer in answered:
        if isinstance(answer, ListsOfDraws):
            for part, lists in zip(each_draw(fold), answer.draws, strict=True):
                yield part, _nothing_found(part, lists)
            continue
        row = {name: i for i, name in enumerate(fold.probes)}
        column = {name: j for j, name in enumerate(fold.gallery)}
        for part in each_draw(fold):
            rows = [row[name] for name in part.probes]
            columns = [column[name] for name in part.gallery]
            names = {*part.probes, *part.gallery}
            failures = {n: reason for n, reason in answer.failures.items() if n in names}
            yield part, DrawnAnswer(answer, np.ix_(rows, columns), failures)


def each_draw(fold: Fold) -> Iterator[Fold]:
    """Yield each draw of a fold, as a fold of its own that learns nothing."""
    for k, draw in enumerate(fold.draws, start=1):
        probes, inside = set(draw.probes), set(draw.gallery)
        yield Fold(
            name=f"{fold.name}-draw-{k:02d}",
            train=(),
            probes=draw.probes,
            gallery=draw.gallery,
            mates=frozenset(p for p in fold.mates if p[0] in probes and p[1] in inside),
            consolidated=tuple(one for one in fold.consolidated if one[0] in inside),
        )


def _nothing_found(draw: Fold, lists: Answer) -> Answer:
    """Give an empty list of a search without a mate a score below all that count.

    To return nobody is right there, and no failure, as which minus infinity alone is read.
    """
    mated = {probe for probe, _ in draw.mates}
    scores = lists.scores
    empty = np.isneginf(scores).any(axis=1) & ~np.isfinite(scores).any(axis=1)
    right = empty & np.array([name not in mated for name in draw.probes], dtype=bool)
    if not right.any():
        return lists
    lowest = np.finfo(scores.dtype).min
    found = np.where(right[:, np.newaxis] & np.isneginf(scores), lowest, scores)
    return Answer(found, lists.failures)


def places_of(folds: Sequence[Fold]) -> list[tuple[tuple[int, int], list[chance.Draw]]]:
    """Return the shape of each fold's score matrix, and where its draws lie in it."""
    found = []
    for fold in folds:
        row = {name: i for i, name in enumerate(fold.probes)}
        column = {name: j for j, name in enumerate(fold.gallery)}
        truth = np.zeros((len(row), len(column)), dtype=bool)
        for probe, reference in fold.mates:
            truth[row[probe], column[reference]] = True
        draws = []
        for draw in fold.draws:
            rows = np.array([row[name] for name in draw.probes], dtype=np.int64)
            columns = np.array([column[name] for name in draw.gallery], dtype=np.int64)
            draws.append(chance.Draw(rows, columns, truth[np.ix_(rows, columns)]))
        found.append((truth.shape, draws))
    return found


def _folds(
    dataset: Dataset,
    protocol: Protocol,
    compared: Callable[[Members, np.random.Generator, Fold], Fold],
    *,
    drawn: bool = True,
) -> list[Fold]:
    check_named(dataset, protocol.data.mated_by)
    columns = (protocol.data.mated_by,)
    folds = []
    for number, (name, train, judged, _) in enumerate(
        deal(
            dataset,
            protocol.folds,
            lambda record: cluster_of(record, columns),
            lambda records, rng: (list(records), []),
        )
    ):
        members: dict[str, list[Record]] = {}
        for record in judged:
            members.setdefault(cluster_of(record, columns), []).append(record)
        if len(judged) > LARGEST:
            raise DataError(
                f"{dataset.name}: fold {name} has {len(judged)} images; this task keeps the score "
                f"of every two, up to {LARGEST} images. Ask for more folds, with {FOLDS}."
            )
        if drawn and sum(len(records) > 1 for records in members.values()) < 2:
            raise DataError(
                f"{dataset.name}: fold {name} has fewer than two identities with two images, so "
                f"there is nothing to draw. Ask for fewer folds, with {FOLDS}, or bring more "
                "images."
            )
        rng = np.random.default_rng([protocol.folds.seed, number])
        fold = Fold(name=name, train=tuple(r.name for r in train), probes=())
        folds.append(compared(dict(sorted(members.items())), rng, fold))
    return folds


def _roles_say_who_is_unknown(dataset: Dataset, protocol: Protocol) -> bool:
    """Whether some identity is searched for by its role and has no reference.

    Raises
    ------
    DataError
        If so, and a picture has no role, or pictures of one photograph are not to meet: lists that
        are given cannot be drawn anew.
    """
    check_named(dataset, protocol.data.mated_by)
    columns = (protocol.data.mated_by,)
    judged = [r for r in dataset.records.values() if r.role not in ("background", "train")]
    enrolled = {cluster_of(r, columns) for r in judged if r.role == "reference"}
    searched = {cluster_of(r, columns) for r in judged if r.role == "probe"}
    if not enrolled or searched <= enrolled:
        return False
    whole = (
        f"{dataset.name}: its roles say who is not enrolled ("
        f"{some(len(searched - enrolled), 'identity has', 'identities have')} probes and no "
        "reference)"
    )
    without = sorted(record.name for record in judged if record.role is None)
    if without:
        raise DataError(
            f"{whole}, and {some(len(without), 'picture has', 'pictures have')} no role, e.g. "
            f"{without[0]!r}. Give each "
            "'probe', 'reference' or 'train', or leave the column out: roles are drawn then."
        )
    if protocol.data.same_source == "left-out":
        raise DataError(
            f"{whole}, so nothing is drawn; the protocol's same-source = 'left-out' draws others "
            "for pictures of one photograph. Set it to 'compared', or leave the roles out."
        )
    return True


def _by_roles(members: Members, rng: np.random.Generator, fold: Fold) -> Fold:
    """Enrol every reference and search every probe, in one draw."""
    del rng
    records = [record for own in members.values() for record in own]
    probes = tuple(record.name for record in records if record.role == "probe")
    references = tuple(record.name for record in records if record.role == "reference")
    found = _united(fold, [Draw(probes, references)], members)
    if not found.mates:
        raise DataError(
            f"fold {fold.name}: by the roles of its pictures no probe has a reference, so nobody "
            f"can be identified. Ask for fewer folds, with {FOLDS}, or enrol somebody who is "
            "searched for."
        )
    return found


def _united(fold: Fold, draws: Sequence[Draw], members: Members) -> Fold:
    """Return a fold with the probes and references of all its draws."""
    probes = sorted({name for draw in draws for name in draw.probes})
    gallery = sorted({name for draw in draws for name in draw.gallery})
    inside, searched = set(gallery), set(probes)
    mates = frozenset(
        (probe.name, reference.name)
        for records in members.values()
        for probe in records
        for reference in records
        if probe is not reference and probe.name in searched and reference.name in inside
    )
    return replace(
        fold, probes=tuple(probes), gallery=tuple(gallery), mates=mates, draws=tuple(draws)
    )


def _pair(
    records: Sequence[Record], rng: np.random.Generator, protocol: Protocol
) -> tuple[Record, Record] | None:
    """Draw a probe and a reference of one identity; None where it has no two that may meet."""
    order = [records[i] for i in rng.permutation(len(records))]
    probe, *others = order
    if protocol.data.same_source == "left-out":
        others = [record for record in others if not _same_photograph(probe, record)]
    return (probe, others[0]) if others else None


def _one(records: Sequence[Record], rng: np.random.Generator) -> Record:
    return records[int(rng.integers(len(records)))]


def _same_photograph(one: Record, other: Record) -> bool:
    return one.source is not None and one.source == other.source
