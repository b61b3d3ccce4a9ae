"""Streaming gives the numbers of the whole matrix of scores, by the functions of metrics."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.matching import MatchResult, budget, match, windows
from harness.matching.sampling import Sample
from harness.metrics import identification, verification
from harness.metrics.open_set import Searches
from tests.matching.worlds import Bools, Floats, World, corners, identities, scores_of

FMRS = (0.3, 0.1, 0.01, 1e-3, 1e-6, 0.0, 1.0)
ASKED: dict[str, Any] = {"fmrs": FMRS, "eer": True, "candidates": 30, "tail": 200, "bins": 64}

WORLDS: dict[str, Callable[[], World]] = {
    "identities": lambda: identities(0, 620, 2300, dimension=32, count=400, noise=1.2),
    "hopeless": lambda: identities(1, 500, 2000, dimension=16, count=300, noise=50.0),
    "ties": lambda: corners(2, 700, 2100, dimension=9),
    "low": lambda: identities(3, 40, 5000, dimension=8, count=60, noise=0.7),
    "high": lambda: identities(4, 1500, 90, dimension=8, count=60, noise=0.7),
    "tiny": lambda: identities(5, 3, 4, dimension=2, count=2, noise=0.5),
}


def check(found: MatchResult, world: World, scores: Floats, order: npt.NDArray[Any]) -> None:
    """Compare with the matrix, in which ``-inf`` is a failure."""
    truth = world.truth
    usable = scores > -np.inf
    mated = scores[world.mated[:, 0], world.mated[:, 1]]
    nonmated = scores[~truth & usable]
    assert np.array_equal(found.ranks, identification.mate_ranks(scores, truth))
    expected = identification.average_precision(scores, truth)
    np.testing.assert_allclose(found.precision, expected, rtol=1e-13)
    assert np.array_equal(found.mates, truth.sum(axis=1))
    assert np.array_equal(found.mated_scores, mated)
    assert found.nonmated_count == nonmated.size
    assert np.array_equal(
        found.best_mate, np.where(truth, scores, -np.inf).max(axis=1, initial=-np.inf)
    )
    assert np.array_equal(
        found.best_nonmate, np.where(truth, -np.inf, scores).max(axis=1, initial=-np.inf)
    )
    Searches(found.ranks, found.best_mate, found.best_nonmate)  # consistent in itself
    listed = order[np.argsort(-scores[:, order], axis=1, kind="stable")][:, :30]
    length = listed.shape[1]
    assert np.array_equal(found.candidate_references[:, :length], listed)
    assert np.array_equal(
        found.candidate_scores[:, :length], np.take_along_axis(scores, listed, axis=1)
    )
    assert np.all(found.candidate_references[:, length:] == -1)
    for fmr in FMRS:
        assert found.score_to_exceed[fmr] == verification.score_to_exceed(nonmated, fmr)
        assert found.fnmr_at_fmr(fmr) == verification.fnmr_at_fmr(mated, nonmated, fmr)
    assert found.eer == verification.eer(mated, nonmated)
    check_tail(found, scores, truth)
    assert found.histogram is not None
    for first in range(len(found.histogram.counts)):
        at_least = np.count_nonzero(nonmated >= found.histogram.threshold[first])
        assert found.histogram.counts[first:].sum() == at_least
    curve = found.error_curve(60)
    assert 3 <= len(curve.threshold) <= 60
    for threshold, fmr, fnmr in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True):
        assert fmr == np.mean(nonmated >= threshold)
        assert fnmr == np.mean(mated < threshold)


def check_tail(found: MatchResult, scores: Floats, truth: Bools) -> None:
    assert found.tail is not None
    tail, highest = found.tail, np.sort(scores[~truth])[::-1]
    assert np.array_equal(tail.scores, highest[highest >= tail.floor])
    assert np.array_equal(tail.scores, scores[tail.probes, tail.references])
    assert not truth[tail.probes, tail.references].any()
    assert len(tail.scores) <= 2 * 200


@pytest.mark.parametrize("name", WORLDS)
def test_streaming_gives_the_numbers_of_the_whole_matrix(name: str) -> None:
    world = WORLDS[name]()
    found = match(world.probes, world.references, world.mated, **ASKED)
    order = np.arange(len(world.references))
    check(found, world, scores_of(world.probes, world.references), order)
    assert found.passes == 1


@pytest.mark.parametrize("name", ["identities", "ties"])
@pytest.mark.parametrize("threads", [1, 3])
def test_a_small_budget_takes_more_passes_and_gives_the_same_numbers(
    name: str, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WORLDS[name]()
    meagre = budget.Shares(columns=768, capacity=512, sample=20_000)
    monkeypatch.setattr("harness.matching.search.share_out", lambda *_, **__: meagre)
    found = match(world.probes, world.references, world.mated, threads=threads, **ASKED)
    order = np.arange(len(world.references))
    check(found, world, scores_of(world.probes, world.references), order)


def test_a_misleading_sample_costs_passes_and_no_number_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    world = WORLDS["identities"]()
    meagre = budget.Shares(columns=2304, capacity=5000, sample=20_000)
    monkeypatch.setattr("harness.matching.search.share_out", lambda *_, **__: meagre)
    fair = Sample.__init__

    def biased(self: Sample, blocks: list[Floats]) -> None:
        fair(self, [(block / 2 + 0.3).astype(np.float32) for block in blocks])

    monkeypatch.setattr(Sample, "__init__", biased)
    found = match(world.probes, world.references, world.mated, **(ASKED | {"tail": 0}))
    assert found.passes > 1
    scores = scores_of(world.probes, world.references)
    assert found.eer == verification.eer(scores[world.truth], scores[~world.truth])
    for fmr in FMRS:
        bar = verification.score_to_exceed(scores[~world.truth], fmr)
        assert found.score_to_exceed[fmr] == bar


def test_failures_are_misses_and_non_matches_and_stand_last_in_lists() -> None:
    world = WORLDS["identities"]()
    rng = np.random.default_rng(0)
    probes, references = rng.random(620) < 0.1, rng.random(2300) < 0.2
    world.probes[probes], world.references[references] = np.nan, np.inf  # never looked at
    order = rng.permutation(2300)
    found = match(
        world.probes,
        world.references,
        world.mated,
        failed_probes=probes,
        failed_references=references,
        order=order,
        **ASKED,
    )
    scores = np.full((620, 2300), -np.inf, np.float32)
    kept = order[~references[order]]
    scores[np.ix_(~probes, kept)] = scores_of(world.probes[~probes], world.references[kept])
    check(found, world, scores, order)


@given(
    st.integers(0, 2**32 - 1),
    st.tuples(st.integers(1, 250), st.integers(1, 450)),
    st.integers(1, 8),
    st.sampled_from([0.0, 0.3]),
)
@settings(deadline=None, max_examples=25)
def test_small_cases_full_of_ties_and_failures_agree_with_the_matrix(
    seed: int, shape: tuple[int, int], dimension: int, failing: float
) -> None:
    world = corners(seed, *shape, dimension=dimension)
    rng = np.random.default_rng(seed)
    failed = [rng.random(size) < failing for size in shape]
    order = rng.permutation(shape[1])
    meagre = budget.Shares(columns=192, capacity=64, sample=2000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("harness.matching.search.share_out", lambda *_, **__: meagre)
        found = match(
            world.probes,
            world.references,
            world.mated,
            failed_probes=failed[0],
            failed_references=failed[1],
            order=order,
            **ASKED,
        )
    # Sums of a few sixteenths are exact, whatever the product.
    scores = np.clip(world.probes @ world.references.T, -1, 1)
    scores[failed[0]] = scores[:, failed[1]] = -np.inf
    if found.nonmated_count and len(world.mated):
        check(found, world, scores, order)
    assert np.array_equal(found.ranks, identification.mate_ranks(scores, world.truth))


def test_everything_failed_is_no_crash_and_no_credit() -> None:
    world = WORLDS["tiny"]()
    for side in ("failed_probes", "failed_references"):
        size = len(world.probes) if side == "failed_probes" else len(world.references)
        failed: dict[str, Any] = {side: np.ones(size, np.bool_)}
        found = match(world.probes, world.references, world.mated, **failed, **ASKED)
        has_mate = world.truth.any(axis=1)
        assert np.all(found.ranks[has_mate] == identification.MISS)
        assert np.all(found.ranks[~has_mate] == identification.NO_MATE)
        assert found.nonmated_count == 0
        assert found.eer is not None
        assert math.isnan(found.eer)
        assert math.isnan(found.fnmr_at_fmr(0.1))


def test_a_constant_scorer_is_at_chance() -> None:
    ones = np.tile(np.array([0.6, 0.8], np.float32), (600, 1))
    mated = np.stack([np.arange(600), np.arange(600)], axis=1)
    found = match(ones, ones, mated, **ASKED)
    assert found.ranks.tolist() == [600] * 600
    assert found.eer == 0.5
    assert found.candidate_references[7].tolist() == list(range(30))
    assert found.tail is not None
    assert found.tail.floor > found.mated_scores[0]
    assert len(found.tail.scores) == 0


def test_without_pairs_there_are_searches_and_no_rates() -> None:
    world = WORLDS["tiny"]()
    found = match(world.probes, world.references, np.empty((0, 2), np.int64), **ASKED)
    assert found.ranks.tolist() == [identification.NO_MATE] * 3
    assert found.eer is not None
    assert math.isnan(found.eer)
    assert math.isnan(found.fnmr_at_fmr(0.1))
    assert np.isnan(found.precision).all()


def test_scores_do_not_depend_on_threads_budget_or_neighbours() -> None:
    world = identities(6, 1000, 4100, dimension=48, count=300, noise=1.0)
    whole = match(world.probes, world.references, world.mated, **ASKED)
    spare = 90 << 20
    small = match(world.probes, world.references, world.mated, memory=spare, threads=1, **ASKED)
    for name in ("mated_scores", "best_nonmate", "candidate_scores", "candidate_references"):
        assert np.array_equal(getattr(whole, name), getattr(small, name))
    assert whole.eer == small.eer
    if not whole.place_free:
        pytest.skip("this BLAS rounds by place: other neighbours may change the last bit")
    few = world.mated[:, 0] < 100
    part = match(world.probes[:100], world.references, world.mated[few], **ASKED)
    assert np.array_equal(part.mated_scores, whole.mated_scores[few])
    assert np.array_equal(part.candidate_scores, whole.candidate_scores[:100])


def test_equal_templates_tie_wherever_they_stand() -> None:
    rng = np.random.default_rng(3)
    one = identities(3, 1, 1, dimension=100, count=1, noise=0.5)
    probes = np.tile(one.probes, (300, 1))
    references = rng.standard_normal((4000, 100)).astype(np.float32) / 40
    mates = np.sort(rng.choice(4000, 300, replace=False))
    copies = np.setdiff1d(rng.choice(4000, 50, replace=False), mates)
    references[mates] = references[copies] = one.references[0]
    mated = np.stack([np.arange(300), mates], axis=1)
    found = match(probes, references, mated)
    if not found.place_free:
        pytest.skip("this BLAS rounds by place: equal templates may differ in the last bit")
    # 299 mates of other probes and all copies tie with the mate, against it.
    assert np.all(found.ranks >= 1 + 299 + len(copies))


@pytest.mark.parametrize(
    ("change", "blamed"),
    [
        ({"mated": np.array([[0, 9]])}, "does not exist"),
        ({"mated": np.array([[0, -1]])}, "does not exist"),
        ({"mated": np.array([[0, 1], [0, 1]])}, "twice"),
        ({"mated": np.array([0, 1])}, "shape"),
        ({"mated": np.array([[0.0, 1.0]])}, "whole numbers"),
        ({"probes": np.zeros((3, 5), np.float32)}, "dimensions"),
        ({"probes": np.zeros((3, 2), np.int64)}, "floating point"),
        ({"probes": np.full((3, 2), np.nan, np.float32)}, "NaN or infinity"),
        ({"references": np.full((4, 2), np.inf, np.float32)}, "NaN or infinity"),
        ({"failed_probes": np.zeros(4, np.bool_)}, "failed_probes"),
        ({"failed_references": np.zeros(4)}, "failed_references"),
        ({"order": np.array([0, 1, 2, 2])}, "every reference once"),
        ({"fmrs": (1.5,)}, "lies in"),
        ({"bins": 3}, "at least 16"),
        ({"memory": 1 << 20}, "are needed"),
    ],
)
def test_what_cannot_be_matched_is_refused_with_its_reason(
    change: dict[str, Any], blamed: str
) -> None:
    world = WORLDS["tiny"]()
    given: dict[str, Any] = {
        "probes": world.probes,
        "references": world.references,
        "mated": world.mated,
    }
    given |= change
    with pytest.raises(ValueError, match=blamed):
        match(given.pop("probes"), given.pop("references"), given.pop("mated"), **given)


def test_windows_that_narrow_stay_exact() -> None:
    rng = np.random.default_rng(0)
    scores = rng.standard_normal(20_000).astype(np.float32).round(3)
    whole = [windows.Window(-1.0, 2.0, 0.5, 64) for _ in range(2)]
    for i, part in enumerate(np.split(scores, 200)):
        window = whole[i % 2]
        inside = part[(part >= window.low) & (part <= window.high)]
        window.add(int(np.count_nonzero(part > window.high)), inside)
    window = windows.joined(whole)
    kept, counts = window.kept()
    assert window.low <= 0.5 <= window.high
    assert window.above == np.count_nonzero(scores > window.high)
    inside = scores[(scores >= window.low) & (scores <= window.high)]
    assert np.array_equal(np.repeat(kept, counts), np.sort(inside))
    for errors in range(0, 20_000, 171):
        bar = np.sort(scores)[::-1][errors]
        found = window.bar(errors)
        if bar < window.low:
            assert found is windows.Side.BELOW
        elif bar > window.high:
            assert found is windows.Side.ABOVE
        else:
            assert found == bar
