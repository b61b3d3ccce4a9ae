"""What a run came to, on a terminal: columns that say what they are, digits that are known."""

from __future__ import annotations

import pytest

from harness.cli.printing import unusable
from harness.reporting.text import decimals, metric_lines
from harness.statistics.estimate import Estimate
from harness.tasks.results import (
    Failure,
    Metrics,
)


def table(**estimates: Estimate) -> list[str]:
    return metric_lines(Metrics("identification", "eer", {}, estimates, []))


def test_the_first_line_names_the_columns_and_explains_the_star() -> None:
    head, row = table(eer=Estimate(0.25, 0.2, 0.3, chance=0.5))
    assert head.split("  ")[0] == " * = headline"
    assert row.startswith(" * eer")
    for name, cell in (
        ("value", "0.250"),
        ("95 % interval", "[0.200, 0.300]"),
        ("chance", "0.500"),
    ):
        assert head.index(name) == row.index(cell)


def test_flags_stand_behind_and_what_is_missing_leaves_its_column_empty() -> None:
    _, first, second, third = table(
        auc=Estimate(0.25, 0.2, 0.3, chance=0.5),
        eer=Estimate(None, flags=["nothing was compared", "too few"]),
        map=Estimate(0.5, chance=0.1, flags=["no interval"]),
    )
    assert second.split()[1:4] == ["eer", "no", "data"], "the headline keeps its line"
    assert second.endswith("(nothing was compared; too few)")
    assert second.index("(nothing") == third.index("(no interval")
    assert third.index("0.100") == first.index("0.500")


def test_metrics_without_a_value_are_named_once_for_each_reason_below_the_table() -> None:
    lines = table(
        eer=Estimate(0.25, 0.2, 0.3, chance=0.5),
        **{f"tag-credit@more-than={n},per-hit=0.2": Estimate(None, flags=["few"]) for n in (5, 6)},
        auc=Estimate(None),
    )
    assert [line.split()[:2] for line in lines[:2]] == [["*", "="], ["*", "eer"]]
    assert " ".join(" ".join(lines[2:]).split()) == (
        "without a value: tag-credit@more-than=5,per-hit=0.2, "
        "tag-credit@more-than=6,per-hit=0.2 (few); auc (no data)"
    )
    assert all(len(line) <= 103 for line in lines[2:])


@pytest.mark.parametrize(
    ("estimate", "wanted"),
    [
        (Estimate(0.6389, 0.5235, 0.7402), 3),  # 72 searches
        (Estimate(0.6389), 3),
        (Estimate(0.9826, 0.9718, 0.9909), 3),
        (Estimate(0.4912, 0.4906, 0.4919), 4),  # a million searches
        (Estimate(0.00042, 0.0003, 0.0006), 5),
        (Estimate(0.00042), 5),
        (Estimate(1e-12), 6),
        (Estimate(0.0, 0.0, 0.0), 3),
        (Estimate(-0.004, -0.9, 0.9), 4),
        (Estimate(18.94, 17.6, 20.44), 3),
        (Estimate(None), 3),
    ],
)
def test_more_than_three_decimals_are_shown_where_more_is_known(
    estimate: Estimate, wanted: int
) -> None:
    assert decimals(estimate) == wanted


@pytest.mark.parametrize(
    ("failed", "said"),
    [
        ([("1", "a"), ("2", "a"), ("3", "a")], "1 image (in 3 folds) could not be used"),
        ([("1", "a"), ("1", "b")], "2 images could not be used"),
        ([("1", "a"), ("2", "a"), ("2", "b")], "2 images (in 2 folds) could not be used"),
        ([("1", "a")], "1 image could not be used"),
    ],
)
def test_an_image_that_failed_in_several_folds_is_one_image(
    failed: list[tuple[str, str]], said: str
) -> None:
    assert unusable([Failure(fold, name, "probe", "dark") for fold, name in failed]) == said
