"""What a user says about a cluster, and what is said of it when it cannot be used."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import cast

import msgspec
import pytest

from harness.cli.verbs.run import run
from harness.data.records import Picture
from harness.errors import UsageError
from harness.execution.cluster.assignments import relocated
from harness.execution.cluster.settings import mapped, read_settings, root_of
from harness.execution.executor import SUBPROCESS, Elsewhere
from harness.execution.unit import Training, Unit
from harness.runs.preparing import Request, prepare
from tests.conftest import run_harness


def settings(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "jobs.toml"
    file.write_text(text)
    return file


def test_what_is_not_said_has_defaults(tmp_path: Path) -> None:
    found = read_settings(settings(tmp_path, 'queue = "gpu"\ngpus = 1\nwait = 5\n'))
    assert (found.queue, found.gpus, found.jobs, found.cores) == ("gpu", 1, 1, 1)
    assert (found.wait, found.python, found.mixed) == (5.0, sys.executable, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("jobs = 0", ["jobs", "greater than or equal to 1", "0"]),
        ('cores = "four"', ["cores", "integer", "'four'"]),
        ("gpus = 2", ["gpus", "less than or equal to 1"]),
        ('memory = "4 gigs"', ["memory", "'4 gigs'"]),
        ('walltime = "soon"', ["walltime", "'soon'"]),
        ('setup = ["a\\nb"]', ["setup.0"]),
        ('queu = "x"', ["queu: no such key", "queue"]),
        ('queue = "a b"\njobs = -1', ["queue", "jobs"]),
        ('data_root = { "/a" = 1 }', ["data_root"]),
        ("wait = -1", ["wait"]),
        ("[", ["not TOML"]),
    ],
)
def test_every_fault_is_named(tmp_path: Path, text: str, words: list[str]) -> None:
    file = settings(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        read_settings(file)
    for word in (str(file), *words):
        assert word in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nowhere.toml: No such file"):
        read_settings(tmp_path / "nowhere.toml")


def test_the_longest_folder_decides_what_a_path_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCRATCH", "/local")
    roots = (("/data", "$SCRATCH/d/"), ("/data/big", "/big"), ("/", "/root"))
    assert mapped("/data/a.png", roots) == "/local/d/a.png"
    assert mapped("/data/big/a.png", roots) == "/big/a.png"
    assert mapped("/data", roots) == "/local/d"
    assert mapped("/databig", roots) == "/root/databig"


@pytest.mark.parametrize("text", ["", "/a", "=/b", "/a="])
def test_a_data_root_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="LOCAL=REMOTE"):
        root_of(text)


def test_every_file_of_a_unit_is_relocated_and_the_unit_stays_as_it_is() -> None:
    unit = Unit(
        name="fold-1",
        ability="Matcher",
        algorithm="some",
        file="/home/me/some.py",
        attribute="",
        module="",
        parameters={"model": "/home/me/m.onnx", "name": "home/me", "k": 3},
        pictures={"a": Picture("/home/me/a.png", (0, 0, 1, 1))},
        training=Training(
            ["a"], masks=[Picture("/home/me/m.png"), None], clean=[Picture("/home/me/c.png")]
        ),
        masks=[Picture("/home/me/t.png"), None],
    )
    before = msgspec.json.encode(unit)
    there = relocated(unit, lambda path: mapped(path, (("/home/me", "/there"),)))
    assert msgspec.json.encode(unit) == before
    assert msgspec.json.encode(there) == before.replace(b"/home/me/", b"/there/")


def test_a_place_that_is_none_is_refused_with_those_that_there_are() -> None:
    for on in ("moon", "dask://", "dask://host", "slurm2", "http://host:80"):
        ran = run_harness("run", "--protocol", "similarity", "--algo", "colours", "--on", on)
        assert ran.code == 2
        assert repr(on) in ran.err
        for word in ("subprocess", "in-process", "dask://HOST:PORT", "slurm", "pbs"):
            assert word in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "slurm"), "needs --cluster FILE.toml"),
        (("--on", "subprocess", "--data-root", "/a=/b"), "for clusters"),
        (("--on", "nowhere.json"), "no such scheduler file"),
        (("--on", "dask", "--data-root", "/a"), "LOCAL=REMOTE"),
    ],
)
def test_options_that_do_not_go_together_are_refused(words: tuple[str, ...], said: str) -> None:
    ran = run_harness("run", "--protocol", "similarity", "--algo", "colours", *words)
    assert ran.code == 2
    assert said in ran.err


@pytest.mark.parametrize("missing", ["dask", "distributed", "cryptography"])
def test_a_harness_without_dask_says_what_to_install(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    ran = run_harness("run", "--protocol", "similarity", "--algo", "colours", "--on", "dask")
    assert ran.code == 2
    package = "distributed" if missing == "dask" else missing
    assert f"--on needs {package}, which is not installed" in ran.err
    assert "pip install 'tattoo-harness[cluster]'" in ran.err


def test_a_device_that_is_not_there_is_refused_before_anything_runs(tmp_path: Path) -> None:
    for words in (
        ("--algo", "colours", "--device", "quantum"),
        ("--algo", "colours", "--device", "cuda:99"),
        ("--algo", "triplet", "--param", "device=cuda:99"),
    ):
        ran = run_harness("run", "--protocol", "similarity", *words, "--out", tmp_path / "runs")
        assert ran.code == 2, ran.err
        assert "cannot be used on this machine" in ran.err or "device" in ran.err
        assert not list(tmp_path.rglob("units"))


def test_workers_on_this_machine_need_the_device_here_and_others_do_not() -> None:
    carried = replace(SUBPROCESS, elsewhere=cast("Elsewhere", object()))
    asked = Request(("colours",), ("similarity",), device="cuda:99", executor=carried)
    with pytest.raises(UsageError, match="cannot be used on this machine"):
        prepare(asked)
    prepare(replace(asked, executor=replace(carried, here=False)))


def test_the_command_has_what_the_page_on_clusters_names() -> None:
    page = (Path(__file__).parents[3] / "docs" / "cluster.md").read_text(encoding="utf-8")
    options = {name for option in run.params for name in option.opts}
    for name in ("--on", "--cluster", "--data-root", "--workers", "--device", "--out"):
        assert name in options
        assert name in page
