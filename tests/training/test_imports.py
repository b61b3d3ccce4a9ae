"""Importing the toolkit, or describing an algorithm built on it, must not wait for torch."""

from __future__ import annotations

import subprocess
import sys

import pytest

LIGHT = [
    "harness.training",
    "harness.training.preparation",
    "harness.training.sampling",
    "harness.training.kept_pairs",
    "harness.training.curves",
    "harness.training.nearest",
    "harness.training.geometry",
    "harness.training.embedding",
    "harness.training.trained",
    "harness.training.whitening",
]


def loads_torch(code: str) -> bool:
    done = subprocess.run(
        [sys.executable, "-c", code + "; import sys; print('torch' in sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.strip() == "True"


def test_the_light_modules_do_not_import_torch() -> None:
    assert not loads_torch("import " + ", ".join(LIGHT))


@pytest.mark.parametrize(
    "name", ["contrastive", "arcface", "alexnet-svm", "fcn-alexnet", "inception-style", "backbone"]
)
def test_an_algorithm_does_not_import_torch_until_it_is_used(name: str) -> None:
    code = "from harness.plugins.registry import find_algorithm, load"
    assert not loads_torch(f"{code}; load(find_algorithm({name!r}))")


def test_this_test_would_notice_torch() -> None:
    assert loads_torch("import harness.training.losses")
