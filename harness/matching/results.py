"""What streaming matching returns: numbers that follow from all scores, without the scores."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from harness.matching.margins import ScoreMargins
from harness.metrics.reached import Reached
from harness.metrics.verification import ErrorCurve
from harness.statistics.margins import Highest, MarginRates, Margins

Floats: TypeAlias = npt.NDArray[np.float32]
Doubles: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Tail:
    """Every non-mated comparison with a score >= `floor`, the most alike first.

    Parameters
    ----------
    floor
        Lowest score that is complete; ``inf`` when more comparisons than may be kept share the
        highest score.
    scores
        float32, shape (kept,), falling.
    probes, references
        int64, shape (kept,): which comparison each is. Tied scores stand in order of probe, then
        of reference in the order of ties.
    """

    floor: float
    scores: Floats
    probes: Ints
    references: Ints


@dataclass(frozen=True, eq=False)
class Histogram:
    """Exact counts of all non-mated scores in bins.

    Parameters
    ----------
    threshold
        float32, shape (bins,), rising, the first ``-inf``: a score is in the last bin whose
        threshold it reaches.
    counts
        int64, shape (bins,).
    """

    threshold: Floats
    counts: Ints

    def shares(self, mated: Floats, bins: int) -> dict[str, list[float]]:
        """Return the shares of mated and non-mated scores in wider bins, for a plot.

        Parameters
        ----------
        mated
            float32, shape (mated comparisons,): scores; ``-inf`` is left out.
        bins
            At most how many: whole numbers of narrow bins are put together.

        Returns
        -------
        dict
            Columns ``low``, ``high``, ``mated``, ``nonmated`` over the range of the bins; scores
            beyond it are counted in the first and the last.
        """
        step = -(-(len(self.counts) - 1) // bins)
        first = np.arange(1, len(self.counts), step)
        counts = np.add.reduceat(self.counts, first)
        counts[0] += self.counts[0]
        low = self.threshold[first].astype(np.float64)
        end = 2 * float(self.threshold[-1]) - float(self.threshold[-2])
        known = mated[mated > -np.inf]
        place = np.maximum(np.searchsorted(low, known, side="right") - 1, 0)
        shares = np.bincount(place, minlength=len(low)) / max(1, len(known))
        columns = (low, np.append(low[1:], end), shares, counts / max(1, int(counts.sum())))
        names = ("low", "high", "mated", "nonmated")
        return {name: column.tolist() for name, column in zip(names, columns, strict=True)}


@dataclass(frozen=True, eq=False)
class MatchResult:
    """The outcome of `match`; arrays by probe and by mated pair are in the order given.

    Parameters
    ----------
    ranks
        int64, shape (probes,): as `metrics.identification.mate_ranks`, with `MISS` and `NO_MATE`.
    mates
        int64, shape (probes,): number of mates in the gallery, failed ones included.
    precision
        float64, shape (probes,): as `metrics.identification.average_precision`.
    best_mate, best_nonmate
        float32, shape (probes,): highest score, ``-inf`` where there is none.
    best_mate_reference
        int64, shape (probes,): the reference that is the best mate (of equals, and where none
        could be compared, the first in the order of ties); -1 without a mate.
    candidate_scores, candidate_references
        float32 and int64, shape (probes, candidates): highest scores, ties in the order of ties;
        references that could not be compared stand last with ``-inf``; -1 beyond the gallery.
    mated_scores
        float32, shape (pairs,): ``-inf`` where a comparison failed.
    nonmated_count
        Non-mated comparisons that took place, failures left out.
    score_to_exceed
        By FMR asked for, as `metrics.verification.score_to_exceed` of all non-mated scores.
    eer
        As `metrics.verification.eer`; NaN without mated or non-mated scores, None if not asked for.
    tail
        The most alike non-mated comparisons; None if not asked for.
    histogram
        Of the non-mated scores; None if not asked for.
    top
        float32 and int64: distinct non-mated scores, falling, without a gap from the highest, and
        how many non-mated scores are at least as high: the exact end of a DET.
    passes
        How often all scores were computed: 1 unless a window was misplaced.
    place_free
        Whether equal templates have bit-equal scores wherever they stand (`product_for`).
    margins
        Counts of each probe and reference, for intervals; None if not asked for.
    """

    ranks: Ints
    mates: Ints
    precision: Doubles
    best_mate: Floats
    best_nonmate: Floats
    best_mate_reference: Ints
    candidate_scores: Floats
    candidate_references: Ints
    mated_scores: Floats
    nonmated_count: int
    score_to_exceed: dict[float, float]
    eer: float | None
    tail: Tail | None
    histogram: Histogram | None
    top: tuple[Floats, Ints]
    passes: int
    place_free: bool
    margins: ScoreMargins | None = None

    def reordered(self, order: Ints) -> MatchResult:
        """Return the result for references in another order.

        Parameters
        ----------
        order
            int64, shape (references,): number in the new order of each as it is numbered here.
        """
        known = np.append(order, -1)
        margins, tail = self.margins, self.tail
        if margins is not None:
            counts = np.empty_like(margins.references)
            counts[order] = margins.references
            compared = np.empty_like(margins.compared_references)
            compared[order] = margins.compared_references
            margins = replace(margins, references=counts, compared_references=compared)
        if tail is not None:
            tail = replace(tail, references=order[tail.references])
        return replace(
            self,
            best_mate_reference=known[self.best_mate_reference],
            candidate_references=known[self.candidate_references],
            margins=margins,
            tail=tail,
        )

    def fnmr_at_fmr(self, fmr: float) -> float:
        """Return the lowest FNMR at an FMR that was asked for, as `verification.fnmr_at_fmr`.

        Raises
        ------
        KeyError
            If `match` was not asked for this FMR.
        """
        if not len(self.mated_scores) or not self.nonmated_count:
            return float("nan")
        bar = self.score_to_exceed[fmr]
        return float(np.count_nonzero(self.mated_scores <= bar) / len(self.mated_scores))

    def reached(self) -> Reached:
        """Return how many non-mated scores each mated one is below.

        Exact among the highest scores, and between the bins of the histogram in proportion, on a
        logarithmic scale.

        Raises
        ------
        ValueError
            If there is no histogram.
        """
        if self.histogram is None:
            raise ValueError("there is no histogram of the non-mated scores")
        mated = self.mated_scores.astype(np.float64)
        thresholds, sizes = np.unique(mated[np.isfinite(mated)], return_counts=True)
        falling, counts = self.top
        rising = -falling.astype(np.float64)
        known = np.append(0, counts)
        exact = [
            known[np.searchsorted(rising, -thresholds, side=side)]
            for side in ("right", "left")  # as high, and higher
        ]
        ends = self.histogram.threshold[1:].astype(np.float64)
        from_there = np.log(np.maximum(1, np.cumsum(self.histogram.counts[::-1])[::-1][1:]))
        low = np.log(max(1, self.nonmated_count))
        between = np.exp(np.interp(thresholds, ends, from_there, left=low))
        above = thresholds >= falling[-1] if len(falling) else np.zeros(len(thresholds), np.bool_)
        reaching, higher = (
            np.where(above, one, np.rint(between)).astype(np.int64) for one in exact
        )
        return Reached(
            thresholds,
            sizes.astype(np.int64),
            reaching,
            higher,
            failed=len(mated) - int(sizes.sum()),
            endless=0,
            m=len(mated),
            n=self.nonmated_count,
        )

    def rates(self, mated: Ints, probes: Ints, references: Ints) -> MarginRates | None:
        """Return what error rates of drawn identities follow from; None where it was not counted.

        Parameters
        ----------
        mated
            int64, shape (pairs,): number of the identity of each mated pair.
        probes, references
            int64, shapes (probes,) and (references,): that of each, from 0.
        """
        found, tail = self.margins, self.tail
        if found is None or tail is None or self.histogram is None:
            return None
        identities = 1 + max(
            int(numbers.max(initial=-1)) for numbers in (mated, probes, references)
        )
        tables = []
        for numbers, all_of_it, counts in (
            (probes, found.compared_probes, found.probes),
            (references, found.compared_references, found.references),
        ):
            table = np.zeros((identities, 1 + len(found.marks)), np.int64)
            np.add.at(table, numbers, np.column_stack([all_of_it, counts]).astype(np.int64))
            tables.append(table)
        marks = np.append(-np.inf, found.marks.astype(np.float64))
        return MarginRates(
            self.mated_scores.astype(np.float64),
            mated,
            Margins(marks, tables[0], tables[1], np.zeros_like(tables[0])),
            self.reached(),
            lambda: Highest(
                tail.scores.astype(np.float64),
                probes[tail.probes.astype(np.int64)],
                references[tail.references.astype(np.int64)],
            ),
        )

    def error_curve(self, points: int) -> ErrorCurve:
        """Return exact operating points for a DET: at thresholds of the histogram and in its tail.

        Parameters
        ----------
        points
            At most how many, from 4 (`ErrorCurve.thinned`).

        Raises
        ------
        ValueError
            If `points` is below 4.
        """
        scores, reaching = self.top
        # Cosine similarity is at least -1, so all comparisons match there.
        threshold = [np.array([-1.0, np.inf]), scores.astype(np.float64)]
        false_matches = [np.array([self.nonmated_count, 0]), reaching]
        if self.histogram is not None:
            threshold.append(self.histogram.threshold[1:].astype(np.float64))
            false_matches.append(np.cumsum(self.histogram.counts[::-1])[::-1][1:])
        at, first = np.unique(np.concatenate(threshold), return_index=True)
        fmr = np.concatenate(false_matches)[first] / max(1, self.nonmated_count)
        mated = np.sort(self.mated_scores).astype(np.float64)
        fnmr = np.searchsorted(mated, at, side="left") / max(1, mated.size)
        nan = np.full(at.shape, np.nan)
        return ErrorCurve(
            at, fmr if self.nonmated_count else nan, fnmr if mated.size else nan
        ).thinned(points)
