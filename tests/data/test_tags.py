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
        "['sea horse' 'anchor'\n 'red rose']",  # as NumPy prints
        "array(['sea horse', 'anchor', 'red rose'], dtype=object)",
        "sea horse\nanchor\nred rose",
        "sea horse • anchor • red rose",
        "sea horse، anchor، red rose",
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


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        ("('rose')", ("rose",)),
        ("['rose']", ("rose",)),
        ("{'rose', \"mother's\"}", ("rose", "mother's")),
        (r'["caf\u00e9", "fate\/x"]', ("café", "fate/x")),
        ("[]", ()),
        ("()", ()),
    ],
)
def test_a_list_is_what_a_program_meant_by_it(cell: str, expected: tuple[str, ...]) -> None:
    assert read(cell)[0] == [expected]


def test_spaces_alone_are_said_where_no_tag_shows_how_words_are_joined() -> None:
    for cells in (["blue whale"], ["rose", "red rose"], ["ship  mast", ""]):
        assert [one.code for one in read(*cells)[1].all] == ["tags-with-spaces-between-them"]
    for cells in (["blue_whale rose"], ["rose", "ship"], ["blue whale, rose"]):
        assert "tags-with-spaces-between-them" not in [one.code for one in read(*cells)[1].all]


def test_one_separator_serves_the_whole_column() -> None:
    found, findings = read("rose, skull", "sea horse", "")
    assert found == [("rose", "skull"), ("sea_horse",), ()]
    assert "'sea horse' is 'sea_horse'" in findings.warnings[0]
    assert read("rose skull", "sea horse")[0] == [("rose", "skull"), ("sea", "horse")]


def test_what_programs_escape_is_read_as_it_was_meant() -> None:
    found, _ = read(r"rose \(flower\), ship &amp; anchor, mother&#39;s name")
    assert found == [("rose_(flower)", "ship_&_anchor", "mother's_name")]
    assert read("ship &amp;amp; anchor, caf&eacute;")[0] == [("ship_&_anchor", "café")]
    assert read("at&notion,a&copyb")[0] == [("at&notion", "a&copyb")]


@pytest.mark.parametrize(
    "cell",
    [
        *("[rose, skull", "rose, {skull}", "rose; <b>skull</b>", "'rose, x", '["rose", null]'),
        *("rose (flower) ship", "rose\\, ship", "[['rose', 'ship']]"),
    ],
)
def test_brackets_and_quotation_marks_that_are_left_are_problems(cell: str) -> None:
    _, findings = read(cell)
    assert all("is no tag: write tags with ',' or ';'" in said for said in findings.problems)
    assert findings.problems


@pytest.mark.parametrize(
    "pair", [("Rose", "rose"), ("long-hair", "long_hair"), ("seahorse", "sea_horse"), ("１", "1")]
)
def test_tags_that_differ_in_their_spelling_alone_are_said(pair: tuple[str, str]) -> None:
    _, findings = read(f"{pair[0]},skull", pair[1])
    one, other = sorted(pair)
    assert findings.warnings == (
        f"t.csv: {one!r} and {other!r} are different tags, although they differ in their spelling "
        "alone",
    )


@pytest.mark.parametrize(
    ("cells", "code", "words"),
    [
        (["rose/skull/ship"], "tags-with-signs-inside", "'rose/skull/ship' is read as one tag"),
        (["rose+skull", "a+b"], "tags-with-signs-inside", "is read as one tag, and 1 more"),
        (["animal>bird"], "tags-with-signs-inside", "'animal>bird' is read as one tag"),
        (["#rose #skull_x"], "tags-with-a-number-sign", "'#rose' is 'rose', and 1 more"),
        (["rose_x and skull"], "tags-that-join-others", "'and' is read as a tag of its own"),
        (["rose_x und skull"], "tags-that-join-others", "'und' is read as a tag of its own"),
        (["0", "1", "1"], "tags-that-are-numbers", "all tags are numbers ('0', '1')"),
        (["1;0;1", "0;0;1"], "tags-that-are-numbers", "all tags are numbers ('0', '1')"),
    ],
)
def test_what_may_be_another_tag_is_said(cells: list[str], code: str, words: str) -> None:
    (one,) = read(*cells)[1].all
    assert (one.code, one.severity) == (code, "warning")
    assert words in one.text


@pytest.mark.parametrize("cell", ["ship &amp; anchor, x", "no_1_rose", "re-zero, 1990"])
def test_signs_that_belong_to_tags_are_not_worth_a_word(cell: str) -> None:
    codes = {one.code for one in read(cell)[1].all}
    assert codes <= {"tags-of-several-words"}


@pytest.mark.parametrize(
    "cell",
    [
        *("rose: 0.98, skull: 0.5", "rose:.7", "rose + skull", "rose - skull", "rose 0.98, skull"),
        *("rose (0.5), skull (0.25)", "rose 98%, skull 4 %", "rose=1, skull=0", "rose, -skull"),
        *("!rose, skull", "rose:1"),
    ],
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
