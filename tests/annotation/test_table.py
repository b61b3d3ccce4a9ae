"""The manifest under work: what is written is what the harness reads, and nothing else is lost."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.annotation.table import BadChange, ChangedElsewhere, Mark, Table
from harness.data.manifest import read_manifest
from harness.errors import DataError
from tests.data.sets import lines, picture


def mark(key: str = "k", **values: Any) -> Mark:
    return Mark(key=key, **values)


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
        assert getattr(record, column) == (" ".join(value.split()) or None)


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
        (mark(label="maybe"), "known: tattoo, non-tattoo"),
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

    monkeypatch.setattr("harness.annotation.table.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        table.change({"a.png": []})
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [m.tattoo for m in table.marks("a.png")] == ["t"]
    table.change({"a.png": []})
    assert read(path) == []
