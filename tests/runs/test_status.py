"""How far runs are, from their files alone."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest

from harness.errors import DataError, RunFailed
from harness.execution.claims import CLAIM, SILENT, Claim, claimed, read_claim
from harness.execution.doing import Event, Stopped
from harness.execution.matched import do_claimed
from harness.execution.unit import Training, Unit
from harness.matching.rows import vector_files
from harness.matching.sharded import Shards
from harness.runs.status import Status, status_of, status_of_matching, write_plan
from tests.conftest import Ran, run_harness

Command = Callable[..., Ran]


def unit(name: str, *, learns: bool = False) -> Unit:
    return Unit(
        name=name,
        ability="Matcher",
        algorithm="some",
        file="/nowhere/some.py",
        attribute="",
        module="",
        parameters={},
        pictures={},
        training=Training([]) if learns else None,
        extract=["a"] if learns else [],
    )


@pytest.fixture
def begun(tmp_path: Path) -> Path:
    """A run of ten units in two waves: four done on two machines, one at work, one failed."""
    run = tmp_path / "runs" / "similarity" / "some-0123456789"
    run.mkdir(parents=True)
    waves = [[unit("model-1", learns=True)], [unit(f"fold-{i}") for i in range(1, 10)]]
    write_plan(run, waves, 2)
    steps = [("model-1", step, 20.0, "n1") for step in ("model", "templates", "scores")]
    steps += [(f"fold-{i}", "scores", 10.0, f"n{i}") for i in range(1, 4)]
    for name, step, seconds, host in steps:
        place = run / "units" / name / step
        place.mkdir(parents=True)
        (place / "step.json").write_text(json.dumps({"seconds": seconds, "host": host}))
    noted = {f"{name}/{step}": "00" for name, step, _, _ in steps[:-1]}
    (run / "journal.json").write_text(json.dumps(noted))
    # Of the last a worker elsewhere has said so, and nobody has taken it over.
    (run / "units/fold-3/journal.json").write_text(json.dumps({"fold-3/scores": "00"}))
    write_claim(run, "fold-4", Claim("n4", 77, 996.0, 1000.0, "", "score", 1, 4))
    write_claim(run, "fold-5", Claim("n5", 78, 996.0, 1000.0, failed="it broke"))
    return run


def write_claim(run: Path, name: str, claim: Claim) -> Path:
    place = run / "units" / name
    place.mkdir(parents=True, exist_ok=True)
    (place / CLAIM).write_bytes(msgspec.json.encode(claim))
    return place / CLAIM


def test_units_are_counted_by_state_and_machine_and_the_end_is_estimated(begun: Path) -> None:
    found = status_of(begun)
    assert (found.units, found.done, found.waiting) == (10, 4, 4)
    assert found.hosts == {"n1": 2, "n2": 1, "n3": 1}
    (running,), (failed,) = found.running, found.failed
    assert (running.unit, running.step, running.done, running.total) == ("fold-4", "score", 1, 4)
    assert running.seconds == 4, "by the clock of its machine, which may be any"
    assert (failed.unit, failed.failed) == ("fold-5", "it broke")
    # One at a time: 6 s of the one at work, 10 s for each of five others; fits do not count.
    assert found.seconds == pytest.approx(56, abs=1)


def test_who_was_not_heard_of_is_called_dead(begun: Path) -> None:
    file = begun / "units/fold-4" / CLAIM
    os.utime(file, (time.time() - 2 * SILENT,) * 2)
    assert status_of(begun).running[0].is_dead
    ran = run_harness("status", begun.parents[1])
    assert ran.code == 0
    assert "fold-4: score 25 % on n4, process 77" in ran.out
    assert "probably dead" in ran.out


def test_nothing_done_means_that_the_end_is_not_known(tmp_path: Path) -> None:
    write_plan(tmp_path, [[unit("fold-1"), unit("fold-2")]], 2)
    assert status_of(tmp_path).seconds is None
    assert "end not known yet" in run_harness("status", tmp_path).out


def test_the_command_says_it_in_words_and_for_machines(begun: Path) -> None:
    words = run_harness("status", begun.parents[1])
    assert words.code == 0, words.err
    assert "4 of 10 units done, 1 at work, 1 failed, 4 waiting; about" in words.out
    assert "n1: 2 done, 0 at work" in words.out
    assert "n4: 0 done, 1 at work" in words.out
    assert "fold-5: failed on n5: it broke" in words.out
    assert "0 finished, 1 unfinished" in words.out
    facts = run_harness("status", begun, "--json").json
    assert facts["finished"] == 0
    assert msgspec.convert(facts["unfinished"][0], Status).units == 10


@pytest.mark.parametrize(
    "plan",
    [
        "{",
        "[]",
        '{"waves": [[{"name": "../x", "steps": []}]], "workers": 1}',
        '{"waves": [[{"name": "..", "steps": ["a"]}]], "workers": 1}',
    ],
)
def test_a_plan_that_is_none_is_said_in_a_sentence(begun: Path, plan: str) -> None:
    (begun / "plan.json").write_text(plan)
    ran = run_harness("status", begun)
    assert ran.code == 0
    assert "plan.json" in ran.err
    assert "0 unfinished" in ran.out


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    ran = run_harness("status", tmp_path / "nowhere")
    assert ran.code == 2
    assert "there is no folder" in ran.err


def test_a_finished_run_is_counted_and_holds_nothing_of_its_progress(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    ran = harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set, "--json")
    )
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    assert not [*folder.rglob(CLAIM), *folder.rglob("plan.json")]
    assert harness("status").out.strip() == "1 finished, 0 unfinished"
    steps = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["steps"]
    assert {step["host"] for step in steps} == {os.uname().nodename}


def test_a_failed_unit_keeps_its_reason_and_one_that_was_stopped_none(tmp_path: Path) -> None:
    with pytest.raises(RunFailed), claimed(tmp_path / "a"):
        raise RunFailed("for this reason")
    claim = read_claim(tmp_path / "a")
    assert claim is not None
    assert claim.failed == "for this reason"
    with pytest.raises(Stopped), claimed(tmp_path / "b"):
        raise Stopped
    assert read_claim(tmp_path / "b") is None


def test_who_finds_another_s_claim_stops_and_leaves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("harness.execution.claims.BEAT", 0.01)
    lost: list[int] = []
    mine, theirs = "first", "second"
    with claimed(tmp_path, mine, lambda: lost.append(1)) as held:
        held.passing(lambda event: None)(Event("fold-1", "score", 1, 2))
        with claimed(tmp_path, theirs):
            until = time.monotonic() + 20
            while not lost and time.monotonic() < until:
                time.sleep(0.01)
            claim = read_claim(tmp_path)
            assert claim is not None
            assert claim.token == theirs
    assert lost == [1]
    assert read_claim(tmp_path) is None


def halted(folder: Path, last: str) -> Path:
    """A matching that did all units up to one, and stopped there."""
    rng = np.random.default_rng(0)
    for name, rows in (("P", 10), ("R", 5000)):
        np.save(folder / f"{name}.npy", rng.standard_normal((rows, 8)).astype(np.float32))
    work = folder / "runs" / "embeddings" / "vendor-0123456789.unfinished"

    def execute(what: str, folders: Sequence[Path]) -> None:
        for one in folders:
            if one.name == last:
                raise KeyboardInterrupt
            do_claimed(one)

    files = {side: vector_files(folder / f"{side}.npy", side) for side in ("P", "R")}
    shards = Shards(work, files["P"], files["R"], execute, memory=1 << 30, say=lambda text: None)
    looked = {side: shards.look(side) for side in ("probes", "references")}
    with pytest.raises(KeyboardInterrupt):
        shards.match(looked, np.array([[0, 0], [1, 7]]), shards=3, candidates=5)
    return work


def test_units_of_a_matching_are_counted_as_those_of_runs_are(tmp_path: Path) -> None:
    work = halted(tmp_path, "count-0-00000-00001")
    found = status_of_matching(work)
    # Probes and references were looked at, the mates of one block scored, one part compared.
    assert (found.units, found.done, found.waiting, found.note) == (6, 4, 2, "")
    assert found.hosts == {socket.gethostname(): 4}
    assert found.seconds is not None
    write_claim(work, "count-0-00000-00001", Claim("n4", 77, 996.0, 1000.0, "", "comparing", 1, 4))
    write_claim(work, "count-0-00000-00002", Claim("n5", 78, 996.0, 1000.0, failed="it broke"))
    ran = run_harness("status", tmp_path / "runs")
    assert "4 of 6 units done, 1 at work, 1 failed, 0 waiting; about" in ran.out
    assert "count-0-00000-00001: comparing 25 % on n4, process 77" in ran.out
    assert "count-0-00000-00002: failed on n5: it broke" in ran.out
    facts = run_harness("status", tmp_path / "runs", "--json").json
    assert msgspec.convert(facts["unfinished"][0], Status).done == 4


def test_a_matching_says_that_it_has_more_to_lay_out(tmp_path: Path) -> None:
    work = halted(tmp_path, "begin-00000")
    assert status_of_matching(work).note
    said = run_harness("status", tmp_path / "runs").out
    assert "2 of 3 units done, 0 at work, 0 failed, 1 waiting; what compares is laid out" in said


def test_a_result_of_another_unit_is_not_done_and_a_unit_that_failed_says_why(
    tmp_path: Path,
) -> None:
    work = halted(tmp_path, "count-0-00000-00001")
    unit_file = work / "units" / "begin-00000" / "unit.json"
    unit_file.write_bytes(unit_file.read_bytes() + b" ")
    assert status_of_matching(work).done == 3
    (tmp_path / "R.npy").write_bytes(b"")
    with pytest.raises(DataError):
        do_claimed(work / "units" / "count-0-00000-00001")
    assert [one.unit for one in status_of_matching(work).failed] == ["count-0-00000-00001"]
