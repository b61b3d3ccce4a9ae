"""A run that was killed anywhere goes on, and comes to the same bytes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran, run_harness

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

Command = Callable[..., Ran]
WriteFile = Callable[[str, str], Path]

SLOW = '''
@dataclass
class Slow(Matcher):
    """Learns a random projection, slowly."""

    def fit(self, train):
        rng = np.random.default_rng(self.seed)
        pixels = np.stack([image.reshape(-1)[:300] for image in train.images]).astype(float)
        self.mean_ = pixels.mean(axis=0)
        self.axes_ = rng.normal(size=(300, 8))
        for step in range(10):
            time.sleep(0.06)
            train.progress(step, 10, "")

    def extract(self, image):
        time.sleep(0.005)
        return (image.reshape(-1)[:300] - self.mean_) @ self.axes_
'''
RESULTS = ("metrics.json", "curves.json", "searches.npz", "candidates/1.txt")

needs_proc = pytest.mark.skipif(not Path("/proc/self").exists(), reason="finds workers in /proc")


def results(folder: Path) -> dict[str, bytes]:
    (run,) = (path.parent for path in folder.glob("*/*/manifest.json"))
    return {name: (run / name).read_bytes() for name in RESULTS}


def words(path: Path, data: Path, out: Path) -> tuple[str | Path, ...]:
    return (
        *("run", "--protocol", "similarity", "--algo", path, "--data", data),
        *("--out", out, "--workers", "2"),
    )


def at_work(harness_pid: int) -> list[int]:
    """Return the processes that do a step of a unit: the last ones of those that a harness began.

    Between them and the harness are the process that forks and one that waits outside the fence.
    """
    parents = {}
    for place in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(place.name)] = int(
                (place / "stat").read_text().rsplit(")", 1)[1].split()[1]
            )
        except OSError:
            continue

    def depth(pid: int) -> int:
        """Return how far below the harness a process is; 0 where it is not."""
        steps = 0
        while pid in parents and pid != harness_pid:
            pid, steps = parents[pid], steps + 1
        return steps if pid == harness_pid else 0

    busy = set(parents.values())
    return [pid for pid in parents if pid not in busy and depth(pid) >= 3]


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize("victim", ["worker", "harness"])
def test_kill_9_at_random_moments_and_again_gives_the_same_bytes(
    plugin: WriteFile, small_set: Path, tmp_path: Path, victim: str
) -> None:
    path = plugin("slow", SLOW)
    assert run_harness(*words(path, small_set, tmp_path / "whole")).code == 0
    chance = random.Random(4)
    command = [sys.executable, "-m", "harness"]
    command += [str(word) for word in words(path, small_set, tmp_path / "broken")]
    killed = 0
    for _ in range(6):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while process.poll() is None and not at_work(process.pid):
            time.sleep(0.01)
        time.sleep(0.6 * chance.random())
        workers = at_work(process.pid)
        if process.poll() is None and workers:
            # A worker that has just ended by itself is none that was killed.
            with contextlib.suppress(ProcessLookupError):
                chosen = chance.choice(workers) if victim == "worker" else process.pid
                os.kill(chosen, signal.SIGKILL)
                killed += 1
        _, said = process.communicate(timeout=60)
        assert process.returncode in (0, 3, -signal.SIGKILL), said
        for worker in workers:
            wait_for_the_end_of(worker)
        if killed == 4:
            break
    assert killed >= 2
    assert run_harness(*words(path, small_set, tmp_path / "broken")).code == 0
    assert results(tmp_path / "broken") == results(tmp_path / "whole")
    assert not list((tmp_path / "broken").rglob("*.part-*"))


def wait_for_the_end_of(worker: int) -> None:
    """A worker ends with its harness, at once."""
    for _ in range(100):
        if not Path(f"/proc/{worker}").exists():
            return
        time.sleep(0.05)
    raise AssertionError(f"worker {worker} outlived its harness")


def test_the_same_command_again_recomputes_nothing(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    command = words(plugin("slow", SLOW), small_set, tmp_path / "runs")
    first = harness(*command, "--json")
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.*")}
    again = harness(*command, "--json")
    assert "already done; nothing was recomputed" in again.err
    assert again.json["runs"][0]["metrics"] == first.json["runs"][0]["metrics"]
    after = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs").rglob("*.*")}
    # Taking the lock touches its file; nothing else may change.
    assert {p for p in after if after[p] != before.get(p) and p.suffix != ".lock"} == set()


def test_only_the_missing_unit_is_done_again_and_the_others_are_said_to_be_kept(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    command = words(plugin("slow", SLOW), small_set, tmp_path / "runs")
    assert harness(*command).code == 0
    whole = results(tmp_path / "runs")
    (scores,) = (tmp_path / "runs").rglob("fold-2/scores/scores.npy")
    scores.unlink()
    (scores.parent / "failures.json").unlink()
    (scores.parent / "step.json").unlink()
    scores.parent.rmdir()
    again = harness(*command, "--json")
    assert again.json["runs"][0]["done"] == ["fold-2"]
    assert "kept from before: fold-1, fold-3" in again.err
    assert results(tmp_path / "runs") == whole


def test_another_model_never_gets_the_scores_of_this_one(
    harness: Command, plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    path = plugin("slow", SLOW)
    command = words(path, small_set, tmp_path / "runs")
    identities = [harness(*command, "--json").json["runs"][0]["identity"]]
    identities.append(harness(*command, "--seed", "1", "--json").json["runs"][0]["identity"])
    path.write_text(path.read_text().replace("size=(300, 8)", "size=(300, 9)"))
    identities.append(harness(*command, "--json").json["runs"][0]["identity"])
    assert len(set(identities)) == 3


def test_neither_workers_nor_the_place_of_the_data_are_part_of_the_identity(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "elsewhere"
    moved.symlink_to(small_set)
    identities = {
        harness(
            *("run", "--protocol", "similarity", "--algo", "colours", "--json"),
            *("--data", data, "--workers", workers, "--out", tmp_path / workers),
        ).json["runs"][0]["identity"]
        for data, workers in ((small_set, "1"), (moved, "2"))
    }
    assert len(identities) == 1
