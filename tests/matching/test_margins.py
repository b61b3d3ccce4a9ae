"""What a stream keeps for intervals: counts of each probe and reference, and the highest scores."""

from __future__ import annotations

import numpy as np
import pytest

from harness.matching import MatchResult, match
from harness.matching.margins import HIGHEST, MarginCollector
from harness.matching.product import COLUMN_STEP, ROW_STEP, product_for
from harness.matching.tiles import NumpyTile
from harness.metrics.reached import Reached
from harness.statistics import error_rates
from harness.statistics.error_rates import Measure, bootstrap_measures, drawn_by_margins
from tests.matching.worlds import World, identities, scores_of

ASKED = [Measure("eer"), Measure("fnmr", 0.2), Measure("fnmr", 0.001)]


@pytest.fixture(scope="module")
def world() -> World:
    return identities(3, 500, 700, dimension=24, count=90, noise=1.6)


def streamed(world: World, **options: object) -> MatchResult:
    return match(
        world.probes,
        world.references,
        world.mated,
        fmrs=(0.2, 0.001),
        eer=True,
        bins=4096,
        margins=True,
        **options,  # type: ignore[arg-type]
    )


def owners(world: World) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Number the identities that mates connect; all others are their own."""
    number = np.arange(len(world.probes) + len(world.references))
    for probe, reference in world.mated:
        one, other = number[probe], number[len(world.probes) + reference]
        number[number == max(one, other)] = min(one, other)
    _, number = np.unique(number, return_inverse=True)
    probes, references = np.split(number, [len(world.probes)])
    return probes[world.mated[:, 0]], probes, references


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("failing", [False, True])
def test_counts_are_those_of_the_matrix(world: World, threads: int, failing: bool) -> None:
    lost = np.zeros(500, np.bool_), np.zeros(700, np.bool_)
    if failing:
        lost[0][::7] = lost[1][5::9] = True
    order = np.random.default_rng(0).permutation(700)
    found = streamed(
        world, failed_probes=lost[0], failed_references=lost[1], threads=threads, order=order
    ).margins
    assert found is not None
    assert 1 <= len(found.marks) <= 3
    scores = scores_of(world.probes, world.references).copy()
    scores[world.truth | lost[0][:, np.newaxis] | lost[1]] = -np.inf
    for i, mark in enumerate(found.marks):
        assert found.probes[:, i].tolist() == (scores >= mark).sum(axis=1).tolist()
        assert found.references[:, i].tolist() == (scores >= mark).sum(axis=0).tolist()
    assert found.compared_probes.tolist() == (scores > -np.inf).sum(axis=1).tolist()
    assert found.compared_references.tolist() == (scores > -np.inf).sum(axis=0).tolist()


def test_counts_of_parts_add_up(world: World) -> None:
    marks = np.array([0.0, 0.3], np.float32)
    multiply, _ = product_for(24)
    whole, parts = MarginCollector.over(marks, 48, 96), MarginCollector.over(marks, 48, 96)
    for collector, width in ((whole, 96), (parts, 48)):
        for start in range(0, 96, width):
            one = collector.empty_copy()
            tile = NumpyTile(multiply, 10 * ROW_STEP, 10 * COLUMN_STEP)
            left = np.zeros((ROW_STEP * -(-48 // ROW_STEP), 24), np.float32)
            left[:48] = world.probes[:48]
            right = np.zeros((24, COLUMN_STEP * -(-width // COLUMN_STEP)), np.float32)
            right[:, :width] = world.references[start : start + width].T
            tile.fill(left, right, 48, width)
            one.take(tile, tile.row_max(), 0, start)
            collector.join(one)
    assert whole.probes.tolist() == parts.probes.tolist()
    assert whole.references.tolist() == parts.references.tolist()
    scores = scores_of(world.probes, world.references)[:48, :96]
    assert whole.probes[:, 1].tolist() == (scores >= marks[1]).sum(axis=1).tolist()


def test_the_rows_of_a_high_tile_are_counted_beyond_a_byte() -> None:
    multiply, _ = product_for(8)
    tile = NumpyTile(multiply, 480, 10 * COLUMN_STEP)
    ones = np.zeros((480, 8), np.float32)
    ones[:, 0] = 1
    tile.fill(ones, np.ascontiguousarray(ones[:COLUMN_STEP].T), 470, 60)
    rows, columns = tile.margins(np.float32(0.5))
    assert rows.tolist() == [60] * 470
    assert columns.tolist() == [470] * 60


def test_how_many_scores_are_above_each_mated_one_is_nearly_known(world: World) -> None:
    found = streamed(world)
    scores = scores_of(world.probes, world.references)
    wanted = Reached.of(scores[world.truth], [scores[~world.truth]])
    near = found.reached()
    assert near.m == wanted.m
    assert near.n == wanted.n
    high = wanted.reaching < len(found.top[0])
    assert high.sum() > 10
    assert near.reaching[high].tolist() == wanted.reaching[high].tolist()
    np.testing.assert_allclose(near.reaching, wanted.reaching, rtol=0.02, atol=3)


def test_intervals_are_those_of_kept_scores(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    found = streamed(world)
    mated, probes, references = owners(world)
    rates = found.rates(mated, probes, references)
    assert rates is not None
    values = [found.eer, found.fnmr_at_fmr(0.2), found.fnmr_at_fmr(0.001)]
    drawn = drawn_by_margins(ASKED, rates, values=values, replicates=300)
    scores = scores_of(world.probes, world.references)
    row, column = np.nonzero(~world.truth)
    monkeypatch.setattr(error_rates, "ONE_BY_ONE", 0)
    kept = bootstrap_measures(
        ASKED,
        scores[tuple(world.mated.T)],
        mated,
        scores[row, column],
        probes[row],
        references[column],
        replicates=300,
    )
    for value, one, other in zip(values, drawn, kept, strict=True):
        assert value is not None
        assert one.low <= value <= one.high
        assert one.method == other.method
        width = other.high - other.low
        assert (one.low, one.high) == pytest.approx((other.low, other.high), abs=0.15 * width)


def test_without_counts_there_are_no_rates(world: World) -> None:
    found = match(world.probes, world.references, world.mated, eer=True, bins=64)
    assert found.margins is None
    assert found.rates(*owners(world)) is None


def test_the_highest_comparisons_are_kept(world: World) -> None:
    found = streamed(world)
    assert found.tail is not None
    assert HIGHEST <= len(found.tail.scores) <= 2 * HIGHEST
    scores = np.sort(scores_of(world.probes, world.references)[~world.truth])[::-1]
    assert found.tail.scores.tolist() == scores[: len(found.tail.scores)].tolist()
