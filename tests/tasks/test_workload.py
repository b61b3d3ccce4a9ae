"""What a run's searches cost, against its own ranks and candidate lists."""

from __future__ import annotations

import numpy as np
import pytest

from harness.metrics.identification import MISS
from harness.tasks import closed_set, open_set
from harness.tasks.answers import Answered
from harness.tasks.searches import FoldSearches
from harness.tasks.task import OperatingPoint
from harness.tasks.workload import MOST_OF_THEM, Workload, workload_of
from tests.tasks.drawn import answers, dataset, protocol


def parts_of(kind: str, failed: tuple[str, ...] = ()) -> list[FoldSearches]:
    task = open_set.TASK if kind == "open-set" else closed_set.TASK
    metric = "open-set-eer@rank=1" if kind == "open-set" else "hit-rate@rank=1"
    unknown = {"unknown": 0.25} if kind == "open-set" else {}
    asked = protocol(kind, [metric], folds={"draws": 4, **unknown})
    world = dataset([3] * 12)
    folds = task.lay_out(world, asked)
    run = Answered(folds, answers(folds, 5, failed), world.records, asked)
    parts: list[FoldSearches] = task.parts(run)
    return parts


def found_in(
    parts: list[FoldSearches], *points: OperatingPoint, depth: int | None = None
) -> Workload:
    found = workload_of(parts, points, depth=depth)
    assert found is not None
    return found


def test_every_length_costs_what_walking_down_the_lists_does() -> None:
    parts = parts_of("closed-set")
    found = found_in(parts)
    ranks = np.concatenate([part.ranks for part in parts])
    assert [one.length for one in found.lengths] == list(range(1, 13))
    for one in found.lengths:
        costs = [min(rank, one.length) for rank in ranks.tolist()]
        hits = sum(rank <= one.length for rank in ranks.tolist())
        assert one.viewed.value == pytest.approx(np.mean(costs))
        assert one.per_hit.value == pytest.approx(sum(costs) / hits)
        assert one.found.value == pytest.approx(hits / len(ranks))
        assert one.viewed.chance == pytest.approx(
            np.mean([min(k, one.length) for k in range(1, 13)])
        )
    last = found.lengths[-1]
    assert last.found.value == 1
    assert last.per_hit.value == last.viewed.value


def test_the_reach_is_read_from_the_ranks_and_saved_from_the_galleries() -> None:
    parts = parts_of("closed-set")
    most, every = found_in(parts).reaches
    ranks = np.sort(np.concatenate([part.ranks for part in parts]))
    length = next(k for k in range(1, 13) if np.mean(ranks <= k) >= MOST_OF_THEM)
    assert most.length.value == length
    assert most.saved == pytest.approx(1 - length / 12)
    assert most.length.low is not None
    assert most.length.low <= length
    assert most.length.high == 12
    assert every.length.value == ranks[-1]
    assert every.length.low is None
    assert every.beyond == pytest.approx(1 - 0.025 ** (1 / 12))


def test_a_search_without_a_template_costs_its_list_and_may_put_the_share_out_of_reach() -> None:
    lost = ("t01/00.png", "t01/01.png", "t01/02.png", "t02/00.png", "t02/01.png", "t02/02.png")
    parts = parts_of("closed-set", lost)
    found = found_in(parts)
    ranks = np.concatenate([part.ranks for part in parts])
    assert found.unfound == int((ranks == MISS).sum()) == 8
    most, every = found.reaches
    assert most.length.value is None
    assert most.saved is None
    assert every.length.value == ranks[ranks != MISS].max()
    assert found.lengths[-1].viewed.value == pytest.approx(np.minimum(ranks, 12).mean())


def test_beyond_the_end_of_lists_nothing_is_said() -> None:
    parts = parts_of("closed-set")
    whole, cut = found_in(parts), found_in(parts, depth=3)
    assert [one.length for one in cut.lengths] == [1, 2, 3]
    for ours, theirs in zip(cut.lengths, whole.lengths, strict=False):
        assert ours.viewed.value == theirs.viewed.value
    assert cut.reaches[1].length.value == 3
    assert cut.depth == 3


def test_candidates_above_a_threshold_are_counted_apart_for_both_kinds_of_search() -> None:
    parts = parts_of("open-set", ("t03/01.png",))
    found = found_in(parts, OperatingPoint(1, 0.4), OperatingPoint(5, 0.4), OperatingPoint(1))
    (one,) = found.thresholds
    counts: dict[bool, list[int]] = {True: [], False: []}
    for part in parts:
        for i, probe in enumerate(part.fold.probes):
            scores = part.scores[i]
            above = len(scores) if probe == "t03/01.png" else int((scores >= 0.4).sum())
            counts[bool(part.mates[i])].append(above)
    for estimate, own in ((one.mated, counts[True]), (one.nonmated, counts[False])):
        assert estimate is not None
        assert estimate.value == pytest.approx(np.mean(own))
        assert estimate.n == len(own)
        assert estimate.low is not None


def test_without_a_search_that_has_a_mate_there_is_no_workload() -> None:
    parts = parts_of("closed-set")
    for part in parts:
        part.ranks[:] = 0
    assert workload_of(parts) is None


def test_a_perfect_matcher_costs_one_candidate_and_says_so_without_an_interval() -> None:
    parts = parts_of("closed-set")
    for part in parts:
        part.ranks[:] = 1
    found = found_in(parts)
    assert {one.per_hit.value for one in found.lengths} == {1.0}
    assert found.lengths[0].per_hit.low is None
    assert "no interval: every draw of identities gives the same value" in (
        found.lengths[0].per_hit.flags
    )
    assert [one.length.value for one in found.reaches] == [1.0, 1.0]
