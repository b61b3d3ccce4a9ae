"""The searches of a fold, and of all folds together, as everything that is measured needs them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.metrics import identification as searching
from harness.metrics.open_set import Searches
from harness.statistics.bootstrap import choose_intervals
from harness.statistics.intervals import Interval, poisson_binomial_interval
from harness.statistics.margins import Block, MarginRates
from harness.tasks.answers import (
    BINS,
    CURVE_POINTS,
    Answer,
    StreamedAnswer,
    finite,
    summed,
    thin_curve,
)
from harness.tasks.comparisons import Measures, independent
from harness.tasks.counted import counted
from harness.tasks.pairs import NONE, Comparisons, Joined
from harness.tasks.results import Candidate, Failure, Judgement

CANDIDATES = 50
"""Length of the candidate lists written; the scores of all comparisons are kept as well."""


_BLOCK = 1 << 20


def mated_matrix(fold: Fold) -> npt.NDArray[np.bool_]:
    """Return which comparisons are mated: bool, shape (probes, references)."""
    truth = np.zeros((len(fold.probes), len(fold.gallery)), dtype=bool)
    rows, columns = mated_pairs(fold).T
    truth[rows, columns] = True
    return truth


def searches_of(
    answered: Iterable[tuple[Fold, Answer]],
    records: Mapping[str, Record],
    identities: Mapping[str, str],
) -> list[FoldSearches]:
    """Return the searches of every fold, or draw, of names that may have an identity."""
    return [
        (StreamedSearches if isinstance(answer, StreamedAnswer) else FoldSearches)(
            fold, answer, records, identities
        )
        for fold, answer in answered
    ]


def mated_pairs(fold: Fold) -> npt.NDArray[np.int64]:
    """Return the mated comparisons: int64, shape (pairs, 2), probe and reference, sorted."""
    column = {name: j for j, name in enumerate(fold.gallery)}
    row = {name: i for i, name in enumerate(fold.probes)}
    pairs = sorted((row[probe], column[reference]) for probe, reference in fold.mates)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _excluded(fold: Fold) -> npt.NDArray[np.int64]:
    """Return the comparisons that do not take place: int64, shape (pairs, 2)."""
    column = {name: j for j, name in enumerate(fold.gallery)}
    row = {name: i for i, name in enumerate(fold.probes)}
    pairs = sorted((row[probe], column[reference]) for probe, reference in fold.excluded)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


class FoldSearches(Measures):
    """One fold's scores with their truth, failures folded in as minus infinity.

    Parameters
    ----------
    fold
        Its lists and mates.
    answer
        Raw scores, shape (probes, references), and failures.
    records
        For the sources of the images.
    clusters
        Identity of every name that has a mate in any fold; other names are their own.

    Attributes
    ----------
    scores, truth
        Shape (probes, references).
    ranks, precision, mates, gallery, probe_clusters
        Of every search, shape (probes,).
    mated, mated_clusters, mated_sources
        Score, identity and whether both show one photograph, of every mated comparison.
    nonmated, nonmated_probe_clusters, nonmated_reference_clusters
        Of every non-mated comparison that took place, picked out of the matrix when asked for.
    took_place
        Which comparisons these are: bool, shape (probes, references).
    failed
        Of every image, whether the algorithm gave up on it.
    same_photograph
        Of every search, whether a mate shows the probe's own photograph.
    source_known
        Whether the data say of any probe which photograph it shows.
    """

    def __init__(
        self,
        fold: Fold,
        answer: Answer,
        records: Mapping[str, Record],
        clusters: Mapping[str, str],
    ) -> None:
        self.fold, self.answer, self.records = fold, answer, records
        self._together = {members[0]: members for members in fold.consolidated}
        self.failed_probes = answer.failed(fold.probes)
        self.failed_references = answer.failed(fold.gallery)
        # One entry for each image of the fold, for the failure-to-enrol rate.
        self.failed = answer.failed(dict.fromkeys((*fold.probes, *fold.gallery)))
        self.excluded = _excluded(fold)
        self.gallery = len(fold.gallery) - np.bincount(
            self.excluded[:, 0], minlength=len(fold.probes)
        )
        self.probe_clusters = np.array([clusters.get(name, name) for name in fold.probes])
        self.reference_clusters = np.array([clusters.get(name, name) for name in fold.gallery])
        self.pairs = mated_pairs(fold)
        self.mated_clusters = self.probe_clusters[self.pairs[:, 0]]
        self.mated_sources = np.array(
            [self._same_source(i, j) for i, j in self.pairs.tolist()], dtype=bool
        )
        self.source_known = any(records[name].source for name in fold.probes)
        self.same_photograph = np.zeros(len(fold.probes), dtype=bool)
        self.same_photograph[self.pairs[:, 0][self.mated_sources]] = True
        self._measure()

    def _measure(self) -> None:
        where = counted(self.fold)
        usable = ~(self.failed_probes[:, None] | self.failed_references[None, :]) & where.compared
        scores: npt.NDArray[Any] = self.answer.scores
        self._usable = None if usable.all() else usable
        scores = self.scores
        self.truth = where.mated
        self.ranks = searching.mate_ranks(scores, self.truth)
        self.precision = searching.average_precision(scores, self.truth)
        self.mates = self.truth.sum(axis=1)
        self.mated = scores[self.pairs[:, 0], self.pairs[:, 1]]
        # A failed comparison can never be a false match, and is not counted as a chance to be one.
        self.took_place = where.nonmated & usable
        self.nonmated_count = int(np.count_nonzero(self.took_place))

    @property
    def scores(self) -> npt.NDArray[Any]:
        """Scores, failures as minus infinity: shape (probes, references).

        Made when asked for, where they are not those of the answer.
        """
        scores: npt.NDArray[Any] = self.answer.scores
        return scores if self._usable is None else np.where(self._usable, scores, -np.inf)

    @property
    def nonmated(self) -> npt.NDArray[np.float64]:
        """Scores of the non-mated comparisons that took place: shape (comparisons,)."""
        return self.scores[self.took_place]

    @property
    def nonmated_probe_clusters(self) -> npt.NDArray[Any]:
        """Labels of the identities of their probes: shape (comparisons,)."""
        return np.repeat(self.probe_clusters, np.count_nonzero(self.took_place, axis=1))

    @property
    def nonmated_reference_clusters(self) -> npt.NDArray[Any]:
        """Labels of the identities of their references: shape (comparisons,)."""
        return self.reference_clusters[np.nonzero(self.took_place)[1]]

    def blocks(
        self, probes: npt.NDArray[np.integer], references: npt.NDArray[np.integer]
    ) -> Iterator[Block]:
        """Hand out the non-mated comparisons that took place, some rows at a time.

        Parameters
        ----------
        probes, references
            Numbers of the identities of each, integers, shapes (probes,) and (references,).
        """
        step, scores = max(1, _BLOCK // max(1, len(references))), self.scores
        for start in range(0, len(probes), step):
            rows = slice(start, start + step)
            there = self.took_place[rows]
            each = np.count_nonzero(there, axis=1)
            whose = np.broadcast_to(references, there.shape)[there]
            yield Block(scores[rows][there], np.repeat(probes[rows], each), whose)

    def score_blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Hand out the scores of the non-mated comparisons that took place: (comparisons,) each."""
        step, scores = max(1, _BLOCK // max(1, len(self.fold.gallery))), self.scores
        for start in range(0, len(self.fold.probes), step):
            rows = slice(start, start + step)
            yield scores[rows][self.took_place[rows]]

    @property
    def met(self) -> npt.NDArray[np.bool_]:
        """Which mates were compared, shape (pairs,): some that no draw brings together were not."""
        found: npt.NDArray[np.bool_] = self.truth[self.pairs[:, 0], self.pairs[:, 1]]
        return found

    def joined(self) -> Joined:
        """Return the comparisons with the images that each joins."""
        there, shape = self.took_place, self.scores.shape
        # Places of 32 bits, without those of 64 in between: of 15 million comparisons they count.
        rows, columns = (
            np.broadcast_to(side, shape)[there]
            for side in (
                np.arange(shape[0], dtype=np.int32)[:, None],
                np.arange(shape[1], dtype=np.int32),
            )
        )
        return Joined(
            self.fold.probes,
            self.fold.gallery,
            Comparisons(self.mated[self.met], *self.pairs[self.met].T),
            Comparisons(self.scores[there], rows, columns),
        )

    def _same_source(self, row: int, column: int) -> bool:
        probe = self.records[self.fold.probes[row]].source
        name = self.fold.gallery[column]
        return probe is not None and any(
            probe == self.records[one].source for one in self._together.get(name, (name,))
        )

    def counts(self) -> dict[str, int]:
        """Return what is counted in a fold."""
        unmated = {"probes_without_a_mate": len(self.fold.unmated)} if self.fold.unmated else {}
        pictures = {"pictures_of_references": len(self.fold.pictures_of_references)}
        return {
            "searches": len(self.fold.probes),
            **unmated,
            "references": len(self.fold.gallery),
            **(pictures if self.fold.consolidated else {}),
            "training_images": len(self.fold.train),
            "mated_comparisons": len(self.pairs),
            "same_source_mated": int(self.mated_sources.sum()),
            "nonmated_comparisons": int(self.gallery.sum()) - len(self.pairs),
            "failed_probes": int(self.failed_probes.sum()),
            "failed_references": int(self.failed_references.sum()),
        }

    def searches(self) -> list[Judgement]:
        """Return every search with the head of its candidate list."""
        names, scores = self.fold.gallery, self.scores
        by_name = np.array(sorted(range(len(names)), key=names.__getitem__), dtype=np.int64)
        found = []
        there = np.ones(scores.shape, dtype=bool)
        there[self.excluded[:, 0], self.excluded[:, 1]] = False
        for i, probe in enumerate(self.fold.probes):
            # Ties are listed by name, so that the list does not depend on the gallery's order.
            listed = by_name[there[i][by_name]]
            order = listed[_highest(scores[i][listed], CANDIDATES)]
            mate_scores = scores[i][self.truth[i]]
            others = scores[i][~self.truth[i]]
            mates = np.flatnonzero(self.truth[i])
            best = mates[np.argmax(scores[i][mates])] if len(mates) else None
            rank = int(self.ranks[i])
            found.append(
                Judgement(
                    fold=self.fold.name,
                    probe=probe,
                    identity=str(self.probe_clusters[i]),
                    rank=rank if 0 < rank < searching.MISS else None,
                    mates=len(mates),
                    gallery=int(self.gallery[i]),
                    average_precision=finite(self.precision[i]),
                    score=finite(mate_scores.max(initial=-np.inf)),
                    best_nonmate=finite(others.max(initial=-np.inf)),
                    failed=bool(self.failed_probes[i]),
                    same_source=best is not None and self._same_source(i, int(best)),
                    candidates=[
                        Candidate(names[j], finite(scores[i, j]), bool(self.truth[i, j]))
                        for j in order.tolist()
                    ],
                )
            )
        return found

    def searched(self) -> npt.NDArray[np.bool_]:
        """Return which probes a non-mated comparison took place of: bool, shape (probes,)."""
        return np.asarray(self.took_place.any(axis=1))

    def sums(self) -> Searches:
        """Return what open-set metrics need to know of each search."""
        return Searches.of(self.scores, self.truth)

    def best_mates(self) -> npt.NDArray[np.float64]:
        """Return the score of each best mate, minus infinity without one: shape (searches,)."""
        best = np.full(len(self.ranks), -np.inf)
        np.maximum.at(best, self.pairs[:, 0], self.mated)
        return best

    def returned(self, threshold: float) -> npt.NDArray[np.int64] | None:
        """Return how many references score at or above a threshold: int64, shape (searches,).

        A search that failed returns all, as in the question `open-set`, so that refusing a probe
        never pays. None where that is not known of a search without a mate, or of any whose list
        ends above the threshold.
        """
        # As a plain number it would be rounded to the precision of the scores.
        scores, bar = self.scores, np.float64(threshold)
        above = np.count_nonzero(scores >= bar, axis=1)
        beyond = np.isneginf(self.answer.scores).any(axis=1)  # of a list of candidates
        found = np.isfinite(scores)
        ends = np.where(found, scores, np.inf).min(axis=1, initial=np.inf)
        if (beyond & found.any(axis=1) & (ends >= bar)).any():
            return None
        refused = (scores == -np.inf).all(axis=1) & ~beyond
        return np.where(refused, self.gallery, above).astype(np.int64)

    def failures(self) -> list[Failure]:
        """List failures once per fold, a name that is probe and reference as a probe."""
        roles = dict.fromkeys(self.fold.gallery, "reference") | dict.fromkeys(
            self.fold.probes, "probe"
        )
        return [
            Failure(self.fold.name, name, roles[name], reason)
            for name, reason in sorted(self.answer.failures.items())
            if name in roles
        ]


class StreamedSearches(FoldSearches):
    """One fold whose scores were summed up while they were computed, and not kept."""

    answer: StreamedAnswer

    def _measure(self) -> None:
        found = self.answer.matching
        self.ranks, self.precision, self.mates = found.ranks, found.precision, found.mates
        self.mated = found.mated_scores.astype(np.float64)
        self.nonmated_count = found.nonmated_count

    @property
    def nonmated(self) -> npt.NDArray[np.float64]:
        """No scores, since none are kept."""
        return np.empty(0)

    def searched(self) -> npt.NDArray[np.bool_]:
        """Return which probes a non-mated comparison took place of: bool, shape (probes,)."""
        return self.answer.matching.best_nonmate > -np.inf

    def sums(self) -> Searches:
        """Return what open-set metrics need to know of each search."""
        found = self.answer.matching
        return Searches(found.ranks, found.best_mate, found.best_nonmate)

    def joined(self) -> Joined:
        """Return the mated comparisons: scores of others are not kept."""
        mated = Comparisons(self.mated, *self.pairs.T)
        return Joined(self.fold.probes, self.fold.gallery, mated, NONE)

    def reference(self, number: int) -> str:
        """Return the name of a reference."""
        return self.fold.gallery[number]

    def searches(self) -> list[Judgement]:
        """Return every search with the head of its candidate list."""
        found, known = self.answer.matching, set(map(tuple, self.pairs.tolist()))
        return [
            Judgement(
                fold=self.fold.name,
                probe=probe,
                identity=str(self.probe_clusters[i]),
                rank=int(found.ranks[i]) if 0 < found.ranks[i] < searching.MISS else None,
                mates=int(found.mates[i]),
                gallery=int(self.gallery[i]),
                average_precision=finite(found.precision[i]),
                score=finite(found.best_mate[i]),
                best_nonmate=finite(found.best_nonmate[i]),
                failed=bool(self.failed_probes[i]),
                same_source=bool(found.mates[i] > 0)
                and self._same_source(i, int(found.best_mate_reference[i])),
                candidates=[
                    Candidate(self.reference(j), finite(score), (i, j) in known)
                    for score, j in zip(
                        found.candidate_scores[i].tolist(),
                        found.candidate_references[i].tolist(),
                        strict=True,
                    )
                    if j >= 0
                ],
            )
            for i, probe in enumerate(self.fold.probes)
        ]

    def best_mates(self) -> npt.NDArray[np.float64]:
        """Return the score of each best mate, minus infinity without one: shape (searches,)."""
        return self.answer.matching.best_mate.astype(np.float64)

    def returned(self, threshold: float) -> npt.NDArray[np.int64] | None:
        """Return how many references score at or above a threshold, from the candidate lists."""
        found = self.answer.matching
        listed = found.candidate_references >= 0
        above = np.count_nonzero(listed & (found.candidate_scores >= np.float64(threshold)), axis=1)
        refused = (found.best_mate == -np.inf) & (found.best_nonmate == -np.inf)
        cut_off = (above == listed.shape[1]) & (above < self.gallery) & (found.mates == 0)
        if (cut_off & ~refused).any():
            return None
        return np.where(refused, self.gallery, above).astype(np.int64)

    def eer(self) -> float:
        """Return the equal error rate, exact."""
        found = self.answer.matching.eer
        return math.nan if found is None else found

    def fnmr_at_fmr(self, fmr: float) -> float:
        """Return the lowest FNMR at an FMR, exact."""
        return self.answer.matching.fnmr_at_fmr(fmr)

    def eer_convex_hull(self) -> float:
        """Return NaN: it needs every score."""
        return math.nan

    def auc(self) -> float:
        """Return NaN: it needs every score."""
        return math.nan

    def d_prime(self) -> float:
        """Return NaN: it needs every score."""
        return math.nan

    def det(self) -> dict[str, list[float]]:
        """Return exact points of the DET, for drawing."""
        return thin_curve(self.answer.matching.error_curve(CURVE_POINTS))

    def distribution(self) -> dict[str, list[float]]:
        """Return the shares of the scores in bins, for drawing."""
        found = self.answer.matching
        return {} if found.histogram is None else found.histogram.shares(found.mated_scores, BINS)


def _highest(scores: npt.NDArray[np.floating[Any]], most: int) -> npt.NDArray[np.int64]:
    """Return the places of the highest scores, falling, equal ones in their order."""
    places = np.arange(len(scores))
    if len(scores) > most:
        bar = np.partition(scores, len(scores) - most)[len(scores) - most]
        places = np.flatnonzero(scores >= bar)
    return places[np.argsort(-scores[places], kind="stable")][:most]


def gallery_sizes(gallery: npt.NDArray[np.integer]) -> dict[str, int]:
    """Return the fewest and most references that probes with a mate are searched among.

    Parameters
    ----------
    gallery
        Whole numbers, shape (probes with a mate,): how many references each is searched among.

    Returns
    -------
    dict
        Empty without such probes.

    Examples
    --------
    >>> gallery_sizes(np.array([54, 55, 54]))
    {'smallest_gallery': 54, 'largest_gallery': 55}
    """
    if not len(gallery):
        return {}
    return {"smallest_gallery": int(gallery.min()), "largest_gallery": int(gallery.max())}


class PooledSearches(Measures):
    """The folds together: searches pooled, comparisons pooled.

    Metrics that need all scores exist for a single streamed fold; of several, fold by fold only.
    """

    shared: ClassVar[bool] = False
    """Whether searches of several draws share comparisons."""

    def __init__(self, parts: Sequence[FoldSearches]) -> None:
        def join(name: str) -> npt.NDArray[Any]:
            return np.concatenate([getattr(part, name) for part in parts])

        self._sums = summed(part.counts() for part in parts)
        self.streamed = any(isinstance(part, StreamedSearches) for part in parts)
        self._only = parts[0] if len(parts) == 1 else None
        self.ranks, self.precision = join("ranks"), join("precision")
        self.mates, self.gallery = join("mates"), join("gallery")
        self.same_photograph = join("same_photograph")
        self.source_known = any(part.source_known for part in parts)
        self.mated: npt.NDArray[Any] = join("mated")
        self.nonmated_count = sum(part.nonmated_count for part in parts)
        self.failed = join("failed")
        sides = [(part.probe_clusters, part.reference_clusters) for part in parts]
        known = np.unique(np.concatenate([labels for side in sides for labels in side]))
        self.identities = len(known)
        self._parts = parts
        self._numbers = [
            (np.searchsorted(known, probes), np.searchsorted(known, references))
            for probes, references in sides
        ]
        self.clusters = np.concatenate([probes for probes, _ in self._numbers])
        self.mated_clusters = np.searchsorted(known, join("mated_clusters")).astype(np.int64)
        self._hits: dict[int, Interval] = {}

    @property
    def nonmated(self) -> npt.NDArray[Any]:
        """Scores of the non-mated comparisons, shape (comparisons,); none where none are kept."""
        found = np.empty(self.nonmated_count * (not self.streamed))
        start = 0
        for block in () if self.streamed else self.score_blocks():
            found[start : start + len(block)] = block
            start += len(block)
        return found

    def score_blocks(self) -> Iterator[npt.NDArray[Any]]:
        """Hand out the scores of the non-mated comparisons of all parts: (comparisons,) each."""
        for part in self._parts:
            yield from part.score_blocks()

    def blocks(self) -> Iterator[Block]:
        """Hand out the non-mated comparisons of all parts, with numbers of identities."""
        for part, numbers in zip(self._parts, self._numbers, strict=True):
            probes, references = (one.astype(np.int32) for one in numbers)
            yield from part.blocks(probes, references)

    @property
    def nonmated_probe_clusters(self) -> npt.NDArray[np.integer]:
        """Number of the identity of each non-mated comparison's probe: shape (comparisons,)."""
        return self._of_nonmated(1)

    @property
    def nonmated_reference_clusters(self) -> npt.NDArray[np.integer]:
        """Number of the identity of each one's reference: shape (comparisons,)."""
        return self._of_nonmated(2)

    def _of_nonmated(self, which: int) -> npt.NDArray[np.integer]:
        smallest = np.min_scalar_type(max(0, self.identities - 1))
        found = np.empty(self.nonmated_count, smallest)
        start = 0
        for block in self.blocks():
            end = start + len(block.scores)
            found[start:end] = block[which]
            start = end
        return found

    def rates(self) -> MarginRates | None:
        """Return what intervals follow from where the scores of one fold were not kept."""
        if not isinstance(self._only, StreamedSearches):
            return None
        return self._only.answer.matching.rates(self.mated_clusters, *self._numbers[0])

    @cached_property
    def independent(self) -> int:
        """Identities behind an error rate: see `harness.tasks.comparisons.independent`."""
        compared = [
            numbers[part.searched()]
            for part, (numbers, _) in zip(self._parts, self._numbers, strict=True)
        ]
        return independent(self.mated_clusters, np.concatenate(compared))

    def hit_intervals(self, ranks: Sequence[int]) -> dict[int, Interval]:
        """Return the intervals of hit rates, by rank; those of all ranks from the same draws."""
        wanted = [rank for rank in dict.fromkeys(ranks) if rank not in self._hits]
        if wanted:
            searched = self.mates > 0
            hits = self.ranks[searched][:, np.newaxis] <= np.array(wanted)
            found = choose_intervals(hits.astype(np.float64), self.clusters[searched])
            self._hits |= dict(zip(wanted, found, strict=True))
        return {rank: self._hits[rank] for rank in ranks}

    def counts(self) -> dict[str, int]:
        """Return the sums over all parts, and how large galleries are."""
        identities = len(set(self.clusters.tolist()))
        sizes = gallery_sizes(self.gallery[self.mates > 0])
        return {"identities": identities, **self._sums, **sizes}

    def band(self, rank: int, chances: npt.NDArray[np.float64]) -> tuple[float, float]:
        """Return where 95 of 100 random hit rates at a rank lie.

        Parameters
        ----------
        chances
            float64, shape (searches,): that of each search to hit.
        """
        return poisson_binomial_interval(chances)

    def measured(self, name: str, *options: float) -> float:
        """Return a measure of all scores, or NaN where they were not kept together."""
        if not self.streamed:
            return float(getattr(super(), name)(*options))
        return float(getattr(self._only, name)(*options)) if self._only is not None else math.nan

    def eer(self) -> float:
        """Return the equal error rate."""
        return self.measured("eer")

    def eer_convex_hull(self) -> float:
        """Return the equal error rate of the convex hull."""
        return self.measured("eer_convex_hull")

    def fnmr_at_fmr(self, fmr: float) -> float:
        """Return the lowest FNMR at an FMR."""
        return self.measured("fnmr_at_fmr", fmr)

    def auc(self) -> float:
        """Return the area under the ROC."""
        return self.measured("auc")

    def d_prime(self) -> float:
        """Return the distance of the two distributions."""
        return self.measured("d_prime")

    def det(self) -> dict[str, list[float]]:
        """Return the DET for drawing; empty for several streamed folds."""
        if not self.streamed:
            return super().det()
        return self._only.det() if self._only is not None else {}

    def distribution(self) -> dict[str, list[float]]:
        """Return the shares of the scores in bins; empty for several streamed folds."""
        if not self.streamed:
            return super().distribution()
        return self._only.distribution() if self._only is not None else {}
