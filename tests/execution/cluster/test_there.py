"""A cluster that is there: workers that are not alike, come late, or take units down with them."""

from __future__ import annotations

import importlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Ran
from tests.execution.cluster.conftest import asked, bytes_of
from tests.execution.cluster.test_dying import claims, done_at, started, wait_for

pytestmark = [pytest.mark.slow, pytest.mark.own_workers]

Command = Callable[..., Ran]
LEARNS_BY_WORKERS = """
@dataclass
class Loads(Matcher):
    \"\"\"Mean colours, by two processes that load.\"\"\"

    def fit(self, train):
        import torch
        from torch.utils.data import DataLoader, TensorDataset

        pictures = torch.stack([torch.from_numpy(np.asarray(one)) for one in train.images])
        loader = DataLoader(TensorDataset(pictures), batch_size=8, num_workers=2)
        self.mean_ = sum(batch.double().sum(0) for (batch,) in loader).mean((0, 1)).numpy()

    def extract(self, image):
        return np.asarray(image, dtype=np.float64).mean((0, 1)) - self.mean_ / 1e9

    def save(self, folder):
        np.save(folder / "mean.npy", self.mean_)

    def load(self, folder):
        self.mean_ = np.load(folder / "mean.npy")
"""


class Cluster:
    """A scheduler and its workers, as processes of this machine."""

    def __init__(self, place: Path) -> None:
        self.file, self._place = place / "scheduler.json", place
        self._processes: list[subprocess.Popen[bytes]] = []
        self.scheduler = self._start("scheduler", "--port", "0", "--no-dashboard")

    def worker(
        self,
        preload: str = "",
        options: tuple[str, ...] = (),
        *,
        restarted: bool = False,
        **environment: str,
    ) -> subprocess.Popen[bytes]:
        """Start a worker that carries out some lines first.

        One that is started again when it dies has a nanny, which is a process more.
        """
        words = ["worker", "--nthreads", "1", "--no-dashboard", "--memory-limit", "0", *options]
        words += [] if restarted else ["--no-nanny"]
        if preload:
            file = self._place / f"preload{len(self._processes)}.py"
            file.write_text(preload)
            words += ["--preload", str(file)]
        return self._start(*words, **environment)

    def _start(self, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        log = (self._place / f"{len(self._processes)}.log").open("wb")
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *words, "--scheduler-file", str(self.file)],
            stdout=log,
            stderr=log,
            env={**os.environ, **environment},
            cwd=self._place,
            start_new_session=True,
        )
        log.close()
        self._processes.append(process)
        return process

    def end(self) -> None:
        """Kill all of it."""
        for process in self._processes:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[Cluster]:
    place = tmp_path / "cluster"
    place.mkdir()
    found = Cluster(place)
    until = time.monotonic() + 60
    while not found.file.exists() and time.monotonic() < until:
        time.sleep(0.1)
    yield found
    found.end()


def test_a_late_worker_is_given_units(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    cluster.worker()
    out = tmp_path / "runs"
    words = (*asked(folders, patient, 8), "--param", "nap=.1", "--out", out, "--on", cluster.file)
    with started(*words, cwd=tmp_path) as process:
        wait_for(lambda: claims(out), process)
        first = {claim.process for claim in claims(out).values()}
        cluster.worker()
        wait_for(lambda: {claim.process for claim in claims(out).values()} - first, process)
        _, complaint = process.communicate(timeout=400)
        assert process.returncode == 0, complaint


def test_a_scheduler_that_dies_ends_the_run_in_a_sentence_and_it_goes_on_from_there(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    cluster.worker()
    cluster.worker()
    out = tmp_path / "runs"
    words = (*asked(folders, patient), "--param", "nap=.1", "--out", out)
    with started(*words, "--on", cluster.file, cwd=tmp_path) as process:
        wait_for(lambda: len(done_at(out)) >= 4, process)
        cluster.scheduler.kill()
        _, complaint = process.communicate(timeout=100)
        assert process.returncode == 3, complaint
    assert "scheduler of" in complaint
    assert "is gone" in complaint
    assert "Traceback" not in complaint
    cluster.end()
    before = done_at(out)
    ran = harness(*words, timeout=400)
    assert ran.code == 0, ran.err
    after = done_at(out)
    assert {name: after[name] for name in before} == before


def test_a_unit_that_takes_every_worker_with_it_is_tried_twice_and_the_others_are_finished(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    tries = tmp_path / "tries"
    poison = f"""
import os, signal
from harness.execution.cluster import there
from harness.execution.keeping import do
def poisoned(unit, place, doing):
    if unit.name == "fold-3":
        open({str(tries)!r}, "a").write("x")
        os.kill(os.getpid(), signal.SIGKILL)
    do(unit, place, doing)
there.do = poisoned
"""
    cluster.worker(poison, restarted=True)
    cluster.worker(poison, restarted=True)
    ran = harness(*asked(folders, patient), "--on", cluster.file, timeout=400)
    assert ran.code == 3
    assert "1 of 5 units" in ran.err
    assert "fold-3: its worker died" in ran.err
    assert tries.read_text() == "xx"
    stored = {name.split("/")[0] for name in done_at(tmp_path / "work" / "runs")}
    assert stored == {f"fold-{i}" for i in range(1, 6)} - {"fold-3"}


def test_a_worker_that_drops_a_result_in_silence_is_noticed(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    settings = tmp_path / "cluster.toml"
    settings.write_text("unseen = 1.0\n")
    cluster.worker("""
from harness.execution.cluster import there
from harness.execution.keeping import do
there.do = lambda unit, place, doing: None if unit.name == "fold-5" else do(unit, place, doing)
""")
    words = ("--on", cluster.file, "--cluster", settings)
    ran = harness(*asked(folders, patient), *words, timeout=400)
    assert ran.code == 3
    assert "fold-5: " in ran.err
    assert "left no whole result" in ran.err


def refused(ran: Ran, *words: str) -> None:
    assert ran.code == 2, ran.err
    for word in ("workers differ", os.uname().nodename, *words):
        assert word in ran.err
    assert "Traceback" not in ran.err


def test_another_version_of_the_harness_is_refused(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    cluster.worker()
    cluster.worker(
        "from harness.execution.cluster import sameness\n"
        "sameness.harness_version = lambda: '9.9'\n"
        "from harness.plugins.sources import score_makers\n"
        "sameness.score_makers = lambda: score_makers() | {'harness.data.images': '00'}\n"
    )
    both_are_there(cluster)
    ran = harness(*asked(folders, patient), "--on", cluster.file, timeout=400)
    refused(ran, "9.9", "harness.data.images")
    assert not list((tmp_path / "work").rglob("scores"))


def test_a_changed_algorithm_on_one_worker_is_refused(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    other = tmp_path / "other"
    shutil.copytree(patient.parent, other)
    (other / "patient.py").write_text(patient.read_text() + "\n# changed\n")
    cluster.worker(SEEN=str(patient.parent))
    cluster.worker(SEEN=str(other))
    both_are_there(cluster)
    root = f"{patient.parent}=$SEEN"
    words = ("--on", cluster.file, "--data-root", root)
    refused(harness(*asked(folders, patient), *words, timeout=400), str(patient))


@pytest.mark.parametrize("how", ["changed", "missing"])
def test_an_image_that_is_another_on_one_worker_is_refused(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster, how: str
) -> None:
    other = tmp_path / "other"
    shutil.copytree(folders, other)
    image = other / "t07" / "1.png"
    if how == "changed":
        shutil.copy(other / "t08" / "1.png", image)
    else:
        image.unlink()
    cluster.worker(SEEN=str(folders))
    cluster.worker(SEEN=str(other))
    both_are_there(cluster)
    words = ("--on", cluster.file, "--data-root", f"{folders}=$SEEN")
    ran = harness(*asked(folders, patient), *words, timeout=400)
    refused(ran, str(image))


def test_machines_of_another_kind_are_refused_or_recorded(
    harness: Command, folders: Path, patient: Path, tmp_path: Path, cluster: Cluster
) -> None:
    cluster.worker()
    cluster.worker(OPENBLAS_CORETYPE="Prescott")
    both_are_there(cluster)
    words = (*asked(folders, patient), "--on", cluster.file)
    refused(harness(*words, timeout=400), "OPENBLAS_CORETYPE=Prescott", "mixed = true")
    settings = tmp_path / "cluster.toml"
    settings.write_text("mixed = true\n")
    ran = harness(*words, "--cluster", settings, timeout=400)
    assert ran.code == 0, ran.err
    assert "2 different environments" in ran.err
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    settings_of = [one["environment"].get("settings", {}) for one in manifest["environments"]]
    assert {one.get("OPENBLAS_CORETYPE") for one in settings_of} == {
        os.environ.get("OPENBLAS_CORETYPE"),  # that of this machine, if it has one
        "Prescott",
    }
    again = harness(*words, "--cluster", settings, timeout=400)
    assert again.json["runs"][0]["folder"] == ran.json["runs"][0]["folder"]
    assert again.json["runs"][0]["done"] == []


ON_A_DEVICE = """
@dataclass
class Placed(Matcher):
    \"\"\"Mean colours; says on which device it is.\"\"\"

    device: str = "cpu"

    def fit(self, train):
        print("device", os.environ.get("CUDA_VISIBLE_DEVICES"))

    def extract(self, image):
        return np.asarray(image, dtype=np.float64).mean((0, 1))

    def save(self, folder):
        (folder / "model.txt").write_text("nothing")

    def load(self, folder):
        pass
"""


def test_each_worker_has_a_device_of_its_own_or_is_refused(
    harness: Command,
    folders: Path,
    plugin: Callable[[str, str], Path],
    tmp_path: Path,
    cluster: Cluster,
) -> None:
    # A device that torch has everywhere stands for one of a kind that this machine may not have.
    words = (*asked(folders, plugin("placed", ON_A_DEVICE)), "--param", "device=cpu:0")
    words = (*words, "--on", cluster.file)
    cluster.worker(CUDA_VISIBLE_DEVICES="0,1")
    second = cluster.worker(CUDA_VISIBLE_DEVICES="0")
    both_are_there(cluster)
    refused(harness(*words, timeout=400), "CUDA_VISIBLE_DEVICES", "a device for each worker")
    os.killpg(second.pid, signal.SIGKILL)
    cluster.worker(CUDA_VISIBLE_DEVICES="1,0")
    both_are_there(cluster)
    ran = harness(*words, timeout=400)
    assert ran.code == 0, ran.err
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    logs = [log.read_text() for log in folder.glob("units/*/worker.log")]
    seen = {line for log in logs for line in log.splitlines() if line.startswith("device")}
    assert seen == {"device 0", "device 1"}


def test_units_that_ask_for_a_device_go_to_workers_that_say_they_have_one(
    harness: Command,
    folders: Path,
    plugin: Callable[[str, str], Path],
    tmp_path: Path,
    cluster: Cluster,
) -> None:
    words = (*asked(folders, plugin("placed", ON_A_DEVICE)), "--param", "device=cpu:0")
    cluster.worker()
    cluster.worker(options=("--resources", "GPU=1"), CUDA_VISIBLE_DEVICES="4")
    both_are_there(cluster)
    ran = harness(*words, "--on", cluster.file, timeout=400)
    assert ran.code == 0, ran.err
    folder = tmp_path / "work" / ran.json["runs"][0]["folder"]
    logs = [log.read_text() for log in folder.glob("units/*/worker.log")]
    seen = {line for log in logs for line in log.splitlines() if line.startswith("device")}
    assert seen == {"device 4"}


def test_an_algorithm_that_loads_by_processes_of_its_own_works(
    harness: Command, folders: Path, plugin: Callable[[str, str], Path], tmp_path: Path
) -> None:
    words = asked(folders, plugin("loads", LEARNS_BY_WORKERS), 2)
    here = harness(*words, "--out", tmp_path / "here", timeout=400)
    assert here.code == 0, here.err
    ran = harness(*words, "--on", "dask", "--workers", "2", "--out", tmp_path / "runs", timeout=400)
    assert ran.code == 0, ran.err
    found = [tmp_path / "work" / one.json["runs"][0]["folder"] for one in (here, ran)]
    assert bytes_of(found[0]) == bytes_of(found[1])


def both_are_there(cluster: Cluster) -> None:
    """Wait until a cluster has two workers."""
    connect: Any = importlib.import_module("distributed").Client
    with connect(scheduler_file=str(cluster.file), set_as_default=False) as client:
        client.wait_for_workers(2, timeout=60)
