"""The same command on a cluster of this machine: the same bytes, whoever dies on the way."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Ran
from tests.execution.cluster.conftest import asked, bytes_of

pytestmark = [pytest.mark.slow, pytest.mark.own_workers]

Command = Callable[..., Ran]


def test_metrics_and_scores_are_the_same_bytes_wherever_units_are_done(
    harness: Command, folders: Path, patient: Path, tmp_path: Path
) -> None:
    ways = {
        "inside": ("--on", "in-process"),
        "one": ("--workers", "1"),
        "two": ("--workers", "2"),
        "dask": ("--on", "dask", "--workers", "3"),
    }
    command = asked(folders, patient, 3)
    found = {}
    for name, words in ways.items():
        ran = harness(*command, *words, "--out", tmp_path / name, timeout=400)
        assert ran.code == 0, ran.err
        (run,) = ran.json["runs"]
        found[name] = bytes_of(tmp_path / "work" / run["folder"])
    assert len(found["inside"]) == 4
    assert found["one"] == found["two"] == found["dask"] == found["inside"]
    folder = tmp_path / "work" / run["folder"]
    assert not [*folder.rglob("claim.json"), *folder.glob("assignments*")]
    assert not list(folder.glob("units/*/journal.json"))
    assert harness("verify", folder).code == 0
    steps = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["steps"]
    assert {step["unit"] for step in steps} == {f"fold-{fold}" for fold in range(1, 4)}
    again = harness(*command, *ways["dask"], "--out", tmp_path / "dask")
    assert again.json["runs"][0]["done"] == []


def test_probes_that_are_retouched_first_are_the_same_bytes(
    harness: Command, small_set: Path, tmp_path: Path
) -> None:
    words: list[str | Path] = ["run", "--protocol", "similarity", "--algo", "colours", "--json"]
    words += ["--data", small_set, "--attack", "inpaint", "--fold", "1", "--fold", "2"]
    found = []
    for name, where in (("here", "subprocess"), ("there", "dask")):
        place = ("--on", where, "--workers", "2", "--out", tmp_path / name)
        ran = harness(*words, *place, timeout=400)
        assert ran.code == 0, ran.err
        found.append(bytes_of(tmp_path / "work" / ran.json["runs"][0]["folder"]))
    assert found[0] == found[1]
