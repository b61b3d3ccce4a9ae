"""What is seen while workers work: a share where it is known, nothing of what is done."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from harness.execution.doing import DONE, Event
from harness.verbs.progress import (
    BarProgress,
    PlainProgress,
)


def shown(*events: Event) -> str:
    """Return the bars after some events."""
    progress = BarProgress("similarity / triplet")
    for event in events:
        progress(event)
    said = Console(file=io.StringIO(), width=120)
    with said.capture() as captured:
        said.print(progress._bars.get_renderable())
    return captured.get()


def test_a_step_of_unknown_length_shows_no_share() -> None:
    assert "%" not in shown(Event("fold-1", "fit"))
    assert "25 %" in shown(Event("fold-1", "fit"), Event("fold-1", "fit", 1, 4))


def test_a_new_step_begins_anew() -> None:
    said = shown(Event("fold-1", "fit", 4, 4), Event("fold-1", "extract"))
    assert "extract" in said
    assert "%" not in said
    assert "fit" not in said


def test_what_is_done_is_seen_no_more() -> None:
    said = shown(
        Event("templates-001", "extract", 0, 4),
        Event("templates-002", "extract", 2, 4),
        Event("templates-001", DONE, 1, 1),
    )
    assert "templates-001" not in said
    assert "50 %" in said
    assert shown(Event("fold-1", DONE, 1, 1)).strip() == ""


def test_plain_lines_say_nothing_of_what_is_done(capsys: pytest.CaptureFixture[str]) -> None:
    progress = PlainProgress("p / a")
    progress._spoken[("fold-1", DONE)] = -1e9
    progress(Event("fold-1", DONE, 1, 1))
    assert capsys.readouterr().err == ""
