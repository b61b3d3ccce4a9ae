"""Candidate lists: what they say, what they leave out, and every contradiction in them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from harness.errors import DataError, UsageError
from harness.scorefiles import read_candidates
from tests.scorefiles.questions import FOLDS, ONE, RECORDS, written

WHOLE = (
    *("p1.png|1|a.png|0.9", "p1.png|2|b.png|0.5", "p1.png|3|c.png|0.5"),
    *("p2.png|1|c.png|3e-1", "p2.png|2|b.png|.2", "p2.png|3|a.png|-1"),
)
HEADER = "searchId candidateRank searchRetCode isAssigned templateId score decision"
inf = np.inf


def problems(path: Path) -> str:
    with pytest.raises(DataError) as refused:
        read_candidates(path, ONE, RECORDS)
    return str(refused.value)


def test_whole_lists_give_every_score(tmp_path: Path) -> None:
    found = read_candidates(written(tmp_path, "lists.txt", *WHOLE), ONE)
    np.testing.assert_array_equal(found.answers[0].scores, [[0.9, 0.5, 0.5], [-1, 0.2, 0.3]])
    assert (found.depth, found.missing, found.notes, found.forms) == (None, (), (), ("tatt-c",))
    assert len(found.sha256) == 64


def test_the_order_of_lines_does_not_matter(tmp_path: Path) -> None:
    found = read_candidates(written(tmp_path, "lists.txt", *reversed(WHOLE)), ONE)
    np.testing.assert_array_equal(found.answers[0].scores, [[0.9, 0.5, 0.5], [-1, 0.2, 0.3]])


def test_references_beyond_the_end_of_a_list_were_not_returned(tmp_path: Path) -> None:
    lines = ("p1.png|1|a.png|9", "p1.png|2|b.png|8", "p2.png|1|c.png|7", "p2.png|2|a.png|6")
    found = read_candidates(written(tmp_path, "lists.txt", *lines), ONE)
    np.testing.assert_array_equal(found.answers[0].scores, [[9, 8, -inf], [6, -inf, 7]])
    assert found.depth == 2
    assert "lists end at rank 2" in found.notes[0]
    assert found.answers[0].failures == {}


def test_a_shorter_list_is_all_that_was_found(tmp_path: Path) -> None:
    lines = ("p1.png|1|a.png|9", "p1.png|2|b.png|8", "p2.png|1|c.png|7")
    found = read_candidates(written(tmp_path, "lists.txt", *lines), ONE)
    assert found.depth == 2
    assert "1 list is shorter" in found.notes[1]


def test_a_mate_tied_with_the_end_of_its_list_is_pointed_out(tmp_path: Path) -> None:
    lines = ("p1.png|1|a.png|9", "p1.png|2|b.png|9", "p2.png|1|b.png|7", "p2.png|2|a.png|6")
    found = read_candidates(written(tmp_path, "lists.txt", *lines), ONE)
    assert "1 list ends with the score of a mate" in found.notes[-1]


def test_depth_is_that_of_the_folds_whose_lists_end_early(tmp_path: Path) -> None:
    lines = (*WHOLE, "q1.png|1|c.png|1")
    assert read_candidates(written(tmp_path, "lists.txt", *lines), FOLDS).depth == 1


def test_a_missing_probe_is_a_miss_and_is_named(tmp_path: Path) -> None:
    found = read_candidates(written(tmp_path, "lists.txt", *WHOLE), FOLDS)
    assert found.missing == (("2", "q1.png"),)
    assert found.answers[1].failures == {"q1.png": "no list in lists.txt: counted as a miss"}
    assert "misses: 1 (q1.png)" in found.notes[0]


def test_null_candidates_only_are_a_failed_search(tmp_path: Path) -> None:
    lines = (*WHOLE[:3], "p2.png|1||0", "p2.png|2||0", "p2.png|3||0")
    found = read_candidates(written(tmp_path, "lists.txt", *lines), ONE)
    assert found.answers[0].failures == {
        "p2.png": "failed search in lists.txt: null candidates only"
    }
    assert np.isnan(found.answers[0].scores[1]).all()
    assert found.depth is None


def test_a_reference_without_a_score_in_whole_lists_has_failed(tmp_path: Path) -> None:
    lines = (
        *("p1.png|1|a.png|9", "p1.png|2|b.png|8", "p1.png|3|c.png|"),
        *("p2.png|1|b.png|9", "p2.png|2|a.png|8", "p2.png|3|c.png|"),
    )
    answer = read_candidates(written(tmp_path, "lists.txt", *lines), ONE).answers[0]
    assert answer.failures == {"c.png": "no score in lists.txt: never matches"}


def test_a_folder_has_one_file_for_each_fold(tmp_path: Path) -> None:
    written(tmp_path, "1.txt", *WHOLE)
    written(tmp_path, "2.txt", "q1.png|1|d.png|2", "q1.png|2|c.png|1")
    found = read_candidates(tmp_path, FOLDS)
    np.testing.assert_array_equal(found.answers[1].scores, [[2, 1]])
    (tmp_path / "2.txt").unlink()
    with pytest.raises(DataError, match="there is no file of fold 2"):
        read_candidates(tmp_path, FOLDS)


def test_names_in_another_unicode_form_are_the_same_names(tmp_path: Path) -> None:
    from harness.data.records import Fold

    fold = Fold("1", (), ("\u00e9.png",), ("x/a.png",), mates=frozenset())
    path = written(tmp_path, "lists.txt", "e\u0301.png|1|./x//a.png|1")
    assert read_candidates(path, [fold]).answers[0].scores.tolist() == [[1.0]]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("p1.png|1|a.png", "lists.txt:2: 'p1.png|1|a.png' is not of the form probe|rank"),
        ("p1.png|one|a.png|1", "lists.txt:2: the rank 'one' is not a whole number"),
        ("p1.png|-1|a.png|1", "lists.txt:2: the rank '-1' is not a whole number"),
        ("p1.png|1|a.png|high", "lists.txt:2: the score 'high' is not a number"),
        ("p1.png|1|a.png|nan", "lists.txt:2: the score 'nan' is not finite"),
        ("p1.png|1|a.png|1e400", "lists.txt:2: the score '1e400' is not finite"),
        ("p1.png|1|a.png|-inf", "lists.txt:2: the score '-inf' is not finite"),
        ("p1.png|1|a.png|1_0", "lists.txt:2: the score '1_0' is not a number"),
        ("p1.png|1|a.png|\u0661", "lists.txt:2: the score '\u0661' is not a number"),
        ("p1.pgn|1|a.png|1", "lists.txt:2: 'p1.pgn' is not a probe. Did you mean 'p1.png'?"),
        ("../../x|1|a.png|1", "lists.txt:2: '../../x' is not a probe."),
        ("<script>|1|a.png|1", "lists.txt:2: '<script>' is not a probe."),
        ("p1.png|1|A.png|1", "lists.txt:2: 'A.png' is not a reference. Did you mean 'a.png'?"),
        ("p1.png|1|d.png|1", "lists.txt:2: 'd.png' is not in the gallery of fold 1"),
        ("p1.png|0|a.png|1", "lists.txt:2: rank 0 of 'p1.png' where 1 is next"),
        ("p1.png|2|a.png|1", "lists.txt:2: rank 2 of 'p1.png' where 1 is next"),
    ],
)
def test_every_wrong_line_is_named(line: str, message: str, tmp_path: Path) -> None:
    assert message in problems(written(tmp_path, "lists.txt", "p2.png|1|a.png|1", line))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (
            ("p1.png|1|a.png|2", "p1.png|2|a.png|1"),
            "lists.txt:2: 'a.png' is in the list of 'p1.png' already, at line 1",
        ),
        (
            ("p1.png|1|a.png|2", "p1.png|1|b.png|1"),
            "lists.txt:2: rank 1 of 'p1.png' is at line 1 too",
        ),
        (("p1.png|1|a.png|2", "p1.png|3|b.png|1"), "lists.txt:2: rank 3 of 'p1.png' where 2 is"),
        (
            ("p1.png|2|b.png|3", "p1.png|1|a.png|2"),
            "lists.txt:1: rank 2 of 'p1.png' has the score 3, above 2 before it",
        ),
        (
            ("p1.png|1||0", "p1.png|2|b.png|3"),
            "lists.txt:2: the list of 'p1.png' goes on after a null candidate",
        ),
        (
            ("p1.png|1||0", "p1.png|1||0"),
            "lists.txt:2: the null candidate of 'p1.png' is at line 1 too",
        ),
        (("p1.png|5000||0",), "lists.txt:1: the null candidates of 'p1.png' go far beyond"),
    ],
)
def test_contradictions_are_named_with_their_line(
    lines: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    assert message in problems(written(tmp_path, "lists.txt", *lines))


def test_all_faults_are_listed_at_once_and_none_that_follow_from_others(tmp_path: Path) -> None:
    lines = ("p1.png|1|A.png|9", "p1.png|2|b.png|nan", "p2.png|1|a.png|1", "p2.png|2|b.png|2")
    said = problems(written(tmp_path, "lists.txt", *lines))
    assert "lists.txt:1:" in said
    assert "lists.txt:2:" in said
    assert "lists.txt:4: rank 2 of 'p2.png' has the score 2" in said
    assert "is next" not in said


def test_searches_of_other_images_of_the_data_set_are_passed_over(tmp_path: Path) -> None:
    path = written(tmp_path, "lists.txt", *WHOLE, "q1.png|1|d.png|1")
    found = read_candidates(path, ONE, RECORDS)
    assert "1 entry is of images that this protocol does not compare" in found.notes[0]


def test_a_file_about_nothing_that_is_asked_is_refused(tmp_path: Path) -> None:
    said = problems(written(tmp_path, "lists.txt", "q1.png|1|d.png|1"))
    assert "has no score of any probe" in said


def nist(*lines: str) -> tuple[str, ...]:
    return (HEADER, *lines)


LOG = nist(
    *("p1.png 0 0 1 a.png 0.9 1", "p1.png 1 0 1 c.png 0.1 0", "p1.png 2 0 0  -1 0"),
    *("p2.png 0 4 0  -1 0", "p2.png 1 4 0  -1 0", "p2.png 2 4 0 null -1 0"),
)


def test_a_log_of_nist_counts_ranks_from_zero_and_names_return_codes(tmp_path: Path) -> None:
    found = read_candidates(written(tmp_path, "search.log", *LOG), ONE)
    assert found.forms == ("nist",)
    failures = found.answers[0].failures
    assert failures["p2.png"] == "failed search in search.log: return code 4, ExtractError"
    assert failures["b.png"] == "no score in search.log: never matches"
    assert found.answers[0].scores[0, [0, 2]].tolist() == [0.9, 0.1]


def test_a_successful_search_without_candidates_is_a_miss_and_no_failure(tmp_path: Path) -> None:
    lines = (*LOG[:4], "p2.png 0 0 0  -1 0", "p2.png 1 0 0  -1 0", "p2.png 2 0 0  -1 0")
    found = read_candidates(written(tmp_path, "search.log", *lines), ONE)
    assert "p2.png" not in found.answers[0].failures
    assert found.missing == (("1", "p2.png"),)


def test_a_log_without_the_column_decision_is_read(tmp_path: Path) -> None:
    lines = (HEADER.removesuffix(" decision"), "p1.png 0 0 1 a.png 0.9", "p1.png 1 0 0  0")
    found = read_candidates(written(tmp_path, "search.log", *lines), ONE)
    assert found.answers[0].scores[0, 0] == 0.9


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("p1.png 1 0 1 a.png 0.9 0", "search.log:2: rank 1 of 'p1.png' where 0 is next"),
        ("p1.png 0 13 0  0 0", "search.log:2: there is no return code 13"),
        ("p1.png 0 4 1 a.png 0.9 0", "search.log:2: lists a candidate of a search that failed"),
        ("p1.png 0 0 2 a.png 0.9 0", "search.log:2: isAssigned is '2'"),
        ("p1.png 0 0 1 a.png 0.9", "search.log:2: has 6 columns, the header 7"),
        ("p1.png 0 0 1 a.png nan 0", "search.log:2: the score 'nan' is not finite"),
    ],
)
def test_wrong_lines_of_a_log_are_named(line: str, message: str, tmp_path: Path) -> None:
    assert message in problems(written(tmp_path, "search.log", *nist(line)))


def test_two_return_codes_of_one_search_contradict_each_other(tmp_path: Path) -> None:
    lines = nist("p1.png 0 4 0  0 0", "p1.png 1 5 0  0 0")
    said = problems(written(tmp_path, "search.log", *lines))
    assert "search.log:3: the search has return code 5 here and 4 at search.log:2" in said


def test_other_formats_are_named_with_the_option_that_reads_them(tmp_path: Path) -> None:
    path = written(tmp_path, "scores.csv", "probe,reference,score", "p1.png,a.png,1")
    assert "scores.csv: is a table (`--scores`, `--detections`)" in problems(path)
    with pytest.raises(UsageError, match="no format 'nits' here. Did you mean 'nist'"):
        read_candidates(path, ONE, form="nits")
