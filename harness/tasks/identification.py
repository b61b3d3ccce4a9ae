"""Identification: every probe searches a gallery, and is judged by where its mates come.

Serves all closed-set 1:N protocols: identification, region of interest, mixed media, similarity.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt

from harness.api import Matcher
from harness.data.records import Dataset, Fold, Record
from harness.errors import DataError
from harness.metrics import identification as searching
from harness.metrics.ids import Metric
from harness.statistics.bootstrap import (
    choose_interval,
    cluster_bootstrap,
    cluster_bootstrap_mean,
)
from harness.statistics.error_rates import by_counts, drawn_by_margins, intervals_by_margins
from harness.statistics.estimate import Estimate
from harness.statistics.intervals import Interval
from harness.tasks import comparisons as comparing
from harness.tasks.answers import Answer, Answered, ListsOfDraws, StreamedAnswer, finite
from harness.tasks.clusters import cluster_of, components, identities_of
from harness.tasks.comparisons import estimate_of, measures_of, score_intervals
from harness.tasks.folds import check_named, deal
from harness.tasks.intervals import set_interval
from harness.tasks.pairs import Pairs, joined_pairs
from harness.tasks.protocol import FoldRules, Need, Protocol
from harness.tasks.results import (
    OTHER_PHOTOGRAPH,
    SAME_PHOTOGRAPH,
    Curves,
    Failure,
    FoldMetrics,
    Judgement,
)
from harness.tasks.searches import FoldSearches, PooledSearches, mated_matrix, searches_of
from harness.tasks.task import OperatingPoint, Part, Task, Whole
from harness.tasks.trials import MEASURES, Scores, Trials, Values

if TYPE_CHECKING:
    from harness.statistics.likelihood.crossfit import FoldScores


class Comparing(Task[Part, Whole]):
    """Pairs of images are compared: an answer has shape (probes, references)."""

    ability = Matcher
    needs: ClassVar[tuple[Need, ...]] = ("two-pictures",)
    truth_shown = "elements"
    compares = True

    def training_truth(
        self, fold: Fold, records: Mapping[str, Record], protocol: Protocol
    ) -> dict[str, Any]:
        """Return identity numbers, and where they are known mates and roles.

        Roles are said only where some training images are probes and some are references.
        """
        if fold.train_mates:
            group = components(sorted(fold.train_mates))
            keys = [group.get(name, name) for name in fold.train]
        else:
            keys = [cluster_of(records[name], (protocol.data.mated_by,)) for name in fold.train]
        number = {key: i for i, key in enumerate(dict.fromkeys(keys))}
        place = {name: i for i, name in enumerate(fold.train)}
        truth: dict[str, Any] = {"identities": [number[key] for key in keys]}
        if fold.train_mates:
            truth["mated"] = sorted([place[a], place[b]] for a, b in fold.train_mates)
        if fold.train_probes and fold.train_references:
            truth["probes"] = [name in fold.train_probes for name in fold.train]
            truth["references"] = [name in fold.train_references for name in fold.train]
        return truth

    def truth_matrix(
        self, fold: Fold, records: Mapping[str, Record], vocabulary: Sequence[str] = ()
    ) -> npt.NDArray[np.bool_]:
        """Return which comparisons are mated: bool, shape (probes, references)."""
        return mated_matrix(fold)


class Searching(Comparing[FoldSearches, Whole]):
    """Probes are searched in galleries."""

    def operating_points(self, run: Answered) -> list[OperatingPoint]:
        """Return the ranks of the protocol's hit rates, without any threshold."""
        ids = run.protocol.metric_ids
        ranks = sorted({int(metric["rank"]) for metric in ids if metric.name == "hit-rate"})
        return [OperatingPoint(rank) for rank in ranks or [1]]

    def searches(self, part: FoldSearches, protocol: Protocol) -> list[Judgement]:
        """Return every search with the head of its candidate list."""
        return part.searches()

    def comparisons(
        self, folds: Sequence[Fold], answers: Sequence[Answer], records: Mapping[str, Record]
    ) -> list[FoldScores]:
        """Return the scores of each fold's comparisons with their identities.

        Raises
        ------
        ValueError
            If scores were summed up while they were computed, and not kept.
        """
        from harness.statistics.likelihood.crossfit import FoldScores

        if any(isinstance(answer, StreamedAnswer) for answer in answers):
            raise ValueError("the scores of so many comparisons are summed up, not kept")
        if any(isinstance(answer, ListsOfDraws) for answer in answers):
            raise ValueError("each draw has lists of its own, and no comparison one score")
        return [
            FoldScores(
                part.fold.name,
                part.mated[part.met],
                part.mated_clusters[part.met],
                part.nonmated,
                part.nonmated_probe_clusters,
                part.nonmated_reference_clusters,
            )
            for part in searches_of(
                zip(folds, answers, strict=True), records, self.identities(folds, records)
            )
        ]

    def identities(self, folds: Sequence[Fold], records: Mapping[str, Record]) -> dict[str, str]:
        """Return whose every name is that has a mate; other names are their own."""
        return identities_of(folds)

    def pairs(self, run: Answered) -> Pairs | None:
        """Return all comparisons, of the non-mated ones those whose scores were kept.

        None where each draw has lists of its own: then no comparison has one score.
        """
        if any(isinstance(answer, ListsOfDraws) for answer in run.answers):
            return None
        whose = self.identities(run.folds, run.records)
        parts = searches_of(run.by_fold, run.records, whose)
        kept = not any(isinstance(answer, StreamedAnswer) for answer in run.answers)
        return joined_pairs((part.joined() for part in parts), run, kept=kept)


class Identification(Searching[PooledSearches]):
    """Where do the mates come?"""

    closed = True
    listed = True
    metrics: ClassVar[tuple[str, ...]] = (
        *("hit-rate", "median-rank", "map"),
        *comparing.METRICS,
        "fte",
    )
    streams = True
    lists_mates = True
    failure_policy = (
        "A probe without a template is a miss at every rank and a non-match at every threshold; a "
        "reference without a template stays in the gallery and never matches."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return the data set's own lists, or folds that share no identity, by the rules.

        Raises
        ------
        DataError
            If the records do not say what makes them mated.
        """
        if dataset.folds:
            return [_restricted(fold, dataset.records, protocol) for fold in dataset.folds]
        key = protocol.data.mated_by
        check_named(dataset, key)
        background = tuple(
            record.name for record in dataset.records.values() if record.role == "background"
        )
        folds = []
        dealt = deal(
            dataset,
            protocol.folds,
            lambda record: cluster_of(record, (key,)),
            lambda records, rng: _roles(records, protocol.folds, rng),
        )
        judged_probes = {record.name for fold in dealt for record in fold[2]}
        judged_references = {record.name for fold in dealt for record in fold[3]}
        for name, train, probes, references in dealt:
            by_identity: dict[str, list[str]] = {}
            for reference in references:
                by_identity.setdefault(cluster_of(reference, (key,)), []).append(reference.name)
            mates = frozenset(
                (probe.name, mate)
                for probe in probes
                for mate in by_identity.get(cluster_of(probe, (key,)), [])
            )
            mated = {probe for probe, _ in mates}
            fold = Fold(
                name=name,
                train=tuple(record.name for record in train),
                # A probe without a mate asks an open-set question, which this task does not judge.
                probes=tuple(probe.name for probe in probes if probe.name in mated),
                unmated=tuple(probe.name for probe in probes if probe.name not in mated),
                gallery=tuple(reference.name for reference in references)
                + (background if protocol.data.background else ()),
                mates=mates,
                train_probes=frozenset(r.name for r in train if r.name in judged_probes),
                train_references=frozenset(r.name for r in train if r.name in judged_references),
            )
            folds.append(_restricted(fold, dataset.records, protocol))
        if not any(fold.probes for fold in folds):
            raise DataError(
                f"{dataset.name}: no {key} has both a probe and a reference"
                + (
                    " of another photograph (the column 'source' says which show one)"
                    if protocol.data.same_source == "left-out"
                    else ""
                )
                + ": probes are "
                + _what_probes_are(protocol.folds)
            )
        return folds

    def parts(self, run: Answered) -> list[FoldSearches]:
        """Return the searches of every fold."""
        return searches_of(run.by_fold, run.records, self.identities(run.folds, run.records))

    def whole(self, parts: Sequence[FoldSearches], run: Answered) -> PooledSearches:
        """Return the searches of all folds."""
        return PooledSearches(parts)

    def of_part(self, part: FoldSearches, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a fold, and every metric in it."""
        values = {str(metric): _value(metric, part) for metric in protocol.metric_ids}
        return FoldMetrics(part.fold.name, part.counts(), values)

    def estimates(self, whole: PooledSearches, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        ids = protocol.metric_ids
        asked = [int(metric["rank"]) for metric in ids if metric.name == "hit-rate"]
        whole.hit_intervals([*asked, *_drawn_ranks(whole, protocol.ranks)])
        intervals = _score_intervals(ids, whole)
        return {str(metric): _estimate(metric, whole, intervals) for metric in ids}

    def counts(
        self, whole: PooledSearches, per_fold: Sequence[FoldMetrics], folds: Sequence[Fold]
    ) -> dict[str, int]:
        """Return the sums over all folds: what is learned from counts in each of them."""
        return {"folds": len(folds), **whole.counts()}

    def curves(self, whole: PooledSearches, protocol: Protocol) -> Curves:
        """Return hit rates by rank, false matches against false non-matches, and all scores."""
        return _curves(whole, protocol.ranks)

    def failures(self, parts: Sequence[FoldSearches], run: Answered) -> list[Failure]:
        """Return probes and references without a template."""
        return [failure for part in parts for failure in part.failures()]

    def subsets(self, whole: PooledSearches, protocol: Protocol) -> dict[str, dict[str, Estimate]]:
        """Return the rates apart for searches with and without a mate of the same photograph."""
        return _by_source(protocol.metric_ids, whole)

    def trials_in(self, whole: PooledSearches, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return whether each search hits, its precision, or the scores of all comparisons."""
        if metric.name == "hit-rate":
            hits = (whole.ranks <= int(metric["rank"])).astype(np.float64)
            return Values(np.where(whole.mates > 0, hits, np.nan), whole.clusters)
        if metric.name == "map":
            return Values(whole.precision, whole.clusters)
        if whole.streamed or metric.name not in MEASURES:
            return None
        return Scores(
            whole.mated,
            whole.mated_clusters,
            whole.nonmated,
            whole.nonmated_probe_clusters,
            whole.nonmated_reference_clusters,
            metric.name,
            float(dict(metric.options).get("fmr", "nan")),
        )


def _value(metric: Metric, part: FoldSearches | PooledSearches) -> float | None:
    options = dict(metric.options)
    if metric.name == "hit-rate":
        return finite(searching.hit_rate(part.ranks, int(options["rank"])))
    if metric.name == "median-rank":
        return finite(searching.median_rank(_places(part)))
    if metric.name == "map":
        known = part.precision[~np.isnan(part.precision)]
        return finite(known.mean()) if len(known) else None
    if metric.name == "fte":
        return finite(part.failed.mean()) if len(part.failed) else None
    return part.value(metric)


def _estimate(metric: Metric, pool: PooledSearches, intervals: Mapping[str, Interval]) -> Estimate:
    options = dict(metric.options)
    estimate = Estimate(_value(metric, pool))
    searched = pool.mates > 0
    if metric.name == "hit-rate":
        rank = int(options["rank"])
        hits = (pool.ranks[searched] <= rank).astype(np.float64)
        estimate.n = len(hits)
        interval = pool.hit_intervals([rank])[rank]
        set_interval(estimate, interval, len(np.unique(pool.clusters[searched])))
        chance = searching.chance_hit(pool.mates[searched], pool.gallery[searched], rank)
        if len(chance):
            estimate.chance = float(chance.mean())
            estimate.chance_low, estimate.chance_high = pool.band(rank, chance)
        if rank >= pool.gallery.max(initial=0):
            estimate.flags.append("the rank reaches the end of the gallery: every search hits")
    elif metric.name == "median-rank":
        estimate.n = int(searched.sum())
        _set_median(estimate, pool)
    elif metric.name == "map":
        estimate.n = int(searched.sum())
        interval = cluster_bootstrap_mean(pool.precision[searched], pool.clusters[searched])
        set_interval(estimate, interval, len(np.unique(pool.clusters[searched])))
        if estimate.n:
            chance = searching.chance_average_precision(
                pool.mates[searched], pool.gallery[searched]
            )
            estimate.chance = float(chance.mean())
    elif metric.name == "fte":
        estimate.n = len(pool.failed)
        images = np.arange(estimate.n)
        interval = choose_interval(pool.failed.astype(np.float64), images)
        set_interval(estimate, interval, estimate.n)
    else:
        comparisons = len(pool.mated), pool.nonmated_count
        estimate = estimate_of(metric, estimate.value, *comparisons, shared=pool.shared)
        if pool.streamed and estimate.value is None:
            missing = "needs every score, and those of so many comparisons are not kept"
            estimate.flags.insert(0, missing)
        elif pool.streamed and str(metric) not in intervals:
            missing = "no interval: scores of so many comparisons are summed up, not kept"
            estimate.flags.insert(0, missing)
        if str(metric) in intervals:
            share = metric.name != "d-prime"
            set_interval(estimate, intervals[str(metric)], pool.independent, share=share)
    return estimate


def _places(part: FoldSearches | PooledSearches) -> npt.NDArray[np.int64]:
    """Return the ranks, of searches that failed one place behind their gallery: (searches,)."""
    return np.where(part.ranks == searching.MISS, part.gallery + 1, part.ranks)


def _set_median(estimate: Estimate, pool: PooledSearches) -> None:
    """Give a median rank its interval, and the median of random rankings."""
    searched = pool.mates > 0
    ranks, whose = (
        _places(pool)[searched],
        np.unique(pool.clusters[searched], return_inverse=True)[1],
    )
    order = np.argsort(ranks, kind="stable")

    def median(drawn: npt.NDArray[np.int64]) -> list[float]:
        counted = np.cumsum(drawn[whose[order]])
        return [float(ranks[order[np.searchsorted(counted, (counted[-1] + 1) // 2)]])]

    if len(ranks):
        identities = int(whose.max()) + 1
        (interval,) = cluster_bootstrap(median, identities)
        set_interval(estimate, interval, identities, share=False)
        mates, gallery = pool.mates[searched], pool.gallery[searched]
        every = range(1, int(gallery.max()) + 1)
        estimate.chance = 1.0 + bisect_left(
            every, 0.5, key=lambda r: float(searching.chance_hit(mates, gallery, r).mean())
        )


def _by_source(ids: Sequence[Metric], pool: PooledSearches) -> dict[str, dict[str, Estimate]]:
    """Return rates of searches apart for those with and without a mate of the same photograph."""
    if not (pool.same_photograph & (pool.mates > 0)).any():
        return {}
    parts = {SAME_PHOTOGRAPH: pool.same_photograph, OTHER_PHOTOGRAPH: ~pool.same_photograph}
    return rates_apart(ids, pool, parts)


def rates_apart(
    ids: Sequence[Metric], pool: PooledSearches, parts: Mapping[str, npt.NDArray[np.bool_]]
) -> dict[str, dict[str, Estimate]]:
    """Return hit rates and the mean average precision of parts of the searches, each by its name.

    Parameters
    ----------
    parts
        Which searches are in each: bool, shape (searches,).
    """
    searched = pool.mates > 0
    found: dict[str, dict[str, Estimate]] = {}
    for name, chosen in parts.items():
        rows = chosen & searched
        found[name] = {}
        for metric in ids:
            if metric.name not in ("hit-rate", "map"):
                continue
            values = pool.precision[rows]
            if metric.name == "hit-rate":
                values = (pool.ranks[rows] <= int(metric["rank"])).astype(np.float64)
            estimate = Estimate(finite(values.mean()) if len(values) else None, n=len(values))
            if len(values):
                choose = choose_interval if metric.name == "hit-rate" else cluster_bootstrap_mean
                interval = choose(values, pool.clusters[rows])
                set_interval(estimate, interval, len(np.unique(pool.clusters[rows])))
            found[name][str(metric)] = estimate
    return found


def _score_intervals(ids: Sequence[Metric], pool: PooledSearches) -> dict[str, Interval]:
    measures = measures_of(ids)
    if pool.streamed:
        rates = pool.rates()
        if rates is None:
            return {}
        known = {name: one for name, one in measures.items() if one.name in ("eer", "fnmr")}
        values = [pool.value(metric) for metric in ids if str(metric) in known]
        drawn = drawn_by_margins(list(known.values()), rates, values=values)
        return dict(zip(known, drawn, strict=True))
    if by_counts(pool.nonmated_count):
        found = intervals_by_margins(
            list(measures.values()),
            pool.mated,
            pool.mated_clusters,
            pool.blocks,
            pool.reached,
            pool.identities,
        )
        return dict(zip(measures, found, strict=True))
    return score_intervals(
        ids,
        pool,
        pool.mated_clusters,
        pool.nonmated_probe_clusters,
        pool.nonmated_reference_clusters,
    )


def _drawn_ranks(pool: PooledSearches, max_rank: int) -> range:
    """Return the ranks of the curve: to the end of the largest gallery."""
    return range(1, min(max_rank, int(pool.gallery[pool.mates > 0].max(initial=1))) + 1)


def _curves(pool: PooledSearches, max_rank: int) -> Curves:
    searched = pool.mates > 0
    ranks, mates, gallery = pool.ranks[searched], pool.mates[searched], pool.gallery[searched]
    drawn = _drawn_ranks(pool, max_rank)
    intervals = pool.hit_intervals(drawn)
    cmc: dict[str, list[float]] = {name: [] for name in _CMC_COLUMNS}
    for rank, rate in zip(drawn, searching.cmc(ranks, len(drawn)), strict=True):
        if math.isnan(rate):
            break
        interval = intervals[rank]
        chance = searching.chance_hit(mates, gallery, rank)
        row = (rank, rate, interval.low, interval.high, chance.mean())
        for name, value in zip(_CMC_COLUMNS, (*row, *pool.band(rank, chance)), strict=True):
            cmc[name].append(float(value))
    return Curves(
        cmc=cmc if cmc["rank"] else {},
        det=pool.det(),
        distribution=pool.distribution(),
    )


_CMC_COLUMNS = ("rank", "hit_rate", "low", "high", "chance", "chance_low", "chance_high")


def _roles(
    records: Sequence[Record], rules: FoldRules, rng: np.random.Generator
) -> tuple[list[Record], list[Record]]:
    """Split one identity's records: by role, by medium, or by lot."""
    if any(record.role in ("probe", "reference") for record in records):
        probes = [record for record in records if record.role == "probe"]
        return probes, [record for record in records if record.role == "reference"]
    if rules.probe_media:
        probes = [record for record in records if record.media in rules.probe_media]
        return probes, [record for record in records if record.media not in rules.probe_media]
    order = [records[i] for i in rng.permutation(len(records))]
    end = None if rules.probes is None else rules.references + rules.probes
    return order[rules.references : end], order[: rules.references]


def _what_probes_are(rules: FoldRules) -> str:
    if rules.probe_media:
        return (
            "pictures with the role 'probe', or, without roles, of the media "
            f"{', '.join(rules.probe_media)}; references are the others"
        )
    return (
        f"pictures with the role 'probe', or, without roles, all but {rules.references} drawn from "
        "each as its reference"
    )


def _restricted(fold: Fold, records: Mapping[str, Record], protocol: Protocol) -> Fold:
    """Leave references of a probe's own photograph out, where the protocol says so."""
    if protocol.data.same_source == "compared":
        return fold
    by_source: dict[str, list[str]] = {}
    for name in fold.gallery:
        source = records[name].source
        if source is not None:
            by_source.setdefault(source, []).append(name)
    excluded = frozenset(
        (probe, reference)
        for probe in fold.probes
        for reference in by_source.get(records[probe].source or "", ())
    )
    mates = fold.mates - excluded
    mated = {probe for probe, _ in mates}
    probes = tuple(name for name in fold.probes if name in mated)
    return replace(
        fold,
        probes=probes,
        mates=mates,
        excluded=frozenset(pair for pair in excluded if pair[0] in mated),
    )


TASK = Identification()
