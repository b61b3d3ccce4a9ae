"""Composites: how the scores of several matchers become one, and what that is learned from.

`Reranking` has a second matcher compare the best candidates of a first; `Fusion` weighs the scores
of all parts by logistic regression, learned from training images alone, or joins them by a rule
that learns nothing. Everything here is arrays and lists of names: who makes the scores, and where,
is the business of `harness.runs.composing`.
"""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from harness.data.records import Fold, Record
from harness.errors import DataError, some
from harness.tasks.clusters import components

__all__ = ["LEARNED", "UNTAUGHT", "Fusion", "Reranking", "calibration_fold", "joined", "subsets"]

Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

LEARNED = "logistic"
"""The way of fusing that learns."""

ALL = 1 << 20
"""Comparisons up to which the non-mated ones are drawn from a list of all."""


class Reranking:
    """The best candidates of one matcher, put in order by another."""

    @staticmethod
    def shortlist(scores: Floats, gallery: Sequence[str], k: int) -> Mask:
        """Return the best `k` candidates of every probe.

        Equal scores are taken in the order of the names of the references, so that the list does
        not depend on how a gallery is written down.

        Parameters
        ----------
        scores
            float64, shape (probes, references); NaN where there is no comparison.
        gallery
            Names of the references.
        k
            At least 1; of fewer candidates all are taken.

        Returns
        -------
        numpy.ndarray
            bool, shape (probes, references).

        Examples
        --------
        >>> scores = np.array([[0.5, 0.9, 0.5], [np.nan, 0.1, 0.2]])
        >>> Reranking.shortlist(scores, ["c", "b", "a"], 2).astype(int).tolist()
        [[0, 1, 1], [0, 1, 1]]
        """
        names = np.argsort(np.argsort(np.array(gallery, dtype=object), kind="stable"))
        chosen = np.zeros(scores.shape, dtype=bool)
        for row, taken in zip(scores, chosen, strict=True):
            order = np.lexsort((names, np.where(np.isnan(row), np.inf, -row)))[:k]
            taken[order] = ~np.isnan(row[order])
        return chosen

    @staticmethod
    def reranked(first: Floats, second: Floats, listed: Mask) -> Floats:
        """Return scores by which the shortlist comes first, in the order of the second matcher.

        A candidate of the shortlist has the second matcher's score; equal scores stay equal. Below
        them all come candidates of the shortlist that the second matcher could not compare, and
        below these all others, both in the order of the first matcher: a score of theirs follows
        from the rank that the first matcher's score has among all of the fold, so that equal ones
        stay equal, and says nothing but this order.

        Parameters
        ----------
        first, second
            float64, shape (probes, references); NaN where there is no comparison, and in `second`
            outside of the shortlist.
        listed
            bool, shape (probes, references): the shortlist.

        Returns
        -------
        numpy.ndarray
            float64, of that shape, finite where `first` is, NaN elsewhere.

        Examples
        --------
        >>> first = np.array([[0.9, 0.8, 0.2, 0.1]])
        >>> second = np.array([[3.0, 7.0, np.nan, np.nan]])
        >>> listed = np.array([[True, True, False, False]])
        >>> Reranking.reranked(first, second, listed).round(9).tolist()
        [[3.0, 7.0, -1.8, -2.4]]
        """
        by_second = listed & ~np.isnan(second)
        lowest = float(second[by_second].min()) if by_second.any() else 0.0
        step = max(1.0, abs(lowest))
        known = np.isfinite(first)
        levels, places = np.unique(first[known], return_inverse=True)
        below = np.full(first.shape, np.nan)
        below[known] = (len(levels) - places) / (len(levels) + 1)  # in (0, 1), 0 for the best
        found = lowest - step * np.where(listed, below, 1 + below)
        return np.where(by_second, second, found)


def _climbed(design: Floats, as_mated: Floats, as_nonmated: Floats) -> tuple[float, Floats]:
    """Return the offset and the slopes, none below 0, of a weighted logistic regression.

    Newton's method on the parts whose slopes are free; the cost is strictly convex unless parts
    are multiples of each other, and then the shortest step is taken.
    """
    total = as_mated + as_nonmated
    rows = np.vstack([np.ones(design.shape[1]), design])

    def cost(at: Floats) -> float:
        line = at @ rows
        return float(total @ np.logaddexp(0, -line) + as_nonmated @ line)

    at, now = np.zeros(len(rows)), cost(np.zeros(len(rows)))
    for _ in range(200):
        p = 0.5 * (1 + np.tanh(0.5 * (at @ rows)))
        gradient = rows @ (total * p - as_mated)
        # A slope at 0 whose cost falls below 0 only is not moved.
        free = np.append(True, (at[1:] > 0) | (gradient[1:] < 0))
        used = rows[free]
        hessian = (used * (total * p * (1 - p))) @ used.T
        step = np.zeros(len(rows))
        step[free] = np.linalg.lstsq(hessian, gradient[free])[0]
        if gradient @ step < 1e-14:
            break
        length = 1.0
        while (after := cost(_allowed(at - length * step))) > now and length > 1e-12:
            length /= 2
        moved = _allowed(at - length * step)
        if np.array_equal(moved, at):
            break
        at, now = moved, after
    return float(at[0]), at[1:]


def _allowed(at: Floats) -> Floats:
    return np.concatenate([at[:1], np.maximum(at[1:], 0.0)])


def standardised(scores: Floats) -> Floats:
    """Return how far each score lies above those of its search, in their standard deviations.

    Parameters
    ----------
    scores
        float64, shape (probes, references); NaN where there is no comparison.

    Returns
    -------
    numpy.ndarray
        float64, of that shape, NaN in the same places; 0 where all scores of a search are equal.
    """
    with np.errstate(invalid="ignore"):
        middle = _over(np.nanmean, scores)
        spread = _over(np.nanstd, scores)
    found: Floats = (scores - middle) / np.where(spread > 0, spread, 1.0)
    return found


def ranked(scores: Floats) -> Floats:
    """Return the share of the other candidates of its search that each score is above.

    Parameters
    ----------
    scores
        float64, shape (probes, references); NaN where there is no comparison.

    Returns
    -------
    numpy.ndarray
        float64, of that shape, in [0, 1], NaN in the same places; equal scores have the mean of
        their shares, and the only one of a search has 1.
    """
    from scipy.stats import rankdata

    found = np.full(scores.shape, np.nan)
    for row, target in zip(scores, found, strict=True):
        known = ~np.isnan(row)
        count = int(known.sum())
        target[known] = (rankdata(row[known]) - 1) / (count - 1) if count > 1 else 1.0
    return found


def _over(what: Any, scores: Floats) -> Floats:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # of searches without any score
        return np.asarray(what(scores, axis=1, keepdims=True))


UNTAUGHT = {"z-scores": standardised, "ranks": ranked}
"""Ways of fusing that learn nothing: what is made of each part's scores before their mean."""


def joined(
    scores: Sequence[Floats],
    how: str,
    learned: Mapping[tuple[int, ...], Fusion],
    compared: Mask,
) -> Floats:
    """Return the fused score of every comparison.

    A comparison for which a part has no score, as it made no template, is judged by the others
    alone: by a fusion that was learned without it, or by the mean of the others. One for which no
    part has a score gets the lowest of the fold.

    Parameters
    ----------
    scores
        Of each part: float64, shape (probes, references), NaN where it has none.
    how
        ``logistic``, or a key of `UNTAUGHT`.
    learned
        Fusions by the places of the parts that have a score; only for ``logistic``.
    compared
        bool, shape (probes, references): which comparisons there are.

    Returns
    -------
    numpy.ndarray
        float64, of that shape: finite where `compared` is true, NaN elsewhere.
    """
    stack = np.stack(scores)
    known = ~np.isnan(stack)
    found = np.full(compared.shape, np.nan)
    if how == LEARNED:
        for places, fusion in learned.items():
            these = compared & np.array([known[i] == (i in places) for i in range(len(stack))]).all(
                0
            )
            found[these] = fusion.llr(stack[list(places)][:, these])
    else:
        parts = np.stack([UNTAUGHT[how](np.where(compared, one, np.nan)) for one in stack])
        count = known.sum(axis=0)
        found = np.where(
            compared & (count > 0), np.nansum(parts, axis=0) / np.maximum(count, 1), np.nan
        )
    lowest = float(np.nanmin(found)) if not np.isnan(found).all() else 0.0
    return np.where(compared & np.isnan(found), lowest, found)


def subsets(parts: int) -> list[tuple[int, ...]]:
    """Return all choices of at least one of so many parts, by their places.

    >>> subsets(2)
    [(0,), (1,), (0, 1)]
    """
    return [c for size in range(1, parts + 1) for c in combinations(range(parts), size)]


def calibration_fold(
    fold: Fold,
    records: Mapping[str, Record],
    truth: Mapping[str, Any],
    *,
    share: float,
    most: int,
    seed: int,
    apart: bool,
) -> Fold:
    """Return a question about training images of a fold: what a fusion is learned from.

    Parameters
    ----------
    fold
        Whose probes and references are touched by nothing here.
    records
        Of its training images.
    truth
        What a training set says of them: `harness.tasks.task.Task.training_truth`.
    share
        Of the identities that are asked about, and not learned from; of at least one.
    most
        Mated comparisons, and non-mated ones, at most; drawn by lot where there are more.
    seed
        Of the lots.
    apart
        Whether images of one photograph are not compared.

    Returns
    -------
    Fold
        Its probes and references are images of the identities that are held out, in the roles that
        they have where the protocol says so; it trains on the rest.

    Raises
    ------
    DataError
        If the held out identities make no mated, or no non-mated, comparison.
    """
    # Folds that learn from the same images hold the same ones out.
    rng = np.random.default_rng([seed, zlib.crc32("\n".join(sorted(fold.train)).encode())])
    group = components(sorted(fold.train_mates)) if fold.train_mates else {}
    identity = {
        name: group.get(name, number)
        for name, number in zip(fold.train, truth["identities"], strict=True)
    }
    known: list[Any] = list(dict.fromkeys(identity[name] for name in sorted(fold.train)))
    count = max(1, round(share * len(known)))
    held = {known[i] for i in rng.permutation(len(known))[:count].tolist()}
    names = sorted(name for name in fold.train if identity[name] in held)
    probes = [n for n in names if n in fold.train_probes] if fold.train_probes else names
    gallery = [n for n in names if n in fold.train_references] if fold.train_references else names
    if not probes or not gallery:
        probes = gallery = names

    alike: dict[Any, list[str]] = {}
    for reference in gallery:
        alike.setdefault(identity[reference], []).append(reference)
    mated = [(probe, other) for probe in probes for other in alike.get(identity[probe], ())]
    # Of many images most pairs are non-mated: so many are drawn that enough of them count.
    count = len(probes) * len(gallery)
    lots = rng.permutation(count) if count <= ALL else rng.integers(0, count, 4 * most + 1000)
    rows, columns = np.divmod(lots, len(gallery))
    nonmated = (
        (probes[i], gallery[j])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if identity[probes[i]] != identity[gallery[j]]
    )

    def drawn(pairs: Iterable[tuple[str, str]]) -> frozenset[tuple[str, str]]:
        found = (
            pair
            for pair in pairs
            if (pair[0] < pair[1] if probes is gallery else pair[0] != pair[1])
            and not (apart and _one_photograph(records[pair[0]], records[pair[1]]))
        )
        return frozenset(islice(dict.fromkeys(found), most))

    mates = drawn(mated[i] for i in rng.permutation(len(mated)).tolist())
    nonmates = drawn(nonmated)
    if not mates or not nonmates:
        raise DataError(
            f"fold {fold.name}: {some(len(held), 'identity', 'identities')} of the training set "
            f"({some(len(names), 'image')}) make no "
            f"{'mated' if not mates else 'non-mated'} comparison that a fusion could be learned "
            "from. Hold more out (--param held_out=...), bring more training images, or fuse by a "
            f"rule that learns nothing (--param how={' or '.join(UNTAUGHT)})"
        )
    used = sorted({*chain.from_iterable(mates | nonmates)})
    rest = tuple(name for name in fold.train if identity[name] not in held)
    return replace(
        fold,
        train=rest,
        probes=tuple(n for n in used if n in {p for p, _ in mates | nonmates}),
        gallery=tuple(n for n in used if n in {r for _, r in mates | nonmates}),
        mates=mates,
        nonmates=nonmates,
        train_mates=_within(fold.train_mates, rest),
        train_probes=fold.train_probes & set(rest),
        train_references=fold.train_references & set(rest),
        excluded=frozenset(),
        unmated=(),
        draws=(),
        consolidated=(),
    )


def _within(
    pairs: Collection[tuple[str, str]], names: Collection[str]
) -> frozenset[tuple[str, str]]:
    there = set(names)
    return frozenset(pair for pair in pairs if there.issuperset(pair))


def _one_photograph(one: Record, other: Record) -> bool:
    return one.source is not None and one.source == other.source


@dataclass(frozen=True)
class Fusion:
    """Logistic regression on the scores of several matchers: an LLR that is a weighted sum.

    Parameters
    ----------
    weights
        LLR per unit of each part's score, at least 0: a calibrator never turns scores round.
    offset
        LLR where all scores are 0.
    mated, nonmated
        Comparisons that it was learned from.
    """

    weights: tuple[float, ...]
    offset: float
    mated: int
    nonmated: int

    @classmethod
    def fit(cls, scores: Floats, mated: Mask) -> Fusion:
        """Fit by maximum likelihood, mated and non-mated comparisons weighing alike.

        One misleading comparison is added to each kind and spread over the scores of the other, so
        that weights are finite even where the kinds are perfectly separated, as
        `harness.statistics.likelihood.logistic.Logistic` has it of one score.

        Parameters
        ----------
        scores
            float64, shape (parts, comparisons), finite.
        mated
            bool, shape (comparisons,); some of each kind.

        Raises
        ------
        ValueError
            If there is no comparison of a kind.
        """
        m, n = int(mated.sum()), int((~mated).sum())
        if not m or not n:
            raise ValueError("a fusion is learned from mated and from non-mated comparisons")
        middle = scores.mean(axis=1, keepdims=True)
        spread = scores.std(axis=1, keepdims=True)
        spread[spread == 0] = 1.0
        design = (scores - middle) / spread
        own = np.where(mated, 1 / (m + 1), 1 / (n + 1))
        other = np.where(mated, 1 / (n + 1) / m, 1 / (m + 1) / n)
        as_mated, as_nonmated = np.where(mated, own, other), np.where(mated, other, own)
        offset, slopes = _climbed(design, as_mated, as_nonmated)
        weights = slopes / spread[:, 0]
        return cls(tuple(weights.tolist()), float(offset - weights @ middle[:, 0]), m, n)

    def llr(self, scores: Floats) -> Floats:
        """Return natural-log likelihood ratios: float64, of the shape of one part's scores.

        Parameters
        ----------
        scores
            float64, shape (parts, ...).
        """
        return np.asarray(np.tensordot(np.array(self.weights), scores, axes=1) + self.offset)

    asked = staticmethod(calibration_fold)
    joined = staticmethod(joined)
    # Attributes, so that whatever counts this class as its source counts them, too.
