"""Spreadsheets are read as they show themselves; what was guessed or left out is said."""

from __future__ import annotations

import datetime
import io
import os
import sys
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from harness.data import sheets
from harness.data.readers.layouts import open_dataset
from harness.data.readers.manifest import read_manifest
from tests.data.sets import picture

openpyxl = pytest.importorskip("openpyxl")

Row = Sequence[Any]


def book(path: Path, *rows: Row, change: Callable[[Any], None] | None = None) -> Path:
    """Write a workbook of one sheet; `change` gets the sheet before it is saved."""
    made = openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    if change is not None:
        change(made.active)
    made.save(path)
    return path


def test_a_spreadsheet_is_a_manifest_like_any(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / "Bilder" / name)
    path = book(
        tmp_path / "manifest.xlsx",
        ["Image", " Tattoo ", "Role", None],
        ["Bilder\\a.png", "Müller 1", "Probe", None],
        [None, None, None, None],
        ["bilder/B.PNG", "Müller 1", "reference"],
    )
    for place in (tmp_path, path):
        data = open_dataset(place)
        assert data.problems == ()
        assert [(r.name, r.tattoo, r.role) for r in data.records.values()] == [
            ("Bilder/a.png", "Müller 1", "probe"),
            ("Bilder/b.png", "Müller 1", "reference"),
        ]
        assert data.name == tmp_path.name
        assert data.places["Bilder/b.png"] == "manifest.xlsx:4"


@pytest.mark.parametrize(
    ("value", "form", "read"),
    [
        ("007", "General", "007"),
        (7, "000", "007"),
        (7, "General", "7"),
        (3.0, "General", "3"),
        (0.5, "General", "0.5"),
        (True, "General", "true"),
        (datetime.date(2024, 2, 1), "DD.MM.YYYY", "2024-02-01"),
        (datetime.datetime(2024, 2, 1, 13, 5), "DD.MM.YYYY hh:mm", "2024-02-01 13:05:00"),
        (1234567890123, "0.00E+00", "1234567890123"),
        ("  spaced ", "@", "spaced"),
        ("=not a formula", "@", "=not a formula"),
    ],
)
def test_a_cell_is_read_as_it_shows(tmp_path: Path, value: Any, form: str, read: str) -> None:
    def change(sheet: Any) -> None:
        cell = sheet.cell(2, 2)
        cell.value, cell.number_format = value, form
        if form == "@":
            cell.data_type = "s"

    path = book(tmp_path / "m.xlsx", ["image", "tattoo"], ["a.png", None], change=change)
    data = read_manifest(path)
    assert data.problems == ()
    assert data.records["a.png"].tattoo == read


def test_merged_cells_say_the_same_in_all_their_lines(tmp_path: Path) -> None:
    rows: list[Row] = [["image", "tattoo"], ["a.png", "t1"], ["b.png", None], ["c.png", None]]
    rows.append(["d.png", "t2"])
    path = book(tmp_path / "m.xlsx", *rows, change=lambda sheet: sheet.merge_cells("B2:B4"))
    data = read_manifest(path)
    assert [record.tattoo for record in data.records.values()] == ["t1", "t1", "t1", "t2"]
    assert data.warnings == (
        "m.xlsx: 2 cells are merged with the one before or above, and read as saying the same",
    )


def test_hidden_lines_are_read_and_said(tmp_path: Path) -> None:
    def change(sheet: Any) -> None:
        sheet.row_dimensions[3].hidden = True

    rows = [["image", "tattoo"], ["a.png", "t1"], ["b.png", "t1"]]
    data = read_manifest(book(tmp_path / "m.xlsx", *rows, change=change))
    assert len(data.records) == 2
    assert data.warnings == ("m.xlsx: 1 line is hidden in the sheet, and read",)


def test_a_formula_that_was_never_computed_is_no_empty_cell(tmp_path: Path) -> None:
    rows = [["image", "tattoo"], ["a.png", '=CONCATENATE("t","1")'], ["b.png", "t1"]]
    (problem,) = read_manifest(book(tmp_path / "m.xlsx", *rows)).problems
    assert problem.startswith("m.xlsx:2: holds a formula that was never computed")


def test_a_computed_formula_is_its_value(tmp_path: Path) -> None:
    path = book(tmp_path / "m.xlsx", ["image", "tattoo"], ["a.png", "=1+1"])
    raw = io.BytesIO()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(raw, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name.endswith("sheet1.xml"):
                text = text.replace(b"<f>1+1</f><v></v>", b"<f>1+1</f><v>2</v>")
                text = text.replace(b"<f>1+1</f><v />", b"<f>1+1</f><v>2</v>")
            new.writestr(name, text)
    path.write_bytes(raw.getvalue())
    assert read_manifest(path).records["a.png"].tattoo == "2"


@pytest.mark.parametrize("number", [1234567890123456, 98765432109876544, -(10**18)])
def test_numbers_longer_than_a_spreadsheet_keeps_are_said(tmp_path: Path, number: int) -> None:
    path = book(tmp_path / "m.xlsx", ["image", "subject"], ["a.png", number])
    (said,) = read_manifest(path).warnings
    assert said.startswith(f"m.xlsx:2: {number} is a number of more than 15 digits")


def sheets_of(path: Path, **titled: Sequence[Row]) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for title, rows in titled.items():
        sheet = made.create_sheet(title)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return path


LIST = [["image", "tattoo"], ["a.png", "t1"]]
NOTES = [["Notizen"], ["bitte prüfen"]]


def test_of_several_sheets_the_list_is_read_and_that_is_said(tmp_path: Path) -> None:
    path = sheets_of(tmp_path / "m.xlsx", Notizen=NOTES, Leer=[], Liste=LIST)
    data = read_manifest(path)
    assert list(data.records) == ["a.png"]
    assert data.warnings == (
        "m.xlsx: of its sheets 'Notizen', 'Liste', 'Liste' is read, whose first line names a "
        "column 'image'",
    )
    assert read_manifest(sheets_of(path, Leer=[], Liste=LIST, Tabelle3=[])).findings == ()


@pytest.mark.parametrize(
    ("titled", "said"),
    [
        ({"A": LIST, "B": LIST}, "has the sheets 'A', 'B', and several of them have a column"),
        ({"A": NOTES, "B": NOTES}, "has the sheets 'A', 'B', and none of them has a column"),
        ({"A": NOTES}, "there is no column 'image', which names the file of each picture"),
        ({"A": []}, "m.xlsx: is empty"),
        ({"A": [["Fallliste 2024"], [], *LIST]}, "line 3 is, which names 'image'; delete what"),
        ({"A": [["image"], ["a.png"]], "B": LIST}, "several of them have a column 'image'"),
    ],
)
def test_a_workbook_without_one_list_is_refused_with_the_cause(
    tmp_path: Path, titled: dict[str, Sequence[Row]], said: str
) -> None:
    (problem,) = read_manifest(sheets_of(tmp_path / "m.xlsx", **titled)).problems
    assert said in problem


@pytest.mark.parametrize(
    ("name", "raw", "said"),
    [
        ("m.xls", b"\xd0\xcf\x11\xe0" + bytes(600), "is an old .xls, or protected by a password"),
        ("m.xlsx", b"\xd0\xcf\x11\xe0" + bytes(600), "is an old .xls, or protected by a password"),
        ("m.ods", b"PK\x03\x04" + bytes(100), "is a spreadsheet of a kind that is not read"),
        ("m.numbers", b"PK\x03\x04" + bytes(100), "is a spreadsheet of a kind that is not read"),
        ("m.xlsx", b"PK\x03\x04" + bytes(100), "cannot be read as a spreadsheet"),
        ("m.xlsx", b"image,tattoo\na.png,1\n", "is no spreadsheet, whatever its name says"),
        ("m.xlsx", b"", "is no spreadsheet, whatever its name says"),
    ],
)
def test_other_spreadsheets_say_what_to_save(
    tmp_path: Path, name: str, raw: bytes, said: str
) -> None:
    (tmp_path / name).write_bytes(raw)
    data = open_dataset(tmp_path / name)
    assert data.records == {}
    (problem,) = data.problems
    assert said in problem
    assert "'CSV UTF-8'" in problem


def test_a_spreadsheet_named_csv_is_read_as_what_it_is(tmp_path: Path) -> None:
    book(tmp_path / "m.xlsx", *LIST).rename(tmp_path / "m.csv")
    assert list(read_manifest(tmp_path / "m.csv").records) == ["a.png"]


def test_a_sheet_that_reaches_too_far_or_unpacks_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def far(sheet: Any) -> None:
        sheet.cell(1_000_000, 200, "x")

    (problem,) = read_manifest(book(tmp_path / "m.xlsx", *LIST, change=far)).problems
    assert "reaches to line 1,000,000 and column 200" in problem
    monkeypatch.setattr(sheets, "LARGEST", 1000)
    (problem,) = read_manifest(book(tmp_path / "m.xlsx", *LIST)).problems
    assert "unpacks to" in problem


def test_without_the_package_it_is_said_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = book(tmp_path / "m.xlsx", *LIST)
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    (problem,) = read_manifest(path).problems
    assert "pip install openpyxl, or save it as 'CSV UTF-8'" in problem


@pytest.mark.parametrize("name", ["m.xlsx", "m.csv", "m.ods"])
def test_a_pipe_or_a_folder_of_a_lists_name_is_refused_at_once(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    assert read_manifest(tmp_path / name).problems
    (tmp_path / name).unlink()
    (tmp_path / name).mkdir()
    assert read_manifest(tmp_path / name).problems
