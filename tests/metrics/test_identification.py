"""Ranks, hit rates, CMC and average precision against their definitions, and chance exactly."""

from __future__ import annotations

import math
from itertools import combinations, permutations

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import identification
from harness.metrics.identification import (
    MISS,
    NO_MATE,
    average_precision,
    chance_average_precision,
    chance_hit,
    cmc,
    hit_rate,
    mate_ranks,
)

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
INF = math.inf


@st.composite
def searches(draw: st.DrawFn) -> tuple[Floats, Bools]:
    """Score matrices full of ties and failures."""
    shape = draw(st.tuples(st.integers(1, 6), st.integers(1, 7)))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, draw(st.integers(1, 8)), shape).astype(float)
    scores[rng.random(shape) < draw(st.sampled_from([0, 0.2]))] = -INF
    return scores, rng.random(shape) < draw(st.sampled_from([0.1, 0.3, 0.7]))


def rank_by_definition(scores: Floats, mated: Bools) -> int:
    """Rank of the best mate in the worst order that the scores allow."""
    if not mated.any():
        return NO_MATE
    best = max(score for score, mate in zip(scores, mated, strict=True) if mate)
    if best == -INF:
        return MISS
    return 1 + sum(bool(s >= best) for s, mate in zip(scores, mated, strict=True) if not mate)


def precision_by_definition(scores: Floats, mated: Bools) -> float:
    """Walk down the list, non-mates first where scores are equal, and average at the mates."""
    if not mated.any():
        return math.nan
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], mated[i]))
    found, total = 0, 0.0
    for place, i in enumerate(order, start=1):
        if mated[i] and scores[i] > -INF:
            found += 1
            total += found / place
    return total / int(mated.sum())


@given(searches())
@settings(deadline=None)
def test_ranks_are_those_of_the_definition(search: tuple[Floats, Bools]) -> None:
    scores, mated = search
    expected = [rank_by_definition(s, m) for s, m in zip(scores, mated, strict=True)]
    assert mate_ranks(scores, mated).tolist() == expected


@given(searches())
@settings(deadline=None)
def test_average_precision_is_that_of_the_definition(search: tuple[Floats, Bools]) -> None:
    scores, mated = search
    expected = [precision_by_definition(s, m) for s, m in zip(scores, mated, strict=True)]
    np.testing.assert_allclose(average_precision(scores, mated), expected, rtol=1e-14)


@given(searches(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_the_order_of_the_gallery_and_a_rising_transform_change_nothing(
    search: tuple[Floats, Bools], seed: int
) -> None:
    scores, mated = search
    order = np.random.default_rng(seed).permutation(scores.shape[1])
    moved = np.exp(scores[:, order] / 3) - 2
    moved[scores[:, order] == -INF] = -INF  # the transform must leave a failure a failure
    np.testing.assert_array_equal(mate_ranks(moved, mated[:, order]), mate_ranks(scores, mated))
    np.testing.assert_allclose(
        average_precision(moved, mated[:, order]), average_precision(scores, mated)
    )


@given(searches(), st.integers(0, 7))
@settings(deadline=None)
def test_making_scores_equal_never_helps(search: tuple[Floats, Bools], floor: int) -> None:
    scores, mated = search
    tied = np.where(np.isfinite(scores), np.maximum(scores, floor), scores)
    has_mate = mated.any(axis=1)
    assert np.all(mate_ranks(tied, mated) >= mate_ranks(scores, mated))
    assert np.all(
        average_precision(tied, mated)[has_mate]
        <= average_precision(scores, mated)[has_mate] + 1e-12
    )


@given(searches(), st.integers(0, 5))
@settings(deadline=None)
def test_refusing_a_probe_never_helps(search: tuple[Floats, Bools], probe: int) -> None:
    scores, mated = search
    refused = scores.copy()
    refused[probe % len(scores)] = -INF
    assert np.all(mate_ranks(refused, mated) >= mate_ranks(scores, mated))
    before, after = average_precision(scores, mated), average_precision(refused, mated)
    assert np.all(np.isnan(before) | (after <= before))


def test_blocks_of_rows_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    scores, mated = rng.integers(0, 9, (50, 7)).astype(float), rng.random((50, 7)) < 0.2
    whole = mate_ranks(scores, mated), average_precision(scores, mated)
    monkeypatch.setattr(identification, "_BLOCK", 21)
    np.testing.assert_array_equal(mate_ranks(scores, mated), whole[0])
    np.testing.assert_array_equal(average_precision(scores, mated), whole[1])


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_any_floating_point_will_do(dtype: npt.DTypeLike) -> None:
    scores = np.array([[0.1, 0.5, 0.5, -INF]], dtype)
    assert mate_ranks(scores, np.array([[True, False, False, False]])).tolist() == [3]


# The faults of other packages that are tests of ours: each case has one answer by definition.


def test_a_mate_tied_with_a_non_mate_in_the_first_column_is_not_at_rank_one() -> None:
    ranks = mate_ranks(np.array([[0.8, 0.8, 0.1]]), np.array([[True, False, False]]))
    assert hit_rate(ranks, 1) == 0.0


def test_a_mate_tied_with_a_non_mate_in_the_last_column_is_not_at_rank_one() -> None:
    ranks = mate_ranks(np.array([[0.1, 0.8, 0.8]]), np.array([[False, False, True]]))
    assert hit_rate(ranks, 1) == 0.0


def test_searches_without_a_mate_are_no_part_of_a_hit_rate_and_are_counted_apart() -> None:
    mated = np.array([[True, False], [False, False], [False, False]])
    ranks = mate_ranks(np.array([[0.9, 0.1], [0.9, 0.1], [0.9, 0.1]]), mated)
    assert hit_rate(ranks, 1) == 1.0
    assert np.count_nonzero(ranks == NO_MATE) == 2


def test_a_mate_that_could_not_be_compared_is_a_miss_and_a_nan_is_refused() -> None:
    mated = np.array([[True, False], [True, False]])
    ranks = mate_ranks(np.array([[0.9, 0.1], [-INF, 0.1]]), mated)
    assert hit_rate(ranks, 1) == hit_rate(ranks, 2) == 0.5
    with pytest.raises(ValueError, match="NaN"):
        mate_ranks(np.array([[0.9, 0.1], [np.nan, 0.1]]), mated)


def test_a_search_with_several_mates_counts_once_by_its_best() -> None:
    scores = np.array([[0.9, 0.8, 0.1, 0.0], [0.9, 0.8, 0.7, 0.0]])
    mated = np.array([[True, True, False, False], [False, False, True, False]])
    assert cmc(mate_ranks(scores, mated), 3).tolist() == [0.5, 0.5, 1.0]


def test_a_failed_probe_misses_at_every_rank_and_a_failed_non_mate_never_counts() -> None:
    mated = np.array([[True, False, False], [True, False, False]])
    scores = np.array([[-INF, -INF, -INF], [0.0, -INF, -INF]])
    ranks = mate_ranks(scores, mated)
    assert ranks.tolist() == [MISS, 1]
    assert hit_rate(ranks, 10**9) == 0.5
    assert average_precision(scores, mated).tolist() == [0.0, 1.0]


def test_a_failed_mate_lowers_average_precision_and_leaves_the_rank_to_the_others() -> None:
    scores, mated = np.array([[-INF, 0.9, 0.1]]), np.array([[True, True, False]])
    assert mate_ranks(scores, mated).tolist() == [1]
    assert average_precision(scores, mated).tolist() == [0.5]


def test_a_constant_scorer_ranks_every_mate_behind_all_non_mates() -> None:
    mated = np.eye(5, dtype=bool)
    assert mate_ranks(np.zeros((5, 5)), mated).tolist() == [5] * 5
    assert average_precision(np.zeros((5, 5)), mated).tolist() == [0.2] * 5
    assert cmc(mate_ranks(np.zeros((5, 5)), mated), 5).tolist() == [0, 0, 0, 0, 1]


def test_an_oracle_is_perfect() -> None:
    mated = np.random.default_rng(0).random((20, 30)) < 0.2
    mated[:, 0] = True
    scores = mated.astype(float)
    assert hit_rate(mate_ranks(scores, mated), 1) == 1.0
    assert average_precision(scores, mated).tolist() == [1.0] * 20


def test_the_cmc_of_bob_measure_is_reproduced() -> None:
    # bob.measure 6.1.1 (BSD-3-Clause), tests/test_error.py: four searches, (0.5, 0.75, 1, ...).
    scores = np.full((4, 5), -INF)
    mated = np.zeros((4, 5), bool)
    nonmates = [[0.3, 1.1, 0.5], [1.4, -1.3, 0.6], [0.8, 0.0, 1.5], [2.0, 1.3, 1.6, 0.9]]
    mates = [[0.7], [0.2], [-0.8, 1.8], [2.4]]
    for i, (others, own) in enumerate(zip(nonmates, mates, strict=True)):
        scores[i, : len(own) + len(others)] = own + others
        mated[i, : len(own)] = True
    assert cmc(mate_ranks(scores, mated), 5).tolist() == [0.5, 0.75, 1.0, 1.0, 1.0]


def test_without_a_mated_search_a_rate_is_nan_and_never_zero() -> None:
    for ranks in (np.array([], np.int64), np.array([NO_MATE, NO_MATE])):
        assert math.isnan(hit_rate(ranks, 1))
        assert np.isnan(cmc(ranks, 3)).all()
    assert mate_ranks(np.zeros((0, 4)), np.zeros((0, 4), bool)).size == 0
    assert mate_ranks(np.zeros((2, 0)), np.zeros((2, 0), bool)).tolist() == [NO_MATE] * 2
    assert np.isnan(average_precision(np.zeros((2, 0)), np.zeros((2, 0), bool))).all()


@pytest.mark.parametrize("bad", [np.nan, INF])
def test_scores_that_are_no_scores_are_refused(bad: float) -> None:
    scores, mated = np.array([[0.1, bad]]), np.array([[True, False]])
    for metric in (mate_ranks, average_precision):
        with pytest.raises(ValueError, match="found NaN"):
            metric(scores, mated)


def test_arrays_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="one shape"):
        mate_ranks(np.zeros((2, 3)), np.zeros((3, 2), bool))
    with pytest.raises(ValueError, match="bool"):
        mate_ranks(np.zeros((2, 3)), np.zeros((2, 3)))  # type: ignore[arg-type]
    for call in (hit_rate, cmc):
        with pytest.raises(ValueError, match="from 1"):
            call(np.array([1]), 0)
        with pytest.raises(ValueError, match="from 1"):
            call(np.array([-1]), 1)


def test_hit_rate_is_the_cmc_at_its_rank() -> None:
    ranks = np.random.default_rng(3).integers(0, 30, 100)
    curve = cmc(ranks, 40)
    assert [hit_rate(ranks, r) for r in range(1, 41)] == curve.tolist()
    assert np.all(np.diff(curve) >= 0)
    assert curve[-1] == 1.0


# Chance


def test_chance_of_a_hit_is_the_quotient_of_binomials() -> None:
    for g in range(1, 9):
        for m in range(1, g + 1):
            for r in range(1, g + 2):
                expected = 1 - math.comb(g - m, r) / math.comb(g, r) if r <= g else 1.0
                assert chance_hit(np.array([m]), np.array([g]), r)[0] == pytest.approx(
                    expected, abs=1e-14
                )


@pytest.mark.parametrize(
    ("m", "g", "r"), [(2, 4375, 10), (600, 4375, 50), (3, 10**6, 1), (40, 300, 200), (1, 10**9, 7)]
)
def test_chance_of_a_hit_is_exact_in_large_galleries(m: int, g: int, r: int) -> None:
    exact = (math.comb(g, r) - math.comb(g - m, r)) / math.comb(g, r)
    assert chance_hit(np.array([m]), np.array([g]), r)[0] == pytest.approx(exact, rel=1e-12)


def test_chance_agrees_with_counting_all_galleries() -> None:
    for g, m, r in [(6, 2, 3), (7, 3, 2)]:
        hits = [min(places) < r for places in combinations(range(g), m)]
        assert chance_hit(np.array([m]), np.array([g]), r)[0] == pytest.approx(np.mean(hits))


def test_chance_gives_the_published_row_of_tattoo_similarity() -> None:
    # Two mates in 272 references; a published row (Compass, NISTIR 8078) is .005/.074/.147/.199.
    chance = [chance_hit(np.array([2]), np.array([272]), r)[0] for r in (1, 10, 20, 30)]
    assert np.round(chance, 3).tolist() == [0.007, 0.072, 0.142, 0.209]


def test_chance_of_one_mate_is_rank_over_gallery() -> None:
    chance = chance_hit(np.ones(3, int), np.array([10, 20, 5]), 7)
    np.testing.assert_allclose(chance, [0.7, 0.35, 1.0], rtol=1e-15)


def test_expected_precision_agrees_with_counting_all_orders() -> None:
    for g in range(1, 7):
        for m in range(1, g + 1):
            truth = np.arange(g) < m
            orders = [
                precision_by_definition(-np.arange(g, dtype=float), truth[list(order)])
                for order in permutations(range(g))
            ]
            expected = chance_average_precision(np.array([m]), np.array([g]))[0]
            assert expected == pytest.approx(np.mean(orders), rel=1e-13)


def test_a_random_scorer_is_at_chance() -> None:
    rng = np.random.default_rng(7)
    mated = np.zeros((4000, 40), bool)
    mated[:, :3] = True
    scores = rng.random(mated.shape)
    three, forty = np.array([3]), np.array([40])
    found = hit_rate(mate_ranks(scores, mated), 5)
    assert found == pytest.approx(chance_hit(three, forty, 5)[0], abs=0.03)
    found = float(average_precision(scores, mated).mean())
    assert found == pytest.approx(chance_average_precision(three, forty)[0], abs=0.015)


def test_chance_of_a_search_without_a_mate_is_nan() -> None:
    assert np.isnan(chance_hit(np.array([0, 0]), np.array([5, 0]), 1)).all()
    assert np.isnan(chance_average_precision(np.array([0, 0]), np.array([5, 0]))).all()


def test_impossible_counts_are_refused() -> None:
    for call in (chance_average_precision, lambda m, g: chance_hit(m, g, 1)):
        with pytest.raises(ValueError, match="between 0"):
            call(np.array([3]), np.array([2]))
        with pytest.raises(ValueError, match="between 0"):
            call(np.array([-1]), np.array([2]))
    with pytest.raises(ValueError, match="from 1"):
        chance_hit(np.array([1]), np.array([2]), 0)
