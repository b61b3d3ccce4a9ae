"""Rates in smaller galleries, against every smaller gallery that there is, or many of them."""

from __future__ import annotations

import itertools
import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics.growth import hit_shares, positive_shares
from harness.metrics.identification import MISS, NO_MATE, mate_ranks

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
INF = math.inf


@st.composite
def searches(draw: st.DrawFn) -> tuple[Floats, Bools]:
    """One search full of ties, some comparisons failed, with one mate or several."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    references = draw(st.integers(1, 8))
    scores = rng.integers(0, draw(st.integers(1, 6)), references).astype(float)
    scores[rng.random(references) < draw(st.sampled_from([0, 0.3]))] = -INF
    mated = rng.random(references) < draw(st.sampled_from([0.0, 0.2, 0.5]))
    mated[0] = True
    return scores, mated


def ranks_by_hand(scores: Floats, mated: Bools, size: int) -> list[int]:
    """The rank in every gallery of a size that holds all mates of the search."""
    mates, others = np.flatnonzero(mated), np.flatnonzero(~mated)
    found = []
    for drawn in itertools.combinations(others, size - len(mates)):
        chosen = np.array([*mates, *drawn], dtype=int)
        found += mate_ranks(scores[np.newaxis, chosen], mated[np.newaxis, chosen]).tolist()
    return found


def shares(scores: Floats, mated: Bools, size: int, rank: int) -> float:
    ranks = mate_ranks(scores[np.newaxis], mated[np.newaxis])
    mates, gallery = np.array([mated.sum()]), np.array([len(scores)])
    return float(hit_shares(ranks, mates, gallery, size, rank)[0])


@given(searches(), st.integers(1, 9))
@settings(deadline=None, max_examples=60)
def test_a_hit_rate_is_the_mean_over_every_smaller_gallery(
    search: tuple[Floats, Bools], rank: int
) -> None:
    scores, mated = search
    for size in range(int(mated.sum()), len(scores) + 1):
        by_hand = np.mean([found <= rank for found in ranks_by_hand(scores, mated, size)])
        assert shares(scores, mated, size, rank) == pytest.approx(by_hand, abs=1e-12)


@given(st.integers(1, 9), st.data())
@settings(deadline=None, max_examples=60)
def test_false_positives_are_the_mean_over_every_smaller_gallery(
    references: int, data: st.DataObject
) -> None:
    above = data.draw(st.integers(0, references))
    returned = np.arange(references) < above
    for size in range(1, references + 1):
        drawn = list(itertools.combinations(returned, size))
        found = positive_shares(np.array([above]), np.array([references]), size)[0]
        assert found == pytest.approx(np.mean([any(one) for one in drawn]), abs=1e-12)


@pytest.mark.parametrize(("size", "rank"), [(2, 1), (17, 3), (150, 10), (299, 20)])
def test_random_galleries_come_to_the_same(size: int, rank: int) -> None:
    rng = np.random.default_rng(size)
    n, draws = 300, 400
    scores = np.round(rng.normal(size=(40, n)), 1)
    scores[:, 0] += 1.5
    mated = np.zeros((40, n), bool)
    mated[:, 0] = True
    ranks = mate_ranks(scores, mated)
    hits = np.zeros((draws, 40))
    for draw in range(draws):
        chosen = np.append(0, 1 + rng.permutation(n - 1)[: size - 1])
        hits[draw] = mate_ranks(scores[:, chosen], mated[:, chosen]) <= rank
    exact = hit_shares(ranks, np.ones(40, int), np.full(40, n), size, rank)
    deviation = hits.mean(axis=1).std() / math.sqrt(draws)
    assert hits.mean() == pytest.approx(exact.mean(), abs=4 * deviation + 1e-12)


def test_the_whole_gallery_gives_back_what_was_found_and_the_mate_alone_is_always_first() -> None:
    rng = np.random.default_rng(0)
    gallery = rng.integers(50, 60, 500)
    ranks = np.array([int(rng.integers(1, n + 1)) for n in gallery])
    ranks[:20] = MISS
    one = np.ones(500, int)
    for n in np.unique(gallery):
        rows = gallery == n
        whole = hit_shares(ranks[rows], one[rows], gallery[rows], int(n), 10)
        assert whole.tolist() == (ranks[rows] <= 10).astype(float).tolist()
    alone = hit_shares(ranks, one, gallery, 1, 1)
    assert alone.tolist() == [0.0] * 20 + [1.0] * 480


def test_millions_of_references_lose_no_figure_that_matters() -> None:
    from scipy.stats import hypergeom

    n = np.array([3_000_000])
    for rank, size in ((1, 1_000), (500, 20_000), (4_000, 2_999_999)):
        expected = hypergeom.cdf(9, int(n[0]) - 1, rank - 1, size - 1)
        found = hit_shares(np.array([rank]), np.array([1]), n, size, 10)
        assert found[0] == pytest.approx(expected, rel=1e-6, abs=1e-12)


@given(searches(), st.integers(1, 4))
@settings(deadline=None)
def test_more_references_never_help_and_more_ranks_never_harm(
    search: tuple[Floats, Bools], rank: int
) -> None:
    scores, mated = search
    rising = [shares(scores, mated, n, rank) for n in range(int(mated.sum()), len(scores) + 1)]
    assert all(a >= b - 1e-12 for a, b in itertools.pairwise(rising))
    assert shares(scores, mated, len(scores), rank + 1) >= rising[-1]


def test_a_search_without_a_mate_has_no_hit_rate() -> None:
    three = np.array([3, 3])
    found = hit_shares(np.array([NO_MATE, 2]), np.array([0, 1]), three, 2, 1)
    assert found.tolist() == pytest.approx([math.nan, 0.5], nan_ok=True)


@pytest.mark.parametrize("size", [0, 6, 1000])
def test_what_is_beyond_the_gallery_is_refused(size: int) -> None:
    five = np.array([5])
    with pytest.raises(ValueError, match="cannot be drawn from one of 5"):
        hit_shares(np.array([1]), np.array([1]), five, size, 1)
    with pytest.raises(ValueError, match="cannot be drawn from one of 5"):
        positive_shares(np.array([1]), five, size)


def test_ranks_count_from_1_and_mates_have_to_fit() -> None:
    five = np.array([5])
    with pytest.raises(ValueError, match="ranks count from 1"):
        hit_shares(np.array([1]), np.array([1]), five, 2, 0)
    with pytest.raises(ValueError, match="3 mates"):
        hit_shares(np.array([1]), np.array([3]), five, 2, 1)
