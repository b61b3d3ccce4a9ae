"""What may not differ between the machines of a cluster, and how it is said."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock

import msgspec
import pytest

from harness.execution.asking import Asked
from harness.execution.cluster import connecting, there
from harness.execution.cluster.sameness import (
    Expected,
    Question,
    Report,
    differences,
    expected_of,
    own_device,
    pictures_changed,
    refusal,
    report,
    two_on_one,
)
from harness.execution.devices import device_asked
from harness.execution.environment import Environment, harness_version
from harness.plugins.places import bundled
from harness.plugins.programs import command
from harness.plugins.registry import find_algorithm
from harness.plugins.scaffold import write_program

QUESTION = Question("some", "/shared/some.py", "", "", "", {}, None, (), 1.0, 0)
HERE = Environment(
    system="Linux",
    processor="Xeon 1",
    features=("AVX2",),
    python="3.11.7",
    libraries={"numpy": "2.0.0"},
    kernels=("openblas 0.3: Haswell",),
)


def expected(*, mixed: bool = False) -> Expected:
    return Expected(QUESTION, "1.0", {"harness.api": "aa"}, {"some.py": "bb"}, HERE, mixed)


def reported(**changes: Any) -> Report:
    environment = msgspec.structs.replace(HERE, **changes.pop("environment", {}))
    one = Report(
        "node1", "node1:7", "1.0", {"harness.api": "aa"}, {"some.py": "bb"}, None, environment
    )
    return msgspec.structs.replace(one, **changes)


def test_two_that_are_alike_differ_in_nothing() -> None:
    assert differences(expected(), reported()) == []


@pytest.mark.parametrize(
    ("changes", "what", "there"),
    [
        ({"harness": "1.1"}, "harness", "1.1"),
        ({"code": {"harness.api": "cc"}}, "harness.api", "cc"),
        ({"code": {}}, "harness.api", "missing"),
        ({"files": {"some.py": "dd"}}, "/shared/some.py", "dd"),
        ({"files": {"some.py": "bb", "late.txt": "ee"}}, "/shared/late.txt", "ee"),
        ({"error": "it cannot be imported"}, "/shared/some.py", "it cannot be imported"),
        ({"environment": {"python": "3.12.1"}}, "python", "3.12.1"),
        ({"environment": {"libraries": {"numpy": "2.1.0"}}}, "numpy", "2.1.0"),
        ({"environment": {"libraries": {}}}, "numpy", "none"),
        ({"environment": {"processor": "Xeon 2"}}, "processor", "Xeon 2"),
        ({"environment": {"kernels": ("openblas 0.3: Zen",)}}, "kernels", "openblas 0.3: Zen"),
        ({"environment": {"settings": {"MKL_CBWR": "AVX2"}}}, "settings", "MKL_CBWR=AVX2"),
    ],
)
def test_what_can_change_a_number_is_found(changes: Any, what: str, there: str) -> None:
    (row,) = differences(expected(), reported(**changes))
    assert (row.host, row.what, row.there) == ("node1", what, there)


def test_other_processors_are_taken_where_that_is_allowed_and_other_libraries_are_not() -> None:
    other = {"processor": "EPYC", "features": ("AVX512F",), "kernels": ("openblas 0.3: Zen",)}
    assert differences(expected(mixed=True), reported(environment=other)) == []
    assert len(differences(expected(), reported(environment=other))) == 3
    told = {"settings": {"OPENBLAS_CORETYPE": "Prescott"}}
    assert differences(expected(mixed=True), reported(environment=told)) == []
    more = {**other, "libraries": {"numpy": "2.1.0"}}
    assert len(differences(expected(mixed=True), reported(environment=more))) == 1


def test_pictures_that_are_missing_or_others_are_named(tmp_path: Path) -> None:
    there_is, other = tmp_path / "a.png", tmp_path / "b.png"
    there_is.write_bytes(b"x")
    other.write_bytes(b"x")
    same = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    wanted = {str(there_is): same, str(other): "0" * 64, str(tmp_path / "c.png"): same}
    rows = pictures_changed(wanted, "node2")
    assert [(Path(row.what).name, row.there) for row in rows] == [
        ("b.png", same[:12]),
        ("c.png", "missing"),
    ]


def test_two_workers_on_one_device_are_found_and_two_devices_or_machines_are_not() -> None:
    def worker(host: str, number: int, gpu: str) -> Report:
        return msgspec.structs.replace(reported(), host=host, worker=f"{host}:{number}", gpu=gpu)

    assert two_on_one([worker("a", 1, "0"), worker("a", 2, "1"), worker("b", 3, "0")]) == []
    (row,) = two_on_one([worker("a", 1, "0"), worker("b", 2, "0"), worker("a", 3, "0")])
    assert (row.host, row.there) == ("a", "0, as that of a:1")
    (row,) = two_on_one([worker("a", 1, ""), worker("a", 2, "")])
    assert "not set" in row.there


@pytest.mark.parametrize(
    ("named", "own"),
    [
        ("3,0,1,2", "3"),
        (" 2 , 1", "2"),
        ("GPU-8932f937-d72c-4106,GPU-0", "GPU-8932f937-d72c-4106"),
        ("MIG-GPU-8932f937/1/0", "MIG-GPU-8932f937/1/0"),
        ("", ""),
        ("-1", ""),
        ("-1,0", ""),
        (",0", ""),
        ("NoDevFiles", ""),
        (None, ""),
    ],
)
def test_a_worker_keeps_to_the_first_device_that_its_environment_names(
    monkeypatch: pytest.MonkeyPatch, named: str | None, own: str
) -> None:
    if named is None:
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    else:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert own_device() == own
    there._clean_up.cache_clear()
    there._clean_up()
    # What names none goes on naming none.
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == (own or named)
    there._clean_up.cache_clear()


@pytest.mark.parametrize(
    ("named", "cards", "devices"),
    [
        (None, 2, ["0", "1"]),
        (None, None, []),
        ("1", 4, ["1"]),
        ("2, 0", 4, ["2", "0"]),
        ("GPU-aa,GPU-bb", 2, ["GPU-aa", "GPU-bb"]),
        ("", 2, []),
        ("-1", 2, []),
        ("1,-1,0", 2, ["1"]),
    ],
)
def test_worker_processes_here_have_a_device_each_of_those_that_may_be_used(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    named: str | None,
    cards: int | None,
    devices: list[str],
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    monkeypatch.setattr(connecting, "_GPUS", tmp_path / "gpus")
    for i in range(cards or 0):
        (tmp_path / "gpus" / f"0000:{i:02d}:00.0").mkdir(parents=True)
    asked: dict[int, Any] = {}

    def cluster(workers: dict[int, Any], **options: Any) -> MagicMock:
        asked.update(workers)
        return MagicMock()

    # Dask that starts nothing.
    dask = MagicMock(SpecCluster=cluster)
    with connecting._local(dask, 3, 1):
        pass
    given = [one["options"]["env"].get("CUDA_VISIBLE_DEVICES") for one in asked.values()]
    assert given == ([devices[i % len(devices)] for i in range(3)] if devices else [None] * 3)


@pytest.mark.parametrize(
    ("device", "parameters", "asked"),
    [
        ("cpu", {}, ""),
        ("cuda", {"device": "cpu"}, "cuda"),
        ("cpu", {"device": "cuda"}, "cuda"),
        ("", {"device": 3}, ""),
    ],
)
def test_matching_or_the_algorithm_asks_for_a_device(
    device: str, parameters: dict[str, Any], asked: str
) -> None:
    assert device_asked(device, parameters) == asked


def test_the_table_names_machine_thing_and_both_sides_and_is_not_endless() -> None:
    rows = differences(expected(), reported(harness="1.1", environment={"processor": "EPYC"}))
    text = str(refusal(rows))
    for word in ("node1", "harness", "1.0", "1.1", "processor", "Xeon 1", "EPYC", "mixed = true"):
        assert word in text
    many = str(refusal(rows * 50))
    assert "... and 80 more" in many
    assert len(many.splitlines()) < 30


@pytest.mark.own_workers
def test_a_worker_reports_what_this_machine_is() -> None:
    file = str(bundled("algorithms") / "colours.py")
    question = msgspec.structs.replace(QUESTION, name="colours", file=file, silence=100.0)
    found = report(question, ())
    assert found.error == ""
    assert found.harness == harness_version()
    assert set(found.files) == {"colours.py"}
    assert "numpy" in found.environment.libraries
    nothing = msgspec.structs.replace(question, file="/nowhere/colours.py")
    assert "/nowhere/colours.py" in report(nothing, ()).error


@pytest.mark.own_workers
def test_a_worker_reports_the_program_that_it_has_and_says_where_it_is_another(
    tmp_path: Path,
) -> None:
    here, there = (tmp_path / name for name in ("here", "there"))
    for folder in (here, there):
        folder.mkdir()
        write_program("engine", folder)
    plugin = find_algorithm(f"exec:{sys.executable} {here / 'engine.py'} --model x")
    question = msgspec.structs.replace(
        QUESTION,
        name=plugin.name,
        file=str(plugin.file),
        silence=100.0,
        command=plugin.command,
    )
    roots = ((str(here), str(there)),)
    found = report(question, roots)
    assert found.error == ""
    assert found.description is not None
    described = Asked(found.description, found.environment, found.loaded)
    wanted = expected_of(question, plugin, described, mixed=False)
    assert set(found.files) == {"engine.py", str(Path(sys.executable).resolve()), "(command)"}
    assert differences(wanted, found) == []
    with (there / "engine.py").open("a") as more:
        more.write("# another\n")
    (row,) = differences(wanted, report(question, roots))
    assert row.what == str(here / "engine.py")
    other = msgspec.structs.replace(question, command=question.command.replace("x", "y"))
    rows = differences(wanted, report(other, ()))
    assert str(here / "(command)") in {row.what for row in rows}
    (there / "engine.py").unlink()
    # The interpreter is there, and ends; of a command without one nothing is.
    (row,) = differences(wanted, report(question, roots))
    assert "early exit" in row.there or "ended with exit code" in row.there
    bare = msgspec.structs.replace(question, command=str(here / "engine.py"))
    assert "there is no program" in report(bare, roots).error


def test_a_driver_is_compiled_where_a_library_is_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def built(header: str = "") -> Path:
        asked.append(header)
        return Path("/here/drivers/tatte-2/tatte-driver")

    monkeypatch.setattr(command, "built", built)
    text = "/elsewhere/drivers/tatte-1/tatte-driver '/data/a b/libtatte_x_001.so'"
    moved = command.moved(text, lambda path: path.replace("/data", "/scratch"), "/scratch/tatte.h")
    assert moved == "/here/drivers/tatte-2/tatte-driver '/scratch/a b/libtatte_x_001.so'"
    assert asked == ["/scratch/tatte.h"]
    text = "/bin/sh /data/run.sh --model=/data/m --size=3 data"
    moved = command.moved(text, lambda path: path.replace("/data", "/scratch"))
    assert moved == "/bin/sh /scratch/run.sh --model=/scratch/m --size=3 data"
