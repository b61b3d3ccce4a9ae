"""The line to a worker: what was said last is heard, however the worker ends."""

from __future__ import annotations

import socket

import numpy as np
import pytest

from harness.execution.jobs import Said
from harness.execution.wire import Ended, Wire


def test_what_a_worker_said_just_before_it_ended_is_heard() -> None:
    ours, theirs = socket.socketpair()
    # As a child of the worker would: the line stays open after the worker has gone.
    held_by_a_child = theirs.dup()

    def speaks_and_is_gone() -> None:
        if theirs.fileno() >= 0:
            Wire(theirs).send(Said("answer"), [np.arange(3)])
            theirs.close()
        raise Ended

    wire = Wire(ours, speaks_and_is_gone)
    said, (numbers,) = wire.receive(Said, 1000, 1000)
    assert said.what == "answer"
    assert numbers.tolist() == [0, 1, 2]
    with pytest.raises(Ended):
        wire.receive(Said, 1000, 1000)
    held_by_a_child.close()
    ours.close()
