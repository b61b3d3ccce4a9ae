"""What a validation writes: a page that is safe and complete, and numbers under a seal."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest

from harness.record.record import changed_files
from harness.runs.validation.checklist import NOT_STATED
from harness.runs.validation.statement import Statement
from tests.conftest import run_harness
from tests.runs.validation.conftest import Runs

pytestmark = pytest.mark.xdist_group("validation")

EVIL = "<script>alert(1)</script>"
ROWS = """
[[criterion]]
characteristic = "accuracy"
metric = "cllr"
at-most = 9
reason = "because <b>"
[[criterion]]
characteristic = "discriminating-power"
metric = "eer"
at-most = 0.9
"""


def criteria(folder: Path, head: str = "", rows: str = ROWS) -> Path:
    path = folder / "mine.toml"
    path.write_text(f'title = "T {EVIL}"\n{head}{rows}', encoding="utf-8")
    return path


def test_a_validation_that_passes_is_a_sealed_folder_and_ends_with_0(
    runs: Runs, tmp_path: Path
) -> None:
    asked, out = criteria(tmp_path), tmp_path / "out"
    ran = run_harness("validate", runs.verification, "--criteria", asked, "--out", out)
    assert ran.code == 0, ran.err
    assert ran.out.splitlines()[-2].startswith("pass: of 2 rows 2 pass, 0 fail")
    assert (out / "criteria.toml").read_bytes() == asked.read_bytes()
    assert changed_files(out) == []
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    again = run_harness("validate", runs.verification, "--criteria", asked, "--out", out)
    assert again.code == 0, again.err
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
    (out / "validation.json").write_bytes(before["validation.json"].replace(b'"pass"', b'"fail"'))
    assert changed_files(out) == ["validation.json: its bytes changed"]


def test_the_exit_code_says_what_the_worst_row_says(runs: Runs, tmp_path: Path) -> None:
    def code(limit: str, *more: str) -> int:
        row = f'\n[[criterion]]\ncharacteristic = "accuracy"\nmetric = "eer"\n{limit}\n'
        asked = criteria(tmp_path, rows=row)
        return run_harness("validate", runs.verification, "--criteria", asked, *more).code

    assert code("at-most = 1e-6") == 1
    asked = criteria(tmp_path)
    shown = run_harness("validate", runs.verification, "--criteria", asked, "--json").json
    value = shown["rows"][1]["value"]
    assert shown["verdict"] == "pass"
    assert code(f"at-most = {value}") == 5
    assert code(f"at-most = {value}", "--allow-inconclusive") == 0
    assert code("at-moast = 1") == 2
    criteria(tmp_path, '[experiment]\nalgorithm = "sift"\n')
    assert run_harness("validate", runs.verification, "--criteria", asked).code == 4


def test_what_people_wrote_is_escaped_and_stands_on_the_page(runs: Runs, tmp_path: Path) -> None:
    head = f'[statement]\npropositions = "P {EVIL}"\npurpose = "U {EVIL}"\n'
    asked, out = criteria(tmp_path, head), tmp_path / "out"
    words = ("--criteria", asked, "--out", out, "--checklist", "19795-1")
    assert run_harness("validate", runs.verification, *words).code == 0
    page = (out / "validation.html").read_text(encoding="utf-8")
    assert EVIL not in page
    for letter in "TPU":
        assert f"{letter} {html.escape(EVIL, quote=False)}" in page
    assert "because &lt;b&gt;" in page


def test_the_first_paragraph_has_propositions_and_limits_and_no_ratio_is_beyond_them(
    runs: Runs, tmp_path: Path
) -> None:
    asked, out = criteria(tmp_path), tmp_path / "out"
    assert run_harness("validate", runs.verification, "--criteria", asked, "--out", out).code == 0
    page = (out / "validation.html").read_text(encoding="utf-8")
    main = page[page.index("<main") :]
    first = main[main.index("<p>") : main.index("</p>")]
    assert "Probe and reference show the same tattoo." in first
    assert "ELUB limits" in first
    limits = json.loads((out / "validation.json").read_text())["limits"]
    low, high = limits["low"] / 2.302585093, limits["high"] / 2.302585093
    assert low < 0 < high
    tippett = page[page.index('id="figure-tippett"') :]
    (address,) = re.findall(
        r'download="tippett.csv" href="data:text/csv;charset=utf-8,([^"]*)"', tippett
    )
    stated = [
        float(line.partition(",")[0].replace("−", "-"))
        for line in unquote(html.unescape(address)).splitlines()[1:]
    ]
    assert min(stated) >= low - 0.006
    assert max(stated) <= high + 0.006
    assert "figure-pav" not in page


def test_every_requirement_is_answered_or_not_stated_and_every_statement_is_used(
    runs: Runs, tmp_path: Path
) -> None:
    keys = [field.alias or name for name, field in Statement.model_fields.items()]
    head = "[statement]\n" + "".join(f'{key} = "said of {key}"\n' for key in keys)
    words = (runs.verification, "--json", "--checklist", "19795-1", "--criteria")
    full = run_harness("validate", *words, criteria(tmp_path, head)).json["checklist"]
    said = " ".join(one["answer"] for one in full)
    # The propositions stand above the matrix, where ratios are spoken of.
    assert all(f"said of {key}" in said for key in keys if key != "propositions")
    bare = run_harness("validate", *words, criteria(tmp_path)).json["checklist"]
    assert [one["requirement"] for one in bare] == [one["requirement"] for one in full]
    assert len(bare) >= 25
    for one in bare:
        assert (one["answer"] == NOT_STATED) == (one["where"] == "")
    missing = {one["requirement"] for one in bare if one["answer"] == NOT_STATED}
    assert "Legal basis and consent" in missing
    assert "Numbers of people, samples, mated and non-mated comparisons" not in missing
    assert NOT_STATED in {one["answer"] for one in bare}
    limits = "Limits of time"
    assert [one["answer"] for one in full if one["requirement"] == limits] == [
        "said of time-limits"
    ]


def test_without_the_checklist_none_is_written(runs: Runs, tmp_path: Path) -> None:
    ran = run_harness("validate", runs.verification, "--criteria", criteria(tmp_path), "--json")
    assert ran.json["checklist"] == []


def test_a_folder_that_holds_anything_else_is_not_written_into(runs: Runs, tmp_path: Path) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.txt").write_text("mine")
    asked = criteria(tmp_path)
    ran = run_harness("validate", runs.verification, "--criteria", asked, "--out", out)
    assert ran.code == 2
    assert "holds other files (mine.txt)" in ran.err
    assert [one.name for one in out.iterdir()] == ["mine.txt"]
    assert run_harness("validate", runs.verification, "--criteria", asked, "--out", asked).code == 2


def test_changed_scores_are_refused(runs: Runs, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(runs.verification, copy)
    scores = next(copy.glob("units/*/scores/scores.npy"))
    scores.write_bytes(scores.read_bytes()[:-1] + b"\x01")
    ran = run_harness("validate", copy, "--criteria", criteria(tmp_path))
    assert ran.code == 3
    assert "changed since it was written" in ran.err


def test_python_has_the_matrix_as_a_frame(runs: Runs, tmp_path: Path) -> None:
    import harness

    found = harness.validate(runs.verification, criteria=criteria(tmp_path), checklist=True)
    assert found.passed
    assert found.rows["metric"].tolist() == ["cllr", "eer"]
    assert len(found.checklist) >= 25
    assert found.write(tmp_path / "out").name == "validation.html"
    with pytest.raises(harness.errors.UsageError):
        harness.validate(criteria="none.toml")


def test_criteria_other_than_those_of_the_preregistration_are_refused_with_what_changed(
    runs: Runs, tmp_path: Path
) -> None:
    head = '[experiment]\nprotocol = "verification"\nalgorithm = "colours"\n'
    asked, before = criteria(tmp_path, head), tmp_path / "before.json"
    said = run_harness("preregister", asked, "--data", runs.data, "--out", before)
    assert said.code == 0, said.err
    words = ("--protocol", "verification", "--algo", "colours", "--data", runs.data, "--json")
    ran = run_harness("run", *words, "--preregistered", before, "--out", tmp_path / "runs")
    assert ran.code == 0, ran.err
    folder = Path(ran.json["runs"][0]["folder"])
    out = tmp_path / "out"
    found = run_harness("validate", folder, "--criteria", asked, "--out", out)
    assert found.code == 0, found.err
    page = (out / "validation.html").read_text(encoding="utf-8")
    digest = json.loads((out / "validation.json").read_text())["runs"][0]["preregistration"]
    assert digest[:12] in page
    assert "was not preregistered" not in page
    text = asked.read_text(encoding="utf-8")
    asked.write_text(text.replace("at-most = 0.9", "at-most = 0.8"), encoding="utf-8")
    changed = run_harness("validate", folder, "--criteria", asked)
    assert changed.code == 4
    assert "criterion 2.at-most: 0.9 was written down, and 0.8 stands in the file" in changed.err
    asked.write_text(text + "# a comment\n", encoding="utf-8")
    assert (
        "the same is said in other bytes"
        in run_harness("validate", folder, "--criteria", asked).err
    )
    free = run_harness("validate", runs.verification, "--criteria", criteria(tmp_path), "--json")
    assert free.json["runs"][0]["preregistration"] == ""
