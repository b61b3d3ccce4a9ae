"""A run that was interrupted is called unfinished by every verb, in the same words, with code 3."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.record import record
from tests.conftest import Ran

Command = Callable[..., Ran]

VERBS = (
    ("report", "{run}"),
    ("verify", "{run}"),
    ("score", "{run}"),
    ("compare", "{run}", "{run}"),
    ("gate", "--baseline", "{run}", "--candidate", "{run}"),
    ("baseline", "set", "{run}", "--name", "a", "--why", "b"),
    ("export", "{run}", "--format", "csv", "--out", "out"),
    ("compare", "--attack", "{run}"),
)


def interrupted(place: Path, files: tuple[str, ...]) -> Path:
    """Make what an interrupted run leaves behind."""
    for name in files:
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text("{}")
    return place


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join(words[:2]))
@pytest.mark.parametrize(
    "files",
    [
        ("environment.json",),
        ("environment.json", "units/fold-1/unit.json"),
        ("protocol.toml", "truth.json", "units/fold-1/unit.json"),
    ],
    ids=["examined", "at work", "being finished"],
)
def test_every_verb_says_so(
    here: Command, tmp_path: Path, words: tuple[str, ...], files: tuple[str, ...]
) -> None:
    run = interrupted(tmp_path / "runs" / "similarity" / "sift-0123456789", files)
    ran = here(*(word.format(run=run) for word in words))
    assert ran.code == 3, ran.err
    assert record.UNFINISHED in ran.err
    assert "Errno" not in ran.err


@pytest.mark.parametrize("words", VERBS, ids=lambda words: " ".join(words[:2]))
def test_what_was_never_a_run_is_a_mistake_in_the_command(
    here: Command, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "holiday").mkdir()
    (tmp_path / "holiday" / "beach.jpg").write_bytes(b"")
    ran = here(*(word.format(run=tmp_path / "holiday") for word in words))
    assert ran.code == 2, ran.err
    assert "is not a run folder" in ran.err


def test_a_leaderboard_leaves_it_out_in_the_same_words(here: Command, tmp_path: Path) -> None:
    interrupted(tmp_path / "runs" / "similarity" / "sift-0123456789", ("environment.json",))
    ran = here("leaderboard", "runs")
    assert ran.code == 0, ran.err
    assert record.UNFINISHED in ran.err
