"""What a plugin may read follows from where it lies and what its parameters name."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.execution.enclosure import rules_for
from harness.execution.fence import Rules
from harness.execution.readable import without

pytestmark = pytest.mark.own_process


def rules(place: Path, **parameters: str) -> Rules:
    for name in ("plugins", "data", "run", "scratch", "elsewhere"):
        (place / name).mkdir(exist_ok=True)
    for name in ("data/manifest.csv", "run/truth.json", "run/model.onnx", "elsewhere/table.csv"):
        (place / name).touch()
    file = place / "plugins" / "one.py"
    file.touch()
    return rules_for(
        file,
        parameters,
        place / "scratch",
        environment=os.environ,
        hidden=[place / "data", place / "run"],
    )


def can_read(found: Rules, path: Path) -> bool:
    allowed = [*without(found.readable, found.hidden)[0], *found.named]
    return any(str(path) == a or str(path).startswith(f"{a}/") for a in allowed)


def test_a_parameter_opens_no_file_of_a_data_set_or_run(tmp_path: Path) -> None:
    truth = ("data/manifest.csv", "run/truth.json")
    for name in truth:
        assert not can_read(rules(tmp_path, path=str(tmp_path / name)), tmp_path / name)
    for folder in ("data", "run", "."):
        found = rules(tmp_path, path=str(tmp_path / folder))
        assert not any(can_read(found, tmp_path / name) for name in truth)


def test_a_parameter_opens_what_it_names_elsewhere_and_weights_of_a_run(tmp_path: Path) -> None:
    table, model = tmp_path / "elsewhere/table.csv", tmp_path / "run/model.onnx"
    found = rules(tmp_path, path=str(table), model=str(model))
    assert can_read(found, table)
    assert can_read(found, model)
    assert not can_read(found, tmp_path / "run/truth.json")
    assert not can_read(rules(tmp_path), table)


def test_a_parameter_that_is_no_path_is_left_alone(tmp_path: Path) -> None:
    assert rules(tmp_path, word="x" * 10_000).readable == rules(tmp_path).readable
