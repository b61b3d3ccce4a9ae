"""Intervals of error rates over comparisons, each of which joins two identities."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cached_property, partial
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.reached import Reached
from harness.metrics.verification import between, error_curve, errors_allowed, hull_rates
from harness.statistics.bootstrap import (
    cluster_bootstrap_together,
    is_as_of_before,
)
from harness.statistics.intervals import Interval, no_interval
from harness.statistics.margins import (
    Block,
    Blocks,
    MarginRates,
    Powers,
    distances,
    highest_of,
    margins_of,
    marks_of,
    read_in_blocks,
)

Values: TypeAlias = npt.NDArray[Any]
Identities: TypeAlias = npt.NDArray[np.integer[Any]]
Weights: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]
Moments: TypeAlias = tuple[float, Values, Values, Values]


MEASURES = ("eer", "eer-convex-hull", "fnmr", "auc", "d-prime")


ONE_BY_ONE = 200_000
"""Non-mated comparisons up to which every draw looks at each of them."""


def by_counts(comparisons: int) -> bool:
    """Whether draws of so many non-mated comparisons follow from counts by identity."""
    return comparisons > ONE_BY_ONE and not is_as_of_before()


_BLOCK = 1 << 20
_CELLS = 1 << 17  # numbers of a table of draws by comparisons, which the cache holds
_BACKGROUND = 10_000


class Measure(NamedTuple):
    """One of `MEASURES`, and the FMR at which ``fnmr`` is read."""

    name: str
    fmr: float = math.nan


def bootstrap_measures(
    measures: Sequence[Measure],
    mated: Values,
    mated_cluster: Identities,
    nonmated: Values,
    nonmated_probe_cluster: Identities,
    nonmated_reference_cluster: Identities,
    replicates: int = 500,
    seed: int = 0,
    *,
    level: float = 0.95,
) -> tuple[Interval, ...]:
    """Intervals of what `harness.metrics.verification` measures, by resampling identities.

    A non-mated comparison joins two identities and counts as often as the product of how often
    they were drawn; a comparison within one identity as often as it was drawn. Up to `ONE_BY_ONE`
    non-mated comparisons each replicate is the exact metric of the resampled comparisons, ties and
    all; of more it follows from counts by identity (`harness.statistics.margins`). The
    percentiles are corrected for bias and acceleration (BCa), and widened by *t* of the identities
    with mates: a background of many others makes no mated comparison more. In simulations with 5
    to 60 such identities, with and without a background, intervals of EER and FNMR at 95 % held the
    truth in 93 to 97 of 100 cases.

    Parameters
    ----------
    measures
        What is measured.
    mated
        Scores, shape (m,); ``-inf`` is a failure, as in `harness.metrics.verification`.
    mated_cluster
        Integers, shape (m,): identity of each mated comparison.
    nonmated
        Scores, shape (n,).
    nonmated_probe_cluster, nonmated_reference_cluster
        Integers, shape (n,): the identities that each comparison joins, numbered as in
        `mated_cluster`.
    replicates, seed, level
        As for `cluster_bootstrap_mean`.

    Returns
    -------
    tuple of Interval
        One for each measure; NaN for fewer than two identities among the mated, or without
        non-mated comparisons.

    Raises
    ------
    ValueError
        If shapes differ, a score is NaN or a mated one ``+inf``, an FMR is outside [0, 1], or a
        measure is unknown.

    Examples
    --------
    >>> scores, tattoo = np.array([0.9, 0.8, 0.2]), np.array([1, 2, 3])
    >>> others, one, two = np.array([0.3, 0.1, 0.1]), np.array([1, 1, 2]), np.array([2, 3, 3])
    >>> found = bootstrap_measures([Measure("fnmr", 0.0)], scores, tattoo, others, one, two)
    >>> found[0].method
    'bootstrap of 3 identities'
    """
    _check(measures)
    if by_counts(len(nonmated)):
        reached = Reached.of(mated, [nonmated])  # refuses scores that are none
        numbered = _numbered(mated_cluster, nonmated_probe_cluster, nonmated_reference_cluster)
        if not len(mated) == len(numbered.owner) or not all(
            len(part) == len(nonmated) for part in (numbered.probe, numbered.reference)
        ):
            raise ValueError("every comparison needs the identities that it joins")
        return intervals_by_margins(
            measures,
            mated,
            numbered.owner,
            lambda: in_blocks(nonmated, numbered.probe, numbered.reference),
            reached,
            numbered.identities,
            replicates,
            seed,
            level=level,
        )
    resampled = ResampledComparisons(
        mated, mated_cluster, nonmated, nonmated_probe_cluster, nonmated_reference_cluster
    )
    if np.count_nonzero(resampled.mated) < 2 or not len(nonmated):
        missing = no_interval("bootstrap: needs two identities and non-mated comparisons")
        return (missing,) * len(measures)

    return cluster_bootstrap_together(
        partial(resampled.drawn, measures),
        resampled.identities,
        mated=resampled.mated,
        corrected=True,
        replicates=replicates,
        level=level,
        seed=seed,
    )


def _check(measures: Sequence[Measure]) -> None:
    for name, fmr in measures:
        if name not in MEASURES:
            raise ValueError(f"no measure {name!r}; known: {', '.join(MEASURES)}")
        if name == "fnmr":
            errors_allowed(1, fmr)  # refuses an impossible rate before any work is done


class _Numbered(NamedTuple):
    owner: Weights
    probe: Weights
    reference: Weights
    identities: int


def _numbered(*labels: Identities) -> _Numbered:
    """Return numbers of identities from 0, in the order of their labels."""
    known = np.unique(np.concatenate([np.unique(part) for part in labels]))
    if len(known) and known[0] == 0 and known[-1] == len(known) - 1:
        owner, probe, reference = (np.asarray(part, np.int64) for part in labels)
    else:
        owner, probe, reference = (np.searchsorted(known, part) for part in labels)
    return _Numbered(owner, probe, reference, len(known))


def in_blocks(scores: Values, probe: Values, reference: Values) -> Iterator[Block]:
    """Hand out comparisons in blocks: arrays of shape (comparisons,)."""
    for start in range(0, len(scores), _BLOCK):
        part = slice(start, start + _BLOCK)
        yield Block(scores[part], probe[part], reference[part])


def intervals_by_margins(
    measures: Sequence[Measure],
    mated: Values,
    owner: Identities,
    blocks: Blocks,
    reached: Reached,
    identities: int,
    replicates: int = 500,
    seed: int = 0,
    *,
    level: float = 0.95,
) -> tuple[Interval, ...]:
    """Intervals as of `bootstrap_measures`, from counts by identity.

    Two looks at the comparisons, a block at a time, and another one for ``d-prime``.

    Parameters
    ----------
    measures
        What is measured.
    mated
        Scores, shape (m,).
    owner
        Whole numbers, shape (m,): identity of each mated comparison, from 0.
    blocks
        The non-mated comparisons.
    reached
        How many of these each mated score is below.
    identities
        How many there are.
    replicates, seed, level
        As for `bootstrap_measures`.

    Raises
    ------
    ValueError
        As for `bootstrap_measures`.
    """
    _check(measures)
    draws = MarginDraws(mated, owner, blocks, reached, identities)
    powers = draws.powers if any(name == "d-prime" for name, _ in measures) else None
    return drawn_by_margins(
        measures, draws.rates, powers, replicates=replicates, seed=seed, level=level
    )


class MarginDraws:
    """Comparisons counted by identity, and what draws of identities give.

    Parameters
    ----------
    mated
        Scores, shape (m,).
    owner
        Whole numbers, shape (m,): identity of each mated comparison, from 0.
    blocks
        The non-mated comparisons; they are looked at twice.
    reached
        How many of these each mated score is below.
    identities
        How many there are.
    """

    def __init__(
        self,
        mated: Values,
        owner: Identities,
        blocks: Blocks,
        reached: Reached,
        identities: int,
    ) -> None:
        self._blocks = blocks
        scores, whose = np.asarray(mated, np.float64), np.asarray(owner, np.int64)
        margins = margins_of(blocks(), marks_of(reached), identities)
        self.rates = MarginRates(scores, whose, margins, reached, lambda: highest_of(blocks()))

    @cached_property
    def powers(self) -> tuple[Powers, Powers]:
        """What ``d-prime`` follows from, of mated and of non-mated comparisons: a third look."""
        own = Block(self.rates.mated, self.rates.owner, self.rates.owner)
        identities = self.rates.identities
        return Powers.of([own], identities), Powers.of(self._blocks(), identities)

    def drawn(self, measure: Measure, weights: Weights) -> npt.NDArray[np.float64]:
        """Return a measure of some draws.

        Parameters
        ----------
        weights
            int64, shape (draws, identities).

        Returns
        -------
        numpy.ndarray
            float64, shape (draws,).
        """
        if measure.name == "d-prime":
            return distances(*self.powers, weights)
        return self.rates.drawn([measure], weights)[:, 0]


def drawn_by_margins(
    measures: Sequence[Measure],
    rates: MarginRates,
    powers: tuple[Powers, Powers] | None = None,
    values: Sequence[float | None] = (),
    *,
    replicates: int = 500,
    seed: int = 0,
    level: float = 0.95,
) -> tuple[Interval, ...]:
    """Intervals as of `bootstrap_measures`, where the counts are known.

    Parameters
    ----------
    measures
        What is measured.
    rates
        The counts, and what follows from them.
    powers
        Of mated and of non-mated comparisons; needed for ``d-prime``.
    values
        The measures of all identities, in [0, 1], where they are known better than the counts say:
        every draw is moved by what they differ.
    replicates, seed, level
        As for `bootstrap_measures`.
    """
    judged = np.zeros(rates.identities, np.bool_)
    judged[rates.owner] = True
    if np.count_nonzero(judged) < 2 or not rates.comparisons:
        missing = no_interval("bootstrap: needs two identities and non-mated comparisons")
        return (missing,) * len(measures)
    beside = rates.identities - int(np.count_nonzero(judged))
    if beside > _BACKGROUND and powers is None:
        rates, judged = rates.with_background_in(_BACKGROUND)

    read = [one for one in measures if one.name != "d-prime"]
    moved = np.zeros(len(read))
    if values:
        exact = np.array([np.nan if value is None else value for value in values])
        moved = exact - rates.drawn(read, np.ones((1, rates.identities), np.int64))[0]

    def statistics(weights: Weights) -> npt.NDArray[np.float64]:
        found = rates.drawn(read, weights)
        if values:
            found = np.clip(found + moved, 0.0, 1.0)
        if powers is None:
            return found
        return np.insert(found, places, distances(*powers, weights)[:, np.newaxis], axis=1)

    places = [i - k for k, i in enumerate(i for i, m in enumerate(measures) if m[0] == "d-prime")]
    return cluster_bootstrap_together(
        statistics,
        rates.identities,
        mated=judged,
        background=beside,
        corrected=True,
        replicates=replicates,
        level=level,
        seed=seed,
    )


class ResampledComparisons:
    """Comparisons sorted once, and their exact metrics when identities are drawn.

    Parameters
    ----------
    mated, mated_cluster, nonmated, probe, reference
        As for `bootstrap_measures`.

    Attributes
    ----------
    identities
        How many there are; a draw says of each, in the order of its number, how often it counts.
    mated
        bool, shape (identities,): which of them have mated comparisons.
    """

    def __init__(
        self,
        mated: Values,
        mated_cluster: Identities,
        nonmated: Values,
        probe: Identities,
        reference: Identities,
    ) -> None:
        if len(mated) != len(mated_cluster) or not len(nonmated) == len(probe) == len(reference):
            raise ValueError("every comparison needs the identities that it joins")
        self._threshold = error_curve(mated, nonmated).threshold  # refuses scores that are none
        labels, member = np.unique(
            np.concatenate([mated_cluster, probe, reference]), return_inverse=True
        )
        self.identities = len(labels)
        m, n = len(mated), len(nonmated)
        by_mated, by_nonmated = np.argsort(mated), np.argsort(nonmated)
        mated, nonmated = mated[by_mated], nonmated[by_nonmated]
        self.mated = np.zeros(self.identities, np.bool_)
        self.mated[member[:m]] = True
        self._of_mated = member[:m][by_mated]
        self._probe = member[m : m + n][by_nonmated]
        other = member[m + n :][by_nonmated]
        # Within one identity the weight is not squared: the second factor is a constant 1.
        self._reference = np.where(other == self._probe, self.identities, other)
        self._mated_below = np.searchsorted(mated, self._threshold, side="left")
        self._nonmated_below = np.searchsorted(nonmated, self._threshold, side="left")
        self._failed = int(np.count_nonzero(mated == -np.inf))
        # Mated comparisons refused by a threshold above so many non-mated ones, from 0.
        refused = np.searchsorted(mated, nonmated, side="right")
        self._refused = np.append(self._failed, refused)
        self._scores = mated, nonmated
        # The hull only turns at the lowest threshold that refuses so many mated comparisons.
        self._corners = np.append(
            np.searchsorted(self._threshold, np.unique(mated[self._failed :])),
            len(self._threshold) - 1,
        )
        self._rivals = [
            np.searchsorted(nonmated, mated[self._failed :], side) for side in ("left", "right")
        ]
        self._moments = [_moments(scores) for scores in self._scores]

    def drawn(self, measures: Sequence[Measure], weights: Weights) -> Floats:
        """Return measures of some draws.

        Parameters
        ----------
        measures
            What is measured.
        weights
            int64, shape (draws, identities): how often each identity counts.

        Returns
        -------
        numpy.ndarray
            float64, shape (draws, measures); NaN for a draw without a mated or non-mated
            comparison.
        """
        step = max(1, _CELLS // (self._of_mated.size + self._probe.size))
        return read_in_blocks(lambda some: _Draws(self, some), measures, weights, step)


class _Draws:
    """Some draws of identities, and what is read from them: float64, shape (draws,).

    Tables have a row for each comparison. Sums are whole numbers, so that nothing is rounded.
    """

    def __init__(self, of: ResampledComparisons, weights: Weights) -> None:
        self._of = of
        extended = np.ones((weights.shape[1] + 1, len(weights)), np.int64)
        extended[:-1] = weights.T
        pairs = extended.take(of._probe, axis=0)
        pairs *= extended.take(of._reference, axis=0)
        self._weights = extended.take(of._of_mated, axis=0), pairs
        self._mated, self._nonmated = map(_up_to, self._weights)
        self._m, self._n = self._mated[-1], self._nonmated[-1]
        self._known = (self._m > 0) & (self._n > 0)
        self._each = np.arange(len(weights))

    def eer(self) -> Floats:
        """Return the equal error rate."""

        def crossed(place: Weights) -> Mask:
            false_matches, missed = self._errors(place)
            found: Mask = false_matches * self._m <= missed * self._n
            return found

        # At the last threshold there is no false match.
        after = self._first(crossed, len(self._of._mated_below) - 1)
        ends = *self._errors(np.maximum(after - 1, 0)), *self._errors(after)
        found = np.full(len(self._each), np.nan)
        found[self._known] = between(*(one[self._known] for one in (*ends, self._m, self._n)))
        return found

    def fnmr(self, fmr: float) -> Floats:
        """Return the lowest FNMR at an FMR."""
        least = self._n - np.array([errors_allowed(n, fmr) for n in self._n.tolist()])

        def allowed(place: Weights) -> Mask:
            found: Mask = self._nonmated[place, self._each] >= least
            return found

        refused = self._of._refused[self._first(allowed, len(self._nonmated) - 1)]
        return self._rate(self._mated[refused, self._each], self._m)

    def eer_convex_hull(self) -> Floats:
        """Return the equal error rate of the convex hull."""
        of = self._of
        false_matches = self._n - self._nonmated[of._nonmated_below[of._corners]]
        missed = self._mated[of._mated_below[of._corners]]
        return hull_rates(false_matches.T, missed.T, self._m, self._n)

    def auc(self) -> Floats:
        """Return the area under the ROC."""
        # Half wins, as integers: two for each score below, one for each score tied.
        halves = sum(self._nonmated[places] for places in self._of._rivals)
        won = (self._weights[0][self._of._failed :] * halves).sum(axis=0)
        return self._rate(won, 2 * self._m * self._n)

    def d_prime(self) -> Floats:
        """Return the distance of the means in pooled standard deviations."""
        draws = zip(*(np.ascontiguousarray(part.T) for part in self._weights), strict=True)
        return np.array([_distance(self._of._moments, draw) for draw in draws], np.float64)

    def _first(self, holds: Callable[[Weights], Mask], last: int) -> Weights:
        """Return the place of each draw from which on something holds, the last at the latest."""
        low, high = np.zeros_like(self._each), np.full_like(self._each, last)
        while (low < high).any():
            middle = (low + high) // 2
            held = holds(middle)
            low, high = np.where(held, low, middle + 1), np.where(held, middle, high)
        return low

    def _errors(self, place: Weights) -> tuple[Weights, Weights]:
        """Return false matches and false non-matches at a threshold of each draw."""
        false_matches = self._n - self._nonmated[self._of._nonmated_below[place], self._each]
        return false_matches, self._mated[self._of._mated_below[place], self._each]

    def _rate(self, count: Weights, among: Weights) -> Floats:
        found = np.full(len(self._each), np.nan)
        np.divide(count, among, out=found, where=self._known)
        return found


def _up_to(weights: Weights) -> Weights:
    """Return the sums down to each row: int64, shape (weights + 1, draws), from 0."""
    found = np.zeros((len(weights) + 1, weights.shape[1]), np.int64)
    np.cumsum(weights, axis=0, out=found[1:])
    return found


def _distance(moments: Sequence[Moments], draw: Iterable[Weights]) -> float:
    means, variances = [], []
    for (centre, known, once, twice), weights in zip(moments, draw, strict=True):
        total = float(weights @ known)
        if not total:
            return math.nan
        mean = float(weights @ once) / total
        means.append(centre + mean)
        variances.append(max(0.0, float(weights @ twice) / total - mean**2))
    spread = math.sqrt(sum(variances) / 2)
    return (means[0] - means[1]) / spread if spread else math.nan


def _moments(scores: Values) -> Moments:
    """Return centre, presence, and first and second powers around it; 0 for what failed."""
    known = np.isfinite(scores)
    centre = float(scores[known].mean()) if known.any() else 0.0
    away = np.where(known, np.where(known, scores, 0.0) - centre, 0.0)
    return centre, known.astype(np.float64), away, away**2
