"""Whether pictures are synthetic is what the data set states, wherever it lies."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.croissant import CROISSANT
from harness.data.fingerprints import fingerprint
from harness.data.marker import MARKER, marker_text, read_marker, stated_in
from harness.data.readers.layouts import open_dataset

from ..conftest import Ran
from .sets import lines, picture, tatt_c


def folders(root: Path) -> Path:
    picture(root / "heart" / "1.png")
    picture(root / "rose" / "1.png")
    return root


def csv_set(root: Path) -> Path:
    picture(root / "a.png")
    lines(root / "manifest.csv", ["image", "a.png"])
    return root


def bivtatt(root: Path) -> Path:
    picture(root / "images" / "1_1.jpg")
    picture(root / "images" / "1_1_b1.jpg")
    (root / "bounding_boxes").mkdir()
    return root


@pytest.mark.parametrize("make", [tatt_c, folders, csv_set, bivtatt])
def test_every_reader_reads_the_marker(tmp_path: Path, make: Callable[[Path], Path]) -> None:
    root = make(tmp_path / "set")
    case = "tattoo_identification" if make is tatt_c else None
    assert open_dataset(root, use_case=case).synthetic == "not stated"
    (root / MARKER).write_text(marker_text("by hand"))
    assert open_dataset(root, use_case=case).synthetic == "yes"
    (root / MARKER).write_text("synthetic = false\n")
    found = open_dataset(root, use_case=case)
    assert found.synthetic == "no"
    assert not found.problems


def test_a_folder_that_says_nothing_is_not_real_wherever_it_lies(tmp_path: Path) -> None:
    root = folders(tmp_path / "fixtures" / "real")
    assert open_dataset(root).synthetic == "not stated"
    (root / MARKER).write_text('made-with = "a camera"\n')
    assert open_dataset(root).synthetic == "not stated"


def test_a_moved_copy_states_what_it_stated_before(tmp_path: Path) -> None:
    root = folders(tmp_path / "fixtures")
    (root / MARKER).write_text(marker_text("by hand"))
    copied = Path(shutil.copytree(root, tmp_path / "elsewhere"))
    one, other = open_dataset(root), open_dataset(copied)
    assert other.synthetic == "yes"
    assert fingerprint(one) == fingerprint(other)


def test_what_is_stated_is_part_of_the_hash(tmp_path: Path) -> None:
    found = open_dataset(folders(tmp_path / "set"))
    hashes = {
        fingerprint(replace(found, synthetic=answer)) for answer in ("yes", "no", "not stated")
    }
    assert len(hashes) == 3


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"synthetic = maybe", "is not TOML"),
        (b"\xff\xfe", "is not TOML"),
        (b'synthetic = "yes"', "'synthetic' is true or false, not 'yes'"),
        (b"synthetic = 1", "'synthetic' is true or false, not 1"),
        (b"sinthetic = true", "Did you mean 'synthetic'"),
    ],
)
def test_a_faulty_marker_stops_a_run_and_says_why(
    tmp_path: Path, content: bytes, said: str
) -> None:
    root = folders(tmp_path / "set")
    (root / MARKER).write_bytes(content)
    (problem,) = open_dataset(root).problems
    assert problem.startswith(MARKER)
    assert said in problem


def test_a_marker_that_is_a_folder_is_a_problem_not_a_crash(tmp_path: Path) -> None:
    (tmp_path / MARKER).mkdir()
    answer, problem = read_marker(tmp_path)
    assert answer == "not stated"
    assert "cannot be read" in problem


def test_words_of_other_versions_state_nothing() -> None:
    for written in ("true", "false", "", "YES"):
        assert stated_in({"synthetic": written}) == "not stated"


def test_made_sets_state_that_they_are_synthetic(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    made = tmp_path / "made"
    ran = harness("synth", made, "--identities", "2", "--images", "2", "--size", "32")
    assert ran.code == 0, ran.err
    assert open_dataset(made).synthetic == "yes"
    checksums = (made / "checksums.sha256").read_text()
    assert f"  {MARKER}\n" in checksums
    assert f"  {CROISSANT}\n" in checksums
    said = json.loads((made / CROISSANT).read_text(encoding="utf-8"))
    assert "pictures are synthetic" in said["description"]
    assert said["license"].startswith("https://www.apache.org/")


def test_a_synthetic_bivtatt_states_it_too(tmp_path: Path) -> None:
    from generators.procedural.bivtatt import write_bivtatt

    write_bivtatt(tmp_path, tattoos=1, photographs=1, long_side=48)
    assert open_dataset(tmp_path).synthetic == "yes"
    assert f"  {MARKER}\n" in (tmp_path / "checksums.sha256").read_text()
