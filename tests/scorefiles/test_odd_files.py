"""Score files as strangers send them: read rightly, refused with the cause, or said."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError
from harness.scorefiles.labelled import read_labelled
from harness.scorefiles.pairs import read_pair
from tests.conftest import Ran

RANDOM = np.random.default_rng(4)
MATED = np.round(RANDOM.normal(0.7, 0.1, 30), 4)
NONMATED = np.round(RANDOM.normal(0.2, 0.1, 40), 4)
ROWS = [*((score, True) for score in MATED), *((score, False) for score in NONMATED)]


def written(path: Path, lines: list[str], form: str = "utf-8") -> Path:
    path.write_bytes("".join(f"{line}\n" for line in lines).encode(form))
    return path


def labelled(yes: str, no: str) -> list[str]:
    return [f"{score};{yes if mated else no}" for score, mated in ROWS]


@pytest.mark.parametrize(
    ("yes", "no"), [("WAHR", "FALSCH"), ("vrai", "faux"), ("Verdadero", "Falso"), ("ja", "nein")]
)
def test_labels_of_spreadsheets_of_other_languages_are_read(
    tmp_path: Path, yes: str, no: str
) -> None:
    found = read_labelled(written(tmp_path / "s.csv", ["score;label", *labelled(yes, no)]))
    assert list(found.mated.scores) == MATED.tolist()
    assert list(found.nonmated.scores) == NONMATED.tolist()


@pytest.mark.parametrize(
    "above",
    [["# made by a tool"], ["% scores", "// of 2024"], ["Comparison scores of a tool"]],
)
def test_lines_above_the_scores_are_passed_over_and_said(tmp_path: Path, above: list[str]) -> None:
    found = read_labelled(written(tmp_path / "s.csv", [*above, *labelled("1", "0")]))
    assert list(found.mated.scores) == MATED.tolist()
    assert sum("passed over" in note for note in found.notes) == len(above)


def test_a_header_behind_a_sign_of_comments_is_a_header(tmp_path: Path) -> None:
    lines = ["# score label", *(f"{s} {int(m)}" for s, m in ROWS)]
    found = read_labelled(written(tmp_path / "s.txt", lines))
    assert list(found.mated.scores) == MATED.tolist()
    assert not any("passed over" in note for note in found.notes)


@pytest.mark.parametrize("title", ["Similarity Score", "score of a tool", "my cosine score 2x"])
def test_a_title_of_several_words_above_one_column_is_passed_over(
    tmp_path: Path, title: str
) -> None:
    one = written(tmp_path / "m.txt", [title.replace("2x", "x"), *map(str, MATED)])
    other = written(tmp_path / "n.txt", [title.replace("2x", "x"), *map(str, NONMATED)])
    found = read_pair(one, other)
    assert list(found.mated.scores) == MATED.tolist()
    assert sum("passed over" in note for note in found.notes) == 2


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"name;score;label\nM\xfcller;0.5;1\nx;0.2;0\n", "is not UTF-8 text"),
        (b"score,label\r0.5,1\r0.2,0\r", "ends its lines with CR alone"),
        (b"PK\x03\x04" + bytes(60), "is a spreadsheet or archive; save it as 'CSV UTF-8'"),
        (b"\xd0\xcf\x11\xe0" + bytes(60), "is a spreadsheet or archive; save it as 'CSV UTF-8'"),
        ("score,label\n0.5,1\n".encode("utf-16"), "is UTF-16; save it as UTF-8"),
    ],
)
def test_the_cause_is_the_one_that_is_told(tmp_path: Path, raw: bytes, said: str) -> None:
    (tmp_path / "s.csv").write_bytes(raw)
    with pytest.raises(DataError) as caught:
        read_labelled(tmp_path / "s.csv")
    assert said in str(caught.value)


def test_one_file_given_twice_is_said(tmp_path: Path) -> None:
    one = written(tmp_path / "m.txt", list(map(str, MATED)))
    other = written(tmp_path / "n.txt", list(map(str, MATED)))
    assert any("the same scores" in note for note in read_pair(one, other).notes)


def test_comparisons_that_stand_there_twice_or_of_an_image_with_itself_are_said(
    tmp_path: Path,
) -> None:
    names = [("a", "a"), ("b", "b"), *[("c", "d")] * 3, *((f"x{i}", f"y{i}") for i in range(25))]
    lines = [f"{p} {r} {s}" for (p, r), s in zip(names, MATED, strict=True)]
    others = [f"x{i} z{i} {s}" for i, s in enumerate(NONMATED)]
    notes = read_pair(written(tmp_path / "m.txt", lines), written(tmp_path / "n.txt", others)).notes
    assert "m.txt: 2 comparisons stand there again, and all count" in notes
    assert "m.txt: 2 comparisons are of something with itself, and all count" in notes


def test_what_is_refused_or_said_stands_in_json_with_codes(
    harness: Callable[..., Ran], tmp_path: Path
) -> None:
    bad = written(tmp_path / "bad.csv", ["score,label", "0.5,1", "half,0", "0.1,0"])
    ran = harness("score", "--scores", bad, "--json")
    assert ran.code == 2
    (one,) = ran.json["findings"]
    assert (one["code"], one["severity"]) == ("scores-that-are-no-numbers", "problem")
    assert one["text"] in ran.err
    odd = written(tmp_path / "odd.csv", ["score;label", *labelled("0", "1")])
    ran = harness("score", "--scores", odd, "--json", "--name", "vendor")
    assert ran.code == 0, ran.err
    assert any("mated scores are lower" in one["text"] for one in ran.json["findings"])
