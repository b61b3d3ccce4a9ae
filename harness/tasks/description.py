"""Description: a witness's words search a gallery of pictures.

A probe is a text file; an algorithm makes a template of its words (`Matcher.describe_text`) and
compares it with those of the pictures. What its line of the manifest states in ``tags``, ``style``
and ``site`` is what the words say, and which pictures they describe follows from that: all that
have every attribute stated, of whatever tattoo (``fits``). Where words may be wrong, as those of
real witnesses, only the pictures of the tattoo that the line names are mated (``tattoo``).

Descriptions of one tattoo resample as one: the witnesses saw the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

import numpy as np
import numpy.typing as npt

from harness.data.records import Dataset, Fold, Record
from harness.data.words import is_description
from harness.errors import DataError, some
from harness.metrics import identification as searching
from harness.statistics.estimate import Estimate
from harness.tasks.answers import Answered
from harness.tasks.clusters import cluster_of
from harness.tasks.folds import deal
from harness.tasks.identification import Identification, rates_apart
from harness.tasks.protocol import Need, Protocol, Table
from harness.tasks.searches import FoldSearches, PooledSearches
from harness.tasks.task import ToldApart

__all__ = ["attributes_of"]

MANY = 4
"""Attributes stated from which on descriptions are counted together."""


class DescriptionRules(Table):
    """What the question ``description`` calls mated.

    Parameters
    ----------
    mated
        ``fits``: pictures that have all that a description states; ``tattoo``: those of the tattoo
        that it is of.
    """

    mated: Literal["fits", "tattoo"] = "fits"


class Description(Identification):
    """Which pictures do the words describe? An answer has shape (descriptions, references)."""

    metrics: ClassVar[tuple[str, ...]] = ("hit-rate", "median-rank", "map", "fte")
    needs: ClassVar[tuple[Need, ...]] = ()
    listed = False
    of_words = True
    rules = DescriptionRules
    told_apart = ToldApart(
        "Exact words and vague ones",
        "Of a description that states little, many pictures may be mates, so that chance finds one "
        "as well; one that states much has few. So they are told apart here.",
        "The same metrics by how many attributes a description states",
    )
    failure_policy = (
        "A description without a template is a miss at every rank; a picture without a template "
        "stays in the gallery and never matches."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return the data set's own lists, or folds that share no tattoo.

        A fold's gallery holds its pictures, but for those with the role ``probe``.

        Raises
        ------
        DataError
            If there is no description, or what one states does not say what is mated.
        """
        said = [r for r in dataset.records.values() if is_description(r.path)]
        if not said:
            raise DataError(
                f"{dataset.name} has no description: a line of the manifest with a text file "
                "(.txt, the witness's words) as its image, and in 'tags', 'style' and 'site' what "
                "they state, or in 'tattoo' whose tattoo they are of"
            )
        if dataset.folds:
            return super().lay_out(dataset, protocol)
        fits = DescriptionRules.of(protocol).mated == "fits"
        _check_stated(dataset, said, fits=fits)
        background = [r for r in dataset.records.values() if r.role == "background"]
        folds = []
        for name, train, probes, references in deal(
            dataset, protocol.folds, lambda record: cluster_of(record, ("tattoo",)), _roles
        ):
            gallery = [*references, *(background if protocol.data.background else ())]
            has = {one.name: attributes_of(one) for one in gallery}
            mates = frozenset(
                (probe.name, one.name)
                for probe in probes
                for one in gallery
                if (attributes_of(probe) <= has[one.name] if fits else one.tattoo == probe.tattoo)
            )
            found = {probe for probe, _ in mates}
            folds.append(
                Fold(
                    name,
                    tuple(r.name for r in train if not is_description(r.path)),
                    tuple(r.name for r in probes if r.name in found),
                    tuple(r.name for r in gallery),
                    mates,
                    unmated=tuple(r.name for r in probes if r.name not in found),
                )
            )
        if not any(fold.probes for fold in folds):
            raise DataError(f"{dataset.name}: no description has a picture that it describes")
        return folds

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return identities, and the attributes of each picture as tags."""
        has = [attributes_of(records[name]) for name in fold.train]
        words = sorted(frozenset().union(*has))
        place = {word: number for number, word in enumerate(words)}
        tags = [sorted(place[word] for word in own) for own in has]
        known = super().training_truth(fold, records, protocol)
        return {**known, "tags": tags, "vocabulary": words} if words else known

    def whole(self, parts: Sequence[FoldSearches], run: Answered) -> _Said:
        """Return the searches of all folds, with how much each description states."""
        probes = [run.records[name] for part in parts for name in part.fold.probes]
        return _Said(parts, np.array([len(attributes_of(probe)) for probe in probes], np.int64))

    def subsets(self, whole: PooledSearches, protocol: Protocol) -> dict[str, dict[str, Estimate]]:
        """Return the rates apart by how much is stated: a vague description fits many pictures."""
        stated = np.minimum(whole.stated, MANY) if isinstance(whole, _Said) else np.empty(0)
        known = np.unique(stated).astype(int).tolist()
        more = {MANY: f"{MANY} attributes or more"}
        parts = {more.get(n, some(n, "attribute")) + " stated": stated == n for n in known}
        found = rates_apart(protocol.metric_ids, whole, parts) if known[1:] else {}
        for name, estimates in found.items():
            rows = parts[name] & (whole.mates > 0)
            for metric in protocol.metric_ids:
                if metric.name == "hit-rate" and rows.any():
                    counts = whole.mates[rows], whole.gallery[rows]
                    chance = searching.chance_hit(*counts, int(metric["rank"])).mean()
                    estimates[str(metric)].chance = float(chance)
        return found

    def identities(self, folds: Sequence[Fold], records: Mapping[str, Record]) -> dict[str, str]:
        """Return the tattoo of every name: one picture may fit descriptions of many."""
        names = {name for fold in folds for name in (*fold.probes, *fold.gallery)}
        return {name: cluster_of(records[name], ("tattoo",)) for name in names}


class _Said(PooledSearches):
    """Searches by descriptions, and how many attributes each states: int64, shape (searches,)."""

    def __init__(self, parts: Sequence[FoldSearches], stated: npt.NDArray[np.int64]) -> None:
        super().__init__(parts)
        self.stated = stated


def attributes_of(record: Record) -> frozenset[str]:
    """Return what a record says is to be seen, or states: its tags, its style and its site.

    >>> from pathlib import Path
    >>> sorted(attributes_of(Record("a", Path("a"), tags=("crossed_arrows",), site="Upper-Arm")))
    ['crossed arrows', 'upper arm']
    """
    words = (*record.tags, record.style or "", record.site or "")
    plain = (" ".join(w.casefold().replace("_", " ").replace("-", " ").split()) for w in words)
    return frozenset(filter(None, plain))


def _roles(
    records: Sequence[Record], rng: np.random.Generator
) -> tuple[list[Record], list[Record]]:
    """Return descriptions as probes, and the pictures that are no probes of other questions."""
    said = [record for record in records if is_description(record.path)]
    pictures = [r for r in records if not is_description(r.path) and r.role != "probe"]
    return said, pictures


def _check_stated(dataset: Dataset, said: Sequence[Record], *, fits: bool) -> None:
    """Refuse descriptions that state nothing, or of their own tattoo what it does not have."""
    if not fits:
        unnamed = [one for one in said if not one.tattoo]
        _refuse(dataset, unnamed, "no tattoo that they are of: fill the cell 'tattoo'")
        return
    _refuse(
        dataset,
        [one for one in said if not attributes_of(one)],
        "nothing in 'tags', 'style' or 'site' that they state; a protocol with [description] "
        "mated = \"tattoo\" goes by the column 'tattoo' alone",
    )
    of: dict[str, list[Record]] = {}
    for record in dataset.records.values():
        if record.tattoo and not is_description(record.path):
            of.setdefault(record.tattoo, []).append(record)
    wrong = [
        one
        for one in said
        if any(not attributes_of(one) <= attributes_of(p) for p in of.get(one.tattoo or "", ()))
    ]
    _refuse(
        dataset,
        wrong,
        "something stated that a picture of their own tattoo does not have in its line: correct "
        "either, or, where witnesses may be wrong, ask a protocol with [description] mated = "
        '"tattoo"',
    )


def _refuse(dataset: Dataset, faulty: Sequence[Record], why: str) -> None:
    if faulty:
        shown = ", ".join(dataset.quoted(one.name) for one in faulty[:5])
        many = some(len(faulty), "description has", "descriptions have")
        raise DataError(f"{dataset.name}: {many} {why}: {shown}")


TASK = Description()
