"""What a table of somebody's own says of the images of a run."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.data.records import Record
from harness.errors import UsageError
from harness.record.own_columns import labels_in

RECORDS = {
    "p1.jpg": Record("p1.jpg", Path("/set/a/images/p1.jpg"), tattoo="t1", subject="s1"),
    "g1.jpg": Record("g1.jpg", Path("/set/a/images/g1.jpg"), tattoo="t1", subject="s1"),
    "p2.jpg": Record("p2.jpg", Path("/set/b/images/p2.jpg"), tattoo="t2", subject="s2"),
    "bg.jpg": Record("bg.jpg", Path("/set/b/images/bg.jpg")),
}


def table(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_a_line_may_be_of_a_subject_a_tattoo_or_an_image(tmp_path: Path) -> None:
    by_subject = labels_in(table(tmp_path, "subject,sex", "s1,f", "s2,m", "s9,f"), "sex", RECORDS)
    assert by_subject == {"p1.jpg": "f", "g1.jpg": "f", "p2.jpg": "m"}
    by_tattoo = labels_in(table(tmp_path, "sex;tattoo", "m;t2", ";t1"), "sex", RECORDS)
    assert by_tattoo == {"p2.jpg": "m"}
    named = ["image,where", "p1.jpg,lab", "a/images/g1.jpg,field", "b\\images\\p2.jpg,field"]
    assert labels_in(table(tmp_path, *named), "where", RECORDS) == {
        "p1.jpg": "lab",
        "g1.jpg": "field",
        "p2.jpg": "field",
    }


def test_the_end_of_a_path_that_two_images_share_is_neither(tmp_path: Path) -> None:
    records = {
        name: Record(name, Path(f"/set/{name}/images/x.jpg"), subject=name) for name in ("a", "b")
    }
    lines = table(tmp_path, "image,sex", "images/x.jpg,f", "b/images/x.jpg,m")
    assert labels_in(lines, "sex", records) == {"b": "m"}


@pytest.mark.parametrize(
    ("lines", "column", "said"),
    [
        (["subject,sex", "s1,f"], "sexe", "no column 'sexe' beside 'subject'. Did you mean 'sex'?"),
        (["subject,sex", "s1,f"], "subject", "no column 'subject' beside 'subject'"),
        (["person,sex", "s1,f"], "sex", "no column says whose each line is; expected one of image"),
        (["subject,sex", "s1,f", "s2,m", "s1,m"], "sex", "people.csv:4: sex of 's1' is 'm'"),
        (["subject,sex", "s7,f"], "sex", "of none that the run judges, where one subject is 's1'"),
        (["subject,sex"], "sex", "of 0 subjects, and of none"),
        ([""], "sex", "is empty"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_with_what_it_has(
    tmp_path: Path, lines: list[str], column: str, said: str
) -> None:
    with pytest.raises(UsageError) as refused:
        labels_in(table(tmp_path, *lines), column, RECORDS)
    assert said in str(refused.value)


def test_a_table_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.csv"):
        labels_in(tmp_path / "none.csv", "sex", RECORDS)
