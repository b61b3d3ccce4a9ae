"""What is made of a cluster's word: workers that die, drop results, or are not alike."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import msgspec
import numpy as np
import pytest

from harness.api import Matcher
from harness.errors import RunFailed, UsageError
from harness.execution import keeping, storage
from harness.execution.claims import Held, read_claim
from harness.execution.cluster import carrying, there
from harness.execution.cluster.assignments import patiently, write_assignment
from harness.execution.cluster.carrying import Carrier
from harness.execution.cluster.connecting import Connection
from harness.execution.cluster.sameness import Expected, Question, Report
from harness.execution.cluster.settings import ClusterSettings
from harness.execution.cluster.there import Outcome
from harness.execution.doing import Event
from harness.execution.environment import Environment
from harness.execution.keeping import Workplace, is_done
from harness.execution.pool import Limits
from harness.execution.spot_checks import Checked
from harness.execution.unit import SCORES, Unit
from harness.plugins.description import describe

FILE = "/nowhere/some.py"
QUESTION = Question("some", FILE, "", "", "", {}, None, (), 1.0, 0)
Fate = Callable[[str, int], bytes | str | None]
"""By unit and turn: an answer in the place of the worker's own, None for death, or ``work``."""


class Future:
    """As much of Dask's as is asked for."""

    def __init__(self, key: str, answer: bytes | None) -> None:
        self.key, self.answer = key, answer

    def add_done_callback(self, call: Callable[[Any], None]) -> None:
        call(self)


class Worker:
    """A cluster of one worker that does what it is given at once, unless its fate is another."""

    is_local, unseen, at_a_time = True, 0.05, 1

    def __init__(self, fate: Fate = lambda name, turn: "work") -> None:
        self.fate, self.turns, self.watched = fate, Counter[str](), 0

    def on_each(
        self, function: Callable[..., bytes], *words: Any, gpu: bool = False
    ) -> list[bytes]:
        return [function(*words)]

    def submit(self, function: Callable[..., bytes], *words: Any, gpu: bool = False) -> Future:
        run, name, token = words[:3]
        self.turns[name] += 1
        answer = self.fate(name, self.turns[name])
        if answer == "work":
            answer = function(*words)
        elif answer == "dies at work":
            folder = Path(run) / "units" / name
            folder.mkdir(parents=True, exist_ok=True)
            Held(folder, token).write()
            answer = None
        return Future(f"{name}-{self.turns[name]}", cast("bytes | None", answer))

    def result(self, future: Future) -> bytes | None:
        return future.answer

    def cancel(self, futures: Any) -> None:
        pass

    def watch(self) -> None:
        self.watched += 1


@pytest.fixture(autouse=True)
def _work_that_takes_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    def store(unit: Unit, place: Workplace, doing: Any) -> None:
        doing.report("score", 1, 2, "")
        with keeping._stored(unit, place, SCORES) as part:
            storage.save_scores(part, np.zeros(3), {})

    monkeypatch.setattr(there, "do", store)
    monkeypatch.setattr(there, "_odd", lambda assigned, roots, host: [])
    monkeypatch.setattr(carrying, "LOOK_EVERY", 0.01)
    there._nurseries.clear()


def carrier(worker: Worker) -> Carrier:
    found = Carrier(cast(Connection, worker), ClusterSettings(), "cpu")
    found._expected[FILE, ""] = Expected(QUESTION, "", {}, {}, Environment(), False)
    return found


def units(count: int = 4) -> list[Unit]:
    return [
        Unit(
            name=f"fold-{i}",
            ability="Matcher",
            algorithm="some",
            file=FILE,
            attribute="",
            module="",
            parameters={},
            pictures={},
        )
        for i in range(1, count + 1)
    ]


def carry(worker: Worker, run: Path) -> Workplace:
    place = Workplace(run)
    run.mkdir(exist_ok=True)
    heard: list[Event] = []
    carrier(worker).do_all(units(), place, Limits(), heard.append)
    return place


def test_every_unit_is_done_once_and_nothing_is_left_but_results(tmp_path: Path) -> None:
    worker = Worker()
    place = carry(worker, tmp_path / "run")
    assert all(is_done(unit, place) for unit in units())
    assert worker.turns == {f"fold-{i}": 1 for i in range(1, 5)}
    left = {path.name for path in (tmp_path / "run").rglob("*") if path.is_file()}
    assert left == {"journal.json", "scores.npy", "failures.json", "step.json"}
    assert not list((tmp_path / "run").glob("units/*/journal.json"))


@pytest.mark.parametrize("dead", [["fold-1"], ["fold-2", "fold-4"], [f"fold-{i}" for i in "1234"]])
def test_a_unit_whose_worker_died_is_done_by_another(tmp_path: Path, dead: list[str]) -> None:
    worker = Worker(lambda name, turn: "dies at work" if name in dead and turn == 1 else "work")
    place = carry(worker, tmp_path / "run")
    assert all(is_done(unit, place) for unit in units())
    assert {name for name, turns in worker.turns.items() if turns == 2} == set(dead)


def test_a_unit_that_kills_every_worker_is_tried_twice_and_the_others_are_finished(
    tmp_path: Path,
) -> None:
    worker = Worker(lambda name, turn: "dies at work" if name == "fold-2" else "work")
    with pytest.raises(RunFailed, match=r"1 of 4 units .*no result after 2 turns.*\n  fold-2: "):
        carry(worker, tmp_path / "run")
    assert worker.turns == {"fold-1": 1, "fold-2": 2, "fold-3": 1, "fold-4": 1}
    place = Workplace(tmp_path / "run")
    assert [is_done(unit, place) for unit in units()] == [True, False, True, True]


def test_workers_that_die_before_they_begin_are_not_held_against_a_unit(tmp_path: Path) -> None:
    worker = Worker(lambda name, turn: None if turn < 7 else "work")
    place = carry(worker, tmp_path / "run")
    assert all(is_done(unit, place) for unit in units())


@pytest.mark.parametrize("lost", ["nothing", "half", "another"])
def test_a_result_that_was_announced_and_is_not_there_is_noticed(tmp_path: Path, lost: str) -> None:
    run = tmp_path / "run"

    def fate(name: str, turn: int) -> bytes | str:
        if name != "fold-3":
            return "work"
        folder = run / "units" / name
        steps = {}
        if lost != "nothing":
            (folder / SCORES).mkdir(parents=True, exist_ok=True)
            (folder / SCORES / "scores.npy").write_bytes(b"x")
            (folder / "journal.json").write_text('{"fold-3/scores": "00"}')
        if lost == "another":
            steps = {"fold-3/scores": "00"}
        return msgspec.json.encode(Outcome(there.DONE, "there", steps=steps))

    worker = Worker(fate)
    with pytest.raises(RunFailed, match="fold-3: there said that it was done, and left no whole"):
        carry(worker, run)
    assert worker.turns["fold-3"] == 2
    assert not is_done(units()[2], Workplace(run))


def test_a_dropped_result_is_made_again(tmp_path: Path) -> None:
    dropped = msgspec.json.encode(Outcome(there.DONE, "there"))
    worker = Worker(lambda name, turn: dropped if turn == 1 else "work")
    place = carry(worker, tmp_path / "run")
    assert all(is_done(unit, place) for unit in units())


def test_the_same_turn_is_never_done_twice(tmp_path: Path) -> None:
    worker = Worker()
    place = Workplace(tmp_path / "run")
    place.run.mkdir()
    one = carrier(worker)
    assigned = one.assign(units(1), place, Limits(), {})
    write_assignment(place.run, "fold-1", assigned)
    words = one.words(place, "fold-1", assigned)
    folder = place.folder(units(1)[0])
    folder.mkdir(parents=True)
    Held(folder, assigned.token).write()
    outcome = msgspec.json.decode(there.work(*words), type=Outcome)
    assert outcome.what == there.LOST
    assert not (folder / SCORES).exists()


def test_what_an_algorithm_did_wrong_ends_the_run_with_its_words_and_the_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(unit: Unit, place: Workplace, doing: Any) -> None:
        raise RunFailed("some, fold-1: extract returned nothing")

    monkeypatch.setattr(there, "do", fail)
    with pytest.raises(RunFailed, match="extract returned nothing\n  on "):
        carry(Worker(), tmp_path / "run")
    claim = read_claim(tmp_path / "run/units/fold-1")
    assert claim is not None
    assert "returned nothing" in claim.failed


def test_a_worker_that_does_not_see_the_run_folder_is_named(tmp_path: Path) -> None:
    unseen = msgspec.json.encode(Outcome(there.UNSEEN, "node7", "No such file"))
    worker = Worker(lambda name, turn: unseen)
    with pytest.raises(UsageError, match=r"node7 .*run.*not to be seen: No such file"):
        carry(worker, tmp_path / "run")


def test_what_a_worker_noted_before_the_leader_died_is_taken_over(tmp_path: Path) -> None:
    run = tmp_path / "run"
    place = carry(Worker(), run)
    steps = place.journal.hashes()
    (run / "journal.json").unlink()
    for i in range(1, 4):
        own = {name: one for name, one in steps.items() if name.startswith(f"fold-{i}/")}
        (run / f"units/fold-{i}/journal.json").write_bytes(msgspec.json.encode(own))
    (run / "units/fold-3/scores/scores.npy").write_bytes(b"half")
    again = Workplace(run)
    for unit in units():
        again.journal.take_over(unit.name)
    assert [is_done(unit, again) for unit in units()] == [True, True, False, False]


@pytest.mark.parametrize("deaths", [0, 1])
def test_answers_are_checked_by_a_worker_and_again_by_another_where_it_died(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, deaths: int
) -> None:
    asked: list[list[str]] = []

    def check(units: list[Unit], place: Workplace, doing_of: Any) -> Checked:
        asked.append([unit.name for unit in units])
        assert place.journal.hashes() == {"fold-1/scores": "aa"}
        return Checked(3, 4, 0.5)

    monkeypatch.setattr(there, "check_answers", check)
    place = Workplace(tmp_path)
    place.journal.add({"fold-1/scores": "aa"})
    worker = Worker(lambda name, turn: None if turn <= deaths else "work")
    found = carrier(worker).check_all(units(1), place, Limits(), lambda event: None)
    assert found == Checked(3, 4, 0.5)
    assert asked == [["fold-1"]]
    assert not (tmp_path / "assignments").exists()


def test_a_check_that_takes_every_worker_with_it_fails_the_run(tmp_path: Path) -> None:
    worker = Worker(lambda name, turn: None)
    with pytest.raises(RunFailed, match="2 workers died while they were checking"):
        carrier(worker).check_all(units(), Workplace(tmp_path), Limits(), lambda event: None)


def test_a_fault_of_the_harness_on_a_worker_comes_with_its_trace_and_is_no_run_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(unit: Unit, place: Workplace, doing: Any) -> None:
        raise LookupError("what was that")

    monkeypatch.setattr(there, "do", fault)
    with pytest.raises(RuntimeError, match=r"(?s)on .*LookupError: what was that"):
        carry(Worker(), tmp_path / "run")


def test_units_that_ask_for_a_device_never_share_a_worker_s() -> None:
    at_once, most = [0], [0]

    def work() -> None:
        with there._own_turn(True):
            at_once[0] += 1
            most[0] = max(most[0], at_once[0])
            time.sleep(0.01)
            at_once[0] -= 1

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1]


def test_what_most_workers_are_like_is_what_the_others_are_held_against() -> None:
    def report(number: int, python: str, *, able: bool = True) -> Report:
        asked = describe(Matcher) if able else None
        return Report("h", str(number), "1", {}, {}, asked, Environment(python=python))

    many = [report(1, "3.12"), report(2, "3.11"), report(3, "3.11"), report(4, "3.13", able=False)]
    usual = carrying._usual(many)
    assert usual is not None
    assert usual.environment.python == "3.11"
    assert carrying._usual(many[3:]) is None


def test_results_that_another_machine_shows_late_are_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Worker, "unseen", 20.0)
    run, hidden = tmp_path / "run", tmp_path / "hidden"

    def late(name: str) -> None:
        time.sleep(0.3)
        for part in sorted(hidden.glob(f"{name}/*")):
            part.rename(run / "units" / name / part.name)

    def fate(name: str, turn: int) -> str:
        # What a server has not shown yet is as if it were not there.
        if name == "fold-2":
            threading.Thread(target=late, args=(name,)).start()
        return "work"

    def store(unit: Unit, place: Workplace, doing: Any) -> None:
        with keeping._stored(unit, place, SCORES) as part:
            storage.save_scores(part, np.zeros(3), {})
        if unit.name == "fold-2":
            (hidden / unit.name).mkdir(parents=True)
            for name in (SCORES, "journal.json"):
                (place.folder(unit) / name).rename(hidden / unit.name / name)

    monkeypatch.setattr(there, "do", store)
    worker = Worker(fate)
    place = carry(worker, run)
    assert all(is_done(unit, place) for unit in units())
    assert worker.turns["fold-2"] == 1


def test_what_is_to_be_read_is_waited_for_and_its_last_error_told(tmp_path: Path) -> None:
    tries = [0]

    def read() -> int:
        tries[0] += 1
        if tries[0] < 4:
            raise FileNotFoundError(tries[0])
        return 7

    assert patiently(read, 20) == 7
    with pytest.raises(FileNotFoundError, match="nowhere"):
        patiently((tmp_path / "nowhere").read_bytes, 0.05)
