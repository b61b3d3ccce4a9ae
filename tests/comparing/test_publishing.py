"""Where a verdict is looked for there is this one, a refusal, or nothing; its code says which."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.comparing.gate import gate as judge
from harness.comparing.publishing import FILES, PAGE, publish, publish_refusal
from tests.comparing.conftest import Altered, junit_of, reversed_order
from tests.conftest import run_harness


def gate(before: Path, after: Path, *words: str | Path) -> tuple[int, str, str]:
    ran = run_harness("gate", "--baseline", before, "--candidate", after, *words)
    return ran.code, ran.out, ran.err


def on_a_console(before: Path, after: Path, encoding: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "harness", "gate"),
            *("--baseline", str(before), "--candidate", str(after)),
        ],
        capture_output=True,
        check=False,
        env={"PATH": "/usr/bin:/bin", "PYTHONIOENCODING": encoding},
    )
    return done.returncode, done.stdout.decode("latin-1"), done.stderr.decode("latin-1")


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "cp949", "cp437"])
def test_a_verdict_keeps_its_code_on_every_console(
    finished: Path, altered: Altered, encoding: str
) -> None:
    worse = altered("worse", reversed_order)
    assert on_a_console(finished, finished, encoding)[0] == 0
    code, out, err = on_a_console(finished, worse, encoding)
    assert code == 1
    assert "REGRESSED" in out
    assert "Traceback" not in err


@pytest.mark.slow
def test_what_cannot_be_written_is_no_regression_and_the_verdict_is_still_said(
    finished: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("taken")
    folder = tmp_path / "out"
    (folder / "gate.md").mkdir(parents=True)
    for place in (tmp_path / "file", tmp_path / "file" / "below", folder):
        code, _, err = gate(finished, finished, "--out", place)
        assert code == 3
        assert "cannot be written" in err
        assert "Traceback" not in err
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "no" / "such" / "summary"))
    code, out, err = gate(finished, finished)
    assert (code, "PASSED" in out) == (3, True)
    assert "the verdict cannot be written" in err


@pytest.mark.parametrize("margin", ["nan", "inf", "-0.1", "0,02", "two", ""])
def test_an_odd_margin_is_refused_with_what_a_margin_is(finished: Path, margin: str) -> None:
    code, _, err = gate(finished, finished, f"--margin={margin}")
    assert code == 2
    assert "write a number from 0 with a point" in err


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--metric", "nonsense"), 2),
        (("--metric", "map"), 2),
        (("--baseline", "nowhere"), 2),
    ],
)
def test_a_refusal_takes_the_place_of_an_earlier_verdict(
    finished: Path, altered: Altered, tmp_path: Path, words: Sequence[str], code: int
) -> None:
    worse, out = altered("worse", reversed_order), tmp_path / "out"
    assert gate(finished, worse, "--out", out)[0] == 1
    assert gate(finished, worse, "--out", out, *words)[0] == code
    assert json.loads((out / "gate.json").read_text())["verdict"] == "not comparable"
    assert "no verdict" in (out / "gate.md").read_text()
    assert junit_of(out / "junit.xml").get("errors") == "1"


def test_a_damaged_run_is_refused_line_by_line_in_junit(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    changed = altered("changed")
    for name in ("truth.json", "protocol.toml"):
        (changed / name).write_bytes((changed / name).read_bytes() + b"\n")
    ran = run_harness("gate", "--baseline", finished, "--candidate", changed, "--out", tmp_path)
    assert ran.code == 3
    message = junit_of(tmp_path / "junit.xml")[0][0].get("message") or ""
    assert [line.strip() for line in message.splitlines()[1:]] == [
        "- protocol.toml: its bytes changed",
        "- truth.json: its bytes changed",
    ]


def test_nothing_older_is_left_where_the_verdict_is_interrupted(
    finished: Path, tmp_path: Path
) -> None:
    for name in FILES:
        (tmp_path / name).write_text("an older verdict")
    code, _, _ = gate(finished, finished, "--out", tmp_path, "--margin", "nan")
    # The command line is read before anything is done: what it cannot be read by changes nothing.
    assert code == 2
    code, _, _ = gate(finished, tmp_path / "nowhere", "--out", tmp_path)
    assert code == 2
    assert all("an older verdict" not in (tmp_path / name).read_text() for name in FILES)


@pytest.mark.parametrize(
    ("settings", "address"),
    [
        (
            {
                "GITHUB_RUN_ID": "7",
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_REPOSITORY": "lab/matcher",
            },
            "https://github.example/lab/matcher/actions/runs/7",
        ),
        (
            {"CI_JOB_URL": "https://gitlab.example/lab/-/jobs/7"},
            "https://gitlab.example/lab/-/jobs/7",
        ),
        ({}, ""),
        ({"CI_JOB_URL": "javascript:alert(1)"}, ""),
        ({"CI_JOB_URL": "https://a.example/x) [y](https://b.example"}, ""),
    ],
)
def test_in_a_job_the_verdict_links_to_the_job_whose_artifacts_have_the_reports(
    finished: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    settings: dict[str, str],
    address: str,
) -> None:
    for name in ("GITHUB_RUN_ID", "CI_JOB_URL", "GITHUB_STEP_SUMMARY"):
        monkeypatch.delenv(name, raising=False)
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    publish(tmp_path, judge(finished, finished), allow_inconclusive=False)
    verdict = (tmp_path / "gate.md").read_text()
    publish_refusal(tmp_path, "no baseline")
    for text in (verdict, (tmp_path / "gate.md").read_text()):
        assert (f"]({address})" in text) is bool(address)
        assert text.count("](") == bool(address)


def test_the_verdict_names_the_reports_that_there_are_and_no_others(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    bare = altered("bare")
    (bare / "report.html").unlink()
    publish(tmp_path, judge(finished, bare), allow_inconclusive=False)
    text = (tmp_path / "gate.md").read_text()
    assert "report of the baseline" in text
    assert "report of the candidate" not in text
    assert "search by search" not in text


def test_the_page_of_the_comparison_is_written_beside_the_verdict_and_named_in_it(
    finished: Path, altered: Altered, tmp_path: Path
) -> None:
    worse = altered("worse", reversed_order)
    assert gate(finished, worse, "--out", tmp_path, "--page")[0] == 1
    assert "<h1>" in (tmp_path / PAGE).read_text()
    assert "search by search" in (tmp_path / "gate.md").read_text()
    assert gate(finished, tmp_path / "none", "--out", tmp_path)[0] == 2
    assert not (tmp_path / PAGE).exists()
    code, _, err = gate(finished, worse, "--page")
    assert (code, "--out DIR" in err) == (2, True)


def test_lines_of_a_refusal_stay_lines_in_junit(tmp_path: Path) -> None:
    publish_refusal(tmp_path, "first\n  second\x1b[31m")
    text = (tmp_path / "junit.xml").read_text()
    assert "first&#10;  second\\x1b[31m" in text
    assert "\\x0a" not in text
