"""What is exported comes back as it was, in every format, and means the same to others."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.data.paths import canonical
from harness.data.records import Fold
from harness.errors import UsageError
from harness.scorefiles import (
    Imported,
    export_scores,
    read_candidates,
    read_detections,
    read_score_lists,
    read_scores,
    split_scores,
)
from harness.tasks.answers import Answer
from tests.scorefiles.questions import FOLDS, PLAIN_NAMES, SPACED_NAMES, answered

Question = tuple[list[Fold], list[Answer]]
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
CANONICAL = PLAIN_NAMES.map(canonical).filter(lambda name: not name.startswith("/"))
SPACED = SPACED_NAMES.map(canonical).filter(lambda name: not name.startswith("/"))


def came_back(
    question: Question, form: str, read: Callable[..., Imported], *, folder: bool = False
) -> Imported:
    """Export and read again, and compare all that metrics see."""
    folds, answers = question
    with tempfile.TemporaryDirectory() as place:
        files = export_scores(Path(place), folds, answers, form)
        found = read(Path(place) if folder else files[0], folds)
    for fold, sent, got in zip(folds, answers, found.answers, strict=True):
        assert set(got.failures) == set(sent.failures)
        np.testing.assert_array_equal(got.scores, sent.scores)
        for i, probe in enumerate(fold.probes):
            assert (probe in sent.failures) == ((fold.name, probe) in found.missing), i
    assert found.depth is None
    return found


@pytest.mark.parametrize("form", ["tatt-c", "nist"])
@few
@given(question=answered(CANONICAL))
def test_candidate_lists_come_back(form: str, question: Question) -> None:
    came_back(question, form, read_candidates)


@pytest.mark.parametrize("form", ["csv", "parquet", "bob-5"])
@few
@given(question=answered(CANONICAL))
def test_comparisons_come_back(form: str, question: Question) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    came_back(question, form, read_scores)


@few
@given(question=answered(CANONICAL, mates=1))
def test_bob_s_four_columns_come_back_where_an_identity_has_one_reference(
    question: Question,
) -> None:
    came_back(question, "bob-4", read_scores)


@few
@given(question=answered(CANONICAL))
def test_matrices_come_back_from_a_folder_with_one_per_fold(question: Question) -> None:
    came_back(question, "npy", read_scores, folder=True)


@few
@given(question=answered(SPACED))
def test_names_with_spaces_come_back_where_a_format_can_carry_them(question: Question) -> None:
    came_back(question, "csv", read_scores)
    came_back(question, "tatt-c", read_candidates)
    for form in ("nist", "bob-4", "bob-5"):
        with (
            tempfile.TemporaryDirectory() as place,
            pytest.raises(UsageError, match="cannot carry the name .* export as csv"),
        ):
            export_scores(Path(place), *question, form)


@few
@given(scores=st.lists(st.floats(allow_infinity=False), min_size=1, max_size=8))
@pytest.mark.parametrize("form", ["tatt-c", "csv"])
def test_detections_come_back(form: str, scores: list[float]) -> None:
    scores = [0.25, *scores]
    fold = Fold("1", (), tuple(f"i {i}, x.png" for i in range(len(scores))))
    failures = {fold.probes[i]: "dark" for i, score in enumerate(scores) if np.isnan(score)}
    came_back(([fold], [Answer(np.array(scores), failures)]), form, read_detections)


def test_single_precision_scores_come_back_exactly() -> None:
    rng = np.random.default_rng(1)
    fold = FOLDS[0]
    scores = rng.normal(size=(2, 3)).astype(np.float32)
    for form, read in (("csv", read_scores), ("tatt-c", read_candidates)):
        came_back(([fold], [Answer(scores, {})]), form, read)


@few
@given(question=answered(CANONICAL))
def test_bob_s_ids_are_equal_exactly_for_mates(question: Question) -> None:
    folds, answers = question
    with tempfile.TemporaryDirectory() as place:
        (file,) = export_scores(Path(place), folds, answers, "bob-5")
        for line in file.read_text(encoding="utf-8").splitlines():
            claimed, model, real, probe, _ = line.split(" ")
            assert (claimed == real) == any((probe, model) in fold.mates for fold in folds)


def test_mates_that_are_no_identities_are_not_written_for_bob(tmp_path: Path) -> None:
    mates = frozenset({("p", "a"), ("q", "a"), ("q", "b")})
    fold = Fold("1", (), ("p", "q"), ("a", "b"), mates=mates)
    with pytest.raises(UsageError, match="the mates of fold 1 are no identities"):
        export_scores(tmp_path, [fold], [Answer(np.zeros((2, 2)), {})], "bob-4")


@few
@given(question=answered(CANONICAL))
def test_pyeer_gets_every_mated_score_and_every_nonmated_one_that_could_match(
    question: Question,
) -> None:
    folds, answers = question
    lists = split_scores(folds, answers)
    assert len(lists.mated) == sum(len(fold.mates) for fold in folds)
    with tempfile.TemporaryDirectory() as place:
        genuine, impostor = export_scores(Path(place), folds, answers, "pyeer")
        if not len(lists.mated) or not len(lists.nonmated):
            return
        back = read_score_lists(genuine, impostor)
    np.testing.assert_array_equal(back.nonmated, lists.nonmated)
    failed = lists.mated == -np.inf
    np.testing.assert_array_equal(back.mated[~failed], lists.mated[~failed])
    others = np.concatenate([back.mated[~failed], back.nonmated])
    if np.all(others > np.finfo(np.float64).min):  # there is nothing below the lowest number
        assert np.all(np.less.outer(back.mated[failed], others))


def test_csv_can_be_read_by_any_reader(tmp_path: Path) -> None:
    fold = Fold("1", (), ('p, "1".png',), ("a.png",), mates=frozenset())
    (file,) = export_scores(tmp_path, [fold], [Answer(np.array([[0.5]]), {})], "csv")
    with file.open(encoding="utf-8", newline="") as text:
        rows = list(csv.reader(text))
    assert rows == [
        ["fold", "probe", "reference", "mated", "score"],
        ["1", 'p, "1".png', "a.png", "false", "0.5"],
    ]


def test_folds_that_share_probes_have_a_file_each(tmp_path: Path) -> None:
    folds = [FOLDS[0], Fold("again", (), ("p1.png",), ("a.png", "b.png"))]
    answers = [Answer(np.arange(6.0).reshape(2, 3)), Answer(np.array([[5.0, 4.0]]))]
    files = export_scores(tmp_path, folds, answers, "tatt-c")
    assert [file.name for file in files] == ["1.txt", "again.txt"]
    found = read_candidates(tmp_path, folds)
    np.testing.assert_array_equal(found.answers[1].scores, [[5.0, 4.0]])


@pytest.mark.parametrize("form", ["csv", "bob-5"])
def test_heads_of_candidate_lists_are_not_written_as_if_they_were_all_scores(
    form: str, tmp_path: Path
) -> None:
    answer = Answer(np.array([[2.0, -np.inf, 1.0], [1.0, 2.0, 3.0]]), {})
    with pytest.raises(UsageError, match="only candidate lists"):
        export_scores(tmp_path, FOLDS[:1], [answer], form)


def test_unknown_formats_are_refused_with_the_nearest(tmp_path: Path) -> None:
    answers: Sequence[Answer] = [Answer(np.zeros((2, 3)), {}), Answer(np.zeros((1, 2)), {})]
    with pytest.raises(UsageError, match="no format 'bob4' .* Did you mean 'bob-4'"):
        export_scores(tmp_path, FOLDS, answers, "bob4")
