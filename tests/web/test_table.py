"""The manifest under work: what is written is what the harness reads, and nothing else is lost."""

from __future__ import annotations

import csv
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.readers.manifest import COLUMNS, WORDS, read_manifest
from harness.data.tables import seen
from harness.errors import DataError
from harness.web.table import EDITED, BadChange, ChangedElsewhere, Mark, Table, discard_parts
from tests.data.sets import lines, picture


def mark(key: str = "k", name: str = "", box: Any = None, **cells: str) -> Mark:
    return Mark(key, name, box, cells)


def cells(table: Table, image: str, column: str) -> list[str]:
    return [m.cells.get(column, "") for m in table.marks(image)]


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_two_boxes_of_one_image_are_two_records_of_one_source(tmp_path: Path) -> None:
    picture(tmp_path / "arm.png")
    table = Table(tmp_path / "manifest.csv")
    names = table.change(
        {
            "arm.png": [
                mark("a", box=(0, 0, 3, 4), tattoo="rose", tags="rose  thorn", label="tattoo"),
                mark("b", box=(4, 1, 8, 6), tattoo="skull", style="tribal", group="skulls"),
            ]
        }
    )
    assert names == {"a": "arm.png", "b": "arm.png#2"}
    data = read_manifest(tmp_path / "manifest.csv")
    assert data.problems == ()
    assert data.warnings == ()
    first, second = data.records.values()
    assert (first.name, first.box, first.tattoo, first.tags) == (
        *("arm.png", (0, 0, 3, 4), "rose"),
        ("rose", "thorn"),
    )
    assert (second.name, second.box, second.style) == ("arm.png#2", (4, 1, 8, 6), "tribal")
    assert first.path == second.path == tmp_path / "arm.png"
    assert first.source == second.source == "arm.png"


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert('1')<!--.png",
        'say "cheese", please.png',
        "two\nlines.png",
        "carriage\rreturn.png",
        "bar|bar.png",
        "Zoë 刺青 🦋.png",
        "per%7Ccent.png",
        "=cmd().png",
        "deep/er/a.png",
    ],
)
def test_every_file_name_comes_back_from_the_manifest(tmp_path: Path, name: str) -> None:
    file = picture(tmp_path / name)
    table = Table(tmp_path / "manifest.csv")
    table.change({name: [mark("a", box=(0, 0, 2, 2)), mark("b", box=(1, 1, 3, 3))]})
    data = read_manifest(tmp_path / "manifest.csv")
    assert data.problems == ()
    assert {record.path for record in data.records.values()} == {file}
    assert len(data.records) == 2
    assert [len(Table(tmp_path / "manifest.csv").marks(name))] == [2]


TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=20)


@settings(max_examples=60, deadline=None)
@given(values=st.fixed_dictionaries(dict.fromkeys(("tattoo", "subject", "group", "style"), TEXT)))
def test_any_text_comes_back_but_for_space_around_it(
    tmp_path_factory: pytest.TempPathFactory, values: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("any")
    Table(folder / "manifest.csv").change({"a.png": [mark(box=(0, 0, 1, 1), **values)]})
    record = read_manifest(folder / "manifest.csv").records["a.png"]
    for column, value in values.items():
        assert getattr(record, column) == (" ".join(seen(value).split()) or None)


def test_columns_that_are_not_edited_stay_with_their_line(tmp_path: Path) -> None:
    path = lines(
        tmp_path / "manifest.csv",
        ["x_note,image,source,tattoo,role", "mine,a.png,s1,old,probe", "yours,b.png,s2,,"],
    )
    table = Table(path)
    (was,) = table.marks("a.png")
    table.change({"a.png": [mark("k", name=was.name, tattoo="new", box=(0, 0, 5, 5))]})
    assert read(path) == [
        {
            "x_note": "mine",
            "image": "a.png",
            "source": "s1",
            "tattoo": "new",
            "role": "probe",
            "box": "0 0 5 5",
        },
        {
            "x_note": "yours",
            "image": "b.png",
            "source": "s2",
            "tattoo": "",
            "role": "",
            "box": "",
        },
    ]


def test_two_boxes_that_were_once_called_alike_are_told_apart_when_both_come_back(
    tmp_path: Path,
) -> None:
    """The second was drawn after the first was taken back, and so got its name."""
    picture(tmp_path / "arm.png")
    table = Table(tmp_path / "manifest.csv")
    first, second = (0, 0, 3, 4), (4, 1, 8, 6)
    assert table.change({"arm.png": [mark("a", box=first)]}) == {"a": "arm.png"}
    both = [mark("a", "arm.png", box=first), mark("b", "arm.png", box=second)]
    assert table.change({"arm.png": [mark("b", box=second)]})["b"] in ("arm.png", "arm.png#2")
    assert table.change({"arm.png": both}) == {"a": "arm.png", "b": "arm.png#2"}
    assert [line["box"] for line in read(tmp_path / "manifest.csv")] == ["0 0 3 4", "4 1 8 6"]


def test_deleting_the_last_box_keeps_what_else_is_known_and_undo_brings_all_back(
    tmp_path: Path,
) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,source,box,tattoo", "a.png,s1,0 0 5 5,t"])
    table = Table(path)
    before = path.read_bytes()
    marks = table.marks("a.png")
    table.change({"a.png": []})
    assert read(path) == [{"image": "a.png", "source": "s1", "box": "", "tattoo": ""}]
    table.change({"a.png": marks})
    assert path.read_bytes() == before


def test_deleting_what_is_left_of_a_picture_takes_it_out(tmp_path: Path) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,media,tattoo", "a.png,photo,t", "b.png,,u"])
    table = Table(path)
    table.change({"a.png": []})
    assert [line["image"] for line in read(path)] == ["a.png", "b.png"]
    table.change({"a.png": []})
    assert [line["image"] for line in read(path)] == ["b.png"]


def test_a_new_box_does_not_take_the_name_of_a_deleted_line_that_may_come_back(
    tmp_path: Path,
) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,name,source", "a.png,,s1", "a.png,n2,s2"])
    table = Table(path)
    first, second = table.marks("a.png")
    table.change({"a.png": [second]})
    names = table.change({"a.png": [second, mark("new", box=(0, 0, 1, 1))]})
    assert names["new"] == "a.png#2"
    table.change({"a.png": [first, second]})
    assert [line["source"] for line in read(path)] == ["s1", "s2"]


def test_deleting_the_only_box_of_a_new_image_takes_it_out(tmp_path: Path) -> None:
    table = Table(tmp_path / "manifest.csv")
    table.change({"a.png": [mark(box=(0, 0, 1, 1))]})
    table.change({"a.png": []})
    assert read(tmp_path / "manifest.csv") == []
    assert table.images == []


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (mark(box=(3, 0, 3, 5)), "x1 < x2"),
        (mark(box=(0, 0, 10**9, 5)), "x1 < x2"),
        (mark(tattoo="a\x00b"), "control character"),
        (mark(tattoo="\ud800"), "broken Unicode"),
        (mark(style="x" * 1001), "1,001 characters"),
        (mark(media="fresco"), "unknown media 'fresco'; known: photo"),
        (mark(role="suspect"), "unknown role"),
        (mark(text_score="high"), "not a finite number"),
        (mark(tags='["rose"'), "is no tag"),
        (mark(mask="m.png"), "no column 'mask' to fill in"),
        (mark(x_own="new"), "no column 'x_own' to fill in"),
        (mark(label="maybe"), "unknown label 'maybe'; known: tattoo, non-tattoo"),
        (mark(name="nobody"), "no line called 'nobody'"),
    ],
)
def test_a_bad_change_is_refused_and_nothing_is_written(
    tmp_path: Path, bad: Mark, said: str
) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,tattoo", "a.png,t"])
    before = path.read_bytes()
    table = Table(path)
    with pytest.raises(BadChange, match=said):
        table.change({"b.png": [mark("fine", tattoo="x")], "a.png": [bad]})
    assert path.read_bytes() == before
    assert table.marks("b.png") == []


def test_two_lines_of_one_name_are_refused(tmp_path: Path) -> None:
    table = Table(lines(tmp_path / "manifest.csv", ["image,tattoo", "a.png,t"]))
    (known,) = table.marks("a.png")
    with pytest.raises(BadChange, match="two lines"):
        table.change({"a.png": [known, known]})


def test_a_manifest_changed_by_another_program_is_not_written_over(tmp_path: Path) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,tattoo", "a.png,t"])
    table = Table(path)
    path.write_text("image,tattoo\na.png,edited elsewhere\n")
    with pytest.raises(ChangedElsewhere, match="another program"):
        table.change({"a.png": []})
    assert "edited elsewhere" in path.read_text()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (["image,tatoo", "a.png,t"], "unknown column 'tatoo'"),
        (["image,box", "a.png,1 2 3"], "malformed|is not 'x1 y1 x2 y2'"),
        (["image,tattoo", "a.png,t", "a.png,u"], "already at manifest.csv:2"),
        (["image,tattoo", "../a.png,t"], "climbs out"),
    ],
)
def test_a_manifest_that_cannot_be_read_faithfully_is_not_touched(
    tmp_path: Path, content: list[str], said: str
) -> None:
    path = lines(tmp_path / "manifest.csv", content)
    with pytest.raises(DataError, match=said):
        Table(path)


def test_a_write_that_fails_leaves_the_old_manifest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,tattoo", "a.png,t"])
    before, table = path.read_bytes(), Table(path)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("harness.web.table.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        table.change({"a.png": []})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert cells(table, "a.png", "tattoo") == ["t"]
    table.change({"a.png": []})
    assert read(path) == []


def test_a_page_can_fill_in_every_column_that_is_no_file(tmp_path: Path) -> None:
    """So that a column which the manifest learns is on the page, too."""
    picture(tmp_path / "a.png")
    assert {*EDITED, "image", "name", "box", "mask", "clean"} == set(COLUMNS)
    values = {
        **dict.fromkeys(EDITED, "x"),
        **{column: words[0] for column, words in WORDS.items()},
        "text_score": "0.5",
        "taken": "2024-05",
    }
    Table(tmp_path / "manifest.csv").change({"a.png": [mark(**values)]})
    data = read_manifest(tmp_path / "manifest.csv")
    assert data.problems == ()
    (found,) = read(tmp_path / "manifest.csv")
    assert {column: found[column] for column in EDITED} == values


def test_columns_of_a_person_s_own_are_kept_and_can_be_filled_in(tmp_path: Path) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,x_taken on,tattoo", "a.png,2026-02-01,t"])
    table = Table(path)
    assert "x_taken_on" in table.columns
    table.change({"b.png": [mark(x_taken_on="2026-03-01", tattoo="t")]})
    assert [line["x_taken_on"] for line in read(path)] == ["2026-02-01", "2026-03-01"]


@pytest.mark.parametrize(
    ("content", "mark_of_order"),
    [
        ("image;tattoo;tags\nä.png;t,1;rose\nb.png;u;\n", b""),
        ("image\ttattoo\ttags\r\nä.png\tt,1\trose\r\nb.png\tu\t\r\n", b""),
        ('sep=;\nImage;Tattoo;TAGS\nä.png;"t,1";rose\n\nb.png;u;\n', b"\xef\xbb\xbf"),
        (' image , tattoo , tags \nä.png,"t,1",rose\n,,\nb.png,u,\n', b"\xef\xbb\xbf"),
    ],
)
def test_a_spreadsheet_s_manifest_stays_one_that_the_spreadsheet_opens(
    tmp_path: Path, content: str, mark_of_order: bytes
) -> None:
    for name in ("ä.png", "b.png", "c.png"):
        picture(tmp_path / name)
    path = tmp_path / "manifest.csv"
    path.write_bytes(mark_of_order + content.encode())
    table = Table(path)
    assert cells(table, "ä.png", "tattoo") == ["t,1"]
    table.change({"c.png": [mark(tattoo="v;w", box=(0, 0, 2, 2))]})
    data = read_manifest(path)
    assert data.problems == ()
    assert [r.tattoo for r in data.records.values()] == ["t,1", "u", "v;w"]
    raw = path.read_bytes()
    assert raw.startswith(mark_of_order + b"image")
    for separator in (b";", b"\t"):
        if separator in content.encode().splitlines()[-1]:
            assert raw.count(separator) >= 9


@pytest.mark.parametrize(
    ("old", "typed", "read_as"),
    [
        ("rose skull", "sea horse, ship", [("rose", "skull"), ("sea_horse", "ship")]),
        ("sea horse; rose", "ship anchor", [("sea_horse", "rose"), ("ship", "anchor")]),
        ("['sea horse', 'rose']", "a|b c", [("sea_horse", "rose"), ("a", "b_c")]),
        (
            r"rose_\(flower\) ship",
            "rock&amp;roll anchor",
            [("rose_(flower)", "ship"), ("rock&roll", "anchor")],
        ),
    ],
)
def test_tags_typed_in_one_line_change_those_of_no_other(
    tmp_path: Path, old: str, typed: str, read_as: list[tuple[str, ...]]
) -> None:
    path = tmp_path / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "tags"), ("a.png", old)])
    before = read_manifest(path).records["a.png"].tags
    table = Table(path)
    table.change({"b.png": [mark(tags=typed)]})
    tags = [record.tags for record in read_manifest(path).records.values()]
    assert tags == read_as
    assert tags[0] == before


@pytest.mark.parametrize("planted", ["link", "link to nothing", "folder"])
def test_what_a_stranger_put_beside_the_manifest_is_not_written_through(
    tmp_path: Path, planted: str
) -> None:
    folder, secret = tmp_path / "set", tmp_path / "secret.txt"
    folder.mkdir()
    secret.write_text("mine")
    for name in (".manifest.csv.part", f".manifest-{0:016x}.part", ".manifest-0.part"):
        if planted == "folder":
            (folder / name).mkdir()
        else:
            (folder / name).symlink_to(secret if planted == "link" else tmp_path / "nothing")
    discard_parts(folder)
    Table(folder / "manifest.csv").change({"a.png": [mark(tattoo="t")]})
    assert secret.read_text() == "mine"
    assert not (tmp_path / "nothing").exists()
    assert len(read(folder / "manifest.csv")) == 1


def test_what_a_kill_left_is_taken_away_and_permissions_stay(tmp_path: Path) -> None:
    path = lines(tmp_path / "manifest.csv", ["image,tattoo", "a.png,t"])
    path.chmod(0o640)
    (tmp_path / ".manifest-0123.part").write_bytes(b"image,tat")
    discard_parts(tmp_path)
    Table(path).change({"a.png": [mark(name="a.png", tattoo="u")]})
    assert [one.name for one in tmp_path.iterdir()] == ["manifest.csv"]
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_pipe_or_folder_in_the_place_of_the_manifest_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "manifest.csv")
    with pytest.raises(DataError, match="no such file"):
        Table(tmp_path / "manifest.csv")
    (tmp_path / "in" / "manifest.csv").mkdir(parents=True)
    with pytest.raises(DataError, match="no such file"):
        Table(tmp_path / "in" / "manifest.csv")


@pytest.mark.parametrize("box", ["[10.0, 5.0, 50.0, 35.0]", "10,5,50,35", "(10; 5; 50; 35)"])
def test_a_box_in_another_usual_writing_is_kept_and_written_as_ours(
    tmp_path: Path, box: str
) -> None:
    for name in ("a.png", "b.png"):
        picture(tmp_path / name)
    path = tmp_path / "manifest.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("image", "box"), ("a.png", box)])
    table = Table(path)
    assert table.marks("a.png")[0].box == (10, 5, 50, 35)
    table.change({"b.png": [mark(tattoo="t")]})
    assert [line["box"] for line in read(path)] == ["10 5 50 35", ""]
