"""Criteria are checked before anything is judged, and all their faults are told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.plugins import registry
from harness.runs.validation.criteria import CHARACTERISTICS, parse_criteria, read_criteria
from harness.runs.validation.starting_point import write_criteria

GOOD = """
title = "Mine"
[[criterion]]
characteristic = "accuracy"
metric = "cllr"
at-most = 0.4
"""
ROW = '[[criterion]]\ncharacteristic = "{}"\nmetric = "{}"\n{}\n'


def faults_of(text: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse_criteria(text.encode(), "mine.toml")
    return str(caught.value)


def with_row(characteristic: str, metric: str, rest: str) -> str:
    return 'title = "Mine"\n' + ROW.format(characteristic, metric, rest)


def test_criteria_say_what_must_hold_and_come_with_their_bytes(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text(GOOD, encoding="utf-8")
    criteria, before = read_criteria(path)
    (row,) = criteria.criterion
    assert (row.low, row.high, row.needs_ratios) == (-float("inf"), 0.4, True)
    path.write_text(GOOD + "# changed\n", encoding="utf-8")
    assert read_criteria(path)[1] != before


def test_all_faults_are_told_at_once_each_with_its_criterion() -> None:
    text = """
    titel = "Mine"
    [statement]
    operater = "we"
    [experiment]
    calibrator = "logistics"
    [[criterion]]
    characteristic = "accuracy"
    metric = "cllr"
    at-least = 0.4
    [[criterion]]
    characteristic = "accuracies"
    metric = "cllr"
    at-most = 0.4
    [[criterion]]
    characteristic = "robustness"
    metric = "hit-rate@rank=0"
    at-least = 40
    at-most = 50
    """
    said = faults_of(text)
    assert "titel: no such key. Did you mean 'title'?" in said
    assert "statement.operater: no such key. Did you mean 'operator'?" in said
    assert "Did you mean 'logistic'?" in said
    assert "criterion 1 (accuracy, cllr): of this metric lower is better: say at-most" in said
    assert "criterion 2.characteristic" in said
    assert "criterion 3 (robustness, hit-rate@rank=0): say one of at-most, at-least" in said
    assert "rank is a whole number from 1" in said
    assert "say by (a column of the data set) or attack (a remover), one of them" in said


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("accuracy", "clr", "at-most = 1"), "Did you mean 'cllr'?"),
        (("accuracy", "fnmr", "at-most = 0.1"), "should read 'fnmr@fmr=0.01'"),
        (("accuracy", "far@fmr=0.1", "at-most = 0.1"), "no question is measured by 'far'"),
        (("accuracy", "fnmr@fmr=0.1", "at-most = 40"), "write 40 % as 0.4"),
        (("accuracy", "fnmr@fmr=0.1", "at-most = 1"), "nothing could ever fail"),
        (("accuracy", "hit-rate@rank=1", "at-least = 0"), "nothing could ever fail"),
        (("accuracy", "hit-rate@rank=1", "at-most = 0.5"), "higher is better: say at-least"),
        (("accuracy", "cllr", "within = [0.4, 0.1]"), "nothing lies between them"),
        (("accuracy", "cllr", ""), "say one of at-most, at-least and within"),
        (("accuracy", "cllr", 'at-most = 1\nby = "skin"'), "groups are for robustness"),
        (("accuracy", "cllr", 'at-most = 1\nattack = "cover"'), "attacks are for robustness"),
        (("accuracy", "cllr", 'at-most = 1\ncalibrated-on = "x"'), "is for generalisation"),
        (("coherence", "cllr", 'at-most = 1\nby = "skin"'), "bins are of area, mask, quality"),
        (("generalisation", "cllr", "at-most = 1"), "calibrated-on: is missing"),
        (("calibration", "eer", "at-most = 0.1"), "calibration is measured by cllr"),
        (("accuracy", "cllr", "at-most = nan"), "finite"),
    ],
)
def test_what_cannot_be_judged_is_a_fault_with_what_to_write(
    row: tuple[str, str, str], said: str
) -> None:
    assert said in faults_of(with_row(*row))


def test_a_row_that_asks_again_what_another_asks_is_a_fault() -> None:
    row = ROW.format("accuracy", "fnmr@fmr=0.1", "at-most = 0.2")
    again = ROW.format("accuracy", "fnmr@fmr=1e-1", "at-most = 0.3")
    assert "criterion 2: asks the same as criterion 1" in faults_of(f'title = "x"\n{row}{again}')


@pytest.mark.parametrize("text", ["title = ", "\x00", "title = 'x'\n", "[" * 5000])
def test_what_is_no_file_of_criteria_is_refused_with_a_sentence(text: str) -> None:
    assert faults_of(text).startswith(("criteria mine.toml are not TOML", "file of criteria"))


def test_a_file_that_is_missing_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="harness new criteria"):
        read_criteria(tmp_path / "none.toml")
    large = tmp_path / "large.toml"
    large.write_bytes(b"#" * (1 << 21))
    with pytest.raises(UsageError, match="larger than"):
        read_criteria(large)


@pytest.mark.parametrize("name", list(registry.protocols()))
def test_criteria_to_start_from_can_be_read_for_every_protocol(name: str, tmp_path: Path) -> None:
    criteria, _ = read_criteria(write_criteria("mine", tmp_path, protocol=name))
    assert criteria.experiment.protocol == name
    assert {row.characteristic for row in criteria.criterion} <= set(CHARACTERISTICS)
