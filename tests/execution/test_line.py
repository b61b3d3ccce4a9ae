"""A worker's end of the line: who may speak while somebody waits for an answer."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from harness.api import Capture
from harness.execution.jobs import Ask, Said
from harness.execution.line import Line
from harness.execution.wire import LARGEST_HEAD, Wire


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[tuple[Line, Wire]]:
    ours, theirs = socket.socketpair()
    for end in (ours, theirs):
        end.settimeout(20)
    with ours, theirs:
        yield Line(Wire(theirs), tmp_path), Wire(ours)


def said(harness: Wire) -> Said:
    message: Said = harness.receive(Said, 100, LARGEST_HEAD)[0]
    return message


def test_progress_is_said_while_a_thread_waits_for_captures(ends: tuple[Line, Wire]) -> None:
    line, harness = ends
    came: list[object] = []
    waits = threading.Thread(
        target=lambda: came.extend(line.drawn([Capture(0, 0)], [])), daemon=True
    )
    waits.start()
    assert said(harness).what == "want"
    line.report(1, 2, "learning")  # it would never return if it waited for the captures
    assert said(harness).done == 1
    picture = np.zeros((2, 2, 3), np.uint8)
    harness.send(Ask("batch"), [picture])
    waits.join(20)
    assert np.array_equal(np.asarray(came), [picture])


def test_an_answer_waits_until_a_thread_has_its_captures(ends: tuple[Line, Wire]) -> None:
    line, harness = ends
    asks = threading.Thread(target=lambda: line.drawn([Capture(0, 0)], []), daemon=True)
    asks.start()
    assert said(harness).what == "want"
    answers = threading.Thread(target=lambda: line.answer(1.0), daemon=True)
    answers.start()
    answers.join(0.2)
    assert answers.is_alive()
    harness.send(Ask("batch"), [np.zeros((2, 2, 3), np.uint8)])
    assert said(harness).what == "answer"
