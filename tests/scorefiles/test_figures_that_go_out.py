"""What is exported gives the run's own figures: read back here, by PyEER and by scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_curve

from harness.data.records import Dataset, Fold
from harness.metrics.ids import Metric
from harness.metrics.verification import eer, fnmr_at_fmr
from harness.scorefiles import (
    ScoreLists,
    export_scores,
    pyeer_eer,
    read_candidates,
    read_score_lists,
    read_scores,
    split_scores,
)
from harness.scorefiles.independent import metric_of, rank_of
from harness.tasks.answers import Answer
from harness.tasks.counted import counted
from harness.tasks.kinds import task_of
from harness.tasks.protocol import Protocol
from tests.tasks.drawn import answers as drawn_answers
from tests.tasks.drawn import dataset, protocol

RATES = ["eer", "fnmr@fmr=0.1"]
SEARCHED = ["open-set-eer@rank=1", "fnir@fpir=0.1,rank=1"]
TASKS: dict[str, tuple[list[str], dict[str, dict[str, object]]]] = {
    "identification": (RATES, {"folds": {"references": 1}}),
    "same photographs left out": (RATES, {"data": {"same-source": "left-out"}}),
    "verification": (RATES, {}),
    "closed-set": (RATES, {"folds": {"draws": 3}}),
    "open-set": (SEARCHED, {"folds": {"draws": 4, "unknown": 0.3}}),
}
FORMS = ("csv", "npy", "bob-5", "tatt-c", "nist", "parquet")


class Question(NamedTuple):
    """A protocol on a small world, with answers to it."""

    protocol: Protocol
    world: Dataset
    folds: list[Fold]
    answers: list[Answer]

    def pooled(self, answers: Sequence[Answer]) -> dict[str, float | None]:
        outcome = task_of(self.protocol).judge(
            self.folds, answers, self.world.records, self.protocol
        )
        return {name: estimate.value for name, estimate in outcome.metrics.pooled.items()}


@pytest.fixture(params=[(task, lost) for task in TASKS for lost in (False, True)], ids=str)
def question(request: pytest.FixtureRequest) -> Question:
    name, lost = request.param
    metrics, tables = TASKS[name]
    task = name if name in ("verification", "closed-set", "open-set") else "identification"
    asked = protocol(task, metrics, **tables)
    world = dataset([4, 4, 3, 2, 5, 4, 2, 3], photographs=2)
    folds = task_of(asked).lay_out(world, asked)
    failed = ("t00/01.png", "t04/02.png") if lost else ()
    inside = {name for fold in folds for name in (*fold.probes, *fold.gallery)}
    return Question(
        asked, world, folds, drawn_answers(folds, failed=tuple(n for n in failed if n in inside))
    )


@pytest.mark.parametrize("form", FORMS)
def test_every_format_read_back_gives_the_run_s_own_figures(
    question: Question, form: str, tmp_path: Path
) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    files = export_scores(tmp_path, question.folds, question.answers, form)
    read = read_candidates if form in ("tatt-c", "nist") else read_scores
    place = tmp_path if form == "npy" else files[0]
    found = read(place, question.folds, question.world.records)
    assert found.depth is None
    assert question.pooled(found.answers) == question.pooled(question.answers)


@pytest.mark.parametrize(
    "question", [("identification", lost) for lost in (False, True)], indirect=True, ids=str
)
@pytest.mark.parametrize("form", ["tatt-c", "nist"])
def test_lists_that_end_are_written_as_long_as_they_are(
    question: Question, form: str, tmp_path: Path
) -> None:
    depth, ended = 2, []
    for answer in question.answers:
        known = np.where(np.isfinite(answer.scores), answer.scores, -np.inf)
        best = np.argsort(-known, axis=1, kind="stable")[:, :depth]
        scores = np.where(np.isfinite(answer.scores), -np.inf, answer.scores)
        np.put_along_axis(scores, best, np.take_along_axis(answer.scores, best, axis=1), axis=1)
        ended.append(Answer(scores, answer.failures))
    (file,) = export_scores(tmp_path, question.folds, ended, form, depth=depth)
    found = read_candidates(file, question.folds, question.world.records)
    assert found.depth == depth
    lines = file.read_text().splitlines()[form == "nist" :]
    ranks = {int(line.split("|" if form == "tatt-c" else " ")[1]) for line in lines}
    assert ranks == ({1, 2} if form == "tatt-c" else {0, 1})
    ours, theirs = (question.pooled(answers) for answers in (ended, found.answers))
    assert theirs == ours
    for kept, answer in zip(found.answers, ended, strict=True):
        assert (np.isfinite(kept.scores) == np.isfinite(answer.scores)).all()


def test_score_lists_give_the_run_s_own_figures(question: Question, tmp_path: Path) -> None:
    own = question.pooled(question.answers)
    rank = rank_of(question.protocol)
    files = export_scores(tmp_path, question.folds, question.answers, "pyeer", rank=rank)
    lists = read_score_lists(*files)
    miss, rate = sorted(own, key=lambda name: "eer" in name)
    assert eer(lists.mated, lists.nonmated) == pytest.approx(own[rate], abs=1e-12)
    assert fnmr_at_fmr(lists.mated, lists.nonmated, 0.1) == pytest.approx(own[miss], abs=1e-12)

    told = pyeer_eer(lists)
    if told.value is None and "imported" in told.reason:
        pytest.skip(told.reason)
    assert told.value is not None
    assert told.tolerance is not None
    assert abs(told.value - float(own[rate] or 0)) <= told.tolerance

    truth = np.repeat([1, 0], [len(lists.mated), len(lists.nonmated)])
    fpr, tpr, _ = roc_curve(truth, np.concatenate([lists.mated, lists.nonmated]))
    assert np.interp(0.1, fpr, tpr, left=0) >= 1 - float(own[miss] or 0) - 1e-9
    crossing = int(np.argmax(fpr >= 1 - tpr))
    low, high = (1 - tpr)[crossing], fpr[crossing]
    assert min(low, fpr[crossing - 1]) - 1e-9 <= float(own[rate] or 0) <= high + 1e-9


def test_what_is_not_compared_is_in_no_file(tmp_path: Path) -> None:
    metrics, tables = TASKS["verification"]
    asked = protocol("verification", metrics, **tables)
    world = dataset([3, 3, 2])
    folds = task_of(asked).lay_out(world, asked)
    (fold,) = folds
    pairs = {*fold.mates, *fold.nonmates}
    assert len(pairs) < len(fold.probes) * len(fold.gallery) / 2
    answers = drawn_answers(folds)
    lists = split_scores(folds, answers)
    assert (len(lists.mated), len(lists.nonmated)) == (len(fold.mates), len(fold.nonmates))
    (table,) = export_scores(tmp_path, folds, answers, "csv")
    written = {tuple(line.split(",")[1:3]) for line in table.read_text().splitlines()[1:]}
    assert written == pairs
    assert int(counted(fold).compared.sum()) == len(pairs)


def test_a_comparison_of_several_draws_counts_in_each(tmp_path: Path) -> None:
    metrics, tables = TASKS["closed-set"]
    asked = protocol("closed-set", metrics, **tables)
    world = dataset([2, 2, 2])
    folds = task_of(asked).lay_out(world, asked)
    lists = split_scores(folds, drawn_answers(folds))
    assert (len(lists.mated), len(lists.nonmated)) == (3 * 3, 3 * 6)


few = st.integers(-4, 4).map(float)


@settings(max_examples=300, deadline=None)
@given(
    mated=st.lists(few | st.just(-np.inf), min_size=1, max_size=12),
    nonmated=st.lists(few, min_size=1, max_size=30),
)
def test_pyeer_and_ours_differ_by_no_more_than_the_step_where_the_rates_cross(
    mated: list[float], nonmated: list[float]
) -> None:
    lists = ScoreLists(np.array(mated), np.array(nonmated))
    told = pyeer_eer(lists)
    if told.value is None:
        assert "imported" in told.reason or "highest threshold" in told.reason
        return
    assert told.tolerance == lists.step
    assert abs(told.value - eer(lists.mated, lists.nonmated)) <= lists.step + 1e-12


def test_without_ties_the_step_is_one_mated_and_one_nonmated_score_at_most() -> None:
    rng = np.random.default_rng(5)
    lists = ScoreLists(rng.normal(1, 1, 40), rng.normal(0, 1, 300))
    assert lists.step == pytest.approx(1 / 40 + 1 / 300)
    tied = ScoreLists(np.array([0.0, 1.0, 1.0, 2.0]), np.array([1.0, 1.0, 1.0, 0.0]))
    assert tied.step == pytest.approx(2 / 4 + 3 / 4)


def test_the_metric_that_another_program_can_compute_is_the_protocol_s() -> None:
    assert metric_of(protocol("open-set", SEARCHED)) == Metric.parse("open-set-eer@rank=1")
    assert rank_of(protocol("open-set", SEARCHED)) == 1
    assert metric_of(protocol("closed-set", ["map"])) is None
    assert rank_of(protocol("verification", RATES)) is None
