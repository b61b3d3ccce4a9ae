"""Tables of spreadsheets are read as they come, or refused with the cause and the line."""

from __future__ import annotations

import pytest

from harness.data.findings import Findings
from harness.data.tables import read_cells, table_of

COLUMNS = ("image", "tattoo", "use_case")


def read(
    text: str, columns: tuple[str, ...] = COLUMNS
) -> tuple[list[dict[str, str]], tuple[str, ...], tuple[str, ...]]:
    findings = Findings()
    table = table_of(text, "t.csv", columns, findings)
    found = [] if table is None else read_cells(table, columns, "image", findings)
    return [line.values for line in found], findings.problems, findings.warnings


@pytest.mark.parametrize(
    "text",
    [
        "image;tattoo\na.png;1\n",
        "image\ttattoo\r\na.png\t1\r\n",
        "sep=;\nimage;tattoo\na.png;1\n",
        '"sep=,"\r\nimage,tattoo\r\na.png,1\r\n',
        "sep=|\nimage|tattoo\na.png|1\n",
        "Image,Tattoo\na.png,1\n",
        ' IMAGE , "tattoo"\n a.png , 1 \n',
        "image,tattoo,,\na.png,1,,\n,,,\n",
        "image,tattoo\na.png,1,,\n",
        "image,tattoo,\na.png,1\n",
        ",image,,tattoo\n,a.png,,1\n",
        "image;tattoo\ra.png;1\r",
        "\ufeffimage,tattoo\na.png,1\n",
        "\u00a0Image ,\u200bTattoo\na.png,1\n",
        'image,tattoo\na.png,"=""1"""\n',
        "sep=\t\r\nimage\ttattoo\r\na.png\t1\r\n",
        "image,tattoo\n\u202aa.png,\u200b1\ufeff\n",  # as Windows copies a path
        "image,tattoo\na.png\u200e,1\u00ad\n\u200b,\u2060\n",
    ],
)
def test_what_spreadsheets_leave_is_read_without_a_word(text: str) -> None:
    assert read(text) == ([{"image": "a.png", "tattoo": "1"}], (), ())


@pytest.mark.parametrize(
    "text",
    [
        ",image,tattoo\n0,a.png,1\n1,b.png,2\n",
        "Unnamed: 0,image,tattoo\n0,a.png,1\n1,b.png,2\n",
        "image,tattoo,Unnamed: 0.1,\na.png,1,,7\nb.png,2,,8.0\n".replace("0.1", "5"),
    ],
)
def test_a_column_that_counts_lines_is_left_out_and_said(text: str) -> None:
    found, problems, warnings = read(text)
    assert found == [{"image": "a.png", "tattoo": "1"}, {"image": "b.png", "tattoo": "2"}]
    assert problems == ()
    (said,) = warnings
    assert "has no name and holds numbers, as pandas writes its index" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("image,\na.png,\nb.png,anna\n", "t.csv:3: column 2 has no name and holds 'anna'"),
        ("sep=;\nimage;tattoo\na.png\n", "t.csv:3: has 1 column, the first line has 2"),
        ("image,tattoo\na.png,1,x\n", "t.csv:2: has 3 columns, the first line has 2"),
        ("tattoo;group\n1;2\n", "t.csv:1: there is no column 'image'"),
        ("image;tatoo\na.png;1\n", "unknown column 'tatoo'. Did you mean 'tattoo'?"),
        ("sep=,\n", "t.csv: is empty"),
        ("Liste 2024,\n\nimage,tattoo\na.png,1\n", "line 3 is, which names 'image'"),
        ("Bild;Tattoo\na.png;1\n", "the first line names the columns, with ',', ';' or a tab"),
        ("image|tattoo\na.png|1\n", "and has 'image|tattoo'"),
        ('image;tattoo\n"a.png;1\n', "is not CSV"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(text: str, said: str) -> None:
    _, problems, _ = read(text)
    assert any(said in problem for problem in problems), problems


def test_columns_may_have_spaces_where_their_names_have_lines() -> None:
    assert read("Image,Use Case,X_note\na.png,region,mine\n")[0] == [
        {"image": "a.png", "use_case": "region", "x_note": "mine"}
    ]


@pytest.mark.parametrize(
    "columns", [("Bemerkung",), ("Aufnahmedatum", "Ort"), ("filename", "age"), ("Körperstelle",)]
)
def test_columns_that_are_no_misspelt_ones_are_left_out_and_said(columns: tuple[str, ...]) -> None:
    text = ",".join(["image", "tattoo", *columns]) + "\na.png,1" + ",x" * len(columns) + "\n"
    found, problems, warnings = read(text)
    assert problems == ()
    assert {"image", "tattoo"} <= found[0].keys()
    (said,) = warnings
    assert f"not looked at: {', '.join(map(repr, columns))}; known are image, " in said


@pytest.mark.parametrize(
    ("column", "near"),
    [("token", "taken"), ("takes", "taken"), ("sites", "site"), ("skins", "skin")],
)
def test_what_may_be_meant_to_tell_results_apart_stops_nobody(column: str, near: str) -> None:
    _, problems, (said,) = read(f"image,{column}\na.png,1\n", (*COLUMNS, near))
    assert problems == ()
    assert f"not looked at: {column!r} (did you mean {near!r}?); known are image, " in said


@pytest.mark.parametrize("column", ["tattos", "Tatoo", "use-case", "usecase"])
def test_a_column_that_may_be_a_misspelt_one_is_refused(column: str) -> None:
    _, problems, _ = read(f"image,{column}\na.png,1\n")
    assert "Did you mean" in problems[0]


@pytest.mark.parametrize("sign", ["\x00", "\x07", "\x1b[31m", "\x7f"])
def test_cells_with_control_characters_are_refused(sign: str) -> None:
    found, problems, _ = read(f"image,tattoo\na.png,{sign}1\nb.png,2\n")
    assert found == [{"image": "b.png", "tattoo": "2"}]
    assert problems[0].startswith("t.csv:2: ")
    assert "has a control character in it" in problems[0]


@pytest.mark.parametrize(
    "column", ["filename", "Image_Path", "images", "Bild (Datei)", "Foto", "file name", "'image'"]
)
def test_the_column_that_may_name_the_files_is_told(column: str) -> None:
    _, problems, _ = read(f"{column},tattoo\na.png,1\n")
    assert f". If {column!r} does, call it 'image'" in problems[0]
