"""The table of AIGTatt and TattTRN, from three runs of one entry."""

from __future__ import annotations

import csv
import io
from pathlib import Path

import pytest

from harness.boards.aigtatt import COLUMNS, aigtatt_table
from harness.errors import UsageError
from harness.execution.pool import Limits
from harness.record import record
from harness.runs.executing import execute
from harness.runs.preparing import Request, prepare
from tests.conftest import run_harness
from tests.data.sets import picture

PROTOCOL = """\
version = 1
title = "t"
question = "q"
task = "{task}"
headline = "{metric}"
metrics = ["{metric}"]

[data]
use-case = "folders"

[folds]
count = 1
"""
METRICS = {
    "verification": "eer",
    "open-set": "fnir@fpir=0.1,rank=1",
    "closed-set": "hit-rate@rank=1",
}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """One run of `colours` for each question, on ten identities with three images."""
    root = tmp_path_factory.mktemp("aigtatt")
    for i in range(10):
        for k in range(3):
            picture(root / "images" / f"t{i}" / f"{k}.png")
    folders = {}
    for task, metric in METRICS.items():
        file = root / f"{task}.toml"
        file.write_text(PROTOCOL.format(task=task, metric=metric), encoding="utf-8")
        request = Request(("colours",), (str(file),), data=root / "images", out=root / "runs")
        (prepared,) = prepare(request)
        execute(prepared, Limits(workers=1), lambda event: None)
        folders[task] = prepared.folder
    return folders


def table(*folders: Path) -> list[dict[str, str]]:
    text = aigtatt_table([record.read_run(folder) for folder in folders])
    return list(csv.DictReader(io.StringIO(text)))


def test_three_runs_of_one_entry_are_one_row_of_fourteen_columns(runs: dict[str, Path]) -> None:
    (row,) = table(*runs.values())
    assert len(COLUMNS) == 14
    assert tuple(row) == COLUMNS
    assert row["Backbone"] == "colours"
    assert row["Emb_size"] == "48"  # three means for each of 4 x 4 cells
    assert row["Margin"] == ""
    for task, metric, column in (
        ("verification", "eer", "EER_Ver"),
        ("open-set", "fnir@fpir=0.1,rank=1", "FNIR10"),
        ("closed-set", "hit-rate@rank=1", "Rank-1"),
    ):
        value = record.read_run(runs[task]).judge().metrics.pooled[metric].value
        assert value is not None
        assert float(row[column]) == pytest.approx(100 * value)


def test_what_was_not_run_stays_empty(runs: dict[str, Path]) -> None:
    (row,) = table(runs["closed-set"])
    assert row["EER_Ver"] == row["FNIR10"] == ""
    assert row["Rank-20"]


def test_two_runs_of_one_question_are_refused(runs: dict[str, Path]) -> None:
    with pytest.raises(UsageError, match="are both the closed-set of one entry"):
        table(runs["closed-set"], runs["closed-set"])


def test_the_command_writes_the_table(runs: dict[str, Path], tmp_path: Path) -> None:
    out = tmp_path / "new" / "table.csv"
    ran = run_harness("export", *runs.values(), "--format", "aigtatt", "--out", out)
    assert ran.code == 0, ran.err
    assert out.read_text().splitlines()[0] == ",".join(COLUMNS)
    refused = run_harness("export", *runs.values(), "--format", "csv", "--out", tmp_path / "x")
    assert refused.code == 2
    assert "takes one run" in refused.err
