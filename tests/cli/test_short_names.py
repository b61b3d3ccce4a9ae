"""A run folder need not be named by its hash."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import RunFailed, UsageError
from harness.runs.naming import folder_of
from tests.conftest import Ran

Command = Callable[..., Ran]


def finished(place: Path, name: str, age: int) -> Path:
    folder = place / name
    folder.mkdir(parents=True)
    seal = folder / "checksums.sha256"
    seal.touch()
    os.utime(seal, (1_000_000 - age, 1_000_000 - age))
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    place = tmp_path / "runs"
    finished(place, "similarity/triplet-47a49f01fa", age=3)
    finished(place, "similarity/triplet-fbea2268e8-0a1b2c", age=2)
    finished(place, "region/my-own-facade-0123456789", age=1)
    (place / "similarity" / "sift-0000000000").mkdir()  # not finished
    return place


def test_the_latest_finished_run_of_a_protocol_and_an_algorithm_is_found(runs: Path) -> None:
    found = folder_of("similarity/triplet", runs)
    assert found.name == "triplet-fbea2268e8-0a1b2c"
    assert folder_of("region/my-own-facade", runs).name == "my-own-facade-0123456789"
    assert folder_of("latest", runs).name == "my-own-facade-0123456789"


def test_an_unfinished_run_is_not_found_and_the_error_names_the_nearest(runs: Path) -> None:
    with pytest.raises(UsageError, match="no finished run of that name.*Known: region"):
        folder_of("similarity/sift", runs)
    with pytest.raises(UsageError, match="Did you mean 'similarity/triplet'"):
        folder_of("similarity/triplit", runs)


def test_the_name_of_a_file_with_underscores_is_taken_for_its_algorithm(runs: Path) -> None:
    assert folder_of("region/my_own_facade", runs).name == "my-own-facade-0123456789"


def test_a_file_of_run_json_stands_for_its_run(tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    for said, folder in (
        ({"runs": [{"folder": "a/b"}], "entries": [], "failed": []}, "a/b"),
        ({"runs": [{"folder": "a/1"}, {"folder": "a/2"}], "entries": [{"folder": "a/x2"}]}, "a/x2"),
        ({"runs": [{"folder": "größe 1"}]}, "größe 1"),
    ):
        file.write_text(json.dumps(said), encoding="utf-8")
        assert folder_of(str(file)) == Path(folder)


@pytest.mark.parametrize(
    ("text", "error", "words"),
    [
        ("", RunFailed, "is empty"),
        ('{"runs": [], "failed": [{"error": "it crashed"}]}', RunFailed, "it crashed"),
        ('{"runs": [], "findings": [{"text": "no mates"}]}', RunFailed, "no mates"),
        ('{"runs": []}', UsageError, "names no run"),
        ('{"runs": [{"folder": "a"}, {"folder": "b"}]}', UsageError, "names 2 runs: a, b"),
        ("[1, 2]", UsageError, "is not what"),
        ('{"runs": 7}', UsageError, "is not what"),
        ("\x00\x01", UsageError, "is not what"),
        ("[" * 100_000, UsageError, "is not what"),
    ],
)
def test_a_json_file_without_one_run_is_refused_with_the_reason(
    tmp_path: Path, text: str, error: type[Exception], words: str
) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)
    with pytest.raises(error, match=words):
        folder_of(str(file))


def test_a_path_is_itself(runs: Path, tmp_path: Path) -> None:
    assert folder_of(str(runs / "similarity"), tmp_path) == runs / "similarity"
    missing = str(tmp_path / "a" / "b" / "c")
    assert folder_of(missing, runs) == Path(missing)


def test_verify_takes_short_names_several_runs_and_folders_of_runs(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    ran = harness(
        "run", "--protocol", "similarity", "--algo", "constant,random", "--data", small_set
    )
    assert ran.code == 0, ran.err
    one = harness("verify", "similarity/random")
    assert one.code == 0
    assert one.err.startswith("similarity/random is runs/similarity/random-")
    every = harness("verify", "runs")
    assert every.out.count("whole, and its numbers follow") == 2
    (folder,) = (tmp_path / "work" / "runs" / "similarity").glob("random-*")
    (folder / "metrics.json").write_text("{}")
    damaged = harness("verify", "runs", "similarity/constant")
    assert damaged.code == 3
    assert damaged.out.count("whole, and its numbers follow") == 1
    assert "metrics.json: its bytes changed" in damaged.out
    gated = harness("gate", "--baseline", "latest", "--candidate", "similarity/constant")
    assert "latest is runs/similarity/" in gated.err
    assert "similarity/constant is runs/similarity/constant-" in gated.err
