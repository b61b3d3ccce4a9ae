"""Units of a matching in several processes: one that dies costs its unit, and nothing else."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.matching.pool import Here

LONG = [f"long-{number}" for number in range(8)]


def done_or_died(folder: Path) -> None:
    if folder.name.startswith("dies"):
        os.kill(os.getpid(), signal.SIGKILL)
    if folder.name.startswith("wrong"):
        raise UsageError("no such unit")
    time.sleep(0.2 * folder.name.startswith("long"))
    folder.touch()


@pytest.fixture
def here() -> Here:
    return Here(2, lambda *_: None, done_or_died)


@pytest.mark.parametrize("names", [["dies", "a", "b", "c"], ["a", "dies", "dies-too", "b", "dies"]])
def test_what_a_process_was_doing_when_it_died_is_left_undone(
    here: Here, tmp_path: Path, names: list[str]
) -> None:
    here("comparing", [tmp_path / name for name in names])
    here("comparing", [tmp_path / "later"])
    here.close()
    sound = {name for name in names if not name.startswith("dies")}
    assert {path.name for path in tmp_path.iterdir()} == {*sound, "later"}


def test_a_process_that_died_while_nothing_was_asked_of_it_costs_no_unit(
    here: Here, tmp_path: Path
) -> None:
    here("comparing", [tmp_path / "a", tmp_path / "b"])
    for process in here._idle:
        (number,) = process._processes
        os.kill(number, signal.SIGKILL)
        while not process._broken:
            time.sleep(0.01)
    here("comparing", [tmp_path / "c", tmp_path / "d"])
    here.close()
    assert {path.name for path in tmp_path.iterdir()} == set("abcd")


def test_what_a_unit_says_is_wrong_ends_the_others_that_had_not_begun(
    here: Here, tmp_path: Path
) -> None:
    here("looking", [tmp_path / "x", tmp_path / "y"])  # so that both processes have started
    with pytest.raises(UsageError, match="no such unit"):
        here("comparing", [tmp_path / name for name in ("wrong", *LONG)])
    here.close()
    assert len(list(tmp_path.iterdir())) < 2 + len(LONG)
