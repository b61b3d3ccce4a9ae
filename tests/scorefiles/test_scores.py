"""Scores of all comparisons: CSV, Parquet, bob and matrices, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.data.records import Fold
from harness.errors import DataError
from harness.scorefiles import Imported, read_scores
from tests.scorefiles.questions import FOLDS, ONE, RECORDS, written

PAIRS = [(p, r) for p in ("p1.png", "p2.png") for r in ("a.png", "b.png", "c.png")]
TABLE = ("probe,reference,score", *(f"{p},{r},{i}" for i, (p, r) in enumerate(PAIRS)))
MATRIX = [[0, 1, 2], [3, 4, 5]]


def problems(path: Path) -> str:
    with pytest.raises(DataError) as refused:
        read_scores(path, ONE, RECORDS)
    return str(refused.value)


def scores_of(found: Imported) -> object:
    return found.answers[0].scores.tolist()


def test_a_table_gives_every_score(tmp_path: Path) -> None:
    found = read_scores(written(tmp_path, "s.csv", *TABLE), ONE)
    assert (scores_of(found), found.notes, found.depth) == (MATRIX, (), None)


def test_columns_may_come_in_any_order_with_others_among_them(tmp_path: Path) -> None:
    rows = [f"{i}, x ,{r},{p}" for i, (p, r) in enumerate(PAIRS)]
    found = read_scores(written(tmp_path, "s.csv", "Score,note,reference,PROBE", *rows), ONE)
    assert scores_of(found) == MATRIX
    assert found.notes == ("s.csv: columns that are not read: note",)


def test_byte_order_marks_and_line_ends_of_other_systems_mean_nothing(tmp_path: Path) -> None:
    path = tmp_path / "s.csv"
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join([*TABLE, "", ""]).encode())
    assert scores_of(read_scores(path, ONE)) == MATRIX


def test_what_has_no_score_at_all_has_failed(tmp_path: Path) -> None:
    lines = [line for line in TABLE if "p2" not in line and "b.png" not in line]
    found = read_scores(written(tmp_path, "s.csv", *lines, "p2.png,b.png,"), ONE)
    assert found.answers[0].failures == {
        "p2.png": "no score in s.csv: counted as a miss",
        "b.png": "no score in s.csv: never matches",
    }
    assert found.missing == (("1", "p2.png"),)


def test_single_comparisons_must_not_be_left_out(tmp_path: Path) -> None:
    said = problems(written(tmp_path, "s.csv", *TABLE[:-1]))
    assert "s.csv: probe 'p2.png' has no score for 1 of 3 references, e.g. 'c.png'" in said
    assert "--candidates" in said


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("p1.png,a.png,7", "s.csv:8: 'p1.png' and 'a.png' are compared at line 2 too"),
        ("p3.png,a.png,7", "s.csv:8: 'p3.png' is not a probe. Did you mean"),
        ("p1.png,aa.png,7", "s.csv:8: 'aa.png' is not a reference. Did you mean 'a.png'?"),
        ("p1.png,a.png,NaN", "s.csv:8: the score 'NaN' is not finite"),
        ("p1.png,a.png,1e999", "s.csv:8: the score '1e999' is not finite"),
        ("p1.png,a.png", "s.csv:8: has 2 cells, the header 3"),
        ('"p1.png,a.png,1', "s.csv:8: '\"p1.png,a.png,1' has quotes that do not close"),
        ("p1.png,a\x00.png,1", "contains a control character"),
    ],
)
def test_every_wrong_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    assert message in problems(written(tmp_path, "s.csv", *TABLE, line))


def test_a_wrong_header_is_named_with_the_nearest(tmp_path: Path) -> None:
    said = problems(written(tmp_path, "s.csv", "prob,reference,score", "p1.png,a.png,1"))
    assert "s.csv:1: names no column 'probe'. Did you mean 'prob'?" in said


def test_comparisons_that_the_protocol_does_not_make_are_passed_over(tmp_path: Path) -> None:
    lines = (*TABLE, "p1.png,d.png,9", "q1.png,a.png,9", "e.png,a.png,9")
    found = read_scores(written(tmp_path, "s.csv", *lines), ONE, RECORDS)
    assert scores_of(found) == MATRIX
    assert "3 entries are of images that this protocol does not compare" in found.notes[0]


def test_swapped_columns_are_refused_as_a_whole(tmp_path: Path) -> None:
    lines = ("reference,probe,score", *TABLE[1:])
    assert "Are its columns in order" in problems(written(tmp_path, "s.csv", *lines))


def test_an_image_lost_on_one_side_only_does_not_fail_on_the_other(tmp_path: Path) -> None:
    fold = Fold("1", (), ("x", "y"), ("y", "z"), mates=frozenset({("x", "y"), ("y", "z")}))
    path = written(tmp_path, "s.csv", "probe,reference,score", "x,y,1", "x,z,2")
    found = read_scores(path, [fold])
    assert scores_of(found) == [[1, 2], [-np.inf, -np.inf]]
    assert found.answers[0].failures == {}
    assert found.missing == (("1", "y"),)


def test_files_of_bob_may_name_references_or_identities(tmp_path: Path) -> None:
    five = [f"any {r} other {p} {i}" for i, (p, r) in enumerate(PAIRS)]
    found = read_scores(written(tmp_path, "five.txt", *five), ONE, RECORDS)
    assert (scores_of(found), found.forms) == (MATRIX, ("bob-5",))
    of = {name: record.tattoo for name, record in RECORDS.items()}
    four = [f"{of[r]} {of[p]} {p} {i}" for i, (p, r) in enumerate(PAIRS)]
    found = read_scores(written(tmp_path, "four.txt", *four), ONE, RECORDS)
    assert (scores_of(found), found.forms, found.notes) == (MATRIX, ("bob-4",), ())


def test_ids_that_contradict_the_truth_are_pointed_out_and_not_used(tmp_path: Path) -> None:
    lines = [f"x {r} x {p} {i}" for i, (p, r) in enumerate(PAIRS)]
    found = read_scores(written(tmp_path, "five.txt", *lines), ONE, RECORDS)
    assert scores_of(found) == MATRIX
    assert "the ids of 4 lines contradict the protocol" in found.notes[0]
    assert "five.txt:2" in found.notes[0]


def test_four_columns_cannot_tell_the_references_of_an_identity_apart(tmp_path: Path) -> None:
    from dataclasses import replace

    records = RECORDS | {"b.png": replace(RECORDS["b.png"], tattoo="rose")}
    path = written(tmp_path, "four.txt", "rose rose p1.png 1", "none rose p1.png 2", "a b c")
    with pytest.raises(DataError) as refused:
        read_scores(path, ONE, records)
    said = str(refused.value)
    assert "four.txt:1: 'rose' has 2 references in the gallery of fold 1" in said
    assert "four.txt:2: 'none' is not a reference" in said
    assert "four.txt:3: has 3 columns, not claimed-id real-id probe-label score" in said


def matrix(
    folder: Path,
    values: object,
    probes: tuple[str, ...] = ("p1.png", "p2.png"),
    references: tuple[str, ...] = ("a.png", "b.png", "c.png"),
) -> Path:
    np.save(folder / "m.npy", np.array(values))
    written(folder, "m.probes.txt", *probes)
    written(folder, "m.references.txt", *references)
    return folder / "m.npy"


def test_a_matrix_is_read_with_its_lists_of_names(tmp_path: Path) -> None:
    path = matrix(tmp_path, MATRIX)
    assert scores_of(read_scores(path, ONE)) == MATRIX
    turned = matrix(
        tmp_path, [[5, 3, 9], [2, 0, 9]], ("p2.png", "p1.png"), ("c.png", "a.png", "d.png")
    )
    found = read_scores(turned, ONE, RECORDS)
    np.testing.assert_array_equal(found.answers[0].scores, [[0, np.nan, 2], [3, np.nan, 5]])
    assert set(found.answers[0].failures) == {"b.png"}


def test_one_matrix_may_serve_several_folds(tmp_path: Path) -> None:
    probes = ("p1.png", "p2.png", "q1.png")
    path = matrix(
        tmp_path, np.arange(12).reshape(3, 4), probes, ("a.png", "b.png", "c.png", "d.png")
    )
    found = read_scores(path, FOLDS)
    assert found.answers[0].scores.tolist() == [[0, 1, 2], [4, 5, 6]]
    assert found.answers[1].scores.tolist() == [[11, 10]]


def test_nan_throughout_a_row_or_column_is_a_failure_and_elsewhere_a_fault(tmp_path: Path) -> None:
    nan = np.nan
    found = read_scores(matrix(tmp_path, [[1, nan, 2], [nan, nan, nan]]), ONE)
    assert set(found.answers[0].failures) == {"p2.png", "b.png"}
    said = problems(matrix(tmp_path, [[1, nan, 2], [1, 1, 1]]))
    assert "probe 'p1.png' has no score for 1 of 3 references, e.g. 'b.png'" in said


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([[1.0, np.inf, 0], [0, 0, 0]], "m.npy, row 1, column 2: the score inf is not finite"),
        ([[1.0, 2.0]], "m.npy: has the shape (1, 2), but m.probes.txt names 2 probes"),
        ([1.0, 2.0], "m.npy: is not a matrix of numbers but float64 of shape (2,)"),
        ([["a"]], "m.npy: is not a matrix of numbers but <U1"),
        ([[1j]], "m.npy: is not a matrix of numbers but complex128"),
    ],
)
def test_a_matrix_of_anything_else_is_refused(values: object, message: str, tmp_path: Path) -> None:
    assert message in problems(matrix(tmp_path, values))


def test_lists_beside_a_matrix_are_checked(tmp_path: Path) -> None:
    said = problems(matrix(tmp_path, MATRIX, ("p1.png", "p1.png"), ("a.png", "x.png", "c.png")))
    assert "m.probes.txt:2: 'p1.png' is already at m.probes.txt:1" in said
    path = matrix(tmp_path, MATRIX, references=("a.png", "x.png", "c.png"))
    assert "m.references.txt:2: 'x.png' is not a reference" in problems(path)
    (tmp_path / "m.probes.txt").unlink()
    assert "m.probes.txt: cannot be read: No such file" in problems(path)


def test_parquet_gives_every_score_and_names_wrong_rows(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    import importlib

    parquet = importlib.import_module("pyarrow.parquet")

    def save(scores: list[object], **more: object) -> Path:
        columns = {"probe": [p for p, _ in PAIRS], "reference": [r for _, r in PAIRS]}
        parquet.write_table(
            pyarrow.table(columns | {"score": scores} | more), tmp_path / "s.parquet"
        )
        return tmp_path / "s.parquet"

    assert scores_of(read_scores(save(list(range(6))), ONE)) == MATRIX
    said = problems(save([0.0, float("nan"), 2.0, 3.0, 4.0, float("inf")]))
    assert "s.parquet, row 2: the score 'nan' is not finite" in said
    assert "s.parquet, row 6: the score 'inf' is not finite" in said
    assert "row 1: the score 'high' is not a number" in problems(save(["high"] * 6))
    assert "row 1: has a name that is not a short text" in problems(save([1] * 6, probe=[1] * 6))
    assert "names no column 'score'" in problems(_renamed(save([1] * 6), parquet))
    save([1] * 6)
    content = (tmp_path / "s.parquet").read_bytes()
    (tmp_path / "s.parquet").write_bytes(content[:-20])
    assert "is not a sound Parquet file" in problems(tmp_path / "s.parquet")


def _renamed(path: Path, parquet: object) -> Path:
    table = parquet.read_table(path)  # type: ignore[attr-defined]
    parquet.write_table(table.rename_columns(["probe", "reference", "s"]), path)  # type: ignore[attr-defined]
    return path


def test_parquet_without_its_package_is_explained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    from harness.errors import UsageError

    monkeypatch.setitem(sys.modules, "pyarrow", None)
    path = tmp_path / "s.parquet"
    path.write_bytes(b"PAR1" + bytes(20))
    with pytest.raises(UsageError, match="pip install 'tattoo-harness.parquet.', or save"):
        read_scores(path, ONE)
