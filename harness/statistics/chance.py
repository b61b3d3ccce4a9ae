"""What answers get that do not look: by simulation where no closed form holds.

Random scores are independent and continuous, one for each comparison that a protocol makes, so that
a comparison that several draws share has one score in all of them. Every simulation is seeded.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.verification import errors_allowed, hull_rates
from harness.statistics.intervals import poisson_binomial_interval

Floats: TypeAlias = npt.NDArray[np.float64]
Numbers: TypeAlias = npt.NDArray[np.integer[Any]]

SETS, FEWEST = 400, 60
"""Random answers to a question, and how few there are where one takes long."""

DRAWN_SETS = 200
"""Random answers where every score of every draw has to be made."""

WORK = 4_000_000
"""Scores that are drawn for one question, about."""

LEVEL = 0.95


class Chance(NamedTuple):
    """What random answers get on average, and between which ends the central 95 % of them lie."""

    mean: float
    low: float
    high: float


def spread_of(values: Floats) -> Chance:
    """Return the mean of simulated values and their central 95 %; NaN without any.

    Parameters
    ----------
    values
        float64, shape (n,); NaN is left out.
    """
    known = values[~np.isnan(values)]
    if not known.size:
        return Chance(math.nan, math.nan, math.nan)
    low, high = np.quantile(known, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return Chance(float(known.mean()), float(low), float(high))


@dataclass(frozen=True, eq=False)
class RandomComparisons:
    """Random scores of comparisons, by where each mated score lies among the non-mated.

    Nothing else matters for what is read from an error curve. The numbers of non-mated scores
    between two neighbouring mated ones are multinomial, with the gaps between as many uniform
    numbers as their probabilities, so that no non-mated score need be drawn.

    Parameters
    ----------
    below
        int64, shape (sets, m), rising along each row: non-mated scores below each mated one.
    n
        Number of non-mated comparisons.
    """

    below: npt.NDArray[np.int64]
    n: int

    @property
    def m(self) -> int:
        """Number of mated comparisons."""
        return int(self.below.shape[1])

    def eer(self) -> Floats:
        """Return the equal error rate of each set: float64, shape (sets,)."""
        above, misses = self.n - self.below, np.arange(self.m)
        # While mated scores are refused FMR stays, while non-mated ones are FNMR does.
        crossed = above * self.m <= (misses + 1) * self.n
        first = np.where(crossed.any(axis=1), np.argmax(crossed, axis=1), self.m - 1)
        reached = np.take_along_axis(above, first[:, np.newaxis], axis=1)[:, 0] / self.n
        rate: Floats = np.clip(reached, first / self.m, (first + 1) / self.m)
        return rate

    def eer_convex_hull(self) -> Floats:
        """Return the equal error rate of the convex hull of each set: float64, shape (sets,)."""
        sets = len(self.below)
        above = np.concatenate([self.n - self.below, np.zeros((sets, 1), np.int64)], axis=1)
        misses = np.broadcast_to(np.arange(self.m + 1), above.shape)
        return hull_rates(above, misses, np.full(sets, self.m), np.full(sets, self.n))

    def fnmr(self, fmr: float) -> Floats:
        """Return the lowest FNMR at an FMR of each set: float64, shape (sets,)."""
        refused: Floats = (self.n - self.below > errors_allowed(self.n, fmr)).mean(axis=1)
        return refused

    def auc(self) -> Floats:
        """Return the area under the ROC of each set: float64, shape (sets,)."""
        won: Floats = self.below.mean(axis=1) / self.n
        return won


@lru_cache(maxsize=8)
def random_comparisons(mated: int, nonmated: int, seed: int = 0) -> RandomComparisons:
    """Draw random scores of comparisons, many times.

    Parameters
    ----------
    mated, nonmated
        Numbers of comparisons, from 1.
    seed
        Of the draws.

    Returns
    -------
    RandomComparisons
        `SETS` sets; fewer, down to `FEWEST`, where they would take more than `WORK` scores.

    Examples
    --------
    >>> found = random_comparisons(100, 9_900)
    >>> round(float(found.eer().mean()), 1), round(float(found.auc().mean()), 1)
    (0.5, 0.5)
    """
    rng = np.random.default_rng(seed)
    sets = max(FEWEST, min(SETS, WORK // mated))
    gaps = rng.standard_exponential((sets, mated + 1))
    between = rng.multinomial(nonmated, gaps / gaps.sum(axis=1, keepdims=True))
    return RandomComparisons(np.cumsum(between[:, :-1], axis=1), nonmated)


class Draw(NamedTuple):
    """One draw of probes and references from a fold.

    Parameters
    ----------
    probes, references
        Integers, shape (p,) and (r,): their places in the fold's score matrix.
    truth
        bool, shape (p, r): which comparisons are mated.
    """

    probes: Numbers
    references: Numbers
    truth: npt.NDArray[np.bool_]


def random_draws(
    shape: tuple[int, int], draws: Sequence[Draw], seed: int, sets: int = DRAWN_SETS
) -> Iterator[list[npt.NDArray[np.float32]]]:
    """Yield, a few sets at a time, the random scores of all draws from one fold.

    Parameters
    ----------
    shape
        Probes and references of the fold.
    draws
        From it.
    seed
        Of the scores.
    sets
        In total.

    Yields
    ------
    list
        For each draw float32, shape (sets, p, r). A comparison has one score in all draws.
    """
    rng = np.random.default_rng(seed)
    step = max(1, (1 << 18) // max(1, shape[0] * shape[1]))
    for start in range(0, sets, step):
        scores = rng.random((min(step, sets - start), *shape), np.float32)
        yield [scores[:, draw.probes[:, np.newaxis], draw.references] for draw in draws]


def random_hits(
    folds: Sequence[tuple[tuple[int, int], Sequence[Draw]]], ranks: int, sets: int = DRAWN_SETS
) -> Floats:
    """Return how often random scores find a mate within each rank.

    Parameters
    ----------
    folds
        Shape of the score matrix of each fold, and the draws from it.
    ranks
        Highest rank.
    sets
        Random answers.

    Returns
    -------
    numpy.ndarray
        float64, shape (sets, ranks): share of the searches of all draws that have a mate.
    """
    hits, searches = np.zeros((sets, ranks)), 0
    for number, (shape, draws) in enumerate(folds):
        done = 0
        for scores in random_draws(shape, draws, number, sets):
            for draw, given in zip(draws, scores, strict=True):
                mated = draw.truth.any(axis=1)
                best = np.where(draw.truth, given, -1).max(axis=2, keepdims=True, initial=-1)
                # Mates never lie above the best of them.
                above = (given > best).sum(axis=2)[:, mated]
                for place, row in enumerate(above):
                    found = np.bincount(np.minimum(row, ranks), minlength=ranks + 1)[:ranks]
                    hits[done + place] += np.cumsum(found)
            done += len(scores[0])
        searches += sum(int(draw.truth.any(axis=1).sum()) for draw in draws)
    return hits / max(1, searches)


def random_searches(
    folds: Sequence[tuple[tuple[int, int], Sequence[Draw]]], rank: int, sets: int = DRAWN_SETS
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return what open-set rates are read from, of random scores.

    Parameters
    ----------
    folds, sets
        As for `random_hits`.
    rank
        Within which a mate must lie.

    Returns
    -------
    tuple of numpy.ndarray
        float32, shape (sets, searches): the best mate's score in each search that has one, minus
        infinity where it lies beyond the rank; and the best score in each other search.
    """
    found: list[npt.NDArray[np.float32]] = []
    tops: list[npt.NDArray[np.float32]] = []
    for number, (shape, draws) in enumerate(folds):
        parts: list[list[npt.NDArray[np.float32]]] = [[], []]
        for scores in random_draws(shape, draws, number, sets):
            here: list[list[npt.NDArray[np.float32]]] = [[], []]
            for draw, given in zip(draws, scores, strict=True):
                mated = draw.truth.any(axis=1)
                best = np.where(draw.truth, given, -np.inf)[:, mated].max(axis=2)
                above = (given[:, mated] > best[:, :, np.newaxis]).sum(axis=2)
                here[0].append(np.where(above < rank, best, -np.inf).astype(np.float32))
                here[1].append(given[:, ~mated].max(axis=2, initial=-np.inf))
            for part, columns in zip(parts, here, strict=True):
                part.append(np.concatenate(columns, axis=1))
        found.append(np.concatenate(parts[0]))
        tops.append(np.concatenate(parts[1]))
    return np.concatenate(found, axis=1), np.concatenate(tops, axis=1)


def widened_band(chances: Floats, hits: Floats) -> tuple[float, float]:
    """Return the band of a hit rate whose searches depend on each other.

    The band of independent searches is exact in its shape, and simulation says how much more the
    rate varies.

    Parameters
    ----------
    chances
        float64, shape (searches,): chance of each search alone.
    hits
        float64, shape (sets,): simulated rates.

    Returns
    -------
    tuple of float
        Within [0, 1]; NaN without searches.

    Examples
    --------
    >>> widened_band(np.full(10, 0.5), np.array([0.4, 0.6] * 100))  # vary less: as if independent
    (0.2, 0.8)
    """
    low, high = poisson_binomial_interval(chances)
    if math.isnan(low) or len(hits) < 2:
        return low, high
    centre = float(chances.mean())
    alone = float((chances * (1 - chances)).sum()) / len(chances) ** 2
    more = max(1.0, math.sqrt(float(hits.var(ddof=1)) / alone)) if alone > 0 else 1.0
    return max(0.0, centre - more * (centre - low)), min(1.0, centre + more * (high - centre))


def blind_guesses(strategies: Sequence[Floats]) -> Chance:
    """Return what guesses without a look get: the best strategy's mean, and the band of all.

    Whoever does not look may answer each image by one strategy or, by lot, by another, with any
    share of the lot. The band holds the central 95 % of what each of these mixtures gets.

    Parameters
    ----------
    strategies
        For each, float64, shape (images,): probability of a right answer. Neighbours are mixed.

    Examples
    --------
    >>> yes = np.array([1.0] * 6 + [0.0] * 4)  # always yes: right for 6 in 10
    >>> blind_guesses([1 - yes, yes])
    Chance(mean=0.6, low=0.2, high=0.8)
    """
    if not strategies or not len(strategies[0]):
        return Chance(math.nan, math.nan, math.nan)
    bands = [
        poisson_binomial_interval(share * other + (1 - share) * one)
        for one, other in pairwise(strategies)
        for share in np.linspace(0, 1, 21)
    ]
    return Chance(
        max(float(one.mean()) for one in strategies),
        min(low for low, _ in bands),
        max(high for _, high in bands),
    )
