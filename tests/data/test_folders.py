"""One folder per identity: names, order, and what is left out."""

from __future__ import annotations

import shlex
import shutil
import unicodedata
from pathlib import Path

import pytest

from harness.data.readers.folders import read_folders
from harness.errors import UsageError

from .sets import picture


def test_the_folder_that_holds_an_image_names_its_identity(tmp_path: Path) -> None:
    for name in ("b/1.PNG", "b/2.jpg", "alphabet/a b/é.png", "alphabet/1/1.png"):
        picture(tmp_path / name)
    data = read_folders(tmp_path)
    assert (data.problems, data.warnings, data.layout) == ((), (), "folders")
    assert {name: record.tattoo for name, record in data.records.items()} == {
        "alphabet/1/1.png": "alphabet/1",
        "alphabet/a b/é.png": "alphabet/a b",
        "b/1.PNG": "b",
        "b/2.jpg": "b",
    }
    assert all(record.group == record.tattoo for record in data.records.values())
    assert all(record.path.is_file() for record in data.records.values())


def test_records_are_in_the_order_of_their_code_points(tmp_path: Path) -> None:
    names = ["B/1.png", "a/10.png", "a/2.png", "a/é.png", "ä/1.png"]
    for name in reversed(names):
        picture(tmp_path / name)
    assert list(read_folders(tmp_path).records) == names


def test_names_are_the_same_however_the_accents_are_written_on_disk(tmp_path: Path) -> None:
    picture(tmp_path / "nfd" / unicodedata.normalize("NFD", "é/ü.png"))
    picture(tmp_path / "nfc" / unicodedata.normalize("NFC", "é/ü.png"))
    nfd, nfc = read_folders(tmp_path / "nfd"), read_folders(tmp_path / "nfc")
    assert list(nfd.records) == list(nfc.records) == [unicodedata.normalize("NFC", "é/ü.png")]
    assert nfd.records["é/ü.png"].path.is_file()


def test_two_names_that_differ_only_in_how_accents_are_written_are_a_problem(
    tmp_path: Path,
) -> None:
    picture(tmp_path / "a" / unicodedata.normalize("NFD", "é.png"))
    if list(tmp_path.glob("a/é.png")) and (tmp_path / "a" / "é.png").exists():
        pytest.skip("this file system takes both for one name")
    picture(tmp_path / "a" / unicodedata.normalize("NFC", "é.png"))
    (problem,) = read_folders(tmp_path).problems
    assert "differ only in how their accents are written" in problem


def test_hidden_files_and_other_files_are_skipped(tmp_path: Path) -> None:
    for name in ("a/1.png", "a/.2.png", ".cache/3.png"):
        picture(tmp_path / name)
    (tmp_path / "readme.txt").write_text("about")
    (tmp_path / "a" / "boxes.json").write_text("{}")
    data = read_folders(tmp_path)
    assert list(data.records) == ["a/1.png"]
    (said,) = data.warnings
    assert said.startswith("left out 2 hidden pictures: a dot")


@pytest.mark.parametrize(
    ("left", "begins"),
    [
        (["Thumbs/1.png"], "left out 1 picture in folders called 'Thumbs'"),
        (["a/.2.png"], "left out 1 hidden picture:"),
        (["a/2.svg"], "skipped 1 picture with the ending .svg"),
        ([f"{k}/.x.png" for k in range(3)], "left out 3 hidden pictures:"),
    ],
)
def test_one_picture_that_is_left_out_is_not_called_pictures(
    tmp_path: Path, left: list[str], begins: str
) -> None:
    for name in ("a/1.png", *left):
        picture(tmp_path / name)
    (said,) = read_folders(tmp_path).warnings
    assert said.startswith(begins)


def test_what_macos_keeps_beside_files_is_no_picture(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "._1.png").write_bytes(b"\x00\x05\x16\x07")
    assert read_folders(tmp_path).warnings == ()


@pytest.mark.parametrize(
    "folder",
    [
        *("#recycle", "@Recently-Snapshot", "$RECYCLE.BIN", "__MACOSX", "lost+found"),
        *("Thumbs", "_thumbnails", "previews", "Catalog Previews.lrdata", "Photos.photoslibrary"),
        *("Recycle Bin", "Corbeille", "zuletzt gelöscht", "ゴミ箱", "cache", "Lightroom Previews"),
        *("thumbs_cache", "thumbnails-256x256", "Contact Sheets", "Kontaktabzüge", ".@__thumb"),
    ],
)
def test_what_devices_and_programs_leave_behind_is_no_identity_and_is_said(
    tmp_path: Path, folder: str
) -> None:
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "a" / folder / "1.png")
    picture(tmp_path / folder / "deep" / "2.jpg")
    data = read_folders(tmp_path)
    assert {record.tattoo for record in data.records.values()} == {"a"}
    assert data.warnings == (
        f"left out 2 pictures in folders called {folder!r}, which devices or programs make for "
        "themselves; rename the folder if they belong to the set",
    )


def test_a_folder_left_behind_without_pictures_is_not_worth_a_word(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "__MACOSX" / "a").mkdir(parents=True)
    assert read_folders(tmp_path).warnings == ()


@pytest.mark.parametrize("folder", ["trash polka", "preview of anna", "cachet", "thumb wrestler"])
def test_tattoos_that_are_called_somewhat_alike_are_read(tmp_path: Path, folder: str) -> None:
    picture(tmp_path / folder / "1.png")
    data = read_folders(tmp_path)
    assert {record.tattoo for record in data.records.values()} == {folder}
    assert data.warnings == ()


@pytest.mark.parametrize("folder", ["background", "Distractors", "3_background images"])
def test_pictures_of_a_background_are_of_nobody(tmp_path: Path, folder: str) -> None:
    for name in ("query/a/1.png", "gallery/a/2.png", f"{folder}/3.png", f"{folder}/x/4.png"):
        picture(tmp_path / name)
    found = read_folders(tmp_path).records
    of_nobody = {found[name].tattoo for name in found if name.startswith(folder)}
    assert of_nobody == {None}
    assert {record.role for record in found.values()} == {"probe", "reference", "background"}


def test_folders_of_roles_reach_the_records(tmp_path: Path) -> None:
    for name in ("query/a/1.png", "gallery/a/2.png", "gallery/b/3.png"):
        picture(tmp_path / name)
    data = read_folders(tmp_path)
    assert {n: (r.tattoo, r.group, r.role) for n, r in data.records.items()} == {
        "gallery/a/2.png": ("a", "a", "reference"),
        "gallery/b/3.png": ("b", "b", "reference"),
        "query/a/1.png": ("a", "a", "probe"),
    }


def test_pictures_that_cannot_be_read_are_not_left_out_in_silence(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    (tmp_path / "a" / "2.CR2").write_bytes(b"x")
    (tmp_path / "a" / "3.jp2").write_bytes(b"x")
    (tmp_path / "a" / "4.jp2").write_bytes(b"x")
    advice = "which is not read here: save them as JPEG or PNG"
    assert read_folders(tmp_path).warnings == (
        f"skipped 1 picture with the ending .cr2, {advice}",
        f"skipped 2 pictures with the ending .jp2, {advice}",
    )


def test_where_no_image_is_found_it_says_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "notes.txt").write_text("x")
    (problem,) = read_folders(tmp_path).problems
    assert problem.endswith("no image in its folders; skipped 1 other files: 1 of .txt")
    shutil.rmtree(tmp_path / "a")
    (problem,) = read_folders(tmp_path).problems
    assert problem.endswith("no image in its folders")


def test_an_image_without_a_folder_of_its_own_has_no_identity(tmp_path: Path) -> None:
    picture(tmp_path / "a" / "1.png")
    picture(tmp_path / "2.png")
    data = read_folders(tmp_path)
    (problem,) = data.problems
    assert "1 picture lies directly in" in problem
    assert "('2.png')" in problem
    assert list(data.records) == ["a/1.png"]


@pytest.mark.parametrize(
    ("table", "way"),
    [
        (None, "write a manifest.csv with the columns image and tattoo beside them"),
        ("Liste.csv", "name the list that says it: --data "),
        ("Fälle 2024.xlsx", "name the list that says it: --data "),
    ],
)
def test_pictures_in_no_folder_are_one_problem_with_all_ways_out(
    tmp_path: Path, table: str | None, way: str
) -> None:
    for number in range(30):
        picture(tmp_path / f"IMG_{number:04}.JPG")
    if table is not None:
        (tmp_path / table).write_bytes(b"x")
    (problem,) = read_folders(tmp_path).problems
    assert "30 pictures lie directly in" in problem
    assert "'IMG_0000.JPG', 'IMG_0001.JPG', 'IMG_0002.JPG' and 27 more" in problem
    assert f"harness annotate {tmp_path}" in problem
    assert way + (shlex.quote(str(tmp_path / table)) if table else "") in problem


@pytest.mark.parametrize("table", ["list.csv", "a.TSV", "Fotos.xlsx"])
def test_a_list_beside_folders_of_identities_is_not_passed_over_in_silence(
    tmp_path: Path, table: str
) -> None:
    picture(tmp_path / "t1" / "1.png")
    picture(tmp_path / "t2" / "1.png")
    (tmp_path / table).write_bytes(b"x")
    (tmp_path / "~$lock.xlsx").write_bytes(b"x")
    (said,) = read_folders(tmp_path).warnings
    assert f"{table!r} in {tmp_path.name}/ was not read" in said
    assert f"--data {tmp_path / table}" in said


@pytest.mark.parametrize(
    "folders",
    [
        ("DCIM/100APPLE", "DCIM/101APPLE"),
        ("stick/DCIM/100CANON", "stick/DCIM/101_PANA"),
        ("Camera", "Screenshots"),
        ("Neuer Ordner", "Neuer Ordner (2)"),
        ("202401__", "202402_a"),
    ],
)
def test_folders_that_cameras_name_are_no_tattoos(tmp_path: Path, folders: tuple[str, ...]) -> None:
    for folder in folders:
        picture(tmp_path / folder / "IMG_0001.jpg")
        picture(tmp_path / folder / "IMG_0002.jpg")
    (problem,) = read_folders(tmp_path).problems
    assert f"{folders[0]!r}, {folders[1]!r} are names that cameras and programs give" in problem
    picture(tmp_path / "rose-anna" / "1.jpg")
    data = read_folders(tmp_path)
    assert data.problems == ()
    assert any("are read as one tattoo; move them if they are not" in w for w in data.warnings)


@pytest.mark.parametrize(
    "folders", [("anna/photos", "bert/photos"), ("001_anna", "002_bert"), ("20240101", "20240102")]
)
def test_other_folders_are_identities_without_a_word(
    tmp_path: Path, folders: tuple[str, ...]
) -> None:
    for folder in folders:
        picture(tmp_path / folder / "1.jpg")
    data = read_folders(tmp_path)
    assert data.problems == ()
    assert not any("cameras" in said for said in data.warnings)


def test_links_out_of_the_root_and_links_to_folders_are_problems(tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside" / "x.png")
    root = tmp_path / "set"
    picture(root / "a" / "1.png")
    (root / "a" / "2.png").symlink_to(outside)
    (root / "b").symlink_to(outside.parent)
    data = read_folders(root)
    assert "'b' is a link to a folder" in data.problems[0]
    assert "'a/2.png' leads out of" in data.problems[1]
    assert list(data.records) == ["a/1.png"]


@pytest.mark.parametrize("name", ["a|b.png", "a\nb.png", b"\xff.png"])
def test_file_names_that_lists_cannot_carry_are_problems(tmp_path: Path, name: str | bytes) -> None:
    import os

    written = os.fsdecode(name)
    try:
        picture(tmp_path / "a" / written)
    except OSError:
        pytest.skip("this file system does not allow the name")
    (problem,) = read_folders(tmp_path).problems
    problem.encode()  # can be printed


def test_what_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not a folder"):
        read_folders(tmp_path / "x")
