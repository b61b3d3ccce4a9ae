"""Workers that are forked after the libraries were imported are as alone as any."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.execution import fence, fenced
from harness.execution.nursery import SAFE, Born, Nursery
from harness.execution.variables import variables

pytestmark = [
    pytest.mark.own_process,
    pytest.mark.skipif(sys.platform != "linux", reason="there is a nursery on Linux alone"),
]


@pytest.fixture
def nursery(tmp_path: Path) -> Iterator[Nursery]:
    found = Nursery(tmp_path / "plugin.py", ["PIL", "tensorflow"], variables(1))
    yield found
    found.close()


def started(
    nursery: Nursery | None, module: str, *words: str, scratch: Path, pass_fds: tuple[int, ...] = ()
) -> fenced.Fenced:
    null = os.open(os.devnull, os.O_WRONLY)
    try:
        return fenced.start(
            module,
            words,
            fence.Rules(str(scratch)),
            environment=fenced.surroundings(str(scratch), variables(1)),
            stdout=null,
            stderr=null,
            pass_fds=pass_fds,
            nursery=nursery,
        )
    finally:
        os.close(null)


def test_the_fence_and_the_exit_code_are_those_of_a_process_of_its_own(
    nursery: Nursery, tmp_path: Path
) -> None:
    found = []
    for one in (nursery, None):
        fenced = started(one, "json.tool", str(tmp_path / "missing"), scratch=tmp_path)
        found.append((fenced.fence, fenced.process.wait(timeout=60)))
        fenced.end()
        assert isinstance(fenced.process, Born) is (one is not None)
    assert found[0] == found[1]
    assert found[0][1] != 0
    assert started(nursery, "platform", scratch=tmp_path).process.wait(timeout=60) == 0


def test_a_worker_that_waits_for_ever_is_ended_and_the_others_live_on(
    nursery: Nursery, tmp_path: Path
) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        number = theirs.fileno()
        words = ("step", str(number))
        waits = started(
            nursery, "harness.execution.worker", *words, scratch=tmp_path, pass_fds=(number,)
        )
        assert waits.fence.processes
        with pytest.raises(subprocess.TimeoutExpired):
            waits.process.wait(timeout=0.2)
        waits.end()
        assert waits.process.returncode is not None
    assert started(nursery, "platform", scratch=tmp_path).process.wait(timeout=60) == 0


def test_without_it_a_worker_starts_all_the_same(nursery: Nursery, tmp_path: Path) -> None:
    nursery.close()
    fenced = started(nursery, "platform", scratch=tmp_path)
    assert fenced.process.wait(timeout=60) == 0


def test_what_differs_from_worker_to_worker_is_never_imported_before_the_fork() -> None:
    assert not {"tensorflow", "keras", "matplotlib"} & set(SAFE)
