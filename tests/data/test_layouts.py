"""Opening a path: which layout it holds, and what is said where there is none."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from harness.data.readers.layouts import detect, open_dataset
from harness.errors import UsageError
from harness.plugins.places import bundled

from .sets import lines, picture, tatt_c

CASES = {
    "tattoo_identification": False,
    "region_of_interest": False,
    "mixed_media": False,
    "tattoo_similarity": False,
    "tattoo_detection": True,
}


def test_a_folder_with_lists_per_fold_is_tatt_c_even_with_a_manifest(tmp_path: Path) -> None:
    lines(tatt_c(tmp_path) / "manifest.csv", ["image"])
    assert detect(tmp_path) == "tatt-c"


def test_a_csv_file_and_a_folder_with_a_manifest_are_csv(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    path = lines(tmp_path / "manifest.csv", ["image", "a.png"])
    assert detect(path) == detect(tmp_path) == "csv"
    assert open_dataset(tmp_path) == open_dataset(path)
    assert open_dataset(lines(tmp_path / "OTHER.CSV", ["image", "a.png"])).problems == ()


def test_any_other_folder_has_one_folder_per_identity(tmp_path: Path) -> None:
    picture(tmp_path / "heart" / "1.png")
    assert open_dataset(tmp_path, use_case="any", background=True).layout == "folders"


def test_tatt_c_without_its_folds_does_not_pass_for_folders(tmp_path: Path) -> None:
    picture(tmp_path / "mixed_media" / "images" / "1.png")
    lines(tmp_path / "mixed_media" / "ground_truth.txt", ["1.png|2.png"])
    with pytest.raises(UsageError, match="there is no 5-fold/ in it"):
        open_dataset(tmp_path, use_case="mixed_media")


def test_a_layout_can_be_asked_for(tmp_path: Path) -> None:
    tatt_c(tmp_path)
    assert open_dataset(tmp_path, layout="folders").layout == "folders"
    with pytest.raises(UsageError, match=r"Unknown layout 'tattc'.*Did you mean 'tatt-c'"):
        open_dataset(tmp_path, layout="tattc")


def test_tatt_c_without_a_use_case_says_which_there_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="it has: tattoo_identification"):
        open_dataset(tatt_c(tmp_path))


def test_a_path_that_is_not_there_is_refused_with_its_nearest_neighbour(tmp_path: Path) -> None:
    (tmp_path / "omniglot").mkdir()
    with pytest.raises(UsageError, match=r"There is no .*omniglott.*Did you mean 'omniglot'"):
        open_dataset(tmp_path / "omniglott")
    with pytest.raises(UsageError, match="Nor is there a folder"):
        open_dataset(tmp_path / "x" / "y")


def test_a_file_that_is_no_manifest_is_refused(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(b"PK")
    with pytest.raises(UsageError, match=r"neither a folder nor a manifest .* Unpack it first"):
        open_dataset(tmp_path / "set.zip")


def test_a_relative_path_is_remembered_as_an_absolute_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(tmp_path / "set" / "a" / "1.png")
    monkeypatch.chdir(tmp_path)
    data = open_dataset(Path("set"))
    assert data.root.is_absolute()
    assert data.records["a/1.png"].path.is_absolute()


def test_opening_two_thousand_images_takes_seconds_at_most(tmp_path: Path) -> None:
    root = tatt_c(tmp_path)
    names = [f"many/{n}.png" for n in range(2_000)]
    first = picture(root / "tattoo_identification" / "images" / "many" / "0.png")
    for number, name in enumerate(names[1:]):
        raw = first.read_bytes() + b"%d" % number  # what follows the end of a PNG is not looked at
        (root / "tattoo_identification" / "images" / name).write_bytes(raw)
    with (root / "5-fold" / "tattoo_identification" / "gallery1.txt").open("a") as file:
        file.writelines(name + "\n" for name in names)
    start = time.process_time()
    data = open_dataset(root, use_case="tattoo_identification")
    assert time.process_time() - start < 5
    assert data.problems == ()


@pytest.mark.parametrize("use_case", CASES)
def test_the_fixtures_are_sound_in_every_use_case(use_case: str) -> None:
    root = bundled("fixtures") / "mini"
    if not (root / "5-fold").is_dir():
        pytest.skip("the fixtures are not there")
    data = open_dataset(root, use_case=use_case, background=True)
    assert data.problems == ()
    assert len(data.folds) == 5
    for fold in data.folds:
        assert fold.probes
        assert fold.train
        assert bool(fold.gallery) != CASES[use_case]
    assert all((r.label is not None) >= CASES[use_case] for r in data.records.values())
