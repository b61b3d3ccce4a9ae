"""The environment of a process: what can change bits is in it, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from harness.execution.environment import (
    Environment,
    agrees,
    environment_of_process,
    hash_of,
    together,
)
from tests.conftest import run_harness

pytestmark = [pytest.mark.own_workers, pytest.mark.slow]

PROGRAM = (
    "import numpy, msgspec; from harness.execution.environment import environment_of_process; "
    "print(msgspec.json.encode(environment_of_process()).decode())"
)


def of_a_process(**variables: str) -> Environment:
    """Return the environment that a fresh process with these variables says it is in."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM],
        capture_output=True,
        check=True,
        env={**os.environ, **variables},
    )
    return msgspec.json.decode(done.stdout, type=Environment)


def test_two_processes_of_one_machine_are_in_one_environment() -> None:
    first, second = of_a_process(HOME="/a"), of_a_process(HOME="/b")
    assert first.hash == second.hash
    assert first.libraries["numpy"] == np.__version__
    assert any("openblas" in kernel or "mkl" in kernel for kernel in first.kernels)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OMP_NUM_THREADS", "7"),
        ("ATEN_CPU_CAPABILITY", "avx2"),
        ("OPENBLAS_CORETYPE", "Nehalem"),
        ("NPY_DISABLE_CPU_FEATURES", "AVX512F"),
    ],
)
def test_threads_and_settings_that_choose_kernels_are_another_environment(
    name: str, value: str
) -> None:
    assert of_a_process(**{name: value}).hash != of_a_process().hash


def test_the_chosen_blas_kernel_is_recorded() -> None:
    usual = of_a_process()
    if not any(kernel.startswith("openblas") for kernel in usual.kernels):
        pytest.skip("NumPy has another BLAS here")
    other = of_a_process(OPENBLAS_CORETYPE="Nehalem")
    assert any("Nehalem" in kernel for kernel in other.kernels)
    assert usual.kernels != other.kernels


def test_a_library_that_is_loaded_later_does_not_make_the_environment_another() -> None:
    now = environment_of_process()
    before = msgspec.structs.replace(now, libraries={}, kernels=(), pools=())
    assert agrees(now, before)
    other = msgspec.structs.replace(now, libraries={**now.libraries, "numpy": "0.1"})
    assert not agrees(other, before)
    assert not agrees(msgspec.structs.replace(now, threads=now.threads + 1), now)


def test_units_that_loaded_different_libraries_were_in_one_environment() -> None:
    one = Environment(threads=1, libraries={"numpy": "2.0"}, pools=("openblas 1",))
    other = Environment(threads=1, libraries={"numpy": "2.0", "torch": "2.5"})
    ((both, units),) = together({"a": one, "b": other})
    assert units == ["a", "b"]
    assert both.libraries == {"numpy": "2.0", "torch": "2.5"}
    assert hash_of([(both, units)]) == both.hash
    assert together({"a": one, "b": other})[0][0] == together({"b": other, "a": one})[0][0]


def test_units_that_contradict_each_other_were_in_several_environments() -> None:
    one, other = Environment(threads=1), Environment(threads=2)
    apart = together({"a": one, "b": other, "c": one})
    assert apart == [(one, ["a", "c"]), (other, ["b"])]
    assert hash_of(apart) not in ("", one.hash, other.hash)
    assert hash_of(apart) != hash_of(together({"a": other, "b": one, "c": one}))
    newer = Environment(threads=1, libraries={"numpy": "2.1"})
    older = Environment(threads=1, libraries={"numpy": "2.0"})
    assert len(together({"a": newer, "b": older})) == 2
    assert hash_of([]) == ""


def test_a_run_keeps_in_what_environment_every_unit_was_done(
    small_set: Path, tmp_path: Path
) -> None:
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", "colours", "--data", small_set, "--json"),
        *("--out", tmp_path / "runs", "--threads", "2"),
    )
    assert ran.code == 0, ran.err
    manifest: Any = msgspec.json.decode(
        (Path(ran.json["runs"][0]["folder"]) / "manifest.json").read_bytes()
    )
    (only,) = manifest["environments"]
    assert set(only["units"]) == {
        *("templates-001/templates", "fold-1/scores", "fold-2/scores", "fold-3/scores")
    }
    assert only["environment"]["threads"] == 2
    assert only["environment"]["processor"]
    assert len(manifest["environment_hash"]) == 64
    assert manifest["learns"] is False


def test_a_run_keeps_which_files_beside_an_algorithm_it_loaded(
    small_set: Path, tmp_path: Path, plugin: Callable[[str, str], Path]
) -> None:
    path = plugin(
        "reads",
        '''
@dataclass
class Reads(Matcher):
    """Reads a file beside it, late."""

    def extract(self, image):
        name = "weights" + ".txt"
        return image.mean(axis=(0, 1)) * np.loadtxt(os.path.join(os.path.dirname(__file__), name))
''',
    )
    path.with_name("weights.txt").write_text("1 1 1\n")
    path.with_name("other.txt").write_text("not read\n")
    ran = run_harness(
        *("run", "--protocol", "similarity", "--algo", path, "--data", small_set, "--json"),
        *("--out", tmp_path / "runs"),
    )
    assert ran.code == 0, ran.err
    manifest: Any = msgspec.json.decode(
        (Path(ran.json["runs"][0]["folder"]) / "manifest.json").read_bytes()
    )
    assert set(manifest["loaded"]) == {"weights.txt"}
