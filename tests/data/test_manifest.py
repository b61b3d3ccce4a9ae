"""The CSV manifest: what its columns say, and every misspelling in one report."""

from __future__ import annotations

import csv
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.findings import Findings
from harness.data.paths import Root, canonical
from harness.data.readers import manifest
from harness.data.readers.layouts import open_dataset
from harness.data.readers.manifest import COLUMNS, read_manifest
from harness.data.records import Record
from harness.data.tables import seen
from harness.errors import DataError, UsageError
from harness.tasks.folds import check_named

from .sets import lines, picture


def test_every_column_reaches_its_field(tmp_path: Path) -> None:
    cells = {
        "image": "in/a b.png",
        "tattoo": "t",
        "subject": "s",
        "group": "g",
        "source": "c",
        "style": "tribal",
        "media": "sketch",
        "role": "probe",
        "fold": "2",
        "box": "-1 0 30 40",
        "label": "tattoo",
        "skin": "fitzpatrick-4",
        "taken": "2019-04",
        "site": "upper arm",
        "quality": "0.75",
        "tags": "rose dagger  skull",
        "mask": "m.png",
        "clean": "clean/é.png",
        "use_case": "mixed_media",
    }
    path = lines(
        tmp_path / "set.csv",
        [
            ",".join((*COLUMNS, "x_note")),
            ",".join((*(cells.get(column, "") for column in COLUMNS), "whatever")),
        ],
    )
    data = read_manifest(path)
    assert data.problems == ()
    assert (data.name, data.layout, data.root, data.folds) == ("set.csv", "csv", tmp_path, ())
    assert data.records["in/a b.png"] == Record(
        name="in/a b.png",
        path=tmp_path / "in" / "a b.png",
        tattoo="t",
        subject="s",
        group="g",
        source="c",
        style="tribal",
        media="sketch",
        role="probe",
        fold="2",
        box=(-1, 0, 30, 40),
        label="tattoo",
        skin="fitzpatrick-4",
        taken="2019-04",
        site="upper arm",
        quality=0.75,
        tags=("rose", "dagger", "skull"),
        mask=tmp_path / "m.png",
        clean=tmp_path / "clean" / "é.png",
    )


def test_a_date_that_is_none_is_left_out_and_said_with_its_line(tmp_path: Path) -> None:
    dates = ["2024-02-29", "2024-02", "2024", "", "2023-02-29", "29.02.2024", "2024-02-29 10:00"]
    table = ["image,taken", *(f"{k}.png,{text}" for k, text in enumerate(dates))]
    data = read_manifest(lines(tmp_path / "set.csv", table))
    assert [record.taken for record in data.records.values()] == [*dates[:3], *[None] * 4]
    said = [one for one in data.findings if one.code == "unreadable-dates"]
    assert [one.severity for one in said] == ["warning"] * 3
    assert said[0].text == (
        "set.csv:6: taken '2023-02-29' is not read; a date is 2024-05-17, 2024-05 or 2024"
    )


def test_a_quality_that_is_no_share_is_left_out_and_said_with_its_line(tmp_path: Path) -> None:
    given = ["0", "1", "0.25", "", "good", "1.01", "-0.1", "nan"]
    table = ["image,quality", *(f"{k}.png,{text}" for k, text in enumerate(given))]
    data = read_manifest(lines(tmp_path / "set.csv", table))
    assert [record.quality for record in data.records.values()] == [0, 1, 0.25, *[None] * 5]
    said = [one for one in data.findings if one.code == "unreadable-qualities"]
    assert [one.severity for one in said] == ["warning"] * 4
    assert said[0].text == (
        "set.csv:6: quality 'good' is not read; it is a number from 0 (worst) to 1 (best)"
    )


def test_empty_cells_and_missing_columns_mean_not_known(tmp_path: Path) -> None:
    path = lines(tmp_path / "m.csv", ["tattoo,image,tags", " , a.png , "])
    assert read_manifest(path).records == {"a.png": Record("a.png", tmp_path / "a.png")}


def test_every_column_is_in_the_table_of_the_docstring() -> None:
    assert manifest.__doc__ is not None
    for column in COLUMNS:
        assert f"\n``{column}``" in manifest.__doc__


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_quotes_blank_lines_byte_order_mark_and_line_ends_are_those_of_spreadsheets(
    tmp_path: Path, end: str
) -> None:
    content = ["image,tattoo", "", '"a, ""b"".png",1', ",", "c.png,2"]
    path = lines(tmp_path / "m.csv", content, end=end, mark=b"\xef\xbb\xbf")
    data = read_manifest(path)
    assert data.problems == ()
    assert list(data.records) == ['a, "b".png', "c.png"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (["image,tatoo", "a.png,1"], "m.csv:1: unknown column 'tatoo'. Did you mean 'tattoo'?"),
        (["image,", "a.png,anna"], "m.csv:2: column 2 has no name and holds 'anna'"),
        (["image,tattoo,tattoo", "a.png,1,2"], "m.csv:1: column 'tattoo' stands there 2 times"),
        (["picture,tattoo", "a.png,1"], "m.csv:1: there is no column 'image'"),
        (["image:tattoo", "a.png:1"], "m.csv:1: there is no column 'image', which names the file"),
        ([], "m.csv: is empty"),
        (["image"], "m.csv: describes no image"),
        (["image,tattoo", "a.png"], "m.csv:2: has 1 column, the first line has 2"),
        (["image,tattoo", "a.png,1,2"], "m.csv:2: has 3 columns, the first line has 2"),
        (["image,tattoo", ",1"], "m.csv:2: image '' is empty"),
        (["image", "a.png", "./a.png"], "m.csv:3: 'a.png' is already at m.csv:2"),
        (["image,role", "a.png,gallery"], "m.csv:2: unknown role 'gallery'; known: probe, "),
        (["image,media", "a.png,foto"], "Did you mean 'photo'?"),
        (["image,label", "a.png,Tatoo"], "m.csv:2: unknown label 'tatoo'"),
        (["image,box", "a.png,1 2 3"], "m.csv:2: box '1 2 3' is not 'x1 y1 x2 y2'"),
        (["image,box", "a.png,1 2 1 4"], "m.csv:2: box '1 2 1 4' is not"),
        (["image,box", "a.png,1 2 3.5 4"], "m.csv:2: box '1 2 3.5 4' is not"),
        (["image", "../a.png"], "m.csv:2: image '../a.png' climbs out"),
        (["image", "/a.png"], "m.csv:2: image '/a.png' is an absolute path"),
        (["image", "a|b.png"], "contains '|'"),
        (["image,clean", "a.png,/b.png"], "m.csv:2: clean '/b.png' is an absolute path"),
        (["image", '"a.png'], "is not CSV"),
    ],
)
def test_a_fault_is_reported_with_its_line(tmp_path: Path, content: list[str], said: str) -> None:
    problems = read_manifest(lines(tmp_path / "m.csv", content)).problems
    assert said in "\n".join(problems)
    assert len(problems) <= 2


def test_a_fault_after_a_cell_of_two_lines_has_the_line_of_the_file(tmp_path: Path) -> None:
    path = lines(tmp_path / "m.csv", ["image,tattoo,role", 'a.png,"two', 'lines",', "b.png,,x"])
    assert read_manifest(path).problems[0].startswith("m.csv:4: unknown role 'x'")


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("form", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-8"])
def test_unicode_is_read_in_every_form_without_a_word(tmp_path: Path, form: str, end: str) -> None:
    picture(tmp_path / "Schädel.png")
    text = f"Image;Tattoo{end}Schädel.png;Müller{end}"
    (tmp_path / "m.csv").write_bytes(text.encode(form))
    data = read_manifest(tmp_path / "m.csv")
    assert data.findings == ()
    assert data.records["Schädel.png"].tattoo == "Müller"


@pytest.mark.parametrize("name", ["Schädel.png", "Öl/é.png", "Straße.png"])
@pytest.mark.parametrize(("form", "called"), [("cp1252", "Windows-1252"), ("mac_roman", "Mac")])
def test_the_alphabet_of_a_spreadsheet_is_told_by_the_files_that_it_names(
    tmp_path: Path, form: str, called: str, name: str
) -> None:
    picture(tmp_path / name)
    (tmp_path / "m.csv").write_bytes(f"image;tattoo\n{name};Jürgen\n".encode(form))
    data = read_manifest(tmp_path / "m.csv")
    assert data.problems == ()
    assert data.records[name].tattoo == "Jürgen"
    (said,) = data.warnings
    assert "m.csv:2: is not UTF-8 text, and is read as " + called in said
    assert "'CSV UTF-8'" in said


@pytest.mark.parametrize("tattoo", ["Müller", "Größe", "cœur", "señal"])
def test_where_no_name_of_a_file_tells_the_alphabet_it_is_that_of_windows(
    tmp_path: Path, tattoo: str
) -> None:
    (tmp_path / "m.csv").write_bytes(f"image,tattoo\na.png,{tattoo}\n".encode("cp1252"))
    data = read_manifest(tmp_path / "m.csv")
    assert data.records["a.png"].tattoo == tattoo
    assert tattoo in data.warnings[0]


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"image,tattoo\na.png,M\xc3\xbcller\nb.png,M\xfcller\n", "m.csv:3: is not UTF-8 text"),
        (b"\xff\xfei\0m\0a\0g\0e", "m.csv: is damaged UTF-16"),
        (b"\xff\xfei\0m\0a\0g\0e\0\n\0\x00\xd8", "m.csv: is damaged UTF-16"),
        (b"image\na\x81\x8d.png\n", "m.csv:2: is not UTF-8 text"),
    ],
)
def test_text_that_is_put_together_or_damaged_is_refused(
    tmp_path: Path, raw: bytes, said: str
) -> None:
    (tmp_path / "m.csv").write_bytes(raw)
    (problem,) = read_manifest(tmp_path / "m.csv").problems
    assert re.search(said, problem)


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    outside = picture(tmp_path / "outside.png")
    path = lines(tmp_path / "set" / "m.csv", ["image", "a.png"])
    (tmp_path / "set" / "a.png").symlink_to(outside)
    assert "through a symbolic link" in read_manifest(path).problems[0]


def test_one_use_case_is_read_without_the_lines_of_others(tmp_path: Path) -> None:
    content = ["image,use_case,role", "a.png,one,probe", "b.png,two,nonsense", "c.png,,probe"]
    path = lines(tmp_path / "m.csv", [*content, "d.png,background,background"])
    data = read_manifest(path, use_case="one")
    assert data.problems == ()
    assert list(data.records) == ["a.png", "c.png", "d.png"]
    assert list(read_manifest(path, use_case="one", background=False).records) == ["a.png", "c.png"]
    assert len(read_manifest(path).records) == 4
    with pytest.raises(UsageError, match=r"no line of use case 'onne'.*Did you mean 'one'"):
        read_manifest(path, use_case="onne")


def test_a_manifest_without_use_cases_is_read_for_any(tmp_path: Path) -> None:
    path = lines(tmp_path / "m.csv", ["image", "a.png"])
    assert list(read_manifest(path, use_case="mixed_media").records) == ["a.png"]


@settings(max_examples=200, deadline=None)
@given(
    name=st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=30),
    tattoo=st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=10),
)
def test_any_name_is_either_a_record_inside_the_root_or_a_problem(
    tmp_path_factory: pytest.TempPathFactory, name: str, tattoo: str
) -> None:
    path = tmp_path_factory.getbasetemp() / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerows([("image", "tattoo"), (name, tattoo)])
    data = read_manifest(path)
    if data.problems:
        assert not data.records
        return
    (record,) = data.records.values()
    assert record.name == canonical(seen(name))
    assert record.path.resolve().is_relative_to(path.parent.resolve())
    assert record.tattoo == (seen(tattoo) or None)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_reported(
    tmp_path_factory: pytest.TempPathFactory, raw: bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "bytes.csv"
    path.write_bytes(b"image,tattoo\n" + raw)
    findings = Findings()
    rows = list(manifest.read_rows(path, Root(path.parent), path.name, findings))
    assert all(row.record.name for row in rows)


def test_lines_of_one_image_have_names_of_their_own_and_share_its_source(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "m.csv",
        [
            "image,name,tattoo,box,source",
            "a.png,,t,0 0 4 4,",
            "a.png,a.png#2,u,2 2 6 6,",
            "b.png,,v,,",
        ],
    )
    data = read_manifest(path)
    assert data.problems == ()
    assert [(r.name, r.path.name, r.source) for r in data.records.values()] == [
        ("a.png", "a.png", "a.png"),
        ("a.png#2", "a.png", "a.png"),
        ("b.png", "b.png", None),
    ]


def test_a_name_must_be_one_that_lists_can_carry_but_then_its_file_need_not(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "m.csv",
        ["image,name", "a|b.png,a%7Cb.png", '"two\nlines.png",two', "c.png,c|d", "e|f.png,"],
    )
    data = read_manifest(path)
    assert [(r.name, r.path.name) for r in data.records.values()] == [
        ("a%7Cb.png", "a|b.png"),
        ("two", "two\nlines.png"),
    ]
    assert len(data.problems) == 2
    assert "'c|d'" in data.problems[0]
    assert "'e|f.png'" in data.problems[1]


@pytest.mark.parametrize(
    ("written", "path"),
    [
        ("in\\deep\\a b.png", "in/deep/a b.png"),
        ("IN/Deep/A B.PNG", "in/deep/a b.png"),
        ("In\\DEEP\\a b.png", "in/deep/a b.png"),
    ],
)
def test_names_of_other_machines_are_read_as_they_are_here(
    tmp_path: Path, written: str, path: str
) -> None:
    picture(tmp_path / path)
    data = read_manifest(lines(tmp_path / "m.csv", ["image,mask", f"{written},{written}"]))
    assert data.problems == ()
    (record,) = data.records.values()
    assert (record.name, record.path, record.mask) == (path, tmp_path / path, tmp_path / path)
    same_case = written.replace("\\", "/") == path
    assert [one.code for one in data.findings] == (
        [] if same_case else ["names-in-other-letter-case"]
    )


def test_a_name_that_two_files_could_have_is_none_of_them(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    picture(tmp_path / "A.png")
    if len(list(tmp_path.glob("*.png"))) < 2:
        pytest.skip("this file system takes both for one name")
    data = read_manifest(lines(tmp_path / "m.csv", ["image", "a.PNG"]))
    assert list(data.records) == ["a.PNG"]
    assert not data.records["a.PNG"].path.exists()


def test_one_file_in_two_spellings_is_one_image(tmp_path: Path) -> None:
    picture(tmp_path / "in" / "a.png")
    content = ["image,tattoo", "in/a.png,1", "in\\A.png,2"]
    (problem,) = read_manifest(lines(tmp_path / "m.csv", content)).problems
    assert problem.startswith("m.csv:3: 'in/a.png' is already at m.csv:2")


@pytest.mark.parametrize(
    ("column", "written", "value"),
    [
        ("role", "Probe", "probe"),
        ("role", "REFERENCE", "reference"),
        ("media", "Scanned Print", "scanned-print"),
        ("media", "computer_graphic", "computer-graphic"),
        ("label", "Non-Tattoo", "non-tattoo"),
        ("label", "non tattoo", "non-tattoo"),
    ],
)
def test_words_that_are_chosen_from_a_list_may_be_written_in_capitals(
    tmp_path: Path, column: str, written: str, value: str
) -> None:
    data = read_manifest(lines(tmp_path / "m.csv", [f"image,{column}", f"a.png,{written}"]))
    assert data.problems == ()
    assert getattr(data.records["a.png"], column) == value


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("Bl%C3%BCte%201.png", "is written without codes for letters"),
        ("ordner%2FBl%C3%BCte 1.png", "is written without codes for letters"),
        ("Blüte\u00a01.png", "has other spaces"),
        ("ORDNER/Blüte  1.png", "has other spaces"),
    ],
)
def test_codes_and_spaces_of_programs_lead_to_the_file_and_are_said(
    tmp_path: Path, written: str, why: str
) -> None:
    folder = "ordner/" if "rdner" in written.casefold() else ""
    picture(tmp_path / f"{folder}Blüte 1.png")
    data = open_dataset(lines(tmp_path / "m.csv", ["image,tattoo", f"{written},a"]))
    assert data.problems == ()
    assert list(data.records) == [f"{folder}Blüte 1.png"]
    (said,) = data.warnings
    assert said.endswith(f"is read as '{folder}Blüte 1.png', which {why}")


def test_accents_written_in_two_ways_are_not_worth_a_word(tmp_path: Path) -> None:
    picture(tmp_path / unicodedata.normalize("NFD", "Blüte.png"))
    data = open_dataset(lines(tmp_path / "m.csv", ["image,tattoo", "Blüte.png,a"]))
    assert data.findings == ()


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("C:\\Users\\anna\\Fotos\\t1\\a.png", "; write 'Fotos/t1/a.png'"),
        ("/Users/anna/Fotos/t1/a.png", "; write 'Fotos/t1/a.png'"),
        ("\\\\nas\\share\\fotos\\T1\\A.PNG", "; write 'Fotos/t1/a.png'"),
        ("../x/Fotos/t1/a.png", "; write 'Fotos/t1/a.png'"),
        ("file:///Users/anna/Fotos/t1/a.png", "; there is 'Fotos/t1/a.png'"),
        ("Fotos/t1/a", "; there is 'a.png' in its folder"),
        ("Fotos/t1/a.jpeg", "; there is 'a.png' in its folder"),
        ("t1/a.png", "; there is 'Fotos/t1/a.png'"),
        ("alt/Fotos/t1/a.png", "; there is 'Fotos/t1/a.png'"),
    ],
)
def test_a_path_of_another_machine_is_refused_with_the_file_that_it_may_mean(
    tmp_path: Path, written: str, hint: str
) -> None:
    picture(tmp_path / "Fotos" / "t1" / "a.png")
    data = open_dataset(lines(tmp_path / "m.csv", ["image,tattoo", f"{written},a"]))
    (problem,) = data.problems
    assert problem.endswith(hint)


def test_a_picture_without_an_identity_is_named_with_its_line(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        picture(tmp_path / f"{name}.png")
    data = open_dataset(
        lines(tmp_path / "manifest.csv", ["image,tattoo", "a.png,t1", "b.png,", "c.png,t1"])
    )
    with pytest.raises(
        DataError, match=r"1 of 3 pictures have no 'tattoo'.*'b.png' \(manifest.csv:3\)"
    ):
        check_named(data, "tattoo")
    assert data.name == tmp_path.name


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["in/c.png"], "1 picture is beside those that the list names, in no line, and not read"),
        (["in/c.JPG", "in/c (1).webp", "in/IMG_1.HEIC", "in/d.tif"], "4 pictures are beside those"),
        (["in/a.jpg", "b.png"], "2 pictures are beside those that the list names"),
    ],
)
def test_pictures_beside_those_of_the_list_are_not_left_out_in_silence(
    tmp_path: Path, names: list[str], said: str
) -> None:
    for name in ("a.png", "in/a.png", *names):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        picture(tmp_path / "x.png").rename(tmp_path / name)
    path = lines(tmp_path / "m.csv", ["image,tattoo", "a.png,t1", "in/a.png,t1"])
    (one,) = read_manifest(path).findings
    assert one.code == "pictures-that-no-line-names"
    assert one.text.startswith(said)
    assert repr(sorted(names)[-1]) in one.text or len(names) > 3


def test_masks_lines_of_other_use_cases_and_other_folders_are_not_left_out(tmp_path: Path) -> None:
    for name in ("a.png", "b.png", "m.png", "c.png", "other/x.png", ".hidden.png"):
        picture(tmp_path / name)
    rows = ["image,mask,clean,use_case", "a.png,m.png,c.png,one", "b.png,,,two"]
    path = lines(tmp_path / "m.csv", rows)
    (tmp_path / "notes.txt").write_text("no picture")
    assert read_manifest(path, use_case="one").findings == ()
