"""The benchmarks run and say what they measured; times are nobody's test."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmarks import verification

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_benchmark_runs_and_leaves_absent_packages_out_with_a_word() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--json", "--alone"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=600,
    )
    told = json.loads(done.stdout)
    found = {benchmark["name"]: benchmark["timings"] for benchmark in told["benchmarks"]}
    assert list(found) == [
        "machine",
        "verification",
        "closed-set",
        "open-set",
        "at-once",
        "billion",
        "local-matching",
        "training",
        "training-colour",
        "cluster",
        "judging",
        "leaderboard",
        "starting",
        "pipe",
        "black-box",
        "intervals",
        "band-of-chance",
        "ssim",
        "augmentation",
        "junit",
    ]
    for timings in found.values():
        assert timings[0]["ratio"] == 1.0
        for timing in timings:
            assert timing["ratio"] is None or timing["ratio"] > 0
            assert timing["ratio"] is not None or timing["remark"].startswith("absent")
    remarks = {timing["name"]: timing["remark"] for timing in found["verification"]}
    assert remarks["harness"] == "same numbers"


def test_the_roc_route_of_scikit_learn_gives_our_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    def only_one(name: str) -> Any:
        return importlib.import_module(name) if name.startswith("sklearn") else "absent"

    monkeypatch.setattr(verification, "peer", only_one)
    _, timings = verification.eer_and_fnmr(quick=True, turns=1)
    remarks = {timing.name: timing.remark for timing in timings}
    assert remarks["scikit-learn roc_curve"] == "same numbers"


def test_one_benchmark_can_be_chosen_and_is_printed_as_a_table() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--quick", "--only", "open-set"],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=60,
    )
    assert "bare matrix product" in done.stdout
    assert "FNIR/FPIR" in done.stdout
    assert "partition" not in done.stdout


@pytest.mark.slow
def test_sharded_matching_is_measured_beside_the_product_and_its_bytes_compared(
    tmp_path: Path,
) -> None:
    words = ["--probes", "120", "--references", "3000", "6000", "--dimension", "32"]
    words += ["--shards", "1", "3", "--workers", "1", "--svg", str(tmp_path / "growth.svg")]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.shards", *words, "--folder", str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        timeout=300,
    )
    told, _, verdict = done.stdout.rpartition("files are ")
    assert verdict.strip() == "the same in all ways"
    rows = json.loads(told)["rows"]
    assert [(row["references"], row["shards"]) for row in rows] == [
        (3000, 1),
        (3000, 3),
        (6000, 1),
        (6000, 3),
    ]
    assert all(row["peak MB of a process"] < 1024 for row in rows)
    assert "<polyline" in (tmp_path / "growth.svg").read_text()
    assert [path.name for path in tmp_path.iterdir()] == ["growth.svg"]
