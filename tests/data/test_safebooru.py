"""Reading Safebooru's CSV: line by line, whatever single lines hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.readers.layouts import open_dataset
from harness.data.readers.safebooru import Entry, Malformed, read_entries
from harness.errors import UsageError
from tests.conftest import save_png

HEADER = "id,created_at,rating,score,sample_url,sample_width,sample_height,preview_url,tags\n"


def sheet(folder: Path, *lines: str, header: str = HEADER) -> Path:
    file = folder / "all_data.csv"
    file.write_text(header + "".join(f"{line}\n" for line in lines), encoding="utf-8")
    return file


def test_a_line_gives_its_id_preview_and_tags_each_once(tmp_path: Path) -> None:
    file = sheet(
        tmp_path, '7,1264,s,3,u,850,600,//safebooru.org/t/7.jpg,"1girl  bag 1girl ;d ねこ"'
    )
    assert list(read_entries(file)) == [
        Entry(2, "7", "//safebooru.org/t/7.jpg", ("1girl", "bag", "\uff1bd", "ねこ"))
    ]


def test_columns_may_stand_in_any_order(tmp_path: Path) -> None:
    file = sheet(tmp_path, "a b,12", header="tags,id\n")
    assert list(read_entries(file)) == [Entry(2, "12", "", ("a", "b"))]


def test_lines_that_cannot_be_used_are_named_and_do_not_stop_the_rest(tmp_path: Path) -> None:
    file = sheet(
        tmp_path,
        "1,x,s,1,u,1,1,p,a",
        "2,x,s",
        "../3,x,s,1,u,1,1,p,a",
        "",
        "5,x,s,1,u,1,1,p,b",
    )
    file.write_bytes(file.read_bytes() + b"6,x,s,1,u,1,1,p,\xff\xfe\n")
    found = list(read_entries(file))
    assert [entry.id for entry in found if isinstance(entry, Entry)] == ["1", "5"]
    assert [entry for entry in found if isinstance(entry, Malformed)] == [
        Malformed(3, "has 3 columns, the first line has 9"),
        Malformed(4, "id '../3' is not a number"),
        Malformed(7, "tags are not UTF-8 text"),
    ]


def test_a_quote_that_never_closes_is_one_malformed_line_and_not_the_memory(tmp_path: Path) -> None:
    file = sheet(tmp_path, "1,x,s,1,u,1,1,p,a", '2,x,s,1,u,1,1,p,"' + "b " * 700_000)
    first, *rest = list(read_entries(file))
    assert isinstance(first, Entry)
    assert all(isinstance(entry, Malformed) for entry in rest)
    assert rest


def test_a_file_without_the_columns_says_what_they_are(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no column 'tags'.*tagz"):
        list(read_entries(sheet(tmp_path, header="id,tagz\n")))
    with pytest.raises(UsageError, match="there is no CSV file"):
        list(read_entries(tmp_path / "none.csv"))


def test_a_folder_is_read_as_it_is_and_lines_without_image_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "images").mkdir()
    for name in ("1.png", "3.png", "9.png"):
        save_png(tmp_path / "images" / name, [[[9, 9, 9]]])
    sheet(tmp_path, *(f"{i},x,s,1,u,1,1,p,tag{i} common" for i in (1, 2, 3, 3)))
    found = open_dataset(tmp_path, layout="safebooru")
    assert {name: record.tags for name, record in found.records.items()} == {
        "images/1.png": ("tag1", "common"),
        "images/3.png": ("tag3", "common"),
    }
    assert not found.problems
    assert "id 3 stands there twice" in " ".join(found.warnings)


def test_a_folder_that_is_not_one_says_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="should hold one CSV file; it holds: none"):
        open_dataset(tmp_path, layout="safebooru")
    sheet(tmp_path)
    with pytest.raises(UsageError, match="has no folder 'images'"):
        open_dataset(tmp_path, layout="safebooru")
    (tmp_path / "images").mkdir()
    assert "no line has an image" in " ".join(open_dataset(tmp_path, layout="safebooru").problems)
