"""Cut into units of work, matching gives the numbers of the whole matrix, byte for byte alike."""

from __future__ import annotations

import itertools
import os
import random
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import RunFailed, UsageError
from harness.execution.storage import save_matching
from harness.matching import MatchResult, match, units
from harness.matching.pool import Here
from harness.matching.product import COLUMNS
from harness.matching.rows import Rows, vector_file, vector_files
from harness.matching.sampling import Sample
from harness.matching.sharded import Execute, Shards, cut
from harness.metrics import identification, verification
from harness.metrics.open_set import Searches, fnir_at_fpir, open_set_eer
from tests.matching.worlds import Floats, World, corners, identities, scores_of

FMRS = (0.3, 0.1, 0.01, 1e-3, 1e-6, 0.0, 1.0)
WORLDS: dict[str, Callable[[], World]] = {
    "identities": lambda: identities(0, 620, 6100, dimension=32, count=900, noise=1.2),
    "hopeless": lambda: identities(1, 500, 4000, dimension=16, count=300, noise=50.0),
    "ties": lambda: corners(2, 700, 6000, dimension=9),
    "tiny": lambda: identities(5, 3, 4, dimension=2, count=2, noise=0.5),
}


def few() -> World:
    """As many tiles of references, for what does not depend on how many probes there are."""
    return identities(0, 60, 6100, dimension=32, count=90, noise=1.2)


def silent(what: str, done: int, total: int) -> None:
    """Hear nothing."""


def saved(world: World, folder: Path, files: int = 1) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    np.save(folder / "P.npy", world.probes)
    (folder / "R").mkdir(exist_ok=True)
    for i, part in enumerate(np.array_split(world.references, files)):
        np.save(folder / "R" / f"{i}.npy", part)


def matched(
    folder: Path,
    mated: Any,
    shards: int,
    execute: Execute | None = None,
    *,
    work: str = "work",
    say: Callable[[str], None] = lambda text: None,
    memory: int = 1 << 30,
    **asked: Any,
) -> MatchResult:
    one = Shards(
        folder / work,
        vector_files(folder / "P.npy", "probes"),
        vector_files(folder / "R", "references"),
        execute or Here(1, silent),
        memory=memory,
        say=say,
    )
    looked = {side: one.look(side) for side in ("probes", "references")}
    wanted: dict[str, Any] = {
        "fmrs": FMRS,
        "eer": True,
        "candidates": 30,
        "bins": 64,
        "margins": True,
    }
    wanted |= asked
    return one.match(looked, mated, shards=shards, **wanted)


def unit_vectors(folder: Path) -> tuple[Floats, Floats]:
    """Return the vectors as they are compared: scaled, in float32."""
    sides = []
    for files in (vector_files(folder / "P.npy", "p"), vector_files(folder / "R", "r")):
        rows = Rows(files)
        scale, _ = units._scales(rows[0 : len(rows)])
        sides.append(Rows(files, scale)[0 : len(rows)])
    return sides[0], sides[1]


def content(found: MatchResult, folder: Path) -> dict[str, bytes]:
    folder.mkdir(parents=True, exist_ok=True)
    save_matching(folder, found, {})
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def backwards(what: str, folders: Sequence[Path]) -> None:
    for folder in reversed(folders):
        units.do_one(folder)


def mixed(what: str, folders: Sequence[Path]) -> None:
    for folder in random.Random(7).sample(list(folders), len(folders)):
        units.do_one(folder)


def check(found: MatchResult, world: World, scores: Floats) -> None:
    """Compare with the matrix of scores, by brute force."""
    truth, lists = world.truth, 30
    mated, nonmated = scores[world.mated[:, 0], world.mated[:, 1]], scores[~truth]
    assert np.array_equal(found.ranks, identification.mate_ranks(scores, truth))
    expected = identification.average_precision(scores, truth)
    np.testing.assert_allclose(found.precision, expected, rtol=1e-13)
    assert np.array_equal(found.mated_scores, mated)
    assert found.nonmated_count == nonmated.size
    listed = np.argsort(-scores, axis=1, kind="stable")[:, :lists]
    assert np.array_equal(found.candidate_references[:, : listed.shape[1]], listed)
    in_lists = np.take_along_axis(scores, listed, axis=1)
    assert np.array_equal(found.candidate_scores[:, : listed.shape[1]], in_lists)
    assert np.all(found.candidate_references[:, listed.shape[1] :] == -1)
    assert found.eer == verification.eer(mated, nonmated)
    for fmr in FMRS:
        assert found.score_to_exceed[fmr] == verification.score_to_exceed(nonmated, fmr)
        assert found.fnmr_at_fmr(fmr) == verification.fnmr_at_fmr(mated, nonmated, fmr)
    assert found.histogram is not None
    for first in range(len(found.histogram.counts)):
        at_least = np.count_nonzero(nonmated >= found.histogram.threshold[first])
        assert found.histogram.counts[first:].sum() == at_least
    curve = found.error_curve(60)
    for threshold, fmr, fnmr in zip(curve.threshold, curve.fmr, curve.fnmr, strict=True):
        assert fmr == np.mean(nonmated >= threshold)
        assert fnmr == np.mean(mated < threshold)
    ours = Searches(found.ranks, found.best_mate, found.best_nonmate)
    theirs = Searches.of(scores, truth)
    for rank in (1, 5):
        assert open_set_eer(ours, rank) == pytest.approx(open_set_eer(theirs, rank), nan_ok=True)
        for fpir in (0.3, 0.01, 0.0):
            exact = fnir_at_fpir(theirs, fpir, rank)
            assert fnir_at_fpir(ours, fpir, rank) == pytest.approx(exact, abs=0, nan_ok=True)
    assert found.tail is not None
    highest = np.sort(nonmated)[::-1]
    assert np.array_equal(found.tail.scores, highest[highest >= found.tail.floor])
    assert np.array_equal(found.tail.scores, scores[found.tail.probes, found.tail.references])
    assert found.margins is not None
    for i, mark in enumerate(found.margins.marks):
        reached = (scores >= mark) & ~truth
        assert np.array_equal(found.margins.probes[:, i], reached.sum(axis=1))
        assert np.array_equal(found.margins.references[:, i], reached.sum(axis=0))
    assert np.array_equal(found.margins.compared_references, (~truth).sum(axis=0))


@pytest.mark.parametrize("name", WORLDS)
def test_any_cut_and_any_order_give_the_bytes_of_one_and_the_numbers_of_the_whole_matrix(
    name: str, tmp_path: Path
) -> None:
    world = WORLDS[name]()
    ways: list[tuple[int, int, Execute | None]] = [
        (1, 1, None),
        (3, 2, backwards),
        (7, 3, mixed),
        (64, 1, mixed),
    ]
    first: dict[str, bytes] = {}
    for shards, files, execute in ways:
        folder = tmp_path / f"{shards}"
        saved(world, folder, min(files, len(world.references)))
        found = matched(folder, world.mated, shards, execute, workers=3)
        bytes_of = content(found, folder / "out")
        first = first or bytes_of
        assert bytes_of == first
    check(found, world, scores_of(*unit_vectors(tmp_path / "1")))


def test_it_is_what_matching_in_one_process_gives(tmp_path: Path) -> None:
    world = WORLDS["identities"]()
    saved(world, tmp_path)
    found = matched(tmp_path, world.mated, 3)
    probes, references = unit_vectors(tmp_path)
    whole = match(probes, references, world.mated, fmrs=FMRS, eer=True, candidates=30)
    for name in ("ranks", "best_nonmate", "candidate_scores", "candidate_references"):
        assert np.array_equal(getattr(found, name), getattr(whole, name))
    assert found.score_to_exceed == whole.score_to_exceed
    assert found.eer == whole.eer


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 9), st.integers(0, 3))
def test_lists_and_counts_are_merged_alike_in_any_order(
    tmp_path_factory: pytest.TempPathFactory, seed: int, shards: int, failed: int
) -> None:
    world = corners(seed, 30, 3 * COLUMNS, dimension=4)
    rng = np.random.default_rng(seed)
    world.references[rng.permutation(len(world.references))[: failed * 40]] = np.nan
    world.probes[rng.permutation(30)[:failed]] = np.inf
    results = []
    for parts, how in ((1, None), (shards, mixed)):
        folder = tmp_path_factory.mktemp("world")
        saved(world, folder)
        found = matched(folder, world.mated, parts, how)
        results.append(content(found, folder / "out"))
    assert results[0] == results[1]


def test_windows_that_miss_and_overflow_cost_a_pass_and_no_number_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WORLDS["identities"]()
    saved(world, tmp_path)
    probes, references = unit_vectors(tmp_path)
    wanted = match(probes, references, world.mated, fmrs=FMRS, eer=True, candidates=30)
    fair = Sample.__init__

    def biased(self: Any, blocks: list[Floats]) -> None:
        fair(self, [(block / 2 + 0.3).astype(np.float32) for block in blocks])

    monkeypatch.setattr(Sample, "__init__", biased)
    names: list[str] = []

    def heard(what: str, folders: Sequence[Path]) -> None:
        names.extend(folder.name for folder in folders)
        backwards(what, folders)

    found = matched(tmp_path, world.mated, 3, heard)
    assert any(name.startswith("count-1-") for name in names)
    assert found.score_to_exceed == wanted.score_to_exceed
    assert found.eer == wanted.eer
    assert np.array_equal(found.ranks, wanted.ranks)


def damage(result: Path) -> None:
    raw = bytearray(result.read_bytes())
    raw[len(raw) // 2] ^= 1
    result.write_bytes(raw)


@pytest.mark.parametrize(
    "spoil",
    [
        damage,
        lambda result: result.unlink(),
        lambda result: result.write_bytes(result.read_bytes()[:100]),
        lambda result: result.with_name("done.json").write_text("{"),
        lambda result: result.with_name("done.json").unlink(),
    ],
)
def test_a_lost_or_damaged_result_is_named_and_made_again_alone(
    tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    world = few()
    saved(world, tmp_path)
    before = content(matched(tmp_path, world.mated, 3), tmp_path / "before")
    spoil(tmp_path / "work" / "units" / "count-0-00000-00001" / "result.npz")
    again: list[str] = []
    said: list[str] = []

    def heard(what: str, folders: Sequence[Path]) -> None:
        again.extend(folder.name for folder in folders)
        backwards(what, folders)

    found = matched(tmp_path, world.mated, 3, heard, say=said.append)
    assert again == ["count-0-00000-00001"]
    assert content(found, tmp_path / "after") == before
    kept = (tmp_path / "work" / "units" / "count-0-00000-00001" / "done.json").exists()
    assert kept
    assert all("count-0-00000-00001" in text for text in said)


def test_other_vectors_are_never_given_the_results_of_these(tmp_path: Path) -> None:
    world = few()
    saved(world, tmp_path)
    matched(tmp_path, world.mated, 2)
    world.references[5] = -world.references[5]
    saved(world, tmp_path)
    found = matched(tmp_path, world.mated, 2)
    check(found, world, scores_of(*unit_vectors(tmp_path)))


def test_a_unit_that_nobody_does_fails_the_matching_with_its_name(tmp_path: Path) -> None:
    world = WORLDS["tiny"]()
    saved(world, tmp_path)
    asked: list[str] = []

    def lost(what: str, folders: Sequence[Path]) -> None:
        asked.extend(folder.name for folder in folders)
        backwards(what, [folder for folder in folders if not folder.name.startswith("count")])

    with pytest.raises(RunFailed, match="count-0-00000-00000 could not be done in 2 tries"):
        matched(tmp_path, world.mated, 2, lost)
    assert asked.count("count-0-00000-00000") == 2


def test_what_a_process_held_before_for_other_ends_is_not_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WORLDS["tiny"]()
    saved(world, tmp_path)
    monkeypatch.setattr(units, "held_bytes", lambda: 5 << 30)
    matched(tmp_path, world.mated, 1)
    grows = itertools.count(5 << 30, 1 << 30)
    monkeypatch.setattr(units, "held_bytes", lambda: next(grows))
    with pytest.raises(UsageError, match="beside the 1324 MB that it holds"):
        matched(tmp_path, world.mated, 1, work="other")


def test_too_little_memory_is_said_with_what_would_do(tmp_path: Path) -> None:
    world = few()
    saved(world, tmp_path)
    with pytest.raises(UsageError, match=r"1 MB of memory for a worker are too little.*--memory"):
        matched(tmp_path, world.mated, 1, memory=1 << 20)


def test_a_unit_leaves_its_folder_and_needs_no_other_unit_but_those_before(tmp_path: Path) -> None:
    world = WORLDS["tiny"]()
    saved(world, tmp_path)
    matched(tmp_path, world.mated, 1)
    elsewhere = tmp_path / "moved"
    (tmp_path / "work").rename(elsewhere)
    folder = elsewhere / "units" / "count-0-00000-00000"
    before = (folder / "result.npz").read_bytes()
    units.do_one(folder)
    assert (folder / "result.npz").read_bytes() == before


@pytest.mark.parametrize(("references", "shards"), [(1, 5), (5 * COLUMNS + 1, 3), (10**8, 64)])
def test_parts_cover_the_gallery_and_end_where_tiles_do(references: int, shards: int) -> None:
    parts = cut(references, shards)
    assert parts[0][0] == 0
    assert parts[-1][1] == references
    assert all(before[1] == after[0] for before, after in itertools.pairwise(parts))
    assert all(low % COLUMNS == 0 for low, _ in parts)
    sizes = [high - low for low, high in parts]
    assert max(sizes) - min(sizes) <= 2 * COLUMNS


@pytest.mark.own_process
def test_processes_that_work_beside_each_other_give_the_same_bytes(tmp_path: Path) -> None:
    world = few()
    saved(world, tmp_path)
    one = content(matched(tmp_path, world.mated, 3), tmp_path / "one")
    pool = Here(2, silent)
    try:
        found = matched(tmp_path, world.mated, 3, pool, work="other")
    finally:
        pool.close()
    assert content(found, tmp_path / "two") == one


@pytest.mark.own_process
def test_a_process_that_is_killed_costs_its_unit_and_nothing_else(tmp_path: Path) -> None:
    world = few()
    saved(world, tmp_path)
    one = content(matched(tmp_path, world.mated, 4), tmp_path / "one")
    killed: list[int] = []

    def kill(what: str, done: int, total: int) -> None:
        if what == "comparing" and not done and not killed:
            killed.append(next(iter(pool._idle[0]._processes)))
            os.kill(killed[0], signal.SIGKILL)

    pool = Here(2, kill)
    try:
        found = matched(tmp_path, world.mated, 4, pool, work="other")
    finally:
        pool.close()
    assert len(killed) == 1
    assert content(found, tmp_path / "two") == one


def test_the_header_of_one_file_says_what_it_holds(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", np.asfortranarray(np.zeros((3, 4), np.float16)))
    file = vector_file(tmp_path / "v.npy")
    assert (file.rows, file.dimension, file.dtype, file.by_columns) == (3, 4, "<f2", True)
