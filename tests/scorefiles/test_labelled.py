"""One file with scores and their truth, in the forms in which tools write them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.scorefiles import read_labelled

RNG = np.random.default_rng(3)
ROWS = [(bool(i % 3 == 0), f"{s:.3f}") for i, s in enumerate(RNG.normal(0, 1, 30))]
MATED = [float(s) for kind, s in ROWS if kind]
NONMATED = [float(s) for kind, s in ROWS if not kind]


def table(
    folder: Path, line: str, *, header: str = "", words: tuple[str, str] = ("1", "0")
) -> Path:
    lines = [
        line.format(i=i, s=score, m=words[0] if kind else words[1])
        for i, (kind, score) in enumerate(ROWS)
    ]
    path = folder / "given.txt"
    path.write_text("".join(f"{one}\n" for one in ([header] if header else []) + lines))
    return path


@pytest.mark.parametrize(
    ("line", "header"),
    [
        ("{s},{m}", "score,label"),
        ("{m},{s}", "Label,Score"),
        ("{s};{m}", "similarity;is_mated"),
        ("p{i}\tr{i}\t{s}\t{m}", "probe\treference\tscore\ttarget"),
        ("{i},{m},{s},{i}", "id,y_true,cosine,seconds"),
        ("{s},{m}", ""),
        ("{m} {s}", ""),
        ("file{i}.png {s} {m}", ""),
        ("e{i} v{i} {s} {m}", ""),
        ("{i},{s},{m}", ""),
        ("{s} {m}", "sep= "),
        ("{i};{m};{s}", "number;kind;value"),
    ],
)
@pytest.mark.parametrize(
    "words", [("1", "0"), ("mated", "non-mated"), ("1", "-1"), ("Y", "N"), ("Hp", "Hd")]
)
def test_tables_are_read_in_any_order_with_a_header_or_without(
    line: str, header: str, words: tuple[str, str], tmp_path: Path
) -> None:
    found = read_labelled(table(tmp_path, line, header=header, words=words))
    assert found.mated.values.tolist() == MATED
    assert found.nonmated.values.tolist() == NONMATED
    assert not found.mated.identities


@pytest.mark.parametrize("words", [("genuine", "impostor"), ("target", "nontarget"), ("T", "F")])
def test_only_known_words_are_labels(words: tuple[str, str], tmp_path: Path) -> None:
    path = table(tmp_path, "{s} {m}", words=words)
    if words == ("T", "F"):
        with pytest.raises(UsageError, match="says nowhere which comparisons are mated: say with"):
            read_labelled(path)
        path = table(tmp_path, "{s} {m}", words=words, header="score label")
        with pytest.raises(DataError, match="given.txt:2: 'T' is no label"):
            read_labelled(path)
    else:
        assert read_labelled(path).mated.values.tolist() == MATED


@pytest.mark.parametrize(
    ("line", "form"),
    [
        ("{a} {b} {b}-{i} {s}", "bob-4"),
        ("{a} {a}-m {b} {b}-{i} {s}", "bob-5"),
        ("{b},{a},{s}", "table"),
    ],
)
def test_identities_are_the_truth_where_a_file_names_them(
    line: str, form: str, tmp_path: Path
) -> None:
    rows = [(f"c{i % 3}", f"c{i % 4}", f"{i / 10}") for i in range(24)]
    path = tmp_path / "scores.txt"
    header = "probe_subject_id,bio_ref_subject_id,score\n" if form == "table" else ""
    lines = [line.format(a=a, b=b, i=i, s=s) for i, (a, b, s) in enumerate(rows)]
    path.write_text(header + "".join(f"{one}\n" for one in lines))
    found = read_labelled(path)
    assert found.forms == (form,)
    assert found.mated.values.tolist() == [float(s) for a, b, s in rows if a == b]
    assert found.nonmated.identities == [(b, a) for a, b, _ in rows if a != b]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1 0\n0 1\n1 1\n", "could all be labels"),
        ("0.5 0.25 1\n0.75 0.5 0\n", "could all be the scores"),
        ("a 1\nb 0\n", "no column of numbers"),
        ("score,label\n0.5,1\nx,0\n", "given.txt:3: the score 'x' is not a number"),
        ("score,label\n0.5,1\n0.5\n", "given.txt:3: has 1 cell, the header 2"),
        ("a b 0.5 1\na 0.5 0\n", "has lines of 3 and of 4 columns"),
    ],
)
def test_what_cannot_be_told_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_text(text)
    with pytest.raises(DataError) as refused:
        read_labelled(path)
    assert said in str(refused.value)


@pytest.mark.parametrize(
    "text",
    ["score,label\n0.5,1\n0.6,1\n", "p1 r1 0.5\np2 r2 0.7\n", "probe,reference,score\na,b,1\n"],
)
def test_scores_without_both_kinds_need_a_question(text: str, tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match="say with --protocol which question"):
        read_labelled(path)


def test_a_missing_score_is_a_failed_comparison(tmp_path: Path) -> None:
    path = tmp_path / "given.csv"
    path.write_text("score;label\n0,5;1\n;1\n;0\n0,25;0\n")
    found = read_labelled(path)
    assert np.isnan(found.mated.values).tolist() == [False, True]
    assert np.isnan(found.nonmated.values).tolist() == [True, False]
    assert any("2 comparisons have no score" in note for note in found.notes)


def test_parquet_tables_carry_labels_too(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    parquet = pytest.importorskip("pyarrow.parquet")
    columns = {"score": [0.5, 0.25, None], "label": [True, False, False]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    found = read_labelled(tmp_path / "t.parquet")
    assert (found.mated.values.tolist(), len(found.nonmated.values)) == ([0.5], 2)


@pytest.mark.parametrize("column", ["distance", "L2_dist", "Hamming distance", "dissimilarity"])
def test_a_column_of_distances_is_said(column: str, tmp_path: Path) -> None:
    found = read_labelled(table(tmp_path, "{s},{m}", header=f"{column},label"))
    assert sum("change the sign of distances" in note for note in found.notes) == 1
    assert any(repr(column.lower()) in note for note in found.notes)


@pytest.mark.parametrize("column", ["score", "distinctness", "district"])
def test_other_columns_are_no_distances(column: str, tmp_path: Path) -> None:
    found = read_labelled(table(tmp_path, "{s},{m}", header=f"{column},label"))
    assert not any("distances" in note for note in found.notes)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("-1", "2 scores are -1, and all others lie above"),
        ("-999", "2 scores are -999"),
        ("9999", "2 scores are 9999, and all others lie below"),
    ],
)
def test_a_score_that_stands_for_a_failure_is_said(value: str, said: str, tmp_path: Path) -> None:
    lines = [f"{abs(float(s)) + 0.25:.3f},{int(kind)}" for kind, s in ROWS]
    path = tmp_path / "given.txt"
    path.write_text("\n".join([*lines, f"{value},1", f"{value},0"]))
    assert any(note.startswith(said) for note in read_labelled(path).notes)


@pytest.mark.parametrize("value", ["-1.5", "-2", "3"])
def test_other_lowest_and_highest_scores_are_not_worth_a_word(value: str, tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    path.write_text("\n".join([*(f"{s},{int(kind)}" for kind, s in ROWS), f"{value},1"]))
    assert not any("comparison failed" in note for note in read_labelled(path).notes)


@pytest.mark.parametrize("value", ["0", "0.5", "-1"])
def test_scores_that_are_nearly_all_equal_are_said(value: str, tmp_path: Path) -> None:
    path = tmp_path / "given.txt"
    nonmated = [f"{value},0"] * 24 + ["0.125,0"]
    path.write_text("\n".join(["score,label", "0.75,1", "0.25,1", *nonmated]))
    (said,) = (one for one in read_labelled(path).notes if one.startswith("96% of the scores"))
    assert f"are {value}: are these scores, or codes?" in said
