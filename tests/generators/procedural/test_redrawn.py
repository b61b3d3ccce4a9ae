"""Designs redrawn by several hands: counts, truth, and the same pictures from the same seed."""

from __future__ import annotations

from pathlib import Path

import pytest

from generators.procedural.redrawn import write_redrawn
from harness.data.readers.layouts import open_dataset


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("drawn") / "set"
    write_redrawn(out, ideas=2, hands=2, long_side=48, seed=3)
    return out


def test_every_hand_draws_every_idea_in_every_medium(drawn: Path) -> None:
    data = open_dataset(drawn)
    assert data.problems == ()
    media = {"sketch", "scanned-print", "computer-graphic", "graffiti", "photo"}
    assert len(data.records) == 2 * 2 * len(media)
    assert {r.role for r in data.records.values()} == {"train"}
    for hand in ("g00000-h0", "g00001-h1"):
        mine = [r for r in data.records.values() if r.tattoo == hand]
        assert {r.media for r in mine} == media
        assert {r.group for r in mine} == {hand.split("-")[0]}
        assert len({r.source for r in mine}) == len(media)


def test_one_seed_draws_the_same_and_another_seed_something_else(
    drawn: Path, tmp_path: Path
) -> None:
    place = "images/g00000/h0-sketch.jpg"
    write_redrawn(tmp_path / "same", ideas=1, hands=1, long_side=48, seed=3)
    write_redrawn(tmp_path / "other", ideas=1, hands=1, long_side=48, seed=4)
    assert (tmp_path / "same" / place).read_bytes() == (drawn / place).read_bytes()
    assert (tmp_path / "other" / place).read_bytes() != (drawn / place).read_bytes()


def test_a_folder_with_files_in_it_is_left_alone(drawn: Path) -> None:
    with pytest.raises(FileExistsError, match="is not empty"):
        write_redrawn(drawn, ideas=1)
