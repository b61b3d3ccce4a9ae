"""Units of a matching on a cluster: the same bytes, and workers that differ are refused."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from harness.errors import RunFailed, UsageError
from harness.execution.cluster import matching
from harness.execution.cluster.matching import CarriedUnits, do_there, tell
from harness.execution.cluster.sameness import Report
from harness.execution.cluster.settings import ClusterSettings
from tests.conftest import Ran
from tests.matching.test_sharded import WORLDS, content, matched, saved

Command = Callable[..., Ran]


class Answering:
    """A cluster that is this process: its answers are those of workers."""

    unseen = 0.0

    def __init__(self, tells: Callable[[], list[bytes]] = lambda: [tell()]) -> None:
        self.tells, self.lost = tells, set[str]()

    def on_each(self, function: Callable[..., bytes], *words: object) -> list[bytes]:
        return self.tells()

    def submit(self, function: Callable[..., bytes], folder: str, roots: object) -> object:
        if Path(folder).name in self.lost:
            self.lost.discard(Path(folder).name)
            return None
        return msgspec.Raw(function(folder, roots))

    def result(self, future: bytes | None) -> bytes | None:
        return None if future is None else bytes(future)

    def cancel(self, futures: object) -> None:
        """Nothing is waiting."""


def carried(cluster: Answering, **settings: object) -> CarriedUnits:
    chosen = ClusterSettings.model_validate(settings)
    return CarriedUnits(cluster, chosen, lambda *_: None)  # type: ignore[arg-type]


def test_units_that_are_carried_give_the_bytes_of_those_done_here(tmp_path: Path) -> None:
    world = WORLDS["ties"]()
    saved(world, tmp_path)
    here = content(matched(tmp_path, world.mated, 3), tmp_path / "here")
    cluster = Answering()
    cluster.lost = {"count-0-00000-00001", "begin-00000"}
    found = matched(tmp_path, world.mated, 3, carried(cluster), work="there")
    assert content(found, tmp_path / "there-too") == here
    assert not cluster.lost


def test_files_that_lie_elsewhere_on_a_worker_are_found_there(tmp_path: Path) -> None:
    world = WORLDS["tiny"]()
    saved(world, tmp_path / "set")
    moved = tmp_path / "scratch"

    class Moving(Answering):
        def submit(self, function: Callable[..., bytes], folder: str, roots: object) -> object:
            (tmp_path / "set").rename(moved)
            try:
                return super().submit(function, folder.replace("/set/", "/scratch/"), roots)
            finally:
                moved.rename(tmp_path / "set")

    roots = {"data_root": {str(tmp_path / "set"): str(moved)}}
    found = matched(tmp_path / "set", world.mated, 1, carried(Moving(), **roots))
    assert found.nonmated_count == 12 - len(world.mated)


def test_a_worker_that_differs_is_refused_before_it_does_anything(tmp_path: Path) -> None:
    world = WORLDS["tiny"]()
    saved(world, tmp_path)

    def two() -> list[bytes]:
        first = msgspec.json.decode(tell(), type=Report)
        other = msgspec.json.decode(tell(), type=Report)
        first.host, other.host = "a-node", "odd-node"
        other.environment = msgspec.structs.replace(other.environment, kernels=("other",))
        return [msgspec.json.encode(one) for one in (first, other)]

    with pytest.raises(UsageError, match="odd-node +kernels"):
        matched(tmp_path, world.mated, 1, carried(Answering(two)))
    assert not list((tmp_path / "work").glob("units/*/result.npz"))
    assert matched(tmp_path, world.mated, 1, carried(Answering(two), mixed=True)).eer is not None


def test_what_is_wrong_on_a_worker_is_said_with_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = WORLDS["tiny"]()
    saved(world, tmp_path)
    monkeypatch.setattr("socket.gethostname", lambda: "far-node")
    cluster = Answering()
    real = cluster.submit

    def without(function: Callable[..., bytes], folder: str, roots: object) -> object:
        (tmp_path / "P.npy").unlink()
        return real(function, folder, roots)

    monkeypatch.setattr(cluster, "submit", without)
    with pytest.raises(UsageError, match=r"P\.npy cannot be read(.|\n)*on far-node"):
        matched(tmp_path, world.mated, 1, carried(cluster))
    fault = msgspec.json.decode(do_there(str(tmp_path / "nowhere"), ()), type=matching.Fault)
    assert fault.code == RunFailed.exit_code
    assert "nowhere" in fault.text


@pytest.mark.slow
@pytest.mark.own_workers
@pytest.mark.xdist_group("dask")
def test_a_cluster_that_loses_workers_gives_the_same_files(
    harness: Command, tmp_path: Path
) -> None:
    world = WORLDS["identities"]()
    saved(world, tmp_path, 3)
    lines = "".join(f"{i},{j}\n" for i, j in world.mated.tolist())
    (tmp_path / "M.csv").write_text("probe,reference\n" + lines)
    words = ["match", "--probes", tmp_path / "P.npy", "--references", tmp_path / "R"]
    words += ["--pairs", tmp_path / "M.csv", "--name", "vendor"]
    found = []
    for name, options in (
        ("here", ("--shards", "1")),
        ("dask", ("--shards", "4", "--on", "dask", "--workers", "2")),
    ):
        killing = threading.Event()
        killer = threading.Thread(target=_kill_one, args=(tmp_path / name, killing))
        if name == "dask":
            killer.start()
        ran = harness(*words, *options, "--out", tmp_path / name, timeout=300)
        killing.set()
        assert ran.code == 0, ran.err
        (run,) = (tmp_path / name / "embeddings").glob("[!.]*")
        scores = sorted((run / "units" / "fold-all" / "scores").glob("matching.*"))
        found.append([path.read_bytes() for path in (run / "metrics.json", *scores)])
    assert found[0] == found[1]


def _kill_one(out: Path, over: threading.Event) -> None:
    """Kill a process that has begun to count, as an operating system short of memory does."""
    while not over.is_set():
        counting = any(out.glob("embeddings/*/units/count-*/unit.json"))
        for status in Path("/proc").glob("[0-9]*/cmdline") if counting else ():
            try:
                words = status.read_bytes()
                if b"distributed" in words and b"nanny" not in words:
                    parent = (status.parent / "stat").read_text().rsplit(")", 1)[1].split()[1]
                    if _ours(int(parent)):
                        os.kill(int(status.parent.name), signal.SIGKILL)
                        return
            except OSError:
                continue
        time.sleep(0.05)


def _ours(process: int) -> bool:
    """Whether a process descends from this one."""
    while process > 1:
        if process == os.getpid():
            return True
        try:
            stat = Path(f"/proc/{process}/stat").read_text()
        except OSError:
            return False
        process = int(stat.rsplit(")", 1)[1].split()[1])
    return False
