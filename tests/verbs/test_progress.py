"""What is seen while workers work: a share where it is known, nothing of what is done."""

from __future__ import annotations

import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.execution.doing import DONE, Event
from harness.verbs import progress
from harness.verbs.progress import (
    BarProgress,
    CellProgress,
    PlainProgress,
    in_notebook,
    progress_for,
)


def shown(*events: Event) -> str:
    """Return the bars after some events."""
    bars = BarProgress("similarity / triplet")
    for event in events:
        bars(event)
    said = Console(file=io.StringIO(), width=120)
    with said.capture() as captured:
        said.print(bars._bars.get_renderable())
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
    lines = PlainProgress("p / a")
    lines._spoken[("fold-1", DONE)] = -1e9
    lines(Event("fold-1", DONE, 1, 1))
    assert capsys.readouterr().err == ""


def test_bars_below_a_cell_say_what_is_at_work_and_nothing_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shown: list[str] = []

    class Cell:
        def update(self, html: str) -> None:
            shown.append(html)

    def display(html: str, display_id: bool) -> Cell:
        shown.append(html)
        return Cell()

    cells = SimpleNamespace(HTML=lambda text: text, display=display)
    monkeypatch.setattr(progress, "_cells", lambda: cells)
    monkeypatch.setattr(progress, "CELL_EVERY", 0.0)
    with CellProgress("p / <b>") as bars:
        bars(Event("fold-1", "fit", 1, 4, "<i>"))
        assert "value='1'" in shown[-1]
        assert "max='4'" in shown[-1]
        assert "&lt;b&gt;" in shown[-1]
        assert "<i>" not in shown[-1]
        bars(Event("fold-2", "extract"))
        assert "value" not in shown[-1].split("fold-1")[1]  # of how much is not known
        bars(Event("fold-1", DONE, 1, 1))
        assert "fold-1" not in shown[-1]
    assert shown[-1] == ""


def test_without_a_notebook_there_is_no_cell() -> None:
    assert not in_notebook()
    assert isinstance(progress_for("p / a"), PlainProgress)
