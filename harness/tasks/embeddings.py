"""Embeddings that somebody else made: every probe is searched among references with numbers.

There is no picture and no name but that of a probe, and there may be more references than names
could be kept of. Scores are summed up while they are computed, whatever their number; what cannot
be told of them says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from harness.data.records import Dataset, Fold, Record, number_of, numbered_name
from harness.errors import UsageError
from harness.metrics.ids import Metric
from harness.metrics.verification import error_curve
from harness.statistics.estimate import Estimate
from harness.statistics.margins import MarginRates
from harness.tasks import comparisons as comparing
from harness.tasks.answers import Answered, StreamedAnswer, thin_curve
from harness.tasks.clusters import identities_of
from harness.tasks.identification import Identification
from harness.tasks.open_set import Rotations
from harness.tasks.protocol import Protocol
from harness.tasks.results import Curves, Failure, FoldMetrics
from harness.tasks.searches import FoldSearches, PooledSearches, StreamedSearches
from harness.tasks.task import OperatingPoint
from harness.tasks.trials import Trials

OPEN_SET = ("fnir", "open-set-eer")


class Embeddings(Identification):
    """Where do the mates come, and what do searches without one return?"""

    metrics = ("hit-rate", "map", *comparing.METRICS, *OPEN_SET)
    needs = ()
    streams = False
    listed = False
    lists_mates = False
    names_images = False
    failure_policy = (
        "A probe whose vector holds NaN or infinity is a miss at every rank and a non-match at "
        "every threshold, and without a mate a false positive at every threshold, so that refusing "
        "never pays; such a reference stays in the gallery and never matches. A vector of zeros is "
        "like nothing: its score is 0."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Refuse: no algorithm makes them.

        Raises
        ------
        UsageError
            Always.
        """
        raise UsageError(
            "embeddings are brought, not computed: `harness match --probes P.npy --references "
            "R.npy --pairs M.csv`"
        )

    def parts(self, run: Answered) -> list[FoldSearches]:
        """Return the searches of every fold."""
        identities = identities_of(run.folds)
        return [
            _Numbered(fold, answer, identities)
            for fold, answer in run.by_fold
            if isinstance(answer, StreamedAnswer)
        ]

    def pairs(self, run: Answered) -> None:
        """Return None: nothing is known of an image but its number."""
        return

    def of_part(self, part: FoldSearches, protocol: Protocol) -> FoldMetrics:
        """Return what is counted, and every metric."""
        found = super().of_part(part, _without(protocol))
        rotation = Rotations([part])
        for metric in _open_set(protocol):
            found.values[str(metric)] = rotation.value(metric)
        return found

    def estimates(self, whole: PooledSearches, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        found = super().estimates(whole, _without(protocol))
        for metric in _open_set(protocol):
            found[str(metric)] = _whole(whole).open_set.estimate(metric)
        return {str(metric): found[str(metric)] for metric in protocol.metric_ids}

    def whole(self, parts: Sequence[FoldSearches], run: Answered) -> PooledSearches:
        """Return the searches of all folds."""
        return _Whole(parts)

    def curves(self, whole: PooledSearches, protocol: Protocol) -> Curves:
        """Return hit rates by rank, false matches against false non-matches, FPIR against FNIR."""
        curves = super().curves(whole, protocol)
        searches = _whole(whole).open_set.searches
        tops = searches.nonmated_tops
        if len(tops):
            points = thin_curve(error_curve(searches.found_within(1), tops))
            fpir = points.get("fmr", [])
            # A search at random returns its mate first in one of as many cases as references.
            chance = [1 - rate / int(whole.gallery[0]) for rate in fpir]
            curves.open_set = {"fpir": fpir, "fnir": points.get("fnmr", []), "chance": chance}
        return curves

    def operating_points(self, run: Answered) -> list[OperatingPoint]:
        """Return the ranks of hit rates, and the thresholds of FNIR."""
        rotations = Rotations(self.parts(run))
        return [
            *super().operating_points(run),
            *rotations.operating_points(run.protocol.metric_ids),
        ]

    def trials_in(self, whole: PooledSearches, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return whether each search hits, its precision, or scores of mates and top scores."""
        if metric.name in OPEN_SET:
            return _whole(whole).open_set.trials(metric)
        return super().trials_in(whole, metric, protocol)


class _Numbered(StreamedSearches):
    """Searches among references that have numbers."""

    def __init__(self, fold: Fold, answer: StreamedAnswer, clusters: Mapping[str, str]) -> None:
        self.fold, self.answer = fold, answer
        self.records: Mapping[str, Record] = {}
        self.failed_probes = answer.failed(fold.probes)
        self.failed = self.failed_probes
        self.failed_references = np.ones(
            sum(number_of(name, fold.numbered) is not None for name in answer.failures), dtype=bool
        )
        self.excluded = np.empty((0, 2), dtype=np.int64)
        self.gallery = np.full(len(fold.probes), fold.numbered)
        self.probe_clusters = np.array([clusters.get(name, name) for name in fold.probes])
        self.reference_clusters = np.array([], dtype=str)
        self.pairs = pairs_of(fold)
        self.mated_clusters = self.probe_clusters[self.pairs[:, 0]]
        self.mated_sources = np.zeros(len(self.pairs), dtype=bool)
        self.source_known = False
        self.same_photograph = np.zeros(len(fold.probes), dtype=bool)
        self._measure()

    def reference(self, number: int) -> str:
        return numbered_name(number)

    def _same_source(self, row: int, column: int) -> bool:
        return False

    def counts(self) -> dict[str, int]:
        unmated = int((self.mates == 0).sum())
        return {
            "searches": len(self.fold.probes),
            "references": self.fold.numbered,
            "mated_comparisons": len(self.pairs),
            "nonmated_comparisons": len(self.fold.probes) * self.fold.numbered - len(self.pairs),
            "failed_probes": int(self.failed_probes.sum()),
            "failed_references": len(self.failed_references),
            "mated_searches": len(self.fold.probes) - unmated,
            "nonmated_searches": unmated,
        }

    def failures(self) -> list[Failure]:
        probes = set(self.fold.probes)
        return [
            Failure(self.fold.name, name, "probe" if name in probes else "reference", reason)
            for name, reason in sorted(self.answer.failures.items())
        ]


class _Whole(PooledSearches):
    """All searches, and those without a mate among them."""

    def __init__(self, parts: Sequence[FoldSearches]) -> None:
        super().__init__(parts)
        self.open_set = Rotations(parts)

    def rates(self) -> MarginRates | None:
        """Return what intervals of error rates follow from; None where it was not counted."""
        part = self._only
        if not isinstance(part, _Numbered):
            return None
        # A reference without a mate is an identity of its own.
        references = len(self.clusters) + np.arange(part.fold.numbered)
        references[part.pairs[:, 1]] = self.clusters[part.pairs[:, 0]]
        return part.answer.matching.rates(self.mated_clusters, self.clusters, references)


def pairs_of(fold: Fold) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """Return the mated comparisons of numbered references: int64, shape (pairs, 2), sorted."""
    row = {name: i for i, name in enumerate(fold.probes)}
    pairs = sorted((row[p], number_of(r, fold.numbered) or 0) for p, r in fold.mates)
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _whole(whole: PooledSearches) -> _Whole:
    if not isinstance(whole, _Whole):
        raise TypeError("these are searches of another task")
    return whole


def _open_set(protocol: Protocol) -> list[Metric]:
    return [metric for metric in protocol.metric_ids if metric.name in OPEN_SET]


def _without(protocol: Protocol) -> Protocol:
    """Return a protocol that asks only what closed-set searches answer."""
    kept = [text for text in protocol.metrics if Metric.parse(text).name not in OPEN_SET]
    return protocol.model_copy(update={"metrics": tuple(kept)})


TASK = Embeddings()
