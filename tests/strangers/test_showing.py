"""Names of strangers on terminals and pages, and bad folders beside good ones."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.cli.streams import guard, steering
from harness.errors import visible, visible_lines
from harness.web.runs import RunWatcher
from tests.strangers.commands import carry_out
from tests.strangers.mutations import seal_again
from tests.strangers.test_reading import changed, put

NASTY = "a'\"\n\x1b[2J\x9b31m\u202eb"


@pytest.mark.parametrize(
    "change",
    [
        put("origin", "algorithm", value=NASTY),
        put("origin", "protocol", value=NASTY),
        put("title", value=NASTY),
        put("identity", value=NASTY),
        put("dataset", "name", value=NASTY),
        put("imported", value=None),
        put("counts", value={NASTY: 1}),
        put("origin", "parameters", value={NASTY: NASTY}),
        put("opinions", value=[{"program": NASTY, "metric": NASTY, "value": 0.5}]),
        put("findings", value=[{"code": NASTY, "severity": "warning", "text": NASTY}]),
    ],
)
def test_no_word_of_a_manifest_steers_a_terminal_or_starts_a_line(
    run_folder: Path, good: Path, tmp_path: Path, change: Callable[[Any], Any]
) -> None:
    changed(run_folder / "manifest.json", change)
    seal_again(run_folder, through=True)
    out = tmp_path / "out"
    for words in (
        ("verify", run_folder),
        ("compare", good, run_folder),
        ("gate", "--baseline", run_folder, "--candidate", good),
        ("leaderboard", run_folder, good, "--out", out),
        ("compare", "--attack", run_folder, good),
        ("score", run_folder),
    ):
        ended = carry_out(*words)
        assert not ended.fault
        said = ended.out + ended.err
        assert "\x1b" not in said
        assert "\n\\x1b" not in said
        assert not [line for line in said.splitlines() if line.startswith("\\x1b[2J")]


@pytest.mark.parametrize("name", ["\x1b[31mred", "two\nlines.txt", "\x9bC1", "quote's\".txt"])
def test_names_of_files_are_written_out(run_folder: Path, name: str) -> None:
    (run_folder / name).write_text("mine", encoding="utf-8")
    ended = carry_out("verify", run_folder)
    assert ended.code == 3
    assert f"{visible(name)}: was added later" in ended.out.splitlines()


@pytest.mark.parametrize("name", ["run\x1b[2J", "run\nwhole", "run\u202e"])
def test_names_of_folders_are_written_out(run_folder: Path, name: str) -> None:
    place = run_folder.rename(run_folder.with_name(name))
    for words in (("verify", place.parent), ("verify", place), ("score", place / "none")):
        ended = carry_out(*words)
        assert not ended.fault
        assert visible(name) in ended.out + ended.err
        assert name not in ended.out + ended.err


def test_texts_are_written_out_line_by_line() -> None:
    assert visible("a\tb\u202e\ud800") == "a\\x09b\\u202e\\ud800"
    assert visible_lines("a\x1b\nb\x85") == "a\\x1b\nb\\x85"


def test_a_stream_writes_out_what_steers_and_bars_still_move(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    content = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(content, encoding="utf-8"))
    guard()
    print("a\x1b[2J\r\x9b\u202e\tb é", file=sys.stderr)
    sys.stderr.flush()
    assert content.getvalue().decode() == "a\\u001b[2J\\u000d\\u009b\\u202e\tb é\n"
    steering(sys.stderr).write("\x1b[2K")
    sys.stderr.flush()
    assert content.getvalue().endswith(b"\x1b[2K")


def _odd_curves(folder: Path) -> None:
    changed(folder / "curves.json", put("cmc", value={"rank": [0.0, -1.0], "hit_rate": [1.0]}))


def _odd_metrics(folder: Path) -> None:
    changed(folder / "metrics.json", put("pooled", value={"hit-rate@rank=10": {"value": 1e308}}))


def _pipe(folder: Path) -> None:
    import os

    (folder / "searches.npz").unlink()
    os.mkfifo(folder / "searches.npz")


def _list(folder: Path) -> None:
    (folder / "metrics.json").write_text("[]", encoding="utf-8")


def _deep(folder: Path) -> None:
    (folder / "curves.json").write_text('{"cmc": ' + "[" * 100_000, encoding="utf-8")


@pytest.mark.parametrize("spoil", [_odd_curves, _odd_metrics, _pipe, _list, _deep])
def test_a_folder_that_no_page_can_be_made_of_leaves_the_others_shown(
    run_folder: Path, good: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(run_folder)
    seal_again(run_folder, through=True)
    ended = carry_out("leaderboard", run_folder, good, "--out", tmp_path / "site", "--json")
    assert (ended.code, ended.fault) == (0, "")
    site = json.loads(ended.out)
    shown = [fit["folder"] for b in site["boards"] for e in b["entries"] for fit in e["fits"]]
    shown += [entry["folder"] for b in site["boards"] for entry in b["entries"]]
    assert str(good) in shown
    watched = RunWatcher([run_folder, good])
    index = watched.page("")
    assert index is not None
    assert str(good) in "".join(text.decode() for text in watched._files.values())


def test_a_page_that_cannot_be_made_is_the_fault_of_one_run_alone(
    made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from harness.boards import building

    def render(leaderboard: Any) -> list[str]:
        entries = [place.entry for board in leaderboard.boards for place in board.all_places]
        fits = [fit for entry in entries for fit in (entry.fits or (entry,))]
        if any(fit.folder.endswith("similarity/made-0") for fit in fits):
            raise ZeroDivisionError("odd")
        return [fit.folder for fit in fits]

    leaderboard, shown = building.assembled([made], render)
    assert sorted(Path(folder).relative_to(made).as_posix() for folder in shown) == [
        "detection/made-0",
        "detection/made-1",
        "similarity/made-1",
    ]
    (left,) = leaderboard.left_out
    assert left.folder == str(made / "similarity" / "made-0")
    assert "ZeroDivisionError" in left.reason
