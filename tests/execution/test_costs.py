"""What operations take is measured by the harness, kept with the run, and part of no hash."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.execution.costs import MOST, Clock, Levels, costs_of, levels_of
from harness.plugins.places import bundled
from harness.record.record import read_manifest
from harness.reporting.operations import operation_table
from tests.conftest import run_harness

WriteFile = Callable[[str, str], Path]

SLOW = """
import time
from dataclasses import dataclass
import numpy as np
from harness import Matcher

@dataclass
class Slow(Matcher):
    '''Takes its time.'''

    def {method}
        return {answer}

    def compare(self, probes, references):
        time.sleep(0.004)
        return np.array([[-abs(float(p[0] - r[0])) for r in references] for p in probes])
"""
ONE_BY_ONE = {
    "method": "extract(self, image):\n        time.sleep(0.006)",
    "answer": "image.reshape(-1)[:8].astype(np.float32)",
}
TOGETHER = {
    "method": "extract(self, image):\n        raise NotImplementedError\n\n"
    "    def extract_batch(self, images):\n        time.sleep(0.006 * len(images))",
    "answer": "[image.reshape(-1)[:8].astype(np.float32) for image in images]",
}


@pytest.mark.parametrize("sizes", [(5,), (40, 60), (1000, 10, 300)])
def test_costs_of_several_units_are_those_of_all_operations_together(
    sizes: tuple[int, ...],
) -> None:
    rng = np.random.default_rng(len(sizes))
    units = [rng.lognormal(size=size) for size in sizes]
    found = costs_of([{"extract": levels_of(unit.tolist())} for unit in units])["extract"]
    every = np.sort(np.concatenate(units))
    assert found.mean == pytest.approx(every.mean())
    assert found.count == len(every)
    for value, share in ((found.median, 0.5), (found.p90, 0.9)):
        place = np.searchsorted(every, value * 1.0001) / len(every)
        assert place == pytest.approx(share, abs=1.5 / min(sizes) + 0.02)


def test_many_operations_are_kept_as_few_numbers_with_both_ends() -> None:
    found = levels_of(np.arange(1, 100_001).tolist())
    assert len(found.levels) == MOST
    assert (found.count, found.levels[0], found.levels[-1]) == (100_000, 1, 100_000)


def test_nothing_measured_is_no_cost() -> None:
    assert costs_of([{}, {"extract": Levels(0, [], 0.0)}]) == {}
    assert Clock().costs() == {}


@pytest.mark.parametrize("way", [ONE_BY_ONE, TOGETHER], ids=["one by one", "together"])
def test_a_run_says_what_an_image_a_search_and_a_template_take(
    plugin: WriteFile, small_set: Path, tmp_path: Path, way: dict[str, str]
) -> None:
    path = plugin("slow", SLOW.format(**way))
    said = []
    for out in ("one", "two"):
        ran = run_harness(
            *("run", "--protocol", "similarity", "--algo", path, "--data", small_set),
            *("--fold", "1", "--out", tmp_path / out, "--json"),
        )
        assert ran.code == 0, ran.err
        said.append(Path(json.loads(ran.out)["runs"][0]["folder"]))
    manifest = read_manifest(said[0])
    costs = manifest.costs
    assert set(costs) == {"extract", "compare", "template"}
    assert 0.006 <= costs["extract"].median <= costs["extract"].p90 < 1
    assert 0.004 <= costs["compare"].median <= costs["compare"].p90 < 1
    assert costs["template"].median == costs["template"].p90 == 32
    table = operation_table(manifest, 4)
    assert table is not None
    assert [row[0] for row in table.rows] == [
        *("Template creation", "Search", "Template", "Templates of a gallery of 4")
    ]
    assert table.rows[3][2] == "128 bytes"
    assert table.rows[2][2] == "32 bytes"

    # They are of a machine: no hash of what was run, or of what came of it, knows of them.
    other = read_manifest(said[1])
    assert other.costs != costs
    assert (other.identity, other.result_hash) == (manifest.identity, manifest.result_hash)
    numbers = [(folder / "metrics.json").read_bytes() for folder in said]
    assert numbers[0] == numbers[1]
    told = json.loads(run_harness("scale", said[0], "--json").out)
    assert told[0]["costs"]["template"]["median"] == 32
    assert "Template creation" in (said[0] / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("size", [3, MOST + 50])
def test_what_costs_more_than_a_limit_is_counted_one_by_one(size: int) -> None:
    values = np.random.default_rng(size).permutation(np.arange(size)).astype(float).tolist()
    kept, summed = levels_of(values, every=True), levels_of(values)
    assert kept.each == values
    limits = {"extract": size - 2.5, "compare": 1.0}
    found = costs_of([{"extract": kept}, {"extract": kept}], limits)
    assert (found["extract"].limit, found["extract"].over) == (size - 2.5, 4)
    assert costs_of([{"extract": kept}])["extract"].over is None
    # Of many operations that were only summed up nobody knows how many there were.
    both = costs_of([{"extract": kept}, {"extract": summed}], limits)["extract"]
    assert both.over == (4 if size <= MOST else None)


@pytest.mark.slow
def test_a_protocol_s_limits_are_counted_reported_and_change_no_number(
    plugin: WriteFile, small_set: Path, tmp_path: Path
) -> None:
    path = plugin("slow", SLOW.format(**ONE_BY_ONE))
    own = bundled("protocols") / "similarity.toml"
    limited = tmp_path / "limited.toml"
    limited.write_text(own.read_text() + "\n[limits]\ntemplate = 0.001\nsearch = 60\n")
    runs = {}
    for protocol in (own, limited):
        ran = run_harness(
            *("run", "--protocol", protocol, "--algo", path, "--data", small_set),
            *("--fold", "1", "--out", tmp_path / "runs", "--json"),
        )
        assert ran.code == 0, ran.err
        runs[protocol] = Path(json.loads(ran.out)["runs"][0]["folder"])
    manifest = read_manifest(runs[limited])
    extract, compare = (manifest.costs[name] for name in ("extract", "compare"))
    assert (extract.limit, extract.over) == (0.001, extract.count)
    assert (compare.limit, compare.over) == (60, 0)
    assert "took longer than the 0.001 s that the protocol allows for one" in ran.err
    table = operation_table(manifest, 4)
    assert table is not None
    assert [row[4] for row in table.rows] == [
        *(f"{extract.count} of {extract.count} over 1 ms", f"0 of {compare.count} over 1 min 0 s"),
        *("", ""),
    ]
    assert "Over the protocol&#39;s limit" in (runs[limited] / "report.html").read_text()
    plain = operation_table(read_manifest(runs[own]), 4)
    assert plain is not None
    assert {len(row) for row in (plain.columns, *plain.rows)} == {4}
    pooled = [json.loads((run / "metrics.json").read_text())["pooled"] for run in runs.values()]
    assert pooled[0] == pooled[1]


def test_a_manifest_of_before_has_no_costs_and_no_table() -> None:
    golden: Any = bundled("fixtures") / "golden" / "similarity-colours" / "run"
    manifest = read_manifest(golden)
    assert manifest.costs == {}
    assert operation_table(manifest) is None
