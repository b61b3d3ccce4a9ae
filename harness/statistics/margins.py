"""Error rates under draws of identities, from counts by identity instead of all comparisons.

A draw counts a comparison of i with j as ``w[i] * w[j]`` comparisons. Of those that reach a score,
``H[i, j]`` many, the sum ``w' H w`` is taken to be ``(w' a) (b' w) / N``, with the margins a and b
of H and their sum N: each identity's comparisons as probe and as reference. That is the part of
first order of Hoeffding's decomposition, and all of it; what is left out is the variation of single
comparisons, which a draw of two crossed factors overstates: it counts it three times (Owen, The
pigeonhole bootstrap, Annals of Applied Statistics 1, 2007), the margins count it twice. So it takes
one look at the comparisons, and a draw costs as much as there are identities and mated comparisons.

Counts are kept for some scores, the marks. Between two marks the factor by which a draw changes a
count is interpolated, by the logarithm of the count; the counts themselves are exact everywhere.
The few highest comparisons are kept one by one, since there a rate hangs on single ones.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import numpy.typing as npt

from harness.metrics.reached import Reached
from harness.metrics.verification import errors_allowed, hull_rates

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Values: TypeAlias = npt.NDArray[Any]

HIGHEST = 4096
"""Comparisons that are kept one by one."""

MOST_KEPT = 1 << 16
"""Comparisons that are ever kept one by one: a stream keeps more."""

LEVELS = tuple(10.0 ** (-step / 6) for step in range(1, 31))
"""Shares of the comparisons that should reach a mark each: from 0.7 to 1 in 100,000."""

_CELLS = 1 << 20  # numbers of a table of draws by comparisons that is made at once


class Block(NamedTuple):
    """Some non-mated comparisons.

    Parameters
    ----------
    scores
        Floating point, shape (comparisons,).
    probe, reference
        Whole numbers, shape (comparisons,): the identities that each joins, from 0.
    """

    scores: Values
    probe: Values
    reference: Values


Blocks: TypeAlias = Callable[[], Iterable[Block]]
"""Hands out all non-mated comparisons in blocks, as often as it is called."""


@dataclass(frozen=True, eq=False)
class Margins:
    """How many non-mated comparisons of each identity reach each of some scores.

    Parameters
    ----------
    marks
        float64, shape (marks,), rising, the first ``-inf``.
    probe, reference
        int64, shape (identities, marks): comparisons with other identities.
    within
        int64, shape (identities, marks): comparisons of an identity with itself, which a draw
        counts as often as it draws the identity.
    """

    marks: Floats
    probe: Ints
    reference: Ints
    within: Ints

    @property
    def reaching(self) -> Ints:
        """All comparisons that reach each mark: int64, shape (marks,)."""
        found: Ints = self.probe.sum(axis=0) + self.within.sum(axis=0)
        return found

    def drawn(self, weights: Floats) -> Floats:
        """Return how many comparisons reach each mark in some draws.

        Parameters
        ----------
        weights
            float64, shape (draws, identities): how often each identity counts.

        Returns
        -------
        numpy.ndarray
            float64, shape (draws, marks).
        """
        between = (weights @ self.probe) * (weights @ self.reference)
        found: Floats = between / np.maximum(1, self.probe.sum(axis=0)) + weights @ self.within
        return found

    def put_together(self, unit: Ints, units: int) -> Margins:
        """Return the counts of units of identities: int64, shape (identities,), says which."""

        def summed(counts: Ints) -> Ints:
            found = np.zeros((units, counts.shape[1]), np.int64)
            np.add.at(found, unit, counts)
            return found

        return Margins(self.marks, summed(self.probe), summed(self.reference), summed(self.within))


@dataclass(frozen=True, eq=False)
class Highest:
    """The highest non-mated comparisons, all those that are as high as the last.

    Parameters
    ----------
    scores
        float64, shape (kept,), falling.
    probe, reference
        int64, shape (kept,): the identities that each joins.
    """

    scores: Floats
    probe: Ints
    reference: Ints


def marks_of(reached: Reached, levels: Sequence[float] = LEVELS) -> Floats:
    """Return mated scores that about these shares of the non-mated comparisons reach.

    Parameters
    ----------
    reached
        How many non-mated scores each mated one is below.
    levels
        In (0, 1].

    Returns
    -------
    numpy.ndarray
        float64, shape (marks,), rising, the first ``-inf``. Where many scores are equal, the next
        higher number is a mark as well.

    Examples
    --------
    >>> marks_of(Reached.of(np.arange(1000.0), [np.arange(1000.0)]), [0.5, 0.1])
    array([-inf, 500., 900.])
    """
    found = [-math.inf]
    rising = -reached.reaching
    for level in levels:
        place = int(np.searchsorted(rising, -level * reached.n, side="left"))
        if place < len(rising) and reached.reaching[place]:
            mark = float(reached.thresholds[place])
            found.append(mark)
            if reached.above[place] < 0.9 * reached.reaching[place]:
                found.append(math.nextafter(mark, math.inf))
    return np.unique(found)


def margins_of(blocks: Iterable[Block], marks: Floats, identities: int) -> Margins:
    """Count all non-mated comparisons by identity and mark.

    Parameters
    ----------
    blocks
        All non-mated comparisons.
    marks
        float64, shape (marks,), rising, the first ``-inf``.
    identities
        How many there are.
    """
    counts = np.zeros((3, identities * len(marks)), np.int64)
    for scores, probe, reference in blocks:
        column = np.searchsorted(marks, scores, side="right") - 1
        own = probe == reference
        if own.any():
            _add(counts[2], probe[own], column[own], len(marks))
            probe, reference, column = probe[~own], reference[~own], column[~own]
        _add(counts[0], probe, column, len(marks))
        _add(counts[1], reference, column, len(marks))
    table = counts.reshape(3, identities, len(marks))
    # Who reaches a mark reaches those below it.
    probes, references, within = np.cumsum(table[:, :, ::-1], axis=2)[:, :, ::-1]
    return Margins(marks, probes, references, within)


def _add(counts: Ints, whose: Values, column: Values, width: int) -> None:
    places = whose.astype(np.int64) * width + column
    counts += np.bincount(places, minlength=len(counts))


def highest_of(blocks: Iterable[Block]) -> Highest:
    """Return the highest of all non-mated comparisons."""
    collector = _Collector()
    for block in blocks:
        collector.take(block)
    return collector.highest()


class _Collector:
    """The highest comparisons, as they come: all that reach a floor, which rises."""

    def __init__(self) -> None:
        self.floor = -math.inf
        self.kept = Block(np.empty(0), np.empty(0, np.int64), np.empty(0, np.int64))

    def take(self, block: Block) -> None:
        chosen = np.flatnonzero(block.scores >= self.floor)
        parts = [
            np.concatenate([one, np.asarray(other)[chosen]])
            for one, other in zip(self.kept, block, strict=True)
        ]
        scores = parts[0]
        if len(scores) > HIGHEST:
            self.floor = float(np.partition(scores, len(scores) - HIGHEST)[-HIGHEST])
            if np.count_nonzero(scores >= self.floor) > 2 * HIGHEST:
                self.floor = math.nextafter(self.floor, math.inf)
            parts = [part[scores >= self.floor] for part in parts]
        self.kept = Block(*parts)

    def highest(self) -> Highest:
        order = np.argsort(-self.kept.scores, kind="stable")
        return Highest(*(part[order] for part in self.kept))


class MarginRates:
    """Error rates of draws of identities, from counts by identity.

    Parameters
    ----------
    mated
        float64, shape (m,): scores, ``-inf`` for failures.
    owner
        int64, shape (m,): the identity of each, from 0.
    margins, reached
        Of the non-mated comparisons.
    highest
        Returns those of the same, and is called where a rate hangs on them; None where they are
        not known.
    """

    def __init__(
        self,
        mated: Floats,
        owner: Ints,
        margins: Margins,
        reached: Reached,
        highest: Callable[[], Highest] | None = None,
    ) -> None:
        order = np.argsort(mated, kind="stable")
        self.mated, self.owner = mated[order], owner[order]
        self.margins, self.reached, self._find = margins, reached, highest
        self.comparisons = int(margins.reaching[0])
        # Mated comparisons below each threshold, and all of them.
        below = np.searchsorted(self.mated, reached.thresholds, side="left")
        self.below = np.append(below, len(mated))
        self.reaching = _Interpolated(reached.reaching, margins.reaching)
        self.above = _Interpolated(reached.above, margins.reaching)

    @property
    def identities(self) -> int:
        """How many there are."""
        return len(self.margins.probe)

    @cached_property
    def highest(self) -> Highest | None:
        """The highest non-mated comparisons."""
        return None if self._find is None else self._find()

    def with_background_in(self, groups: int) -> tuple[MarginRates, npt.NDArray[np.bool_]]:
        """Return the same with identities without mates dealt into groups, drawn as one each.

        A group contributes the sum of its members, of which the expected square is the sum of
        theirs, so that groups vary as much.

        Returns
        -------
        tuple
            The rates, and which units have mated comparisons: bool, shape (units,).
        """
        judged = np.zeros(self.identities, np.bool_)
        judged[self.owner] = True
        beside = np.flatnonzero(~judged)
        unit = np.cumsum(judged) - 1
        first = int(np.count_nonzero(judged))
        unit[np.random.default_rng(0).permutation(beside)] = first + np.arange(len(beside)) % groups

        def highest() -> Highest:
            found = self.highest
            if found is None:
                raise ValueError("the highest comparisons are not known")
            return Highest(found.scores, unit[found.probe], unit[found.reference])

        rates = MarginRates(
            self.mated,
            unit[self.owner],
            self.margins.put_together(unit, first + groups),
            self.reached,
            highest if self._find is not None else None,
        )
        return rates, np.arange(first + groups) < first

    def drawn(self, measures: Sequence[tuple[str, float]], weights: Ints) -> Floats:
        """Return measures of some draws.

        Parameters
        ----------
        measures
            Names out of ``eer``, ``eer-convex-hull``, ``fnmr`` and ``auc``, each with the FMR at
            which ``fnmr`` is read.
        weights
            int64, shape (draws, identities): how often each identity counts.

        Returns
        -------
        numpy.ndarray
            float64, shape (draws, measures); NaN for a draw without a mated or non-mated
            comparison.
        """
        widest = max(1, len(self.mated), weights.shape[1], HIGHEST)
        step = max(1, _CELLS // widest)
        return read_in_blocks(lambda some: _Draws(self, some), measures, weights, step)


def read_in_blocks(
    draws_of: Callable[[Ints], Any],
    measures: Sequence[tuple[str, float]],
    weights: Ints,
    step: int,
) -> Floats:
    """Return measures of draws, so many at a time.

    Parameters
    ----------
    draws_of
        Makes of some of the weights, shape (some draws, identities), what has a method for each
        measure: ``fnmr(fmr)``, ``eer()``.
    measures
        As for `MarginRates.drawn`.
    weights
        int64, shape (draws, identities).
    step
        Draws at a time, from 1.

    Returns
    -------
    numpy.ndarray
        float64, shape (draws, measures).
    """
    found = np.empty((len(weights), len(measures)))
    for start in range(0, len(weights), step):
        draws = draws_of(weights[start : start + step])
        for column, (name, fmr) in enumerate(measures):
            read = getattr(draws, name.replace("-", "_"))
            found[start : start + step, column] = read(fmr) if name == "fnmr" else read()
    return found


class _Interpolated:
    """Counts in some draws, as factors on counts of all comparisons, between those at the marks."""

    def __init__(self, counts: Ints, at_marks: Ints) -> None:
        known = np.log(np.maximum(at_marks, 1))[::-1]  # rising
        wanted = np.log(np.maximum(counts, 1))
        after = np.clip(np.searchsorted(known, wanted), 1, max(1, len(known) - 1))
        if len(known) == 1:
            known = np.append(known, known)
        span = known[after] - known[after - 1]
        share = np.where(span > 0, (wanted - known[after - 1]) / np.where(span > 0, span, 1), 1.0)
        self._share = np.clip(share, 0.0, 1.0)
        last = max(1, len(at_marks) - 1)
        self._higher = np.minimum(last - after, len(at_marks) - 1)
        self._lower = np.minimum(last - after + 1, len(at_marks) - 1)
        self._counts = counts

    def of(self, factors: Floats) -> Floats:
        """Return the counts: float64, shape (draws, counts), of factors (draws, marks)."""
        between: Floats = factors[:, self._higher] * self._share
        between += factors[:, self._lower] * (1 - self._share)
        between *= self._counts
        return between


class _Draws:
    """Some draws of identities, and what is read from them: float64, shape (draws,)."""

    def __init__(self, rates: MarginRates, weights: Ints) -> None:
        self._rates = rates
        self._weights = weights.astype(np.float64)
        missed = np.cumsum(self._weights[:, rates.owner], axis=1)
        self._missed = np.concatenate([np.zeros((len(weights), 1)), missed], axis=1)
        self._m = self._missed[:, -1]
        drawn = rates.margins.drawn(self._weights)
        self._n = drawn[:, 0]
        self._factors = drawn / np.maximum(1, rates.margins.reaching)
        self._empty = (self._m == 0) | (self._n <= 0)

    @cached_property
    def _below(self) -> Floats:
        """Mated comparisons below each threshold, and all: shape (draws, thresholds + 1)."""
        found: Floats = self._missed[:, self._rates.below]
        return found

    @cached_property
    def _reaching(self) -> Floats:
        return self._rates.reaching.of(self._factors)

    @cached_property
    def _above(self) -> Floats:
        return self._rates.above.of(self._factors)

    def _rate(self, counts: Floats, among: Floats) -> Floats:
        with np.errstate(divide="ignore", invalid="ignore"):
            found: Floats = counts / (among if counts.ndim == 1 else among[:, np.newaxis])
        return found

    def _known(self, found: Floats) -> Floats:
        found[self._empty] = np.nan
        return found

    def eer(self) -> Floats:
        """Return where a line between two operating points crosses FMR = FNMR."""
        if self._below.shape[1] == 1:
            return self._known(np.ones(len(self._m)))
        before = self._rate(self._reaching, self._n), self._rate(self._below[:, :-1], self._m)
        after = self._rate(self._above, self._n), self._rate(self._below[:, 1:], self._m)
        each = np.arange(len(self._m))
        # While a mated score is passed FNMR rises, and between two of them FMR falls.
        first = np.argmax(after[0] <= after[1], axis=1)
        x0, y0, x1, y1 = (part[each, first] for part in (*before, *after))
        over, under = x0 - y0, y1 - x1
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = (x0 * under + x1 * over) / (over + under)
        return self._known(np.where(over <= 0, y0, crossing))

    def fnmr(self, fmr: float) -> Floats:
        """Return the share of mated scores that more non-mated ones reach than are allowed."""
        rates = self._rates
        n = rates.comparisons
        allowed = errors_allowed(n, fmr)
        few = 4 * (allowed + 16) <= MOST_KEPT or n <= HIGHEST
        highest = rates.highest if few else None
        if highest is not None and (
            4 * (allowed + 16) <= len(highest.scores) or len(highest.scores) == n
        ):
            return self._known(self._fnmr_of_highest(highest, fmr))
        sizes = np.diff(self._below, axis=1)
        scale = (n / np.where(self._empty, 1, self._n))[:, np.newaxis]
        refused = (sizes * (self._reaching * scale > allowed + 0.5)).sum(axis=1)
        return self._known(self._rate(self._missed[:, self._failed] + refused, self._m))

    @property
    def _failed(self) -> int:
        return int(self._rates.below[0])

    def _fnmr_of_highest(self, highest: Highest, fmr: float) -> Floats:
        allowed = np.floor(fmr * self._n * (1 + 1e-12) + 1e-9)
        # Most draws pass what they allow within the first few, where that is little.
        known, looked_at = len(highest.scores), 4 * (int(allowed.max(initial=0)) + 16)
        within = self._within(highest, looked_at)
        while looked_at < known and (within[:, -1] <= allowed).any():
            looked_at *= 4
            within = self._within(highest, looked_at)
        place = np.count_nonzero(within <= allowed[:, np.newaxis], axis=1)
        refused = np.searchsorted(self._rates.mated, highest.scores, side="right")
        # Beyond the last that is known: no lower than that.
        whole = len(highest.scores) == self._rates.comparisons
        refused = np.append(refused, self._failed if whole else refused[-1:])
        return self._rate(self._missed[np.arange(len(place)), refused[place]], self._m)

    def _within(self, highest: Highest, count: int) -> Floats:
        """Return how many non-mated comparisons are the highest, or higher: (draws, count)."""
        probe, reference = highest.probe[:count], highest.reference[:count]
        # The second factor within one identity is a constant 1, as everywhere.
        other = np.where(probe == reference, 1.0, self._weights[:, reference])
        other *= self._weights[:, probe]
        return np.cumsum(other, axis=1, out=other)

    def eer_convex_hull(self) -> Floats:
        """Return what `harness.metrics.verification.eer_convex_hull` does."""
        m, n = self._m.astype(np.int64), np.rint(self._n).astype(np.int64)
        falling = np.minimum.accumulate(np.rint(self._reaching), axis=1).astype(np.int64)
        falling = np.minimum(falling, n[:, np.newaxis])
        none = np.zeros((len(n), 1), np.int64)
        return self._known(
            hull_rates(
                np.concatenate([falling, none], axis=1),
                self._below.astype(np.int64),
                m,
                np.maximum(1, n),
            )
        )

    def auc(self) -> Floats:
        """Return what `harness.metrics.verification.auc` does."""
        lost = self._rate(self._reaching + self._above, self._n) / 2
        won = (np.diff(self._below, axis=1) * (1 - lost)).sum(axis=1)
        return self._known(self._rate(won, self._m))


@dataclass(frozen=True, eq=False)
class Powers:
    """Numbers, sums and sums of squares of finite scores by identity, for ``d-prime``.

    Parameters
    ----------
    centre
        What the scores are measured from.
    table
        float64, shape (identities, 3); a comparison of two identities counts for both.
    between
        float64, shape (3,): of the comparisons of two identities.
    """

    centre: float
    table: Floats
    between: Floats

    @classmethod
    def of(cls, blocks: Iterable[Block], identities: int) -> Powers:
        """Sum up comparisons."""
        centre = math.nan
        table, between = np.zeros((identities, 3)), np.zeros(3)
        for scores, probe, reference in blocks:
            known = np.isfinite(scores)
            finite = np.asarray(scores[known], np.float64)
            if math.isnan(centre) and finite.size:
                centre = float(finite.mean())
            left, right = probe[known], reference[known]
            two = left != right
            for power in range(3):
                values = (finite - centre) ** power
                table[:, power] += np.bincount(left, values, identities)
                table[:, power] += np.bincount(right[two], values[two], identities)
                between[power] += values[two].sum()
        return cls(centre, table, between)

    def moments(self, weights: Floats) -> tuple[Floats, Floats]:
        """Return mean and variance in each draw: float64, shape (draws,), NaN without a score."""
        number, once, twice = (weights @ self.table - self.between).T
        number = np.where(number > 0, number, np.nan)
        mean = once / number
        return self.centre + mean, np.maximum(0.0, twice / number - mean**2)


def distances(mated: Powers, nonmated: Powers, weights: Ints) -> Floats:
    """Return ``d-prime`` of some draws: float64, shape (draws,); NaN where nothing varies."""
    drawn = weights.astype(np.float64)
    (high, wide), (low, narrow) = mated.moments(drawn), nonmated.moments(drawn)
    spread = np.sqrt((wide + narrow) / 2)
    found: Floats = (high - low) / np.where(spread > 0, spread, np.nan)
    return found
