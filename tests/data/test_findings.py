"""What readers find reaches everybody who reads the numbers."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness.data.findings import Finding, Findings
from harness.reporting import wording
from tests.conftest import Ran, save_png

Command = Callable[..., Ran]


def test_a_code_follows_from_the_kind_and_cases_are_counted_whole() -> None:
    findings = Findings()
    for number in range(30):
        findings.warning("skipped pictures", f"skipped {number}")
    findings.problem("missing files", "one is missing")
    skipped = [one.count for one in findings.all if one.code == "skipped-pictures"]
    assert sum(skipped) == 30
    assert findings.all[-1] == Finding("missing-files", "problem", "one is missing")


def test_a_warning_is_said_once_and_stands_in_manifest_report_json_and_board(
    harness: Command, tmp_path: Path
) -> None:
    place = tmp_path / "photographs"
    for tattoo in range(6):
        (place / f"t{tattoo}").mkdir(parents=True)
        for shot in range(3):
            flat = np.full((8, 8, 3), (40 * tattoo, 60 * shot, 9))
            save_png(place / f"t{tattoo}" / f"{shot}.png", flat)
        (place / f"t{tattoo}" / "extra.nef").write_bytes(b"not read")
    ran = harness(
        *("run", "--protocol", "identification", "--algo", "random,constant"),
        *("--data", place, "--json"),
    )
    assert ran.code == 0, ran.err
    assert ran.err.count("note: skipped 6 pictures with the ending .nef") == 1
    for run in ran.json["runs"]:
        folder = tmp_path / "work" / run["folder"]
        (found,) = [one for one in run["findings"] if one["code"] == "skipped-pictures"]
        assert found["severity"] == "warning"
        assert found in json.loads((folder / "manifest.json").read_text())["findings"]
        page = html.unescape((folder / "report.html").read_text())
        assert 'data-code="skipped-pictures">skipped 6 pictures with the ending .nef' in page
    assert harness("leaderboard", "runs", "--out", "site").code == 0
    (board,) = (tmp_path / "work" / "site").glob("board-*.html")
    # So small a set has more to be said of it, and a board counts all of it, row by row.
    rows = re.findall(r'<tr id="entry-.*?</tr>', board.read_text(), re.DOTALL)
    expected = {wording.remarks([Finding(**f) for f in r["findings"]]) for r in ran.json["runs"]}
    assert len(rows) == 2
    assert {"".join(set(re.findall(r"\b\d+ remarks?\b", row))) for row in rows} == expected


def test_data_that_are_refused_say_so_in_json_with_codes(harness: Command, tmp_path: Path) -> None:
    (tmp_path / "two").mkdir()
    flat = np.zeros((8, 8, 3))
    save_png(tmp_path / "two" / "one.png", flat)
    table = tmp_path / "two" / "set.csv"
    command = ("run", "--protocol", "identification", "--algo", "random", "--data", table, "--json")
    table.write_text("image,tattoo,role\none.png,a,prob\nlost.png,a,probe\n")
    ran = harness(*command)
    assert ran.code == 2
    assert (ran.json["runs"], ran.json["failed"], ran.json["entries"]) == ([], [], [])
    found = {one["code"]: one for one in ran.json["findings"]}
    assert found["unknown-values"]["severity"] == "problem"
    assert "unknown role 'prob'" in found["unknown-values"]["text"]
    assert found["missing-files"]["severity"] == "problem"
    for one in ran.json["findings"]:
        assert one["text"] in ran.err
    # What has no kind of its own has a code, too.
    table.write_text("image\none.png\n")
    ran = harness(*command)
    assert ran.code == 2
    assert ran.json["runs"] == []
    (one,) = ran.json["findings"]
    assert one["code"]
    assert one["text"] in ran.err
    # What is wrong with the command is no finding about data.
    ran = harness(*command, "--param", "nothing=1")
    assert (ran.code, ran.out) == (2, "")
