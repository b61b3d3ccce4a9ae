"""What a question needs of a data set, and what of it is missing: looked for before anything slow.

A need has a name. What follows from a kind of question stands in its task's ``NEEDS``; what follows
from the words of a protocol stands in the protocol's ``[data] needs``. Data in which nothing meets
a need is refused; where only a part does not, that part is counted and said.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from harness.data.findings import Findings
from harness.data.records import Dataset, Fold, Record
from harness.errors import some
from harness.metrics.identification import chance_hit
from harness.metrics.ids import Metric
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Need, Protocol

__all__ = ["look_at_galleries", "look_at_mates", "look_at_records", "needs_of"]

LABELS = ("tattoo", "non-tattoo")
MISSING = "what the question needs"


def needs_of(protocol: Protocol) -> tuple[Need, ...]:
    """Return what a protocol's question needs: its task's needs, and its own."""
    of_task = task_of(protocol).needs
    of_rules: tuple[Need, ...] = ("media",) if protocol.folds.probe_media else ()
    return tuple(dict.fromkeys((*of_task, *of_rules, *protocol.data.needs)))


def look_at_records(dataset: Dataset, protocol: Protocol) -> Findings:
    """Return which needs the records cannot meet, before folds are laid out."""
    found = Findings()
    for need in needs_of(protocol):
        if need in _OF_RECORDS:
            _OF_RECORDS[need](dataset, protocol, found)
    return found


def look_at_mates(dataset: Dataset, protocol: Protocol, folds: Sequence[Fold]) -> Findings:
    """Return which needs the mated pairs of the folds cannot meet, and probes without a mate."""
    found = Findings()
    for fold in folds:
        for name in fold.unmated:
            found.warning(
                "probes without a mate",
                f"fold {fold.name}: probe {name!r} has no mate in it, and is not judged",
            )
    pairs = sorted({pair for fold in folds for pair in fold.mates})
    for need in needs_of(protocol):
        if need in _OF_MATES and pairs:
            _OF_MATES[need](dataset, pairs, found)
    return found


def look_at_galleries(dataset: Dataset, protocol: Protocol, folds: Sequence[Fold]) -> Findings:
    """Say where folds leave galleries so small that a random ranking finds half of the mates.

    Data whose own lists or records say what a fold is has the galleries that it has.
    """
    found = Findings()
    headline = Metric.parse(protocol.headline)
    if headline.name != "hit-rate" or dataset.folds or len(folds) < 2:
        return found
    if any(record.fold for record in dataset.records.values()):
        return found
    sizes, mates = [], []
    for fold in folds:
        own = Counter(probe for probe, _ in fold.mates)
        left_out = Counter(probe for probe, _ in fold.excluded)
        if fold.draws:
            drawn = [len(draw.gallery) for draw in fold.draws for _ in draw.probes]
            sizes += drawn
            mates += [1] * len(drawn)
        else:
            sizes += [len(fold.gallery) - left_out[probe] for probe in fold.probes]
            mates += [own[probe] for probe in fold.probes]
    rank = int(headline["rank"])
    if not sizes or float(chance_hit(np.array(mates), np.array(sizes), rank).mean()) < 0.5:
        return found
    common = len(frozenset.intersection(*(frozenset(fold.gallery) for fold in folds)))
    own_sizes = [
        max(len(d.gallery) for d in fold.draws) if fold.draws else len(fold.gallery) - common
        for fold in folds
    ]
    whole = sum(own_sizes)
    low, high = min(sizes), max(sizes)
    hold = f"{low:,}" if low == high else f"{low:,} to {high:,}"
    found.warning(
        "small galleries",
        f"in {len(folds)} folds galleries hold {hold} images, so a random ranking has a hit in "
        f"half of the searches or more: with --folds 2 they would hold about "
        f"{whole // 2 + common:,}, with --folds 1, for algorithms that do not learn, "
        f"{whole + common:,}",
    )
    return found


def _judged(dataset: Dataset) -> list[Record]:
    return [r for r in dataset.records.values() if r.role not in ("background", "train")]


def _two_pictures(dataset: Dataset, protocol: Protocol, found: Findings) -> None:
    if dataset.folds and task_of(protocol).lists_mates:
        return
    key = protocol.data.mated_by
    records = _judged(dataset)
    values = [getattr(record, key) for record in records]
    if not values or not all(values):
        return  # what has no value of it at all is refused where folds are laid out
    uses = Counter(values)
    if max(uses.values()) < 2:
        found.problem(
            MISSING,
            f"no {key} has two pictures: there are {len(uses):,}, each with one. The question "
            f"compares pictures of one {key}, which the column {key!r} names "
            "(or the folder that a picture lies in)",
        )


def _media(dataset: Dataset, protocol: Protocol, found: Findings) -> None:
    records = _judged(dataset)
    known = Counter(record.media for record in records if record.media)
    if not known:
        if not dataset.folds:  # lists of a use case say by themselves what is searched for
            found.problem(
                MISSING,
                "no picture has a medium: the question is about "
                f"{_any(protocol.folds.probe_media) or 'several media'}. The column 'media' says "
                "what a picture is: photo, sketch, scanned-print, computer-graphic or graffiti",
            )
        return
    if len(known) == 1:
        (only,) = known
        found.problem(
            MISSING,
            f"there is one medium alone: all {known[only]:,} pictures whose medium is known are "
            f"{only!r}; the question is about pictures of one medium searched among another's",
        )
        return
    wanted = protocol.folds.probe_media
    if wanted and not any(media in wanted for media in known):
        found.problem(
            MISSING,
            f"no picture is a {_any(wanted)}; the column 'media' has {', '.join(sorted(known))}",
        )
    elif wanted and all(media in wanted for media in known):
        found.problem(
            MISSING,
            f"every picture is a {_any(wanted)}, so there is none of another medium to search "
            "among; photographs have 'photo' in the column 'media'",
        )
    without = [record.name for record in records if not record.media]
    if without:
        found.warning(
            "pictures without a medium",
            f"{len(without):,} of {len(records):,} pictures have no medium, e.g. {without[0]!r}; "
            "they are taken for what is searched among, unless their role says otherwise",
        )
    odd = [
        record.name
        for record in records
        if wanted and record.role == "probe" and record.media and record.media not in wanted
    ]
    if odd:
        found.warning(
            "probes of another medium",
            f"{some(len(odd), 'probe is', 'probes are')} no {_any(wanted)}, e.g. {odd[0]!r}: "
            "that is another question",
        )


def _any(words: Sequence[str]) -> str:
    return " or ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def _regions(dataset: Dataset, protocol: Protocol, found: Findings) -> None:
    roles = Counter(record.role for record in _judged(dataset))
    if dataset.folds or (roles["probe"] and roles["reference"]):
        return
    lacking = [role for role in ("probe", "reference") if not roles[role]]
    found.problem(
        MISSING,
        f"no picture has the role {' or '.join(map(repr, lacking))}, so which pictures are regions "
        "and which are whole cannot be told. The column 'role' says it: probe for a region, "
        "reference for a whole image",
    )


def _both_labels(dataset: Dataset, protocol: Protocol, found: Findings) -> None:
    records = _judged(dataset)
    known = Counter(record.label for record in records if record.label)
    lacking = [label for label in LABELS if not known[label]]
    if len(lacking) == 1 and len(records) == known.total():
        (there,) = known
        found.problem(
            MISSING,
            f"all {known.total():,} pictures have the label {there!r} and none has {lacking[0]!r}; "
            "telling the two apart needs pictures of both, named in the column 'label'",
        )


def _other_subjects(dataset: Dataset, pairs: Sequence[tuple[str, str]], found: Findings) -> None:
    same, unknown = [], 0
    for pair in pairs:
        one, other = (dataset.records[name] for name in pair)
        if one.subject and other.subject:
            if one.subject == other.subject:
                same.append(pair)
        elif one.tattoo and one.tattoo == other.tattoo:  # one design on one person
            same.append(pair)
        else:
            unknown += 1
    if len(same) == len(pairs):
        found.problem(
            MISSING,
            f"no group has a second person: all {len(pairs):,} mated pairs show one person's "
            "tattoo, and the question is about look-alikes on other people. The columns 'subject' "
            "and 'group' say whose tattoo it is and which tattoos look alike",
        )
    elif same:
        found.warning(
            "mates on the same person",
            f"{len(same):,} of {len(pairs):,} mated pairs show one person's tattoo, e.g. "
            f"{same[0][0]!r} and {same[0][1]!r}; the question is about other people",
        )
    if unknown and not dataset.folds:
        found.warning(
            "mates of unknown persons",
            f"whether {unknown:,} of {len(pairs):,} mated pairs are on two people is not known: "
            "the column 'subject' would say whose tattoo it is",
        )


def _other_captures(dataset: Dataset, pairs: Sequence[tuple[str, str]], found: Findings) -> None:
    records = dataset.records
    same = sum(
        records[a].source is not None and records[a].source == records[b].source for a, b in pairs
    )
    if same == len(pairs):
        found.problem(
            MISSING,
            f"no tattoo has two captures: all {same:,} mated pairs show one photograph twice (the "
            "column 'source' says so), and the question is about another one. `closed-set` asks "
            "about copies, too",
        )


_OF_RECORDS: Mapping[Need, Callable[[Dataset, Protocol, Findings], None]] = {
    "two-pictures": _two_pictures,
    "media": _media,
    "regions": _regions,
    "both-labels": _both_labels,
}
_OF_MATES: Mapping[Need, Callable[[Dataset, Sequence[tuple[str, str]], Findings], None]] = {
    "other-subjects": _other_subjects,
    "other-captures": _other_captures,
}
