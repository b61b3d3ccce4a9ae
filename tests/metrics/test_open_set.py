"""FNIR and FPIR against enumeration, with the identity of the candidate always checked."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.metrics import open_set
from harness.metrics.identification import MISS, NO_MATE, hit_rate, mate_ranks
from harness.metrics.ids import Metric
from harness.metrics.open_set import Searches, fnir, fnir_at_fpir, fpir, open_set_curve

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
INF = math.inf
THRESHOLDS = [*np.arange(-1, 9, 0.5), INF]


@st.composite
def cases(draw: st.DrawFn) -> tuple[Floats, Bools]:
    """Score matrices full of ties and failures, with searches of both kinds."""
    shape = draw(st.tuples(st.integers(2, 8), st.integers(1, 6)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    scores = rng.integers(0, draw(st.integers(1, 8)), shape).astype(float)
    scores[rng.random(shape) < draw(st.sampled_from([0, 0.2]))] = -INF
    scores[rng.random(len(scores)) < draw(st.sampled_from([0, 0.3]))] = -INF
    mated = rng.random(shape) < draw(st.sampled_from([0.1, 0.3]))
    mated[0, 0], mated[1] = True, False
    return scores, mated


def candidates(scores: Floats, mated: Bools, rank: int, threshold: float) -> list[bool]:
    """Whether each returned candidate is a mate: the list cut at a rank and a threshold."""
    order = sorted(range(len(scores)), key=lambda i: (-scores[i], mated[i]))
    listed = [i for i in order if scores[i] > -INF][:rank]
    return [bool(mated[i]) for i in listed if scores[i] >= threshold]


def fnir_by_definition(scores: Floats, mated: Bools, rank: int, threshold: float) -> float:
    missed = [
        not any(candidates(s, m, rank, threshold))
        for s, m in zip(scores, mated, strict=True)
        if m.any()
    ]
    return sum(missed) / len(missed)


def fpir_by_definition(scores: Floats, mated: Bools, threshold: float) -> float:
    returned = [
        bool(candidates(s, m, len(s), threshold))
        for s, m in zip(scores, mated, strict=True)
        if not m.any()
    ]
    return sum(returned) / len(returned)


@given(cases(), st.integers(1, 7), st.sampled_from([-INF, *THRESHOLDS]))
@settings(deadline=None)
def test_rates_are_those_of_cutting_the_candidate_lists(
    case: tuple[Floats, Bools], rank: int, threshold: float
) -> None:
    searches = Searches.of(*case)
    assert fnir(searches, rank, threshold) == fnir_by_definition(*case, rank, threshold)
    assert fpir(searches, threshold) == fpir_by_definition(*case, threshold)


@given(cases(), st.integers(1, 7), st.floats(0, 1) | st.integers(0, 6).map(lambda k: k / 6))
@settings(deadline=None)
def test_fnir_at_fpir_is_the_lowest_over_all_thresholds(
    case: tuple[Floats, Bools], rank: int, target: float
) -> None:
    found = [(fpir_by_definition(*case, t), fnir_by_definition(*case, rank, t)) for t in THRESHOLDS]
    lowest = min(misses for alarms, misses in found if alarms <= target)
    assert fnir_at_fpir(Searches.of(*case), target, rank) == lowest


@given(cases(), st.integers(1, 7))
@settings(deadline=None)
def test_the_curve_holds_every_operating_point_once(case: tuple[Floats, Bools], rank: int) -> None:
    searches = Searches.of(*case)
    curve = open_set_curve(searches, rank)
    for threshold, alarms, misses in zip(curve.threshold, curve.fpir, curve.fnir, strict=True):
        assert alarms == fpir(searches, threshold)
        assert misses == fnir(searches, rank, threshold)
    points = set(zip(curve.fpir, curve.fnir, strict=True))
    assert {(fpir(searches, t), fnir(searches, rank, t)) for t in THRESHOLDS} <= points


@given(cases())
@settings(deadline=None)
def test_the_sums_agree_with_the_ranks_of_identification(case: tuple[Floats, Bools]) -> None:
    scores, mated = case
    searches = Searches.of(scores, mated)
    np.testing.assert_array_equal(searches.ranks, mate_ranks(scores, mated))
    np.testing.assert_array_equal(searches.mate, np.where(mated, scores, -INF).max(axis=1))
    np.testing.assert_array_equal(searches.rival, np.where(mated, -INF, scores).max(axis=1))
    for rank in (1, 2, 5):
        misses = 1 - hit_rate(searches.ranks, rank)
        assert fnir(searches, rank, -INF) == pytest.approx(misses, abs=1e-15)


@given(cases(), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_order_and_a_rising_transform_change_nothing(case: tuple[Floats, Bools], seed: int) -> None:
    scores, mated = case
    rng = np.random.default_rng(seed)
    rows, columns = rng.permutation(len(scores)), rng.permutation(scores.shape[1])
    cells = np.ix_(rows, columns)
    moved = np.where(scores > -INF, np.exp(scores / 3) - 2, -INF)[cells]
    for target in (0.0, 0.3, 1.0):
        for rank in (1, 3):
            before = fnir_at_fpir(Searches.of(scores, mated), target, rank)
            assert fnir_at_fpir(Searches.of(moved, mated[cells]), target, rank) == before


@given(cases(), st.integers(0, 7))
@settings(deadline=None)
def test_refusing_a_mated_search_never_helps(case: tuple[Floats, Bools], which: int) -> None:
    scores, mated = case
    with_mate = np.flatnonzero(mated.any(axis=1))
    refused = scores.copy()
    refused[with_mate[which % len(with_mate)]] = -INF
    before, after = Searches.of(scores, mated), Searches.of(refused, mated)
    for target in (0.0, 0.3, 1.0):
        assert fnir_at_fpir(after, target, 1) >= fnir_at_fpir(before, target, 1)


@given(cases(), st.integers(0, 7))
@settings(deadline=None)
def test_refusing_any_search_never_helps_where_refusals_are_accused(
    case: tuple[Floats, Bools], which: int
) -> None:
    scores, mated = case
    refused = scores.copy()
    refused[which % len(scores)] = -INF
    before = Searches.of(scores, mated).refusals_accused()
    after = Searches.of(refused, mated).refusals_accused()
    for target in (0.0, 0.3, 0.9):
        for rank in (1, 3):
            assert fnir_at_fpir(after, target, rank) >= fnir_at_fpir(before, target, rank)
    for threshold in THRESHOLDS:
        assert fpir(after, threshold) >= fpir(before, threshold)


def test_by_the_definition_a_refused_non_mated_search_is_no_false_positive_but_is_counted() -> None:
    scores = np.array([[0.7, 0.1], [0.9, 0.2], [0.3, 0.2]])
    mated = np.array([[True, False], [False, False], [False, False]])
    searches = Searches.of(scores, mated)
    assert (fpir(searches, 0.5), fnir_at_fpir(searches, 0.0, 1)) == (0.5, 1.0)
    scores[1] = -INF
    refused = Searches.of(scores, mated)
    # This is the price that the head of the file names, and what accusing refusals is for.
    assert (fpir(refused, 0.3), fnir_at_fpir(refused, 0.0, 1)) == (0.5, 0.0)
    assert fnir_at_fpir(refused.refusals_accused(), 0.0, 1) == 1.0
    assert fpir(refused.refusals_accused(), INF) == 0.5


def test_a_top_score_of_somebody_else_is_no_identification() -> None:
    scores, mated = np.array([[0.9, 0.8], [0.1, 0.2]]), np.array([[False, True], [False, False]])
    searches = Searches.of(scores, mated)
    assert (fnir_at_fpir(searches, 0.0, 1), fnir_at_fpir(searches, 0.0, 2)) == (1.0, 0.0)


def test_a_mate_tied_with_a_non_mate_is_not_at_rank_one_wherever_it_stands() -> None:
    for columns in ([0, 1], [1, 0]):
        searches = Searches.of(
            np.array([[0.8, 0.8]])[:, columns], np.array([[True, False]])[:, columns]
        )
        assert (fnir(searches, 1, 0.5), fnir(searches, 2, 0.5)) == (1.0, 0.0)


def test_an_oracle_is_perfect_and_a_constant_scorer_never_identifies() -> None:
    mated = np.zeros((30, 20), bool)
    mated[np.arange(15), np.arange(15)] = True
    oracle = Searches.of(mated.astype(float), mated)
    assert fnir_at_fpir(oracle, 0.0, 1) == 0.0
    constant = Searches.of(np.full(mated.shape, 0.5), mated)
    for target in (0.0, 0.99):
        assert fnir_at_fpir(constant, target, 20) == 1.0
    assert (fnir_at_fpir(constant, 1.0, 19), fnir_at_fpir(constant, 1.0, 20)) == (1.0, 0.0)
    assert open_set_curve(constant, 20).fpir.tolist() == [1.0, 0.0]


def test_a_random_scorer_finds_as_much_as_chance() -> None:
    """At FPIR x with one mate in G, rank 1: the mate is first and above the bar."""
    rng = np.random.default_rng(5)
    searches, gallery, target = 20000, 10, 0.3
    mated = np.zeros((2 * searches, gallery), bool)
    mated[:searches, 0] = True
    found = fnir_at_fpir(Searches.of(rng.random(mated.shape), mated), target, 1)
    # The largest of G uniform scores exceeds the bar with probability x, and is the mate's in 1/G.
    assert found == pytest.approx(1 - target / gallery, abs=4 * math.sqrt(0.03 / searches))


def test_a_duplicated_set_of_searches_has_the_same_rates() -> None:
    rng = np.random.default_rng(2)
    scores, mated = rng.integers(0, 9, (20, 6)).astype(float), rng.random((20, 6)) < 0.1
    once = Searches.of(scores, mated)
    twice = Searches.joined([once, once])
    for target in (0.0, 0.1, 0.5):
        assert fnir_at_fpir(twice, target, 1) == fnir_at_fpir(once, target, 1)


def test_blocks_of_probes_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(1)
    scores, mated = rng.integers(0, 9, (50, 7)).astype(np.float32), rng.random((50, 7)) < 0.1
    whole = Searches.of(scores, mated)
    monkeypatch.setattr(open_set, "_BLOCK", 21)
    parts = [Searches.of(scores[i : i + 8], mated[i : i + 8]) for i in range(0, 50, 8)]
    for other in (Searches.of(scores, mated), Searches.joined(parts)):
        np.testing.assert_array_equal(other.ranks, whole.ranks)
        np.testing.assert_array_equal(other.mate, whole.mate)
        np.testing.assert_array_equal(other.rival, whole.rival)


@pytest.mark.parametrize(
    ("mates", "tops", "dir_expected", "far_expected"),
    [
        ([1, 1, 1, 1, 1, 1, 1], [0, 0], 1.0, 0.0),
        ([1, 1, 1, 1, 1, 1, -0.1], [0, 0], 6 / 7, 0.0),
        ([1, 1, 1, 1, 1, 1, -0.1], [0, 10], 6 / 7, 0.5),
    ],
)
def test_the_open_set_rates_of_bob_measure_are_reproduced(
    mates: list[float], tops: list[float], dir_expected: float, far_expected: float
) -> None:
    # bob.measure 6.1.1 (BSD-3-Clause), tests/data/test{0,1,2}-open-set.hdf5, threshold 0.5.
    mate = np.array([*mates, -INF, -INF])
    ranks = np.array([1 if m > 0 else 3 for m in mates] + [NO_MATE] * 2)
    searches = Searches(ranks, mate, np.array([0.0] * len(mates) + tops))
    assert 1 - fnir(searches, 1, 0.5) == pytest.approx(dir_expected)
    assert fpir(searches, 0.5) == far_expected


def test_a_rate_without_searches_is_nan() -> None:
    mated_only = Searches.of(np.array([[0.9]]), np.array([[True]]))
    nonmated_only = Searches.of(np.array([[0.9]]), np.array([[False]]))
    nothing = Searches.joined([])
    assert fnir(mated_only, 1, 0.5) == 0.0
    assert math.isnan(fpir(mated_only, 0.5))
    assert math.isnan(fnir(nonmated_only, 1, 0.5))
    assert fpir(nonmated_only, 0.5) == 1.0
    for searches in (mated_only, nonmated_only, nothing):
        assert math.isnan(fnir_at_fpir(searches, 0.1, 1))
    assert np.isnan(open_set_curve(nothing, 1).fnir).all()
    empty_gallery = Searches.of(np.zeros((2, 0)), np.zeros((2, 0), bool))
    assert empty_gallery.ranks.tolist() == [NO_MATE, NO_MATE]
    assert fpir(empty_gallery, 0.5) == 0.0


def test_a_thinned_curve_keeps_its_ends() -> None:
    rng = np.random.default_rng(0)
    mated = np.zeros((400, 5), bool)
    mated[:200, 0] = True
    curve = open_set_curve(Searches.of(rng.random(mated.shape), mated), 1)
    few = curve.thinned(20)
    assert len(few.threshold) <= 20 < len(curve.threshold)
    assert (few.fpir[0], few.fnir[-1]) == (curve.fpir[0], curve.fnir[-1])


def test_sums_that_contradict_themselves_are_refused() -> None:
    def made(ranks: list[int], mate: list[float], rival: list[float]) -> Searches:
        return Searches(np.array(ranks), np.array(mate), np.array(rival))

    with pytest.raises(ValueError, match="one shape"):
        made([1], [0.9, 0.8], [0.1])
    with pytest.raises(ValueError, match="from 1"):
        made([-1], [0.9], [0.1])
    with pytest.raises(ValueError, match="NaN"):
        made([1], [0.9], [math.nan])
    with pytest.raises(ValueError, match=r"\+inf"):
        made([1], [INF], [0.1])
    with pytest.raises(ValueError, match="where it has a rank"):
        made([MISS], [0.9], [0.1])
    with pytest.raises(ValueError, match="where it has a rank"):
        made([NO_MATE], [0.9], [0.1])
    with pytest.raises(ValueError, match="rank 1"):
        made([1], [0.9], [0.9])
    with pytest.raises(ValueError, match="rank 1"):
        made([2], [0.9], [0.1])


@pytest.mark.parametrize("bad", [np.nan, INF])
@pytest.mark.parametrize("column", [0, 1])
def test_scores_that_are_no_scores_are_refused(bad: float, column: int) -> None:
    scores = np.array([[0.1, 0.2]])
    scores[0, column] = bad
    for mated in ([True, False], [False, False]):
        with pytest.raises(ValueError, match="found NaN"):
            Searches.of(scores, np.array([mated]))


def test_inputs_that_do_not_fit_are_refused() -> None:
    searches = Searches.of(np.array([[0.9]]), np.array([[True]]))
    with pytest.raises(ValueError, match="one shape"):
        Searches.of(np.zeros((2, 3)), np.zeros((3, 2), bool))
    with pytest.raises(ValueError, match="bool"):
        Searches.of(np.zeros((2, 3)), np.zeros((2, 3)))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="from 1"):
        fnir(searches, 0, 0.5)
    with pytest.raises(ValueError, match="threshold is NaN"):
        fpir(searches, math.nan)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        fnir_at_fpir(searches, 1.5, 1)


def test_the_id_of_the_metric_prints_and_parses() -> None:
    assert str(Metric.parse("fnir@fpir=0.01,rank=1")) == "fnir@fpir=0.01,rank=1"
