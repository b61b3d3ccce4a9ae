"""Non-mates that look alike, told apart from others: same design or style, other tattoo.

Many people carry one design, and a matcher that takes it for the same tattoo is wrong in another
way than one that takes a rose for a skull. So the false match rate of both kinds is told apart at
one threshold, and hit rates are told with look-alikes taken out of the galleries. As a smaller
gallery is an easier one by itself, the rate of taking out as many others stands beside it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

import msgspec
import numpy as np
import numpy.typing as npt

from harness.data.records import Record
from harness.metrics.growth import hit_shares
from harness.metrics.identification import MISS
from harness.statistics.bootstrap import share_intervals
from harness.statistics.estimate import FEW_ERRORS, Estimate
from harness.statistics.false_matches import false_match_interval
from harness.statistics.intervals import few_errors
from harness.tasks.intervals import set_interval
from harness.tasks.pairs import Pairs, Threshold
from harness.tasks.searches import FoldSearches, StreamedSearches

__all__ = ["COLUMNS", "Kind", "SameDesign", "Without", "same_design"]

COLUMNS = ("group", "style")
"""What makes two tattoos look alike, as a data set says it."""

Doubles: TypeAlias = npt.NDArray[np.float64]
Bools: TypeAlias = npt.NDArray[np.bool_]
Ints: TypeAlias = npt.NDArray[np.int64]


class Kind(msgspec.Struct):
    """Non-mated comparisons of one kind.

    Parameters
    ----------
    comparisons, identities
        How many there are, and how many identities they join.
    fmr
        Share that are matches at the threshold of the run.
    """

    comparisons: int
    identities: int
    fmr: Estimate


class Without(msgspec.Struct):
    """Hit rates with look-alikes taken out of the galleries.

    Parameters
    ----------
    rank
        Within which a mate is a hit.
    whole
        In whole galleries.
    without
        Without the non-mates that look like the probe.
    as_many
        Without as many others, drawn at random: what a smaller gallery does by itself.
    taken_out
        References that were taken out of a gallery, on average.
    """

    rank: int
    whole: Estimate
    without: Estimate
    as_many: Estimate
    taken_out: float


class SameDesign(msgspec.Struct):
    """Look-alikes by one column.

    Parameters
    ----------
    column
        One of `COLUMNS`.
    same, other
        Comparisons of images that the column gives one word, and different ones.
    unknown
        Comparisons of an image of which the column says nothing: they are in neither.
    without
        Hit rates; None where nothing is searched, or scores were not kept.
    """

    column: str
    same: Kind
    other: Kind
    unknown: int
    without: Without | None = None


def same_design(
    column: str,
    pairs: Pairs,
    threshold: Threshold,
    records: Mapping[str, Record],
    parts: Sequence[FoldSearches] = (),
    rank: int = 1,
) -> SameDesign | None:
    """Return look-alikes apart from others; None where a column tells no two non-mates apart.

    Parameters
    ----------
    column
        One of `COLUMNS`.
    pairs, threshold
        All comparisons, and the one threshold.
    records
        By name.
    parts
        Searches of folds or draws.
    rank
        Within which a mate is a hit.
    """
    same, other = kinds_of(column, pairs, records)
    if not same.any() or not other.any():
        return None
    found = SameDesign(
        column,
        _kind(pairs, threshold, same),
        _kind(pairs, threshold, other),
        int(len(same) - same.sum() - other.sum()),
    )
    if parts and not any(isinstance(part, StreamedSearches) for part in parts):
        found.without = _without(column, parts, records, rank)
    return found


def kinds_of(column: str, pairs: Pairs, records: Mapping[str, Record]) -> tuple[Bools, Bools]:
    """Return which non-mated comparisons are of look-alikes, and which of others.

    Returns
    -------
    tuple
        bool, shape (nonmated,) each; a comparison of an image that the column says nothing of is in
        neither.
    """
    labels = pairs.labels({name: getattr(record, column) for name, record in records.items()})
    probes, references = labels[pairs.nonmated.probes], labels[pairs.nonmated.references]
    known = (probes >= 0) & (references >= 0)
    same: Bools = known & (probes == references)
    return same, np.asarray(known & ~same)


def _kind(pairs: Pairs, threshold: Threshold, chosen: Bools) -> Kind:
    side = pairs.nonmated
    matched = side.scores[chosen] > threshold.bar
    probes, references = (pairs.identities[one[chosen]] for one in (side.probes, side.references))
    errors = int(np.count_nonzero(matched))
    estimate = Estimate(errors / len(matched), n=len(matched))
    joined = len(np.unique(np.concatenate([probes, references])))
    set_interval(estimate, false_match_interval(matched, probes, references), joined)
    if few_errors(errors):
        estimate.flags.append(f"{FEW_ERRORS} false matches")
    return Kind(len(matched), joined, estimate)


def _without(
    column: str, parts: Sequence[FoldSearches], records: Mapping[str, Record], rank: int
) -> Without | None:
    rows = [row for part in parts for row in _searches(column, part, records)]
    if not rows:
        return None
    ranks, ahead, mates, gallery, alike = np.array([row[:-1] for row in rows], np.int64).T
    clusters = np.unique(np.array([row[-1] for row in rows]), return_inverse=True)[1]
    found = ranks != MISS
    better = np.where(found, ranks - ahead, MISS)
    by_lot = np.full(len(ranks), np.nan)
    sizes = gallery - alike
    for size in np.unique(sizes):
        chosen = sizes == size
        one = ranks[chosen], mates[chosen], gallery[chosen]
        by_lot[chosen] = hit_shares(*one, int(size), rank)
    table = np.stack([ranks <= rank, better <= rank, by_lot], axis=1).astype(np.float64)
    identities = int(clusters.max()) + 1
    estimates = []
    for values, interval in zip(
        table.T, share_intervals(table, clusters.astype(np.int64)), strict=True
    ):
        estimate = Estimate(float(values.mean()), n=len(values))
        set_interval(estimate, interval, identities)
        estimates.append(estimate)
    whole, without, as_many = estimates
    return Without(rank, whole, without, as_many, float(alike.mean()))


def _searches(
    column: str, part: FoldSearches, records: Mapping[str, Record]
) -> Iterator[tuple[int, int, int, int, int, str]]:
    """Yield, of each search with a mate, its rank, look-alikes at least as high as its best mate,
    mates, references, look-alikes among these, and its identity.
    """
    names = dict.fromkeys((*part.fold.probes, *part.fold.gallery))
    word = {name: getattr(records[name], column) if name in records else None for name in names}
    references = np.array([word[name] or "" for name in part.fold.gallery], np.str_)
    scores, best = part.scores, part.best_mates()
    excluded: dict[int, list[int]] = {}
    for row, reference in part.excluded.tolist():
        excluded.setdefault(row, []).append(reference)
    for i, probe in enumerate(part.fold.probes):
        if not part.mates[i] or not word[probe]:
            continue
        alike = (references == word[probe]) & ~part.truth[i]
        alike[excluded.get(i, [])] = False
        ahead = int(np.count_nonzero(scores[i][alike] >= best[i])) if best[i] > -np.inf else 0
        yield (
            int(part.ranks[i]),
            ahead,
            int(part.mates[i]),
            int(part.gallery[i]),
            int(np.count_nonzero(alike)),
            str(part.probe_clusters[i]),
        )
