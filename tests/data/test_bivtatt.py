"""BIVTatt's layout: names, sources, boxes, and the protocols that name it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from generators.procedural.bivtatt import transformed, write_bivtatt
from harness.data.readers.bivtatt import TRANSFORMS, read_bivtatt
from harness.data.readers.layouts import detect, open_dataset
from harness.errors import UsageError
from harness.plugins.places import bundled
from harness.tasks import closed_set, identification
from harness.tasks.answers import Answer
from harness.tasks.reading import read_protocol
from harness.tasks.results import OTHER_PHOTOGRAPH, SAME_PHOTOGRAPH
from tests.conftest import run_harness
from tests.data.sets import lines, picture


@pytest.fixture(scope="module")
def bivtatt(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five tattoos on eight photographs, with twenty transforms of each."""
    root = tmp_path_factory.mktemp("bivtatt")
    write_bivtatt(root, tattoos=5, photographs=8, long_side=64)
    return root


def test_a_set_has_twenty_transforms_of_every_photograph(bivtatt: Path) -> None:
    assert len(TRANSFORMS) == len(set(TRANSFORMS)) == 20
    assert detect(bivtatt) == "bivtatt"
    found = open_dataset(bivtatt)
    assert not found.problems
    assert len(found.records) == 8 * 21
    roles = [record.role for record in found.records.values()]
    assert (roles.count("reference"), roles.count("probe")) == (8, 160)
    record = found.records["1_1_ar3.jpg"]
    assert (record.tattoo, record.source, record.role) == ("1", "1_1", "probe")
    assert len({record.tattoo for record in found.records.values()}) == 5


def test_its_own_protocol_takes_the_own_photograph_out_of_the_gallery(bivtatt: Path) -> None:
    protocol, _ = read_protocol(bundled("protocols") / "bivtatt.toml")
    found = read_bivtatt(bivtatt)
    (fold,) = identification.TASK.lay_out(found, protocol)
    photographs: dict[str, int] = {}
    for record in found.records.values():
        if record.role == "reference":
            photographs[str(record.tattoo)] = photographs.get(str(record.tattoo), 0) + 1
    several = {tattoo for tattoo, count in photographs.items() if count > 1}
    assert {str(found.records[name].tattoo) for name in fold.probes} == several
    assert len(fold.probes) == 20 * sum(photographs[tattoo] for tattoo in several)
    assert len(fold.gallery) == 8
    for probe, reference in fold.excluded:
        assert found.records[probe].source == found.records[reference].source
    assert len(fold.excluded) == len(fold.probes)


def test_two_random_images_mostly_meet_in_one_photograph_and_that_is_told_apart(
    bivtatt: Path,
) -> None:
    protocol, _ = read_protocol(bundled("protocols") / "bivtatt-closed-set.toml")
    found = read_bivtatt(bivtatt)
    (fold,) = closed_set.TASK.lay_out(found, protocol)
    scores = np.zeros((len(fold.probes), len(fold.gallery)))
    for i, probe in enumerate(fold.probes):
        for j, reference in enumerate(fold.gallery):
            scores[i, j] = found.records[probe].source == found.records[reference].source
    outcome = closed_set.TASK.judge([fold], [Answer(scores)], dict(found.records), protocol)
    parts = outcome.metrics.subsets
    assert parts[SAME_PHOTOGRAPH]["hit-rate@rank=1"].value == 1.0
    assert parts[OTHER_PHOTOGRAPH]["hit-rate@rank=1"].value == 0.0
    assert parts[SAME_PHOTOGRAPH]["hit-rate@rank=1"].n > 25  # of 50


def test_the_first_line_of_a_box_file_is_the_main_tattoo(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1_1.jpg")
    lines(tmp_path / "bounding_boxes" / "1_1.txt", ["-2 0 5 9", "1 1 2 2"])
    assert read_bivtatt(tmp_path).records["1_1.jpg"].box == (-2, 0, 5, 9)


@pytest.mark.parametrize("line", ["", "1 2 3", "5 5 5 9", "a b c d", "1 2 3 4 5"])
def test_a_box_that_is_none_is_a_problem_with_its_place(tmp_path: Path, line: str) -> None:
    picture(tmp_path / "images" / "1_1.jpg")
    lines(tmp_path / "bounding_boxes" / "1_1.txt", [line])
    (problem,) = read_bivtatt(tmp_path).problems
    assert "bounding_boxes/1_1.txt:1" in problem


@pytest.mark.parametrize("name", ["heart.jpg", "1_1_z9.jpg", "1_1_a1_a2.jpg"])
def test_a_file_name_of_another_form_is_a_problem(tmp_path: Path, name: str) -> None:
    picture(tmp_path / "images" / name)
    picture(tmp_path / "images" / "1_1.jpg")
    (problem,) = read_bivtatt(tmp_path).problems
    assert repr(name) in problem


def test_a_missing_box_is_a_warning_and_a_missing_folder_an_error(tmp_path: Path) -> None:
    picture(tmp_path / "images" / "1_1.jpg")
    assert "1 image has no box" in read_bivtatt(tmp_path).warnings[0]
    with pytest.raises(UsageError, match="no folder 'images'"):
        read_bivtatt(tmp_path / "images")


@pytest.mark.parametrize("name", TRANSFORMS)
def test_every_transform_changes_the_picture_and_keeps_its_size(name: str) -> None:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (40, 60, 3), dtype=np.uint8)
    changed, box = transformed(image, (10, 10, 30, 30), name)
    assert changed.shape == image.shape
    assert changed.dtype == np.uint8
    assert not np.array_equal(changed, image)
    assert box[0] < box[2]
    assert box[1] < box[3]


def test_a_turned_box_holds_the_turned_pixels() -> None:
    image = np.zeros((60, 60, 3), dtype=np.uint8)
    image[20:40, 15:45] = 255
    turned, (x1, y1, x2, y2) = transformed(image, (15, 20, 45, 40), "r3")
    rows, columns = np.nonzero(turned[:, :, 0] > 128)
    assert x1 <= columns.min() <= columns.max() < x2
    assert y1 <= rows.min() <= rows.max() < y2


def test_an_imported_set_reads_as_it_did_before(tmp_path: Path) -> None:
    write_bivtatt(tmp_path, tattoos=1, photographs=1, long_side=48)
    before = read_bivtatt(tmp_path).records
    ran = run_harness("import", "bivtatt", tmp_path)
    assert ran.code == 0, ran.err
    assert detect(tmp_path) == "csv"
    after = open_dataset(tmp_path)
    assert not after.problems
    assert dict(after.records) == dict(before)
    again = run_harness("import", "bivtatt", tmp_path)
    assert again.code == 2
    assert "exists; move it away" in again.err


def test_an_algorithm_that_learns_is_told_to_bring_a_training_set(bivtatt: Path) -> None:
    ran = run_harness("run", "--protocol", "bivtatt", "--algo", "triplet", "--data", bivtatt)
    assert ran.code == 2
    assert "name a set to learn from with --train-data" in ran.err
