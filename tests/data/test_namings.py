"""Names that stand for "not known", and one name in two spellings, are never read in silence."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.data.findings import Finding
from harness.data.namings import COLUMNS, spelling
from harness.data.readers.layouts import open_dataset
from tests.conftest import Ran
from tests.data.sets import lines, picture

PLACEHOLDERS, SPELLINGS = "placeholders-read-as-names", "names-in-two-spellings"


def found(path: Path, code: str) -> list[Finding]:
    return [one for one in open_dataset(path).findings if one.code == code]


def table(folder: Path, column: str, values: list[str]) -> Path:
    """Write a manifest with a line for each value of a column."""
    rows = [f"image,{column}"]
    for number, value in enumerate(values):
        picture(folder / f"{number}.png")
        rows.append(f'{number}.png,"{value}"')
    return lines(folder / "set.csv", rows)


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize(
    "word", ["unknown", "UNKNOWN", "nan", "NaN", "NA", "n/a", "None", "-1", "-1.0", "-999", "?"]
)
def test_a_word_for_not_known_in_a_column_is_said(tmp_path: Path, column: str, word: str) -> None:
    (one,) = found(table(tmp_path, column, ["a", word, "b", word]), PLACEHOLDERS)
    assert one.severity == "warning"
    assert one.text.startswith(f"{column} {word!r} of 2 pictures")


@pytest.mark.parametrize("word", ["unknown", "None", "-1", "anna/unknown", "NA"])
def test_a_word_for_not_known_as_a_folder_is_said_once(tmp_path: Path, word: str) -> None:
    for folder in ("a", "b", word):
        picture(tmp_path / folder / "1.png")
    (one,) = found(tmp_path, PLACEHOLDERS)
    assert one.text.startswith(f"tattoo {word!r} of 1 picture ")


@pytest.mark.parametrize("column", COLUMNS)
def test_empty_cells_are_not_known_and_plain_names_are_not_worth_a_word(
    tmp_path: Path, column: str
) -> None:
    values = [
        "",
        " ",
        "a",
        "b",
        "anna",
        "nana",
        "0",
        "1",
        "10",
        "2-1",
        "21",
        "none-such",
        "ж",
        "日本",
    ]
    assert found(table(tmp_path, column, values), PLACEHOLDERS) == []
    assert found(tmp_path / "set.csv", SPELLINGS) == []


PAIRS = [
    *(("Anna", "anna"), ("HEART 1", "heart 1"), ("STRASSE", "Straße")),
    *(("anna heart", "anna  heart"), ("anna heart", "annaheart"), ("anna heart", "anna_heart")),
    (unicodedata.normalize("NFC", "josé"), unicodedata.normalize("NFD", "josé")),
    *(("３", "3"), ("ﬁsh", "fish"), ("a\u00a0b", "a b"), ("an\u200bna", "anna")),
    *(("007", "7"), ("p07", "p7"), ("t-01", "t-1")),
    *(("3", "3.0"), ("1", "1.0"), ("12.00", "12")),
]


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("pair", PAIRS)
def test_one_name_in_two_spellings_is_said(
    tmp_path: Path, column: str, pair: tuple[str, str]
) -> None:
    (one,) = found(table(tmp_path, column, [*pair, "else", pair[0]]), SPELLINGS)
    assert one.severity == "warning"
    assert one.text.startswith(column)
    assert "(2)" in one.text
    assert "(1)" in one.text


@pytest.mark.parametrize("pair", [("Anna", "anna"), ("007", "7"), ("a b", "a_b"), ("3", "3.0")])
def test_folders_in_two_spellings_are_said_once(tmp_path: Path, pair: tuple[str, str]) -> None:
    for folder in pair:
        picture(tmp_path / folder / "1.png")
    (one,) = found(tmp_path, SPELLINGS)
    assert all(repr(name) in one.text for name in pair)


@pytest.mark.parametrize(
    "pair", [("1-12", "11-2"), ("1 2", "12"), ("3.1", "3.01"), ("1", "10"), ("5", "-5"), ("é", "e")]
)
def test_different_names_are_different(pair: tuple[str, str]) -> None:
    assert spelling(pair[0]) != spelling(pair[1])


def test_a_run_says_it_on_the_terminal_and_keeps_it(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    names = ["a", "b", "c", "d", "e", "f", "unknown", "Anna", "anna"]
    path = table(tmp_path, "tattoo", [name for name in names for _ in range(2)])
    ran = harness(
        "run", "--protocol", "identification", "--algo", "random", "--data", path, "--json"
    )
    assert ran.code == 0, ran.err
    kept = {one["code"] for one in ran.json["runs"][0]["findings"]}
    assert {PLACEHOLDERS, SPELLINGS} <= kept
    assert ran.err.count("note: tattoo 'unknown' of 2 pictures") == 1
    assert ran.err.count("note: tattoo 'Anna' (2) and 'anna' (2)") == 1


@pytest.mark.parametrize(
    "word",
    [
        *("unk.", "k.A.", "n. a.", "N.N.", "s/d", "keine Angabe", "nicht bekannt", "sans nom"),
        *(
            "Indéterminé",
            "Okänd",
            "не­известно".replace("\u00ad", ""),
            "不明",
            "알 수 없음",
            "(none)",
        ),
        *("[Unknown]", "_unknown_", "not applicable", "#REF!", "#BEZUG!", "#NAME?", "########"),
        *("9999", "-99", "(blank)", "no name", "John Doe", "anonymous", "..."),
    ],
)
def test_words_of_other_languages_and_programs_are_said(tmp_path: Path, word: str) -> None:
    (one,) = found(table(tmp_path, "tattoo", ["a", word, "b", word]), PLACEHOLDERS)
    assert one.text.startswith(f"tattoo {word!r} of 2 pictures")


def test_a_number_of_nines_among_its_neighbours_is_a_name(tmp_path: Path) -> None:
    assert found(table(tmp_path, "tattoo", ["998", "999", "1000"]), PLACEHOLDERS) == []


@pytest.mark.parametrize(
    ("values", "what"),
    [
        (["1.23457E+12", "1.23457E+12", "5"], "a number that a spreadsheet has cut off"),
        (["1,2E+15", "a", "b"], "a number that a spreadsheet has cut off"),
        (["01. Feb", "1-13", "1-14"], "a date that a spreadsheet has made of a name"),
        (["Jan 05", "x", "y"], "a date that a spreadsheet has made of a name"),
        (["3-Mrz", "2-31", "2-32"], "a date that a spreadsheet has made of a name"),
        (["2024-02-01", "1-13", "1-14"], "a date that a spreadsheet has made of a name"),
        (["=A1", "x", "y"], "a formula that was not computed"),
        (["=VLOOKUP(B2;C:D;2)", "x"], "a formula that was not computed"),
        (["=$B$2&C2", "x"], "a formula that was not computed"),
        (["MÃ¼ller", "x"], "a text of one alphabet that was read in another"),
        (["JosÃ©", "José"], "a text of one alphabet that was read in another"),
        (["M√ºller", "x"], "a text of one alphabet that was read in another"),
    ],
)
def test_names_that_a_spreadsheet_has_rewritten_are_said(
    tmp_path: Path, values: list[str], what: str
) -> None:
    (one,) = found(table(tmp_path, "tattoo", values), "names-that-a-spreadsheet-has-rewritten")
    assert one.text.startswith(f"tattoo {values[0]!r} of ")
    assert what in one.text


def test_names_that_are_all_dates_are_meant(tmp_path: Path) -> None:
    path = table(tmp_path, "tattoo", ["2024-02-01", "2024-02-02", "2024-02-01"])
    assert found(path, "names-that-a-spreadsheet-has-rewritten") == []


@pytest.mark.parametrize(
    "pair",
    [("'007", "007"), ("12,345", "12345"), ("٣", "3"), ("a\\b", "a/b"), ("anna.", "anna")],
)
def test_marks_of_programs_make_no_other_name(pair: tuple[str, str]) -> None:
    assert spelling(pair[0]) == spelling(pair[1])


@pytest.mark.parametrize(
    "pair",
    [
        *(("anna–heart", "anna-heart"), ("anna’s", "anna's"), ("anna´s", "anna's")),
        *(("1.50", "1.5"), ("1,5", "1.5"), ("No. 1", "No 1"), ("heart#1", "heart 1")),
        *(("heart (1)", "heart(1)"), ("./anna", "anna"), ("anna/", "anna"), ("a//b", "a/b")),
        *(("\u0410nna", "Anna"), ("İda", "ida"), ("½", "1/2"), ("a%20b", "a b"), ("t1?", "t1")),
        *(("(t1)", "t1"), ("t1\ufe0f", "t1"), ("anna\r", "anna"), ("ｶﾞ", "ガ")),
    ],
)
def test_signs_and_letters_that_look_alike_make_no_other_name(pair: tuple[str, str]) -> None:
    assert spelling(pair[0]) == spelling(pair[1])


@pytest.mark.parametrize("pair", [("1.5", "15"), ("1.05", "1.5"), ("a/b", "ab"), ("v1.2", "v12")])
def test_other_numbers_and_folders_are_other_names(pair: tuple[str, str]) -> None:
    assert spelling(pair[0]) != spelling(pair[1])


@pytest.mark.parametrize(
    "word",
    [
        *("unknown person", "00_unknown", "person_unknown", "zz-unidentified", "class unknown"),
        *("unbekannte Person", "inconnus", "unclassified", "no match", "o.A.", "\\N", "1.#QNAN"),
        *("\u22121", "н/д", "未分類", "기타", "неизвестная"),
        *("junk", "distractors", "[Originals]", "backup", "to sort"),
    ],
)
def test_more_words_for_what_is_not_known_or_not_sorted_are_said(tmp_path: Path, word: str) -> None:
    (one,) = found(table(tmp_path, "tattoo", ["a", word, "b", word]), PLACEHOLDERS)
    assert one.text.startswith(f"tattoo {word!r} of 2 pictures")


@pytest.mark.parametrize("word", ["unknown 1", "unknown-rose", "x_unknown_heart", "Nan Goldin"])
def test_names_with_such_a_word_in_them_are_names(tmp_path: Path, word: str) -> None:
    assert found(table(tmp_path, "tattoo", ["a", word, "b", word]), PLACEHOLDERS) == []


@pytest.mark.parametrize(
    ("copy", "of"),
    [
        *(("t1 - Copy", "t1"), ("t1 (2)", "t1"), ("t1 copy 2", "t1"), ("t1 - Kopie", "t1")),
        *(("Copy of t1", "t1"), ("p/t1 (conflicted copy 2024-02-01)", "p/t1"), ("t1~", "t1")),
        *(("t1_old", "t1"), ("anna-edited", "anna"), ("p/Kopie von t1", "p/t1")),
    ],
)
def test_names_that_are_called_like_copies_are_said(tmp_path: Path, copy: str, of: str) -> None:
    for folder in (of, copy, "else"):
        picture(tmp_path / "set" / folder / "1.png")
    (one,) = found(tmp_path / "set", "names-of-copies")
    assert one.text.startswith(f"tattoo {copy!r} (1) is called like a copy of {of!r} (1)")


def test_copies_of_what_is_not_there_are_names(tmp_path: Path) -> None:
    path = table(tmp_path, "tattoo", ["t1 (2)", "t3 copy", "heart old", "x"])
    assert found(path, "names-of-copies") == []


@pytest.mark.parametrize("column", ["tattoo", "group", "subject", "source"])
def test_a_name_of_very_many_pictures_is_said_in_any_language(tmp_path: Path, column: str) -> None:
    values = [name for name in "abcdef" for _ in range(3)] + ["tundmatu"] * 13
    (one,) = found(table(tmp_path, column, values), "names-of-very-many-pictures")
    assert one.text.startswith(f"{column} 'tundmatu' has 13 pictures, and no other more than 3")


@pytest.mark.parametrize("largest", [11, 12])
def test_sets_of_different_sizes_are_not_worth_a_word(tmp_path: Path, largest: int) -> None:
    values = [name for name in "abcdef" for _ in range(3)] + ["z"] * largest
    path = table(tmp_path, "tattoo", values)
    assert found(path, "names-of-very-many-pictures") == []
