"""Parts of the trials in a report."""

from __future__ import annotations

from harness.reporting.sections.subsets import ALL, subset_table
from harness.statistics.estimate import Estimate
from harness.tasks.results import Metrics

POOLED = {"hit-rate@rank=1": Estimate(0.9, 0.85, 0.95, n=100), "map": Estimate(0.8, n=100)}


def metrics(**parts: dict[str, Estimate]) -> Metrics:
    return Metrics("closed-set", "hit-rate@rank=1", {}, POOLED, [], subsets=parts)


def test_every_part_stands_beside_the_whole_with_its_trials_and_interval() -> None:
    table = subset_table(
        metrics(
            same={"hit-rate@rank=1": Estimate(1.0, 0.96, 1.0, n=80)},
            other={"hit-rate@rank=1": Estimate(0.5, 0.3, 0.7, n=20)},
        )
    )
    assert table is not None
    assert table.rows == (
        ("same", "80", "100.0 % (96.0–100.0 %)"),
        ("other", "20", "50.0 % (30.0–70.0 %)"),
        (ALL, "100", "90.0 % (85.0–95.0 %)"),
    )
    assert len(table.columns) == 3


def test_a_part_without_trials_has_no_value_and_a_run_without_parts_no_table() -> None:
    table = subset_table(metrics(none={"hit-rate@rank=1": Estimate(None)}))
    assert table is not None
    assert table.rows[0] == ("none", "0", "no value")
    assert subset_table(metrics()) is None
