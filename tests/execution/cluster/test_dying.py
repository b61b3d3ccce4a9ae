"""Workers and commands that are killed on the way: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from harness.execution.claims import Claim, read_claim
from tests.conftest import Ran
from tests.execution.cluster.conftest import asked, bytes_of

pytestmark = [pytest.mark.slow, pytest.mark.own_workers]

Command = Callable[..., Ran]
KILLS = int(os.environ.get("HARNESS_KILLS", "3"))
"""Workers that are killed; before a release 20 are, which takes minutes."""
FOLDS = KILLS + 4 + KILLS // 5
PATIENCE = 600.0


@contextmanager
def started(*words: str | Path, cwd: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the command in the background; whatever is left of it is killed at the end."""
    process = subprocess.Popen(
        [sys.executable, "-m", "harness", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=cwd,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def claims(out: Path) -> dict[str, Claim]:
    """Return who is at work below a folder of runs, by unit."""
    found = {
        file.parent.name: read_claim(file.parent) for file in out.glob("*/*/units/*/claim.json")
    }
    return {name: claim for name, claim in found.items() if claim is not None and not claim.failed}


def wait_for(what: Callable[[], object], process: subprocess.Popen[str]) -> None:
    """Wait until something is so; the command has to be at work until then."""
    until = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)


def done_at(out: Path) -> dict[str, int]:
    """Return when each stored step was stored, by its unit."""
    return {
        f"{file.parents[1].name}/{file.parent.name}": file.stat().st_mtime_ns
        for file in out.glob("*/*/units/*/*/step.json")
        if ".part-" not in str(file)
    }


def test_workers_are_killed_at_random_moments_and_every_unit_is_counted_once(
    harness: Command, folders: Path, patient: Path, tmp_path: Path
) -> None:
    reference = harness(
        *asked(folders, patient, FOLDS), "--on", "in-process", "--out", tmp_path / "here"
    )
    out = tmp_path / "runs"
    slow = (*asked(folders, patient, FOLDS), "--param", "nap=.15", "--out", out)
    chance = random.Random(11)
    hit: Counter[str] = Counter()
    with started(*slow, "--on", "dask", "--workers", "4", cwd=tmp_path) as process:
        wait_for(lambda: claims(out), process)
        # What is done has a seal, and waits for somebody who reads what it says.
        while sum(hit.values()) < KILLS and not list(out.glob("*/*/checksums.sha256")):
            assert process.poll() is None, process.communicate()
            time.sleep(chance.uniform(0.1, 0.9))
            # Who loses two workers is taken for their murderer, so nobody is hit twice.
            fair = {unit: claim for unit, claim in claims(out).items() if hit[unit] == 0}
            if not fair:
                continue
            unit = chance.choice(sorted(fair))
            with suppress(ProcessLookupError):
                os.kill(fair[unit].process, signal.SIGKILL)
                hit[unit] += 1
        said, complaint = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, complaint
    assert sum(hit.values()) == KILLS
    folder = tmp_path / json.loads(said)["runs"][0]["folder"]
    steps = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["steps"]
    assert set(Counter((step["unit"], step["step"]) for step in steps).values()) == {1}
    assert len(steps) == 3 * FOLDS
    here = bytes_of(tmp_path / "work" / reference.json["runs"][0]["folder"])
    assert bytes_of(folder) == here
    assert harness("verify", folder, timeout=PATIENCE).code == 0


def test_the_command_is_killed_and_the_same_command_repeats_nothing(
    harness: Command, folders: Path, patient: Path, tmp_path: Path
) -> None:
    out = tmp_path / "runs"
    words = (*asked(folders, patient), "--param", "nap=.05", "--out", out)
    words = (*words, "--on", "dask", "--workers", "2")
    with started(*words, cwd=tmp_path) as process:
        wait_for(lambda: len(done_at(out)) >= 7, process)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_for_silence(out)
    before = done_at(out)
    ran = harness(*words, timeout=PATIENCE)
    assert ran.code == 0, ran.err
    after = done_at(out)
    assert len(after) == 15
    assert {name: after[name] for name in before} == before
    kept = ran.json["runs"][0]["kept"]
    assert {name for name in kept if not name.startswith("fold-")} == set()


def wait_for_silence(out: Path) -> None:
    """Wait until the processes of a command that was killed have ended, too."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        alive = [claim for claim in claims(out).values() if Path(f"/proc/{claim.process}").exists()]
        if not alive:
            return
        time.sleep(0.2)
    raise AssertionError("workers outlived their command")
