"""Jobs of Slurm and PBS: of scripts that stand for them, and start each job as a process here."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.execution.cluster.conftest import asked, bytes_of

pytestmark = [pytest.mark.slow, pytest.mark.own_workers]

Command = Callable[..., Ran]

SBATCH = """#!/bin/sh
# sbatch SCRIPT: starts it as a group of processes, and says its number
place="$(dirname "$0")"
script="$(mktemp "$place/script.XXXXXX")"
cp "$1" "$script"
setsid sh "$script" >"$place/out" 2>&1 </dev/null &
echo $! >>"$place/jobs"
case "$0" in *qsub) echo "$!" ;; *) echo "Submitted batch job $!" ;; esac
"""
SCANCEL = """#!/bin/sh
echo "$1" >>"$(dirname "$0")/cancelled"
kill -TERM -- "-$1"
"""
SQUEUE = """#!/bin/sh
echo "JOBID"
for job in $(cat "$(dirname "$0")/jobs"); do kill -0 "$job" 2>/dev/null && echo "$job"; done
true
"""

JOBS = """
jobs = 2
queue = "batch"
cores = 2
memory = "1GB"
walltime = "00:30:00"
account = "forensics"
setup = ["export SET_UP=yes"]
directives = ["--constraint=alike"]
wait = 120
unseen = 20
"""


@pytest.fixture
def slurm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put a Slurm of three scripts where commands are found; returns its folder."""
    place = tmp_path / "slurm"
    place.mkdir()
    for name, text in (("sbatch", SBATCH), ("scancel", SCANCEL), ("squeue", SQUEUE)):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{place}{os.pathsep}{os.environ['PATH']}")
    return place


@pytest.fixture
def script_of_the_same_bytes(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, slurm: Path
) -> Callable[[str, str], str]:
    """Have jobs make a run, hold its bytes against those made here, return a job's script."""

    def run(on: str, jobs: str) -> str:
        file = tmp_path / "jobs.toml"
        file.write_text(jobs)
        # Inside this process: `test_dask` sees that it makes the bytes that processes make.
        here = harness(*asked(folders, patient), "--on", "in-process", "--out", tmp_path / "here")
        words = ("--on", on, "--cluster", file, "--out", tmp_path / "there")
        there = harness(*asked(folders, patient), *words, timeout=400)
        assert there.code == 0, there.err
        folder = tmp_path / "work" / there.json["runs"][0]["folder"]
        assert bytes_of(folder) == bytes_of(tmp_path / "work" / here.json["runs"][0]["folder"])
        return next(slurm.glob("script.*")).read_text()

    return run


@pytest.mark.own_process  # what is left of the keys goes with the command's process
def test_jobs_make_the_same_bytes_and_are_gone_afterwards(
    script_of_the_same_bytes: Callable[[str, str], str], tmp_path: Path, slurm: Path
) -> None:
    script = script_of_the_same_bytes("slurm", JOBS)
    for line in (
        "#SBATCH -p batch",
        "#SBATCH -A forensics",
        "#SBATCH --cpus-per-task=2",
        "#SBATCH -t 00:30:00",
        "#SBATCH --constraint=alike",
        "export SET_UP=yes",
        "--nworkers 2",
        "--nthreads 1",
    ):
        assert line in script
    jobs = (slurm / "jobs").read_text().split()
    assert len(jobs) == 2
    assert sorted((slurm / "cancelled").read_text().split()) == sorted(jobs)
    assert not list((tmp_path / "there" / ".cluster").glob(".dask-jobqueue*"))


def test_jobs_of_pbs_make_the_same_bytes(
    script_of_the_same_bytes: Callable[[str, str], str], slurm: Path
) -> None:
    for name, stands_for in (("qsub", "sbatch"), ("qdel", "scancel")):
        (slurm / name).symlink_to(slurm / stands_for)
    with_a_device = JOBS.replace('directives = ["--constraint=alike"]', "gpus = 1")
    script = script_of_the_same_bytes("pbs", with_a_device)
    for line in (
        "#PBS -q batch",
        "#PBS -A forensics",
        "#PBS -l select=1:ncpus=2:mem=1GB:ngpus=1",
        "#PBS -l walltime=00:30:00",
    ):
        assert line in script
    assert "--nworkers" not in script, "a job that has one device is one worker"


def test_slurm_that_refuses_a_job_is_quoted(
    harness: Command, folders: Path, tmp_path: Path, slurm: Path
) -> None:
    (slurm / "sbatch").write_text(
        "#!/bin/sh\necho 'sbatch: error: no such partition' >&2\nexit 1\n"
    )
    file = tmp_path / "jobs.toml"
    file.write_text(JOBS)
    ran = harness(*asked(folders, "colours"), "--on", "slurm", "--cluster", file, timeout=200)
    assert ran.code == 2
    assert "no such partition" in ran.err
    assert "Traceback" not in ran.err


def slurm_is_there() -> bool:
    """Whether a Slurm has a node for us on this machine."""
    if shutil.which("sinfo") is None:
        return False
    said = subprocess.run(
        ["sinfo", "--noheader", "--format=%t"],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    return "idle" in said.stdout.split()


def test_jobs_of_a_real_slurm_make_the_same_bytes(
    harness: Command, folders: Path, patient: Path, tmp_path: Path
) -> None:
    if not slurm_is_there():
        pytest.skip("no Slurm with an idle node is here (Debian: slurm-wlm, munge)")
    file = tmp_path / "jobs.toml"
    file.write_text('jobs = 2\nmemory = "500MB"\nwalltime = "00:20:00"\nwait = 120\nunseen = 20\n')
    here = harness(*asked(folders, patient), "--out", tmp_path / "here", timeout=400)
    words = ("--on", "slurm", "--cluster", file, "--out", tmp_path / "there")
    there = harness(*asked(folders, patient), *words, timeout=400)
    assert there.code == 0, there.err
    folder = tmp_path / "work" / there.json["runs"][0]["folder"]
    assert bytes_of(folder) == bytes_of(tmp_path / "work" / here.json["runs"][0]["folder"])
    left = subprocess.run(["squeue", "--noheader"], capture_output=True, text=True, check=True)
    assert "harness" not in left.stdout
