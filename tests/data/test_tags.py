"""Tags are what taggers and people mean by a cell, whatever stands between them."""

from __future__ import annotations

import pytest

from harness.data.findings import Findings
from harness.data.tags import read_tags


def read(*cells: str) -> tuple[list[tuple[str, ...]], Findings]:
    findings = Findings()
    return read_tags([(cell, f"t.csv:{n}") for n, cell in enumerate(cells, 2)], findings), findings


@pytest.mark.parametrize(
    "cell",
    [
        "sea horse, anchor, red rose",
        "sea horse;anchor;red rose;",
        " sea  horse | anchor|red rose",
        "sea horse，anchor、red rose",
        "['sea horse', 'anchor', 'red rose']",
        '["sea horse", "anchor", "red rose"]',
        "('sea horse', 'anchor', 'red rose',)",
        '"sea horse", "anchor", "red rose"',
        "sea_horse anchor red_rose",
        "sea horse, anchor, (red rose:1.3), anchor",
    ],
)
def test_the_same_three_tags_in_every_writing(cell: str) -> None:
    found, findings = read(cell)
    assert found == [("sea_horse", "anchor", "red_rose")]
    assert findings.problems == ()
    codes = [one.code for one in findings.all]
    assert codes == ([] if "_" in cell else ["tags-of-several-words"])


def test_one_separator_serves_the_whole_column() -> None:
    found, findings = read("rose, skull", "sea horse", "")
    assert found == [("rose", "skull"), ("sea_horse",), ()]
    assert "'sea horse' is 'sea_horse'" in findings.warnings[0]
    assert read("rose skull", "sea horse")[0] == [("rose", "skull"), ("sea", "horse")]


def test_what_programs_escape_is_read_as_it_was_meant() -> None:
    found, _ = read(r"rose \(flower\), ship &amp; anchor, mother&#39;s name")
    assert found == [("rose_(flower)", "ship_&_anchor", "mother's_name")]


@pytest.mark.parametrize(
    "cell", ["[rose, skull", "rose, {skull}", "rose; <b>skull</b>", "'rose, x"]
)
def test_brackets_and_quotation_marks_that_are_left_are_problems(cell: str) -> None:
    _, findings = read(cell)
    assert all("is no tag: write tags with ',' or ';'" in said for said in findings.problems)
    assert findings.problems


def test_tags_that_differ_in_capitals_alone_are_said() -> None:
    _, findings = read("Rose skull", "rose")
    assert findings.warnings == (
        "t.csv: 'Rose' and 'rose' are different tags, although only capitals differ",
    )


@pytest.mark.parametrize(
    "cell", ["rose: 0.98, skull: 0.5", "rose:.7", "rose + skull", "rose - skull"]
)
def test_scores_behind_tags_and_signs_between_them_are_problems(cell: str) -> None:
    findings = Findings()
    read_tags([(cell, "t.csv:2")], findings)
    assert findings.problems


@pytest.mark.parametrize("word", ["nan", "None", "unknown", "#N/A", "unbekannt"])
def test_words_for_not_known_among_tags_are_said(word: str) -> None:
    findings = Findings()
    read_tags([("rose, skull", "t.csv:2"), (word, "t.csv:3")], findings)
    (said,) = findings.warnings
    assert said.startswith(f"t.csv: {word!r} look like words for 'not known'")


@pytest.mark.parametrize(
    "cell", ["\u2018rose\u2019, \u201cskull\u201d", "\u201erose\u201c,\u00abskull\u00bb"]
)
def test_quotation_marks_of_other_keyboards_are_no_part_of_tags(cell: str) -> None:
    assert read_tags([(cell, "t.csv:2")], Findings()) == [("rose", "skull")]
