"""Open set by AIGTatt's procedure: some identities are not enrolled, and are searched all the same.

What counts as a hit is the mate itself at the top, not any score above the threshold. Several
people carry one design, so a false positive of tattoos may well show the same tattoo: NIST reports
no FPIR for tattoos, and the report says so beside it.

A `Searcher` searches the gallery of each draw. Its lists decide FNIR exactly at ranks within them:
the mates that are found stand in them, and so do the top scores of searches without a mate.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from harness.data.records import Dataset, Fold
from harness.metrics import open_set as searching
from harness.metrics import verification
from harness.metrics.ids import Metric
from harness.metrics.open_set import Searches
from harness.statistics.chance import random_searches, spread_of
from harness.statistics.error_rates import Measure, bootstrap_measures
from harness.statistics.estimate import FEW_ERRORS, UNSUPPORTED, Estimate
from harness.statistics.intervals import few_errors
from harness.tasks.answers import Answered, finite, thin_curve
from harness.tasks.clusters import cluster_of, identities_of
from harness.tasks.comparisons import independent
from harness.tasks.drawing import draws_of, open_set_folds, places_of
from harness.tasks.identification import Searching
from harness.tasks.intervals import set_interval
from harness.tasks.protocol import Protocol
from harness.tasks.results import (
    OTHER_PHOTOGRAPH,
    SAME_PHOTOGRAPH,
    Curves,
    FoldMetrics,
)
from harness.tasks.searches import FoldSearches, gallery_sizes, searches_of
from harness.tasks.task import OperatingPoint, training_images
from harness.tasks.trade_off import TradeOff
from harness.tasks.trials import Scores, Trials


class OpenSet(Searching["Rotations"]):
    """Is it enrolled? An answer has shape (probes, references) of all draws of a fold."""

    drawn = True
    listed = True
    metrics = (
        "fnir",
        "open-set-eer",
    )
    trade_off = TradeOff(
        "False positive identification rate (FPIR)",
        "False negative identification rate (FNIR)",
        "FPIR",
        "FNIR",
        "open-set-eer@rank=1",
        "chance: scores that say nothing, in the same galleries",
        "searches with a mate",
        "searches without",
        rate="fpir",
    )
    of_heads = True
    failed_role = "image"
    failure_policy = (
        "A search of an enrolled identity that fails is a miss at every threshold; one of an "
        "unknown identity that fails is a false positive at every threshold, so that refusing "
        "never pays. A reference without a template stays in the gallery and never matches."
    )

    def lay_out(self, dataset: Dataset, protocol: Protocol) -> list[Fold]:
        """Return folds that share no identity, each with its draws, or with the data's own roles.

        Raises
        ------
        DataError
            If there is too little to draw, or roles cannot be kept.
        """
        return open_set_folds(dataset, protocol)

    def parts(self, run: Answered) -> list[FoldSearches]:
        """Return the searches of every draw, those without a mate with identities of their own."""
        identities = identities_of(run.folds)
        for record in run.records.values():
            # Without a mate in the gallery, images of one tattoo are one identity all the same.
            identities.setdefault(record.name, cluster_of(record, ("tattoo", "group")))
        return searches_of(draws_of(run.by_fold), run.records, identities)

    def whole(self, parts: Sequence[FoldSearches], run: Answered) -> Rotations:
        """Return the searches of all draws."""
        return Rotations(parts, folds=run.folds)

    def of_part(self, part: FoldSearches, protocol: Protocol) -> FoldMetrics:
        """Return what is counted in a draw, and every metric in it."""
        one = Rotations([part])
        values = {str(metric): one.value(metric) for metric in protocol.metric_ids}
        return FoldMetrics(part.fold.name, one.counts(), values)

    def estimates(self, whole: Rotations, protocol: Protocol) -> dict[str, Estimate]:
        """Return every metric, by its id."""
        ids = protocol.metric_ids
        places = places_of(whole.folds)
        by_rank = {
            rank: random_searches(places, rank) for rank in {int(metric["rank"]) for metric in ids}
        }
        found = {}
        for metric in ids:
            estimate = whole.estimate(metric)
            if estimate.value is not None:
                by_chance = spread_of(random_rates(*by_rank[int(metric["rank"])], metric))
                estimate.chance_low, estimate.chance_high = by_chance.low, by_chance.high
            found[str(metric)] = estimate
        return found

    def counts(
        self, whole: Rotations, per_fold: Sequence[FoldMetrics], folds: Sequence[Fold]
    ) -> dict[str, int]:
        """Return what is counted over all draws."""
        counts = {"folds": len(folds), "draws": len(per_fold), "identities": whole.identities}
        return counts | whole.counts() | gallery_sizes(whole.gallery) | training_images(folds)

    def curves(self, whole: Rotations, protocol: Protocol) -> Curves:
        """Return FPIR against FNIR."""
        return Curves(det=whole.det())

    def operating_points(self, run: Answered) -> list[OperatingPoint]:
        """Return the rank of each FNIR, and the threshold of its FPIR in whole galleries."""
        found = self.whole(self.parts(run), run).operating_points(run.protocol.metric_ids)
        return found or [OperatingPoint(1)]

    def subsets(self, whole: Rotations, protocol: Protocol) -> dict[str, dict[str, Estimate]]:
        """Return the rates apart for mated searches with and without a mate of one photograph."""
        return _by_source(protocol.metric_ids, whole.parts)

    def trials_in(self, whole: Rotations, metric: Metric, protocol: Protocol) -> Trials | None:
        """Return the scores of mates that are found, and the top ones of searches without."""
        return whole.trials(metric) if metric.name in self.metrics else None


def _by_source(
    ids: Sequence[Metric], parts: Sequence[FoldSearches]
) -> dict[str, dict[str, Estimate]]:
    """Return the rates apart for mated searches with and without a mate of the same photograph.

    The searches of those who are not enrolled are the same for both.
    """
    same = np.concatenate([part.same_photograph for part in parts])
    mated = np.concatenate([part.mates > 0 for part in parts])
    if not (same & mated).any():
        return {}
    chosen = {SAME_PHOTOGRAPH: same | ~mated, OTHER_PHOTOGRAPH: ~same | ~mated}
    return {
        name: {str(metric): Rotations(parts, rows).estimate(metric) for metric in ids}
        for name, rows in chosen.items()
    }


class Rotations:
    """The searches of some draws, or of folds, summed up.

    Parameters
    ----------
    parts
        The draws.
    chosen
        bool, shape (searches,): those that count; all unless given.
    folds
        From which they were drawn.
    """

    def __init__(
        self,
        parts: Sequence[FoldSearches],
        chosen: npt.NDArray[np.bool_] | None = None,
        *,
        folds: Sequence[Fold] = (),
    ) -> None:
        self.parts, self.folds = parts, folds
        whole = Searches.joined(part.sums() for part in parts).refusals_accused()
        rows = np.ones(len(whole.ranks), dtype=bool) if chosen is None else chosen
        self.searches = Searches(whole.ranks[rows], whole.mate[rows], whole.rival[rows])
        mated = np.concatenate([part.mates > 0 for part in parts])[rows]
        whose = np.concatenate([part.probe_clusters for part in parts])[rows]
        _, numbers = np.unique(whose, return_inverse=True)
        self.identities = int(numbers.max(initial=-1)) + 1
        self.mated_clusters = numbers[mated].astype(np.int64)
        self.stranger_clusters = numbers[~mated].astype(np.int64)
        self.gallery = np.concatenate([part.gallery for part in parts])[rows][mated]
        self.sources = sum(int(part.mated_sources.sum()) for part in parts)
        self.failed = sum(int(part.failed_probes.sum()) for part in parts)

    def operating_points(self, ids: Sequence[Metric]) -> list[OperatingPoint]:
        """Return the rank of each FNIR, and the threshold that keeps its FPIR."""
        tops, found = self.searches.nonmated_tops, []
        for metric in ids:
            if metric.name == "fnir" and len(tops):
                fpir = float(metric["fpir"])
                bar = verification.score_to_exceed(tops, fpir)
                lowest = float(np.nextafter(bar, np.inf))
                found.append(OperatingPoint(int(metric["rank"]), lowest, fpir))
        return found

    def value(self, metric: Metric) -> float | None:
        """Return a metric of open-set searches, or None where it cannot be told."""
        options = dict(metric.options)
        rank = int(options["rank"])
        if metric.name == "fnir":
            return finite(searching.fnir_at_fpir(self.searches, float(options["fpir"]), rank))
        return finite(searching.open_set_eer(self.searches, rank))

    def estimate(self, metric: Metric) -> Estimate:
        """Return such a metric with its interval, and what is expected by chance."""
        options = dict(metric.options)
        rank = int(options["rank"])
        found, tops = self.searches.found_within(rank), self.searches.nonmated_tops
        estimate = Estimate(self.value(metric), n=len(found))
        fpir = float(options["fpir"]) if metric.name == "fnir" else None
        if estimate.value is not None:
            (interval,) = bootstrap_measures(
                [Measure("eer") if fpir is None else Measure("fnmr", fpir)],
                found,
                self.mated_clusters,
                tops,
                self.stranger_clusters,
                self.stranger_clusters,
            )
            judged = independent(self.mated_clusters, self.stranger_clusters)
            set_interval(estimate, interval, judged)
            estimate.chance = chance_fnir(self.gallery, fpir, rank)
        if fpir is not None:
            if not verification.fmr_supported(len(tops), fpir):
                estimate.flags.append(f"{UNSUPPORTED}: too few non-mated searches")
            if few_errors(round(fpir * len(tops))):
                estimate.flags.append(f"{FEW_ERRORS} false positives at this FPIR")
        if estimate.value is not None and few_errors(round(estimate.value * len(found))):
            estimate.flags.append(f"{FEW_ERRORS} false negatives")
        return estimate

    def trials(self, metric: Metric) -> Scores:
        """Return the scores of mates that are found, and the top ones of searches without."""
        options = dict(metric.options)
        return Scores(
            self.searches.found_within(int(options["rank"])),
            self.mated_clusters,
            self.searches.nonmated_tops,
            self.stranger_clusters,
            self.stranger_clusters,
            "fnmr" if metric.name == "fnir" else "eer",
            float(options.get("fpir", "nan")),
        )

    def counts(self) -> dict[str, int]:
        """Return what is counted in them."""
        return {
            "mated_searches": len(self.mated_clusters),
            "nonmated_searches": len(self.stranger_clusters),
            "same_source_mated": self.sources,
            "failed_probes": self.failed,
        }

    def det(self) -> dict[str, list[float]]:
        """Return FPIR against FNIR for drawing, with what is expected by chance."""
        tops = self.searches.nonmated_tops
        curve = thin_curve(verification.error_curve(self.searches.found_within(1), tops))
        chance = [chance_fnir(self.gallery, fpir, 1) for fpir in curve.get("fmr", [])]
        return {**curve, "chance": [value for value in chance if value is not None]}


def random_rates(
    mate_scores: npt.NDArray[np.float32], highest_scores: npt.NDArray[np.float32], metric: Metric
) -> npt.NDArray[np.float64]:
    """Return one of `METRICS` of random scores: float64, shape (sets,).

    Parameters
    ----------
    mate_scores, highest_scores
        As of `harness.statistics.chance.random_searches`, at the metric's rank.
    metric
        Id.
    """
    if metric.name == "open-set-eer":
        return np.array(
            [verification.eer(*one) for one in zip(mate_scores, highest_scores, strict=True)]
        )
    fpir = float(dict(metric.options)["fpir"])
    return np.array(
        [
            verification.fnmr_at_fmr(*one, fpir)
            for one in zip(mate_scores, highest_scores, strict=True)
        ]
    )


def chance_fnir(gallery: npt.NDArray[np.integer], fpir: float | None, rank: int) -> float | None:
    """Return the FNIR of independent uniform scores, in expectation over many searches.

    A search of G references returns anything with probability ``fpir`` when each of its scores is
    above the threshold with ``p = 1 - (1 - fpir)^(1/G)``. With K of G above it, the mate is among
    the best `rank` of those with probability ``min(K, rank) / G``.

    Parameters
    ----------
    gallery
        Integers, shape (searches,): references searched by each mated search.
    fpir
        In [0, 1]; None for the rate at which FPIR and FNIR are equal.
    rank
        From 1.

    Returns
    -------
    float or None
        None without searches.

    Examples
    --------
    At rank 1 it is ``1 - fpir / G``:

    >>> chance_fnir(np.array([4]), 0.1, 1)
    0.975
    >>> chance_fnir(np.array([4]), None, 1)
    0.8
    """
    if len(gallery) == 0:
        return None

    def fnir(rate: float) -> float:
        if rank == 1:
            # The mate is the best of those above, if there are any: one closed form for any size.
            return 1.0 - float((rate / gallery).mean())
        from scipy.stats import binom  # half a second that few runs need

        sizes, counts = np.unique(gallery, return_counts=True)
        hits = 0.0
        for size, count in zip(sizes.tolist(), counts.tolist(), strict=True):
            above = 1.0 - (1.0 - rate) ** (1.0 / size)
            k = np.arange(1, size + 1)
            expected = float((np.minimum(k, rank) * binom.pmf(k, size, above)).sum())
            hits += count * expected / size
        return 1.0 - hits / len(gallery)

    if fpir is not None:
        return round(fnir(fpir), 12)
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if fnir(middle) > middle else (low, middle)
    return round((low + high) / 2, 12)


TASK = OpenSet()
