"""A set whose drawing was interrupted goes on where it was, to the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from generators.procedural import bivtatt, dataset, resuming, world
from generators.procedural.bivtatt import write_bivtatt
from generators.procedural.dataset import made_by, write_dataset
from generators.procedural.resuming import is_drawn
from generators.procedural.world import SCALES
from harness.errors import UsageError
from harness.synthesis.whole_sets import WORK

Write = Callable[[Path], None]


@pytest.fixture(params=["use cases", "bivtatt"])
def write(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[Any, Write]:
    """A module with a function `_draw`, and what draws a small set with it."""
    if request.param == "bivtatt":
        return bivtatt, lambda out: write_bivtatt(out, tattoos=2, photographs=4, long_side=48)
    tiny = world.Scale((5, 6), (6, 5), (5, 6), (5, 10), (5, 2), (5, 5), 3, 48)
    monkeypatch.setitem(SCALES, "mini", tiny)
    # A few pictures of all use cases: what is drawn is not the subject here.
    few = world.census(0, "mini")[::9]
    monkeypatch.setattr(dataset, "census", lambda seed, scale: few)
    return dataset, lambda out: write_dataset(out, scale="mini")


def contents(place: Path) -> dict[str, bytes]:
    files = (path for path in place.rglob("*") if path.is_file())
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in files}


def interrupted(module: Any, write: Write, out: Path, after: int) -> None:
    """Draw a part of a set."""
    real, calls = module._draw, []

    def stopping(job: Any) -> Any:
        calls.append(job)
        if len(calls) > after:
            raise KeyboardInterrupt
        return real(job)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "_draw", stopping)
        with pytest.raises(KeyboardInterrupt):
            write(out)


@pytest.mark.parametrize("after", [0, 3])
def test_what_was_drawn_is_not_drawn_again(
    write: tuple[Any, Write], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    module, draw = write
    draw(tmp_path / "whole")
    interrupted(module, draw, tmp_path / "again", after)
    assert not (tmp_path / "again" / "checksums.sha256").exists()
    real, calls = module._draw, []

    def counting(job: Any) -> Any:
        calls.append(job)
        return real(job)

    monkeypatch.setattr(module, "_draw", counting)
    draw(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")
    jobs = len(calls) + after
    assert jobs >= 4
    with pytest.raises(FileExistsError, match="not empty"):
        draw(tmp_path / "again")
    assert len(calls) + after == jobs


def test_a_note_that_was_cut_off_is_of_nothing_drawn(
    write: tuple[Any, Write], tmp_path: Path
) -> None:
    module, draw = write
    draw(tmp_path / "whole")
    interrupted(module, draw, tmp_path / "again", 2)
    notes = tmp_path / "again" / WORK / "drawn.jsonl"
    notes.write_bytes(b"no note\n[1]\n" + notes.read_bytes()[:-5])
    draw(tmp_path / "again")
    assert contents(tmp_path / "again") == contents(tmp_path / "whole")


@pytest.mark.parametrize("change", ["seed", "version"])
def test_what_another_command_began_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    def draw(out: Path, seed: int = 0) -> None:
        write_bivtatt(out, tattoos=2, photographs=4, long_side=48, seed=seed)

    interrupted(bivtatt, draw, tmp_path / "set", 1)
    if change == "version":
        monkeypatch.setattr(resuming, "_source", lambda: "other")
    with pytest.raises(UsageError, match="--seed 0" if change == "seed" else "another version"):
        draw(tmp_path / "set", seed=1 if change == "seed" else 0)


def test_processes_change_nothing_and_a_finished_set_is_known_by_its_command(
    tmp_path: Path,
) -> None:
    for workers in (1, 2):
        out = tmp_path / str(workers)
        write_bivtatt(out, tattoos=2, photographs=3, long_side=48, workers=workers)
    assert contents(tmp_path / "1") == contents(tmp_path / "2")
    assert is_drawn(tmp_path / "1", made_by("bivtatt", 0))
    assert not is_drawn(tmp_path / "1", made_by("bivtatt", 1))
    assert not is_drawn(tmp_path, made_by("bivtatt", 0))
