"""Baselines move on command alone, and remember who moved them, when and why."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.comparing.baselines import read_baseline, run_of, set_baseline
from harness.errors import Damaged, UsageError
from tests.comparing.conftest import Altered, reversed_order
from tests.conftest import Ran, run_harness

Command = Callable[..., Ran]


def test_a_baseline_is_set_shown_and_gated_by_its_name(
    harness: Command, finished: Path, altered: Altered
) -> None:
    ran = harness("baseline", "set", finished, "--name", "similarity", "--why", "first release")
    assert ran.code == 0, ran.err
    shown = harness("baseline", "show").out
    assert "similarity / colours" in shown
    assert "first release" in shown
    ran = harness("gate", "--baseline", "similarity", "--candidate", finished)
    assert ran.code == 0, ran.err
    worse = altered("worse", reversed_order)
    assert harness("gate", "--baseline", "similarity", "--candidate", worse).code == 1


def test_gating_never_moves_a_baseline(harness: Command, finished: Path, tmp_path: Path) -> None:
    harness("baseline", "set", finished, "--name", "kept", "--why", "first")
    folder = tmp_path / "work" / "baselines" / "kept"
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    assert harness("gate", "--baseline", "kept", "--candidate", finished).code == 0
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before


def test_the_history_tells_who_when_and_why_newest_first(
    harness: Command, finished: Path, altered: Altered
) -> None:
    harness("baseline", "set", finished, "--name", "one", "--why", "first")
    moved = altered("moved", reversed_order, identity="ab" * 32)
    ran = harness("baseline", "set", moved, "--name", "one", "--why", "turned round\non purpose")
    assert ran.code == 0, ran.err
    assert "was  colours" in ran.out
    (found,) = harness("baseline", "show", "one", "--json").json
    assert found["current"]["why"] == "turned round\non purpose"
    assert found["current"]["identity"] == "ab" * 32
    (earlier,) = found["earlier"]
    assert earlier["why"] == "first"
    assert earlier["who"]
    assert earlier["when"] <= found["current"]["when"]
    assert earlier["metric"] == "hit-rate@rank=1"
    lines = harness("baseline", "show", "one").out.splitlines()
    assert "turned round\\x0aon purpose" in lines[1]
    assert lines[2].startswith("  before")


def test_only_what_a_gate_needs_is_kept(finished: Path, tmp_path: Path) -> None:
    set_baseline(finished, "slim", "why not", tmp_path)
    kept = {
        path.relative_to(tmp_path / "slim").as_posix()
        for path in (tmp_path / "slim").rglob("*")
        if path.is_file()
    }
    scores = {
        f"run/units/fold-{fold}/scores/{name}"
        for fold in (1, 2, 3)
        for name in ("scores.npy", "failures.json", "step.json")
    }
    whole = {"manifest.json", "protocol.toml", "truth.json", "checksums.sha256"}
    assert kept == {"baseline.json", ".gitattributes", *(f"run/{name}" for name in whole), *scores}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--name", "../evil", "--why", "x"), "should be letters"),
        (("--name", "a", "--why", "  "), "--why is empty"),
        (("--name", "a"), "--why"),
    ],
)
def test_what_is_wrong_with_the_command_is_said(
    harness: Command, finished: Path, words: tuple[str, ...], said: str
) -> None:
    ran = harness("baseline", "set", finished, *words)
    assert ran.code == 2
    assert said in ran.err


def test_a_folder_that_is_no_run_is_no_baseline(harness: Command, tmp_path: Path) -> None:
    ran = harness("baseline", "set", tmp_path, "--name", "a", "--why", "x")
    assert ran.code == 2
    assert "is not a run folder" in ran.err


def test_unknown_names_are_told_with_the_nearest(
    harness: Command, finished: Path, tmp_path: Path
) -> None:
    harness("baseline", "set", finished, "--name", "similarity", "--why", "x")
    ran = harness("gate", "--baseline", "similarty", "--candidate", finished)
    assert ran.code == 2
    assert "Did you mean 'similarity'?" in ran.err
    ran = harness("baseline", "show", "similarty")
    assert ran.code == 2
    assert "Did you mean 'similarity'?" in ran.err


def test_a_baseline_is_found_by_folder_file_and_name(finished: Path, tmp_path: Path) -> None:
    set_baseline(finished, "one", "x", tmp_path)
    wanted = tmp_path / "one" / "run"
    assert run_of("one", tmp_path) == wanted
    assert run_of(str(tmp_path / "one")) == wanted
    assert run_of(str(tmp_path / "one" / "baseline.json")) == wanted
    assert run_of(str(finished)) == finished
    with pytest.raises(UsageError, match="no run folder and no baseline"):
        run_of("two", tmp_path)


def test_a_baseline_whose_run_was_exchanged_is_seen(finished: Path, tmp_path: Path) -> None:
    set_baseline(finished, "one", "x", tmp_path)
    manifest = tmp_path / "one" / "run" / "manifest.json"
    text = json.loads(manifest.read_text())
    text["identity"] = "cd" * 32
    manifest.write_text(json.dumps(text))
    with pytest.raises(Damaged, match="set the baseline again"):
        read_baseline(tmp_path / "one")
    shutil.rmtree(tmp_path / "one" / "run")
    with pytest.raises(Damaged, match="not a whole baseline"):
        run_of("one", tmp_path)


def test_git_is_told_to_leave_a_baseline_as_it_is(finished: Path, tmp_path: Path) -> None:
    set_baseline(finished, "good", "first", tmp_path)
    assert (tmp_path / "good" / ".gitattributes").read_text() == "* -text\n"


@pytest.mark.parametrize("ending", [("*.json",), ("*.json", "*.toml", "*.sha256"), ("*.toml",)])
def test_line_ends_that_git_changed_are_named_as_the_cause(
    finished: Path, tmp_path: Path, ending: tuple[str, ...]
) -> None:
    set_baseline(finished, "good", "first", tmp_path)
    for pattern in ending:
        for path in tmp_path.rglob(pattern):
            path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    ran = run_harness("gate", "--baseline", "good", "--folder", tmp_path, "--candidate", finished)
    assert ran.code == 3
    assert "line ends are CR LF now" in ran.err
    assert ".gitattributes" in ran.err


def test_other_changes_beside_line_ends_are_not_blamed_on_git(
    finished: Path, tmp_path: Path
) -> None:
    set_baseline(finished, "good", "first", tmp_path)
    run = tmp_path / "good" / "run"
    text = (run / "truth.json").read_bytes().replace(b"\n", b"\r\n")
    (run / "truth.json").write_bytes(text)
    (run / "protocol.toml").write_bytes(b"# other\r\n" + (run / "protocol.toml").read_bytes())
    ran = run_harness("gate", "--baseline", "good", "--folder", tmp_path, "--candidate", finished)
    assert ran.code == 3
    assert "protocol.toml: its bytes changed" in ran.err
    assert ".gitattributes" not in ran.err
